"""Data sets as tensors, photographs, and folders of images.

`load` returns a data set by its name, each split as one tensor. Behind it lie

- `splits`: `Split` and `Dataset`, a validation set apart, normalisation;
- `augment`: `Augmentation`, how training images are varied;
- `small`: digits, MNIST, Fashion-MNIST, CIFAR-10;
- `imagenet`: ImageNet's classes, crops and colours, Imagenette, four photographs;
- `image_folder`: `ImageFolder`, images of one's own, a folder a class; `decode`: one
  image; `imagenet_files`: how ImageNet's own files become such a folder;
- `outline`: what is known of a data set that is not there;
- `download`: where data sets lie, and how a missing one gets there.
"""

from __future__ import annotations

from .._lookup import lookup
from . import image_folder, imagenet, small
from .augment import CROP, Augmentation
from .download import cache
from .image_folder import ImageFolder
from .imagenet import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    imagenet_classes,
    imagenet_crop,
    imagenet_normalise,
    photographs,
    ten_crops,
)
from .outline import outline
from .splits import Dataset, Images, Split, normalise_channels, set_apart

__all__ = [
    "CROP",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Augmentation",
    "Dataset",
    "ImageFolder",
    "Images",
    "Split",
    "cache",
    "image_folder",
    "imagenet_classes",
    "imagenet_crop",
    "imagenet_normalise",
    "load",
    "names",
    "normalise_channels",
    "outline",
    "photographs",
    "set_apart",
    "ten_crops",
]

_LOADERS = {
    "digits": small.digits,
    "mnist": small.mnist,
    "fashion-mnist": small.mnist,
    "cifar10": small.cifar10,
    "imagenette": imagenet.imagenette,
    "imagenette-160": imagenet.imagenette,
}


def names() -> list[str]:
    """Return the data sets that `load` knows; the first needs no network."""
    return list(_LOADERS)


def load(
    name: str = "digits", *, validation: int = 0, side: int | None = None
) -> Dataset:
    """Load a data set: small images, normalised, or photographs.

    Grey images are padded to 32x32 pixels, and their values mapped as LeCun et al.
    (1998, section II-B) do: background -0.1, ink 1.175. ``digits`` are scikit-learn's
    1,797 digits of 8x8 pixels, enlarged to 24x24; 360 of them, the same ones always,
    are the test set.

    ``cifar10`` is 60,000 colour images of 32x32 pixels, each channel with mean 0 and
    standard deviation 1 over the training set.

    ``imagenette`` is 13,394 photographs of ten of ImageNet's classes, whose shorter
    side is 320 pixels (160 in ``imagenette-160``). They are cut to 224x224 as in
    `imagenet_crop` and kept as uint8, 2 GB together; `imagenet_normalise` a batch at a
    time. Labels are those of all 1,000 classes. Imagenette's own split takes 30 % of
    all for its test, most of which weights trained on ImageNet have seen. Here the
    test set is what comes from ImageNet's validation set.

    Args:
        name: One of `names()`. Others than ``digits`` are looked for in the folder
            $CNNBOOK_DATA, or else in data/cache, and downloaded there once.
        validation: So many training images, the same ones always, are set apart.
        side: Of grey images: the middle 24x24 pixels, averaged over squares, become
            images of this side (8, the digits' own size, or 6, 12 or 24) without a
            border. The whole 32x32 if None.

    Raises:
        ValueError: If the name is unknown, `validation` exceeds the training set,
            `side` does not suit, or files are damaged.
        FileNotFoundError: If the data set is not there and cannot be downloaded.
    """
    classes, train, test = lookup(name, _LOADERS, "data set")(name)
    if side is not None:
        train, test = (small.shrink(split, side) for split in (train, test))
    return Dataset(name, classes, *set_apart(train, validation), test)
