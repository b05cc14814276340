"""The receptive field by recursion: windows that grow from layer to layer.

Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019, doi:10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from .. import _observe
from ._common import (
    ON_ONE,
    ON_SEVERAL,
    PerAxis,
    Window,
    by_position,
    check_request,
    mark_parts,
    named_tensors,
    operation_name,
    refuse_writes,
    tensors_in,
)

# Operations that may make one vector of maps: by laying out or by adding up.
_TO_A_VECTOR = "amax flatten mean reshape squeeze sum view".split()


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
    check_request(input_size, axis)
    _observe.expect_plain(model)
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

    weights = {name: tensor.to("meta") for name, tensor in named_tensors(model)}
    dtype = next((w.dtype for w in weights.values() if w.is_floating_point()), None)
    image = torch.empty(1, *input_size, dtype=dtype, device="meta")
    side = input_size[1 + axis]
    field = _Field(size=1, jump=1, start=0, units=side, side=side)
    image.receptive_field = field  # type: ignore[attr-defined]  # a tensor takes any
    leaves = [module for module in model.modules() if not list(module.children())]
    watched = _observe.running(model, dict.fromkeys(leaves, record))
    with _observe.restored(model), watched, _Recursion(axis):
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

    def __torch_function__(
        self,
        function: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        fields = [
            tensor.receptive_field
            for tensor in tensors_in((args, kwargs.values()))
            if hasattr(tensor, "receptive_field")
        ]
        if not fields:
            return output
        refuse_writes(function, args)
        name = operation_name(function)
        args, kwargs = by_position(args, kwargs)
        for tensor in tensors_in((output,)):  # several, where channels are cut apart
            field = self._follow(name, fields, tensor, args, kwargs)
            units = tensor.shape[2 + self.axis] if tensor.ndim == 4 else 1
            field = replace(field, units=units)
            tensor.receptive_field = field  # type: ignore[attr-defined]  # likewise
        mark_parts(name, output)
        return output

    def _follow(
        self, name: str, fields: list[_Field], output: Tensor, args: tuple, kwargs: dict
    ) -> _Field:
        all_see_the_same = all(field.jump == 0 for field in fields)
        if all_see_the_same or name in ON_SEVERAL or self._stacks(name, args, kwargs):
            return self._join(fields)
        if len(fields) == 1:
            if name in ON_ONE:
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

    def _along(self, value: PerAxis) -> int:
        """Return what an option of a layer, one number or two, is on the axis."""
        if isinstance(value, int):
            return value
        return value[self.axis] if len(value) > 1 else value[0]

    def _conv2d(
        self,
        field: _Field,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: PerAxis = 1,
        padding: PerAxis | Literal["valid", "same"] = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
    ) -> _Field:
        kernel, dilation = weight.shape[2 + self.axis], self._along(dilation)
        if padding == "valid":
            padding = 0
        elif padding == "same":  # an odd pixel goes to the end, as PyTorch has it
            padding = dilation * (kernel - 1) // 2
        return field.slide(kernel, self._along(stride), self._along(padding), dilation)

    def _max_pool2d(
        self,
        field: _Field,
        x: Tensor,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        **options: bool,
    ) -> _Field:
        settings = (kernel_size, stride or kernel_size, padding, dilation)
        return field.slide(*map(self._along, settings))

    def _avg_pool2d(
        self,
        field: _Field,
        x: Tensor,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        *args: object,
        **options: object,
    ) -> _Field:
        return self._max_pool2d(field, x, kernel_size, stride, padding)

    def _adaptive_avg_pool2d(
        self, field: _Field, x: Tensor, output_size: PerAxis | None, **options: bool
    ) -> _Field:
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

    def _pad(
        self,
        field: _Field,
        x: Tensor,
        pad: Sequence[int],
        mode: str = "constant",
        value: float | None = None,
    ) -> _Field:
        # Counted from the last axis backwards: width, height, channels.
        before = pad[2 * (1 - self.axis)] if len(pad) > 2 * (1 - self.axis) else 0
        if mode != "constant":
            raise ValueError(
                f"the recursion cannot follow padding of mode {mode!r}, which reads "
                "pixels at other places. receptive_field.measure can"
            )
        return replace(field, start=field.start - before * field.jump)

    def _chunk(self, field: _Field, x: Tensor, count: object, dim: int = 0) -> _Field:
        if x.ndim == 4 and dim % 4 == 1:
            return field  # channels are cut apart, position by position
        raise ValueError("the recursion follows maps cut apart by channels only")

    _split = _chunk

    def _getitem(self, field: _Field, x: Tensor, index: object) -> _Field:
        index = index if isinstance(index, tuple) else (index,)
        if len(index) <= 2 + self.axis and all(isinstance(i, slice) for i in index):
            return field
        if len(index) > 4 or not all(isinstance(i, slice) for i in index):
            raise ValueError("the recursion follows slices of maps only")
        first, _, step = index[2 + self.axis].indices(field.units)
        return replace(
            field, jump=field.jump * step, start=field.start + first * field.jump
        )

    def _linear(
        self, field: _Field, x: Tensor, weight: Tensor, bias: Tensor | None = None
    ) -> _Field:
        if x.ndim == 2:
            return field.whole()
        raise ValueError(
            "the recursion follows a dense layer on vectors, not on maps: flatten, or "
            "use a 1x1 convolution"
        )
