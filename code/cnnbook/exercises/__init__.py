"""Checking a reader's answer to an exercise."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from ._cases import Wanted


def check(
    answer: Callable, cases: Iterable[tuple[tuple, Any]], *, tolerance: float = 1e-4
) -> None:
    """Call `answer` on each case and print how it did.

    A stub, which returns None (or ``...``) or raises NotImplementedError in the first
    case, is "not attempted yet". Several numbers may come as a tuple, a list, an array
    or a tensor, whichever of them is expected. The first case that is wrong is shown
    with what came and what was expected; one that fails, with its error and the line of
    the answer; a module that fails when it is tried, with its error. Nothing is raised.

    Args:
        answer: The reader's function.
        cases: Pairs (arguments, expected result).
        tolerance: How far floats and tensors may be off, relatively.
    """
    name, cases = answer.__name__, list(cases)
    for number, (arguments, expected) in enumerate(cases):
        call = f"{name}({', '.join(map(_short, arguments))})"
        try:
            got = answer(*arguments)
        except NotImplementedError:
            got = None
        except Exception as error:  # the cells below shall run all the same
            print(f"{call} raised {type(error).__name__}: {error}{_line(error)}")
            return
        if number == 0 and (got is None or got is ...):
            print(f"{name}: not attempted yet")
            return
        try:
            right = _equal(got, expected, tolerance)
        except Exception as error:  # in a module of the reader's
            print(f"what {call} gave raised {type(error).__name__}: {error}")
            return
        if not right:
            print(f"{call} gave {_short(got)}, expected {_short(expected)}")
            if isinstance(expected, Wanted) and (found := expected.found(got)):
                print(f"yours: {found}")
            if _same_shape(got, expected):
                off = (got.to(expected).double() - expected.double()).abs().max()
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
    if isinstance(expected, list | tuple):
        if isinstance(got, torch.Tensor | np.ndarray):
            got = got.tolist()
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return False
        return all(_equal(g, e, tolerance) for g, e in zip(got, expected, strict=True))
    same = got == expected
    return same is True or (isinstance(same, np.bool_) and bool(same))


def _line(error: Exception) -> str:
    """Return where in the answer an error came up; nothing if it could not be called.

    The last frame in the answer's own file or cell: those below are a library's.
    """
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    return f"\nin line {own[-1].lineno}: {own[-1].line}" if own else ""


def _same_shape(got: Any, expected: Any) -> bool:
    both = isinstance(got, torch.Tensor) and isinstance(expected, torch.Tensor)
    return both and got.shape == expected.shape


def _short(value: Any) -> str:
    if isinstance(value, torch.Tensor) and value.numel() > 8:
        return f"a tensor of shape {tuple(value.shape)}"
    return repr(value)
