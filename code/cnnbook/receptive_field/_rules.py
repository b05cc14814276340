"""Which inputs an output of an operation depends on, for each operation of PyTorch.

A rule is given what is marked in the outputs, and yields the marks of the inputs.
Operations that act on each entry by itself need none; those that are not named here
are taken apart into those that are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_map_only

from ._common import tensors_in
from ._tape import Operation, Tape, cannot_follow

Found = Iterator[tuple[Tensor, Tensor]]  # inputs, and which of their entries


@dataclass(frozen=True)
class Step:
    """An operation, and what is marked of each of its outputs."""

    tape: Tape
    operation: Operation
    marked: list[Tensor]

    def __getitem__(self, name: str) -> Any:
        return self.operation.arguments.get(name)

    @property
    def output(self) -> Tensor:
        """What is marked of any output, such as maxima and their places."""
        first, *others = self.marked
        for other in others:
            if other.shape == first.shape:
                first = first | other
            elif other.any():
                raise cannot_follow(self.operation.name)
        return first

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors that depend on the image."""
        given = tensors_in(self.operation.arguments.values())
        return list(filter(self.tape.depends, given))

    def nonzero(self, tensor: Tensor) -> Tensor | None:
        """Return where a factor is not zero; None where it may be unequal anywhere."""
        if self.tape.depends(tensor) or self.tape.is_never_zero(tensor):
            return None
        found = self.tape.values(tensor) != 0
        return None if found.all() else found


def any_of(marked: Tensor, axes: list[int]) -> Tensor:
    """Return `marked.any(axes, keepdim=True)`, which is ten times slower."""
    if not marked.numel():
        return marked.any(axes, keepdim=True)
    return marked.view(torch.uint8).amax(axes, keepdim=True).view(torch.bool)


def pointwise(step: Step) -> Found:
    """An entry depends on the entries at its place; of a factor of 0, on none."""
    for tensor in step.inputs:
        marked = step.output
        for factor in _others(step, tensor):
            _refuse_to_take_out(step, factor)
            nonzero = step.nonzero(factor) if step.operation.name == "mul" else None
            marked = marked if nonzero is None else marked & nonzero
        yield tensor, _shrunk(marked, tensor.shape)


def _others(step: Step, tensor: Tensor) -> list[Tensor]:
    given = tensors_in(step.operation.arguments.values())
    return [other for other in given if other is not tensor]


def _refuse_to_take_out(step: Step, value: Tensor | float) -> None:
    """Refuse what a softmax will make zero: which paths that closes is not followed."""
    if isinstance(value, Tensor):
        if step.tape.depends(value) or step.tape.is_never_zero(value):
            return
        least = step.tape.values(value).real.flatten().double()
        value = least.min().item() if len(least) else 0
    if value < -1e4:
        raise ValueError(
            "the network takes positions out by minus infinity, as attention with a "
            "mask does, and what that hides cannot be followed: ask for a layer before"
        )


def _shrunk(marked: Tensor, shape: torch.Size) -> Tensor:
    """Return marks of what has been broadcast."""
    more = marked.ndim - len(shape)
    sizes = [1] * more + list(shape)
    repeated = [i for i, size in enumerate(sizes) if size == 1 < marked.shape[i]]
    return (any_of(marked, repeated) if repeated else marked).reshape(shape)


def _where(step: Step) -> Found:
    """Of a choice that is known, only what is chosen; else all three."""
    condition, one, other = step["condition"], step["self"], step["other"]
    for value in (one, other):
        _refuse_to_take_out(step, value)
    chosen, left = step.output, step.output
    if step.tape.depends(condition):
        yield condition, _shrunk(step.output, condition.shape)
    else:
        chosen, left = step.output & condition, step.output & ~condition
    for tensor, marked in ((one, chosen), (other, left)):
        if step.tape.depends(tensor):
            yield tensor, _shrunk(marked, tensor.shape)


