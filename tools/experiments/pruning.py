"""Prune fc6 of chapter 4's small VGG with retraining, by single weights and whole maps.

python -m tools.experiments.pruning

Three arms leave the same number of fc6's weights: "step by step" halves them and trains
an epoch, again and again, as Han et al. (2015) do; "at once" goes to the last size in
one step and then trains for as many epochs; "whole maps" goes step by step, too, but
takes all weights with which fc6 reads a map, so that the map need not be computed.
Each arm has its own learning rate, chosen on images set apart.
"""

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from cnnbook import data, records, training
from cnnbook.data import Augmentation, Split
from cnnbook.training import Recipe
from tools.notebooks.definitions import definitions

chapter = definitions("04-fc-parameter-blowup")
COMMAND = "python -m tools.experiments.pruning"
NAME = "pruning-digits"
STEPS = 5  # each leaves half of the weights that the one before left
STEP_EPOCHS = 1
RATES = (0.0002, 0.0006, 0.002, 0.006, 0.02)
SEARCH_SEED, SEEDS = 100, range(5)
POSITIONS = 16  # of a map that fc6 reads
RECIPE = Recipe(
    epochs=5, batch_size=64, learning_rate=0.015, augmentation=Augmentation(shift=1)
)
Rule = Callable[[Tensor, float], Tensor]  # weights and the share kept -> a mask


def largest_weights(weight: Tensor, kept: float) -> Tensor:
    """Return the mask of the weights of largest absolute value."""
    return _largest(weight.abs().flatten(), kept).view_as(weight)


def strongest_maps(weight: Tensor, kept: float) -> Tensor:
    """Return the mask of the maps that the layer reads with the largest weights."""
    strength = weight.abs().view(len(weight), -1, POSITIONS).sum(dim=(0, 2))
    return _largest(strength, kept).repeat_interleave(POSITIONS).expand_as(weight)


def _largest(values: Tensor, kept: float) -> Tensor:
    mask = torch.zeros_like(values)
    mask[values.topk(round(kept * len(values))).indices] = 1
    return mask


def step_by_step(
    network: nn.Module, rule: Rule, rate: float, train: Split, held: Split, seed: int
) -> list[float]:
    """Return the error (%) after each step of cutting and training."""
    network = copy.deepcopy(network)
    errors = []
    for step in range(1, STEPS + 1):
        cut(network, rule, 0.5**step)
        errors.append(tuned(network, rate, STEP_EPOCHS, train, held, seed + step))
    return errors


def at_once(
    network: nn.Module, rule: Rule, rate: float, train: Split, held: Split, seed: int
) -> list[float]:
    """Return the error (%) if the last size is cut to in one step."""
    network = copy.deepcopy(network)
    cut(network, rule, 0.5**STEPS)
    return [tuned(network, rate, STEPS * STEP_EPOCHS, train, held, seed)]


ARMS = {
    "step by step": (step_by_step, largest_weights),
    "at once": (at_once, largest_weights),
    "whole maps": (step_by_step, strongest_maps),
}


def cut(network: nn.Module, rule: Rule, kept: float) -> None:
    """Set all but a share of fc6's weights to zero, and hold the zeros in training."""
    fc6 = network[1][1]
    mask = rule(fc6.weight.detach(), kept)
    if prune.is_pruned(fc6):
        prune.remove(fc6, "weight")
    prune.custom_from_mask(fc6, "weight", mask)


def tuned(
    network: nn.Module, rate: float, epochs: int, train: Split, held: Split, seed: int
) -> float:
    """Train what is left; return the error (%) on images that it has not seen."""
    recipe = replace(RECIPE, epochs=epochs, learning_rate=rate)
    training.fit(network, train, recipe, seed=seed, progress=False)
    return round(training.evaluate(network, held).error, 3)


def control(train: Split, seed: int) -> nn.Module:
    """Train the network that is to be pruned."""
    torch.manual_seed(seed)
    network = nn.Sequential(chapter.trunk(), chapter.dense_head(256))
    training.fit(network, train, RECIPE, seed=seed, progress=False)
    return network


def main() -> None:
    """Choose each arm's rate, prune with each seed, and write the record."""
    record = training.origin(COMMAND, SEEDS)
    search = data.load("digits", validation=237)
    whole = data.load("digits")
    record |= {
        "dataset": "digits",
        "held_out": len(search.validation),
        "recipe": RECIPE.as_json(),
        "step_epochs": STEP_EPOCHS,
        "kept": [0.5**step for step in range(1, STEPS + 1)],
    }
    network = control(search.train, SEARCH_SEED)
    tried = {
        name: {
            rate: go(network, rule, rate, search.train, search.validation, SEARCH_SEED)
            for rate in RATES
        }
        for name, (go, rule) in ARMS.items()
    }
    networks = [control(whole.train, seed) for seed in SEEDS]
    record["control"] = [
        round(training.evaluate(network, whole.test).error, 3) for network in networks
    ]
    record["results"] = {}
    for name, (go, rule) in ARMS.items():
        rate = min(RATES, key=lambda rate: sum(tried[name][rate]))
        record["results"][name] = {
            "learning_rate": rate,
            "search": [
                {"learning_rate": rate, "validation_error": errors}
                for rate, errors in tried[name].items()
            ],
            "test_error": [
                go(network, rule, rate, whole.train, whole.test, 10 * (1 + seed))
                for seed, network in zip(SEEDS, networks, strict=True)
            ],
        }
        records.save(NAME, record)


if __name__ == "__main__":
    main()
