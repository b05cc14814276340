"""Running a network to look at it, and leaving it as it was."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

_MADE_FROM_A_NETWORK = (
    nn.DataParallel,
    nn.parallel.DistributedDataParallel,
    torch.jit.ScriptModule,
)
_COMPILED = ["OptimizedModule"]  # by name, because its import takes seconds


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


def expect_plain(model: nn.Module) -> None:
    """Refuse a network that cannot be looked at, or would be changed by a look.

    Raises:
        ValueError: If a layer is lazy, or the network is wrapped, compiled, quantised
            or a script.
    """
    tensors = itertools.chain(model.parameters(), model.buffers())
    if any(map(nn.parameter.is_lazy, tensors)):
        raise ValueError("a lazy layer has no weights yet: run the network once first")
    for module in model.modules():
        kind = type(module)
        made = isinstance(module, _MADE_FROM_A_NETWORK) or kind.__name__ in _COMPILED
        if made or "quantized" in kind.__module__.split("."):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise ValueError(
                f"give the network itself, not {article} {kind.__name__} made from it"
            )
        if module._compiled_call_impl is not None:
            raise ValueError(
                "the network is compiled, and hides what it does: give a copy that is "
                "not, or call compile() later"
            )


@contextmanager
def restored(model: nn.Module) -> Iterator[None]:
    """Put back, afterwards, whatever a `forward` sets in the modules of a network.

    Networks cache tensors as attributes, register buffers, count their calls. If they
    run on stand-ins (on the meta device, with other weights), none of it may stay. A
    copy would not do: it takes memory, and not every network can be copied.
    """
    before = [(module, dict(vars(module))) for module in model.modules()]
    # Buffers, submodules and a module's own lists are changed in place.
    contents = [
        (value, tuple(value.items() if isinstance(value, dict) else value))
        for _, attributes in before
        for value in attributes.values()
        if isinstance(value, dict | list | set)
    ]
    try:
        yield
    finally:
        for module, attributes in before:
            vars(module).clear()
            vars(module).update(attributes)
        for value, content in contents:
            if value or content:  # most are empty: a module has a dozen for hooks
                value.clear()
                put_back = value.extend if isinstance(value, list) else value.update
                put_back(content)


@contextmanager
def own_generators(seed: int = 0) -> Iterator[None]:
    """Let a network that draws random numbers draw its own, not the reader's.

    Within the block the generators of Python, NumPy and torch begin with `seed`;
    afterwards they are where they were.
    """
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(range(_gpus_in_use())):
        try:
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _gpus_in_use() -> int:
    return torch.cuda.device_count() if torch.cuda.is_initialized() else 0


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
