"""One 5x5 against two 3x3 of equal field, weights and arithmetic, on the digits.

python -m tools.experiments.small_kernels

The pair is linear or has a ReLU between its layers. Each of the four arms has its own
rate, out of a range that is tried with all of them. The last arm pads as the single 5x5
does, two pixels before its first layer and none before the second, so that no value
between the two layers is cut at the border. All is done twice, with a rate chosen
anew: with 40 passes over the training images, and with 80.
"""

from collections.abc import Callable
from functools import partial

from torch import nn

from cnnbook.data import Augmentation
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison

PASSES = (40, 80)


def single() -> list[nn.Module]:
    """Return one 5x5 layer, 18 maps to 18."""
    return [nn.Conv2d(18, 18, 5, padding=2)]


def pair(*between: nn.Module, padding: tuple[int, int] = (1, 1)) -> list[nn.Module]:
    """Return two 3x3 layers, 18 maps to 25 to 18, which have as many weights."""
    first, second = padding
    return [
        nn.Conv2d(18, 25, 3, padding=first, bias=False),
        *between,
        nn.Conv2d(25, 18, 3, padding=second),
    ]


def pair_with_relu() -> list[nn.Module]:
    """Return the pair with a ReLU between its layers."""
    return pair(nn.ReLU())


def network(block: Callable[[], list[nn.Module]]) -> nn.Module:
    """Return the chapter's network for digits, with a block in its middle."""
    before = [nn.Conv2d(1, 18, 4, stride=4), nn.ReLU()]
    after = [nn.BatchNorm2d(18), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*before, *block(), *after, nn.Linear(18, 10))


BLOCKS = {
    "one 5×5": single,
    "two 3×3, linear": pair,
    "two 3×3, ReLU": pair_with_relu,
    "two 3×3, linear, border of the 5×5": partial(pair, padding=(2, 0)),
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
        {name: Arm(partial(network, block), recipe) for name, block in BLOCKS.items()},
        "digits",
        seeds=range(5),
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
