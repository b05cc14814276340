"""Words in a figure, and the places where labels stand beside their data."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import STEP_LOOKUP_MAP
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from .._forms import is_narrow
from .style import GREY, INK, PAPER, SMALL, in_words


def explain(axis: Axes, words: str) -> None:
    """Write in small words, above the right end of an axes, what its marks mean."""
    axis.set_title(words, loc="right", color=GREY, fontsize=SMALL)


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
    """Write each line's label at the right, led to from its end; on a phone above.

    Where lines end close together, their labels are spread until none covers another.
    """
    if is_narrow():
        label_above(axis)
        return
    axis.figure.draw_without_rendering()  # settles the limits and the height
    high = axis.get_window_extent().height
    gap = 1.35 * plt.rcParams["font.size"] / 72 * axis.figure.dpi / high
    to_share = axis.transAxes.inverted()
    ends = []
    for line in axis.get_lines():
        # A line that leaves the axes is labelled where it does.
        inside = line.get_xydata()[line.get_xdata() <= max(axis.get_xlim())]
        height = to_share.transform(axis.transData.transform(inside[-1]))[1]
        ends.append((float(height), line, inside[-1]))
    ends.sort(key=lambda pair: pair[0])
    for (_, line, end), place in zip(
        ends, spread([end[0] for end in ends], gap), strict=True
    ):
        axis.annotate(
            line.get_label(),
            end,
            xytext=(1.03, place),
            textcoords="axes fraction",
            color=in_words(line.get_color()),
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": line.get_color(),
                "lw": 1.2,
                "ls": line.get_linestyle(),
                "relpos": (0, 0.5),
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def spread(heights: Sequence[float], gap: float, top: float = 1.0) -> list[float]:
    """Return rising heights, moved until they are `gap` apart and below a top."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + gap) if moved else height)
    ceiling = top
    for place in reversed(range(len(moved))):
        moved[place] = min(moved[place], ceiling)
        ceiling = moved[place] - gap
    return moved


def label_above(axis: Axes, columns: int = 2, **options: Any) -> None:
    """Write the labels of an axes' lines above it, each beside a piece of its line."""
    figure = axis.figure
    for count in range(columns, 0, -1):  # as many side by side as fit
        legend = figure.legend(
            *axis.get_legend_handles_labels(),
            loc="outside upper left",
            ncols=count,
            frameon=False,
            handlelength=1.8,
            borderaxespad=0.1,
            columnspacing=1.2,
            **options,
        )
        wide = legend.get_window_extent(figure.canvas.get_renderer()).width
        if wide <= figure.bbox.width or count == 1:
            break
        legend.remove()
    for text in legend.get_texts():
        text.set_color(INK)


# What lets a line pass under a word without crossing it out.
CLEAR = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
DIRECTIONS = [
    (np.cos(angle), np.sin(angle)) for angle in np.linspace(0, 2 * np.pi, 17)[:-1]
]
GAPS = (2, 8, 16, 26, 38, 52)  # between a point and its label, in points
APART = 4  # a label nearer than this to another's point would seem to be that one's
LED = 8  # from this gap on, a line leads from the label to its point


