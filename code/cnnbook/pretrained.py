"""Trained weights: torchvision's for ImageNet, and this book's own small ones."""

from __future__ import annotations

import hashlib
from pathlib import Path
from pickle import UnpicklingError

import torchvision.models as tv
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from . import _book
from ._lookup import lookup
from .data import IMAGENET_MEAN, IMAGENET_STD, cache
from .models import build

WEIGHTS = _book.ROOT / "data" / "weights"

# Our name: torchvision's.
_PUBLISHED = {
    "alexnet-owt": "alexnet",
    **{f"vgg{depth}": f"vgg{depth}" for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}-bn": f"vgg{depth}_bn" for depth in (11, 13, 16, 19)},
    "googlenet": "googlenet",
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
}


def names() -> list[str]:
    """Return the architectures that have published weights."""
    return list(_PUBLISHED)


def weights(name: str) -> tv.WeightsEnum:
    """Return what torchvision knows of its first weights for an architecture.

    ``weights(name).meta`` holds the class names and the errors on ImageNet.

    Raises:
        ValueError: If there are none of that name; the message lists the known ones.
    """
    published = lookup(name, _PUBLISHED, "network with published weights")
    return tv.get_model_weights(published)["IMAGENET1K_V1"]


def load_imagenet(name: str) -> nn.Module:
    """Build an architecture with torchvision's ImageNet weights, in eval mode.

    It takes images that `data.imagenet_crop` and `data.imagenet_normalise` made. The
    file, 47 to 575 MB, is downloaded once into `data.cache()`, and checked.

    Args:
        name: One of `names()`.

    Raises:
        ValueError: If there are no weights of that name.
        FileNotFoundError: If they are not there and cannot be downloaded.
    """
    published = weights(name)
    file = cache() / Path(published.url).name
    _remove_if_damaged(file)
    try:
        state = published.get_state_dict(
            model_dir=str(cache()), check_hash=True, weights_only=True, progress=False
        )
    except (OSError, RuntimeError, UnpicklingError):
        raise FileNotFoundError(
            f"{file.name}, the weights of {name!r}, is not in {cache()} and could not "
            f"be downloaded. Go online, or put the file there from {published.url}; "
            "models.build makes the same network without training"
        ) from None
    network = build(name)
    network.load_state_dict(state)
    if name == "googlenet":
        network.get_submodule("conv1").register_forward_pre_hook(_rescale)
    return network.eval()


def load_own(model: str, dataset: str) -> nn.Module:
    """Build a network with the weights of one of this book's recorded runs.

    Args:
        model: Its architecture, such as ``lenet5``.
        dataset: What it was trained on, such as ``mnist``.

    Returns:
        The network, in eval mode; it takes the images of `data.load`.

    Raises:
        ValueError: If there are no such weights (the message lists the known ones), or
            they are damaged.
    """
    files = {path.stem: path for path in WEIGHTS.glob("*.safetensors")}
    file = lookup(f"{model}-{dataset}", files, "recorded network")
    network = build(model)
    try:
        network.load_state_dict(load_file(file))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise _book.damaged(file, error) from error
    return network.eval()


def _remove_if_damaged(file: Path) -> None:
    """Remove a file whose content is not what its name says: name-SHA256[:8].pth."""
    if file.exists():
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if not digest.startswith(file.stem.rpartition("-")[2]):
            file.unlink()


def _rescale(layer: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """Undo ImageNet's normalisation, and map 0 to 1 onto -1 to 1 instead.

    GoogLeNet's weights were trained on such images. No kernel can take this over:
    the zeros around an image would have to be rescaled, too.
    """
    (images,) = inputs
    mean = images.new_tensor(IMAGENET_MEAN)[:, None, None]
    std = images.new_tensor(IMAGENET_STD)[:, None, None]
    return 2 * (images * std + mean) - 1
