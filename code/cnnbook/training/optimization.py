"""How the weights move: the optimizer, and the learning rate over the steps."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from .recipe import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the optimizer, in the form that updates all weights in one pass."""
    if recipe.optimizer == "adamw":
        groups = parameter_groups(model, recipe.weight_decay)
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    return torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=0.9,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Kernels and matrices decay; biases, scales and coefficients do not."""
    kernels = [p for p in model.parameters() if p.squeeze().ndim > 1]
    others = [p for p in model.parameters() if p.squeeze().ndim <= 1]
    return [
        {"params": kernels, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def make_scheduler(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """Return a rate that rises and falls, or changes at given shares of the steps."""
    if not recipe.milestones:
        return OneCycleLR(
            optimizer,
            max_lr=recipe.learning_rate,
            total_steps=steps,
            pct_start=recipe.warmup,
            anneal_strategy="linear",
            cycle_momentum=False,
        )

    return LambdaLR(optimizer, partial(_factor, recipe, steps))


def go_alike(recipe: Recipe, other_epochs: int, steps: int, done: int) -> bool:
    """Return whether a run of other epochs had the same rates until now.

    A rate that rises and falls over the whole of a run has not. One that changes in
    steps may have, until the first of them.

    Args:
        recipe: Of this run.
        other_epochs: The length of the other one.
        steps: Of an epoch.
        done: Epochs until now.
    """
    if done > recipe.epochs:
        return False
    if not recipe.milestones:
        return done == 0
    return all(
        _factor(recipe, recipe.epochs * steps, step)
        == _factor(recipe, other_epochs * steps, step)
        for step in range(done * steps + 1)  # the next rate is part of a checkpoint
    )


def _factor(recipe: Recipe, steps: int, step: int) -> float:
    """Return by what the highest rate is multiplied in one of all steps."""
    passed = [f for share, f in recipe.milestones if step >= share * steps]
    warm = recipe.warmup * steps
    risen = min(1.0, (step + 1) / warm) if warm else 1.0
    return risen * (passed[-1] if passed else 1.0)
