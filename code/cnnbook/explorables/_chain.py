"""A network as a chain of steps that a few lines of JavaScript can compute.

`observe` watches one forward pass, functional calls included, and writes down each step
from one tensor to the next. `compute` runs such a chain in PyTorch, so that it can be
compared with the network, and the script with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .._observe import restored, running
from ..models.lenet import EuclideanRBF

Shape = tuple[int, int, int]  # maps, rows, columns


@dataclass(frozen=True)
class Step:
    """One operation of a chain.

    Attributes:
        kind: What it computes, one of the functions in `_COMPUTE`.
        name: Of the layer or function in the network, as it is called there.
        shape: Of its output: maps, rows, columns; features are maps of one unit.
        settings: Numbers and words that it needs, in a form that JSON has.
        weights: Kernels of a convolution, (outputs, inputs of its group, k, k).
        vectors: Other tensors, by name: the bias, a scale for each map.
    """

    kind: str
    name: str
    shape: Shape
    settings: dict[str, Any] = field(default_factory=dict)
    weights: Tensor | None = None
    vectors: dict[str, Tensor] = field(default_factory=dict)


class NotAChainError(ValueError):
    """A network that is not a chain of steps which can be shown."""


def observe(model: nn.Module, image: Tensor) -> list[Step]:
    """Return the steps by which a network, in eval mode, maps one image (C, H, W).

    Raises:
        NotAChainError: If a step cannot be shown, or the network branches; the message
            names the layer.
    """
    recorder = _Recorder(model)
    batch = image[None]
    recorder.follow(batch)
    with restored(model), running(model), torch.no_grad(), recorder.listening():
        result = model(batch)
    if result is not recorder.last:
        raise NotAChainError(
            f"{type(model).__name__} does not return what its last layer computes, so "
            "it is no chain of layers"
        )
    channels, height, width = image.shape
    return _merged(recorder.steps, (channels, height, width))


def compute(chain: list[Step], images: Tensor) -> list[Tensor]:
    """Return each step's output for a batch of images, as (N, maps, rows, columns)."""
    outputs: list[Tensor] = []
    for step in chain:
        images = _COMPUTE[step.kind](step, images).view(len(images), *step.shape)
        outputs.append(images)
    return outputs


