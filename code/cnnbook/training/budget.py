"""What a training run will take, before it is begun."""

from __future__ import annotations

import math

import torch
from torch import nn

from .. import cost, memory
from .loop import cut
from .recipe import Recipe

# A step back through a layer takes the gradient of its input and that of its weights:
# each is as many multiply-accumulates as the step forward.
PASSES = 3
_MEANS = {"sgd": 1, "adamw": 2}  # that the optimizer keeps of each parameter


def estimate(
    network: nn.Module,
    input_size: tuple[int, ...],
    images: int,
    recipe: Recipe,
    *,
    parts: int = 1,
) -> dict[str, int]:
    """Count the work and the memory of a training run.

    Args:
        network: On the meta device, where nothing of this takes memory.
        input_size: Channels, height and width of an image.
        images: Size of the training set.
        recipe: How the network is trained.
        parts: Micro-batches that a batch is shared out into, over all processes.

    Returns:
        ``parameters`` and ``macs`` (one image, forwards) of the network; ``steps`` and
        ``training_macs`` of the run; ``memory``, the peak of a training step in bytes
        with numbers of 32 bits, for each process. Workspaces and the data set come on
        top of that.
    """
    table = cost.layer_table(network, input_size)
    parameters, macs = int(table.parameters.sum()), int(table.macs.sum())
    batches = cut(torch.arange(images), recipe.batch_size, parts)
    step = _peak(network, input_size, math.ceil(recipe.batch_size / parts))
    return {
        "parameters": parameters,
        "macs": macs,
        "steps": recipe.epochs * len(batches),
        "training_macs": PASSES * macs * images * recipe.epochs,
        "memory": step + 4 * _MEANS[recipe.optimizer] * parameters,
    }


def _peak(network: nn.Module, input_size: tuple[int, ...], batch_size: int) -> int:
    """Go forwards and back on the meta device, and return the peak in bytes."""
    watch = memory.Peak()
    for weight in network.parameters():
        watch.add(weight)
    with watch:
        images = torch.zeros(batch_size, *input_size, device="meta")
        network(images).sum().backward()
    return watch.peak
