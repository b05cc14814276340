import pandas as pd
import pytest
import torch

from cnnbook.plots import resnet
from cnnbook.plots.style import LOOKS

ARROWS = {
    ("x", "net1"): "w1",
    ("w1", "net1"): "x",
    ("net1", "h"): "f'",
    ("h", "net2"): "w2",
    ("w2", "net2"): "h",
    ("net2", "y"): "f'",
    ("x", "h"): "1",
    ("h", "y"): "1",
}


def test_a_graph_is_drawn_from_its_arrows_alone():
    route = ["y", "h", "x"]
    axes = resnet.computational_graphs({"skip": ARROWS}, {"skip": [route]})
    written = {text.get_text(): text.get_position() for text in axes[0, 0].texts}
    nodes = {node for edge in ARROWS for node in edge}
    assert nodes <= set(written)
    places = {node: written[node] for node in nodes}
    assert len(set(places.values())) == len(nodes)  # no two on one place
    columns = {node: column for node, (column, _) in places.items()}
    assert all(columns[a] < columns[b] for a, b in ARROWS)
    # What a weight is multiplied with stands level with it; weights lie below.
    assert columns["w2"] == columns["h"]
    assert places["w1"][1] < places["x"][1] == places["y"][1]
    marked = [patch for patch in axes[0, 0].patches if patch.get_linewidth() > 5]
    assert len(marked) == len(route) - 1


def test_each_kind_has_its_error_at_each_depth():
    errors = pd.DataFrame(
        {"18": [27.94, 27.88], "34": [28.54, 25.03]}, ["plain", "residual"]
    )
    axis = resnet.deeper(errors)
    drawn = [line.get_ydata().tolist() for line in axis.get_lines()]
    assert drawn == errors.to_numpy().tolist()
    written = [text.get_text() for text in axis.texts]
    assert written == ["27.94 %", "plain: 28.54 %", "27.88 %", "residual: 25.03 %"]


def test_path_lengths_are_drawn_as_shares():
    table = pd.DataFrame(
        {"length": [0, 1, 2], "paths": [1, 2, 1], "share": [0.5, 0.25, 0.25]}
    )
    [axis] = resnet.path_lengths({"two blocks": [table, table]})
    assert [bar.get_height() for bar in axis.patches] == [25, 50, 25]
    assert axis.lines[0].get_ydata().tolist() == [50, 25, 25]


def test_norms_by_depth_are_geometric_means_over_the_seeds():
    tables = [pd.DataFrame({"gradient_norm": [value, 1.0]}) for value in (0.01, 100.0)]
    axes = resnet.norms_by_depth(
        {"one": {"plain": tables}, "two": {"plain": tables}},
        "gradient_norm",
        ylabel="gradient norm",
    )
    assert axes.shape == (1, 2)
    for axis in axes.flat:
        assert axis.lines[0].get_ydata().tolist() == pytest.approx([1, 1])
        assert axis.get_yscale() == "log"


def test_the_first_row_of_pixels_is_on_top():
    read = torch.zeros(2, 3)
    read[0, 2] = 0.5
    axes = resnet.pixels_read({"corner": read}, columns=2)
    [mesh] = axes[0, 0].collections
    drawn = mesh.get_array().reshape(2, 3)  # rows from the bottom up
    assert drawn.tolist() == [[0, 0, 0], [0, 0, 1]]


def test_a_residual_block_is_a_plain_one_with_one_arrow_more():
    two = ["3×3 conv", "norm", "ReLU", "3×3 conv", "norm"]
    plain = resnet.Block(two, after=["ReLU"])
    residual = resnet.Block(two, "identity", after=["ReLU"])
    axes = list(resnet.blocks({"plain": plain, "residual": residual}).flat)
    words = [[text.get_text() for text in axis.texts] for axis in axes]
    layers = [[word for word in each if word] for each in words]
    assert layers[0] == ["input", *two, "ReLU"]
    assert sorted(layers[1]) == sorted(["input", *two, "+", "ReLU", "identity"])
    assert [len(axis.patches) for axis in axes] == [0, 1]


def test_a_path_passes_each_layer_through_its_f_or_past_it():
    axis = resnet.unravelled({(1, 2): 0.25, (2,): 0.5, (): 1.0}, layers=2)
    through = [text.get_text() for text in axis.texts if "f" in text.get_text()[:1]]
    assert through == ["f₁", "f₂", "f₂"]
    assert len(axis.patches) == 3  # the arcs past the others
    written = {text.get_text() for text in axis.texts}
    assert {"0.250000", "0.500000", "1.000000"} <= written


def test_a_convolution_in_groups_is_filled_along_its_diagonal():
    layers = [resnet.Layer(1, 8, 4), resnet.Layer(3, 4, 4, groups=2)]
    axis = resnet.who_reads_whom({"block": layers})
    boxes = [(box.get_width(), box.get_height()) for box in axis.patches]
    assert boxes == [(8, 4), (8, 4), (4, 4), (2, 2), (2, 2)]  # frames and what is read
    first, second = axis.patches[3:]
    assert second.get_x() == first.get_x() + 2
    assert second.get_y() == first.get_y() - 2
    weights = 8 * 4 + 9 * (4 * 4) // 2
    assert f"block: {weights} weights" in [text.get_text() for text in axis.texts]


def test_a_silhouette_is_as_wide_as_its_maps_and_as_high_as_its_layers():
    axis = resnet.silhouettes({"deep": [16] * 5, "wide": [16, 64, 64]})
    boxes = [(box.get_width(), box.get_height()) for box in axis.patches]
    assert boxes == [(16, 5), (16, 1), (64, 2)]
    assert {box.get_y() + box.get_height() for box in axis.patches} == {0, -1}


def test_a_stream_grows_only_where_maps_are_appended():
    axes = resnet.streams({"adding": [64, 0, 0], "concatenating": [64, 32, 32]})
    adding, concatenating = axes.flat
    assert [box.get_height() for box in adding.patches] == [64]
    assert [text.get_text() for text in adding.texts] == ["input", "+", "+"]
    assert [box.get_y() for box in concatenating.patches] == [0, 64, 96]
    assert concatenating.get_title(loc="left") == "concatenating: 128 maps at the end"


def test_slopes_have_the_colour_of_their_kind():
    x = torch.linspace(-1, 1, 3)
    axes = resnet.slopes_along(x, {"plain, 2 layers": x, "residual, 2 layers": -x})
    colours = [axis.lines[0].get_color() for axis in axes.flat]
    assert colours == [LOOKS["plain"].colour, LOOKS["residual"].colour]
