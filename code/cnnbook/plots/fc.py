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
from .charts import draw_bars
from .labels import seeds_in_words
from .style import BLUE, CYCLE, GREEN, GREY, INK, RED, SMALL, drawing, in_words

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
    """Draw a few numbers of parameters as bars on one scale.

    Args:
        millions: What each bar stands for, and its number of parameters in millions.
        limit: The right end of the scale: the same for all frames of a slider.
    """
    figure, axis = plt.subplots(figsize=(width(), 0.7 + 0.42 * len(millions)))
    left = 0.34 if is_narrow() else 0.2
    figure.subplots_adjust(left, 0.28, 0.97, 0.98)  # the same in all frames
    draw_bars(
        axis,
        millions,
        colours=CYCLE[: len(millions)],
        write="{:,.1f} M".format,
        limit=1.2 * limit,  # and the number beside the longest bar
        xlabel="parameters, million",
    )
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
    errors: Mapping[str, Sequence[float]], amounts: Sequence[float]
) -> np.ndarray:
    """Draw the parameters of networks beside their test errors, a row a network.

    The errors are drawn as mean and range; the grey band is the first network's range.

    Args:
        errors: The errors of each network, in %, a value a seed; the control first.
        amounts: How many parameters each network has.
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
    # A mean inside the control's band is no worse than the control with another seed.
    values = list(errors.values())
    right.axvspan(min(values[0]), max(values[0]), color=GREY, alpha=0.15)
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
    words = f"{seeds_in_words(errors.values())}\ngrey: range of {next(iter(errors))}"
    figure.supxlabel(words, fontsize=SMALL, color=GREY)
    right.grid(False, axis="y")
    return np.array([left, right])


@drawing
def score_map(
    image: Tensor,
    scores: Tensor,
    window: int,
    found: Sequence[tuple[int, int, str]],
) -> np.ndarray:
    """Draw an image with what was found in it, and below the map of scores.

    Each score stands below the middle of the window that it belongs to.

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
        figsize=(width(), 0.7 + 2 * width() * height / breadth),
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
    axes[1].imshow(scores.numpy(), extent=extent, **style)
    axes[0].set(title="the image, and what is found in it", xlim=(0, breadth))
    axes[1].set(title="a digit in the middle of the window?", ylim=(height, 0))
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
        axis.spines[["top", "right"]].set_visible(True)
    return axes
