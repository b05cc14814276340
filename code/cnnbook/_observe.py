"""Running a network to look at it, and leaving it as it was."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import is_dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

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


def expect_plain(model: nn.Module, *, may_be_compiled: bool = False) -> None:
    """Refuse a network that cannot be looked at, or would be changed by a look.

    Args:
        model: Any network.
        may_be_compiled: Whether the caller looks into what is compiled, in `eager`.

    Raises:
        ValueError: If a layer is lazy, or the network is wrapped, compiled, quantised
            or a script.
    """
    tensors = itertools.chain(model.parameters(), model.buffers())
    if any(map(nn.parameter.is_lazy, tensors)):
        raise ValueError("a lazy layer has no weights yet: run the network once first")
    for name, module in model.named_modules():
        kind = type(module)
        compiled = kind.__name__ in _COMPILED and not may_be_compiled
        if isinstance(module, _MADE_FROM_A_NETWORK) or compiled:
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise ValueError(
                f"give the network itself, not {article} {kind.__name__} made from it"
            )
        if "quantized" in kind.__module__.split("."):
            raise ValueError(
                f"layer {name!r} ({kind.__name__}) is quantised and hides its work: "
                "give the network that was quantised"
            )
        if module._compiled_call_impl is not None and not may_be_compiled:
            raise ValueError(
                "the network is compiled, and hides what it does: give a copy that is "
                "not, or call compile() later"
            )


def kind(module: nn.Module) -> str:
    """Return the name of a module's class, whatever computes its weights."""
    return parametrize.type_before_parametrizations(module).__name__


def plain_name(name: str) -> str:
    """Return a module's name without what torch.compile puts into it."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod")


def eager() -> AbstractContextManager:
    """Run what is compiled as it was written: compiled code does not call new hooks.

    Where nothing was compiled, that costs nothing: the compiler takes seconds to load.
    """
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    return torch.compiler.set_stance("force_eager")


def tensors(values: object) -> list[Tensor]:
    """Return every tensor in nested arguments or outputs, dataclasses included."""
    if isinstance(values, Tensor):
        return [values]
    if is_dataclass(values):
        values = vars(values)
    if isinstance(values, dict):
        values = values.values()
    elif not isinstance(values, (tuple, list)):
        return []
    return [tensor for value in values for tensor in tensors(value)]


@contextmanager
def restored(model: nn.Module) -> Iterator[None]:
    """Put back, afterwards, whatever a `forward` sets in the modules of a network.

    Networks cache tensors as attributes, register buffers, count their calls. If they
    run on stand-ins (on the meta device, with other weights), none of it may stay. A
    copy would not do: it takes memory, and not every network can be copied. The random
    generators that it draws from are put back, too.
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
        with own_generators(model):
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
def own_generators(model: nn.Module, seed: int | None = None) -> Iterator[None]:
    """Let a network that draws random numbers draw its own, not the reader's.

    After the block the generators of Python, NumPy and torch are where they were. With
    a `seed` they begin with it, so that what is drawn is the same each time.
    """
    python, numpy = random.getstate(), np.random.get_state()
    devices = {p.device for p in model.parameters()} - set(map(torch.device, _NO_OTHER))
    kind = next((device.type for device in devices), "cuda")
    try:
        with torch.random.fork_rng(devices, device_type=kind):
            if seed is not None:
                random.seed(seed)
                np.random.seed(seed)
                torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


_NO_OTHER = ("cpu", "meta")  # devices without a generator besides the CPU's


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
