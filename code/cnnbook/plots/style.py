"""The book's one style: colours, rules for axes, words that stand beside their data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, ParamSpec, TypeVar

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import STEP_LOOKUP_MAP
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#6B6B6B",
)
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, GREY)

Given = ParamSpec("Given")  # what a drawing function is given, and what it returns
Drawn = TypeVar("Drawn")


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


def drawing(draw: Callable[Given, Drawn]) -> Callable[Given, Drawn]:
    """Make a drawing function refuse empty data, its first argument, clearly."""
    name = f"{draw.__module__.removeprefix('cnnbook.')}.{draw.__name__}"

    @functools.wraps(draw)
    def drawn(*arguments: Given.args, **options: Given.kwargs) -> Drawn:
        data = next(iter((*arguments, *options.values())), None)
        if _is_empty(data):
            raise ValueError(f"{name}: there is nothing to draw")
        return draw(*arguments, **options)

    return drawn


def _is_empty(data: Any) -> bool:
    """Return whether tables, tensors or lists, or any in a mapping, hold nothing."""
    if isinstance(data, Mapping):
        return not data or any(map(_is_empty, data.values()))
    return not data if isinstance(data, list | tuple) else 0 in np.shape(data)


def explain(axis: Axes, words: str) -> None:
    """Write in small words, above the right end of an axes, what its marks mean."""
    axis.set_title(words, loc="right", color=GREY, fontsize=8.5)


def seeds_in_words(groups: Iterable[Sequence], mean: str = "mean") -> str:
    """Say what a line and its band stand for; nothing if no group has several seeds.

    Args:
        groups: For each line, what there is a seed.
        mean: What the line shows.
    """
    counts = sorted({len(group) for group in groups} - {1})
    seeds = " or ".join(map(str, counts))
    return f"{mean} and range of {seeds} seeds" if counts else ""


def label_ends(axis: Axes) -> None:
    """Write each line's label at the right, at its end's height, or just above.

    Where lines end close together, each label is moved up until it covers none.
    """
    axis.get_ylim()  # settles the limits, on which the heights depend
    gap = 0.075  # a share of the axis, as the heights are
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


HALO = [withStroke(linewidth=2.5, foreground="white")]  # of words that lines cross
# Where a label may stand beside its point, and how it is aligned: to the right and
# upwards in points, more by the point's radius.
PLACES = [
    ((1, 0), "left", "center"),
    ((-1, 0), "right", "center"),
    ((0, 1), "center", "bottom"),
    ((0, -1), "center", "top"),
    ((1, 1), "left", "bottom"),
    ((1, -1), "left", "top"),
    ((-1, 1), "right", "bottom"),
    ((-1, -1), "right", "top"),
]
GAPS = (3, 12, 22)  # between a point and its label, in points of a font's size


def label_points(
    axis: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    labels: Sequence[str],
    radii: Sequence[float] | None = None,
) -> None:
    """Write a label beside each point, where it is in the way of as little as may be.

    What counts most is that it stays inside the axes, then that it covers no other text
    and no labelled point. A line that crosses it is as bad as a place further away.

    Args:
        radii: Of the points, in points of a font's size; 3 if None.
    """
    axis.figure.draw_without_rendering()  # settles the layout, on which places depend
    renderer = axis.figure.canvas.get_renderer()
    frame = axis.get_window_extent(renderer)
    points = axis.transData.transform(np.column_stack([xs, ys]))
    radii = [3.0] * len(points) if radii is None else radii
    taken = [text.get_window_extent(renderer) for text in axis.texts]
    lines = [
        line.get_transform().transform_path(_drawn(line))
        for line in axis.get_lines()
        if line.get_linestyle() != "None"
    ]

    def put(text: Annotation, radius: float, place: tuple) -> Bbox:
        gap, (direction, across, up) = place
        text.set_position([(radius + gap) * step for step in direction])
        text.set(ha=across, va=up)
        return text.get_window_extent(renderer)

    def cost(text: Annotation, radius: float, place: tuple) -> tuple[bool, int, int]:
        box = put(text, radius, place)
        outside = box.x0 < frame.x0 or box.x1 > frame.x1
        outside = outside or box.y0 < frame.y0 or box.y1 > frame.y1
        covered = sum(box.overlaps(other) for other in taken)
        covered += box.padded(5).count_contains(points)
        crossed = sum(line.intersects_bbox(box, filled=False) for line in lines)
        return outside, covered, crossed + GAPS.index(place[0])

    for x, y, label, radius in zip(xs, ys, labels, radii, strict=True):
        text = axis.annotate(
            label,
            (x, y),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=9,
            path_effects=HALO,
        )
        best = min(product(GAPS, PLACES), key=functools.partial(cost, text, radius))
        taken.append(put(text, radius, best))


def _drawn(line: Line2D) -> Path:
    """Return a line as it is drawn: a staircase has two points for each of its data."""
    steps = STEP_LOOKUP_MAP[line.get_drawstyle()]
    return Path(np.column_stack(steps(*line.get_xydata().T)))
