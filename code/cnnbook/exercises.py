"""Checking a reader's answer to an exercise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch


def check(
    answer: Callable, cases: Iterable[tuple[tuple, Any]], *, tolerance: float = 1e-4
) -> None:
    """Call `answer` on each case and print how it did.

    A stub, which returns None (or ``...``), is "not attempted yet". The first case
    that is wrong is shown with what came and what was expected.

    Args:
        answer: The reader's function.
        cases: Pairs (arguments, expected result).
        tolerance: How far floats and tensors may be off, relatively.
    """
    name, cases = answer.__name__, list(cases)
    for arguments, expected in cases:
        got = answer(*arguments)
        if got is None or got is ...:
            print(f"{name}: not attempted yet")
            return
        if not _equal(got, expected, tolerance):
            shown = ", ".join(map(_short, arguments))
            print(f"{name}({shown}) gave {_short(got)}, expected {_short(expected)}")
            if _same_shape(got, expected):
                off = (got.to(expected) - expected).abs().max()
                print(f"the shape is right; the values differ by up to {off:.3g}")
            return
    print(f"{name}: correct in {len(cases)} of {len(cases)} cases")


def _equal(got: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, torch.Tensor):
        return _same_shape(got, expected) and torch.allclose(
            got.to(expected), expected, rtol=tolerance, atol=1e-5
        )
    if isinstance(got, torch.Tensor) and got.numel() == 1:
        got = got.item()
    if isinstance(expected, float) and isinstance(got, int | float):
        return math.isclose(got, expected, rel_tol=tolerance)
    return got == expected


def _same_shape(got: Any, expected: Any) -> bool:
    both = isinstance(got, torch.Tensor) and isinstance(expected, torch.Tensor)
    return both and got.shape == expected.shape


def _short(value: Any) -> str:
    if isinstance(value, torch.Tensor) and value.numel() > 8:
        return f"a tensor of shape {tuple(value.shape)}"
    return repr(value)
