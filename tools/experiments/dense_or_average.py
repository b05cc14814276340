"""A dense layer or an average: behind a short trunk, and with few images.

python -m tools.experiments.dense_or_average

The networks are those that chapter 4 defines.
"""

from collections.abc import Callable
from dataclasses import replace

from torch import nn

from cnnbook.data import Augmentation
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison
from tools.notebooks.definitions import definitions

chapter = definitions("04-fc-parameter-blowup")
COMMAND = "python -m tools.experiments.dense_or_average"
LONG = Recipe(
    epochs=120,
    batch_size=64,
    learning_rate=0.015,
    augmentation=Augmentation(shift=1),
)
# Shifted images would be more images: what few do is seen without.
FEW = replace(LONG, epochs=25, augmentation=Augmentation())


def network(blocks: int, head: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Return what builds a trunk of so many blocks with a head behind it."""
    return lambda: nn.Sequential(chapter.trunk(blocks), head())


SHORT = {
    "average": Arm(network(2, chapter.widened_average), LONG),
    # It makes no mistake on its training images long before.
    "dense": Arm(network(2, lambda: chapter.dense_head(256)), replace(LONG, epochs=40)),
}
HEADS = {
    "control": lambda: chapter.dense_head(256),
    "dropout": lambda: chapter.dense_head(256, nn.Dropout(0.5)),
    "average": lambda: chapter.average_head(64),
}
FEW_IMAGES = {
    f"{name}, 100": Arm(network(4, head), FEW, images=100)
    for name, head in HEADS.items()
}
VALIDATION = 237  # images of 1,437, as in the chapter
COMPARISONS = (
    Comparison(
        "short-trunk-digits",
        SHORT,
        "digits",
        seeds=range(10),
        held_out=VALIDATION,
        search_epochs=30,
    ),
    Comparison(
        "few-images-digits",
        FEW_IMAGES,
        "digits",
        seeds=range(20),
        held_out=VALIDATION,
        search_epochs=25,
    ),
)


def main() -> None:
    """Run what is still to be run, and write the records."""
    for comparison in COMPARISONS:
        print(f"wrote {comparison.run(COMMAND).name}")


if __name__ == "__main__":
    main()
