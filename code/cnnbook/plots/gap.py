"""Chapter 6: two ways from maps to scores, and which pixels speak for a class."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import EngFormatter
from torch import Tensor

from .charts import lines
from .style import BLUE, GREY, RED, drawing


@drawing
def moved_digit(
    images: Sequence[Tensor], maps: Sequence[Tensor], titles: Sequence[str]
) -> np.ndarray:
    """Draw a picture in several places, and below each a map of it, and its average.

    Args:
        images: One (H, W) for each place.
        maps: One (h, w) for each, of the maxima over windows, which are drawn, too.
        titles: Written above the pictures, one each.
    """
    _, axes = plt.subplots(2, len(images), figsize=(7, 3.3), layout="constrained")
    highest = max(values.max().item() for values in maps)
    for (above, below), image, values, title in zip(
        axes.T, images, maps, titles, strict=True
    ):
        above.imshow(image.numpy(), cmap="gray_r")
        below.imshow(values.numpy(), cmap="Blues", vmin=0, vmax=highest)
        same = values.mean().isclose(maps[0].mean())
        colour, weight = (BLUE, "bold") if same else (GREY, "normal")
        below.set_xlabel(f"average\n{values.mean():.3f}", color=colour, weight=weight)
        above.set_title(title)
        borders = np.arange(0, len(image), len(image) // len(values))[1:] - 0.5
        above.set_xticks(borders, [""] * len(borders))
        above.set_yticks(borders, [""] * len(borders))
        below.set(xticks=[], yticks=[])
        for axis in (above, below):
            axis.tick_params(length=0)
            axis.spines[:].set(visible=True, color=GREY)
    return axes


def two_heads(channels: int, side: int, classes: int) -> Axes:
    """Draw maps (channels, side, side) on their way to scores: flattened, averaged.

    At most four maps are drawn; what stands beside the lines are the true counts.
    """
    figure, axis = plt.subplots(figsize=(7, 3.1), layout="constrained")
    shown = min(channels, 4)
    for index in range(shown):
        _grid(axis, 0.13 * index, 1.2 - 0.13 * index, min(side, 4), order=2 * index)
    axis.text(0.75, 2.5, f"{channels} maps of {side}×{side}", ha="center")
    inputs = channels * side**2
    rows = (
        (2.7, "flatten", inputs, 16, BLUE, "bottom"),
        (0.4, "average each", channels, 4, RED, "top"),
    )
    for middle, name, values, cells, colour, side_of_arrow in rows:
        _arrow(axis, (1.7, 1.55), (2.7, middle), colour)
        above = 0.15 if side_of_arrow == "bottom" else -0.25
        label = (2.1, (1.55 + middle) / 2 + above)
        axis.text(*label, name, ha="right", va=side_of_arrow, color=colour)
        low = middle - 0.075 * cells / 2
        for cell in range(cells):
            corner = (2.8, low + 0.075 * cell)
            axis.add_patch(
                Rectangle(corner, 0.16, 0.075, fc=colour, alpha=0.35, ec="w")
            )
        axis.text(3.05, middle, f"{values} values", va="center", color=colour)
        weights = f"{classes} × ({values} + 1)\n= {classes * (values + 1):,} parameters"
        _arrow(axis, (4.1, middle), (6.1, middle), colour)
        axis.text(5.05, middle + 0.08, weights, ha="center", va="bottom", color=colour)
        axis.text(6.2, middle, f"{classes} scores", va="center", color=colour)
    axis.set(xlim=(-0.1, 7.1), ylim=(0, 3.4))
    axis.set_aspect("equal")
    axis.axis("off")
    return axis


def _grid(axis: Axes, left: float, bottom: float, side: int, order: int) -> None:
    cell = 1.1 / side
    outline = Rectangle((left, bottom), 1.1, 1.1, fc="white", ec=GREY, zorder=order)
    axis.add_patch(outline)
    for line in range(1, side):
        at = line * cell
        style = {"color": "#BBBBBB", "lw": 0.6, "zorder": order + 1}
        axis.plot([left + at] * 2, [bottom, bottom + 1.1], **style)
        axis.plot([left, left + 1.1], [bottom + at] * 2, **style)


def _arrow(axis: Axes, start: tuple, end: tuple, colour: str) -> None:
    axis.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=colour)
    )


@drawing
def head_parameters(table: pd.DataFrame) -> Axes:
    """Draw parameters of heads (columns) against the side of the input (index)."""
    # On a scale of powers of ten: from a thousand to a billion, no other shows both.
    axis = lines(
        table,
        xlabel="side of the input, pixels",
        ylabel="parameters of the head",
        marker="o",
        yscale="log",
        xticks=table.index,
    )
    axis.yaxis.set_major_formatter(EngFormatter())  # 1e6 as 1 M
    return axis


@drawing
def class_activation_maps(
    images: Sequence[Tensor], maps: Sequence[Tensor], titles: Sequence[str]
) -> Axes:
    """Draw pictures (H, W) in grey, and below each its map of evidence over it.

    Args:
        maps: One (h, w) for each picture, drawn as squares over it; red adds to the
            class's score, blue takes away, on one scale for all.
        titles: Written above the pictures, one each.
    """
    count = len(images)
    figure, axis = plt.subplots(figsize=(1.15 * count, 2.75))
    axis.set_position((0, 0, 1, 1))
    # As far below zero as above it: white is zero, and one scale serves all pictures.
    limit = max(values.abs().max().item() for values in maps) or 1.0
    for index, (image, values, title) in enumerate(
        zip(images, maps, titles, strict=True)
    ):
        box = (index, index + 0.94, 0, 0.94)
        for bottom in (0, 1):
            extent = (*box[:2], bottom, bottom + 0.94)
            axis.imshow(image.cpu().numpy(), cmap="gray_r", extent=extent)
        axis.imshow(
            values.cpu().numpy(),
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            alpha=0.6,
            extent=box,
        )
        axis.text(index + 0.47, 2.02, title, ha="center", fontsize=9)
    axis.set(xlim=(0, count), ylim=(0, 2.3))
    axis.axis("off")
    return axis