def label_points(
    axis: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    labels: Sequence[str],
    radii: Sequence[float] | None = None,
) -> None:
    """Write a label beside each point, where it is in the way of as little as may be.

    What counts most is that it stays inside the axes and covers no other text, then
    that it covers no labelled point, then other points and lines, then that it is near.
    From a label that is not beside its point, a thin line leads there.

    Args:
        radii: Of the points, in points of a font's size; 3 if None.
    """
    axis.figure.draw_without_rendering()  # settles the layout, on which places depend
    renderer = axis.figure.canvas.get_renderer()
    scale = axis.figure.dpi / 72
    frame = axis.get_window_extent(renderer).padded(-2 * scale)
    points = axis.transData.transform(np.column_stack([xs, ys]))
    reaches = np.full(len(points), 3.0) if radii is None else np.asarray(radii)
    texts = [axis.text(0, 0, label, fontsize=SMALL, bbox=CLEAR) for label in labels]
    sizes = [text.get_window_extent(renderer).size + 3 * scale for text in texts]
    written = [
        text.get_window_extent(renderer) for text in axis.texts if text not in texts
    ]
    lines = [
        line.get_transform().transform_path(_drawn(line))
        for line in axis.get_lines()
        if line.get_linestyle() != "None"
    ]
    others = [
        axis.transData.transform(collection.get_offsets())
        for collection in axis.collections
    ]
    others = np.concatenate([*others, np.empty((0, 2))])

    def candidates(number: int) -> list[tuple[float, Bbox, Path | None]]:
        """Return where a label may stand: its gap, its box, what leads to its point."""
        found = []
        for gap, direction in product(GAPS, DIRECTIONS):
            reach = (reaches[number] + gap) * scale
            anchor = points[number] + reach * np.array(direction)
            # The box touches the anchor where it is nearest to the point.
            low = anchor - sizes[number] * (1 - np.sign(np.round(direction, 1))) / 2
            box = Bbox([low, low + sizes[number]])
            found.append((gap, box, gap >= LED and _leader(points[number], box)))
        return found

    def cost(number: int, choice: tuple, placed: Mapping[int, tuple]) -> float:
        gap, box, leader = choice
        rest = [other for at, other in placed.items() if at != number]
        boxes = written + [other[1] for other in rest]
        leaders = [other[2] for other in rest if other[2]]
        disks = [
            Bbox([point, point]).padded((radius + APART) * scale)
            for at, (point, radius) in enumerate(zip(points, reaches, strict=True))
            if at != number
        ]
        outside = not (
            frame.containsx(box.x0)
            and frame.containsx(box.x1)
            and frame.containsy(box.y0)
            and frame.containsy(box.y1)
        )
        bad = 1000 * outside + 300 * sum(box.overlaps(other) for other in boxes)
        bad += 100 * sum(box.overlaps(disk) for disk in disks)
        bad += 8 * sum(line.intersects_bbox(box, filled=False) for line in lines)
        bad += 100 * sum(other.intersects_bbox(box) for other in leaders)
        bad += 3 * box.count_contains(others) + 2 * GAPS.index(gap)
        if leader:
            bad += 100 * sum(leader.intersects_bbox(other) for other in boxes)
            bad += 60 * sum(leader.intersects_bbox(disk) for disk in disks)
            bad += 60 * sum(leader.intersects_path(other) for other in leaders)
        return bad

    choices = [candidates(number) for number in range(len(texts))]
    placed: dict[int, tuple] = {}
    for _ in range(3):  # twice again, now that each knows where the others are
        for number, own in enumerate(choices):
            price = functools.partial(cost, number, placed=placed)
            placed[number] = min(own, key=price)
    to_data = axis.transData.inverted()
    limits = axis.get_xlim(), axis.get_ylim()
    for text, (_, box, leader) in zip(texts, placed.values(), strict=True):
        text.set(ha="center", va="center_baseline")
        text.set_position(to_data.transform((box.min + box.max) / 2))
        if leader:
            ends = to_data.transform(leader.vertices)
            axis.add_line(Line2D(*ends.T, color=INK, lw=0.7, zorder=2.5))
    axis.set(xlim=limits[0], ylim=limits[1])


def _leader(point: np.ndarray, box: Bbox) -> Path:
    """Return the straight line from a point to the nearest place of a box."""
    nearest = np.clip(point, box.min, box.max)
    return Path(np.array([point, nearest]))


def _drawn(line: Line2D) -> Path:
    """Return a line as it is drawn: a staircase has two points for each of its data."""
    steps = STEP_LOOKUP_MAP[line.get_drawstyle()]
    return Path(np.column_stack(steps(*line.get_xydata().T)))
