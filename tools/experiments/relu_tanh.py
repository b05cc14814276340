"""Figure 1 of AlexNet's paper anew: how fast do ReLU and tanh learn CIFAR-10?

python -m tools.experiments.relu_tanh

The paper (Krizhevsky et al. 2012, section 3.1) trains a network of four layers without
any regularisation, with the rate that makes each of the two learn fastest. It does not
give the layers: here they are three convolutions and a fully connected one. Each
function gets the start that was derived for it, and its own rate. The images are those
of the evidence: `python -m tools.experiments.evidence pack FOLDER` makes the file.
"""

from collections import OrderedDict
from dataclasses import replace
from functools import cache, partial

import torch
from torch import nn

from cnnbook.data import Dataset, set_apart
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison
from tools.experiments.evidence import pack

TITLE = "CIFAR-10 (JPEG copy)"
FUNCTIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}
RECIPE = Recipe(
    epochs=24,
    batch_size=128,
    optimizer="sgd",
    learning_rate=0.01,
    weight_decay=0.0,
    warmup=0,
    milestones=((0, 1),),  # the rate stays as it is
)


def four_layers(activation: str) -> nn.Module:
    """Build the network with one of `FUNCTIONS` after each convolution.

    Biases begin at zero, the last layer's weights as Glorot and Bengio (2010) draw
    them. So do the kernels before a tanh; those before a ReLU begin as He et al.
    (2015) draw them.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, maps) in enumerate([(3, 32), (32, 32), (32, 64)], start=1):
        layers[f"conv{number}"] = nn.Conv2d(before, maps, 5, padding=2)
        # Both functions rise, so that the maximum may be taken first: it costs less.
        layers[f"pool{number}"] = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        layers[f"{activation}{number}"] = FUNCTIONS[activation]()
    layers["flatten"] = nn.Flatten()  # (N, 64, 4, 4) becomes (N, 1024)
    layers["output"] = nn.Linear(64 * 4 * 4, 10)
    for layer in layers.values():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.zeros_(layer.bias)
            if activation == "relu" and isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.xavier_normal_(layer.weight)
    return nn.Sequential(layers)


@cache
def _packed() -> Dataset:
    return pack.read(pack.FILE).dataset


def load(title: str, validation: int = 0) -> Dataset:
    """Return the packed images, some of those to train on set apart."""
    train, held_out = set_apart(_packed().train, validation)
    return replace(_packed(), name=title, train=train, validation=held_out)


ARMS = {
    name: Arm(partial(four_layers, activation), RECIPE)
    for name, activation in [("ReLU", "relu"), ("tanh", "tanh")]
}


def main() -> None:
    """Run what is still to be run, and write the record."""
    torch.set_num_threads(1)
    comparison = Comparison(
        "relu-tanh-cifar10", ARMS, TITLE, range(3), load=load, precision="bf16"
    )
    print(f"wrote {comparison.run('python -m tools.experiments.relu_tanh').name}")


if __name__ == "__main__":
    main()
