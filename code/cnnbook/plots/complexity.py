"""Chapter 7: what networks cost, how accurate they are, and how fast they run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator

from .._forms import is_narrow, width
from .charts import draw_bars
from .labels import CLEAR, explain, label_points
from .style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PAPER,
    PURPLE,
    RED,
    SMALL,
    drawing,
    in_words,
)

RECIPES = {"other": BLUE, "new": ORANGE}


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
    names: Mapping | None = None,
    quoted: pd.DataFrame | None = None,
    raised: tuple | None = None,
) -> Axes:
    """Draw accuracy against MACs, the area of each blob its number of parameters.

    Around each front lies a band of two standard deviations of an accuracy that was
    counted on ImageNet's validation images.

    Args:
        table: A row for each set of weights: model, year, recipe ("other" or "new"),
            macs (billions), parameters (millions) and accuracy (%).
        fronts: Rows of such a table to join by steps, for each recipe.
        names: What to write beside rows, by their indices.
        quoted: Networks of which only papers tell, drawn hollow: model, year, macs
            and accuracy.
        raised: The indices of one network by two recipes, which an arrow joins.
    """
    names = names or {}
    quoted = table[:0] if quoted is None else quoted
    figure, axis = plt.subplots(figsize=(width(), 4.9))
    left, top = (0.13, 0.85) if is_narrow() else (0.08, 0.86)
    top += 0.04 * (len(quoted) == 0)  # above are as many lines as `_legend` writes
    right = 0.96 if is_narrow() else 0.98
    figure.subplots_adjust(left, 0.1, right, top)
    axis.set(
        xscale="log",
        xlabel="MACs for one image, billions",
        ylabel="top-1 accuracy, %",
        xlim=(table.macs.min() / 1.6, max([*table.macs, *quoted.macs]) * 1.8),
        ylim=(table.accuracy.min() - 4, table.accuracy.max() + 3),
    )
    shown = table.sort_values("parameters", ascending=False)  # small ones on top
    # The area, not the radius, is the number of parameters: the eye compares areas.
    axis.scatter(
        shown.macs,
        shown.accuracy,
        s=_area(shown.parameters),
        c=shown.recipe.map(RECIPES),
        edgecolors=PAPER,
        linewidths=0.8,
        alpha=0.4,
    )
    axis.scatter(quoted.macs, quoted.accuracy, s=34, facecolors="none", edgecolors=INK)
    # The front of all recipes first: where both run together, the other one is seen.
    for recipe in reversed([*fronts]):
        front = fronts[recipe]
        macs = [*front.macs, axis.get_xlim()[1]]
        accuracy = np.array([*front.accuracy, front.accuracy.iloc[-1]])
        axis.step(macs, accuracy, where="post", color=RECIPES[recipe], linewidth=1.6)
        band = 2 * _deviation(accuracy)
        axis.fill_between(
            macs,
            accuracy - band,
            accuracy + band,
            step="post",
            color=RECIPES[recipe],
            alpha=0.25,
            linewidth=0,
        )
    if raised:
        old, new = shown.loc[list(raised)].itertuples()
        axis.annotate(
            "",
            (new.macs, new.accuracy),
            (old.macs, old.accuracy),
            arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.4},
        )
    _blob_scale(axis)
    _legend(axis, set(table.recipe), fronts, len(quoted) > 0)
    rows = shown.loc[[*names]]
    told = quoted[:0] if is_narrow() else quoted  # there is no room for all names
    radii = [*np.sqrt(_area(rows.parameters)) / 2, *[3.0] * len(told)]
    label_points(
        axis,
        [*rows.macs, *told.macs],
        [*rows.accuracy, *told.accuracy],
        [*(names[index] for index in rows.index), *told.model],
        radii,
    )
    axis.xaxis.set_major_formatter("{x:g}")
    return axis


IMAGES = 50_000  # on which ImageNet's validation accuracies are counted


def _deviation(accuracy: np.ndarray) -> np.ndarray:
    """Return the standard deviation of accuracies in %, each counted on `IMAGES`."""
    return np.sqrt(accuracy * (100 - accuracy) / IMAGES)


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


def _legend(
    axis: Axes,
    recipes: Collection[str],
    fronts: Mapping[str, pd.DataFrame],
    quoted: bool,
) -> None:
    """Say above the axes what the colours, the lines and the marks mean."""
    blobs = {"other": "other recipes", "new": "torchvision's new recipe"}
    fronted = {"other": ", and their front", "new": "; line: the front of all"}
    lines = [
        (words + fronted[recipe] * (recipe in fronts), RECIPES[recipe])
        for recipe, words in blobs.items()
        if recipe in recipes
    ]
    if quoted:
        lines.append(("hollow: from papers, by recipes of their own", INK))
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
def memory_in_time(traces: Mapping[str, Sequence[float]], xlabel: str) -> Axes:
    """Draw how much is alive from the first operation of a network to its last.

    Args:
        traces: By network the bytes alive, in order. Its peak is marked.
        xlabel: Names the axis from the beginning, 0 %, to the end.
    """
    _, axis = plt.subplots(figsize=(width(), 3.2), layout="constrained")
    colours = (BLUE, ORANGE, GREEN, PURPLE)
    for (name, trace), colour in zip(traces.items(), colours, strict=False):
        megabytes = np.array(trace) / 1e6
        share = np.linspace(0, 100, len(megabytes))
        axis.step(share, megabytes, where="post", color=colour, lw=1.3)
        top = int(megabytes.argmax())
        axis.plot(share[top], megabytes[top], "o", color=colour, ms=5)
        axis.annotate(
            f"{name}: {megabytes[top]:.1f} MB",
            (share[top], megabytes[top]),
            xytext=(8, 2),
            textcoords="offset points",
            color=in_words(colour),
            bbox=CLEAR,
        )
    axis.set(xlabel=xlabel, ylabel="MB alive", xlim=(-1, 100), ylim=(0, None))
    axis.margins(y=0.12)
    return axis


@drawing
def who_reads_whom(kinds: Mapping[str, tuple[np.ndarray, int]]) -> np.ndarray:
    """Draw for kinds of convolution which maps each output map reads, and how much.

    Args:
        kinds: By kind a matrix of bools (maps out, maps in), and the kernel's side.
    """
    rows = len(kinds) if is_narrow() else 1
    figure, axes = plt.subplots(
        rows,
        len(kinds) // rows,
        figsize=(width(), 2.5 * rows),
        layout="constrained",
        squeeze=False,
    )
    for axis, (kind, (reads, side)) in zip(axes.flat, kinds.items(), strict=True):
        maps_out, maps_in = np.shape(reads)
        for out, source in np.argwhere(reads):
            axis.plot([0.7, 2.3], [-source, -out], color=PURPLE, lw=1.1)
        for place in range(maps_in):
            _map(axis, 0, -place, BLUE, side)
        for place in range(maps_out):
            _map(axis, 3, -place, GREEN, 1)
        axis.set(xlim=(-0.9, 3.9), ylim=(0.5 - maps_in, 0.6), title=kind)
        axis.set_aspect("equal")
        axis.set_axis_off()
    return axes


def _map(axis: Axes, x: float, y: float, colour: str, side: int) -> None:
    """Draw a map as a square of five by five pixels, `side` of them filled."""
    size = 0.8
    frame = {"fill": False, "edgecolor": colour, "lw": 1.1}
    axis.add_patch(Rectangle((x - size / 2, y - size / 2), size, size, **frame))
    cell = size / 5
    window = (x - side * cell / 2, y - side * cell / 2)
    axis.add_patch(Rectangle(window, side * cell, side * cell, color=colour))


@drawing
def rates(table: pd.DataFrame) -> Axes:
    """Draw the rate at which each network multiplies as a bar, the highest on top.

    Args:
        table: A row a network, named by the index: rate, in MACs a second.
    """
    figure, axis = plt.subplots(
        figsize=(width(), 0.9 + 0.26 * len(table)), layout="constrained"
    )
    billions = table.rate.sort_values(ascending=False) / 1e9
    draw_bars(axis, billions, xlabel="billion MACs per second")
    axis.axvline(billions.median(), color=GREY, ls="--", lw=1.2, zorder=0)
    for text in axis.texts:
        text.set_bbox(CLEAR)  # the dashed line passes under the words
    longer = "" if is_narrow() else "; if MACs told the time, all would be there"
    explain(axis, "dashed: the median" + longer)
    return axis


@drawing
def batches(sweeps: Mapping[str, Mapping[int, float]]) -> np.ndarray:
    """Draw images per second, and the time until they are done, against the batch.

    Args:
        sweeps: By network the seconds that a batch takes, by its size.
    """
    rows = 2 if is_narrow() else 1
    figure, axes = plt.subplots(
        rows, 3 - rows, figsize=(width(), 2.7 * rows), layout="constrained"
    )
    throughput, latency = np.ravel(axes)
    for (name, sweep), colour in zip(sweeps.items(), (BLUE, ORANGE), strict=False):
        sizes, seconds = np.array([*sweep]), np.array([*sweep.values()])
        gain = sizes / seconds * seconds[0] / sizes[0]
        throughput.plot(sizes, gain, "o-", color=colour, ms=4, label=name)
        latency.plot(sizes, 1000 * seconds, "o-", color=colour, ms=4)
        for axis, values in ((throughput, gain), (latency, 1000 * seconds)):
            axis.annotate(
                name,
                (sizes[-1], values[-1]),
                xytext=(-4, 5),
                textcoords="offset points",
                ha="right",
                color=in_words(colour),
                fontsize=SMALL,
            )
    for axis, words in (
        (throughput, "throughput: images per\nsecond, one at a time being 1"),
        (latency, "latency: ms until a whole\nbatch is done"),
    ):
        axis.set(xlabel="images in a batch", ylim=(0, None))
        axis.set_title(words, loc="left")
        axis.margins(y=0.2)
        axis.set_xticks(sizes)
    return axes


@drawing
def hyperbola(table: pd.DataFrame, fitted: pd.DataFrame, curve: tuple) -> Axes:
    """Draw accuracies against MACs, and the hyperbola that was fitted to some.

    Args:
        table: All networks: macs (billions) and accuracy (%).
        fitted: Rows of such a table.
        curve: Of accuracy = ceiling - slope / macs the two numbers.
    """
    _, axis = plt.subplots(figsize=(width(), 3.4), layout="constrained")
    ceiling, slope = curve
    above = table.accuracy > ceiling
    axis.plot(table.macs[~above], table.accuracy[~above], ".", color=PALE)
    axis.plot(table.macs[above], table.accuracy[above], ".", color=ORANGE)
    axis.plot(fitted.macs, fitted.accuracy, "o", color=BLUE, ms=6)
    across = np.geomspace(fitted.macs.min() * 0.85, table.macs.max() * 1.3, 200)
    axis.plot(across, ceiling - slope / across, color=BLUE)
    axis.axhline(ceiling, color=BLUE, ls=":", lw=1.2)
    axis.set(
        xscale="log",
        xlabel="MACs for one image, billions",
        ylabel="top-1 accuracy, %",
        ylim=(fitted.accuracy.min() - 3, table.accuracy.max() + 2),
    )
    axis.xaxis.set_major_formatter("{x:g}")
    first = "blue: fitted, and the curve"
    rest = "dotted: its ceiling; orange: above it"
    explain(axis, f"{first}\n{rest}" if is_narrow() else f"{first}; {rest}")
    return axis


def _plain_ticks(axis: Axes) -> None:
    """Label both logarithmic axes at 1, 3, 10, 30 and so on."""
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(LogLocator(subs=(1, 3)))
        side.set_major_formatter("{x:g}")


@drawing
def bar_panels(
    table: pd.DataFrame, titles: Mapping[str, str], good: Collection[str] = ()
) -> np.ndarray:
    """Draw each column of a table as bars in a panel of its own, two panels a row.

    The longest bar of a cost is red, the shortest green.

    Args:
        table: A row a network, named by the index.
        titles: The columns to draw, an even number, and what to write above each.
        good: Those of which more is better: there the longest bar is green.
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
        most, least = (GREEN, RED) if column in good else (RED, GREEN)
        colours = [
            most if v == values.max() else least if v == values.min() else BLUE
            for v in values
        ]
        draw_bars(axis, values, colours=colours)
        axis.set_title(title.replace(", ", ",\n") if is_narrow() else title)
    return axes
