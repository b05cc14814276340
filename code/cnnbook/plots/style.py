"""The book's one style: colours, rules for axes, labels that stand where lines end."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

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


def drawing(draw: Callable) -> Callable:
    """Make a drawing function refuse empty data, its first argument, clearly."""

    @functools.wraps(draw)
    def drawn(data, *arguments, **options):
        if _is_empty(data):
            raise ValueError(f"plots.{draw.__name__}: there is nothing to draw")
        return draw(data, *arguments, **options)

    return drawn


def _is_empty(data: object) -> bool:
    """Return whether tables, tensors or lists, or any in a mapping, hold nothing."""
    if isinstance(data, Mapping):
        return not data or any(map(_is_empty, data.values()))
    return not data if isinstance(data, list | tuple) else 0 in np.shape(data)


def write_beside(
    axis: Axes, text: str, place: tuple[float, float], gap: float = 3
) -> None:
    """Write a value to the right of the end of its bar or line, `gap` points away."""
    axis.annotate(
        text,
        place,
        xytext=(gap, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
    )


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
