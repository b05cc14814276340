"""Measuring how long code runs, so that two measurements may be compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from numbers import Integral

import pandas as pd
import torch


def measure(
    functions: Mapping[str, Callable[[], object]],
    *,
    repeats: int = 7,
    warm_up: int = 1,
) -> pd.DataFrame:
    """Run each function several times and return how long each run took.

    The functions take turns, so that a moment in which the machine is busy with
    something else hits all alike; the median over the rounds then leaves it out. An
    accelerator works behind Python's back: it is waited for before the clock is read.

    Args:
        functions: What to run, by name; no arguments are given.
        repeats: Rounds that count.
        warm_up: Rounds before, which do not: first runs allocate memory, fill caches
            and choose algorithms.

    Returns:
        A row a round and a column a function, in seconds.

    Raises:
        ValueError: If there is nothing to run, something that cannot be run, or no
            round that counts.
    """
    if not functions:
        raise ValueError("there is nothing to measure: give at least one function")
    if not isinstance(functions, Mapping) or not all(map(callable, functions.values())):
        raise ValueError(f"functions must be functions by name, got {functions!r}")
    whole = isinstance(repeats, Integral) and isinstance(warm_up, Integral)
    if not whole or repeats < 1 or warm_up < 0:
        raise ValueError(
            "repeats must be a whole number of at least 1 and warm_up at least 0, "
            f"got {repeats} and {warm_up}"
        )
    rounds = [
        {name: _seconds(function) for name, function in functions.items()}
        for _ in range(warm_up + repeats)
    ]
    return pd.DataFrame(rounds[warm_up:])


def _seconds(function: Callable[[], object]) -> float:
    _finish()
    start = time.perf_counter()
    function()
    _finish()
    return time.perf_counter() - start


def _finish() -> None:
    """Wait until the accelerator, if there is one, has done all that it was given."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
