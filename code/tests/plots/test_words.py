"""A figure says itself what its colours and marks mean: few editors show captions."""

import pandas as pd
import pytest
import torch

from cnnbook import cost
from cnnbook.plots import charts, complexity, fc, ilsvrc, labels, lenet, resnet, vgg

RUNS = [pd.DataFrame({"epoch": [1, 2], "error": [4.0, 2.0]})] * 3


def words_in(figure):
    """Return all that is written in a figure, in one line."""
    figure.draw_without_rendering()
    found = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return " | ".join(text.get_text().replace("\n", " ") for text in found)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([3, 3], "mean and range of 3 seeds"),
        ([1, 4], "mean and range of 4 seeds"),
        ([2, 3], "mean and range of 2 or 3 seeds"),
        ([1], ""),
    ],
)
def test_seeds_are_counted(counts, words):
    assert labels.seeds_in_words([[0] * count for count in counts]) == words


def layers():
    table = cost.layer_table(torch.nn.Conv2d(2, 4, 1), (2, 3, 3))
    second = table.assign(layer="x", macs=9999)
    return pd.concat([table.assign(layer="thin"), second], ignore_index=True)


def published():
    return pd.DataFrame(
        {
            "model": ["one", "two"],
            "year": [2014, 2016],
            "recipe": ["other", "new"],
            "accuracy": [56.0, 70.0],
            "parameters": [1.0, 140.0],
            "macs": [0.3, 15.0],
        }
    )


DRAWN = {
    "curves": (
        lambda: charts.curves({"a": RUNS}, "error", ylabel=""),
        "mean and range of 3 seeds",
    ),
    "panels of curves": (
        lambda: charts.curve_panels({"t": {"a": RUNS}}, "error", ylabel=""),
        "mean and range of 3 seeds",
    ),
    "depths": (
        lambda: resnet.norms_by_depth(
            {"t": {"a": RUNS}, "u": {"a": RUNS}}, "error", ylabel=""
        ),
        "geometric mean and range of 3 seeds",
    ),
    "paths": (
        lambda: resnet.path_lengths(
            {"t": [pd.DataFrame({"length": [0], "paths": [1], "share": [1.0]})] * 2}
        ),
        "gradient: mean and range of 2 seeds",
    ),
    "weights": (
        lambda: charts.images([torch.eye(3)], symmetric=True),
        "red: above zero, blue: below; each on its own scale",
    ),
    "weights on one scale": (
        lambda: charts.images([torch.eye(3)], symmetric=True, limit=1.0),
        "red: above zero, blue: below; on one scale",
    ),
    "architecture": (lambda: lenet.architecture(layers()), "2×3×3 | parameters:"),
    "towers": (
        lambda: ilsvrc.gpu_towers(layers(), {"x": 1}),
        "crossing: from one GPU to the other",
    ),
    "MACs": (lambda: ilsvrc.stacked_macs({"a": layers()}), "thin parts: thin"),
    "columns": (
        lambda: vgg.layers_side_by_side({"a": [("3×3", "conv")]}),
        "blue: convolution, orange: pooling, green: dense",
    ),
    "dots": (
        lambda: vgg.dots_with_means({"a": [1.0, 2.0]}, xlabel="error"),
        "error dots: seeds; diamonds: their mean and its standard error",
    ),
    "remedies": (
        lambda: fc.parameters_beside_errors({"a": [1, 2]}, [9], controls=["a"]),
        "mean and range of 2 seeds grey: range of each one's own control",
    ),
    "what is left": (
        lambda: fc.what_is_left({"a": (9.0, 5.0)}, whole=""),
        "pale: before; coloured: after",
    ),
    "hundredths": (
        lambda: fc.hundredths({"of all": 0.5}, of="one layer"),
        "coloured: one layer; each square is one hundredth",
    ),
    "graphs": (
        lambda: resnet.computational_graphs(
            {"skip": {("x", "h"): "w", ("h", "y"): "1"}},
            {"skip": [["y", "h"], ["h", "x"]]},
        ),
        "skip: the first path blue, the second red",
    ),
    "unravelled": (
        lambda: resnet.unravelled({(1,): 1.0}, layers=1),
        "blue: through f, red: past it; right: the product",
    ),
    "connections": (
        lambda: resnet.who_reads_whom({"a": [resnet.Layer(1, 2, 2)]}),
        "orange: one map reads the other",
    ),
    "outlines": (
        lambda: resnet.silhouettes({"a": [2]}),
        "a line per convolution, as wide as it has maps",
    ),
    "pixels": (
        lambda: resnet.pixels_read({"a": torch.eye(2)}),
        "blue: a pixel that is read",
    ),
    "blobs": (
        lambda: complexity.accuracy_against_macs(
            published(),
            {"other": published()[:1], "new": published()},
            quoted=published(),
        ),
        "other recipes, and their front | torchvision's new recipe; line: the front "
        "of all | hollow: from papers, by recipes of their own",
    ),
    "hyperbola": (
        lambda: complexity.hyperbola(published(), published(), (75.0, 5.0)),
        "blue: fitted, and the curve; dotted: its ceiling; orange: above it",
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_says_what_its_marks_mean(name):
    draw, words = DRAWN[name]
    axes = draw()
    figure = getattr(axes, "figure", None) or axes.flat[0].figure
    assert words in words_in(figure)


def test_pictures_in_grey_need_no_words():
    assert "zero" not in words_in(charts.images([torch.eye(3)]).figure)
