"""One 5x5 against two 3x3 of equal field, weights and arithmetic, on the digits.

python -m tools.experiments.small_kernels

The networks are those that chapter 3 defines. The pair is linear or has a ReLU between
its layers. Each of the four arms has its own
rate, out of a range that is tried with all of them. The last arm pads as the single 5x5
does, two pixels before its first layer and none before the second, so that no value
between the two layers is cut at the border. All is done twice, with a rate chosen
anew: with 40 passes over the training images, and with 80.
"""

from functools import partial

from torch import nn

from cnnbook.data import Augmentation
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison
from tools.notebooks.definitions import definitions

chapter = definitions("03-vgg-small-filters")
PASSES = (40, 80)


def with_border_of_the_single() -> nn.Sequential:
    """Return the linear pair, padded so that it is everywhere its product."""
    network = chapter.digit_network("two 3×3, linear")
    first, second = network[2:4]
    first.padding, second.padding = (2, 2), (0, 0)
    return network


NETWORKS = {
    **{
        kind: partial(chapter.digit_network, kind)
        for kind in ("one 5×5", "two 3×3, linear", "two 3×3, ReLU")
    },
    "two 3×3, linear, border of the 5×5": with_border_of_the_single,
}


def compared(passes: int) -> Comparison:
    """Return the comparison of all arms after so many passes."""
    recipe = Recipe(
        epochs=passes,
        batch_size=32,
        learning_rate=0.06,
        augmentation=Augmentation(shift=2),
    )
    return Comparison(
        f"small-kernels-digits-{passes}",
        {name: Arm(build, recipe) for name, build in NETWORKS.items()},
        "digits",
        seeds=range(20),
        held_out=437,
        images=500,
        search_epochs=passes,
        rates=(0.06, 0.2, 0.6),
        every_epoch=False,
    )


def main() -> None:
    """Run what is still to be run, and write the records."""
    command = "python -m tools.experiments.small_kernels"
    for passes in PASSES:
        print(f"wrote {compared(passes).run(command).name}")


if __name__ == "__main__":
    main()
