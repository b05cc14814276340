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

from .._forms import is_narrow, width
from .labels import explain, label_above, label_ends, seeds_in_words
from .style import BLUE, GREY, RED, SMALL, Look, drawing, looks

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
    **scales: str | Sequence[float] | Sequence[str],
) -> Axes:
    """Draw a column of several runs against another, such as the epoch.

    Each label has one table a seed: the line is their mean, the band their range.

    Args:
        reference: A label and a value to compare with, drawn as a dotted line.
        scales: What `Axes.set` takes, such as ``xscale="log"``.
    """
    axis = _one_axes()
    _draw_reference(axis, reference)
    _draw_runs(axis, runs, column, against)
    axis.set(xlabel=xlabel, ylabel=ylabel, **scales)
    if "xticks" in scales:
        axis.minorticks_off()
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
    """Draw `curves` in a panel for each title, on one scale from zero.

    The panels stand side by side, on a phone one below the other. A panel that lacks
    the line of another one says so.
    """
    shape = (len(panels), 1) if is_narrow() else (1, len(panels))
    figure, axes = plt.subplots(
        *shape,
        figsize=(width(), 0.7 + 2.7 * shape[0]),
        sharey=True,
        layout="constrained",
    )
    axes = np.atleast_1d(axes)
    every = dict.fromkeys(label for runs in panels.values() for label in runs)
    for axis, (title, runs) in zip(axes, panels.items(), strict=True):
        _draw_runs(axis, runs, column, against)
        axis.set_title(title, loc="left", weight="bold")
        axis.set(xlabel=xlabel, ylim=(0, None))
        if missing := [label for label in every if label not in runs]:
            words = f"not run here:\n{', '.join(missing)}"
            place = {"ha": "left", "va": "top", "transform": axis.transAxes}
            axis.text(0.03, 0.97, words, color=GREY, fontsize=SMALL, **place)
    for axis in axes if is_narrow() else axes[:1]:
        axis.set_ylabel(ylabel)
    # The colours are the same in all panels, so one list of names is enough.
    words = seeds_in_words(
        tables for runs in panels.values() for tables in runs.values()
    )
    axes[-1].set_xlabel(f"{xlabel}\n{words}")
    fullest = max(axes, key=lambda axis: len(axis.get_lines()))
    label_above(fullest, columns=len(every))
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
        reference: A label and a value to compare with, drawn as a dotted line.
        marker: matplotlib's marker for the points, none by default.
        scales: What `Axes.set` takes, such as ``xscale="log"``.
    """
    axis = _one_axes()
    _draw_reference(axis, reference)
    for label, look in looks(table.columns).items():
        style = {"color": look.colour, "linestyle": look.dash, "marker": marker}
        axis.plot(table.index, table[label], label=label, **style)
    axis.set(xlabel=xlabel, ylabel=ylabel, **scales)
    label_ends(axis)
    return axis


def _one_axes() -> Axes:
    """Return the Axes of a figure that has but one."""
    height = 3.3 if is_narrow() else 3.4
    _, axis = plt.subplots(figsize=(width(), height), layout="constrained")
    axis.yaxis.label.set_linespacing(1.4)  # of an upright name, lines stand closer
    return axis


def _draw_reference(axis: Axes, reference: tuple[str, float] | None) -> None:
    if reference:
        label, value = reference
        axis.axhline(value, color=GREY, linestyle=":", label=label)


def _draw_runs(
    axis: Axes,
    runs: Mapping[str, Sequence[pd.DataFrame]],
    column: str,
    against: str,
) -> None:
    """Draw a column of each label's tables, one a seed, against another column."""
    for label, look in looks(runs).items():
        tables = [table.set_index(against)[column] for table in runs[label]]
        draw_seeds(axis, pd.concat(tables, axis=1), look=look, label=label)
    axis.xaxis.get_major_locator().set_params(integer=True)


