"""One training run from beginning to end, as ``python -m cnnbook train`` starts it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import set_seed

from . import budget, checkpoints, data, folders, models, recipes, runs, training
from .data import Dataset, Split


@dataclass(frozen=True)
class Task:
    """What decides the result of a run: a network, data, a recipe and a seed."""

    model: str
    dataset: Dataset
    recipe: str
    settings: dict  # arguments of `training.fit`
    seed: int

    @property
    def name(self) -> str:
        """A name for the run's folder."""
        parts = (self.model, self.dataset.name, self.recipe, f"seed{self.seed}")
        return "-".join(filter(None, parts))

    @property
    def input_size(self) -> tuple[int, ...]:
        """Channels, height and width of the images."""
        train = self.dataset.train
        if isinstance(train, Split):
            return tuple(train.images.shape[1:])
        return 3, folders.CROP, folders.CROP

    def build(self) -> torch.nn.Module:
        """Build the network for the data's classes and channels."""
        return models.build(
            self.model,
            num_classes=len(self.dataset.classes),
            in_channels=self.input_size[0],
        )

    def about(self) -> dict:
        """Describe the task in JSON; a function stands there by its name."""
        settings = {
            key: value.__name__ if callable(value) else value
            for key, value in self.settings.items()
        }
        sizes = [len(split) for split in (self.dataset.train, self.dataset.validation)]
        return {
            "model": self.model,
            "dataset": self.dataset.name,
            "train_images": sizes[0],
            "validation_images": sizes[1],
            "recipe": self.recipe,
            **settings,
            "seed": self.seed,
        }

    def budget(self, portions: int = 1) -> dict[str, int]:
        """Return what the run will take; see `budget.estimate`."""
        with torch.device("meta"):
            network = self.build()
        return budget.estimate(
            network,
            self.input_size,
            len(self.dataset.train),
            epochs=self.settings["epochs"],
            batch_size=self.settings["batch_size"],
            optimizer=self.settings.get("optimizer", "adamw"),
            portions=portions,
        )


def processes() -> PartialState:
    """Join the processes that torchrun or `accelerate launch` has started, if any.

    Call it before anything that asks for the device. Accelerate joins processes that
    have no GPU only when told that the CPU is meant.
    """
    on_cpu = "LOCAL_RANK" in os.environ and not torch.cuda.is_available()
    return PartialState(cpu=on_cpu)


def task(
    model: str,
    dataset: str,
    recipe: str = "",
    *,
    seed: int = 0,
    validation: int = 0,
    **changes,
) -> Task:
    """Find the recipe, and load the data.

    Args:
        model: An architecture of `models.names()`.
        dataset: A data set of `data.names()`, or a folder of images. Small images take
            the recipe for ``cifar10``, photographs that for ``imagenet``.
        recipe: Its name, such as ``paper``.
        validation: So many training images are set apart.
        changes: Settings that replace the recipe's, where they are not None.

    Raises:
        FileNotFoundError: If the data set is not there.
        ValueError: If a name is unknown, or the data set does not suit.
    """
    models.architecture(model)
    place = data.folder() / dataset if dataset == "imagenet" else Path(dataset)
    if dataset in data.names():
        settings = recipes.recipe(model, dataset, recipe)
        loaded = data.load(dataset, validation=validation)
    elif place.is_dir():
        found = folders.load(place, validation=validation)
        kind = "cifar10" if isinstance(found.train, Split) else "imagenet"
        settings = recipes.recipe(model, kind, recipe)
        loaded = folders.with_scales(found, settings.pop("scales", None))
    else:
        known = ", ".join(data.names())
        raise FileNotFoundError(
            f"{dataset!r} is neither a folder nor a data set of the book ({known})"
        )
    settings |= {key: value for key, value in changes.items() if value is not None}
    return Task(model, loaded, recipe, settings, seed)


def run(
    task: Task,
    folder: Path,
    command: str,
    *,
    resume: bool = False,
    compile: bool = False,
    **options,
) -> dict:
    """Train, test once, and leave log, checkpoint and weights in `folder`.

    Args:
        command: The line that repeats the run, for its record.
        resume: Whether to go on with the run that the folder holds.
        compile: Whether the network is compiled.
        options: Of `training.fit`, such as `precision` and `accumulation`.

    Returns:
        The test's figures: test_loss, and test_error and test_top5_error in %; and how
        many images could not be read, if any.

    Raises:
        FloatingPointError: If the loss on the test set is not finite.
        And as `checkpoints.Run` and `training.fit` do.
    """
    set_seed(task.seed)
    network = task.build()
    origin = runs.origin(command, [task.seed])
    origin["processes"] = PartialState().num_processes
    with checkpoints.Run(folder, task.about(), origin, resume=resume) as here:
        if compile:
            network.compile()
        held_out = task.dataset.validation
        history = training.fit(
            network,
            task.dataset.train,
            held_out if len(held_out) else None,
            seed=task.seed,
            run=here,
            **task.settings,
            **options,
        )
        test = training.evaluate(network, task.dataset.test)
        if not math.isfinite(test.loss):
            raise FloatingPointError(
                f"the test loss is {test.loss}: lower learning_rate, in a new folder"
            )
        figures = {f"test_{key}": value for key, value in vars(test).items()}
        for part in ("train", "test"):
            damaged = getattr(getattr(task.dataset, part), "damaged", ())
            if damaged:
                figures[f"damaged_{part}_images"] = len(damaged)
        here.finish(network, history.to_dict("records"), figures)
    return figures
