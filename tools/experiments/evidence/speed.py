"""How long until a network errs no more than ResNet-20 did in its paper, in 8.75 %.

The recipe is a fast one: a wide network of few layers, batches of 512, a rate that
rises and falls once. The test images are read after each pass, since the time until
they are read well is what is asked; nothing is chosen by them.
"""

from dataclasses import replace
from functools import partial
from itertools import accumulate

from cnnbook import papers
from cnnbook.data import Augmentation
from cnnbook.training import Recipe

from .architectures import at_32
from .parts import Part, Piece
from .setting import Setting
from .trained import Run, train

NETWORK = "resnet18"
TARGET = papers.value("resnet20.cifar10.test_error")
RECIPE = Recipe(  # not tuned
    epochs=24,
    batch_size=512,
    optimizer="sgd",
    learning_rate=0.4,
    weight_decay=5e-4,
    warmup=0.2,
    label_smoothing=0.1,
    augmentation=Augmentation(shift=4, flip=True, border="constant"),
)


class Speed(Part):
    """One network, three seeds, one after the other: each has the device to itself."""

    name = "speed"
    about = f"seconds until {TARGET} % test error"
    seeds = (0, 1, 2)

    def recipe(self, setting: Setting) -> Recipe:
        """Return the recipe."""
        return replace(
            RECIPE,
            epochs=setting.size(RECIPE.epochs, tiny=2),
            batch_size=setting.size(RECIPE.batch_size, tiny=64),
        )

    def settings(self, setting: Setting) -> dict:
        """Name the data, the network, the recipe and the error to reach."""
        return {
            "dataset": setting.pack.title,
            "train_images": len(setting.pack.dataset.train),
            "recipe": self.recipe(setting).as_json(),
            "target": TARGET,
        }

    def pieces(self, setting: Setting) -> list[Piece]:
        """Return a piece a seed."""
        recipe = self.recipe(setting)
        make = partial(at_32, "lenet5-modern" if setting.tiny else NETWORK)
        runs = [Run(NETWORK, make, recipe, (seed,), follow=True) for seed in self.seeds]
        return [Piece(run.key, partial(self._train, run, setting)) for run in runs]

    def _train(self, run: Run, setting: Setting, results: dict) -> None:
        dataset = setting.pack.dataset
        for entry in train(run, self.name, dataset.train, dataset.test, setting):
            reached = [
                seconds
                for seconds, error in zip(
                    accumulate(entry["epoch_seconds"]), entry["test_error"], strict=True
                )
                if error <= TARGET
            ]
            # Of training alone: reading the test images after each pass is left out.
            seconds = round(reached[0], 3) if reached else None
            entry["seconds_to_target"] = seconds
            results.setdefault(run.name, []).append(entry)
