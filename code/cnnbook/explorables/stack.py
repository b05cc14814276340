"""Chapter 3: two stacks of layers side by side, their fields and what they cost."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from .. import cost, receptive_field
from ..plots.style import BLUE, RED
from ._element import Explorable

MAPS, SIDE = 64, 56  # of the input of both stacks
STACKS = {"three 3×3": (BLUE, [3, 3, 3]), "one 7×7": (RED, [7])}  # colour, kernels


def view(example: str = "seven") -> Explorable:
    """Return two stacks to compare: layers can be added, moved, changed and removed.

    Args:
        example: The one that it begins with: a key of `EXAMPLES` in ``stack.js``.
    """
    mine, rival = (
        cost.total(_layers(kernels), (MAPS, SIDE, SIDE)).parameters
        for _, kernels in STACKS.values()
    )
    return Explorable(
        name="stack",
        figure=_still(),
        alt="Two fields of seven pixels along one axis. Above three layers of 3×3 the "
        "paths from the pixels are 1, 3, 6, 7, 6, 3 and 1; above one of 7×7 there is "
        "one from each.",
        sentence="Both units see seven pixels, three 3×3 with "
        f"{mine:,.0f} weights and one 7×7 with {rival:,.0f}; but three layers read the "
        "middle by seven paths and the outermost pixel by one.",
        heights=(1605, 1084),
        data={"example": example},
        needs=("controls",),
    )


def _layers(kernels: list[int]) -> nn.Sequential:
    """Build layers that keep the side and the maps, as the reader finds them."""
    return nn.Sequential(
        *(
            nn.Conv2d(MAPS, MAPS, k, padding=k // 2, bias=False, device="meta")
            for k in kernels
        )
    )


def _still() -> Figure:
    """Draw both fields, and below them by how many paths each pixel is read."""
    figure, axes = plt.subplots(1, 2, figsize=(5, 2.8))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.9, wspace=0.05)
    for axis, (name, (colour, kernels)) in zip(axes, STACKS.items(), strict=True):
        axis.set_title(name, color=colour)
        _draw(axis, colour, kernels)
    return figure


def _draw(axis: Axes, colour: str, kernels: list[int]) -> None:
    """Draw units as squares, level by level, and the paths as bars."""
    trace = receptive_field.trace(_layers(kernels), (MAPS, SIDE, SIDE))
    sizes = [1, *trace["size"]]
    field = sizes[-1]
    for level, size in enumerate(sizes):
        units = field - size + 1  # of this level, that the unit at the top reads
        height = 3 * level / len(kernels)
        places = [at - (units - 1) / 2 for at in range(units)]
        axis.plot(places, [height] * units, "s", color=colour, ms=8)
    edge = (field - 1) / 2
    axis.fill([-edge, 0, edge], [0, 3, 0], color=colour, alpha=0.15, lw=0)
    counts = receptive_field.path_counts(kernels)[-1]
    for at, count in enumerate(counts):
        height = 1.6 * count / max(counts)
        axis.bar(at - edge, height, bottom=-2.3, width=0.8, color=colour, alpha=0.75)
        axis.text(at - edge, -2.45, str(count), ha="center", va="top", fontsize=10)
    axis.set(xlim=(-4.2, 4.2), ylim=(-3.1, 3.4))
    axis.axis("off")
