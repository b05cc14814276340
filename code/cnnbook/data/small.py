"""Small images, all of a set in one tensor: digits, MNIST, CIFAR-10."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.datasets as tv
from torch import Tensor

from .download import cache, damaged, fetch
from .splits import Split, normalise_channels

# What each loader returns: class names, training set, test set.
Parts = tuple[tuple[str, ...], Split, Split]
BACKGROUND, INK = -0.1, 1.175  # LeCun et al. 1998, section II-B
FRAME = 32  # pixels: side of the padded grey images
MIDDLE = 24  # pixels: side of the part that `shrink` averages
# torchvision asserts what a file's header says, and looks its type up, but no more: a
# file that is cut short, or another one, fails in one of these ways.
_NOT_IN_ITS_FORMAT = (
    AssertionError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def digits(name: str) -> Parts:
    """Return scikit-learn's 1,797 digits of 8x8 pixels, enlarged to 24x24, padded."""
    # Here, so that a machine without scikit-learn can train on all else.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
    images = F.interpolate(
        images, size=(MIDDLE, MIDDLE), mode="bilinear", align_corners=False
    )
    everything = Split(_framed(images), torch.tensor(bunch.target))
    train, test = train_test_split(
        np.arange(len(everything)),
        test_size=360,
        stratify=bunch.target,
        random_state=0,
    )
    classes = tuple(map(str, bunch.target_names))
    train, test = (torch.from_numpy(np.sort(part)) for part in (train, test))
    return classes, everything[train], everything[test]


def mnist(name: str) -> Parts:
    """Return MNIST, or Fashion-MNIST, padded from 28x28 pixels."""
    kind = {"mnist": tv.MNIST, "fashion-mnist": tv.FashionMNIST}[name]
    folder = cache() / kind.__name__ / "raw"
    packed = [file for file, _ in kind.resources]
    if not all((folder / file.removesuffix(".gz")).exists() for file in packed):
        fetch(lambda: kind(cache(), download=True), name, packed[0])
    try:
        parts = [kind(cache(), train) for train in (True, False)]
    except _NOT_IN_ITS_FORMAT as error:
        raise damaged(folder, error) from error
    train, test = (
        Split(_framed(part.data[:, None] / 255), part.targets.long()) for part in parts
    )
    classes = tuple(c.split(" - ")[0] for c in kind.classes)  # "0 - zero" is "0"
    return classes, train, test


def cifar10(name: str) -> Parts:
    """Return CIFAR-10, each channel with mean 0 and standard deviation 1."""
    try:
        tv.CIFAR10(cache())
    except RuntimeError:  # not there, or not what its hash says
        fetch(lambda: tv.CIFAR10(cache(), download=True), name, tv.CIFAR10.filename)
    train, test = (tv.CIFAR10(cache(), train) for train in (True, False))
    splits = [
        Split(
            torch.from_numpy(part.data).permute(0, 3, 1, 2), torch.tensor(part.targets)
        )
        for part in (train, test)
    ]
    return tuple(train.classes), *normalise_channels(*splits)


def shrink(split: Split, side: int) -> Split:
    """Average the middle 24x24 pixels of grey images, over squares, to side x side.

    Raises:
        ValueError: If the images are no grey ones in their frame, or `side` does not
            divide 24.
    """
    if split.images.shape[1:] != (1, FRAME, FRAME):
        raise ValueError(
            f"side is for the grey data sets in their frame of {FRAME}x{FRAME} pixels, "
            f"not for images of shape {split.input_size}"
        )
    if side not in (6, 8, 12, 24):
        raise ValueError(f"side must be 6, 8, 12, 24, or None for 32, got {side!r}")
    edge = (FRAME - MIDDLE) // 2
    middle = split.images[:, :, edge : edge + MIDDLE, edge : edge + MIDDLE]
    return Split(F.avg_pool2d(middle, MIDDLE // side), split.labels)


def _framed(grey: Tensor) -> Tensor:
    """Map grey values from [0, 1] (0 = background), and pad (N, 1, H, W) to 32x32."""
    values = grey * (INK - BACKGROUND) + BACKGROUND
    return F.pad(values, [(FRAME - grey.shape[-1]) // 2] * 4, value=BACKGROUND)
