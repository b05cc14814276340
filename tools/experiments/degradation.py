"""Plain and residual networks of 20 and 56 layers on the digits, for longer.

python -m tools.experiments.degradation

Each arm has the best of the learning rates tried, and nine times the passes that
chapter 5 has time for. One more arm starts from a copy: a plain network whose blocks
begin by handing on what they read.
"""

import dataclasses
from functools import partial

from torch import nn

from cnnbook import data
from cnnbook.models import resnet
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison

RECIPE = Recipe(epochs=36, batch_size=64, learning_rate=0.01)
KINDS = {"plain": None, "residual": "A"}  # their shortcuts


def build(depth: int, shortcut: str | None) -> resnet.ResNet:
    """Build chapter 5's network: He et al.'s for CIFAR-10, half as wide, for grey."""
    design = resnet.cifar(depth, shortcut=shortcut)
    design = dataclasses.replace(design, widths=(8, 16, 32))
    return resnet.ResNet(design, in_channels=1)


def from_the_identity(depth: int) -> resnet.ResNet:
    """Build a plain network whose convolutions each begin by copying their input.

    Those that double the maps begin by copying it into the first half of them.
    """
    network = build(depth, None)
    for block in network.modules():
        if isinstance(block, resnet.BasicBlock):
            nn.init.dirac_(block.conv1.weight)
            nn.init.dirac_(block.conv2.weight)
    return network


ARMS = {
    **{
        f"{kind}-{depth}": Arm(partial(build, depth, shortcut), RECIPE)
        for depth in (20, 56)
        for kind, shortcut in KINDS.items()
    },
    "plain-56 from the identity": Arm(partial(from_the_identity, 56), RECIPE),
}


def main() -> None:
    """Run what is still to be run, and write the record."""
    comparison = Comparison(
        "degradation-digits",
        ARMS,
        "digits",
        seeds=range(3),
        held_out=287,
        search_epochs=12,
        load=partial(data.load, side=8),
    )
    written = comparison.run("python -m tools.experiments.degradation")
    print(f"wrote {written.name}")


if __name__ == "__main__":
    main()
