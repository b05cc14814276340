"""How each network is trained: the arguments of `training.fit`, as data.

All were chosen on images set apart from the training set, never on the test set.
"""

from __future__ import annotations

from .lookup import lookup

_MNIST = {
    "epochs": 2,
    "batch_size": 128,
    "learning_rate": 0.01,
    "weight_decay": 0.02,
    "label_smoothing": 0.1,
    "warmup": 0.1,
}
_RECIPES = {
    "lenet5-modern on digits": {
        "epochs": 12,
        "batch_size": 32,
        "learning_rate": 0.012,
        "shift": 1,
    },
    "lenet5 on mnist": {
        "epochs": 20,  # as many passes as in the paper
        "batch_size": 64,
        "learning_rate": 0.015,
        "warmup": 0.1,
    },
    "lenet5-modern on mnist": _MNIST,
    "lenet5-modern on fashion-mnist": _MNIST,  # not tuned for it
}


def recipe(model: str, dataset: str) -> dict:
    """Return the arguments of `training.fit` for this network on this data set.

    Raises:
        ValueError: If there is no such recipe; the message names the closest.
    """
    return dict(lookup(f"{model} on {dataset}", _RECIPES, "recipe"))
