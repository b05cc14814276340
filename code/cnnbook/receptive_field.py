"""Receptive fields: which pixels a unit depends on, and how much on each.

Three ways to ask, each on a network as it is, of any layers and branches:

- `trace` follows the network from its input with a recursion on window sizes (Araujo,
  Norris and Sim 2019, doi:10.23915/distill.00021);
- `measure` asks automatic differentiation which pixels have a gradient at all;
- `effective` asks how large the gradient is (Luo et al. 2016, arXiv:1701.04128).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from numbers import Integral
from typing import NamedTuple

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from . import modes
from .lookup import lookup


class Window(NamedTuple):
    """The pixels that a unit sees along one axis of the image, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many pixels there are from the first to the last."""
        return self.last - self.first + 1


def trace(
    model: nn.Module, input_size: tuple[int, int, int], *, axis: int = 0
) -> pd.DataFrame:
    """Follow the receptive field through a network, layer by layer.

    A window of k, d pixels apart, adds (k - 1)·d jumps to the field; a stride
    multiplies the jump. Where branches meet, by a sum or side by side, a unit sees
    what it sees through any of them. A layer that reads all positions, such as global
    pooling or a dense layer, sees all that its input saw: the image, as a rule. So
    does what a network computes from a vector.

    The network runs once on the meta device, where tensors have no values: `model` is
    left as it was, and may have been built without weights.

    Args:
        model: A network of convolutions, pooling, dense layers, and operations that
            act on each position by itself, joined in any way.
        input_size: (channels, height, width) of one image.
        axis: 0 follows the height, 1 the width.

    Returns:
        A row for each run of a leaf layer, in order, all along one axis in pixels:
        layer, kind, size (of the field; what lies in the padding included), jump
        (from one unit's field to the next one's; 0 if all units see the same), start
        (the first pixel of the first unit's field; negative in the padding) and
        output_size (how many units).

    Raises:
        ValueError: If `input_size` or `axis` makes no sense, the recursion cannot
            follow an operation, or branches meet that have different jumps; or from
            the network, if it cannot take this input.
    """
    _check(input_size, axis)
    names = {module: name for name, module in model.named_modules()}
    rows: list[dict] = []

    def record(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        field = getattr(output, "receptive_field", None)
        if field is None:
            raise ValueError(
                f"layer {names[layer]!r} ({type(layer).__name__}) does not put out "
                "one tensor that depends on the image: its field cannot be followed"
            )
        rows.append(
            {
                "layer": names[layer],
                "kind": type(layer).__name__,
                "size": field.size,
                "jump": field.jump,
                "start": field.start,
                "output_size": field.units,
            }
        )

    image = torch.empty(1, *input_size, device="meta")
    side = input_size[1 + axis]
    image.receptive_field = _Field(size=1, jump=1, start=0, units=side, side=side)
    weights = {name: tensor.to("meta") for name, tensor in _tensors(model)}
    leaves = [module for module in model.modules() if not any(module.children())]
    with modes.running(model, dict.fromkeys(leaves, record)), _Recursion(axis):
        functional_call(model, weights, (image,))
    return pd.DataFrame(rows)


def window(row: pd.Series, side: int, unit: int | None = None) -> Window:
    """Return the pixels that a unit sees, by a row of `trace`, cut at the border.

    Args:
        row: A row of `trace`.
        side: Height (or width) of the image in pixels, as it was traced.
        unit: Which unit along the axis; the middle one, output_size // 2, if None.
    """
    unit = row.output_size // 2 if unit is None else unit
    first = row.start + unit * row.jump
    return Window(max(first, 0), min(first + row["size"], side) - 1)


def support(model: nn.Module, input_size: tuple[int, int, int], layer: str) -> Tensor:
    """Mark the pixels on which the middle unit of a layer depends, by its gradient.

    A gradient may be zero by chance: a weight or a ReLU happens to be zero, a maximum
    was elsewhere, two paths cancel. So the network is not run with its own weights.
    In float64, all weights are positive random numbers, maxima become sums, and
    activation functions, normalisation and dropout pass on what they get. Only one
    channel is computed, and copied to all: where the channels go does not change
    which pixels they come from. `model` is left as it was.

    Args:
        model: Any network. Operations that are not named here run as they are.
        input_size: (channels, height, width) of one image.
        layer: Name of a layer, or of a block of layers, as in ``named_modules()``. If
            it runs more than once, its last run counts. Of a layer that puts out a
            vector, all entries are taken together.

    Returns:
        Tensor of shape (height, width) of bool: is there a gradient?

    Raises:
        ValueError: If `input_size` makes no sense, there is no such layer (the message
            names the closest), if it does not run, or if its output does not depend on
            the image.
    """
    _check(input_size)
    image = torch.rand(1, 1, *input_size[1:], dtype=torch.float64).requires_grad_()
    one = torch.ones((), dtype=torch.float64)
    # Buffers of whole numbers, such as tables of connections, are needed as they are.
    weights = {
        name: one.expand(tensor.shape) if tensor.is_floating_point() else tensor
        for name, tensor in _tensors(model)
    }
    output = _output(
        model,
        layer,
        lambda: functional_call(
            model, weights, (image.expand(-1, input_size[0], -1, -1),)
        ),
        _Measurement(),
    )
    if not output.requires_grad:
        raise ValueError(f"layer {layer!r} does not depend on the image")
    [gradient] = torch.autograd.grad(_middle(output).sum(), image)
    return gradient[0, 0] != 0


def measure(
    model: nn.Module,
    input_size: tuple[int, int, int],
    layer: str,
    *,
    axis: int = 0,
) -> Window:
    """Measure by gradients which pixels the middle unit of a layer sees.

    It is `window` of the layer's row of `trace`, found without the recursion: the
    first and the last pixel of `support`, which see for how it is done. A field that
    reaches beyond the image is cut at its border, and if it has holes, from dilation,
    at the last pixel that is seen before it.

    Args:
        model, input_size, layer: As for `support`.
        axis: 0 measures the height, 1 the width.

    Raises:
        ValueError: As `support` does, or if the unit sees nothing but padding.
    """
    _check(input_size, axis)
    marked = support(model, input_size, layer).any(dim=1 - axis).nonzero()[:, 0]
    if not len(marked):
        raise ValueError(f"the middle unit of {layer!r} sees nothing but padding")
    return Window(int(marked[0]), int(marked[-1]))


def effective(
    model: nn.Module, images: Tensor, layer: str, *, samples: int = 1, seed: int = 0
) -> Tensor:
    """Map how much the middle unit of a layer depends on each pixel.

    This is the network as it is, with its weights and activation functions, in eval
    mode: the squared gradient of the unit, averaged over channels and images.

    Args:
        model: Any network; images and network must be on one device.
        images: (N, C, H, W).
        layer: Name of a layer that puts out maps, as in ``named_modules()``.
        samples: The unit's maps are added up with random signs, anew so many times.
            In the mean over signs, the square of such a sum is the sum of squares.
        seed: Decides the signs.

    Returns:
        Tensor of shape (H, W) that sums to 1.

    Raises:
        ValueError: If there is no such layer (the message names the closest), if it
            does not run, or if the gradient is zero everywhere.
    """
    images = images.detach().requires_grad_()
    unit = _middle(_output(model, layer, lambda: model(images), nullcontext()))
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(images.shape[2:], dtype=torch.float64, device=images.device)
    for _ in range(samples):
        signs = torch.randint(0, 2, unit.shape, generator=generator) * 2.0 - 1
        [gradient] = torch.autograd.grad(
            unit, images, signs.to(unit), retain_graph=True
        )
        total += gradient.double().square().sum(dim=(0, 1))
    if not total.sum() > 0:
        raise ValueError(
            f"the middle unit of {layer!r} has no gradient on these images: all its "
            "maps are zero there, as after a ReLU. Give other images, or several"
        )
    return total / total.sum()


def _check(input_size: Sequence[int], axis: int = 0) -> None:
    """Refuse what is no size of an image, or no axis of it."""
    if (
        not isinstance(input_size, Sequence)
        or len(input_size) != 3
        or not all(isinstance(side, Integral) and side > 0 for side in input_size)
    ):
        raise ValueError(
            "input_size must be (channels, height, width) of one image, such as "
            f"(3, 224, 224), got {input_size!r}"
        )
    if axis not in (0, 1):
        raise ValueError(f"axis must be 0, the height, or 1, the width, got {axis!r}")


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _output(
    model: nn.Module,
    layer: str,
    forward: Callable[[], object],
    mode: AbstractContextManager,
) -> Tensor:
    """Return what a layer puts out, in its last run, with its graph of gradients."""
    layers = {name: module for name, module in model.named_modules() if name}
    module = lookup(layer, layers, "layer")
    outputs: list[Tensor] = []
    hooks = {module: lambda layer, inputs, output: outputs.append(output)}
    with torch.enable_grad(), modes.running(model, hooks), mode:
        forward()
    if not outputs:
        raise ValueError(f"layer {layer!r} does not run when the network does")
    return outputs[-1]


def _middle(output: Tensor) -> Tensor:
    """Return (N, C): the middle unit of maps, or the whole vector."""
    if output.ndim == 4:
        return output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    return output.flatten(1)


# Operations that act on each position by itself, by the name of their function.
_ON_ONE = """
    batch_norm celu clone contiguous dropout dropout1d dropout2d elu float gelu
    hardsigmoid hardswish hardtanh leaky_relu local_response_norm logsigmoid mish neg
    relu relu6 selu sigmoid silu softplus softsign square tanh tanhshrink threshold
""".split()
_ON_SEVERAL = "add div mul sub".split()
# Operations that may make one vector of maps: by laying out or by adding up.
_TO_A_VECTOR = "amax flatten mean reshape squeeze sum view".split()


def _name(function: Callable) -> str:
    """Return one name for "add", "add_", "__add__", "__radd__" and "__iadd__"."""
    name = function.__name__.strip("_").replace("truediv", "div")
    return name[1:] if name[1:] in _ON_SEVERAL and name[0] in "ir" else name


@dataclass(frozen=True)
class _Field:
    """What the units of a tensor see along one axis of an image of `side` pixels."""

    size: int
    jump: int
    start: int
    units: int
    side: int

    def slide(self, kernel: int, stride: int, padding: int, dilation: int) -> _Field:
        """Return what a window that slides over these units sees."""
        return replace(
            self,
            size=self.size + (kernel - 1) * dilation * self.jump,
            jump=self.jump * stride,
            start=self.start - padding * self.jump,
        )

    def whole(self) -> _Field:
        """Return what all units together see, cut at the border of the image."""
        end = self.start + (self.units - 1) * self.jump + self.size
        first, last = max(self.start, 0), min(end, self.side)
        return replace(self, size=last - first, jump=0, start=first)


class _Recursion(TorchFunctionMode):
    """Gives each tensor that depends on the image the field of its units.

    Whatever a network calls, layers or functions, goes through here.
    """

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        fields = [
            tensor.receptive_field
            for tensor in _flat((args, kwargs.values()))
            if hasattr(tensor, "receptive_field")
        ]
        if fields and isinstance(output, Tensor):
            field = self._follow(_name(function), fields, output, args, kwargs)
            units = output.shape[2 + self.axis] if output.ndim == 4 else 1
            output.receptive_field = replace(field, units=units)
        return output

    def _follow(
        self, name: str, fields: list[_Field], output: Tensor, args: tuple, kwargs: dict
    ) -> _Field:
        all_see_the_same = all(field.jump == 0 for field in fields)
        if all_see_the_same or name in _ON_SEVERAL or self._stacks(name, args, kwargs):
            return self._join(fields)
        if len(fields) == 1:
            if name in _ON_ONE:
                return fields[0]
            if hasattr(self, f"_{name}"):
                return getattr(self, f"_{name}")(fields[0], *args, **kwargs)
            one_position = output.ndim == 2 or output.shape[2:] == (1, 1)
            if one_position and name in _TO_A_VECTOR:
                return fields[0].whole()
        raise ValueError(
            f"the recursion cannot follow {name!r}: it knows convolution, pooling, "
            "dense layers, sums, concatenation, and what acts on each position by "
            "itself. receptive_field.measure can"
        )

    def _stacks(self, name: str, args: tuple, kwargs: dict) -> bool:
        """Does this put maps side by side, position on position?"""
        dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
        return name in ("cat", "concat") and dim % 4 in (0, 1)

    def _join(self, fields: list[_Field]) -> _Field:
        if not all(field.jump for field in fields):
            fields = [field.whole() for field in fields]
        jumps, units = {f.jump for f in fields}, {f.units for f in fields}
        if len(jumps) > 1 or (len(units) > 1 and jumps != {0}):
            grids = (f"{f.units} units {f.jump} pixels apart" for f in fields)
            raise ValueError(f"branches meet that do not match: {' and '.join(grids)}")
        start = min(field.start for field in fields)
        end = max(field.start + field.size for field in fields)
        return replace(fields[0], size=end - start, start=start)

    def _along(self, value: int | tuple[int, ...]) -> int:
        """Return what an option of a layer, one number or two, is on the axis."""
        if isinstance(value, int):
            return value
        return value[self.axis] if len(value) > 1 else value[0]

    def _conv2d(
        self, field, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1
    ) -> _Field:
        kernel, dilation = weight.shape[2 + self.axis], self._along(dilation)
        if padding == "valid":
            padding = 0
        elif padding == "same":  # an odd pixel goes to the end, as PyTorch has it
            padding = dilation * (kernel - 1) // 2
        return field.slide(kernel, self._along(stride), self._along(padding), dilation)

    def _max_pool2d(
        self, field, x, kernel_size, stride=None, padding=0, dilation=1, **options
    ) -> _Field:
        settings = (kernel_size, stride or kernel_size, padding, dilation)
        return field.slide(*map(self._along, settings))

    def _avg_pool2d(
        self, field, x, kernel_size, stride=None, padding=0, *args, **options
    ) -> _Field:
        return self._max_pool2d(field, x, kernel_size, stride, padding)

    def _adaptive_avg_pool2d(self, field, x, output_size, **options) -> _Field:
        units = output_size if output_size is None else self._along(output_size)
        if units == 1:
            return field.whole()
        if units is None or field.units == units:
            return field
        if field.units % units:
            raise ValueError(
                f"adaptive pooling from {field.units} to {units} units takes windows "
                "of different sizes: choose an input size that divides evenly"
            )
        kernel = field.units // units
        return field.slide(kernel, kernel, 0, 1)

    _adaptive_max_pool2d = _adaptive_avg_pool2d

    def _pad(self, field, x, pad, mode="constant", value=None) -> _Field:
        # Counted from the last axis backwards: width, height, channels.
        before = pad[2 * (1 - self.axis)] if len(pad) > 2 * (1 - self.axis) else 0
        if mode != "constant":
            raise ValueError(
                f"the recursion cannot follow padding of mode {mode!r}, which reads "
                "pixels at other places. receptive_field.measure can"
            )
        return replace(field, start=field.start - before * field.jump)

    def _getitem(self, field, x, index) -> _Field:
        index = index if isinstance(index, tuple) else (index,)
        if len(index) <= 2 + self.axis and all(isinstance(i, slice) for i in index):
            return field
        if len(index) > 4 or not all(isinstance(i, slice) for i in index):
            raise ValueError("the recursion follows slices of maps only")
        first, _, step = index[2 + self.axis].indices(field.units)
        return replace(
            field, jump=field.jump * step, start=field.start + first * field.jump
        )

    def _linear(self, field, x, weight, bias=None) -> _Field:
        if x.ndim == 2:
            return field.whole()
        raise ValueError(
            "the recursion follows a dense layer on vectors, not on maps: flatten, or "
            "use a 1x1 convolution"
        )


class _Measurement(TorchFunctionMode):
    """Runs one channel of a network, copied to all, so that no gradient is lost."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if any(tensor.requires_grad for tensor in _flat((args, kwargs.values()))):
            name = _name(function)
            if name in _ON_ONE:
                return args[0]
            if name in _ON_SEVERAL:  # not in place: copied channels share memory
                return getattr(torch, name)(*args)
            function = getattr(self, f"_{name}", function)
        return function(*args, **kwargs)

    def _conv2d(
        self, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1
    ) -> Tensor:
        kernel = self._positive(weight.shape[2:])
        output = F.conv2d(_one_channel(x), kernel, None, stride, padding, dilation)
        return _copied(output, len(weight))

    def _max_pool2d(
        self, x, kernel_size, stride=None, padding=0, dilation=1, **options
    ) -> Tensor:
        stride = stride or kernel_size
        one, rounding = _one_channel(x), options.get("ceil_mode", False)
        height, width = F.max_pool2d(
            one.detach(), kernel_size, stride, padding, dilation, rounding
        ).shape[2:]
        # Rounding up leaves the last window partly outside, by less than its stride.
        (top, left), (down, right) = _pair(padding), _pair(stride)
        padded = F.pad(one, (left, left + right, top, top + down))
        kernel = self._positive(_pair(kernel_size))
        output = F.conv2d(padded, kernel, None, stride, 0, dilation)
        return _copied(output[:, :, :height, :width], x.shape[1])

    def _adaptive_max_pool2d(self, x, output_size, return_indices=False) -> Tensor:
        return F.adaptive_avg_pool2d(x, output_size)

    def _linear(self, x, weight, bias=None) -> Tensor:
        total = x.sum(dim=-1, keepdim=True)
        return total.expand(*x.shape[:-1], len(weight))

    def _cat(self, tensors, dim=0) -> Tensor:
        if tensors[0].ndim != 4 or dim % 4 != 1:
            return torch.cat(tensors, dim)
        channels = sum(tensor.shape[1] for tensor in tensors)
        return _copied(sum(map(_one_channel, tensors)), channels)

    def _positive(self, size: tuple[int, int]) -> Tensor:
        """Return a random kernel (1, 1, *size) of weights around 1 / max(size).

        Through many layers, what the middle of the field contributes then grows, and
        what its corners do shrinks, at the same rate: float64 holds both for hundreds
        of layers.
        """
        random = torch.rand(1, 1, *size, generator=self.generator, dtype=torch.float64)
        return (random + 0.5) / max(size)


def _copied(one: Tensor, channels: int) -> Tensor:
    """Return one channel as `channels` equal ones, which take no memory."""
    maps = one.expand(-1, channels, -1, -1)
    maps.one_channel = one
    return maps


def _one_channel(maps: Tensor) -> Tensor:
    """Return one channel, (N, 1, H, W), for maps whose channels are all alike.

    Where they are not, because a network has added empty ones, it is their mean.
    """
    one = getattr(maps, "one_channel", None)
    return maps.mean(dim=1, keepdim=True) if one is None else one


def _flat(values) -> Iterator[Tensor]:
    """Yield the tensors in nested lists and tuples."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple) or type(value).__name__ == "dict_values":
            yield from _flat(value)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)
