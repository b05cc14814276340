"""Plain and residual networks of 20 and 56 layers: does depth hurt, to the end?

By He et al.'s recipe (arXiv:1512.03385, section 4.2), shortened: where the paper takes
164 passes, with a tenth of the rate from the half and a hundredth from three quarters
of them on, these take 16, with the falls at the same shares.
"""

import json
from dataclasses import replace
from functools import partial

from cnnbook import models, records
from cnnbook.training import Recipe, recipe_for

from .parts import Part, Piece
from .setting import Setting
from .trained import Run, train

NETWORKS = ("plain20-cifar", "resnet20-cifar", "plain56-cifar", "resnet56-cifar")
PAPER = recipe_for("resnet20-cifar", "cifar10", "paper")


class Depth(Part):
    """Four networks and three seeds."""

    name = "depth"
    about = "plain and residual, 20 and 56 layers, He et al.'s recipe shortened"
    seeds = (0, 1, 2)

    def recipe(self, setting: Setting) -> Recipe:
        """Return the recipe, shortened."""
        return replace(PAPER, epochs=setting.size(16, tiny=2))

    def settings(self, setting: Setting) -> dict:
        """Name the data, the recipe, and by what it is shorter than the paper's."""
        recipe = self.recipe(setting)
        return {
            "dataset": setting.pack.title,
            "train_images": len(setting.pack.dataset.train),
            "recipe": recipe.as_json(),
            "shortened": PAPER.epochs / recipe.epochs,
        }

    def pieces(self, setting: Setting) -> list[Piece]:
        """Give a GPU all seeds of a network at once; the CPU a seed after another."""
        recipe = self.recipe(setting)
        known = _recorded(setting, recipe.as_json())
        seeds = self.seeds[: setting.size(3, tiny=1)]
        if setting.on_gpu:
            groups = [(name, seeds) for name in NETWORKS]
        else:
            groups = [(name, (seed,)) for seed in seeds for name in NETWORKS]
        runs = [
            Run(name, partial(models.build, name), recipe, seeds, keep=True)
            for name, seeds in groups
            if not {(name, seed) for seed in seeds} <= known
        ]
        return [Piece(run.key, partial(self._train, run, setting)) for run in runs]

    def _train(self, run: Run, setting: Setting, results: dict) -> None:
        dataset = setting.pack.dataset
        entries = train(run, self.name, dataset.train, dataset.test, setting)
        results.setdefault(run.name, []).extend(entries)


def _recorded(setting: Setting, recipe: dict) -> set[tuple[str, int]]:
    """Return the networks and seeds that other records hold, of the same experiment.

    `python -m cnnbook train` makes the same run on a CPU, and takes as long.
    """
    if setting.on_gpu or setting.tiny:
        return set()
    recipe = json.loads(json.dumps(recipe))  # as it stands in a record
    loaded = [records.load(file.stem) for file in records.FOLDER.glob("*.json")]
    return {
        (name, entry["seed"])
        for record in loaded
        if _is_the_same(record, setting, recipe)
        for name, entries in record["results"].items()
        for entry in entries
    }


def _is_the_same(record: dict, setting: Setting, recipe: dict) -> bool:
    """Return whether a record holds runs on this data, by this recipe, on a CPU."""
    there = record.get("recipe", {})
    return (
        record.get("dataset") == setting.pack.title
        and record.get("precision") == setting.precision
        and record["device"].startswith("cpu")
        and "done" not in record  # one of the evidence itself
        and all(recipe.get(key) == value for key, value in there.items())
    )
