"""Chapter 4: where a network's numbers live, and the memory of a training step."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from torch import nn

from .. import cost, models
from ..plots.style import BLUE
from ._element import Explorable

NETWORKS = {
    "vgg16": "VGG-16",
    "vgg11": "VGG-11",
    "vgg19": "VGG-19",
    "alexnet-owt": "AlexNet (2014)",
    "googlenet-2014": "GoogLeNet",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
}
COSTS = {"parameters": "parameters", "macs": "MACs", "activations": "activations"}
# Layers that end a network, and those that write nothing that is kept.
HEAD = {"Linear", "AdaptiveAvgPool2d", "Flatten", "LogSoftmax", "Softmax"}
FREE = {"ReLU", "Dropout", "Flatten", "Identity"}
ONE = -1  # in place of the row that is read: the output is a single unit at any side
INDEX = 2  # an index of a maximum takes as much as two values


def view(*names: str) -> Explorable:
    """Return the three costs of networks, layer by layer, and their memory.

    Args:
        names: Of `cnnbook.models.names()`; none for a choice of those for ImageNet.

    Raises:
        ValueError: If a model is not known.
    """
    chosen = names or tuple(NETWORKS)
    network = models.build(chosen[0], device="meta")
    first = _counted(
        cost.layer_table(network, models.architecture(chosen[0]).input_size)
    )
    return Explorable(
        name="costs",
        figure=_still(first),
        alt="For each part of "
        f"{NETWORKS.get(chosen[0], chosen[0])} its share of the parameters, the MACs "
        "and the activations, on one scale.",
        sentence=_sentence(first),
        heights=(1479, 1177),
        data={"networks": {name: packed(name) for name in chosen}},
        needs=("controls",),
    )


def packed(name: str) -> dict[str, Any]:
    """Return a network as rows from which its costs follow for any side.

    A row holds its group, its name, the number of the row that it reads (rows count
    from 1), its window (kernel, stride, padding, dilation, whether it is rounded up),
    its parameters, its weights and its values for each position, and how many of
    these values are kept for the backward pass, in fours of bytes.
    """
    network = models.build(name, device="meta")
    modules = dict(network.named_modules())
    maps, side, _ = models.architecture(name).input_size
    table = cost.layer_table(network, (maps, side, side))
    alone = _without_activation(table)
    trunk, head = _cut(_counted(table))
    names: dict[str, str] = getattr(network, "paper_names", dict)()
    rows: list[list[Any]] = []
    sides = [(side, maps)]
    for row in trunk.itertuples():
        read = _side(row.input_shape)
        out = _side(row.output_shape)
        source = _source(sides, (read, row.input_shape[0]))
        window = _window(modules[row.layer], read, out)
        positions = out**2
        values = int(row.activations) // positions
        rows.append(
            [
                _group(names.get(row.layer, row.layer)),
                names.get(row.layer, row.layer),
                source if out > 1 else ONE,
                *window,
                int(row.parameters),
                int(row.macs) // positions,
                values,
                0 if row.layer in alone else _kept(row.kind, values),
            ]
        )
        sides.append((out, row.output_shape[0]))
    last = trunk.iloc[-1].output_shape if len(trunk) else (maps, side, side)
    widths = [shape[0] for shape in head[head.kind == "Linear"].output_shape]
    flat = head[head.kind == "Linear"].input_shape
    dense = bool(widths) and flat.iloc[0][0] > last[0]
    return {
        "name": NETWORKS.get(name, name),
        "side": side,
        "maps": maps,
        "rows": rows,
        "widths": widths,
        "head": "dense" if dense else "average",
    }


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out what writes nothing that is kept."""
    return table[~table.kind.isin(FREE)].reset_index(drop=True)


def _cut(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide a table into trunk and head: what follows the last map."""
    end = len(table)
    while end and table.kind[end - 1] in HEAD:
        end -= 1
    return table[:end], table[end:]


def _side(shape: tuple[int, ...]) -> int:
    """Return the side of a map, 1 for a vector."""
    return shape[-1] if len(shape) == 3 else 1


def _source(made: list[tuple[int, int]], wanted: tuple[int, int]) -> int:
    """Return which of the maps made so far is read: the last one of that size."""
    alike = [at for at, size in enumerate(made) if size == wanted]
    as_large = [at for at, (side, _) in enumerate(made) if side == wanted[0]]
    return (alike or as_large or [0])[-1]


def _window(layer: nn.Module, read: int, out: int) -> list[int]:
    """Return kernel, stride, padding, dilation, and whether a rest makes one more."""

    def first(name: str, usual: int) -> int:
        value = getattr(layer, name, usual)
        return value[0] if isinstance(value, tuple) else value

    if not hasattr(layer, "kernel_size"):
        stride = max(1, read // out)
        return [1 if stride > 1 else read - out + 1, stride, 0, 1, 0]
    kernel, padding = first("kernel_size", 1), first("padding", 0)
    rounded = int(getattr(layer, "ceil_mode", False))
    return [kernel, first("stride", 1), padding, first("dilation", 1), rounded]


def _without_activation(table: pd.DataFrame) -> set[str]:
    """Return the normalisations that no activation function follows.

    What they write goes into a sum, whose gradient needs neither of its terms.
    """
    following = table.kind.shift(-1)
    usual = "ReLU" in set(table.kind)
    alone = following != "ReLU" if usual else following == "add"
    return set(table.layer[(table.kind == "BatchNorm2d") & alone])


def _kept(kind: str, activations: int) -> int:
    """Return how many values of a row the backward pass needs."""
    # A maximum needs to know where it was.
    return (1 + INDEX) * activations if kind == "MaxPool2d" else activations


def _group(name: str) -> str:
    """Return the part of a network that a layer belongs to: a bar of the chart."""
    parts = name.split(".")
    return ".".join(parts[: 2 if parts[0].startswith(("layer", "features")) else 1])


def _sentence(table: pd.DataFrame) -> str:
    """Say which layer has most of the parameters, and how much of the work it does."""
    largest = table.loc[table.parameters.idxmax()]
    share = largest.parameters / table.parameters.sum()
    work = largest.macs / table.macs.sum()
    return (
        f"One layer holds {share:.1%} of the parameters and does {work:.1%} of the "
        "work."
    ).replace("%", "\u00a0%")


def _still(table: pd.DataFrame) -> Figure:
    """Draw the three costs as shares of each layer, from the first to the last."""
    figure, axes = plt.subplots(1, 3, figsize=(5, 3), sharey=True)
    figure.subplots_adjust(0.13, 0.09, 0.97, 0.91, wspace=0.15)
    for axis, (column, name) in zip(axes, COSTS.items(), strict=True):
        shares = 100 * table[column] / table[column].sum()
        axis.barh(range(len(table)), shares, color=BLUE)
        axis.set_title(name)
        axis.set(xlim=(0, 100), xticks=(0, 50), xticklabels=("0", "50 %"))
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="x", alpha=0.4)
    axes[0].set_yticks((0, len(table) - 1), ("first\nlayer", "last\nlayer"))
    axes[0].invert_yaxis()
    return figure
