"""How each network is trained: the arguments of `training.fit`, as data.

All were chosen on images set apart from the training set, never on the test set.
"""

from __future__ import annotations

from .lookup import lookup
from .models.lenet import map_criterion

_DIGITS = {"epochs": 10, "batch_size": 32, "learning_rate": 0.012, "shift": 1}
_MNIST = {
    "epochs": 2,
    "batch_size": 256,
    "learning_rate": 0.03,
    "weight_decay": 0.02,
    "label_smoothing": 0.1,
    "warmup": 0.3,
}
_1998 = {"criterion": map_criterion}
_RECIPES = {
    "lenet5 on digits": _DIGITS | _1998,
    "lenet5-modern on digits": _DIGITS,
    "one-hidden-layer on digits": _DIGITS,
    "lenet5 on mnist": _MNIST | _1998,
    "lenet5-modern on mnist": _MNIST,
    "one-hidden-layer on mnist": _MNIST,
    # Not tuned: the same as for MNIST.
    "lenet5 on fashion-mnist": _MNIST | _1998,
    "lenet5-modern on fashion-mnist": _MNIST,
    "one-hidden-layer on fashion-mnist": _MNIST,
}


def recipe(model: str, dataset: str) -> dict:
    """Return the arguments of `training.fit` for this network on this data set.

    Raises:
        ValueError: If there is no such recipe; the message names the closest.
    """
    return dict(lookup(f"{model} on {dataset}", _RECIPES, "recipe"))
