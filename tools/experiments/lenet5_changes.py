"""What each change to LeNet-5 is worth alone, with each arm at its own best rate.

python -m tools.experiments.lenet5_changes

Three things that are often changed together are kept apart: the squashing function, the
weights' first values, and the criterion with or without label smoothing. Each arm
differs from the network of 1998 in what its name says, and in nothing else.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnbook import models
from cnnbook.models.lenet import LeNet5, SparseConv2d, Subsampling, map_criterion
from cnnbook.models.lenet import scaled_tanh as tanh
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison

EPOCHS = 10


def recipe(criterion: Callable = map_criterion, smoothing: float = 0.0) -> Recipe:
    """Return the recipe of all arms with one of the criteria."""
    return Recipe(
        epochs=EPOCHS,
        batch_size=256,
        learning_rate=0.01,
        weight_decay=0.02,
        warmup=0.3,
        criterion=criterion,
        label_smoothing=smoothing,
    )


class Changed(LeNet5):
    """The network of 1998 with one squashing function for F6 and one for the rest."""

    squash_f6: Callable[[Tensor], Tensor]

    def distances(self, x: Tensor) -> Tensor:
        """As `LeNet5.distances`."""
        for layer in (self.c1, self.s2, self.c3, self.s4, self.c5):
            x = self.squash(layer(x))
        return self.output(self.squash_f6(self.f6(x.flatten(1))))


def changed(
    *,
    squash: Callable[[Tensor], Tensor] = tanh,
    squash_f6: Callable[[Tensor], Tensor] = tanh,
    start: str = "1998",
    **layers: Callable[[], nn.Module],
) -> nn.Module:
    """Build the network of 1998 with another function, start or layer.

    Args:
        squash: Follows C1 to C5.
        squash_f6: Follows F6.
        start: A key of `STARTS`; all layers are drawn anew by it.
        layers: Layers that replace those of the same name.
    """
    network = Changed()
    network.squash, network.squash_f6 = squash, squash_f6
    for name, make in layers.items():
        setattr(network, name, make())
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | SparseConv2d | Subsampling):
            STARTS[start](layer)
    return network


def fan_in(layer: nn.Module) -> Tensor:
    """Return how many inputs the layer's units read, for each map that it computes."""
    if isinstance(layer, Subsampling):
        return torch.full((len(layer.bias), 1, 1), 4.0)
    if isinstance(layer, SparseConv2d):
        kernels = layer.output_map.bincount(minlength=layer.out_channels)
        return kernels.float() * layer.weight[0].numel()
    return torch.full((len(layer.weight),), float(layer.weight[0].numel()))


@torch.no_grad()
def start_1998(layer: nn.Module) -> None:
    """U(-2.4/n, 2.4/n) for n inputs (LeCun et al. 1998, appendix A)."""
    weight, n, bias, units = _parts(layer)
    weight.uniform_(-1, 1).mul_(2.4 / n)
    bias.uniform_(-1, 1).mul_(2.4 / units)


@torch.no_grad()
def start_torch(layer: nn.Module) -> None:
    """U(-1/√n, 1/√n), which PyTorch draws from where nothing else is said."""
    weight, n, bias, units = _parts(layer)
    weight.uniform_(-1, 1).div_(n.sqrt())
    bias.uniform_(-1, 1).div_(units.sqrt())


STARTS = {"1998": start_1998, "PyTorch's": start_torch}


def _parts(layer: nn.Module) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return weights and biases, each with the inputs of the units they belong to."""
    units = fan_in(layer)
    if isinstance(layer, Subsampling):
        return layer.coefficient, units, layer.bias, units
    weight = layer.weight
    rows = units[layer.output_map] if isinstance(layer, SparseConv2d) else units
    return weight, rows.view(-1, *[1] * (weight.dim() - 1)), layer.bias, units


class LocallyConnected2d(nn.Module):
    """A convolution without sharing: a kernel of its own at each position.

    Args:
        shape: Of its input: channels and side.
        out_channels: How many maps it computes.
        kernel_size: Side of its kernels.
    """

    def __init__(self, shape: tuple[int, int], out_channels: int, kernel_size: int):
        super().__init__()
        channels, side = shape
        self.kernel_size = kernel_size
        self.side = side - kernel_size + 1
        n = channels * kernel_size**2
        bound = 1 / math.sqrt(n)  # as nn.Conv2d draws its kernels
        weight = torch.empty(self.side**2, out_channels, n)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound))
        bias = torch.empty(self.side**2, out_channels)
        self.bias = nn.Parameter(bias.uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, H) to (N, out, H-k+1, H-k+1)."""
        patches = F.unfold(x, self.kernel_size).permute(2, 0, 1)  # (positions, N, n)
        maps = torch.baddbmm(
            self.bias[:, None], patches, self.weight.transpose(1, 2)
        )  # (positions, N, out)
        return maps.permute(1, 2, 0).unflatten(2, (self.side, self.side))


def without_sharing() -> nn.Module:
    """Today's LeNet-5, whose C1 and C3 have kernels of their own at each position."""
    network = models.build("lenet5-modern")
    network.c1 = LocallyConnected2d((1, 32), 6, 5)
    network.c3 = LocallyConnected2d((6, 14), 16, 5)
    return network


CROSS_ENTROPY, SMOOTHED = recipe(F.cross_entropy), recipe(F.cross_entropy, 0.1)
SQUASHED = {
    "tanh": {},
    "ReLU": {"squash": F.relu, "squash_f6": F.relu},
    "ReLU, tanh at F6": {"squash": F.relu},
}
ALL_MAPS = {"c3": lambda: nn.Conv2d(6, 16, 5)}
MAXIMA = {"s2": lambda: nn.MaxPool2d(2), "s4": lambda: nn.MaxPool2d(2)}
LINEAR = {"output": lambda: nn.Linear(84, 10)}
ARMS = {
    **{
        f"{name}, {start} start": Arm(
            partial(changed, start=start, **functions), recipe()
        )
        for start in STARTS
        for name, functions in SQUASHED.items()
    },
    "no j": Arm(changed, CROSS_ENTROPY),
    "no j, smoothed": Arm(changed, SMOOTHED),
    "lenet5-modern": Arm(partial(models.build, "lenet5-modern"), CROSS_ENTROPY),
    "one-hidden-layer": Arm(partial(models.build, "one-hidden-layer"), CROSS_ENTROPY),
    "linear output": Arm(partial(changed, **LINEAR), CROSS_ENTROPY),
    "linear output, smoothed": Arm(partial(changed, **LINEAR), SMOOTHED),
    "C3 reads all maps": Arm(partial(changed, **ALL_MAPS), recipe()),
    "maxima": Arm(partial(changed, **MAXIMA), recipe()),
    "lenet5-modern, smoothed": Arm(partial(models.build, "lenet5-modern"), SMOOTHED),
    # Last, since it takes as long as all others.
    "lenet5-modern, nothing shared": Arm(without_sharing, CROSS_ENTROPY),
}


def main() -> None:
    """Run what is still to be run, and write the record."""
    command = "python -m tools.experiments.lenet5_changes"
    print(
        f"wrote {Comparison('lenet5-changes-mnist', ARMS, 'mnist').run(command).name}"
    )


if __name__ == "__main__":
    main()