def draw_seeds(
    axis: Axes,
    values: pd.DataFrame,
    *,
    look: Look,
    label: str,
    mean: Callable[[pd.DataFrame], pd.Series] = lambda values: values.mean(axis=1),
    marker: str = "",
) -> pd.Series:
    """Draw what several seeds gave: their mean as a line, their range as a band.

    Args:
        values: A column a seed, against the index.
        look: The line's colour and dashes.
        mean: Takes `values` to what the line shows, the arithmetic mean by default.
        marker: matplotlib's marker for the points, none by default.

    Returns:
        The mean, for labels that stand beside it.
    """
    middle = mean(values)
    # Of so few seeds the range says what is known; a deviation would claim more.
    axis.fill_between(
        values.index,
        values.min(axis=1),
        values.max(axis=1),
        color=look.colour,
        alpha=0.2,
        linewidth=0,
    )
    style = {"color": look.colour, "linestyle": look.dash, "marker": marker, "ms": 4}
    axis.plot(values.index, middle, label=label, **style)
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
        limit: The right end of the scale, unless the words need more.
        xlabel: Names the scale. Without it none is drawn: the amounts are written.
    """
    names, lengths = zip(*amounts.items(), strict=True)
    # Room for the words at the end of the longest bar.
    limit = max(limit or 0, 1.35 * max(lengths))
    rows = range(len(names))
    axis.barh(rows, lengths, color=colours, height=0.7)
    for row, amount in zip(rows, lengths, strict=True):
        axis.annotate(
            write(amount),
            (amount, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
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
    height, breadth = pictures[0].shape
    most = columns
    if is_narrow():
        columns = _fitting(min(columns, len(pictures)), cell)
    # A row that was broken is as wide as the phone.
    cell = width() / columns if columns < most else min(cell, width() / columns)
    side, title = 0.88 * cell, 0.24 if titles else 0.0  # inches
    down = title + side * height / breadth + 0.08 * cell
    rows = -(-len(pictures) // columns)
    key = (0.44 if is_narrow() else 0.24) if symmetric else 0.0
    scale = "each on its own scale" if limit is None else "on one scale"
    words = f"red: above zero, blue: below;{chr(10) if is_narrow() else ' '}{scale}"
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
            interpolation="none",
            cmap="RdBu_r" if symmetric else "gray_r",
            extent=(left, left + side, top - side * height / breadth, top),
        )
        if titles:
            middle = left + side / 2
            axis.text(middle, top + 0.05, titles[index], ha="center", fontsize=SMALL)
    if symmetric:
        place = {"ha": "left", "va": "center", "color": GREY, "fontsize": SMALL}
        axis.text(0, -rows * down - key / 2, words, **place)
    axis.set(xlim=(0, columns * cell), ylim=(-rows * down - key, 0))
    axis.axis("off")
    return axis


def _fitting(columns: int, cell: float) -> int:
    """Return how many pictures stand in a row on a phone, with no row nearly empty.

    Args:
        columns: How many do on a page, of pictures as large.
        cell: The width there of one of them, in inches.
    """
    most = max(int(width() / cell + 0.5), 1)
    if columns <= most + 1:
        return columns
    rows = -(-columns // most)
    return -(-columns // rows)


@drawing
def photographs(
    pictures: Sequence[Tensor],
    titles: Sequence[str] = (),
    *,
    columns: int = 4,
    boxes: Sequence[tuple[int, int, int, int]] = (),
) -> Axes:
    """Draw colour pictures (3, H, W) in uint8 in rows, all pictures equally high.

    Args:
        titles: Written above the pictures, one each.
        boxes: A frame (top, left, height, width) to draw in each picture, in pixels.
    """
    rows = _in_rows(range(len(pictures)), columns)
    if is_narrow():  # each row is broken in two
        columns = -(-columns // 2)
        rows = [half for row in rows for half in _in_rows(row, columns)]
    ratios = [picture.shape[2] / picture.shape[1] for picture in pictures]
    gap, title = 0.08, 0.22 if titles else 0.0  # inches
    longest = max(sum(ratios[i] for i in row) for row in rows)
    high = (width() - gap * (columns - 1)) / longest
    down = high + gap + title
    figure = plt.figure(figsize=(width(), down * len(rows)))
    axis = figure.add_axes((0, 0, 1, 1))
    for number, row in enumerate(rows):
        left, top = 0.0, -number * down - title
        for i in row:
            pixels = high / pictures[i].shape[1]  # inches a pixel
            right = left + high * ratios[i]
            extent = (left, right, top - high, top)
            shown = pictures[i].permute(1, 2, 0).numpy()
            axis.imshow(shown, extent=extent, interpolation="none")
            if titles:
                axis.text(
                    (left + right) / 2,
                    top + 0.05,
                    titles[i],
                    ha="center",
                    fontsize=SMALL,
                )
            if boxes:
                y, x, box_height, box_width = (pixels * value for value in boxes[i])
                corner = (left + x, top - y - box_height)
                axis.add_patch(
                    Rectangle(corner, box_width, box_height, fill=False, ec=RED, lw=2)
                )
            left = right + gap
    axis.set(xlim=(0, width()), ylim=(-down * len(rows), 0))
    axis.axis("off")
    return axis


def _in_rows(numbers: range, columns: int) -> list[range]:
    """Return numbers in rows of so many, of which the last may be shorter."""
    return [numbers[at : at + columns] for at in range(0, len(numbers), columns)]
