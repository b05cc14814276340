"""What the chapters' cases share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch

# The arguments of a reader's function, and what it should return for them.
Cases: TypeAlias = list[tuple[tuple, Any]]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw what ``torch.manual_seed(seed)`` would, and leave the reader's generator."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
