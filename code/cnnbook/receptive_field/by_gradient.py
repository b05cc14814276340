"""How much a unit depends on each pixel: the effective receptive field.

Luo, Li, Urtasun and Zemel, "Understanding the effective receptive field in deep
convolutional neural networks", NeurIPS 2016, arXiv:1701.04128.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import _observe
from .._lookup import lookup
from ._common import middle, one_tensor


@torch.inference_mode(False)  # which keeps no graph of gradients
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
        seed: Decides the signs, and what the network itself may draw.

    Returns:
        Tensor of shape (H, W) that sums to 1.

    Raises:
        ValueError: If `images` are none, there is no such layer (the message names the
            closest), it does not run or does not depend on the image, or if the
            gradient is zero everywhere or not finite.
    """
    _observe.expect_plain(model)
    _check_images(images)
    images = images.detach().clone().requires_grad_()
    unit = _middle_unit(model, images, layer, seed)
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(images.shape[2:], dtype=torch.float64, device=images.device)
    for _ in range(samples):
        signs = torch.randint(0, 2, unit.shape, generator=generator) * 2.0 - 1
        [gradient] = torch.autograd.grad(
            unit, images, signs.to(unit), retain_graph=True, allow_unused=True
        )
        if gradient is None:
            raise _no_dependence(layer)
        total += gradient.double().square().sum(dim=(0, 1))
    if not total.isfinite().all():
        raise ValueError(
            f"the gradient of the middle unit of {layer!r} is not finite on these "
            "images, as where a root or a deviation is 0. Give others"
        )
    if not total.sum() > 0:
        raise ValueError(
            f"the middle unit of {layer!r} has no gradient on these images: all its "
            "maps are zero there, as after a ReLU. Give other images, or several"
        )
    return total / total.sum()


def _check_images(images: Tensor) -> None:
    if images.ndim != 4 or not len(images) or not images.is_floating_point():
        raise ValueError(
            "images must be (N, channels, height, width) of a real type, got "
            f"{tuple(images.shape)} of {images.dtype}"
        )


def _middle_unit(model: nn.Module, images: Tensor, layer: str, seed: int) -> Tensor:
    """Run a network, and return a layer's middle unit with its graph of gradients."""
    layers = {name: module for name, module in model.named_modules() if name}
    module = lookup(layer, layers, "layer")
    units: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple, output: object) -> None:
        # A copy, because an activation function may follow in place.
        units.append(middle(module, one_tensor(layer, output)).clone())

    with (
        torch.enable_grad(),
        _observe.restored(model),
        _observe.own_generators(model, seed),
        _observe.running(model, {module: note}),
    ):
        model(images.clone())  # which a layer may write into
    if not units:
        raise ValueError(f"layer {layer!r} does not run when the network does")
    if not units[-1].requires_grad:
        raise _no_dependence(layer)
    return units[-1]


def _no_dependence(layer: str) -> ValueError:
    return ValueError(f"layer {layer!r} does not depend on the image")
