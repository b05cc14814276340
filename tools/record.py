"""Runs that are too long for a chapter, recorded in data/runs with their origin.

python tools/record.py lenet5-mnist --seeds 5
"""

import shlex
import sys
import time
from collections.abc import Callable
from typing import Annotated

import torch
import typer
from torch import nn
from torch.nn import functional as F

from cnnbook import data, models, recipes, runs, training
from cnnbook.data import Split

app = typer.Typer(add_completion=False, help=__doc__)
Seeds = Annotated[int, typer.Option(min=2, help="How many seeds, from 0.")]


def lenet5_with(**parts) -> Callable[[], nn.Module]:
    """Return a builder of the 1998 network with some of its parts replaced."""

    def build() -> nn.Module:
        network = models.build("lenet5")
        for name, make in parts.items():
            setattr(network, name, make())
        return network

    return build


NETWORKS = {
    "lenet5": lambda: models.build("lenet5"),
    "lenet5, C3 reads all maps": lenet5_with(c3=lambda: nn.Conv2d(6, 16, 5)),
    "lenet5, max-pooling": lenet5_with(
        s2=lambda: nn.MaxPool2d(2), s4=lambda: nn.MaxPool2d(2)
    ),
    "lenet5, ReLU": lenet5_with(squash=lambda: F.relu),
    "lenet5, linear output": lenet5_with(output=lambda: nn.Linear(84, 10)),
    "lenet5-modern": lambda: models.build("lenet5-modern"),
    "one-hidden-layer": lambda: models.build("one-hidden-layer"),
}


@app.callback()
def main() -> None:
    """Record a run."""


@app.command()
def lenet5_mnist(seeds: Seeds = 5) -> None:
    """LeNet-5 on MNIST: the 1998 network, each modern change alone, all, a control."""
    dataset = data.load("mnist").to(training.device())
    recipe = recipes.recipe("lenet5-modern", "mnist")
    long = recipes.recipe("lenet5", "mnist")
    results = {
        name: _train(build, dataset.train, dataset.test, recipe, seeds)
        for name, build in NETWORKS.items()
    }
    results["lenet5, 20 passes"] = _train(
        NETWORKS["lenet5"], dataset.train, dataset.test, long, seeds
    )
    train, test = _permute(dataset.train), _permute(dataset.test)
    for name in ("lenet5-modern", "one-hidden-layer"):
        results[f"{name}, pixels permuted"] = _train(
            NETWORKS[name], train, test, recipe, seeds
        )
    path = runs.save(
        "lenet5-mnist",
        {"dataset": "MNIST", "recipe": recipe, "long_recipe": long, "results": results},
        command=shlex.join(["python", "tools/record.py", *sys.argv[1:]]),
        seeds=list(range(seeds)),
    )
    print(f"wrote {path.name}")


def _train(
    build: Callable[[], nn.Module], train: Split, test: Split, recipe: dict, seeds: int
) -> list[dict]:
    """Return a record a seed: the errors (%) by epoch, and the seconds of training."""
    records = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        network = build()
        start = time.perf_counter()
        history = training.fit(network, train, test, seed=seed, **recipe)
        seconds = time.perf_counter() - start
        records.append(
            {
                "seed": seed,
                "seconds": round(seconds, 1),
                "train_error": history.train_error.round(3).tolist(),
                "test_error": history.validation_error.round(3).tolist(),
            }
        )
        print(seed, records[-1]["test_error"][-1], f"{seconds:.1f} s", flush=True)
    return records


def _permute(split: Split) -> Split:
    """Put the pixels of all images into one and the same random order."""
    order = torch.randperm(1024, generator=torch.Generator().manual_seed(0))
    images = split.images.flatten(1)[:, order.to(split.images.device)]
    return Split(images.view_as(split.images), split.labels)


if __name__ == "__main__":
    app()
