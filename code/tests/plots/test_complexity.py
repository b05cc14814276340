import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from cnnbook.plots import complexity
from cnnbook.plots.complexity import accuracy_against_macs
from cnnbook.plots.style import BLUE, GREEN, INK, RED


def _published():
    return pd.DataFrame(
        {
            "model": ["small", "wide", "deep", "late"],
            "year": [2014, 2014, 2016, 2020],
            "recipe": ["original", "original", "original", "new"],
            "accuracy": [56.0, 70.0, 76.0, 85.0],
            "parameters": [1.0, 140.0, 25.0, 60.0],
            "macs": [0.3, 15.0, 4.0, 40.0],
        }
    )


def _blob_sizes(axis):
    return axis.collections[0].get_sizes().tolist()


def test_a_squares_area_is_its_share_of_the_largest_on_its_scale():
    table = pd.DataFrame({"few": [4.0, 1.0, 2.0], "many": [10.0, 40.0, 20.0]})
    areas = [
        square.get_width() * square.get_height()
        for square in complexity.scales(table).patches
    ]
    expected = (table / table.max()).to_numpy().T.ravel()
    np.testing.assert_allclose(np.array(areas) / max(areas), expected)


def test_a_blobs_area_is_its_number_of_parameters():
    axis = accuracy_against_macs(_published(), {})
    sizes = np.array(_blob_sizes(axis)) / complexity._area(1)
    assert sizes.tolist() == [140, 60, 25, 1]  # small ones are drawn last, on top


def test_frames_share_their_axes_and_add_blobs():
    table = _published()
    frames = [
        accuracy_against_macs(table, {}, until=year) for year in (2014, 2016, 2020)
    ]
    assert [len(_blob_sizes(axis)) for axis in frames] == [2, 3, 4]
    for limits in ("get_xlim", "get_ylim", "get_position"):
        assert len({str(getattr(axis, limits)()) for axis in frames}) == 1


def test_networks_of_the_last_year_have_a_dark_rim():
    rims = (
        accuracy_against_macs(_published(), {}, until=2016)
        .collections[0]
        .get_edgecolors()
    )
    dark = [to_hex(rim) == INK for rim in rims]
    assert dark == [False, True, False]  # by size: wide, deep, small


def test_a_front_is_a_staircase_to_the_edge():
    table = _published()
    axis = accuracy_against_macs(table, {"original": table.iloc[[0, 2]]})
    (line,) = axis.get_lines()
    assert line.get_xdata().tolist()[:2] == [0.3, 4.0]
    assert line.get_xdata()[-1] == axis.get_xlim()[1]
    assert line.get_ydata().tolist() == [56, 76, 76]
    assert line.get_drawstyle() == "steps-post"


def test_only_networks_on_view_are_labelled():
    axis = accuracy_against_macs(_published(), {}, labelled=[0, 2, 3], until=2016)
    words = {text.get_text() for text in axis.texts}
    assert {"small", "deep"} <= words
    assert not {"wide", "late"} & words


def test_the_densest_network_is_on_top():
    axis = complexity.accuracy_per_parameter(_published())
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == ["small", "deep", "late", "wide"]
    top = min(axis.texts, key=lambda text: text.xy[1])
    assert top.get_text() == "56.0   (56 %)"
    assert axis.yaxis_inverted()


def test_the_dashed_line_is_the_median_rate():
    table = pd.DataFrame(
        {"macs": [1e9, 2e9, 4e9], "seconds": [0.1, 0.1, 0.1]}, index=["a", "b", "c"]
    )
    axis = complexity.time_against_macs(table)
    dashed, points = axis.get_lines()
    assert points.get_ydata() == pytest.approx([100, 100, 100])
    billions, milliseconds = dashed.get_data()
    assert billions / milliseconds == pytest.approx(2 / 100)


def test_the_roof_is_the_lower_of_both_limits():
    layers = pd.DataFrame(
        {"intensity": [0.25, 50.0], "rate": [1e9, 9e9]}, index=["left", "right"]
    )
    axis = complexity.roofline(layers, rate=20e9, bandwidth=10e9)
    roof, ridge, points = axis.get_lines()
    intensity, billions = roof.get_data()
    assert ridge.get_xdata() == [2, 2]
    flat = intensity >= 2
    assert billions[flat] == pytest.approx(20)
    assert billions[~flat] == pytest.approx(10 * intensity[~flat])
    assert points.get_ydata() == pytest.approx([1, 9])
    assert {"left", "right"} <= {text.get_text() for text in axis.texts}


def test_panels_mark_the_largest_and_the_smallest():
    table = pd.DataFrame({"x": [1.0, 3.0, 2.0], "y": [9.0, 8.0, 7.0]}, index=[*"abc"])
    left, right = complexity.bar_panels(table, {"x": "first", "y": "second"})
    assert left.get_title() == "first"
    colours = [to_hex(bar.get_facecolor()) for bar in left.patches]
    assert colours == [GREEN, RED, BLUE]
    assert [text.get_text() for text in right.texts] == ["9.0", "8.0", "7.0"]
    assert [label.get_text() for label in left.get_yticklabels()] == ["a", "b", "c"]
