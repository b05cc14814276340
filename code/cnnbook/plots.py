"""Every figure of the book is drawn here: data in, Axes out, one style.

Colours are those of Okabe and Ito, which readers with any common colour blindness
can tell apart; backgrounds are white in light and dark mode alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#6B6B6B",
)
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, GREY)


def use_style() -> None:
    """Set the book's style for all figures that follow."""
    plt.rcParams.update(
        {
            "figure.figsize": (7, 3.2),
            "figure.dpi": 130,
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=CYCLE),
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E4E4E4",
            "lines.linewidth": 2,
            "image.cmap": "gray_r",
        }
    )


def images(
    pictures: Sequence[Tensor],
    titles: Sequence[str] = (),
    *,
    columns: int = 10,
    cell: float = 0.8,
    symmetric: bool = False,
    limit: float | None = None,
) -> Axes:
    """Draw pictures of one shape (H, W) side by side, `columns` to a row.

    All lie in one Axes, which is ten times as fast as an Axes for each.

    Args:
        titles: Written above the pictures, one each.
        cell: Width of one picture in inches, with the gap beside it.
        symmetric: Blue to red around zero, as for weights, in place of greys.
        limit: The value drawn darkest; for each picture its own largest if None.
    """
    height, width = pictures[0].shape
    side, title = 0.92 * cell, 0.24 if titles else 0.0  # inches
    down = title + side * height / width + 0.08 * cell
    rows = -(-len(pictures) // columns)
    figure = plt.figure(figsize=(columns * cell, rows * down))
    axis = figure.add_axes((0, 0, 1, 1))
    for index, picture in enumerate(pictures):
        values = picture.detach().cpu().numpy()
        high = abs(values).max() if limit is None else limit
        low = -high if symmetric else values.min()
        left, top = index % columns * cell, -(index // columns) * down - title
        axis.imshow(
            values,
            vmin=low,
            vmax=high,
            cmap="RdBu_r" if symmetric else "gray_r",
            extent=(left, left + side, top - side * height / width, top),
        )
        if titles:
            middle = left + side / 2
            axis.text(middle, top + 0.05, titles[index], ha="center", fontsize=9)
    axis.set(xlim=(0, columns * cell), ylim=(-rows * down, 0))
    axis.axis("off")
    return axis


def sliding_window(
    image: Tensor, kernel: Tensor, output: Tensor, row: int, column: int
) -> np.ndarray:
    """Draw one step of a correlation: the patch read, the kernel, the sum written.

    Args:
        image: (H, W).
        kernel: (k, k).
        output: The whole result (H-k+1, W-k+1); later positions are left blank.
        row, column: The position being written.
    """
    done = output.clone()
    done.view(-1)[row * output.shape[1] + column + 1 :] = float("nan")
    span, half = output.abs().max(), len(image) / 2
    panels = {
        "input": (image, "gray_r", 0, image.max() * 1.6),
        "kernel": (kernel, "RdBu_r", -3, 3),
        "output": (done, "RdBu_r", -span * 1.4, span * 1.4),
    }
    figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
    figure.subplots_adjust(0, 0, 1, 0.9, wspace=0.05)
    for axis, (title, (values, colours, low, high)) in zip(
        axes, panels.items(), strict=True
    ):
        values = values.numpy()
        axis.imshow(values, cmap=colours, vmin=low, vmax=high)
        side = len(values)
        axis.add_patch(Rectangle((-0.5, -0.5), side, side, fill=False, ec="#BBBBBB"))
        for (y, x), value in np.ndenumerate(values):
            if not np.isnan(value):
                axis.text(x, y, f"{value:g}", ha="center", va="center", fontsize=7)
        # The same number of cells across, so that all cells are of one size.
        middle = (side - 1) / 2
        axis.set(
            xlim=(middle - half, middle + half), ylim=(middle + half, middle - half)
        )
        axis.set_title(title)
        axis.axis("off")
    for axis, side in ((axes[0], len(kernel)), (axes[2], 1)):
        corner = (column - 0.5, row - 0.5)
        axis.add_patch(Rectangle(corner, side, side, fill=False, ec=RED, lw=2.5))
    return axes


def connections(table: Sequence[str]) -> Axes:
    """Draw which input map (row) feeds which output map (column), X = connected."""
    joined = np.array([[mark == "X" for mark in row] for row in table])
    figure, axis = plt.subplots(figsize=(7, 2.9), layout="constrained")
    axis.grid(False)
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


def architecture(table: pd.DataFrame) -> Axes:
    """Draw a network from its `cost.layer_table`: maps as squares, vectors as bars."""
    shapes = [table.input_shape[0], *table.output_shape]
    names = ["input", *table.layer]
    notes = ["", *(f"{count:,}" for count in table.parameters)]
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


def curves(
    runs: Mapping[str, Sequence[pd.DataFrame]],
    column: str,
    *,
    ylabel: str,
    against: str = "epoch",
    xlabel: str = "epoch",
    reference: tuple[str, float] | None = None,
) -> Axes:
    """Draw a column of several runs against another, such as the epoch.

    Each label has one table a seed: the line is their mean, the band their range.
    `reference` is a label and a value to compare with, drawn as a dashed line.
    """
    figure, axis = plt.subplots(layout="constrained")
    if reference:
        label, value = reference
        axis.axhline(value, color=GREY, linestyle="--", label=label)
    for (label, tables), colour in zip(runs.items(), CYCLE, strict=False):
        values = pd.concat([t.set_index(against)[column] for t in tables], axis=1)
        mean = values.mean(axis=1)
        axis.fill_between(
            mean.index, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.2
        )
        axis.plot(mean.index, mean, color=colour, label=label)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    label_ends(axis)
    axis.xaxis.get_major_locator().set_params(integer=True)
    return axis


def label_ends(axis: Axes, gap: float = 0.075) -> None:
    """Write each line's label at the right, at its end's height, `gap` apart at least.

    Heights and `gap` are shares of the axis.
    """
    axis.get_ylim()  # settles the limits, on which the heights depend
    to_share = axis.transAxes.inverted()
    heights = [
        (to_share.transform(axis.transData.transform(line.get_xydata()[-1]))[1], line)
        for line in axis.get_lines()
    ]
    lowest = -np.inf
    for height, line in sorted(heights, key=lambda pair: pair[0]):
        lowest = max(height, lowest + gap)
        axis.annotate(
            line.get_label(),
            (1, lowest),
            xycoords="axes fraction",
            xytext=(4, 0),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
        )


def confusion(matrix: Tensor, classes: Sequence[str]) -> Axes:
    """Draw counts of true class (row) against predicted class (column)."""
    figure, axis = plt.subplots(figsize=(4.2, 4), layout="constrained")
    axis.grid(False)
    counts = matrix.numpy()
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
