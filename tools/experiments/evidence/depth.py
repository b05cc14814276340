"""Plain and residual networks of 20 and 56 layers: does depth hurt, to the end?

By He et al.'s recipe (arXiv:1512.03385, section 4.2), shortened: where the paper takes
164 passes, with a tenth of the rate from the half and a hundredth from three quarters
of them on, these take 16, with the falls at the same shares.
"""

from dataclasses import replace
from functools import partial

from cnnbook import models, records
from cnnbook.training import recipe_for

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

    def recipe(self, setting: Setting):
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
        if setting.on_gpu:
            groups = [(name, self.seeds) for name in NETWORKS]
        else:
            groups = [(name, (seed,)) for seed in self.seeds for name in NETWORKS]
        runs = [
            Run(name, partial(models.build, name), recipe, seeds)
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
    known = set()
    for file in (
        () if setting.on_gpu or setting.tiny else sorted(records.FOLDER.glob("*.json"))
    ):
        record = records.load(file.stem)
        same = (
            not file.stem.startswith("evidence-")
            and record.get("dataset") == setting.pack.title
            and record.get("precision") == setting.precision
            and record.get("device", "").startswith("cpu")
            and all(
                _as_list(recipe.get(key)) == value
                for key, value in record.get("recipe", {}).items()
            )
        )
        if same:
            known |= {
                (name, entry["seed"])
                for name, entries in record["results"].items()
                for entry in entries
            }
    return known


def _as_list(value: object) -> object:
    """Return tuples as the lists that they become in JSON."""
    if isinstance(value, tuple | list):
        return [_as_list(item) for item in value]
    return value
