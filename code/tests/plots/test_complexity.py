import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from cnnbook.plots import complexity
from cnnbook.plots.complexity import accuracy_against_macs
from cnnbook.plots.style import BLUE, GREEN, RED


def _published():
    return pd.DataFrame(
        {
            "model": ["small", "wide", "deep", "late"],
            "year": [2014, 2014, 2016, 2020],
            "recipe": ["other", "other", "other", "new"],
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


def test_a_front_is_a_staircase_to_the_edge():
    table = _published()
    axis = accuracy_against_macs(table, {"other": table.iloc[[0, 2]]})
    (line,) = axis.get_lines()
    assert line.get_xdata().tolist()[:2] == [0.3, 4.0]
    assert line.get_xdata()[-1] == axis.get_xlim()[1]
    assert line.get_ydata().tolist() == [56, 76, 76]
    assert line.get_drawstyle() == "steps-post"


def test_a_band_is_two_deviations_of_a_count():
    table = _published()
    axis = accuracy_against_macs(table, {"other": table.iloc[[0, 2]]})
    band = axis.collections[2].get_paths()[0].vertices  # behind blobs and hollow marks
    half = 2 * np.sqrt(0.56 * 0.44 / 50_000) * 100
    assert band[:, 1].min() == pytest.approx(56 - half)
    assert complexity._deviation(np.array([50.0])) == pytest.approx(50 / 50_000**0.5)


def test_only_the_networks_named_are_labelled():
    quoted = pd.DataFrame(
        {"model": ["told", "later"], "year": [2015, 2023], "macs": [1, 99.0],
         "accuracy": [60.0, 80.0]}
    )  # fmt: skip
    names = {0: "Small", 2: "Deep", 3: "Late"}
    axis = accuracy_against_macs(_published(), {}, names=names, quoted=quoted)
    words = {text.get_text() for text in axis.texts}
    assert {"Small", "Deep", "told"} <= words
    assert "wide" not in words
    assert axis.get_xlim()[1] > 99


def test_an_arrow_leads_up_to_the_same_network_trained_again():
    axis = accuracy_against_macs(_published(), {}, raised=(0, 2))
    (arrow,) = (text for text in axis.texts if not text.get_text())
    assert (arrow.xyann, arrow.xy) == ((0.3, 56.0), (4.0, 76.0))


def test_a_peak_is_marked_where_it_is():
    axis = complexity.memory_in_time({"net": [1e6, 5e6, 2e6]}, "time")
    line, dot = axis.get_lines()
    assert line.get_ydata().tolist() == [1, 5, 2]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (50, 5)
    assert [text.get_text() for text in axis.texts] == ["net: 5.0 MB"]


def test_a_line_joins_a_map_to_each_that_it_reads():
    kinds = {"all": (np.ones((2, 3), bool), 3), "own": (np.eye(3, dtype=bool), 1)}
    dense, own = complexity.who_reads_whom(kinds).flat
    assert (len(dense.get_lines()), len(own.get_lines())) == (6, 3)
    assert dense.get_title() == "all"
    assert len(dense.patches) == 2 * (3 + 2)


def test_the_highest_rate_is_on_top():
    table = pd.DataFrame({"rate": [1e9, 4e9, 2e9]}, index=["a", "b", "c"])
    axis = complexity.rates(table)
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == ["b", "c", "a"]
    assert axis.get_lines()[0].get_xdata() == [2, 2]


def test_a_batch_is_compared_with_one_image():
    sweeps = {"net": {1: 0.1, 4: 0.2}}
    throughput, latency = complexity.batches(sweeps)
    assert throughput.get_lines()[0].get_ydata().tolist() == [1, 2]
    assert latency.get_lines()[0].get_ydata().tolist() == [100, 200]


def test_a_hyperbola_has_its_ceiling():
    table = _published()
    axis = complexity.hyperbola(table, table[:3], (75.0, 6.0))
    *_, curve, ceiling = axis.get_lines()
    macs, accuracy = curve.get_data()
    assert accuracy == pytest.approx(75 - 6 / macs)
    assert list(ceiling.get_ydata()) == [75, 75]


def test_panels_mark_the_largest_and_the_smallest():
    table = pd.DataFrame({"x": [1.0, 3.0, 2.0], "y": [9.0, 8.0, 7.0]}, index=[*"abc"])
    titles = {"x": "first", "y": "second"}
    left, right = complexity.bar_panels(table, titles, good={"y"})
    assert left.get_title() == "first"
    colours = [to_hex(bar.get_facecolor()) for bar in left.patches]
    assert colours == [GREEN, RED, BLUE]
    colours = [to_hex(bar.get_facecolor()) for bar in right.patches]
    assert colours == [GREEN, BLUE, RED]  # of what is good the most is green
    assert [text.get_text() for text in right.texts] == ["9.0", "8.0", "7.0"]
    assert [label.get_text() for label in left.get_yticklabels()] == ["a", "b", "c"]
