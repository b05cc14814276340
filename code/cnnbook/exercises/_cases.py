"""What the chapters' cases share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

# The arguments of a reader's function, and what it should return for them.
Cases: TypeAlias = list[tuple[tuple, Any]]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw what ``torch.manual_seed(seed)`` would, and leave the reader's generator."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


class Wanted(ABC):
    """What a reader's answer should be: it equals each that fits."""

    answers: type = nn.Module  # what may fit

    @abstractmethod
    def fits(self, answer: Any) -> bool:
        """Judge an answer of the type of `answers`."""

    def found(self, answer: Any) -> str:
        """Say what an answer that does not fit has of what was asked for."""
        return ""

    def __eq__(self, other: object) -> bool:
        """Judge an answer; two of these are the same if they hold the same."""
        if type(other) is type(self):
            return _same(vars(self), vars(other))
        return self.fits(other) if isinstance(other, self.answers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal to answers, which have others


def _same(one: Any, other: Any) -> bool:
    """Compare numbers, tensors, and dictionaries of them."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            _same(value, other[name]) for name, value in one.items()
        )
    return torch.equal(one, other) if isinstance(one, Tensor) else one == other


class Computes(Wanted):
    """What a reader's module should do: map `x` to `expected`."""

    def __init__(self, x: Tensor, expected: Tensor):
        self.x, self.expected = x, expected

    def fits(self, answer: nn.Module) -> bool:
        """Run a module."""
        got = answer(self.x)
        return got.shape == self.expected.shape and torch.allclose(
            got, self.expected, atol=1e-5
        )

    def __repr__(self) -> str:
        """Say what the module should do, for a reader whose own does not."""
        shapes = tuple(self.x.shape), tuple(self.expected.shape)
        return "a module that maps {} to the right numbers of shape {}".format(*shapes)
