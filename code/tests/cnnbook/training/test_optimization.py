"""The optimizer's groups, and the learning rate over the steps."""

import pytest
from torch import nn

from cnnbook import models
from cnnbook.training import Recipe, recipe_for
from cnnbook.training.optimization import (
    make_optimizer,
    make_scheduler,
    parameter_groups,
)


def test_biases_do_not_decay():
    kernels, others = parameter_groups(models.build("lenet5"), 0.1)
    assert sum(p.numel() for p in kernels["params"]) == 60_000 - 22 * 3 - 120 - 84
    assert kernels["weight_decay"] == 0.1
    assert others["weight_decay"] == 0


def test_the_recipe_of_he_and_others_steps_at_32_and_48_thousand_steps():
    recipe = recipe_for("resnet56-cifar", "cifar10", "paper")
    steps = recipe.epochs * 391  # batches of 128 out of 50,000
    assert abs(steps - 64_000) < 391
    optimizer = make_optimizer(nn.Linear(1, 1), recipe)
    scheduler = make_scheduler(optimizer, recipe, 64_000)
    factors = {s: scheduler.lr_lambdas[0](s) for s in (0, 31_999, 32_000, 48_000)}
    assert factors == {0: 1, 31_999: 1, 32_000: 0.1, 48_000: 0.01}
    assert recipe.batch_size == 128
    assert optimizer.param_groups[0]["momentum"] == 0.9


def test_a_rate_that_changes_in_steps_can_rise_first():
    recipe = Recipe(
        epochs=1, optimizer="sgd", warmup=0.1, milestones=((0.5, 0.1),), weight_decay=0
    )
    scheduler = make_scheduler(make_optimizer(nn.Linear(1, 1), recipe), recipe, 100)
    factors = [scheduler.lr_lambdas[0](step) for step in range(100)]
    assert factors[:11] == pytest.approx([k / 10 for k in range(1, 11)] + [1])
    assert (factors[49], factors[50]) == (1, 0.1)


def test_without_milestones_the_rate_rises_and_falls_in_straight_lines():
    recipe = Recipe(epochs=1, learning_rate=0.3, warmup=0.25)
    optimizer = make_optimizer(nn.Linear(1, 1), recipe)
    scheduler = make_scheduler(optimizer, recipe, 100)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    top = rates.index(max(rates))
    assert top == 24
    assert rates[top] == pytest.approx(0.3)
    rise, fall = rates[: top + 1], rates[top:]
    for line in (rise, fall):
        step = (line[-1] - line[0]) / (len(line) - 1)
        assert line == pytest.approx([line[0] + k * step for k in range(len(line))])
    assert rates[-1] < 1e-4
