"""Measuring time, and the figures that compare networks."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex

from cnnbook import plots, timing
from cnnbook.plots import comparison
from cnnbook.plots.style import BLUE, GREEN, RED

# Time


class _Clock:
    """A clock that only work moves, and an accelerator that works when waited for."""

    def __init__(self):
        self.now, self.queued, self.calls = 0.0, 0.0, []

    def work(self, name, *durations, queued=False):
        """Return a function whose calls take these times; the last one for all more."""
        left = list(durations)

        def function():
            self.calls.append(name)
            duration = left.pop(0) if len(left) > 1 else left[0]
            if queued:
                self.queued += duration
            else:
                self.now += duration

        return function

    def wait(self):
        self.now, self.queued = self.now + self.queued, 0.0


@pytest.fixture
def clock(monkeypatch):
    clock = _Clock()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "synchronize", clock.wait)
    return clock


def test_functions_take_turns(clock):
    functions = {"a": clock.work("a", 1.0), "b": clock.work("b", 2.0)}
    rounds = timing.measure(functions, repeats=3, warm_up=2)
    assert clock.calls == ["a", "b"] * 5
    assert rounds.to_dict("list") == {"a": [1.0] * 3, "b": [2.0] * 3}


def test_the_first_rounds_do_not_count(clock):
    function = clock.work("a", 100.0, 50.0, 1.0)
    assert timing.measure({"a": function}, warm_up=2).a.max() == 1
    function = clock.work("a", 100.0, 1.0)
    rounds = timing.measure({"a": function}, repeats=3, warm_up=0)
    assert rounds.a.tolist() == [100, 1, 1]


def test_the_accelerator_is_waited_for(clock):
    functions = {
        "queues": clock.work("queues", 3.0, queued=True),
        "does not": clock.work("does not", 1.0),
    }
    clock.queued = 50.0  # left over from before
    rounds = timing.measure(functions, repeats=2, warm_up=0)
    assert rounds.to_dict("list") == {"queues": [3.0, 3.0], "does not": [1.0, 1.0]}


def test_real_time_is_measured():
    rounds = timing.measure({"sum": lambda: sum(range(1000))}, repeats=4)
    assert rounds.shape == (4, 1)
    assert (rounds["sum"] > 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"functions": {}}, "nothing to measure"),
        ({"repeats": 0}, "at least 1 and warm_up at least 0, got 0 and 1"),
        ({"warm_up": -1}, "at least 1 and warm_up at least 0, got 7 and -1"),
    ],
)
def test_what_cannot_be_measured_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        timing.measure(**{"functions": {"a": int}} | options)


# Figures


@pytest.fixture(autouse=True)
def _closed_figures():
    plots.use_style()
    yield
    plt.close("all")


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


def test_a_blobs_area_is_its_number_of_parameters():
    axis = plots.blobs(_published(), {})
    sizes = np.array(_blob_sizes(axis)) / comparison.AREA
    assert sizes.tolist() == [140, 60, 25, 1]  # small ones are drawn last, on top


def test_frames_share_their_axes_and_add_blobs():
    table = _published()
    frames = [plots.blobs(table, {}, until=year) for year in (2014, 2016, 2020)]
    assert [len(_blob_sizes(axis)) for axis in frames] == [2, 3, 4]
    for limits in ("get_xlim", "get_ylim", "get_position"):
        assert len({str(getattr(axis, limits)()) for axis in frames}) == 1


def test_networks_of_the_last_year_have_a_dark_rim():
    rims = plots.blobs(_published(), {}, until=2016).collections[0].get_edgecolors()
    dark = [to_hex(rim) == "#000000" for rim in rims]
    assert dark == [False, True, False]  # by size: wide, deep, small


def test_a_front_is_a_staircase_to_the_edge():
    table = _published()
    axis = plots.blobs(table, {"original": table.iloc[[0, 2]]})
    (line,) = axis.get_lines()
    assert line.get_xdata().tolist()[:2] == [0.3, 4.0]
    assert line.get_xdata()[-1] == axis.get_xlim()[1]
    assert line.get_ydata().tolist() == [56, 76, 76]
    assert line.get_drawstyle() == "steps-post"


def test_only_networks_on_view_are_labelled():
    axis = plots.blobs(_published(), {}, labelled=[0, 2, 3], until=2016)
    words = {text.get_text() for text in axis.texts}
    assert {"small", "deep"} <= words
    assert not {"wide", "late"} & words


def test_labels_cover_neither_labels_nor_points():
    figure, axis = plt.subplots()
    axis.set(xlim=(0, 10), ylim=(0, 10))
    xs, ys = np.array([5.0, 5.4, 5.0, 9.9]), np.array([5.0, 5.0, 5.3, 9.9])
    comparison._label_points(axis, xs, ys, ["first", "second", "third", "corner"])
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) == 4
    points = axis.transData.transform(np.column_stack([xs, ys]))
    frame = axis.get_window_extent()
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert not box.count_contains(points)
        assert frame.containsx(box.x1)
        assert frame.containsy(box.y1)


def test_every_point_gets_a_label_even_where_there_is_no_room():
    _, axis = plt.subplots(figsize=(1, 1))
    middle = [0.5] * 40
    comparison._label_points(axis, middle, middle, ["a long label"] * 40)
    assert len(axis.texts) == 40


def test_the_densest_network_is_on_top():
    axis = plots.densities(_published())
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == ["small", "deep", "late", "wide"]
    top = min(axis.texts, key=lambda text: text.xy[1])
    assert top.get_text() == "56.0   (56 %)"
    assert axis.yaxis_inverted()


def test_the_dashed_line_is_the_median_rate():
    table = pd.DataFrame(
        {"macs": [1e9, 2e9, 4e9], "seconds": [0.1, 0.1, 0.1]}, index=["a", "b", "c"]
    )
    axis = plots.times(table)
    dashed, points = axis.get_lines()
    assert points.get_ydata() == pytest.approx([100, 100, 100])
    billions, milliseconds = dashed.get_data()
    assert billions / milliseconds == pytest.approx(2 / 100)


def test_the_roof_is_the_lower_of_both_limits():
    layers = pd.DataFrame(
        {"intensity": [0.25, 50.0], "rate": [1e9, 9e9]}, index=["left", "right"]
    )
    axis = plots.roofline(layers, rate=20e9, bandwidth=10e9)
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
    left, right = plots.panels(table, {"x": "first", "y": "second"})
    assert left.get_title() == "first"
    colours = [to_hex(bar.get_facecolor()).upper() for bar in left.patches]
    assert colours == [GREEN, RED, BLUE]
    assert [text.get_text() for text in right.texts] == ["9.0", "8.0", "7.0"]
    assert [label.get_text() for label in left.get_yticklabels()] == ["a", "b", "c"]
