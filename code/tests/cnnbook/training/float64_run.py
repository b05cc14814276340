"""A short training in float64, alone or as one of several processes of torchrun.

What several processes do must be what one does. In float64, rounding is too small to
be mistaken for a difference, on whatever processor: `python float64_run.py FILE`.
"""

import sys
from dataclasses import replace

import torch
from accelerate import PartialState
from safetensors.torch import save_file

from cnnbook import data, models, training
from cnnbook.data import Augmentation
from cnnbook.training import Recipe
from cnnbook.training.task import join_processes


def digits() -> data.Dataset:
    """Return the book's digits in float64."""
    dataset = data.load("digits")
    splits = {
        name: data.Split(split.images.double(), split.labels)
        for name in ("train", "test")
        for split in [getattr(dataset, name)]
    }
    return replace(dataset, **splits)


def train(file) -> None:
    """Train two epochs; write the weights, and the log's losses and errors."""
    dataset = digits()
    torch.manual_seed(0)
    network = models.build("lenet5-modern").double()
    # The last batch of an epoch has 37 images, which two processes cannot halve.
    recipe = Recipe(epochs=2, batch_size=50, augmentation=Augmentation(shift=1))
    history = training.fit(
        network, dataset.train, recipe, validation=dataset.test, channels_last=False
    )
    if PartialState().is_main_process:
        log = torch.tensor(history.to_numpy()).contiguous()
        save_file(network.state_dict() | {"log": log}, file)


if __name__ == "__main__":
    join_processes()
    train(sys.argv[1])
