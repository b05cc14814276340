"""Trained weights: for ImageNet, of others, and this book's own small ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torchvision.models as tv
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from . import _book
from ._lookup import lookup
from .data import IMAGENET_MEAN, IMAGENET_STD, cache
from .data.download import fetch
from .models import build

WEIGHTS = _book.ROOT / "data" / "weights"

# Trained by others: the book has their weights, and no recipe that trains them.
IMPORTED = ("efficientnet-lite0",)

# Our name: torchvision's.
_PUBLISHED = {
    "alexnet-owt": "alexnet",
    **{f"vgg{depth}": f"vgg{depth}" for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}-bn": f"vgg{depth}_bn" for depth in (11, 13, 16, 19)},
    "googlenet": "googlenet",
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
}


def names() -> list[str]:
    """Return the architectures whose weights torchvision publishes."""
    return list(_PUBLISHED)


def weights(name: str) -> tv.WeightsEnum:
    """Return what torchvision knows of its first weights for an architecture.

    ``weights(name).meta`` holds the class names and the errors on ImageNet.

    Raises:
        ValueError: If there are none of that name; the message lists the known ones.
    """
    published = lookup(name, _PUBLISHED, "network with published weights")
    return tv.get_model_weights(published)["IMAGENET1K_V1"]


def torchvision_counts() -> pd.DataFrame:
    """Return what torchvision does not publish of its ImageNet classifiers.

    Returns:
        A row for each model and crop: activations (of convolutions and matrix
        products, for one image) and kind, which says what the network is made of:
        attention, depthwise, residual, concatenated or plain. It is recorded, by
        ``python -m tools.experiments.torchvision_costs``, since to build them all
        takes a minute.

    Raises:
        ValueError: If the record is missing or broken.
    """
    path = _book.ROOT / "data" / "torchvision.csv"
    try:
        return pd.read_csv(path)[["model", "crop", "activations", "kind"]]
    except (OSError, KeyError, ValueError) as error:
        raise _book.damaged(path, error) from error


def load_imagenet(name: str) -> nn.Module:
    """Build an architecture with weights trained on ImageNet, in eval mode.

    It takes images that `data.imagenet_crop` and `data.imagenet_normalise` made. The
    weights of those `IMPORTED` are in the book. The rest are torchvision's: the file,
    47 to 575 MB, is downloaded once into `data.cache()`, and checked.

    Args:
        name: One of `IMPORTED` or of `names()`.

    Raises:
        ValueError: If there are no weights of that name.
        FileNotFoundError: If they are not there and cannot be downloaded.
    """
    if name in IMPORTED:
        network = load_own(name, "imagenet")
        network.get_submodule("stem").register_forward_pre_hook(_rescale)
        return network
    published = weights(name)
    file = cache() / Path(published.url).name
    if _is_intact(file):
        state = _read(published, cache())
    else:
        state = fetch(
            partial(_download, published, file),
            name,
            f"{file.name}, the weights",
            f"Go online, or put the file there from {published.url}; models.build "
            "makes the same network without training",
        )
    network = build(name)
    network.load_state_dict(state)
    if name == "googlenet":
        network.get_submodule("conv1").register_forward_pre_hook(_rescale)
    return network.eval()


def load_own(model: str, dataset: str) -> nn.Module:
    """Build a network with weights that are in the book, most from its own runs.

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


def _download(published: tv.WeightsEnum, file: Path) -> Mapping[str, Tensor]:
    """Download weights and read them; a damaged file remains until there is a good one.

    It may be the reader's, who has put another one there.
    """
    if _is_intact(file) or not file.exists():  # by another process, while this waited
        return _read(published, file.parent)
    with TemporaryDirectory(dir=file.parent) as folder:
        state = _read(published, Path(folder))
        (Path(folder) / file.name).replace(file)
    return state


def _read(published: tv.WeightsEnum, folder: Path) -> Mapping[str, Tensor]:
    """Return published weights from a folder, or through it from the network."""
    return published.get_state_dict(
        model_dir=str(folder), check_hash=True, weights_only=True, progress=False
    )


def _is_intact(file: Path) -> bool:
    """Return whether a file holds what its name says: name-SHA256[:8].pth."""
    if not file.exists():
        return False
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return digest.startswith(file.stem.rpartition("-")[2])


def _rescale(layer: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """Undo ImageNet's normalisation, and map 0 to 1 onto -1 to 1 instead.

    The weights of GoogLeNet and EfficientNet-Lite0 were trained on such images. No
    kernel can take this over: the zeros around an image would have to be rescaled, too.
    """
    (images,) = inputs
    mean = images.new_tensor(IMAGENET_MEAN)[:, None, None]
    std = images.new_tensor(IMAGENET_STD)[:, None, None]
    return 2 * (images * std + mean) - 1
