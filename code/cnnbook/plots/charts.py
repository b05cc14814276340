"""What any chapter may draw: curves, lines and bars, pictures and photographs.

`draw_seeds` and `draw_bars` draw on Axes that are there already: the files of the
chapters make their figures of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from .style import BLUE, CYCLE, GREY, RED, drawing, explain, label_ends, seeds_in_words

# Curves and lines


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

    Args:
        reference: A label and a value to compare with, drawn as a dashed line.
    """
    figure, axis = plt.subplots(layout="constrained")
    _draw_reference(axis, reference)
    _draw_runs(axis, runs, column, against)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    # A name at the end of its line: from a legend the eye would go there and back.
    label_ends(axis)
    explain(axis, seeds_in_words(runs.values()))
    return axis


@drawing
def curve_panels(
    panels: Mapping[str, Mapping[str, Sequence[pd.DataFrame]]],
    column: str,
    *,
    ylabel: str,
    against: str = "epoch",
    xlabel: str = "epoch",
) -> np.ndarray:
    """Draw `curves` in a panel for each title, side by side on one scale from zero."""
    figure, axes = plt.subplots(
        1, len(panels), figsize=(7, 3.4), sharey=True, layout="constrained"
    )
    axes = np.atleast_1d(axes)
    for axis, (title, runs) in zip(axes, panels.items(), strict=True):
        _draw_runs(axis, runs, column, against)
        axis.set(title=title, xlabel=xlabel, ylim=(0, None))
    axes[0].set_ylabel(ylabel)
    # The colours are the same in all panels, so one list of names is enough.
    words = seeds_in_words(
        tables for runs in panels.values() for tables in runs.values()
    )
    axes[0].legend(frameon=False, loc="upper left", title=words, title_fontsize=8.5)
    return axes


@drawing
def lines(
    table: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    reference: tuple[str, float] | None = None,
    marker: str = "",
    **scales: str | Sequence[float],
) -> Axes:
    """Draw each column of a table against its index, labelled where the line ends.

    Args:
        table: A line for each column.
        reference: A label and a value to compare with, drawn as a dashed line.
        marker: matplotlib's marker for the points, none by default.
        scales: What `Axes.set` takes, such as ``xscale="log"``.
    """
    figure, axis = plt.subplots(layout="constrained")
    _draw_reference(axis, reference)
    for (label, values), colour in zip(table.items(), CYCLE, strict=False):
        axis.plot(table.index, values, marker=marker, color=colour, label=label)
    axis.set(xlabel=xlabel, ylabel=ylabel, **scales)
    label_ends(axis)
    return axis


def _draw_reference(axis: Axes, reference: tuple[str, float] | None) -> None:
    if reference:
        label, value = reference
        axis.axhline(value, color=GREY, linestyle="--", label=label)


def _draw_runs(
    axis: Axes,
    runs: Mapping[str, Sequence[pd.DataFrame]],
    column: str,
    against: str,
) -> None:
    """Draw a column of each label's tables, one a seed, against another column."""
    for (label, tables), colour in zip(runs.items(), CYCLE, strict=False):
        values = pd.concat([t.set_index(against)[column] for t in tables], axis=1)
        draw_seeds(axis, values, colour=colour, label=label)
    axis.xaxis.get_major_locator().set_params(integer=True)


def draw_seeds(
    axis: Axes,
    values: pd.DataFrame,
    *,
    colour: str,
    label: str,
    mean: Callable[[pd.DataFrame], pd.Series] = lambda values: values.mean(axis=1),
    marker: str = "",
) -> pd.Series:
    """Draw what several seeds gave: their mean as a line, their range as a band.

    Args:
        values: A column a seed, against the index.
        mean: Takes `values` to what the line shows, the arithmetic mean by default.
        marker: matplotlib's marker for the points, none by default.

    Returns:
        The mean, for labels that stand beside it.
    """
    middle = mean(values)
    # Of so few seeds the range says what is known; a deviation would claim more.
    axis.fill_between(
        values.index, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.2
    )
    axis.plot(values.index, middle, marker=marker, ms=4, color=colour, label=label)
    return middle


# Bars