class _Recorder(TorchFunctionMode):
    """Writes down each call that is given the last tensor of the chain.

    It follows tensors by identity; calls on anything else, such as preparing a weight,
    are of no interest.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.seen: list[Tensor] = []  # all tensors of the chain so far
        self._model = model
        self._layers: list[str] = []  # the one being computed, innermost last
        self._inside_whole = False  # of a layer that is one step

    @property
    def last(self) -> Tensor:
        return self.seen[-1]

    def follow(self, tensor: Tensor) -> None:
        """Let the chain go on from this tensor."""
        self.seen.append(tensor)

    def listening(self) -> _Recorder:
        """Return itself, with hooks that tell which layer is being computed."""
        for name, layer in self._model.named_modules():
            layer.register_forward_pre_hook(lambda *_, name=name: self._enter(name))
            layer.register_forward_hook(self._leave)
        return self

    def _enter(self, name: str) -> None:
        self._layers.append(name)
        layer = self._model.get_submodule(name)
        self._inside_whole = isinstance(layer, EuclideanRBF)

    def _leave(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(layer, EuclideanRBF):
            codes = {"codes": layer.codes}
            self._add("distances", output, vectors=codes)
        self._inside_whole = False
        self._layers.pop()

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        given = [*args, *kwargs.values()]
        ours = [
            tensor
            for value in given
            for tensor in (value if isinstance(value, list | tuple) else [value])
            if any(tensor is seen for seen in self.seen)
        ]
        if self._inside_whole or not ours or not isinstance(result, Tensor):
            return result
        name = function.__name__.strip("_")
        if len(ours) > 1 or ours[0] is not self.last:
            raise NotAChainError(
                f"the layer {self._place(name)} reads what an earlier layer computed: "
                "only a chain of layers, each of which reads the one before, is shown"
            )
        if name not in _READERS:
            raise NotAChainError(f"the layer {self._place(name)} cannot be shown here")
        self._read(name, ours[0], result, args, kwargs)
        return result

    def _read(
        self, name: str, before: Tensor, result: Tensor, args: tuple, kwargs: dict
    ) -> None:
        """Write down a call, by the function of `_READERS` that knows it."""
        rest = tuple(value for value in args if value is not before)
        named = {key: value for key, value in kwargs.items() if value is not before}
        try:
            read = _READERS[name](before, *rest, **named)
        except _CannotShowError as reason:
            raise NotAChainError(
                f"the layer {self._place(name)} cannot be shown here: {reason}"
            ) from None
        except TypeError:
            raise NotAChainError(
                f"the layer {self._place(name)} is called in a way that cannot be "
                "shown here"
            ) from None
        if read is None:  # it changes nothing
            self.follow(result)
        else:
            kind, settings, weights, vectors = read
            self._add(kind, result, settings, weights, vectors, name)

    def _add(
        self,
        kind: str,
        output: Tensor,
        settings: dict | None = None,
        weights: Tensor | None = None,
        vectors: dict[str, Tensor] | None = None,
        function: str = "",
    ) -> None:
        if output.ndim not in (2, 4):
            place = self._place(function)
            raise NotAChainError(
                f"the layer {place} outputs a tensor of shape {tuple(output.shape)}: "
                "only maps (N, C, H, W) and features (N, F) can be shown"
            )
        shape = (*output.shape[1:], 1, 1)[:3]
        tensors = {
            name: tensor.detach().cpu().float().clone()
            for name, tensor in (vectors or {}).items()
            if tensor is not None
        }
        kept = None if weights is None else weights.detach().cpu().float().clone()
        for tensor in [*tensors.values(), *([] if kept is None else [kept])]:
            if not tensor.isfinite().all():
                raise NotAChainError(
                    f"a weight of the layer {self._place(function)} is not finite: "
                    "nothing true can be drawn with it; train the network again with "
                    "a lower learning rate"
                )
        name = self._layers[-1] if self._layers else ""
        step = Step(kind, name or function, shape, settings or {}, kept, tensors)
        self.steps.append(step)
        self.follow(output)

    def _place(self, function: str) -> str:
        """Name a layer for the reader: its place in the network, and what it is."""
        name = self._layers[-1] if self._layers else ""
        if not name:
            return repr(function)
        kind = type(self._model.get_submodule(name)).__name__
        return f"{name!r} ({kind})"


class _CannotShowError(ValueError):
    """Why a call cannot be shown."""


# Each reader gets a call's tensor and its other arguments, and returns kind, settings,
# weights and other tensors, or None for a call that changes nothing.
_Read = tuple[str, dict[str, Any], Tensor | None, dict[str, Any]]


def _pair(value: Any) -> list[int]:
    return (
        list(value) * (2 // len(value))
        if isinstance(value, list | tuple)
        else [value] * 2
    )


def _conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> _Read:
    dilation = _pair(dilation)
    if padding == "valid":
        padding = 0
    if padding == "same":
        spans = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        if any(span % 2 for span in spans):
            raise _CannotShowError("its padding differs from side to side")
        padding = [span // 2 for span in spans]
    settings = {
        "kernel": list(weight.shape[2:]),
        "stride": _pair(stride),
        "padding": _pair(padding),
        "dilation": dilation,
        "groups": groups,
    }
    return "convolution", settings, weight, {"bias": bias}


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> _Read:
    if x.ndim != 2:
        raise _CannotShowError("it does not read features (N, F)")
    return _conv2d(x, weight[:, :, None, None], bias)


def _pool(mode: str) -> Callable[..., _Read]:
    def maximum(
        x: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> _Read:
        return pool(kernel_size, stride, padding, dilation, ceil_mode)

    def average(
        x: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> _Read:
        if _pair(padding) != [0, 0] and not count_include_pad:
            raise _CannotShowError("its average leaves out the padding")
        divisor = divisor_override or _pair(kernel_size)[0] * _pair(kernel_size)[1]
        return pool(kernel_size, stride, padding, 1, ceil_mode, divisor=divisor)

    def pool(
        kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, **more: int
    ) -> _Read:
        if ceil:
            raise _CannotShowError("it rounds its output's size up")
        settings = {
            "kernel": _pair(kernel),
            "stride": _pair(stride or kernel),
            "padding": _pair(padding),
            "dilation": _pair(dilation),
        }
        return mode, {**settings, **more}, None, {}

    return maximum if mode == "maximum" else average


def _adaptive_average(x: Tensor, output_size: Any) -> _Read:
    sizes = [
        size if size is not None else own
        for size, own in zip(_pair(output_size), x.shape[2:], strict=True)
    ]
    return "adaptive average", {"size": sizes}, None, {}


def _mean(x: Tensor, dim: Any, keepdim: bool = False) -> _Read:
    if x.ndim != 4 or sorted(d % 4 for d in dim) != [2, 3]:
        raise _CannotShowError("it does not average whole maps")
    return "adaptive average", {"size": [1, 1]}, None, {}


def _batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> _Read:
    if training or mean is None:
        raise _CannotShowError("it keeps no mean and variance to use in eval mode")
    scale = (variance + eps).rsqrt() * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    return "affine", {}, None, {"scale": scale, "shift": shift}


def _group_norm(
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> _Read:
    vectors = {"scale": weight, "shift": bias}
    return "normalise", {"groups": num_groups, "eps": eps}, None, vectors


def _layer_norm(
    x: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> _Read:
    if tuple(normalized_shape) != tuple(x.shape[1:]):
        raise _CannotShowError("it does not normalise an image's whole output")
    vectors = {"scale": weight, "shift": bias}
    return "normalise", {"groups": 1, "eps": eps}, None, vectors


def _affine(x: Tensor, scale: Any = 1.0, shift: Any = 0.0) -> _Read:
    vectors = {"scale": _by_map(x, scale), "shift": _by_map(x, shift)}
    return "affine", {}, None, vectors


def _by_map(x: Tensor, value: Any) -> Tensor:
    """Return a number for each map from a number, or a tensor that has one for each."""
    value = torch.as_tensor(value, dtype=torch.float32).detach().cpu()
    one_each = x[:1, :, 0, 0] if x.ndim == 4 else x[:1]
    same_in_each_map = value.numel() in (1, x.shape[1])
    full = torch.broadcast_to(value, x[:1].shape) if same_in_each_map else x
    spread = full[0].flatten(1) if x.ndim == 4 else full[0][:, None]
    if not same_in_each_map or (spread != spread[:, :1]).any():
        raise _CannotShowError("its numbers differ within a map")
    return spread[:, 0].clone().expand(one_each.shape[1])


def _activation(name: str, **defaults: float) -> Callable[..., _Read]:
    """Return a reader of an activation, with its numbers in their order."""

    def read(x: Tensor, *numbers: Any, **named: Any) -> _Read:
        named = {key: value for key, value in named.items() if key != "inplace"}
        given = dict(zip(defaults, numbers, strict=False))
        extra = {key: float(named[key]) for key in named if key in defaults}
        return "activation", {"function": name, **defaults, **given, **extra}, None, {}

    return read


def _gelu(x: Tensor, approximate: str = "none") -> _Read:
    name = "gelu" if approximate == "none" else "gelu (tanh)"
    return "activation", {"function": name}, None, {}


def _softmax(x: Tensor, dim: int, *_: Any, log: bool = False, **__: Any) -> _Read:
    if dim % x.ndim != 1:
        raise _CannotShowError("it does not run over the classes")
    return "softmax", {"log": log}, None, {}


def _reshape(x: Tensor, *_: Any, **__: Any) -> _Read | None:
    return "flatten", {}, None, {}


def _nothing(x: Tensor, *_: Any, **__: Any) -> None:
    return None


_READERS: dict[str, Callable[..., _Read | None]] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "max_pool2d": _pool("maximum"),
    "avg_pool2d": _pool("average"),
    "adaptive_avg_pool2d": _adaptive_average,
    "mean": _mean,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "mul": lambda x, factor: _affine(x, scale=factor),
    "rmul": lambda x, factor: _affine(x, scale=factor),
    "truediv": lambda x, divisor: _affine(x, scale=1 / divisor),
    "div": lambda x, divisor: _affine(x, scale=1 / divisor),
    "add": lambda x, term: _affine(x, shift=term),
    "radd": lambda x, term: _affine(x, shift=term),
    "sub": lambda x, term: _affine(x, shift=-term),
    "neg": lambda x: _affine(x, scale=-1.0),
    "relu": _activation("relu"),
    "leaky_relu": _activation("leaky relu", negative_slope=0.01),
    "sigmoid": _activation("sigmoid"),
    "tanh": _activation("tanh", inside=1.0, outside=1.0),
    "gelu": _gelu,
    "silu": _activation("silu"),
    "elu": _activation("elu", alpha=1.0),
    "hardtanh": _activation("hardtanh", min_val=-1.0, max_val=1.0),
    "relu6": _activation("hardtanh", min_val=0.0, max_val=6.0),
    "softmax": _softmax,
    "log_softmax": partial(_softmax, log=True),
    "flatten": _reshape,
    "view": _reshape,
    "reshape": _reshape,
    "squeeze": _reshape,
    "unsqueeze": _reshape,
    "dropout": _nothing,
    "dropout2d": _nothing,
    "feature_dropout": _nothing,
    "contiguous": _nothing,
    "float": _nothing,
}


def _merged(steps: list[Step], input_shape: Shape) -> list[Step]:
    """Write as one step what the reader knows as one.

    These are "times, tanh, times", the paper's squashing function, and "flatten,
    linear", which is a convolution whose kernels are as large as the maps.
    """
    merged = [Step("input", "", input_shape)]
    for step in steps:
        merged.append(step)
        if len(merged) < 3:
            continue
        first, middle = merged[-3:-1]
        inside, outside = _factor(first), _factor(step)
        if inside and outside and middle.settings.get("function") == "tanh":
            settings = {"function": "tanh", "inside": inside, "outside": outside}
            merged[-3:] = [replace(middle, settings=settings)]
        elif middle.kind == "flatten" and step.weights is not None:
            weights = step.weights.view(len(step.weights), *first.shape)
            settings = {**step.settings, "kernel": list(first.shape[1:])}
            merged[-2:] = [replace(step, settings=settings, weights=weights)]
    return _affine_merged(merged[1:])


def _affine_merged(steps: list[Step]) -> list[Step]:
    """Write "times, plus" as one step."""
    merged: list[Step] = []
    for step in steps:
        if step.kind != "affine" or not merged or merged[-1].kind != "affine":
            merged.append(step)
            continue
        before, now = merged[-1].vectors, step.vectors
        vectors = {
            "scale": before["scale"] * now["scale"],
            "shift": before["shift"] * now["scale"] + now["shift"],
        }
        merged[-1] = replace(step, vectors=vectors)
    return merged


def _factor(step: Step) -> float | None:
    """Return the one number by which a step multiplies everything, if that is all."""
    if step.kind != "affine" or step.vectors["shift"].any():
        return None
    scale = step.vectors["scale"]
    return scale[0].item() if (scale == scale[0]).all() else None


def _convolution(step: Step, x: Tensor) -> Tensor:
    settings = dict(step.settings)
    settings.pop("kernel")
    assert step.weights is not None
    return F.conv2d(x, step.weights, step.vectors.get("bias"), **settings)


def _affine_of(step: Step, x: Tensor) -> Tensor:
    scale, shift = (step.vectors[name][:, None, None] for name in ("scale", "shift"))
    return x * scale + shift


def _normalised(step: Step, x: Tensor) -> Tensor:
    scale, shift = step.vectors.get("scale"), step.vectors.get("shift")
    grouped = F.group_norm(x, step.settings["groups"], eps=step.settings["eps"])
    if scale is not None:
        grouped = grouped * _spread(scale)
    return grouped if shift is None else grouped + _spread(shift)


def _spread(numbers: Tensor) -> Tensor:
    return numbers[:, None, None] if numbers.ndim == 1 else numbers


_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "relu": F.relu,
    "leaky relu": F.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": lambda x, inside, outside: outside * torch.tanh(inside * x),
    "gelu": F.gelu,
    "gelu (tanh)": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "elu": F.elu,
    "hardtanh": F.hardtanh,
}


def _activated(step: Step, x: Tensor) -> Tensor:
    numbers = {key: value for key, value in step.settings.items() if key != "function"}
    return _FUNCTIONS[step.settings["function"]](x, **numbers)


def _pooled(step: Step, x: Tensor) -> Tensor:
    settings = dict(step.settings)
    kernel, divisor = settings.pop("kernel"), settings.pop("divisor", None)
    if divisor is None:
        return F.max_pool2d(x, kernel, **settings)
    settings.pop("dilation")
    return F.avg_pool2d(x, kernel, divisor_override=divisor, **settings)


_COMPUTE: dict[str, Callable[[Step, Tensor], Tensor]] = {
    "convolution": _convolution,
    "maximum": _pooled,
    "average": _pooled,
    "adaptive average": lambda step, x: F.adaptive_avg_pool2d(x, step.settings["size"]),
    "affine": _affine_of,
    "normalise": _normalised,
    "activation": _activated,
    "softmax": lambda step, x: (
        x.log_softmax(dim=1) if step.settings["log"] else x.softmax(dim=1)
    ),
    "distances": lambda step, x: (
        (x.flatten(1)[:, None] - step.vectors["codes"]).square().sum(2)
    ),
    "flatten": lambda _, x: x,
}