def _masked_fill(step: Step) -> Found:
    mask, value = step["mask"], step["value"]
    _refuse_to_take_out(step, value)
    kept, filled = step.output, step.output
    if step.tape.depends(mask):
        yield mask, _shrunk(step.output, mask.shape)
    else:
        kept, filled = step.output & ~mask, step.output & mask
    if step.tape.depends(step["self"]):
        yield step["self"], _shrunk(kept, step["self"].shape)
    if step.tape.depends(value):
        yield value, _shrunk(filled, value.shape)


def _copied(step: Step) -> Found:
    if step.tape.depends(step["src"]):
        yield step["src"], _shrunk(step.output, step["src"].shape)


def _all_of(step: Step) -> Found:
    """All inputs, whole."""
    for tensor in step.inputs:
        yield tensor, step.output.any().expand(tensor.shape)


def _reduced(step: Step) -> Found:
    """All entries along the axes that are no more."""
    if "other" in step.operation.arguments:
        yield from pointwise(step)
        return
    x, marked = step["self"], step.output
    axes = _axes(x, step["dim"])
    if marked.ndim < x.ndim:
        for axis in axes:
            marked = marked.unsqueeze(axis)
    yield x, marked.expand(x.shape)


def _axes(x: Tensor, dim: int | list[int] | None) -> list[int]:
    """Return axes, in order, as numbers from 0; all if none is given."""
    if dim is None or dim == []:
        return list(range(x.ndim))
    return sorted(axis % x.ndim for axis in ([dim] if isinstance(dim, int) else dim))


def _along(step: Step) -> Found:
    """All entries along the axes."""
    x = step["self"]
    axes = _axes(x, step["dim"])
    if "softmax" in step.operation.name and x.shape[axes[0]] == 1:
        return  # the share of one is 1, whatever it is
    yield x, any_of(step.output, axes).expand(x.shape)


def _cumulated(step: Step) -> Found:
    """All entries up to this one."""
    x, marked = step["self"], step.output
    if x.ndim:
        marked = marked.flip(step["dim"]).cumsum(step["dim"]).flip(step["dim"]) > 0
    yield x, marked


def _multiplied(step: Step) -> Found:
    """A row of the first factor, and a column of the second one."""
    names = [name for name in _FACTORS if name in step.operation.arguments][-2:]
    one, other = (step[name] for name in names)
    for added in step.inputs:
        if added is not one and added is not other:
            yield added, _shrunk(step.output, added.shape)
    if step.tape.depends(one):
        yield one, _times(step.output, step.nonzero(other))
    if step.tape.depends(other):
        found = _times(step.output.mT, step.nonzero(one), transposed=True)
        yield other, found.mT


def _times(marked: Tensor, factor: Tensor | None, transposed: bool = False) -> Tensor:
    """Return which entries of a matrix meet, in a product, what is marked."""
    if factor is None:
        return any_of(marked, [-1])
    factor = factor if transposed else factor.mT
    return marked.float() @ factor.float() > 0


def _convolved(step: Step) -> Found:
    """What lies under the kernel, where it is not zero."""
    x, weight, bias = step["input"], step["weight"], step["bias"]
    if step.tape.depends(x):
        nonzero = step.nonzero(weight)
        if nonzero is None:
            yield x, _under_whole_kernel(step, x, weight)
        else:
            yield x, _under_kernel(step, x, nonzero)
    if step.tape.depends(weight):
        yield weight, step.output.any().expand(weight.shape)
    if step.tape.depends(bias):
        yield bias, any_of(step.output.transpose(0, 1).flatten(1), [1])[:, 0]


_GEOMETRY = "stride padding dilation transposed output_padding groups".split()


def _under_kernel(step: Step, x: Tensor, kernel: Tensor) -> Tensor:
    """Return what a kernel with zeros reads, as a gradient that counts its readers."""
    counts, _, _ = torch.ops.aten.convolution_backward(
        step.output.float(),
        torch.empty(x.shape),
        kernel.float(),
        None,
        *(step[name] for name in _GEOMETRY),
        (True, False, False),
    )
    return counts > 0.5


