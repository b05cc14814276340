"""What the chapters' cases share."""

from __future__ import annotations

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


class Computes:
    """What a reader's module should do: it equals each that maps `x` to `expected`."""

    def __init__(self, x: Tensor, expected: Tensor):
        self.x, self.expected = x, expected

    def __eq__(self, other: object) -> bool:
        """Run a module; another of these cases is the same if it holds the same."""
        if isinstance(other, Computes):
            return torch.equal(self.x, other.x) and torch.equal(
                self.expected, other.expected
            )
        if not isinstance(other, nn.Module):
            return NotImplemented
        got = other(self.x)
        return got.shape == self.expected.shape and torch.allclose(
            got, self.expected, atol=1e-5
        )

    __hash__ = None  # type: ignore[assignment]  # equal to modules, which have others

    def __repr__(self) -> str:
        """Say what the module should do, for a reader whose own does not."""
        shapes = tuple(self.x.shape), tuple(self.expected.shape)
        return "a module that maps {} to the right numbers of shape {}".format(*shapes)
