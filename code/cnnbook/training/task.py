"""One training run from beginning to end, as ``python -m cnnbook train`` starts it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import set_seed

from .. import data, models
from ..data import CROP, Dataset, Split
from ..data.outline import SIZES
from . import auxiliary, budget
from .evaluation import evaluate
from .loop import cut, fit
from .optimization import go_alike
from .provenance import origin
from .recipe import Recipe
from .recipes import recipe_for
from .run_folder import RunFolder

SMALL_SETS = SIZES.keys() & set(data.names())  # those that `data.load` fetches


def join_processes() -> PartialState:
    """Join the processes that torchrun or `accelerate launch` has started, if any.

    Call it before anything that asks for the device. Accelerate joins processes that
    have no GPU only when told that the CPU is meant.
    """
    on_cpu = "LOCAL_RANK" in os.environ and not torch.cuda.is_available()
    return PartialState(cpu=on_cpu)


@dataclass(frozen=True)
class Task:
    """What decides the result of a run: a network, data, a recipe and a seed.

    Attributes:
        model: An architecture of `models.names()`.
        dataset: What it is trained and tested on.
        recipe_name: The recipe's name, such as ``paper``; empty if it has none.
        recipe: How it is trained.
        seed: Decides weights, order and augmentation.
    """

    model: str
    dataset: Dataset
    recipe_name: str
    recipe: Recipe
    seed: int

    @classmethod
    def find(
        cls,
        model: str,
        dataset: str,
        recipe_name: str = "",
        *,
        seed: int = 0,
        validation: int = 0,
        outlined: bool = False,
        **changes: Any,
    ) -> Task:
        """Load the data, and find the recipe.

        Args:
            model: An architecture of `models.names()`.
            dataset: A data set of `data.names()`, or a folder of images. Small images
                take the recipe for ``cifar10``, photographs that for ``imagenet``.
            recipe_name: Such as ``paper``.
            seed: Decides weights, order and augmentation.
            validation: So many training images are set apart.
            outlined: Whether a data set of the book may lack its images, which is
                enough to describe and count a run. Nothing is downloaded then.
            changes: Settings that replace the recipe's, where they are not None.

        Raises:
            FileNotFoundError: If the data set is not there.
            ValueError: If a name is unknown, or the data set does not suit.
        """
        side = models.architecture(model).input_size[-1]
        kind = dataset
        if dataset in SMALL_SETS:  # before it is loaded, or even downloaded
            recipe_for(model, dataset, recipe_name)
        loaded = _load(dataset, validation, max(side, CROP), outlined)
        if dataset not in SIZES:
            kind = "cifar10" if isinstance(loaded.train, Split) else "imagenet"
        recipe = recipe_for(model, kind, recipe_name)
        changes = {key: value for key, value in changes.items() if value is not None}
        return cls(model, loaded, recipe_name, replace(recipe, **changes), seed)

    @property
    def name(self) -> str:
        """A name for the run's folder."""
        parts = (self.model, self.dataset.name, self.recipe_name, f"seed{self.seed}")
        return "-".join(filter(None, parts))

    def build(self, device: str | None = None) -> torch.nn.Module:
        """Build the network for the data's classes and channels, as `models.build`."""
        classes, channels = len(self.dataset.classes), self.dataset.train.input_size[0]
        if self.recipe.criterion is auxiliary.loss_of_all_heads:
            with torch.device(device or torch.get_default_device()):
                return auxiliary.build(self.model, classes, channels)
        return models.build(
            self.model, num_classes=classes, in_channels=channels, device=device
        )

    def about(self) -> dict:
        """Describe the task in JSON; a function stands there by its name."""
        return {
            "model": self.model,
            "dataset": self.dataset.name,
            "train_images": len(self.dataset.train),
            "validation_images": len(self.dataset.validation),
            "recipe": self.recipe_name,
            **self.recipe.as_json(),
            "seed": self.seed,
        }

    def budget(self, parts: int = 1) -> dict[str, int]:
        """Return what the run will take; see `budget.estimate`."""
        network = self.build(device="meta")
        train = self.dataset.train
        return budget.estimate(
            network, train.input_size, len(train), self.recipe, parts=parts
        )

    def run(
        self,
        path: Path,
        command: str,
        *,
        resume: bool = False,
        compile: bool = False,
        precision: str | None = None,
        **options: Any,
    ) -> dict:
        """Train, test once, and leave log, checkpoint and weights in a folder.

        Args:
            path: The run's folder.
            command: The line that repeats the run, for its record.
            resume: Whether to go on with the run that the folder holds.
            compile: Whether the network is compiled.
            precision: As for `training.fit`.
            options: Others of `training.fit`, such as `gradient_accumulation`.

        Returns:
            The test's figures: test_loss, and test_error and test_top5_error in %; and
            of photographs, how many could not be read, if any.

        Raises:
            FloatingPointError: If the loss on the test set is not finite.
            And as `RunFolder` and `training.fit` do.
        """
        set_seed(self.seed)
        network = self.build()
        begun = origin(command, [self.seed], precision)
        parts = PartialState().num_processes * options.get("gradient_accumulation", 1)
        with RunFolder(
            path,
            self.about(),
            begun,
            resume=resume,
            goes_on=partial(self._goes_on, parts),
        ) as folder:
            if compile:
                network.compile()
            held_out = self.dataset.validation
            history = fit(
                network,
                self.dataset.train,
                self.recipe,
                validation=held_out if len(held_out) else None,
                seed=self.seed,
                precision=precision,
                run=folder,
                **options,
            )
            test = evaluate(network, self.dataset.test, self.recipe.loss)
            if not math.isfinite(test.loss):
                raise FloatingPointError(
                    f"the test loss is {test.loss}: lower learning_rate, in a new "
                    "folder"
                )
            figures = {f"test_{key}": value for key, value in vars(test).items()}
            for part in ("train", "test"):
                damaged = getattr(getattr(self.dataset, part), "damaged", ())
                if damaged:
                    figures[f"damaged_{part}_images"] = len(damaged)
            folder.finish(network, history.to_dict("records"), figures)
        return figures

    def _goes_on(self, parts: int, epochs: int, done: int) -> bool:
        """Return whether a run of other epochs did until now what this one does."""
        images = torch.arange(len(self.dataset.train))
        steps = len(cut(images, self.recipe.batch_size, parts))
        return go_alike(self.recipe, epochs, steps, done)


def _load(name: str, validation: int, crop: int, outlined: bool) -> Dataset:
    """Load a data set of the book, or a folder of images."""
    place = data.cache() / name if name == "imagenet" else Path(name)
    if name in SMALL_SETS:
        if outlined:
            return data.outline(name, validation=validation)
        return data.load(name, validation=validation)
    if place.is_dir():
        return data.image_folder.load(place, validation=validation, crop=crop)
    if name == "imagenet" and outlined:
        return data.outline(name, validation=validation, side=crop)
    if name == "imagenet":
        raise FileNotFoundError(
            f"ImageNet is not in {place}, and needs an account to be downloaded. Its "
            f"train/ and val/ belong into {place}"
        )
    known = ", ".join(SIZES)
    is_large = "imagenette" in name
    raise FileNotFoundError(
        f"{name!r} is neither a folder nor a data set to train on ({known})"
        + ("; give the folder that holds its train/ and val/" if is_large else "")
    )
