"""Chapter 1: a convolution at work, LeNet-5 as a drawing, and what it confuses."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from .._forms import is_narrow, width
from .labels import explain
from .style import BLUE, CYCLE, GREY, INK, ORANGE, PALE, PAPER, SMALL, drawing


@drawing
def connections(table: Sequence[str]) -> Axes:
    """Draw which input map (row) feeds which output map (column), X = connected."""
    joined = np.array([[mark == "X" for mark in row] for row in table])
    figure, axis = plt.subplots(
        figsize=(width(), 2.0 if is_narrow() else 2.9), layout="constrained"
    )
    axis.grid(False)
    # Filled squares where the paper's Table I has an X: its pattern is seen at once.
    y, x = joined.nonzero()
    axis.scatter(x, y, marker="s", s=70 if is_narrow() else 170, color=BLUE)
    axis.set(
        xticks=range(joined.shape[1]),
        yticks=range(joined.shape[0]),
        xlabel="map of C3, and below how many maps of S2 it reads",
        ylabel="map of S2",
        ylim=(joined.shape[0] - 0.5, -0.5),
    )
    reads = [f"{column}\n{count}" for column, count in enumerate(joined.sum(axis=0))]
    axis.set_xticklabels(reads)
    place = {"va": "center", "fontsize": SMALL}
    for row, count in enumerate(joined.sum(axis=1)):
        words = f"{count}" if is_narrow() else f"feeds {count}"
        axis.text(joined.shape[1] - 0.3, row, words, **place)
    if is_narrow():
        explain(axis, "at the right: how many maps it feeds")
    axis.set_xlim(-0.7, joined.shape[1] + (0.6 if is_narrow() else 1.6))
    return axis


@drawing
def architecture(table: pd.DataFrame) -> np.ndarray:
    """Draw a network from its `cost.layer_table`: maps as squares, vectors as bars."""
    shapes = [table.input_shape[0], *table.output_shape]
    names = ["input", *(name.upper() for name in table.layer)]
    notes = ["parameters:", *(f"{count:,}" for count in table.parameters)]
    colours = dict(zip(dict.fromkeys(table.kind), CYCLE, strict=False))
    fills = [PALE, *(colours[kind] for kind in table.kind)]
    columns = list(zip(names, shapes, notes, fills, strict=True))
    half = -(-len(columns) // 2) if is_narrow() else len(columns)
    rows = [columns[at : at + half] for at in range(0, len(columns), half)]
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(width(), 2.6 * len(rows)), squeeze=False
    )
    figure.subplots_adjust(0, 0, 1, 1, hspace=0)
    for axis, row in zip(axes[:, 0], rows, strict=True):
        _draw_columns(axis, row)
    # All rows on one scale: a map is as large as it is, wherever it stands.
    widest = max(axis.get_xlim()[1] for axis in axes.flat)
    for axis in axes.flat:
        axis.set_xlim(-1, widest)
    return axes


def _draw_columns(axis: Axes, columns: Sequence[tuple]) -> None:
    """Draw a row of layers, each with its name above, its shape and a note below."""
    axis.axis("off")
    axis.set_aspect("equal")
    slot = 13.5 if is_narrow() else 10  # as wide as the words below
    middle = 0.0
    for name, shape, note, fill in columns:
        is_map = len(shape) == 3 and shape[1] > 1
        # Maps as a stack of squares, at most eight; vectors as one bar.
        step, count = 0.7, min(shape[0], 8) if is_map else 1
        # Powers below 1: a map of 32×32 and a vector of 10 both fit into one row.
        side = shape[1] ** 0.8 if is_map else 1.6
        height = side if is_map else 1.6 * shape[0] ** 0.55
        breadth = side + (count - 1) * step
        middle += max(breadth, slot) / 2
        for z in reversed(range(count)):
            corner = (middle - breadth / 2 + z * step, z * step - height / 2)
            box = Rectangle(corner, side, height, fc=fill, ec=PAPER, alpha=0.85)
            axis.add_patch(box)
        axis.text(middle, 15.5, name, ha="center")
        words = {"ha": "center", "va": "top", "fontsize": SMALL}
        axis.text(middle, -13, "×".join(map(str, shape)), **words)
        axis.text(middle, -17, note, **words)
        middle += max(breadth, slot) / 2 + (0.5 if is_narrow() else 2)
    axis.set(xlim=(-1, middle), ylim=(-21, 19))


@drawing
def confusion_matrix(matrix: Tensor, classes: Sequence[str]) -> Axes:
    """Draw counts of true class (row) against predicted class (column)."""
    figure, axis = plt.subplots(
        figsize=(width(4.2), 0.95 * width(4.2)), layout="constrained"
    )
    axis.grid(False)
    counts = matrix.numpy()
    # The diagonal is far larger than all else: shaded alike, no mistake would be seen.
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = GREY if row == column else INK
            axis.text(column, row, count, ha="center", va="center", color=colour)
            shade = 0.7 * wrong[row, column] / max(wrong.max(), 1)
            corner = (column - 0.5, row - 0.5)
            axis.add_patch(Rectangle(corner, 1, 1, fc=ORANGE, ec="none", alpha=shade))
    ticks, ends = range(len(classes)), (-0.5, len(classes) - 0.5)
    axis.set(xlabel="predicted class", ylabel="true class", xticks=ticks, yticks=ticks)
    axis.set(xlim=ends, ylim=ends[::-1], aspect="equal")
    axis.spines[["top", "right"]].set_visible(True)
    axis.set_xticklabels(classes)
    axis.set_yticklabels(classes)
    return axis
