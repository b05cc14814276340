"""Chapter 4: where a network's parameters sit, and what it is like without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

from .._forms import is_narrow, width
from .charts import draw_bars, draw_seeds
from .labels import explain, seeds_in_words
from .style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    INK,
    PALE,
    PAPER,
    PURPLE,
    RED,
    SMALL,
    Look,
    drawing,
    in_words,
)

KINDS = {
    "Conv2d": ("convolution", BLUE),
    "MaxPool2d": ("pooling", GREEN),
    "Linear": ("dense", RED),
}


@drawing
def hundredths(shares: Mapping[str, float], *, of: str) -> np.ndarray:
    """Draw shares as coloured squares among a hundred, the last one cut as it must be.

    Args:
        shares: What each hundred stands for, and the share of it, from 0 to 1.
        of: What has these shares.
    """
    size = (width(), 2.5 if is_narrow() else 2.9)
    figure, axes = plt.subplots(1, len(shares), figsize=size)
    side = 0.02 if is_narrow() else 0.1
    figure.subplots_adjust(side, 0.14, 1 - side, 0.86, wspace=0.08)
    axes = np.atleast_1d(axes)
    for axis, (whole, share) in zip(axes, shares.items(), strict=True):
        for number in range(100):
            corner = (number % 10, number // 10)
            filled = min(max(100 * share - number, 0), 1)
            axis.add_patch(Rectangle(corner, 0.86, 0.86, color=GREY, alpha=0.2, lw=0))
            axis.add_patch(Rectangle(corner, 0.86 * filled, 0.86, color=RED, lw=0))
        axis.set(xlim=(0, 9.86), ylim=(0, 9.86), aspect="equal")
        percent = f"{100 * share:.{1 if share > 0.01 else 2}f} %"
        axis.set_title(f"{percent}{chr(10) if is_narrow() else ' '}{whole}")
        axis.axis("off")
    between = "\n" if is_narrow() else "; "
    meaning = f"coloured: {of}{between}each square is one hundredth"
    figure.text(0.5, 0.02, meaning, ha="center")
    return axes


@drawing
def cost_shares(table: pd.DataFrame, titles: Mapping[str, str]) -> np.ndarray:
    """Draw which share of each cost every layer has, the layers one below the other.

    Args:
        table: A row a layer, in order, as from `cost.layer_table`.
        titles: The columns to draw, side by side, and what to write above each.
    """
    height = 1.5 + 0.215 * len(table)
    figure, axes = plt.subplots(
        1, len(titles), figsize=(width(), height), sharey=True, layout="constrained"
    )
    colours = [KINDS.get(kind, ("", GREY))[1] for kind in table.kind]
    costs = table.set_index("layer")
    # Shares, not amounts: what is compared is where each cost sits, and a parameter
    # and a MAC have no scale in common.
    for axis, (column, title) in zip(axes, titles.items(), strict=True):
        shares = 100 * costs[column] / costs[column].sum()
        # One scale for all costs: a bar twice as long is a share twice as large.
        draw_bars(
            axis,
            shares,
            colours=colours,
            write=_percent,
            limit=135,
            xlabel="share, %",
        )
        axis.set(xticks=[0, 50, 100], title=title)
    for label, colour in zip(axes[0].get_yticklabels(), colours, strict=True):
        label.set_color(in_words(colour))
    figure.legend(
        handles=[Patch(color=colour, label=name) for name, colour in KINDS.values()],
        loc="outside upper center",
        ncols=len(KINDS),
        frameon=False,
        handlelength=1,
    )
    return axes


def _percent(share: float) -> str:
    """Write a share of which a reader sees the bar; of a smaller one nothing."""
    return f"{share:.0f} %" if share >= 1 else ""


@drawing
def parameter_counts(millions: Mapping[str, float], *, limit: float) -> Axes:
    """Draw a few numbers of parameters as squares, whose areas are on one scale.

    Areas, because the numbers differ by a factor of a thousand: of bars, the short ones
    would not be seen.

    Args:
        millions: What each square stands for, and its number of parameters in millions.
        limit: What would fill a slot: the same for all frames of a slider.
    """
    slots = len(millions)
    figure, axis = plt.subplots(figsize=(width(), 0.75 + 0.95 * width() / slots))
    figure.subplots_adjust(0, 0, 1, 1)  # the same in all frames
    colours = CYCLE[:slots]
    for slot, ((name, count), colour) in enumerate(
        zip(millions.items(), colours, strict=True)
    ):
        side = 0.9 * np.sqrt(count / limit)
        corner = (slot + 0.5 - side / 2, 0)
        axis.add_patch(Rectangle(corner, side, side, fc=colour, ec="none"))
        words = {"ha": "center", "color": in_words(colour)}
        axis.text(slot + 0.5, -0.04, f"{count:,.1f} M", va="top", **words)
        axis.text(slot + 0.5, 0.93, name, va="bottom", **words)
    axis.set(xlim=(0, slots), ylim=(-0.2, 1.1), aspect="equal")
    axis.axis("off")
    return axis


@drawing
def training_memory(parts: pd.DataFrame, peaks: Sequence[float]) -> Axes:
    """Draw what fills the memory in training, and the peak that was measured.

    Args:
        parts: A row a setting, a column a use of memory, in GB.
        peaks: The measured peak of each setting, in GB.
    """
    figure, axis = plt.subplots(
        figsize=(width(), 1.3 + 0.36 * len(parts)), layout="constrained"
    )
    # Stacked, since the parts lie in the memory at one time: the sum must fit.
    left = np.zeros(len(parts))
    rows = np.arange(len(parts))
    for (name, lengths), colour in zip(parts.items(), CYCLE, strict=False):
        axis.barh(rows, lengths, left=left, height=0.6, color=colour, label=name)
        left += lengths.to_numpy()
    axis.plot(peaks, rows, "|", color=INK, ms=19, mew=2, label="peak")
    axis.set(yticks=rows, ylim=(len(parts) - 0.5, -0.5), xlabel="memory, GB")
    axis.set_yticklabels(parts.index)
    axis.grid(False, axis="y")
    # Above the bars: at a phone's width there is no room beside them.
    figure.legend(
        loc="outside upper center",
        ncols=2 if is_narrow() else 3,
        frameon=False,
        handlelength=1,
        markerscale=0.6,
        fontsize=SMALL,
    )
    return axis


@drawing
def parameters_beside_errors(
    errors: Mapping[str, Sequence[float]],
    amounts: Sequence[float],
    controls: Sequence[str],
) -> np.ndarray:
    """Draw the parameters of networks beside their test errors, a row a network.

    The errors are drawn as mean and range; behind each the range of its own control.

    Args:
        errors: The errors of each network, in %, a value a seed.
        amounts: How many parameters each network has.
        controls: For each network the one that it is to be compared with.
    """
    figure, (left, right) = plt.subplots(
        1,
        2,
        figsize=(width(), 0.95 + 0.36 * len(errors)),
        sharey=True,
        layout="constrained",
    )
    thousands = {
        name: amount / 1000 for name, amount in zip(errors, amounts, strict=True)
    }
    draw_bars(left, thousands, write="{:.0f} k".format, xlabel="parameters, k")
    # A mean inside its control's band is no worse than the control with another seed.
    values = list(errors.values())
    low, high = ([end(errors[name]) for name in controls] for end in (min, max))
    lengths = np.subtract(high, low)
    right.barh(range(len(errors)), lengths, 1.0, low, color=GREY, alpha=0.2)
    means = [np.mean(group) for group in values]
    ends = [[m - min(g), max(g) - m] for m, g in zip(means, values, strict=True)]
    right.errorbar(
        means,
        range(len(errors)),
        xerr=np.transpose(ends),
        fmt="o",
        color=RED,
        capsize=3,
        lw=1.5,
    )
    right.set(xlabel="test error, %", xlim=(0, 1.08 * max(map(max, values))))
    words = f"{seeds_in_words(errors.values())}\ngrey: range of each one's own control"
    figure.supxlabel(words, fontsize=SMALL, color=GREY)
    right.grid(False, axis="y")
    return np.array([left, right])


@drawing
def errors_by_rank(
    by_rank: Sequence[pd.DataFrame],
    *,
    control: float,
    break_even: float,
    trained: Mapping[int, float],
) -> Axes:
    """Draw the error of a network whose matrix is cut to a rank, a table a seed.

    Args:
        by_rank: Tables of the columns rank and error (%).
        control: The mean error of the network that was cut.
        break_even: From this rank on, two thin matrices have more weights than one.
        trained: The error of networks that were trained with so few units.
    """
    _, axis = plt.subplots(figsize=(width(), 3.5), layout="constrained")
    tables = [table.set_index("rank").error for table in by_rank]
    values = pd.concat(tables, axis=1)
    draw_seeds(axis, values, look=Look(BLUE), label="cut to a rank", marker="o")
    axis.axhline(control, color=GREY, ls=":", lw=1.5, label="control, uncut")
    axis.plot(*zip(*trained.items(), strict=True), "D", color=RED, ms=7, mec=PAPER)
    axis.text(1.15, 4.5, "trained with\nso few units", color=in_words(RED), va="center")
    # The errors that matter are a few percent, so the scale is one of factors.
    ticks = (1, 2, 5, 10, 20, 50, 100)
    axis.set(xscale="log", yscale="log", xlim=(1, 256), ylim=(1, 130))
    axis.set(xticks=(1, 4, 16, 64, 256), yticks=ticks)
    axis.minorticks_off()
    axis.set_xticklabels(("1", "4", "16", "64", "256"))
    axis.set_yticklabels(map(str, ticks))
    axis.set(xlabel="rank of fc6", ylabel="validation error, %")
    axis.axvline(break_even, color=INK, lw=1.2)
    axis.text(
        0.93 * break_even, 60, "nothing saved\nfrom here on", ha="right", va="center"
    )
    axis.text(1.1, 1.04 * control, "control, uncut", color=GREY, va="bottom")
    axis.text(9, 20, "cut to a rank", color=in_words(BLUE), va="center")
    explain(axis, seeds_in_words([by_rank]))
    return axis


@drawing
def what_is_left(parts: Mapping[str, tuple[float, float]], *, whole: str) -> Axes:
    """Draw how much of each part is left: a pale bar before, a coloured one after.

    Args:
        parts: For each part how many millions it had, and has.
        whole: Says what the parts make up, before and after.
    """
    _, axis = plt.subplots(
        figsize=(width(), 1.1 + 0.42 * len(parts)), layout="constrained"
    )
    before, after = zip(*parts.values(), strict=True)
    rows = range(len(parts))
    axis.barh(rows, before, height=0.7, color=PALE)
    axis.barh(rows, after, height=0.7, color=RED)
    for row, (had, has) in enumerate(parts.values()):
        axis.annotate(
            f"{had:.1f} M → {has:.1f} M",
            (had, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    axis.set(xlim=(0, (1.75 if is_narrow() else 1.3) * max(before)))
    axis.set(ylim=(len(parts) - 0.5, -0.6), yticks=rows, xlabel=whole)
    axis.set_yticklabels(parts)
    axis.grid(False, axis="y")
    explain(axis, "pale: before; coloured: after")
    return axis


@drawing
def sliding_kernel(
    sides: Sequence[int], kernel: int, maps: Sequence[str]
) -> np.ndarray:
    """Draw a dense layer as a kernel that slides over maps of several sides.

    Of each row the first grid is a map before the layer, with the first window and the
    last; beside it stand the outputs of the layers, and where these two windows end up.

    Args:
        sides: Of the map before the layer, a row of the drawing for each.
        kernel: Side of the layer's kernel.
        maps: What stands before the layer, after it, and after those that follow.
    """
    figure, axes = plt.subplots(
        len(sides),
        1,
        figsize=(width(), (1.55 if is_narrow() else 2.1) * len(sides)),
        layout="constrained",
    )
    axes = np.atleast_1d(axes)
    slot = max(sides) + (2.5 if is_narrow() else 6)
    for axis, side in zip(axes, sides, strict=True):
        out = side - kernel + 1
        for number, (cells, name) in enumerate(
            zip((side, *[out] * (len(maps) - 1)), maps, strict=True)
        ):
            left, top = slot * number, (max(sides) - cells) / 2
            _grid(axis, left, top, cells)
            middle = left + cells / 2
            axis.text(middle, top - 0.4, name, ha="center", va="bottom", fontsize=SMALL)
            words = f"{cells}×{cells}"
            axis.text(middle, top + cells + 0.4, words, ha="center", va="top")
            span = kernel if number == 0 else 1
            for colour, corner in {BLUE: cells - span, RED: 0}.items():
                if corner or colour == RED:
                    place = (left + corner, top + corner)
                    style = {"fc": colour, "ec": colour, "lw": 1.5}
                    axis.add_patch(Rectangle(place, span, span, alpha=0.55, **style))
        axis.set(xlim=(-3, slot * len(maps) - 2), ylim=(max(sides) + 2.6, -2.4))
        axis.set(aspect="equal")
        axis.axis("off")
    return axes


def _grid(axis: Axes, left: float, top: float, cells: int, size: float = 1) -> None:
    """Draw a square of cells."""
    for row, column in np.ndindex(cells, cells):
        corner = (left + size * column, top + size * row)
        axis.add_patch(Rectangle(corner, size, size, fc="none", ec=PALE, lw=0.8))


@drawing
def two_heads(side: int, channels: int) -> np.ndarray:
    """Draw what a unit reads of a map: each position, or one average of them all."""
    figure, axes = plt.subplots(
        1, 2, figsize=(width(), 2.6 if is_narrow() else 3), layout="constrained"
    )
    count = side**2
    shades = np.random.default_rng(0).uniform(0.15, 0.95, count)
    high, step = 8.0, 8.0 / count
    titles = {"flatten": PURPLE, "average": GREEN}
    for axis, (title, colour) in zip(axes, titles.items(), strict=True):
        own = title == "flatten"
        for number in range(count):
            row, column = divmod(number, side)
            shade = shades[number] if own else 0.45
            style = {"fc": colour, "ec": PAPER, "alpha": shade}
            axis.add_patch(Rectangle((column, 2 + row), 1, 1, **style))
            if own:  # a line for each weight
                y = (number + 0.5) * step
                axis.add_patch(Rectangle((5.4, number * step), 0.7, step, **style))
                axis.plot([6.1, 9], [y, high / 2], color=colour, lw=0.9)
        if not own:
            axis.add_patch(Rectangle((5.4, 3.65), 0.7, 0.7, fc=colour, ec=PAPER))
            axis.plot([6.1, 9], [4, 4], color=colour, lw=2)
            for y in (2, 6):
                axis.plot([4.05, 5.4], [y, 4], color=GREY, lw=0.8)
        axis.plot([9], [4], "o", ms=15, color=INK)
        weights = f"{count} weights" if own else "1 weight"
        axis.set_title(title, color=in_words(colour), weight="bold")
        words = (
            f"{weights} for each map,\n{(count if own else 1) * channels:,} of the unit"
        )
        axis.text(4.9, 9, words, ha="center", va="top", fontsize=SMALL)
        axis.set(xlim=(-0.5, 10), ylim=(11.5, -0.6), aspect="equal")
        axis.axis("off")
    return axes


@drawing
def thin_matrices(rows: int, columns: int, rank: int) -> np.ndarray:
    """Draw a matrix and the two thin ones in its place, all on one scale."""
    figure, axes = plt.subplots(
        *((2, 1) if is_narrow() else (1, 2)),
        figsize=(width(), 3.4 if is_narrow() else 1.9),
        layout="constrained",
    )
    whole = rows * columns
    left, right = axes
    left.add_patch(Rectangle((0, 0), columns, rows, fc=BLUE, ec="none", alpha=0.35))
    middle = {"ha": "center", "va": "center"}
    left.text(columns / 2, rows / 2, f"{rows} × {columns:,}", **middle)
    left.set_title(f"one matrix: {whole:,} weights")
    gap = 0.08 * columns
    right.add_patch(Rectangle((0, 0), rank, rows, fc=RED, ec="none"))
    right.add_patch(Rectangle((rank + gap, 0), columns, rank, fc=GREEN, ec="none"))
    right.text(gap / 2 + rank, 8 + rank / 2, "×", **middle)
    right.text(rank + gap, rank + 22, f"{rank} × {columns:,}", va="top")
    right.text(rank + 8, rows, f"{rows} × {rank}", va="bottom", ha="left")
    right.set_title(f"two of rank {rank}: {rank * (rows + columns):,} weights")
    for axis in axes:
        axis.set(xlim=(0, columns + gap + rank), ylim=(1.05 * rows, -0.05 * rows))
        axis.set(aspect="equal")
        axis.axis("off")
    return axes


@drawing
def score_map(
    image: Tensor,
    scores: Tensor,
    window: int,
    found: Sequence[tuple[int, int, str]],
) -> np.ndarray:
    """Draw an image with what was found in it, and below the map of scores.

    Each score stands below the middle of the window that it belongs to. One window is
    drawn, and the place of its score: that of the best score.

    Args:
        image: (H, W).
        scores: A score for each position of the window, (h, w), from 0 to 1.
        window: Side of the window that slid, in pixels.
        found: Row and column of a label in the image, in pixels, and the label.
    """
    height, breadth = image.shape
    step = (breadth - window) / (scores.shape[1] - 1)
    first, last = (window - step) / 2, (window + step) / 2
    figure, axes = plt.subplots(
        2,
        1,
        figsize=(width(), 1.6 + 1.9 * width() * height / breadth),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    axes[0].imshow(image.numpy(), cmap="gray_r", interpolation="none")
    for row, column, label in found:
        axes[0].text(
            column,
            row,
            label,
            color=in_words(RED),
            fontsize=12 if is_narrow() else 15,
            weight="bold",
        )
    # On the image's own axes: a score is found below the pixels that it speaks of.
    extent = (first, breadth - window + last, height - window + last, first)
    style = {"cmap": "Blues", "vmin": 0, "vmax": 1, "interpolation": "none"}
    shades = axes[1].imshow(scores.numpy(), extent=extent, **style)
    row, column = divmod(int(scores.argmax()), scores.shape[1])
    corner = np.multiply((column, row), step)
    outline = {"fc": "none", "ec": in_words(RED), "lw": 1.8}
    axes[0].add_patch(Rectangle(tuple(corner), window, window, **outline))
    axes[1].add_patch(Rectangle(tuple(corner + first), step, step, **outline))
    axes[0].set(title="the image, what is found in it, and one window")
    axes[1].set(title="how sure it is of a digit in the middle of a window")
    axes[0].set(xlim=(0, breadth), ylim=(height, 0))
    figure.colorbar(
        shades,
        ax=axes,
        orientation="horizontal",
        fraction=0.04,
        pad=0.02,
        aspect=30,
    )
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
        axis.spines[["top", "right"]].set_visible(True)
    return axes
