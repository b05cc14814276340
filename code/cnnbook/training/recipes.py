"""How each network of the book is trained: a `Recipe` for each, and each data set.

A recipe without a name was chosen on images set apart from the training set, where it
does not say "not tuned"; none was chosen on the test set. ``paper`` is what the
network's authors did, as closely as it can be had.
"""

from __future__ import annotations

from dataclasses import replace

from .. import models
from .._lookup import lookup
from ..data.augment import Augmentation
from ..models.lenet import map_criterion
from .recipe import Recipe

_DIGITS = Recipe(
    epochs=10, batch_size=32, learning_rate=0.012, augmentation=Augmentation(shift=1)
)
_MNIST = Recipe(
    epochs=2,
    batch_size=256,
    learning_rate=0.03,
    weight_decay=0.02,
    label_smoothing=0.1,
    warmup=0.3,
)
_DIGITS_1998 = replace(_DIGITS, criterion=map_criterion)
_MNIST_1998 = replace(_MNIST, criterion=map_criterion, label_smoothing=0.0)
# LeCun et al. 1998, section III-B: 20 passes; the rate falls after 2, 5, 8 and 12. They
# took one image a step, and scaled each weight's rate by its curvature; here it is
# stochastic gradient descent with momentum, 64 images a step.
_LECUN_1998 = Recipe(
    epochs=20,
    batch_size=64,
    optimizer="sgd",
    learning_rate=0.002,
    weight_decay=0.0,
    warmup=0,
    milestones=((0.1, 0.4), (0.25, 0.2), (0.4, 0.1), (0.6, 0.02)),
    criterion=map_criterion,
)

# He et al. 2016 (arXiv:1512.03385), section 4.2: 64,000 steps of 128 images, which are
# 163.8 passes over 50,000; a tenth of the rate from 32,000 and from 48,000 steps on.
_HE_2016 = Recipe(
    epochs=164,
    batch_size=128,
    optimizer="sgd",
    learning_rate=0.1,
    weight_decay=1e-4,
    warmup=0,
    milestones=((0.5, 0.1), (0.75, 0.01)),
    augmentation=Augmentation(shift=4, flip=True, border="constant"),
)
# The deepest begins with a tenth of the rate, for about 400 steps.
_HE_2016_WARM = replace(
    _HE_2016, milestones=((0, 0.1), (400 / 64_000, 1), *_HE_2016.milestones)
)
# Not tuned.
_CIFAR = replace(
    _HE_2016,
    epochs=15,
    warmup=0.2,
    milestones=(),
    learning_rate=0.2,
    weight_decay=5e-4,
)

# Simonyan & Zisserman 2015 (arXiv:1409.1556), section 3.1, and He et al. 2016, section
# 3.4. Both lowered the rate when the validation error stood still: the shares are ours.
# Neither's variation of colours is done here.
_VGG = Recipe(
    epochs=74,
    batch_size=256,
    optimizer="sgd",
    learning_rate=0.01,
    weight_decay=5e-4,
    warmup=0,
    milestones=((0.33, 0.1), (0.67, 0.01), (0.9, 0.001)),
    augmentation=Augmentation(flip=True, scales=(256, 512)),
)
_RESNET = replace(
    _VGG,
    epochs=120,
    learning_rate=0.1,
    weight_decay=1e-4,
    milestones=((0.33, 0.1), (0.67, 0.01)),
    augmentation=Augmentation(flip=True, scales=(256, 480)),
)


def _of(family: str, dataset: str, recipe: Recipe, name: str = "") -> dict[str, Recipe]:
    """Return a recipe for every network whose name holds `family`."""
    members = [member for member in models.names() if family in member]
    return {_key(member, dataset, name): recipe for member in members}


def _key(model: str, dataset: str, name: str = "") -> str:
    return f"{model} on {dataset}" + (f", {name}" if name else "")


RECIPES = {
    "lenet5 on digits": _DIGITS_1998,
    "lenet5-modern on digits": _DIGITS,
    "one-hidden-layer on digits": _DIGITS,
    "lenet5 on mnist": _MNIST_1998,
    "lenet5 on mnist, paper": _LECUN_1998,
    "lenet5-modern on mnist": _MNIST,
    "one-hidden-layer on mnist": _MNIST,
    # Not tuned: the same as for MNIST.
    "lenet5 on fashion-mnist": _MNIST_1998,
    "lenet5-modern on fashion-mnist": _MNIST,
    "one-hidden-layer on fashion-mnist": _MNIST,
    **_of("-cifar", "cifar10", _CIFAR),
    **_of("-cifar", "cifar10", _HE_2016, "paper"),
    **_of("110-cifar", "cifar10", _HE_2016_WARM, "paper"),
    **_of("vgg", "imagenet", _VGG, "paper"),
    **{
        _key(name, "imagenet", "paper"): _RESNET
        for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
    },
}


def recipe_for(model: str, dataset: str, name: str = "") -> Recipe:
    """Return the recipe for this network on this data set.

    Args:
        model: An architecture of `models.names()`.
        dataset: A data set of `data.names()`; or ``imagenet``.
        name: ``paper`` for that of the network's authors.

    Raises:
        ValueError: If there is no such recipe; the message names the closest.
    """
    return lookup(_key(model, dataset, name), RECIPES, "recipe")
