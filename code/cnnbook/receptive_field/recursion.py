"""The receptive field by recursion: windows that grow from layer to layer.

Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019, doi:10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from .. import _observe
from ._common import (
    PerAxis,
    Window,
    by_position,
    check_request,
    operation_name,
    tensors_in,
)
from ._watch import Watch

# Functions that lay all entries of maps out in one vector, and that take some together.
_LAYING_OUT = "flatten reshape squeeze view".split()
_REDUCING = "amax amin logsumexp max mean min norm prod std sum var".split()
# Functions that choose or cut: a constant that they are given may hide positions.
_CHOOSING = "bitwise_and logical_and masked_fill mul multiply where".split()


@torch.inference_mode(False)  # within which tensors have no versions
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

    def record(layer: nn.Module, inputs: tuple, output: object) -> None:
        field = recursion.field(output) if isinstance(output, Tensor) else None
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

    weights = {name: tensor.to("meta") for name, tensor in model.named_parameters()}
    buffers = {name: _known(buffer) for name, buffer in model.named_buffers()}
    dtype = next((w.dtype for w in weights.values() if w.is_floating_point()), None)
    image = torch.empty(1, *input_size, dtype=dtype, device="meta")
    watch = Watch(image, weights.values())
    recursion = _Recursion(axis, watch)
    recursion.begin(image)
    with (
        torch.no_grad(),
        _observe.restored(model),
        _observe.own_generators(model, seed=0),
        _observe.running(model, dict.fromkeys(_leaves(model), record)),
        recursion,
        watch,
    ):
        functional_call(model, weights | buffers, (image,))
    return pd.DataFrame(rows)


def _known(buffer: Tensor) -> Tensor:
    """Return a stand-in on the meta device that knows what it stands for."""
    stand_in = torch.empty_like(buffer, device="meta")
    stand_in.stands_for = buffer  # type: ignore[attr-defined]  # a tensor takes any
    return stand_in


def _leaves(model: nn.Module) -> list[nn.Module]:
    """Return the layers without layers in them, but for what prepares their weights."""
    return [
        module
        for name, module in model.named_modules()
        if "parametrizations" not in name.split(".")
        and {name for name, _ in module.named_children()} <= {"parametrizations"}
    ]


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
    """What the units of a tensor see along one axis of an image of `side` pixels.

    It is what all channels see together. They are `mixed` if they differ, so that a
    part of them may see less: side by side, or as entries of maps laid out.
    """

    size: int
    jump: int
    start: int
    units: int
    side: int
    mixed: bool = False

    def slide(self, kernel: int, stride: int, padding: int, dilation: int) -> _Field:
        """Return what a window that slides over these units sees."""
        return replace(
            self,
            size=self.size + (kernel - 1) * dilation * self.jump,
            jump=self.jump * stride,
            start=self.start - padding * self.jump,
        )

    @property
    def end(self) -> int:
        """The pixel after the last one of the first unit's field."""
        return self.start + self.size

    def whole(self) -> _Field:
        """Return what all units together see, cut at the border of the image."""
        if not self.jump:
            return self
        # The first and the last unit that see any of the image, not padding alone.
        first = max(0, -(-(1 - self.end) // self.jump))
        last = min(self.units - 1, (self.side - 1 - self.start) // self.jump)
        if first > last:
            raise ValueError("all units see nothing but padding")
        start = max(self.start + first * self.jump, 0)
        end = min(self.end + last * self.jump, self.side)
        return replace(self, size=end - start, jump=0, start=start)


class _Recursion(TorchFunctionMode):
    """Gives each tensor that depends on the image the field of its units.

    Whatever a network calls, layers or functions, goes through here.
    """

    def __init__(self, axis: int, watch: Watch) -> None:
        super().__init__()
        self.axis = axis
        self.watch = watch

    def begin(self, image: Tensor) -> None:
        """Give the image its field: each pixel sees itself."""
        side = image.shape[2 + self.axis]
        self._give(image, _Field(size=1, jump=1, start=0, units=side, side=side))

    def field(self, tensor: Tensor) -> _Field | None:
        """Return the field of a tensor's units; None if it has nothing of the image.

        Raises:
            ValueError: If the image came into it unseen.
        """
        if not self.watch.depends(tensor):
            return None
        field, version = getattr(tensor, "receptive_field", (None, None))
        if field is None:
            raise ValueError(
                "the network makes a tensor of the image in a way that cannot be "
                "followed, such as a torch.autograd.Function or an extension. "
                "receptive_field.measure may"
            )
        if version != tensor._version:
            raise ValueError(
                "the network writes into a tensor that it reads under another name, "
                "which cannot be followed. receptive_field.measure can"
            )
        return field

    def __torch_function__(
        self,
        function: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        kwargs = kwargs or {}
        name = operation_name(function)
        given = list(tensors_in((args, kwargs.values())))
        fields = [field for field in map(self.field, given) if field]
        before = [tensor._version for tensor in given]
        self.watch.begin()
        try:
            output = function(*args, **kwargs)
        except (NotImplementedError, RuntimeError, TypeError) as error:
            if "meta" in str(error).lower():
                raise self._cannot(name) from error
            raise
        if not fields:
            return output
        made = list(tensors_in((output,)))
        for tensor, version in zip(given, before, strict=True):
            if tensor._version != version:
                self._check_written(function.__name__, tensor, made)
        args, kwargs = by_position(args, kwargs)
        for tensor in filter(self.watch.depends, made):
            self._give(tensor, self._follow(name, fields, given, tensor, args, kwargs))
        return output

    def _check_written(self, name: str, tensor: Tensor, made: list[Tensor]) -> None:
        """Refuse what writes into a part of a tensor: the whole would not show it."""
        if tensor._is_view() or not any(tensor is output for output in made):
            raise ValueError(
                f"the network writes into a part of a tensor ({name}), which cannot be "
                "followed: put the parts together by torch.cat, or ask "
                "receptive_field.measure"
            )

    def _give(self, tensor: Tensor, field: _Field) -> None:
        if field.jump:
            field = replace(field, units=tensor.shape[2 + self.axis])
        else:
            units = tensor.shape[2 + self.axis] if tensor.ndim == 4 else 1
            field = replace(field, units=units)
        tensor.receptive_field = (field, tensor._version)  # type: ignore[attr-defined]

    def _cannot(self, name: str) -> ValueError:
        return ValueError(
            f"the recursion cannot follow {name!r}: it knows convolution, pooling, "
            "dense layers, sums, concatenation, and what acts on each position by "
            "itself. receptive_field.measure knows more"
        )

    def _follow(
        self,
        name: str,
        fields: list[_Field],
        given: list[Tensor],
        output: Tensor,
        args: tuple,
        kwargs: dict,
    ) -> _Field:
        if self._stacks(name, args, kwargs):
            return self._beside(fields)
        if self.watch.on_each or name == "local_response_norm":
            self._check_positions(name, fields, given, output)
            return self._join(fields)
        if not any(field.jump or field.mixed for field in fields):
            return self._join(fields)  # all see the same, and so does what they make
        if len(fields) == 1:
            [field] = fields
            if hasattr(self, f"_{name}"):
                return getattr(self, f"_{name}")(field, *args, **kwargs)
            if name in _LAYING_OUT:
                return self._laid_out(name, field, args[0], output)
            if name in _REDUCING or name in ("softmax", "log_softmax"):
                return self._reduced(name, field, *args, **kwargs)
        raise self._cannot(name)

    def _check_positions(
        self, name: str, fields: list[_Field], given: list[Tensor], output: Tensor
    ) -> None:
        """Refuse what moves or hides positions, though it acts on each entry."""
        if not any(field.jump for field in fields):
            return
        places = output.shape[2:] if output.ndim == 4 else None
        for tensor in given:
            # One that is only now written into had no field, and counts as it was.
            field, _ = getattr(tensor, "receptive_field", (None, None))
            if field:
                if field.jump and tensor.shape[2:] != places:
                    grids = f"{tuple(tensor.shape)} and {tuple(output.shape)}"
                    raise ValueError(f"branches meet that do not match: {grids}")
            elif (
                name in _CHOOSING
                and not self.watch.is_weight(tensor)
                and any(side > 1 for side in tensor.shape[-2:])
            ):
                raise ValueError(
                    f"the recursion cannot follow {name!r} with a constant that "
                    "differs from position to position. receptive_field.measure can"
                )

    def _stacks(self, name: str, args: tuple, kwargs: dict) -> bool:
        """Does this put maps side by side, position on position?"""
        dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
        maps = name in ("cat", "concat", "concatenate")
        return maps and dim % next(tensors_in(args)).ndim in (0, 1)

    def _beside(self, fields: list[_Field]) -> _Field:
        """Return the field of channels put side by side."""
        seen = {(field.start, field.size, field.jump) for field in fields}
        mixed = len(seen) > 1 or any(field.mixed for field in fields)
        return replace(self._join(fields), mixed=mixed)

    def _join(self, fields: list[_Field]) -> _Field:
        """Return what a unit sees that sees what each of others does."""
        if not all(field.jump for field in fields):
            fields = self._all_whole(fields)
        jumps, units = {f.jump for f in fields}, {f.units for f in fields}
        if len(jumps) > 1 or (len(units) > 1 and jumps != {0}):
            grids = (f"{f.units} units {f.jump} pixels apart" for f in fields)
            raise ValueError(f"branches meet that do not match: {' and '.join(grids)}")
        start, end = _hull(fields)
        alike = [field for field in fields if not field.mixed]
        mixed = not alike or _hull(alike) != (start, end)
        return replace(fields[0], size=end - start, start=start, mixed=mixed)

    def _all_whole(self, fields: list[_Field]) -> list[_Field]:
        """Return fields of units that all see the same, where some do already."""
        alike = [field for field in fields if not field.jump]
        whole = [field.whole() for field in fields]
        if len(alike) < len(fields) and _hull(whole) != _hull(alike):
            raise ValueError(
                "the recursion cannot follow units that see a part of the image, the "
                "same for all, and each its own surroundings. receptive_field.measure "
                "can"
            )
        return whole

    def _laid_out(self, name: str, field: _Field, x: Tensor, output: Tensor) -> _Field:
        """Return the field of a vector: each entry is that of one unit."""
        as_vector = output.ndim == 2 or output.shape[2:] == (1, 1)
        if not as_vector or x.ndim != 4 or len(output) != len(x):
            raise self._cannot(name)
        return replace(field.whole(), mixed=field.mixed or x.shape[2:] != (1, 1))

    def _reduced(
        self, name: str, field: _Field, x: Tensor, *args: object, **options: object
    ) -> _Field:
        """Return the field where all positions, or all channels, are taken together."""
        dim = options.get("dim", next(iter(args), None))
        axes = [dim] if isinstance(dim, int) else dim
        if x.ndim == 4 and isinstance(axes, list | tuple):
            axes = {axis % 4 for axis in axes}
            # By their names, only these can be told to keep the axis.
            shares = "softmax" in name and x.shape[1] > 1  # the share of one is 1
            kept = options.get("keepdim", args[1:2] == (True,))
            if axes == {1} and (kept or shares):
                return replace(field, mixed=False)
            if axes >= {2, 3} and "softmax" not in name:
                return replace(field.whole(), mixed=field.mixed and 1 not in axes)
        raise self._cannot(name)

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
        self._check_kernel(weight)
        field = replace(field, mixed=field.mixed and groups > 1)
        kernel, dilation = weight.shape[2 + self.axis], self._along(dilation)
        if padding == "valid":
            padding = 0
        elif padding == "same":  # an odd pixel goes to the end, as PyTorch has it
            padding = dilation * (kernel - 1) // 2
        return field.slide(kernel, self._along(stride), self._along(padding), dilation)

    def _check_kernel(self, weight: Tensor) -> None:
        """Refuse a kernel that may be a smaller one, with zeros around it."""
        values = getattr(weight, "stands_for", None)  # a buffer
        if values is not None and not values.is_meta:
            along = values.transpose(0, 2 + self.axis).flatten(1)
            if (along[[0, -1]] != 0).any(1).all():
                return
        elif self.watch.is_weight(weight):
            return
        raise ValueError(
            "the recursion cannot follow a convolution whose kernel is no weight, but "
            "made with a mask or another constant: zeros may make it smaller. "
            "receptive_field.measure can"
        )

    def _max_pool2d(
        self,
        field: _Field,
        x: Tensor,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        *args: bool,
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
        mixed = field.mixed or any(pad[4:])  # channels that see nothing
        return replace(field, start=field.start - before * field.jump, mixed=mixed)

    def _chunk(
        self, field: _Field, x: Tensor, *args: object, **options: object
    ) -> _Field:
        """Return the field of channels that are cut apart, position by position."""
        dim = options.get("dim", args[1] if len(args) > 1 else 0)
        if x.ndim != 4 or not isinstance(dim, int) or dim % 4 != 1:
            raise ValueError("the recursion follows maps cut apart by channels only")
        return self._some_channels(field)

    _split = _split_with_sizes = _tensor_split = _chunk

    def _some_channels(self, field: _Field) -> _Field:
        if field.mixed:
            raise ValueError(
                "the recursion cannot follow some of several channels that see "
                "different pixels. receptive_field.measure can"
            )
        return field

    def _getitem(self, field: _Field, x: Tensor, index: object) -> _Field:
        index = index if isinstance(index, tuple) else (index,)
        slices = x.ndim == 4 and len(index) <= 4
        if not slices or not all(isinstance(i, slice) for i in index):
            raise ValueError("the recursion follows slices of maps only")
        if any(cut != slice(None) for cut in index[:2]):
            field = self._some_channels(field)
        if len(index) <= 2 + self.axis:
            return field
        first, _, step = index[2 + self.axis].indices(field.units)
        return replace(
            field, jump=field.jump * step, start=field.start + first * field.jump
        )

    def _linear(
        self, field: _Field, x: Tensor, weight: Tensor, bias: Tensor | None = None
    ) -> _Field:
        if x.ndim == 2:
            return replace(field.whole(), mixed=False)
        raise ValueError(
            "the recursion follows a dense layer on vectors, not on maps: flatten, or "
            "use a 1x1 convolution"
        )


def _hull(fields: Sequence[_Field]) -> tuple[int, int]:
    """Return the first pixel that any field has, and the one after the last."""
    starts, ends = [f.start for f in fields], [f.end for f in fields]
    return min(starts), max(ends)


def path_counts(
    kernels: Sequence[int], dilations: Sequence[int] | None = None
) -> list[np.ndarray]:
    """Count the paths from a unit down to each place below it, level by level.

    Args:
        kernels: Of each layer, the first layer first; stride 1.
        dilations: Likewise; 1 everywhere if None.

    Returns:
        For the unit and then for each level below it the number of paths.
    """
    levels = [np.array([1])]
    layers = list(zip(kernels, dilations or [1] * len(kernels), strict=True))
    for kernel, dilation in reversed(layers):
        taps = np.zeros((kernel - 1) * dilation + 1, dtype=int)
        taps[::dilation] = 1
        levels.append(np.convolve(levels[-1], taps))
    return levels
