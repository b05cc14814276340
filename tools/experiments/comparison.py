"""Arms of an experiment compared fairly: each at its own best rate, over several seeds.

An arm is a network and a recipe. Its learning rate is chosen on images set apart from
the training set; a best rate at an end of the range widens the range. Then each arm is
trained on all training images, once for each seed. What is done is kept in runs/, so
that the comparison, begun again, goes on where it was stopped.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from cnnbook import data, records, training
from cnnbook.data import Dataset, Split
from cnnbook.training import Recipe

FACTOR = 10**0.5  # from one rate to the next
SEARCH_SEED = 100  # none of those that are compared


@dataclass(frozen=True)
class Arm:
    """What is compared.

    Attributes:
        build: Makes the network.
        recipe: How it is trained; a `Comparison` begins to look for its rate there.
        images: How many training images it sees, others with each seed; or all. An
            epoch is as long as with all: so few are shown several times in it.
    """

    build: Callable[[], nn.Module]
    recipe: Recipe
    images: int | None = None


@dataclass(frozen=True)
class Comparison:
    """An experiment.

    Attributes:
        name: Of its record in data/runs and of its folder in runs/.
        arms: By name.
        dataset: The data set's name.
        seeds: Each decides the weights and the order of the images.
        held_out: How many training images choose the rate.
        search_epochs: Passes of a run that only helps to choose the rate.
        rates: Tried with every arm, for a curve of the error against the rate. Without,
            as few are tried as show the best one.
        images: How many training images each seed draws for itself; all if None.
        every_epoch: Whether the test error is recorded after each pass, or at the end.
        load: Loads the data set by its name, as `data.load` does.
        precision: As for `training.fit`.
    """

    name: str
    arms: dict[str, Arm]
    dataset: str
    seeds: Sequence[int] = range(5)
    held_out: int = 10_000
    search_epochs: int = 3
    rates: Sequence[float] = ()
    images: int | None = None
    every_epoch: bool = True
    load: Callable[..., Dataset] = data.load
    precision: str | None = None

    def run(self, command: str) -> Path:
        """Do what is still to be done; each arm that is whole joins the record."""
        origin = training.origin(command, self.seeds, self.precision)
        search = self.load(self.dataset, validation=self.held_out)
        whole = self.load(self.dataset)
        splits = (whole.train, whole.test)
        described = {
            "dataset": self.dataset,
            "held_out": self.held_out,
            "search_epochs": self.search_epochs,
        }
        if self.images:
            described["images"] = self.images
        results = {}
        for name, arm in self.arms.items():
            tried = self._search(name, arm, search)
            rate = min(tried, key=lambda rate: tried[rate])
            recipe = replace(arm.recipe, learning_rate=rate)
            results[name] = {
                "recipe": recipe.as_json(),
                "search": [
                    {"learning_rate": rate, "validation_error": error}
                    for rate, error in sorted(tried.items())
                ],
                "seeds": [
                    self._once(name, replace(arm, recipe=recipe), seed, splits)
                    for seed in self.seeds
                ],
            }
            record = {**origin, **described, "results": results}
            written = records.save(self.name, record)
        return written

    def _search(self, name: str, arm: Arm, dataset: Dataset) -> dict[float, float]:
        """Return the error (%) on the images set apart, by the rate that was tried."""
        tried: dict[float, float] = {}
        first = [arm.recipe.learning_rate * FACTOR**step for step in (-1, 0, 1)]
        wanted = list(self.rates) or first
        while wanted:
            for rate in wanted:
                rate = float(f"{rate:.3g}")
                recipe = replace(
                    arm.recipe, epochs=self.search_epochs, learning_rate=rate
                )
                searched = replace(arm, recipe=recipe)
                splits = (dataset.train, dataset.validation)
                done = self._once(name, searched, SEARCH_SEED, splits)
                tried[rate] = done["test_error"][-1]
            rates = sorted(tried)
            best = min(rates, key=lambda rate: tried[rate])
            wanted = []
            if best == rates[0]:
                wanted = [best / FACTOR]
            elif best == rates[-1]:
                wanted = [best * FACTOR]
        return tried

    def _once(
        self, name: str, arm: Arm, seed: int, splits: tuple[Split, Split]
    ) -> dict:
        """Return errors (%) by epoch of one run, which is done unless it was before."""
        rate = arm.recipe.learning_rate
        epochs = arm.recipe.epochs
        file = Path("runs", self.name, f"{name}, {epochs}, {rate:g}, seed {seed}.json")
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            train, test = splits
            if self.images is not None:
                train = drawn(train, self.images, seed)
            done = _done(arm, seed, (train, test), self.every_epoch, self.precision)
            partial = file.with_suffix(".part")
            partial.write_text(json.dumps(done), encoding="utf-8")
            partial.replace(file)
            print(f"{file.stem}: {done['test_error'][-1]:.2f} %", flush=True)
        return json.loads(file.read_text(encoding="utf-8"))


def _done(
    arm: Arm,
    seed: int,
    splits: tuple[Split, Split],
    every_epoch: bool,
    precision: str | None,
) -> dict:
    try:
        return train_once(
            arm, seed, splits, every_epoch=every_epoch, precision=precision
        )
    except FloatingPointError:  # the rate was too high: no better than a wild guess
        return {"seed": seed, "diverged": True, "train_error": [], "test_error": [100]}


def train_once(
    arm: Arm,
    seed: int,
    splits: tuple[Split, Split],
    *,
    every_epoch: bool = True,
    precision: str | None = None,
    progress: bool = False,
) -> dict:
    """Train on the first split; return errors (%) by epoch, and seconds of training.

    The training error by epoch is a running mean, of images as they are varied and with
    dropout; "fitted_error" is that of the trained network in use, on the images as they
    are.

    Args:
        every_epoch: Whether the second split is tested after each epoch, or once.

    Raises:
        FloatingPointError: If the loss is no longer finite.
    """
    train, test = splits
    if arm.images is not None:
        train = shown_again(train, arm.images, seed)
    torch.manual_seed(seed)
    network = arm.build()
    start = time.perf_counter()
    history = training.fit(
        network,
        train,
        arm.recipe,
        validation=test if every_epoch else None,
        seed=seed,
        precision=precision,
        progress=progress,
    )
    seconds = round(time.perf_counter() - start, 1)
    if every_epoch:
        test_error = history.validation_error.round(3).tolist()
    else:
        test_error = [round(training.evaluate(network, test).error, 3)]
    return {
        "seed": seed,
        "seconds": seconds,
        "train_error": history.train_error.round(3).tolist(),
        "test_error": test_error,
        "fitted_error": round(training.evaluate(network, train).error, 3),
    }


def drawn(split: Split, images: int, seed: int) -> Split:
    """Return so many images, others with each seed."""
    generator = torch.Generator().manual_seed(seed)
    return split[torch.randperm(len(split), generator=generator)[:images]]


def shown_again(split: Split, images: int, seed: int) -> Split:
    """Return as many images as `split` has, of which only so many are different."""
    again = torch.arange(len(split)) % images
    return drawn(split, images, seed)[again]
