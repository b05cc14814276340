"""Does depth pay? VGG's five configurations in small, and B's twin of 5x5 layers.

python -m tools.experiments.small_vgg

All have an eighth of the paper's maps, one dense layer in place of three, and see the
same few images of MNIST equally often. So it is a question of shape: MNIST is no
ImageNet, and an eighth of the maps is not VGG.
"""

from functools import partial

from torch import nn

from cnnbook.models.init import kaiming_normal
from cnnbook.models.vgg import CONFIGURATIONS, LARGE_KERNELS, convolutional_part
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison

RECIPE = Recipe(epochs=45, batch_size=32, learning_rate=0.003)
TWIN = "B, one 5×5 for each pair"
# In this order, because the record is of use before it is whole.
ALL = {**CONFIGURATIONS, TWIN: LARGE_KERNELS}
LINES = {name: ALL[name] for name in ("B", TWIN, "A", "E", "D", "C")}


def small_vgg(words: str) -> nn.Module:
    """Return a configuration's convolutions with an eighth of the maps, and a reader.

    Images of 32x32 pixels leave the last pooling as one unit for each of 64 maps.
    """
    convolutions = convolutional_part(words, in_channels=1, divide_by=8)
    network = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(512 // 8, 10))
    kaiming_normal(network)
    return network


COMPARISON = Comparison(
    "small-vgg-mnist",
    {name: Arm(partial(small_vgg, words), RECIPE) for name, words in LINES.items()},
    "mnist",
    seeds=range(3),
    held_out=2_000,
    images=1_000,
    search_epochs=8,
    every_epoch=False,
)


def main() -> None:
    """Run what is still to be run, and write the record."""
    command = "python -m tools.experiments.small_vgg"
    print(f"wrote {COMPARISON.run(command).name}")


if __name__ == "__main__":
    main()
