"""What training did: curves over epochs, and what is confused with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from torch import Tensor

from .style import CYCLE, GREY, drawing, label_ends


@drawing
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


@drawing
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