def _under_whole_kernel(step: Step, x: Tensor, weight: Tensor) -> Tensor:
    """Return what a kernel without zeros reads: all channels of a group alike."""
    marked = any_of(step.output.unflatten(1, (step["groups"], -1)), [2])
    sides = weight.shape[2:]
    geometry = [_per_axis(step[name], len(sides)) for name in _GEOMETRY[:3]]
    for axis, settings in enumerate(zip(sides, *geometry, strict=True)):
        move = _slid_out if step["transposed"] else _slid
        marked = move(marked, 3 + axis, x.shape[2 + axis], *settings)
    channels = x.shape[1] // step["groups"]
    return marked.expand(-1, -1, channels, *x.shape[2:]).flatten(1, 2)


def _pooled(step: Step) -> Found:
    """What lies under the window."""
    x, marked, sides = step["self"], step.output, step["kernel_size"]
    # A window need not be given a stride, and an average has no dilation.
    given = (step["stride"] or sides, step["padding"] or [0], step["dilation"] or [1])
    axes = 2 if "2d" in step.operation.name else 3
    settings = [_per_axis(value, axes) for value in (sides, *given)]
    for axis, along in zip(range(-axes, 0), zip(*settings, strict=True), strict=True):
        marked = _slid(marked, axis, x.shape[axis], *along)
    yield x, marked


def _per_axis(values: list[int], axes: int) -> list[int]:
    return list(values) * axes if len(values) == 1 else list(values)


def _slid(
    marked: Tensor,
    axis: int,
    side: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
) -> Tensor:
    """Return what windows read that slide along one axis, `side` long."""
    count = marked.shape[axis]
    reach = stride * (count - 1) + 1
    shape = list(marked.shape)
    shape[axis] = max(padding + side, reach + dilation * (kernel - 1))
    found = torch.zeros(shape, dtype=torch.bool)
    for tap in range(kernel):
        read = found.narrow(axis, tap * dilation, reach)
        if stride > 1:
            read = read.movedim(axis, 0)[::stride].movedim(0, axis)
        read.logical_or_(marked)
    return found.narrow(axis, padding, side)


def _slid_out(
    marked: Tensor,
    axis: int,
    side: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
) -> Tensor:
    """Return what a transposed convolution reads along one axis, `side` long.

    Entry i writes to the places stride * i - padding + dilation * tap.
    """
    count, reach = marked.shape[axis], stride * (side - 1) + 1
    shape = list(marked.shape)
    shape[axis] = max(padding + count, reach + dilation * (kernel - 1))
    around = torch.zeros(shape, dtype=torch.bool)
    around.narrow(axis, padding, count).copy_(marked)
    shape[axis] = side
    found = torch.zeros(shape, dtype=torch.bool)
    for tap in range(kernel):
        written = around.narrow(axis, tap * dilation, reach)
        found.logical_or_(written.movedim(axis, 0)[::stride].movedim(0, axis))
    return found


def _adaptive_maximum(step: Step) -> Found:
    x = step["self"]
    average = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
    function = average[len(step["output_size"])]
    leaf = torch.zeros(x.shape, requires_grad=True)
    with torch.enable_grad():
        output = function(leaf, step["output_size"])
    yield x, torch.autograd.grad(output, leaf, step.output.float())[0] > 0


def _layer_norm(step: Step) -> Found:
    x, shape = step["input"], step["normalized_shape"]
    if step.tape.depends(x) and math.prod(shape) > 1:
        axes = list(range(x.ndim - len(shape), x.ndim))
        yield x, any_of(step.output, axes).expand(x.shape)
    yield from _scale_and_shift(step)


