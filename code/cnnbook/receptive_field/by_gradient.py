"""The receptive field by gradients: which pixels have one at all, and how large it is.

Luo, Li, Urtasun and Zemel, "Understanding the effective receptive field in deep
convolutional neural networks", NeurIPS 2016, arXiv:1701.04128.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from .. import _observe
from .._lookup import lookup
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


def support(model: nn.Module, input_size: tuple[int, int, int], layer: str) -> Tensor:
    """Mark the pixels on which the middle unit of a layer depends, by its gradient.

    A gradient may be zero by chance: a weight or a ReLU happens to be zero, a maximum
    was elsewhere, two paths cancel. So the network is not run with its own weights.
    In float64, kernels are positive random numbers and other weights are ones, maxima
    become sums, and activation functions, normalisation and dropout pass on what they
    get. Only one
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
    check_request(input_size)
    _observe.expect_plain(model)
    image = torch.rand(1, 1, *input_size[1:], dtype=torch.float64).requires_grad_()
    one = torch.ones((), dtype=torch.float64)
    # Buffers of whole numbers, such as tables of connections, are needed as they are.
    weights = {
        name: one.expand(tensor.shape) if tensor.is_floating_point() else tensor
        for name, tensor in named_tensors(model)
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
    check_request(input_size, axis)
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
    _observe.expect_plain(model)
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
    watched = _observe.running(model, hooks)
    with torch.enable_grad(), _observe.restored(model), watched, mode:
        forward()
    if not outputs:
        raise ValueError(f"layer {layer!r} does not run when the network does")
    if not isinstance(outputs[-1], Tensor):
        raise ValueError(
            f"layer {layer!r} does not put out one tensor, but a "
            f"{type(outputs[-1]).__name__}: name a layer inside it"
        )
    return outputs[-1]


def _middle(output: Tensor) -> Tensor:
    """Return (N, C): the middle unit of maps, or the whole vector."""
    if output.ndim == 4:
        return output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    return output.flatten(1)


class _Measurement(TorchFunctionMode):
    """Runs one channel of a network, copied to all, so that no gradient is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def __torch_function__(
        self,
        function: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        kwargs = kwargs or {}
        # Only what depends on the image is replaced; weights may be prepared as usual.
        if any(tensor.requires_grad for tensor in tensors_in((args, kwargs.values()))):
            refuse_writes(function, args)
            name = operation_name(function)
            if name in [*ON_ONE, *ON_SEVERAL] or hasattr(self, f"_{name}"):
                args, kwargs = by_position(args, kwargs)
            if name in ON_ONE:  # such as a ReLU, which could close and hide a pixel
                return args[0]
            if name in ON_SEVERAL:  # not in place: copied channels share memory
                return getattr(torch, name)(*args)
            output = getattr(self, f"_{name}", function)(*args, **kwargs)
            mark_parts(name, output)
            return output
        return function(*args, **kwargs)

    def _conv2d(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: PerAxis = 1,
        padding: PerAxis | str = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
    ) -> Tensor:
        # Its own weights might cancel, so positive ones. Groups change nothing: all
        # channels see the same pixels.
        kernel = self._positive(weight.shape[2:])
        output = F.conv2d(_one_channel(x), kernel, None, stride, padding, dilation)
        return _copied(output, len(weight))

    def _max_pool2d(
        self,
        x: Tensor,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        **options: bool,
    ) -> Tensor:
        # A maximum has a gradient at one pixel only, a convolution in its place at all.
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

    def _adaptive_max_pool2d(
        self,
        x: Tensor,
        output_size: int | tuple[int, int],
        return_indices: bool = False,
    ) -> Tensor:
        return F.adaptive_avg_pool2d(x, output_size)

    def _linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        total = x.sum(dim=-1, keepdim=True)
        return total.expand(*x.shape[:-1], len(weight))

    def _cat(self, tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
        if tensors[0].ndim != 4 or dim % 4 != 1:
            return torch.cat(list(tensors), dim)
        channels = sum(tensor.shape[1] for tensor in tensors)
        first, *others = map(_one_channel, tensors)
        return _copied(sum(others, first), channels)

    def _positive(self, size: Sequence[int]) -> Tensor:
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
    maps.one_channel = one  # type: ignore[attr-defined]  # a tensor takes any
    return maps


def _one_channel(maps: Tensor) -> Tensor:
    """Return one channel, (N, 1, H, W), for maps whose channels are all alike.

    Where they are not, because a network has added empty ones, it is their mean.
    """
    one = getattr(maps, "one_channel", None)
    return maps.mean(dim=1, keepdim=True) if one is None else one


def _pair(value: PerAxis) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return first, second
