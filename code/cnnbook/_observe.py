"""Running a network to look at it, and leaving it as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torch import nn


@contextmanager
def several_images() -> Iterator[None]:
    """Say what to do where batch normalisation, in training, is given one image."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ValueError(
            f"{error}: batch normalisation compares images, and here is only one. Take "
            "a larger batch, or fewer parts of it"
        ) from error


@contextmanager
def running(
    model: nn.Module,
    hooks: Mapping[nn.Module, Callable] | None = None,
    training: bool = False,
) -> Iterator[None]:
    """Put all of a network into one mode, with hooks, for as long as the block lasts.

    Afterwards, also after an error, the hooks are gone and every module is in the mode
    that it was in itself: part of a network may be frozen, in eval mode, while the rest
    is trained. `model.train()` would thaw it.

    Args:
        model: Any network.
        hooks: A forward hook for each of some modules: called with the module, its
            inputs and its output.
        training: Training mode; eval mode if false.
    """
    before = {module: module.training for module in model.modules()}
    handles = [m.register_forward_hook(hook) for m, hook in (hooks or {}).items()]
    try:
        model.train(training)
        with several_images():
            yield
    finally:
        for module, was_training in before.items():
            module.training = was_training
        for handle in handles:
            handle.remove()
