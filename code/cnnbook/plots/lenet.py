"""Chapter 1: a convolution at work, LeNet-5 as a drawing, and what it confuses."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from .style import BLUE, CYCLE, GREY, drawing


@drawing
def connections(table: Sequence[str]) -> Axes:
    """Draw which input map (row) feeds which output map (column), X = connected."""
    joined = np.array([[mark == "X" for mark in row] for row in table])
    figure, axis = plt.subplots(figsize=(7, 2.9), layout="constrained")
    axis.grid(False)
    # Filled squares where the paper's Table I has an X: its pattern is seen at once.
    y, x = joined.nonzero()
    axis.scatter(x, y, marker="s", s=170, color=BLUE)
    axis.set(
        xticks=range(joined.shape[1]),
        yticks=range(joined.shape[0]),
        xlabel="map of C3 (below: how many maps of S2 it reads)",
        ylabel="map of S2",
        ylim=(joined.shape[0] - 0.5, -0.5),
    )
    axis.set_xticklabels(
        [f"{column}\n({count})" for column, count in enumerate(joined.sum(axis=0))]
    )
    for row, count in enumerate(joined.sum(axis=1)):
        axis.text(joined.shape[1] - 0.3, row, f"feeds {count}", va="center")
    axis.set_xlim(-0.7, joined.shape[1] + 1.2)
    return axis


@drawing
def architecture(table: pd.DataFrame) -> Axes:
    """Draw a network from its `cost.layer_table`: maps as squares, vectors as bars."""
    shapes = [table.input_shape[0], *table.output_shape]
    names = ["input", *table.layer]
    notes = ["parameters:", *(f"{count:,}" for count in table.parameters)]
    figure, axis = plt.subplots(figsize=(7.6, 3), layout="constrained")
    axis.axis("off")
    axis.set_aspect("equal")
    colours = dict(zip(dict.fromkeys(table.kind), CYCLE, strict=False))
    middle = 0.0
    for name, shape, note, kind in zip(
        names, shapes, notes, ["", *table.kind], strict=True
    ):
        style = {"fc": colours.get(kind, "#999999"), "ec": "white", "alpha": 0.85}
        is_map = len(shape) == 3 and shape[1] > 1
        # Maps as a stack of squares, at most eight; vectors as one bar.
        step, count = 0.7, min(shape[0], 8) if is_map else 1
        # Powers below 1: a map of 32×32 and a vector of 10 both fit into one row.
        side = shape[1] ** 0.8 if is_map else 1.6
        height = side if is_map else 1.6 * shape[0] ** 0.55
        width = side + (count - 1) * step
        slot = max(width, 8)  # as wide as the words below
        middle += slot / 2
        for z in reversed(range(count)):
            corner = (middle - width / 2 + z * step, z * step - height / 2)
            axis.add_patch(Rectangle(corner, side, height, **style))
        axis.text(middle, 15.5, name if name == "input" else name.upper(), ha="center")
        size = "×".join(map(str, shape))
        axis.text(middle, -14.5, f"{size}\n{note}", ha="center", va="top", fontsize=8.5)
        middle += slot / 2 + 2.5
    axis.set(xlim=(-1, middle), ylim=(-19, 17))
    return axis


@drawing
def confusion_matrix(matrix: Tensor, classes: Sequence[str]) -> Axes:
    """Draw counts of true class (row) against predicted class (column)."""
    figure, axis = plt.subplots(figsize=(4.2, 4), layout="constrained")
    axis.grid(False)
    counts = matrix.numpy()
    # The diagonal is far larger than all else: shaded alike, no mistake would be seen.
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    shades = np.where(wrong > 0, wrong, np.nan)
    axis.imshow(shades, cmap="Oranges", vmin=0, vmax=max(wrong.max(), 1) * 1.6)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = GREY if row == column else "black"
            axis.text(column, row, count, ha="center", va="center", color=colour)
    ticks = range(len(classes))
    axis.set(xlabel="predicted class", ylabel="true class", xticks=ticks, yticks=ticks)
    axis.set_xticklabels(classes)
    axis.set_yticklabels(classes)
    return axis
