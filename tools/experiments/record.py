"""Runs that are too long for a chapter, recorded in data/runs with their origin.

python -m tools.experiments.record permuted-mnist --seeds 5
"""

import json
import shlex
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_file, save_file

from cnnbook import data, models, pretrained, records, training
from cnnbook.data import Split
from cnnbook.training.task import Task
from tools.experiments.comparison import Arm, train_once

app = typer.Typer(add_completion=False, help=__doc__)
Seeds = Annotated[int, typer.Option(min=2, help="How many seeds, from 0.")]
MODERN = training.recipe_for("lenet5-modern", "mnist")


@app.callback()
def main() -> None:
    """Record a run."""


@app.command()
def permuted_mnist(seeds: Seeds = 5) -> None:
    """Today's LeNet-5 and a hidden layer on MNIST, as it is and its pixels permuted."""
    origin = training.origin(_command(), range(seeds))
    dataset = data.load("mnist").to(training.device())
    straight = (dataset.train, dataset.test)
    permuted = tuple(_permute(split) for split in straight)
    results = {}
    for name in ("lenet5-modern", "one-hidden-layer"):
        arm = Arm(partial(models.build, name), MODERN)
        results[name] = _train(arm, straight, seeds)
        results[f"{name}, pixels permuted"] = _train(arm, permuted, seeds)
    path = records.save(
        "permuted-mnist",
        {**origin, "dataset": "MNIST", "recipe": MODERN.as_json(), "results": results},
    )
    print(f"wrote {path.name}")


@app.command()
def cifar10(
    folder: Annotated[str, typer.Option("--data", help="A folder, or cifar10.")],
    title: Annotated[str, typer.Option(help="The data set's name where it is shown.")],
    networks: Annotated[list[str], typer.Option("--network", help="Once for each.")],
    name: Annotated[str, typer.Option(help="Of the record in data/runs.")],
    epochs: Annotated[int, typer.Option(min=1)],
    seeds: Seeds = 3,
) -> None:
    """Networks on CIFAR-10 by He et al.'s recipe, with as many epochs as there is time.

    Each run has a folder in runs/; called again, this goes on where it was stopped.
    """
    _record(name, title, networks, folder, "paper", epochs, seeds)


@app.command()
def lenet5_1998(seeds: Seeds = 5) -> None:
    """LeNet-5 on MNIST in 20 passes, with the steps of the rate that the paper had."""
    places = _record(
        "lenet5-mnist-1998", "MNIST", ["lenet5"], "mnist", "paper", None, seeds
    )
    kept = pretrained.WEIGHTS / "lenet5-mnist.safetensors"
    kept.parent.mkdir(exist_ok=True)
    shutil.copyfile(places["lenet5"] / "model.safetensors", kept)


@app.command()
def lenet5_rivals(seeds: Seeds = 3) -> None:
    """Today's LeNet-5 and one hidden layer on MNIST in 10 passes, to be played with.

    Their weights are kept as 16-bit numbers, which no verdict depends on.
    """
    networks = ["lenet5-modern", "one-hidden-layer"]
    places = _record("lenet5-rivals-mnist", "MNIST", networks, "mnist", "", 10, seeds)
    for network, place in places.items():
        weights = load_file(place / "model.safetensors")
        save_file(
            {name: tensor.half() for name, tensor in weights.items()},
            pretrained.WEIGHTS / f"{network}-mnist.safetensors",
        )


@app.command()
def collect(
    folders: Annotated[list[Path], typer.Argument(help="Of finished runs.")],
    title: Annotated[str, typer.Option(help="The data set's name where it is shown.")],
    name: Annotated[str, typer.Option(help="Of the record in data/runs.")],
) -> None:
    """Runs that `python -m cnnbook train` has made, with their own origins.

    They may differ in their network and their seed, and in nothing else.
    """
    try:
        path = records.save(name, _collected(folders, title))
    except (OSError, ValueError) as error:
        print(error)
        raise typer.Exit(1) from None
    print(f"wrote {path.name}")


def _collected(folders: list[Path], title: str) -> dict:
    """Return one record of several runs.

    The first run's origin stands for all; where another one differs, it stands beside
    that run's results.

    Raises:
        ValueError: If a run has not finished, or differs in more than it may.
    """
    shared, first, results = {}, {}, {}
    for folder in folders:
        run = json.loads((folder / "run.json").read_text())
        *epochs, test = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
        if "test_error" not in test:
            raise ValueError(f"the run in {folder} has not finished")
        about, origin = run["about"], run["origin"]
        network, seed = about.pop("model"), about.pop("seed")
        del origin["seeds"]
        shared, first = shared or about, first or origin
        if about != shared:
            raise ValueError(f"the run in {folder} has another data set or recipe")
        results.setdefault(network, []).append(
            {
                "seed": seed,
                "seconds": round(sum(row["seconds"] for row in epochs), 1),
                "train_error": [round(row["train_error"], 3) for row in epochs],
                "test_error": round(test["test_error"], 3),
                **({"origin": origin} if origin != first else {}),
                **({"resumed": run["resumed"]} if "resumed" in run else {}),
            }
        )
    seeds = sorted({entry["seed"] for runs in results.values() for entry in runs})
    data_set = {"dataset", "train_images", "validation_images", "recipe"}
    recipe = {key: value for key, value in shared.items() if key not in data_set}
    return {
        **first,
        "seeds": seeds,
        "dataset": title,
        "recipe": recipe,
        "results": results,
    }


def _record(
    name: str,
    title: str,
    networks: list[str],
    dataset: str,
    recipe: str,
    epochs: int | None,
    seeds: int,
) -> dict[str, Path]:
    """Run a recipe, record it in data/runs; return each network's last folder."""
    origin = training.origin(_command(), range(seeds))
    first = Task.find(networks[0], dataset, recipe, epochs=epochs)
    results, places = {network: [] for network in networks}, {}
    for seed in range(seeds):
        for network in networks:
            task = replace(first, model=network, seed=seed)
            place = Path("runs") / f"{task.name}-{task.recipe.epochs}-epochs"
            places[network] = place
            test = task.run(place, _command(), resume=True)
            lines = (place / "log.jsonl").read_text().splitlines()
            log = [json.loads(line) for line in lines]
            results[network].append(
                {
                    "seed": seed,
                    "seconds": round(sum(row.get("seconds", 0) for row in log), 1),
                    "train_error": [round(row["train_error"], 3) for row in log[:-1]],
                    "test_error": round(test["test_error"], 3),
                }
            )
            print(network, results[network][-1], flush=True)
    settings = first.recipe.as_json()
    path = records.save(
        name, {**origin, "dataset": title, "recipe": settings, "results": results}
    )
    print(f"wrote {path.name}")
    return places


def _command() -> str:
    return shlex.join(["python", "-m", "tools.experiments.record", *sys.argv[1:]])


def _train(arm: Arm, splits: tuple[Split, Split], seeds: int) -> list[dict]:
    """Return a record for each seed: errors (%) by epoch, and seconds of training."""
    found = []
    for seed in range(seeds):
        found.append(train_once(arm, seed, splits, progress=True))
        print(
            seed, found[-1]["test_error"][-1], f"{found[-1]['seconds']} s", flush=True
        )
    return found


def _permute(split: Split) -> Split:
    """Put the pixels of all images into one and the same random order."""
    order = torch.randperm(1024, generator=torch.Generator().manual_seed(0))
    images = split.images.flatten(1)[:, order.to(split.images.device)]
    return Split(images.view_as(split.images), split.labels)


if __name__ == "__main__":
    app()
