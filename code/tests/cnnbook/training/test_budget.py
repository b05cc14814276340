"""What a training run will take, before it is begun."""

import pytest
import torch
from torch import nn

from cnnbook import models
from cnnbook.training import Recipe, budget


@pytest.mark.parametrize(("optimizer", "copies"), [("adamw", 4), ("sgd", 3)])
def test_the_memory_foreseen_is_that_of_weights_and_activations(optimizer, copies):
    """Nothing but weights for a small batch; for a large one, what each image adds."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Flatten(), nn.Linear(3072, 1000), nn.Linear(1000, 9))
    of_one, of_many, of_more = (
        budget.estimate(
            network,
            (3, 32, 32),
            10,
            Recipe(epochs=1, batch_size=size, optimizer=optimizer),
        )["memory"]
        for size in (1, 10_000, 20_000)
    )
    weights = sum(4 * weight.numel() for weight in network.parameters())
    assert of_one == pytest.approx(copies * weights, rel=0.01)
    kept = 4 * (3072 + 1000)  # the inputs of both layers
    assert kept < (of_more - of_many) / 10_000 < 2 * kept


def test_parts_of_a_batch_take_less_memory():
    network = models.build("resnet20-cifar", device="meta")
    recipe = Recipe(epochs=1, batch_size=128, optimizer="sgd")
    whole, quarter = (
        budget.estimate(network, (3, 32, 32), 10, recipe, parts=parts)
        for parts in (1, 4)
    )
    assert whole["steps"] == quarter["steps"]
    assert whole["memory"] == pytest.approx(4 * quarter["memory"], rel=0.2)
