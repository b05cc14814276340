import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex

from cnnbook.plots import vgg
from cnnbook.receptive_field import path_counts


def test_fields_are_squares_around_the_middle_of_the_photograph():
    fields = {"wide": [3, 9], "deep": [1, 5, 7]}
    left, right = vgg.nested_fields(fields, torch.zeros(3, 10, 10))
    assert left.get_title() == "wide, 2 layers:\n3×3 to 9×9 pixels"
    frames = {frame.get_bbox().bounds for frame in left.patches}
    assert frames == {(3, 3, 3, 3), (0, 0, 9, 9)}
    assert len({frame.get_width() for frame in right.patches}) == 3


def test_networks_stand_side_by_side_with_the_input_at_the_bottom():
    networks = {"a": [("3×3", "conv"), ("10", "dense")], "b": [("5×5", "conv")]}
    axis = vgg.layers_side_by_side(networks)
    places = {text.get_text(): text.get_position() for text in axis.texts}
    assert places["3×3"] == (0, 1)
    assert places["10"] == (0, 2)
    assert places["5×5"] == (1, 1)
    colours = [to_hex(box.get_facecolor()) for box in axis.patches]
    assert colours[0] == colours[2] != colours[1]


@pytest.mark.parametrize("kernels", [[5], [3, 3], [3, 3, 3], [1, 7]])
def test_a_pyramid_is_as_wide_as_the_field(kernels):
    field = 1 + sum(kernel - 1 for kernel in kernels)
    axis = vgg.pyramids({"stack": kernels})
    assert f"{field} pixels" in [text.get_text() for text in axis.texts]
    assert sum(box.get_y() == 0 for box in axis.patches) == field
    top = [box for box in axis.patches if box.get_y() == 2 * len(kernels)]
    assert len(top) == 1


def test_a_field_is_framed_and_fades_where_little_is_seen():
    photograph, share = torch.zeros(3, 8, 8), torch.zeros(8, 8)
    share[4, 4] = 1.0
    left, right = vgg.receptive_field(photograph, (2, 6), share, 3)
    frames = {frame.get_bbox().bounds for frame in left.patches}
    assert frames == {(1.5, 1.5, 5, 5), (2.5, 2.5, 3, 3)}
    assert {frame.get_bbox().bounds for frame in right.patches} == {(2.5, 2.5, 3, 3)}
    seen = right.get_images()[0].get_array()
    assert seen[4, 4].tolist() == [0, 0, 0]
    assert seen[3, 4].tolist() == [1, 1, 1]  # white
    assert right.get_title() == "what the unit sees: 5×5"


def test_means_have_the_standard_error_of_their_dots():
    values = {"plain\nslow": [1.0, 3.0], "plain\nfast": [2.0, 2.0], "skip": [0.0, 4.0]}
    axis = vgg.dots_with_means(values, xlabel="error")
    dots = axis.get_lines()[0]
    assert dots.get_xdata().tolist() == [1, 3]
    mean, _, (bar,) = axis.containers[0]
    assert mean.get_xdata() == [2]
    assert bar.get_segments()[0][:, 0].tolist() == pytest.approx([1, 3])
    colours = [container[0].get_color() for container in axis.containers]
    assert colours[0] == colours[1] != colours[2]  # by the first line of the label


def test_a_walk_names_size_jump_and_start_of_each_layer():
    axis = vgg.stride_walk([(3, 2, 1), (3, 1, 1)])
    words = [text.get_text() for text in axis.texts]
    assert "pixels: r = 1, j = 1, a = 0" in words
    assert any(word.endswith("r = 3, j = 2, a = −1") for word in words)
    assert "r = 7 pixels from a = −3" in words
    (first, _), (second, _) = (bar.get_xdata() for bar in axis.get_lines()[-2:])
    assert second - first == 2


def test_a_triangle_writes_every_count_and_leaves_blind_places_empty():
    axis = vgg.path_triangles({"a": path_counts([3], [2])})
    assert [text.get_text() for text in axis.texts] == [
        "a",
        "1",
        "1",
        "0",
        "1",
        "0",
        "1",
    ]
    blind = [box for box in axis.patches if box.get_facecolor()[3] == 0]
    assert len(blind) == 2


def test_kernels_are_drawn_weight_by_weight():
    holes = np.array([[1, 0, 1]])
    axis = vgg.kernel_shapes({"two": [np.ones((2, 2)), holes]})
    assert [text.get_text() for text in axis.texts] == ["two", "6 weights"]
    filled = [box for box in axis.patches if box.get_facecolor()[3] > 0]
    assert (len(axis.patches), len(filled)) == (7, 6)


def test_marks_stand_where_they_belong():
    table = pd.DataFrame({"line": [0.0, 1.0]}, index=[0.0, 4.0])
    axis = vgg.marked_lines(table, {"here": 1.5}, xlabel="x", ylabel="y")
    assert [1.5, 1.5] in [list(line.get_xdata()) for line in axis.get_lines()]
    assert "here" in [text.get_text() for text in axis.texts]


def test_a_profile_shades_the_middle():
    table = pd.DataFrame({"seen": [0.0, 1.0, 0.0]}, index=[-2, 0, 2])
    axis = vgg.profile(table, ("most", 2.0), xlabel="x")
    band = axis.patches[0].get_bbox()
    assert (band.x0, band.x1) == (-1, 1)
    assert {text.get_text() for text in axis.texts} == {"most", "seen"}
