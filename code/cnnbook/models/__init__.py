"""Every architecture of the book, built by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from .._lookup import lookup
from . import (
    alexnet,
    efficientnet_lite,
    googlenet,
    lenet,
    nin,
    resnet,
    senet,
    vgg,
    zfnet,
)

DIGIT, SMALL, IMAGENET = (1, 32, 32), (3, 32, 32), (3, 224, 224)


@dataclass(frozen=True)
class Architecture:
    """How to build a network, what it was made for, and who described it.

    Attributes:
        builder: Makes the network; takes num_classes and in_channels.
        input_size: Shape of one input, (channels, height, width).
        year: When it was first described.
        source: Where.
    """

    builder: Callable[..., nn.Module]
    input_size: tuple[int, int, int]
    year: int
    source: str


def _vgg(
    configuration: str, year: int = 2014, *, batch_norm: bool = False
) -> Architecture:
    builder = partial(vgg.VGG, configuration, batch_norm=batch_norm)
    return Architecture(builder, IMAGENET, year, "arXiv:1409.1556")


def _resnets(
    designs: dict[str, resnet.Design], prefix: str, year: int, source: str
) -> dict[str, Architecture]:
    return {
        name: Architecture(
            partial(resnet.ResNet, design),
            SMALL if design.stem == "cifar" else IMAGENET,
            year,
            source,
        )
        for name, design in designs.items()
        if name.startswith(prefix)
    }


ARCHITECTURES: dict[str, Architecture] = {  # oldest first
    "lenet5": Architecture(
        lenet.LeNet5, DIGIT, 1998, "doi:10.1109/5.726791, section II-B"
    ),
    "lenet5-modern": Architecture(lenet.LeNet5Modern, DIGIT, 1998, "today's tutorials"),
    "one-hidden-layer": Architecture(
        lenet.OneHiddenLayer, DIGIT, 1998, "a control for lenet5"
    ),
    "alexnet": Architecture(
        alexnet.AlexNet, (3, 227, 227), 2012, "doi:10.1145/3065386, section 3"
    ),
    "zfnet": Architecture(zfnet.ZFNet, IMAGENET, 2013, "arXiv:1311.2901, Fig. 3"),
    "nin": Architecture(nin.NIN, SMALL, 2013, "arXiv:1312.4400"),
    "alexnet-owt": Architecture(
        alexnet.AlexNetOneColumn, IMAGENET, 2014, "arXiv:1404.5997, by torchvision"
    ),
    "vgg11": _vgg("A"),
    "vgg13": _vgg("B"),
    "vgg16-c": _vgg("C"),
    "vgg16": _vgg("D"),
    "vgg19": _vgg("E"),
    "googlenet-2014": Architecture(
        partial(googlenet.GoogLeNet, as_printed=True),
        IMAGENET,
        2014,
        "arXiv:1409.4842, Table 1",
    ),
    "googlenet": Architecture(
        googlenet.GoogLeNet, IMAGENET, 2014, "arXiv:1409.4842, by torchvision"
    ),
    "vgg11-bn": _vgg("A", 2015, batch_norm=True),
    "vgg13-bn": _vgg("B", 2015, batch_norm=True),
    "vgg16-bn": _vgg("D", 2015, batch_norm=True),
    "vgg19-bn": _vgg("E", 2015, batch_norm=True),
    **_resnets(resnet.DESIGNS, "plain", 2015, "arXiv:1512.03385"),
    **_resnets(resnet.DESIGNS, "resnet", 2015, "arXiv:1512.03385"),
    **_resnets(resnet.DESIGNS, "preact", 2016, "arXiv:1603.05027"),
    **_resnets(senet.DESIGNS, "se", 2017, "arXiv:1709.01507"),
    "efficientnet-lite0": Architecture(
        efficientnet_lite.EfficientNetLite0,
        IMAGENET,
        2020,
        "arXiv:1905.11946, by tensorflow/tpu",
    ),
}


def names() -> list[str]:
    """Return the name of every architecture, oldest first."""
    return list(ARCHITECTURES)


def architecture(name: str) -> Architecture:
    """Return what is known of an architecture: builder, input size, year, source.

    Raises:
        ValueError: If the name is unknown; the message names the closest known ones.
    """
    return lookup(name, ARCHITECTURES, "model")


def build(
    name: str,
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    device: torch.device | str | None = None,
) -> nn.Module:
    """Build an architecture with freshly initialised weights.

    Args:
        name: One of `names()`.
        num_classes: Number of outputs; the architecture's own default if None.
        in_channels: Channels of the input images; likewise.
        device: Where its weights are made; PyTorch's default if None. On ``meta`` they
            have shapes but no values, and take no memory: enough to count them.

    Raises:
        ValueError: If the name is unknown (the message names the closest), or if the
            architecture cannot have this number of classes or channels.
    """
    given = {"num_classes": num_classes, "in_channels": in_channels}
    options = {key: value for key, value in given.items() if value is not None}
    for key, value in options.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{key} must be a positive whole number, not {value!r}")
    with nullcontext() if device is None else torch.device(device):
        return architecture(name).builder(**options)
