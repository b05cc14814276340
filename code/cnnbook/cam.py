"""Class activation maps: how much each place of an image speaks for a class.

Zhou, Khosla, Lapedriza, Oliva and Torralba, "Learning deep features for discriminative
localization", CVPR 2016, arXiv:1512.04150, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import _observe


@torch.no_grad()
def class_activation_map(
    model: nn.Module, images: Tensor, classes: Tensor | None = None
) -> Tensor:
    """Apply a network's last linear layer at each position, before the average.

    A score is linear in the average of the last maps, so it is also the average of what
    the linear layer, without its bias, makes of the maps at each position: that is the
    class activation map. Its mean over all positions, plus the bias, is the score. The
    paper sums over positions where this network averages; that is a factor H·W.

    Args:
        model: A network that ends in global average pooling (a module
            `nn.AdaptiveAvgPool2d` with output 1x1) and one `nn.Linear`, as ResNet and
            GoogLeNet do; or in the pooling alone, as NIN does, whose last maps are the
            class maps. It runs in eval mode and is left as it was.
        images: What the network takes, (N, C, height, width), on its device.
        classes: The class wanted of each image, of shape (N,); all classes if None.

    Returns:
        Maps of shape (N, H, W); (N, classes, H, W) if `classes` is None. H and W are
        those of the last maps.

    Raises:
        ValueError: If there is no image, the network ends otherwise, or `classes` does
            not fit.
    """
    maps, weight, scores = _last_maps(model, images)
    if classes is None:
        return maps if weight is None else torch.einsum("kc,nchw->nkhw", weight, maps)
    known = scores.shape[1]
    if (
        classes.shape != scores.shape[:1]
        or classes.is_floating_point()
        or not ((classes >= 0) & (classes < known)).all()
    ):
        raise ValueError(
            f"expected a class from 0 to {known - 1} for each of {len(scores)} images, "
            f"got {classes}"
        )
    classes = classes.to(maps.device)
    if weight is None:
        return maps[torch.arange(len(maps), device=maps.device), classes]
    return torch.einsum("nc,nchw->nhw", weight[classes], maps)


@dataclass
class _Seen:
    """What ran last: the pooling's input and output, and the linear layer behind it."""

    maps: Tensor | None = None
    linear: nn.Linear | None = None

    def pooling(self, layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        """Note the maps that a global average pooling reads."""
        if output.ndim == 4 and output.shape[2:] == (1, 1):
            self.maps, self.linear = inputs[0], None

    def dense(self, layer: nn.Linear, inputs: tuple[Tensor], output: Tensor) -> None:
        """Note a linear layer."""
        self.linear = layer


def _last_maps(
    model: nn.Module, images: Tensor
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return the maps before the pooling, the weights behind it if any, the scores."""
    seen = _Seen()
    kinds = {nn.AdaptiveAvgPool2d: seen.pooling, nn.Linear: seen.dense}
    hooks = {
        module: hook
        for module in model.modules()
        for kind, hook in kinds.items()
        if isinstance(module, kind)
    }
    if not len(images):
        raise ValueError(f"expected at least one image, got {tuple(images.shape)}")
    with _observe.running(model, hooks):
        scores = model(images)
    # Whatever lies between the pooling and the scores must make no difference: what
    # the network says is the judge, not the kinds of its layers.
    linear = seen.linear
    weight = None if linear is None else linear.weight
    if seen.maps is not None:
        expected = seen.maps.mean(dim=(2, 3))
        if linear is None or linear.weight.shape[1] == expected.shape[1]:
            if linear is not None:
                expected = F.linear(expected, linear.weight, linear.bias)
            if _agree(expected, scores):
                return seen.maps, weight, scores
    raise ValueError(
        f"{type(model).__name__} does not end in global average pooling "
        "(nn.AdaptiveAvgPool2d(1)) and one linear layer, so its scores are no averages "
        "of maps. A network that flattens has none; replace its head and train it again"
    )


def _agree(expected: Tensor, scores: Tensor) -> bool:
    return expected.shape == scores.shape and torch.allclose(
        expected, scores, rtol=1e-3, atol=1e-3 * scores.abs().max().item()
    )
