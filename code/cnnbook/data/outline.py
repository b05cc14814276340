"""What is known of data sets without having them: their size, so that a run counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .._lookup import lookup
from .augment import CROP
from .splits import Dataset, Split, check_validation


@dataclass(frozen=True)
class _Size:
    classes: int
    train: int
    test: int
    input_size: tuple[int, int, int]


# The data sets to train on, with what is published of them.
SIZES = {
    "digits": _Size(10, 1_437, 360, (1, 32, 32)),
    "mnist": _Size(10, 60_000, 10_000, (1, 32, 32)),
    "fashion-mnist": _Size(10, 60_000, 10_000, (1, 32, 32)),
    "cifar10": _Size(10, 50_000, 10_000, (3, 32, 32)),
    # Russakovsky et al. 2015 (arXiv:1409.0575), Table 2; the test is on its validation
    # images, since the labels of the others are secret.
    "imagenet": _Size(1_000, 1_281_167, 50_000, (3, CROP, CROP)),
}


def outline(name: str, *, validation: int = 0, side: int = CROP) -> Dataset:
    """Return a data set as it would be loaded, but without its images.

    They lie on the meta device, where a tensor has a shape and takes no memory, and the
    classes are called by their numbers.

    Args:
        name: A data set to train on: one of small images, or ``imagenet``.
        validation: So many training images are set apart.
        side: Of photographs, in pixels, as the network sees them.

    Raises:
        ValueError: If the name is unknown, or `validation` exceeds the training set.
    """
    size = lookup(name, SIZES, "data set to train on")
    check_validation(validation, size.train)
    shape = (3, side, side) if name == "imagenet" else size.input_size
    train, held_out, test = (
        Split(
            torch.empty(count, *shape, device="meta"),
            torch.empty(count, dtype=torch.int64, device="meta"),
        )
        for count in (size.train - validation, validation, size.test)
    )
    return Dataset(name, tuple(map(str, range(size.classes))), train, held_out, test)
