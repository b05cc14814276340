import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex

from cnnbook.plots import charts, style
from cnnbook.plots.style import CYCLE


def test_pictures_have_their_titles():
    grid = charts.images(torch.rand(7, 4, 6), list("abcdefg"), columns=3)
    assert [text.get_text() for text in grid.texts] == list("abcdefg")


def test_photographs_keep_their_shapes_and_boxes():
    pictures = [torch.zeros(3, 40, width, dtype=torch.uint8) for width in (40, 80, 40)]
    boxes = [(10, 5, 20, 30)] * 3
    axis = charts.photographs(pictures, ["a", "b", "c"], columns=2, boxes=boxes)
    shapes = [image.get_extent() for image in axis.images]
    ratios = [(right - left) / (top - low) for left, right, low, top in shapes]
    assert ratios == pytest.approx([1, 2, 1])
    assert shapes[1][1] == pytest.approx(7)  # the longest row is as wide as asked
    first, box = shapes[0], axis.patches[0]
    pixel = (first[1] - first[0]) / 40
    assert box.get_x() - first[0] == pytest.approx(5 * pixel)
    assert first[3] - (box.get_y() + box.get_height()) == pytest.approx(10 * pixel)
    assert (box.get_width(), box.get_height()) == pytest.approx(
        (30 * pixel, 20 * pixel)
    )


def _seeds(*errors):
    return [pd.DataFrame({"shift": [0, 1], "error": error}) for error in errors]


def _assert_mean_and_range(line, band):
    assert line.get_xydata().tolist() == [[0, 2], [1, 4]]
    corners = band.get_paths()[0].vertices.tolist()
    assert [0, 1] in corners
    assert [0, 3] in corners
    assert [1, 4] in corners


def test_a_curve_is_the_mean_of_the_seeds_and_its_band_their_range():
    runs = {"one": _seeds([1, 4], [3, 4]), "two": _seeds([5, 5])}
    axis = charts.curves(
        runs, "error", against="shift", ylabel="error", reference=("paper", 7)
    )
    dashed, line, other = axis.get_lines()
    assert set(dashed.get_ydata()) == {7}
    _assert_mean_and_range(line, axis.collections[0])
    assert other.get_ydata().tolist() == [5, 5]
    written = {text.get_text(): text.get_color() for text in axis.texts}
    assert set(written) == {"paper", "one", "two"}
    assert [written["one"], written["two"]] == [*map(style.in_words, CYCLE[:2])]


def test_panels_of_curves_share_their_scale_from_zero():
    panels = {
        "left": {"one": _seeds([1, 4], [3, 4])},
        "right": {"one": _seeds([50, 60])},
    }
    axes = charts.curve_panels(panels, "error", against="shift", ylabel="error, %")
    assert [axis.get_title("left") for axis in axes] == ["left", "right"]
    _assert_mean_and_range(axes[0].get_lines()[0], axes[0].collections[0])
    assert {axis.get_ylim()[0] for axis in axes} == {0}
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert len(axes[0].figure.legends) == 1
    alone = {"alone": panels["left"]}
    assert charts.curve_panels(alone, "error", against="shift", ylabel="").size == 1


def test_each_column_is_a_line_with_its_name_at_the_end():
    table = pd.DataFrame({"a": [1.0, 10.0], "b": [2.0, 3.0]}, index=[32, 64])
    axis = charts.lines(
        table, xlabel="x", ylabel="y", marker="o", yscale="log", reference=("one", 1.0)
    )
    reference, *columns = axis.get_lines()
    assert set(reference.get_ydata()) == {1}
    for line, (_, values) in zip(columns, table.items(), strict=True):
        assert line.get_xdata().tolist() == [32, 64]
        assert line.get_ydata().tolist() == values.tolist()
    assert {text.get_text() for text in axis.texts} == {"one", "a", "b"}
    assert axis.get_yscale() == "log"


def test_bars_have_their_amounts_written_and_room_for_them():
    _, axis = plt.subplots()
    charts.draw_bars(axis, {"a": 3.0, "b": 4.0}, colours=CYCLE[:2])
    assert [bar.get_width() for bar in axis.patches] == [3, 4]
    assert [to_hex(bar.get_facecolor()) for bar in axis.patches] == [*CYCLE[:2]]
    assert [text.get_text() for text in axis.texts] == ["3.0", "4.0"]
    assert {text.get_ha() for text in axis.texts} == {"left"}  # beside, never inside
    assert axis.yaxis_inverted()  # the first is on top
    assert len(axis.get_xticks()) == 0  # the amounts are written


def test_a_named_scale_of_bars_is_drawn():
    _, axis = plt.subplots()
    series = pd.Series([1.0, 2.0], index=["same", "same"])
    charts.draw_bars(axis, series, write="{:.0f} k".format, limit=2, xlabel="number")
    assert [text.get_text() for text in axis.texts] == ["1 k", "2 k"]
    assert axis.get_xlim() == (0, 2.7)  # room for the words
    assert axis.get_xlabel() == "number"
    assert len(axis.get_xticks()) > 0
