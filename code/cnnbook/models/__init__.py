"""Every architecture of the book, built by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ..lookup import lookup
from . import lenet

# Oldest first.
_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "lenet5": lenet.LeNet5,
    "lenet5-modern": lenet.LeNet5Modern,
    "one-hidden-layer": lenet.OneHiddenLayer,
}


def names() -> list[str]:
    """Return the name of every architecture, oldest first."""
    return list(_BUILDERS)


def build(
    name: str, *, num_classes: int | None = None, in_channels: int | None = None
) -> nn.Module:
    """Build an architecture with freshly initialised weights.

    Args:
        name: One of `names()`.
        num_classes: Number of outputs; the architecture's own default if None.
        in_channels: Channels of the input images; likewise.

    Raises:
        ValueError: If the name is unknown (the message names the closest), or if the
            architecture cannot have this number of classes or channels.
    """
    given = {"num_classes": num_classes, "in_channels": in_channels}
    options = {key: value for key, value in given.items() if value is not None}
    return lookup(name, _BUILDERS, "model")(**options)