def draw_bars(
    axis: Axes,
    amounts: Mapping[str, float] | pd.Series,
    *,
    colours: str | Sequence[str] = BLUE,
    write: Callable[[float], str] = "{:.1f}".format,
    limit: float | None = None,
    xlabel: str = "",
) -> None:
    """Draw a bar a row, the first on top, each with its amount written at its end.

    Args:
        amounts: What each bar stands for, and its length.
        colours: One for all bars, or one for each.
        write: Takes an amount to the words beside its bar, which may be none.
        limit: The right end of the scale; if None, as far as the words need.
        xlabel: Names the scale. Without it none is drawn: the amounts are written.
    """
    names, lengths = zip(*amounts.items(), strict=True)
    limit = limit or 1.35 * max(lengths)
    rows = range(len(names))
    axis.barh(rows, lengths, color=colours, height=0.7)
    for row, amount in zip(rows, lengths, strict=True):
        inside = amount > 0.75 * limit  # where no room is left beside the bar
        axis.annotate(
            write(amount),
            (amount, row),
            xytext=(-4 if inside else 4, 0),
            textcoords="offset points",
            va="center",
            ha="right" if inside else "left",
            color="white" if inside else "black",
        )
    axis.set(xlim=(0, limit), ylim=(len(names) - 0.4, -0.6), yticks=rows)
    axis.set_yticklabels(names)
    axis.grid(False, axis="y")
    axis.set_xlabel(xlabel)
    if not xlabel:
        axis.set_xticks([])
        axis.spines["bottom"].set_visible(False)


# Pictures


@drawing
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
        symmetric: Blue to red around zero, as for weights, in place of greys. What the
            colours mean is written below.
        limit: The value drawn darkest; for each picture its own largest if None.
    """
    height, width = pictures[0].shape
    side, title = 0.92 * cell, 0.24 if titles else 0.0  # inches
    down = title + side * height / width + 0.08 * cell
    rows = -(-len(pictures) // columns)
    key = 0.2 if symmetric else 0.0
    figure = plt.figure(figsize=(columns * cell, rows * down + key))
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
    if symmetric:
        scale = "each on its own scale" if limit is None else "on one scale"
        words = f"red: above zero, blue: below; {scale}"
        place = {"ha": "left", "va": "center", "color": GREY, "fontsize": 8.5}
        axis.text(0, -rows * down - key / 3, words, **place)
    axis.set(xlim=(0, columns * cell), ylim=(-rows * down - key, 0))
    axis.axis("off")
    return axis


@drawing
def photographs(
    pictures: Sequence[Tensor],
    titles: Sequence[str] = (),
    *,
    columns: int = 4,
    width: float = 7.0,
    boxes: Sequence[tuple[int, int, int, int]] = (),
) -> Axes:
    """Draw colour pictures (3, H, W) in uint8 in rows, all pictures equally high.

    Args:
        titles: Written above the pictures, one each.
        width: Of the longest row in inches.
        boxes: A frame (top, left, height, width) to draw in each picture, in pixels.
    """
    rows = [
        range(start, min(start + columns, len(pictures)))
        for start in range(0, len(pictures), columns)
    ]
    ratios = [picture.shape[2] / picture.shape[1] for picture in pictures]
    gap, title = 0.08, 0.22 if titles else 0.0  # inches
    longest = max(sum(ratios[i] for i in row) for row in rows)
    high = (width - gap * (columns - 1)) / longest
    down = high + gap + title
    figure = plt.figure(figsize=(width, down * len(rows)))
    axis = figure.add_axes((0, 0, 1, 1))
    for number, row in enumerate(rows):
        left, top = 0.0, -number * down - title
        for i in row:
            pixels = high / pictures[i].shape[1]  # inches a pixel
            right = left + high * ratios[i]
            extent = (left, right, top - high, top)
            axis.imshow(pictures[i].permute(1, 2, 0).numpy(), extent=extent)
            if titles:
                axis.text((left + right) / 2, top + 0.05, titles[i], ha="center")
            if boxes:
                y, x, box_height, box_width = (pixels * value for value in boxes[i])
                corner = (left + x, top - y - box_height)
                axis.add_patch(
                    Rectangle(corner, box_width, box_height, fill=False, ec=RED, lw=2)
                )
            left = right + gap
    axis.set(xlim=(0, width), ylim=(-down * len(rows), 0))
    axis.axis("off")
    return axis
