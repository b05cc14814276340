"""How much each place of an image speaks for a class: class activation maps, occlusion.

Zhou, Khosla, Lapedriza, Oliva and Torralba, "Learning deep features for discriminative
localization", CVPR 2016, arXiv:1512.04150, section 2; Zeiler and Fergus, "Visualizing
and understanding convolutional networks", ECCV 2014, arXiv:1311.2901, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from . import _observe, _products

INDICES = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
aten = torch.ops.aten


@torch.no_grad()
def class_activation_map(
    model: nn.Module, images: Tensor, classes: Tensor | None = None
) -> Tensor:
    """Apply a network's last linear layer at each position, before the average.

    A score is linear in the average of the last maps, so it is also the average of what
    the linear layer, without its bias, makes of the maps at each position: that is the
    class activation map. Its mean over all positions, plus the bias, is the score. The
    paper sums over positions where this network averages; that is a factor H·W.

    It does not matter how the network averages (a module, `x.mean((2, 3))`, a pooling
    of the maps' size, a sum and a division) or how it applies the linear layer: all
    operations are watched, and what the network says must agree with the maps.

    Args:
        model: A network that ends in the average of maps over all positions and one
            linear layer, as ResNet, DenseNet and GoogLeNet do; or in the average alone,
            as NIN does, whose last maps are the class maps. It runs in eval mode and is
            left as it was. If it returns several tensors, as a tuple or by name, the
            scores are the first that agrees.
        images: What the network takes, (N, C, height, width), on its device.
        classes: The class wanted of each image, of shape (N,); all classes if None.

    Returns:
        Maps of shape (N, H, W); (N, classes, H, W) if `classes` is None. H and W are
        those of the last maps.

    Raises:
        ValueError: If there is no image, the network ends otherwise, is lazy, wrapped
            or a script, or if `classes` does not fit.
    """
    maps, weight = _last_maps(model, images)
    if classes is None:
        return maps if weight is None else torch.einsum("kc,nchw->nkhw", weight, maps)
    known = maps.shape[1] if weight is None else len(weight)
    if (
        not isinstance(classes, Tensor)
        or classes.shape != maps.shape[:1]
        or classes.dtype not in INDICES
        or not ((classes >= 0) & (classes < known)).all()
    ):
        raise ValueError(
            f"expected a tensor of a class from 0 to {known - 1} for each of "
            f"{len(maps)} images, got {classes}"
        )
    classes = classes.to(maps.device).long()
    if weight is None:
        return maps[torch.arange(len(maps), device=maps.device), classes]
    return torch.einsum("nc,nchw->nhw", weight[classes], maps)


@torch.no_grad()
def occlusion(
    measure: Callable[[Tensor], Tensor],
    image: Tensor,
    side: int,
    step: int,
    *,
    grey: float = 0.0,
) -> Tensor:
    """Cover an image with a square, place after place, and measure each time.

    Args:
        measure: Maps images (N, C, H, W) to a number each, (N,), such as the score of
            a class.
        image: (C, H, W), as `measure` takes it.
        side: Of the square, in pixels; it stays within the image.
        step: From one place of the square to the next.
        grey: What the square is filled with; 0 is the mean of normalised images.

    Returns:
        (rows, columns): the number with the square `row * step` from the top and
        `column * step` from the left.

    Raises:
        ValueError: If the square does not fit into the image.
    """
    height, width = image.shape[1:]
    if not 0 < side <= min(height, width):
        raise ValueError(f"a square of {side} does not fit into {height}x{width}")
    tops = range(0, height - side + 1, step)
    lefts = range(0, width - side + 1, step)
    found = []
    for top in tops:
        for left in lefts:
            covered = image.clone()
            covered[:, top : top + side, left : left + side] = grey
            found.append(measure(covered[None]))
    return torch.cat(found).view(len(tops), len(lefts))


def _last_maps(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the maps that the network averages, and the weights behind it, if any."""
    if not len(images):
        raise ValueError(f"expected at least one image, got {tuple(images.shape)}")
    _observe.expect_plain(model, may_be_compiled=True)
    watch = _Watch()
    with (
        torch.inference_mode(False),
        _observe.restored(model),
        _observe.running(model),
        watch,
    ):
        outputs = model(images)
    if watch.maps is not None:
        # Whatever else lies between the average and the scores must make no difference:
        # what the network says is the judge.
        expected = watch.scores(watch.maps)
        if any(_agree(*expected, scores) for scores in _observe.tensors(outputs)):
            return watch.maps, watch.weight
    raise ValueError(
        f"{type(model).__name__} does not end in global average pooling and one linear "
        "layer, so its scores are no averages of maps. A network that flattens has "
        "none; replace its head and train it again"
    )


class _Watch(TorchDispatchMode):
    """Watches every operation for the last average of maps, and what multiplies it.

    Which operations make an average does not matter: a tensor is one if it comes from
    maps, by however many steps, and has their means as its values.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maps: Tensor | None = None  # (N, C, H, W)
        self.weight: Tensor | None = None  # (classes, C)
        self.bias: Tensor | None = None  # (classes,)
        self.product: Tensor | None = None
        # Of a tensor with too few sides for maps: the maps that it was made of.
        self.origins = WeakTensorKeyDictionary()

    def __torch_dispatch__(
        self,
        operation: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        """Run an operation, and look at what it did."""
        if _products.is_composed(operation):
            with self:
                return operation.decompose(*args, **(kwargs or {}))
        averages = operation in _AVERAGES
        read = [m for x in _observe.tensors(args) for m in self.maps_of(x, averages)]
        output = operation(*args, **(kwargs or {}))
        for y in _observe.tensors(output):
            self.follow(read, y)
        if self.maps is not None and operation in _LINEAR:
            x, weight, bias = _LINEAR[operation](*args)
            self.multiply(x, weight, bias, output)
        elif operation is aten.add.Tensor and self.bias is None:
            self.add(*args)
        return output

    def maps_of(self, x: Tensor, averages: bool) -> list[Tensor]:
        """Return the maps that a tensor was made of, or that it is itself.

        A single place or a row of them, for each image, is a map only if the network
        takes an average of it: so do networks for images that are small to them.
        """
        origin = [self.origins[x]] if x in self.origins else []
        return origin + [x] if x.ndim == 4 and (averages or _has_places(x)) else origin

    def follow(self, read: list[Tensor], y: Tensor) -> None:
        """Note whether what was made of maps is their average."""
        if not read or _has_places(y):
            return
        self.origins[y] = read[0]
        for maps in read:
            # Channels may come last, too.
            for channels_second in (maps, maps.permute(0, 3, 1, 2)):
                same = y.numel() == channels_second.shape[:2].numel()
                if same and _agree(*_means(channels_second), y):
                    self.maps, self.weight, self.bias = channels_second, None, None
                    return

    def scores(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of maps, and how large the numbers are that they sum."""
        scores, size = _means(maps)
        if self.weight is not None:
            scores, size = scores @ self.weight.T, size @ self.weight.T.abs()
        if self.bias is not None:
            scores, size = scores + self.bias, size + self.bias.abs()
        return scores, size

    def multiply(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, output: Tensor
    ) -> None:
        """Note what an average is multiplied with."""
        assert self.maps is not None
        n, channels = self.maps.shape[:2]
        if x.numel() == n * channels and weight.shape[1:].numel() == channels:
            self.weight, self.bias = weight.flatten(1), bias
            self.product = output

    def add(self, x: Tensor, y: Tensor, **options: object) -> None:
        """Note a bias that is added to the product."""
        if x is self.product and self.weight is not None:
            self.bias = y if y.shape == self.weight.shape[:1] else None


def _has_places(x: Tensor) -> bool:
    """Return whether a tensor has rows and columns of channels, for each image."""
    return x.ndim == 4 and min(x.shape[1:]) > 1


_AVERAGES = {aten.mean.dim, aten.avg_pool2d.default, aten._adaptive_avg_pool2d.default}
# Of an operation's arguments: the input, the weight (outputs first) and the bias.
_LINEAR: dict[torch._ops.OpOverload, Callable[..., tuple]] = {
    aten.mm.default: lambda x, weight: (x, weight.T, None),
    aten.addmm.default: lambda bias, x, weight: (x, weight.T, bias),
    aten.linear.default: lambda x, weight, bias=None: (x, weight, bias),
    aten.convolution.default: lambda x, weight, bias, *_: (x, weight, bias),
}


def _means(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return maps' means (N, C), and how large the numbers are that these sum."""
    return maps.mean(dim=(2, 3)), maps.abs().mean(dim=(2, 3))


def _agree(expected: Tensor, size: Tensor, found: Tensor) -> bool:
    """Return whether two results are the same, within rounding.

    Rounding is judged by the size of the numbers summed: not by the largest result,
    where a bias may hide all else.
    """
    if found.is_meta:
        raise ValueError("a class map needs values, and the meta device has none")
    if expected.numel() != found.numel():
        return False
    found = found.reshape(expected.shape).to(expected.dtype)
    # A GPU may multiply with fewer digits than it stores.
    digits = 1e-5 if found.device.type == "cpu" else 1e-3
    close = (expected - found).abs() <= size * max(
        digits, 4 * torch.finfo(expected.dtype).eps
    )
    return bool((close | (expected.isnan() & found.isnan())).all())
