"""The receptive field by dependence: which pixels can change a unit at all.

What a network does with an image is noted on a tape, operation by operation, and then
followed backwards from one unit: each operation says which of its inputs an output
depends on. Nothing is computed with the image, so no value can hide a pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .. import _observe
from .._lookup import lookup
from ._common import Window, check_request, middle, named_tensors, one_tensor
from ._rules import RULES, Step, any_of, pointwise
from ._tape import NoValues, Tape, cannot_follow, memory_of


@torch.inference_mode(False)  # where memory may be written
def support(model: nn.Module, input_size: tuple[int, int, int], layer: str) -> Tensor:
    """Mark the pixels on which the middle unit of a layer depends.

    A gradient would not tell: it may be zero by chance, because a ReLU is closed, the
    maximum was elsewhere, or all channels are equal before they are normalised. So
    nothing is computed. The unit depends on a pixel if there is a path between them: a
    maximum depends on all of its window, a softmax on all that it compares, an
    activation function on its argument. Weights count as unequal to zero, whatever
    they are. What the network computes without the image, such as a mask on its
    kernels, counts as it is. A path whose contributions always cancel, as in x - x, is
    a path all the same. `model` is left as it was, and may have been built without
    weights.

    Args:
        model: Any network whose operations are known; PyTorch's common ones are.
        input_size: (channels, height, width) of one image.
        layer: Name of a layer, or of a block of layers, as in ``named_modules()``. If
            it runs more than once, its last run counts. Of a layer that puts out a
            vector, all entries are taken together.

    Returns:
        Tensor of shape (height, width) of bool: does the unit depend on this pixel?

    Raises:
        ValueError: If `input_size` makes no sense, there is no such layer (the message
            names the closest), it does not run, its output does not depend on the
            image, or an operation (which the message names) cannot be followed.
    """
    check_request(input_size)
    _observe.expect_plain(model)
    layers = {name: module for name, module in model.named_modules() if name}
    watched = lookup(layer, layers, "layer")
    known, unknown = _weights(model)
    dtype = next((w.dtype for w in unknown.values() if w.is_floating_point()), None)
    image = torch.empty(1, *input_size, dtype=dtype)
    tape = Tape(image, unknown.values(), RULES)
    seen: list[tuple[int, Tensor]] = []

    def note(module: nn.Module, inputs: tuple, output: object) -> None:
        seen.append((len(tape.operations), one_tensor(layer, output)))

    with (
        torch.no_grad(),
        _observe.restored(model),
        _observe.own_generators(model, seed=0),
        _observe.running(model, {watched: note}),
        NoValues(tape),
        tape,
    ):
        functional_call(model, known | unknown, (image,))
    if not seen:
        raise ValueError(f"layer {layer!r} does not run when the network does")
    count, output = seen[-1]
    if not tape.depends(output):
        raise ValueError(f"layer {layer!r} does not depend on the image")
    return _followed_back(tape, count, middle(watched, output), image).any(dim=1)[0]


def measure(
    model: nn.Module,
    input_size: tuple[int, int, int],
    layer: str,
    *,
    axis: int = 0,
) -> Window:
    """Measure which pixels the middle unit of a layer sees, without the recursion.

    It is `window` of the layer's row of `trace`, found in another way: the first and
    the last pixel of `support`, which see for how it is done. A field that reaches
    beyond the image is cut at its border, and if it has holes, from dilation, at the
    last pixel that is seen before it.

    Args:
        model, input_size, layer: As for `support`.
        axis: 0 measures the height, 1 the width.

    Raises:
        ValueError: As `support` does, or if the unit sees nothing but padding.
    """
    check_request(input_size, axis)
    marked = support(model, input_size, layer).any(dim=1 - axis).nonzero()[:, 0]
    if not len(marked):
        raise ValueError(f"the middle unit of {layer!r} sees nothing but padding")
    return Window(int(marked[0]), int(marked[-1]))


def _weights(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return copies of the buffers that have values, and memory for all else.

    Buffers hold what is fixed: masks, filters, tables of connections.
    """
    known = {
        name: buffer.to("cpu", copy=True)
        for name, buffer in model.named_buffers()
        if not buffer.is_meta
    }
    unknown = {
        name: torch.empty(tensor.shape, dtype=tensor.dtype)
        for name, tensor in named_tensors(model)
        if name not in known
    }
    return known, unknown


def _followed_back(tape: Tape, count: int, unit: Tensor, image: Tensor) -> Tensor:
    """Mark what a unit depended on when `count` operations had run."""
    marks = _Marks()
    marks.add(unit, torch.ones(unit.shape, dtype=torch.bool))
    for operation in reversed(tape.operations[:count]):
        if not any(map(marks.has, operation.outputs)):
            continue
        marked = [marks.take(output) for output in operation.outputs]
        if any(any_of(m.flatten(), [0]) for m in marked):
            rule = RULES.get(operation.name, pointwise)
            for tensor, found in rule(Step(tape, operation, marked)):
                marks.add(tensor, found)
    return marks.of(image)


class _Marks:
    """Marks entries of tensors, by their place in memory, which views share."""

    def __init__(self) -> None:
        self._of_memory: dict[int, Tensor] = {}

    def of(self, tensor: Tensor) -> Tensor:
        """Return the marks of a tensor, of its shape: a view, so that it can be set."""
        memory, bytes_each = tensor.untyped_storage(), tensor.element_size()
        count = memory.nbytes() // bytes_each
        flat = self._of_memory.setdefault(
            memory_of(tensor), torch.zeros(count, dtype=torch.bool)
        )
        if len(flat) != count:
            raise cannot_follow("view of another type")
        return flat.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())

    def has(self, tensor: Tensor) -> bool:
        """Say whether anything may be marked in the memory of a tensor."""
        return memory_of(tensor) in self._of_memory

    def add(self, tensor: Tensor, found: Tensor) -> None:
        """Mark entries of a tensor."""
        marks = self.of(tensor)
        if not _overlaps(tensor):
            marks.logical_or_(found)
            return
        flat = self._of_memory[memory_of(tensor)]
        places = torch.arange(len(flat)).as_strided(
            tensor.size(), tensor.stride(), tensor.storage_offset()
        )
        flat[places[found.expand(tensor.shape)]] = True

    def take(self, tensor: Tensor) -> Tensor:
        """Return the marks of a tensor, and remove them: it is written anew there."""
        if tensor.numel() == tensor.untyped_storage().nbytes() // tensor.element_size():
            taken = self.of(tensor)
            del self._of_memory[memory_of(tensor)]
            return taken
        marks = self.of(tensor)
        taken = marks.clone()
        marks.zero_()
        return taken


def _overlaps(tensor: Tensor) -> bool:
    """Do several entries of a tensor share one place, as after `expand`?"""
    reach = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride <= reach:
                return True
            reach += stride * (size - 1)
    return False
