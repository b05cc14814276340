"""Measuring how long code runs, with a clock that only work moves."""

import pytest
import torch

from cnnbook import timing


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
        ({"repeats": 1.5}, "a whole number of at least 1 .* got 1.5 and 1"),
        ({"warm_up": "2"}, "at least 0, got 7 and 2"),
        ({"functions": [int]}, "functions must be functions by name"),
        ({"functions": {"a": 1}}, "functions must be functions by name"),
        ({"warm_up": -1}, "at least 1 and warm_up at least 0, got 7 and -1"),
    ],
)
def test_what_cannot_be_measured_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        timing.measure(**{"functions": {"a": int}} | options)
