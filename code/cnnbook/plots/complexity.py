"""Chapter 7: what networks cost, how accurate they are, and how fast they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator

from .._forms import is_narrow, width
from .charts import draw_bars
from .labels import explain, label_points
from .style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SMALL,
    drawing,
    in_words,
)

RECIPES = {"original": BLUE, "new": ORANGE}


@drawing
def scales(table: pd.DataFrame) -> Axes:
    """Draw each number of a table as a square whose area shows it, a scale a row.

    Args:
        table: A row for each of three networks, a column for each scale; the largest
            square is as large on every scale.
    """
    _, axis = plt.subplots(figsize=(width(), 0.6 * width()), layout="constrained")
    for line, (_, values) in enumerate(table.items()):
        sides = 0.9 * np.sqrt(values / values.max())
        for place, (side, value) in enumerate(zip(sides, values, strict=True)):
            corner, colour = (2 * place, -line), (PURPLE, GREEN, ORANGE)[place]
            axis.add_patch(Rectangle(corner, side, side, color=colour))
            axis.text(2 * place + side + 0.08, -line, f"{value:.1f}", va="bottom")
    axis.set(xlim=(-0.1, 2 * len(table) - 0.6), ylim=(1 - table.shape[1] - 0.1, 1))
    axis.set_xticks([2 * place + 0.45 for place in range(len(table))], table.index)
    axis.set_yticks([0.3 - line for line in range(table.shape[1])], table.columns)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.set_aspect("equal")
    axis.grid(False)
    axis.set_frame_on(False)
    return axis


@drawing
def accuracy_against_macs(
    table: pd.DataFrame,
    fronts: Mapping[str, pd.DataFrame],
    *,
    labelled: Iterable = (),
    until: int | None = None,
) -> Axes:
    """Draw accuracy against MACs, the area of each blob its number of parameters.

    Args:
        table: A row for each set of weights: model, year, recipe ("original" or "new"),
            macs (billions), parameters (millions) and accuracy (%).
        fronts: Rows of such a table to join by steps, for each recipe.
        labelled: The indices of rows to name.
        until: Later rows are left out, and the axes stay as they are; rows of this
            very year have dark rims.
    """
    figure, axis = plt.subplots(figsize=(width(), 4.9))
    left, top = (0.13, 0.85) if is_narrow() else (0.08, 0.86)
    top += 0.04 * (until is None)  # above are as many lines as `_legend` writes
    right = 0.96 if is_narrow() else 0.98
    figure.subplots_adjust(left, 0.1, right, top)  # the same in all frames
    axis.set(
        xscale="log",
        xlabel="MACs for one image, billions",
        ylabel="top-1 accuracy, %",
        xlim=(table.macs.min() / 1.6, table.macs.max() * 1.8),
        ylim=(table.accuracy.min() - 4, table.accuracy.max() + 3),
    )
    shown = table if until is None else table[table.year <= until]
    shown = shown.sort_values("parameters", ascending=False)  # small ones on top
    # The area, not the radius, is the number of parameters: the eye compares areas.
    axis.scatter(
        shown.macs,
        shown.accuracy,
        s=_area(shown.parameters),
        c=shown.recipe.map(RECIPES),
        edgecolors=[INK if year == until else PAPER for year in shown.year],
        linewidths=0.8,
        alpha=0.55,
    )
    for recipe, front in fronts.items():
        axis.step(
            [*front.macs, axis.get_xlim()[1]],
            [*front.accuracy, front.accuracy.iloc[-1]],
            where="post",
            color=RECIPES[recipe],
            linewidth=1.6,
        )
    _blob_scale(axis)
    _legend(axis, fronts, until)
    rows = shown.loc[[index for index in labelled if index in shown.index]]
    radii = np.sqrt(_area(rows.parameters)) / 2
    label_points(axis, rows.macs, rows.accuracy, rows.model, radii)
    axis.xaxis.set_major_formatter("{x:g}")
    return axis


def _area(millions: float | pd.Series) -> float | pd.Series:
    """Return the area of the square around a blob, in square points."""
    return (2.0 if is_narrow() else 4.0) * millions


def _blob_scale(axis: Axes) -> None:
    """Show at the lower right how large the blobs of three sizes are."""
    step = 0.15 if is_narrow() else 0.09
    place = {"transform": axis.transAxes, "fontsize": SMALL, "ha": "center"}
    for rank, millions in enumerate((5, 50, 150)):
        x = 0.94 - step * (2 - rank)
        style = {"color": GREY, "alpha": 0.5, "transform": axis.transAxes}
        axis.scatter(x, 0.11, s=_area(millions), **style)
        axis.text(x, 0.01, f"{millions} M", **place)
    axis.text(0.94 - step, 0.18, "parameters", **place)


def _legend(axis: Axes, fronts: Mapping[str, pd.DataFrame], until: int | None) -> None:
    """Say above the axes what the colours, the lines and the rims mean."""
    words = {
        "original": "original recipes, and their front",
        "new": "new recipe; line: the front of all recipes",
    }
    lines = [(words[recipe], RECIPES[recipe]) for recipe in fronts]
    if until is not None:
        lines.append((f"with a rim: of {until}", INK))
    high = axis.figure.get_figheight()
    for place, (line, colour) in enumerate(lines):
        axis.figure.text(
            axis.get_position().x0,
            1 - (0.03 + 0.2 * place) / high,
            line,
            color=in_words(colour),
            va="top",
        )


@drawing
def accuracy_per_parameter(table: pd.DataFrame) -> Axes:
    """Draw accuracy per parameter, one network below the other, the best on top.

    Args:
        table: A row a network: model, accuracy (%) and parameters (millions).
    """
    density = table.accuracy / table.parameters
    table = table.assign(density=density).sort_values("density", ascending=False)
    figure, axis = plt.subplots(
        figsize=(width(), 0.9 + 0.26 * len(table)), layout="constrained"
    )
    rows = range(len(table))
    axis.hlines(rows, table.density.min() / 1.5, table.density, color=BLUE, lw=1.5)
    axis.plot(table.density, rows, "o", color=BLUE, ms=5)
    for row, value, accuracy in zip(rows, table.density, table.accuracy, strict=True):
        axis.annotate(
            f"{value:.1f}   ({accuracy:.0f} %)",
            (value, row),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    axis.set(
        xscale="log",
        yticks=rows,
        ylim=(len(table) - 0.4, -0.6),
        xlim=(table.density.min() / 1.5, table.density.max() * 4),
        xlabel="accuracy per parameter, % per million\n"
        "in brackets: the accuracy itself",
    )
    axis.set_yticklabels(table.model)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.grid(False, axis="y")
    return axis


@drawing
def time_against_macs(table: pd.DataFrame) -> Axes:
    """Draw measured time against MACs, with the line of the median rate.

    Args:
        table: A row a network, named by the index: macs and seconds.
    """
    figure, axis = plt.subplots(figsize=(width(), 4.0), layout="constrained")
    macs, milliseconds = table.macs / 1e9, 1000 * table.seconds
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="MACs, billions",
        ylabel="time, ms",
        xlim=(macs.min() / 1.6, macs.max() * 2.4),
        ylim=(milliseconds.min() / 1.8, milliseconds.max() * 1.8),
    )
    # If MACs alone made the time, all points would lie on this line.
    rate = (macs / milliseconds).median()
    ends = np.array(axis.get_xlim())
    axis.plot(ends, ends / rate, color=GREY, linestyle="--", lw=1.2)
    axis.plot(macs, milliseconds, "o", color=BLUE, ms=6)
    explain(axis, "dashed: the median rate")
    _plain_ticks(axis)
    label_points(axis, macs, milliseconds, table.index)
    return axis


@drawing
def roofline(layers: pd.DataFrame, rate: float, bandwidth: float) -> Axes:
    """Draw measured rates against arithmetic intensity, under the machine's roof.

    Args:
        layers: A row a layer, named by the index: intensity (MACs a byte) and rate
            (MACs a second).
        rate: The machine's highest rate, in MACs a second.
        bandwidth: How fast it moves data to and from memory, in bytes a second.
    """
    figure, axis = plt.subplots(figsize=(width(), 4.0), layout="constrained")
    # On logarithmic axes both limits are straight, and they meet at the ridge.
    ridge = rate / bandwidth
    low = min(layers.intensity.min(), ridge) / 2
    high = max(layers.intensity.max(), ridge) * 4
    roof = np.geomspace(low, high, 200)
    axis.plot(roof, np.minimum(rate, roof * bandwidth) / 1e9, color=RED)
    axis.axvline(ridge, color=GREY, linestyle=":", lw=1.2)
    axis.plot(layers.intensity, layers.rate / 1e9, "o", color=BLUE, ms=6)
    lowest = min(layers.rate.min(), low * bandwidth) / 1e9
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="arithmetic intensity, MACs per byte",
        ylabel="rate, billion MACs per second",
        xlim=(low, high),
        ylim=(lowest / 2, max(layers.rate.max(), rate) / 1e9 * 3),
    )
    axis.text(ridge * 0.9, axis.get_ylim()[1] / 1.3, "memory-bound", ha="right", c=GREY)
    axis.text(ridge * 1.1, axis.get_ylim()[1] / 1.3, "compute-bound", c=GREY)
    _plain_ticks(axis)
    label_points(axis, layers.intensity, layers.rate / 1e9, layers.index)
    return axis


def _plain_ticks(axis: Axes) -> None:
    """Label both logarithmic axes at 1, 3, 10, 30 and so on."""
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(LogLocator(subs=(1, 3)))
        side.set_major_formatter("{x:g}")


@drawing
def bar_panels(table: pd.DataFrame, titles: Mapping[str, str]) -> np.ndarray:
    """Draw each column of a table as bars in a panel of its own, two panels a row.

    The longest bar of a panel is red, the shortest green.

    Args:
        table: A row a network, named by the index.
        titles: The columns to draw, an even number, and what to write above each.
    """
    height = 2 * (0.6 + 0.22 * len(table))
    figure, axes = plt.subplots(
        len(titles) // 2,
        2,
        figsize=(width(), height),
        sharey=True,
        layout="constrained",
    )
    # Each panel has a scale of its own: the costs have none in common.
    for axis, (column, title) in zip(axes.flat, titles.items(), strict=True):
        values = table[column]
        colours = [
            RED if v == values.max() else GREEN if v == values.min() else BLUE
            for v in values
        ]
        draw_bars(axis, values, colours=colours)
        axis.set_title(title.replace(", ", ",\n") if is_narrow() else title)
    return axes