def _group_norm(step: Step) -> Found:
    x = step["input"]
    if step.tape.depends(x) and x[0].numel() > step["group"]:
        marked = step.output.reshape(len(x), step["group"], -1).any(2, keepdim=True)
        yield x, marked.expand(-1, -1, x[0].numel() // step["group"]).reshape(x.shape)
    yield from _scale_and_shift(step)


def _batch_norm(step: Step) -> Found:
    """Known statistics act on each entry, its own ones on all of the channel."""
    x, marked = step["input"], step.output
    if step.tape.depends(x):
        if step["training"] or step["running_mean"] is None:
            axes = [axis for axis in range(x.ndim) if axis != 1]
            marked = any_of(marked, axes).expand(x.shape)
        yield x, marked
    yield from _scale_and_shift(step)


def _scale_and_shift(step: Step) -> Found:
    for name in ("weight", "bias", "running_mean", "running_var"):
        if step.tape.depends(step[name]):
            yield step[name], step.output.any().expand(step[name].shape)


def _moved(step: Step) -> Found:
    """What an output is made of, by adding up or by moving: where it has a gradient."""
    choosing = [step[name] for name in ("index", "indices", "grid")]
    if any(map(step.tape.depends, tensors_in(choosing))):
        yield from _all_of(step)
        return
    leaves = {
        id(tensor): torch.zeros(tensor.shape, dtype=torch.float64, requires_grad=True)
        for tensor in step.inputs
    }

    def real(tensor: Tensor) -> Tensor:
        if id(tensor) in leaves:
            return leaves[id(tensor)]
        tensor = step.tape.values(tensor)
        return tensor.double() if tensor.is_floating_point() else tensor

    with torch.enable_grad():
        made = step.operation.function(
            **tree_map_only(Tensor, real, step.operation.arguments)
        )
    generator = torch.Generator().manual_seed(0)
    random = [
        marked * (torch.rand(marked.shape, generator=generator).double() + 0.5)
        for marked in step.marked
    ]
    gradients = torch.autograd.grad(
        list(tensors_in((made,))), list(leaves.values()), random, allow_unused=True
    )
    for tensor, gradient in zip(step.inputs, gradients, strict=True):
        if gradient is not None:
            yield tensor, gradient.abs() > 1e-9  # less is rounding


# What operations that multiply call their factors, in order: the last two that one has.
_FACTORS = "self mat1 mat2 batch1 batch2".split()
_NAMES = {
    _where: "where",
    _masked_fill: "masked_fill",
    _copied: "copy_",
    pointwise: """_prelu_kernel _to_copy floor_divide fmod hardswish leaky_relu
        log_sigmoid_forward native_dropout remainder""",
    _reduced: """all amax amin aminmax any argmax argmin count_nonzero kthvalue
        linalg_vector_norm logsumexp max mean median min mode nanmedian nansum norm prod
        std std_mean sum var var_mean""",
    _along: "_fft_c2c _fft_c2r _fft_r2c _log_softmax _softmax sort topk",
    _cumulated: "cummax cummin cumprod cumsum logcumsumexp",
    _multiplied: "addmm baddbmm bmm mm",
    _convolved: "convolution",
    _pooled: """avg_pool2d avg_pool3d max_pool2d_with_indices
        max_pool3d_with_indices""",
    _adaptive_maximum: "adaptive_max_pool2d adaptive_max_pool3d",
    _layer_norm: "native_layer_norm",
    _group_norm: "native_group_norm",
    _batch_norm: "native_batch_norm",
    _moved: """_adaptive_avg_pool2d _adaptive_avg_pool3d _unsafe_view
        _upsample_bicubic2d_aa _upsample_bilinear2d_aa cat channel_shuffle col2im
        constant_pad_nd diag_embed flip gather grid_sampler_2d grid_sampler_3d im2col
        index index_add index_put index_select pixel_shuffle pixel_unshuffle
        reflection_pad1d reflection_pad2d reflection_pad3d repeat replication_pad1d
        replication_pad2d replication_pad3d roll rot90 scatter scatter_add stack tril
        triu unsafe_split upsample_bicubic2d upsample_bilinear2d upsample_linear1d
        upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
        _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d""",
}
RULES: dict[str, Callable[[Step], Found]] = {
    name: rule for rule, names in _NAMES.items() for name in names.split()
}
# Those by which an entry depends on nothing but the entries at its place.
ON_EACH = (pointwise, _where, _masked_fill, _copied)
