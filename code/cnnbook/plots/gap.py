"""Chapter 6: two ways from maps to scores, and which pixels speak for a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import EngFormatter
from torch import Tensor

from .._forms import NARROW, is_narrow, width
from .charts import lines
from .style import BLUE, GREY, LOOKS, PALE, PAPER, SMALL, drawing, in_words


@drawing
def moved_digit(
    images: Sequence[Tensor], maps: Sequence[Tensor], titles: Sequence[str]
) -> np.ndarray:
    """Draw a picture in several places, and below each a map of it, and its average.

    Args:
        images: One (H, W) for each place.
        maps: One (h, w) for each, of the maxima over windows, which are drawn, too.
        titles: Written above the pictures, one each.
    """
    highest = max(values.max().item() for values in maps)
    first = maps[0].mean()
    if is_narrow() and len(images) > 3:  # every other place
        images, maps, titles = images[::2], maps[::2], titles[::2]
    size = (width(), 0.47 * width() if len(images) > 3 else 0.8 * width())
    _, axes = plt.subplots(2, len(images), figsize=size, layout="constrained")
    for (above, below), image, values, title in zip(
        axes.T, images, maps, titles, strict=True
    ):
        above.imshow(image.numpy(), cmap="gray_r")
        below.imshow(values.numpy(), cmap="Blues", vmin=0, vmax=highest)
        same = values.mean().isclose(first)
        colour, weight = (BLUE, "bold") if same else (GREY, "normal")
        below.set_xlabel(f"average\n{values.mean():.3f}", color=colour, weight=weight)
        above.set_title(title)
        borders = np.arange(0, len(image), len(image) // len(values))[1:] - 0.5
        above.set_xticks(borders, [""] * len(borders))
        above.set_yticks(borders, [""] * len(borders))
        below.set(xticks=[], yticks=[])
        for axis in (above, below):
            axis.tick_params(length=0)
            axis.spines[:].set(visible=True, color=GREY)
    return axes


@drawing
def two_heads(channels: int, side: int, classes: int) -> Axes:
    """Draw maps (channels, side, side) on their way to scores: flattened, averaged.

    At most four maps are drawn; what stands beside the lines are the true counts.
    """
    figure, axis = plt.subplots(figsize=(width(), 4.6 if is_narrow() else 3.1))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    axis.set_aspect("equal")
    heads = (
        _Head("flatten", channels * side**2, 16, LOOKS["flatten"].colour),
        _Head("average each", channels, 4, LOOKS["average"].colour),
    )
    shown, cells = min(channels, 4), min(side, 4)
    left, bottom = (1.1, 3.1) if is_narrow() else (0.0, 1.2)
    for index in range(shown):
        at = 0.13 * index
        _grid(axis, left + at, bottom - at, cells, order=2 * index)
    words = f"{channels} maps of {side}×{side}"
    axis.text(left + 0.75, bottom + 1.2, words, ha="center")
    draw_head = _head_below if is_narrow() else _head_beside
    for rank, head in enumerate(heads):
        draw_head(axis, rank, head, classes)
    axis.set(
        xlim=(0, NARROW) if is_narrow() else (-0.1, 7.1),
        ylim=(0, 4.6) if is_narrow() else (0, 3.4),
    )
    return axis


class _Head(NamedTuple):
    """A way from maps to scores: as many cells are drawn as there is room for."""

    name: str
    values: int
    cells: int
    colour: str

    def weights(self, classes: int) -> str:
        """Say how many parameters it has, and why, in two lines."""
        parameters = classes * (self.values + 1)
        return f"{classes} × ({self.values} + 1)\n= {parameters:,} parameters"


def _head_beside(axis: Axes, rank: int, head: _Head, classes: int) -> None:
    """Draw a head at the right of the maps, its values as a column of cells."""
    middle, above = (2.7, 0.15) if rank == 0 else (0.4, -0.25)
    words = in_words(head.colour)
    _arrow(axis, (1.7, 1.55), (2.7, middle), head.colour)
    place = {"ha": "right", "va": "top" if rank else "bottom", "color": words}
    axis.text(2.1, (1.55 + middle) / 2 + above, head.name, **place)
    for cell in range(head.cells):
        corner = (2.8, middle + 0.075 * (cell - head.cells / 2))
        axis.add_patch(
            Rectangle(corner, 0.16, 0.075, fc=head.colour, alpha=0.4, ec=PAPER)
        )
    axis.text(3.05, middle, f"{head.values} values", va="center", color=words)
    _arrow(axis, (4.1, middle), (6.1, middle), head.colour)
    place = {"ha": "center", "va": "bottom", "color": words}
    axis.text(5.05, middle + 0.08, head.weights(classes), **place)
    axis.text(6.2, middle, f"{classes} scores", va="center", color=words)


def _head_below(axis: Axes, rank: int, head: _Head, classes: int) -> None:
    """Draw a head below the maps, its values as a row of cells."""
    middle, words = (0.9, 2.75)[rank], in_words(head.colour)
    _arrow(axis, (1.6 + 0.5 * rank, 2.65), (middle, 2.12), head.colour)
    side = {"ha": ("left", "right")[rank], "va": "center", "color": words}
    axis.text((0.1, NARROW - 0.05)[rank], 2.5, head.name, **side)
    for cell in range(head.cells):
        corner = (middle + 0.09 * (cell - head.cells / 2), 1.92)
        axis.add_patch(
            Rectangle(corner, 0.09, 0.16, fc=head.colour, alpha=0.4, ec=PAPER)
        )
    place = {"ha": "center", "va": "center", "color": words}
    axis.text(middle, 1.74, f"{head.values} values", **place)
    _arrow(axis, (middle, 1.6), (middle, 1.2), head.colour)
    axis.text(middle, 0.92, head.weights(classes), **place)
    _arrow(axis, (middle, 0.68), (middle, 0.32), head.colour)
    axis.text(middle, 0.17, f"{classes} scores", **place)


def _grid(axis: Axes, left: float, bottom: float, side: int, order: int) -> None:
    cell = 1.1 / side
    outline = Rectangle((left, bottom), 1.1, 1.1, fc=PAPER, ec=GREY, zorder=order)
    axis.add_patch(outline)
    for line in range(1, side):
        at = line * cell
        style = {"color": PALE, "lw": 0.6, "zorder": order + 1}
        axis.plot([left + at] * 2, [bottom, bottom + 1.1], **style)
        axis.plot([left, left + 1.1], [bottom + at] * 2, **style)


def _arrow(axis: Axes, start: tuple, end: tuple, colour: str) -> None:
    axis.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=colour)
    )


@drawing
def head_parameters(table: pd.DataFrame) -> Axes:
    """Draw parameters of heads (columns) against the side of the input (index)."""
    # On a scale of powers of ten: from a thousand to a billion, no other shows both.
    axis = lines(
        table,
        xlabel="side of the input, pixels",
        ylabel="parameters of the head",
        marker="o",
        yscale="log",
        xticks=table.index,
    )
    axis.yaxis.set_major_formatter(EngFormatter())  # 1e6 as 1 M
    return axis


@drawing
def class_activation_maps(
    images: Sequence[Tensor], maps: Sequence[Tensor], titles: Sequence[str]
) -> Axes:
    """Draw pictures (H, W) in grey, and below each its map of evidence over it.

    Args:
        maps: One (h, w) for each picture, drawn as squares over it; red adds to the
            class's score, blue takes away, on one scale for all.
        titles: Written above the pictures, one each.
    """
    columns = min(len(images), 3 if is_narrow() else 6)
    rows = -(-len(images) // columns)
    across = width(1.15 * columns)
    figure, axis = plt.subplots(figsize=(across, 2.3 * rows * across / columns))
    axis.set_position((0, 0, 1, 1))
    # As far below zero as above it: white is zero, and one scale serves all pictures.
    limit = max(values.abs().max().item() for values in maps) or 1.0
    for index, (image, values, title) in enumerate(
        zip(images, maps, titles, strict=True)
    ):
        left, low = index % columns, 2.3 * (rows - 1 - index // columns)
        box = (left, left + 0.94, low, low + 0.94)
        for bottom in (low, low + 1):
            place = {"extent": (*box[:2], bottom, bottom + 0.94)}
            grey = image.cpu().numpy()
            axis.imshow(grey, cmap="gray_r", interpolation="none", **place)
        axis.imshow(
            values.cpu().numpy(),
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            alpha=0.6,
            interpolation="none",
            extent=box,
        )
        axis.text(left + 0.47, low + 2.02, title, ha="center", fontsize=SMALL)
    axis.set(xlim=(0, columns), ylim=(0, 2.3 * rows))
    axis.axis("off")
    return axis


@drawing
def evidence(
    pictures: Sequence[Tensor],
    maps: Sequence[Tensor],
    titles: Sequence[str],
    *,
    limit: float | None = None,
) -> Axes:
    """Draw photographs (3, H, W) in uint8, and below or beside each its class map.

    Args:
        maps: One (h, w) for each photograph, drawn as squares over it in grey.
        titles: Written above the photographs, one each.
        limit: The scale goes from its negative to it; if None, to the largest value.
    """
    alone = len(pictures) == 1
    columns = 1 if alone else min(len(pictures), 2 if is_narrow() else 4)
    beside = alone and not is_narrow()
    sheet = _Sheet(_ratio(pictures[0]), across=2 if beside else columns)
    limit = limit or _limit(maps)
    for index, (picture, values, title) in enumerate(
        zip(pictures, maps, titles, strict=True)
    ):
        row, column = divmod(index, columns)
        below = (0, 1) if beside else (2 * row + 1, column)
        sheet.photograph(picture, 2 * row, column, title)
        sheet.map(picture, values, *below, limit, "its class map" if beside else "")
    sheet.scale(limit, "class map, points of score: mean + bias = score")
    return sheet.finished()


@drawing
def occlusion(
    pictures: Sequence[Tensor],
    covered: Sequence[Tensor],
    maps: Sequence[Tensor],
    falls: Sequence[Tensor],
    titles: Sequence[str],
) -> Axes:
    """Draw the class maps of photographs beside what covering each place takes away.

    Args:
        pictures: Photographs (3, H, W) in uint8.
        covered: Each of them with one place covered, as an example.
        maps: The class map (h, w) of each.
        falls: By how much the score falls when a place is covered, (h, w).
        titles: Written above the photographs, one each.
    """
    sheet = _Sheet(_ratio(pictures[0]), across=len(pictures) if is_narrow() else 3)
    for index, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        places = [(step, index) if is_narrow() else (index, step) for step in range(3)]
        sheet.photograph(covered[index], *places[0], title)
        sheet.map(picture, maps[index], *places[1], _limit(maps), "class map")
        sheet.map(picture, falls[index], *places[2], _limit(falls), "fall when covered")
    words = "points of score, map to ±{:.0f} and fall to ±{:.1f}"
    sheet.scale(None, words.format(_limit(maps), _limit(falls)))
    return sheet.finished()


class _Sheet:
    """Pictures of one shape in rows on a sheet, and a scale of red and blue below."""

    gap, title = 0.08, 0.24  # inches

    def __init__(self, ratio: float, across: int) -> None:
        self.wide = (width() - self.gap * (across - 1)) / across
        self.high = self.wide / ratio
        self.axis = plt.figure(figsize=(width(), 1)).add_axes((0, 0, 1, 1))
        self.bottom = 0.0
        self.tops: dict[
            int, float
        ] = {}  # of the rows, of which all have titles or none

    def box(self, row: int, column: int, title: str) -> tuple:
        """Return the place of a picture, and write its title above it."""
        left = column * (self.wide + self.gap)
        above = self.title if title else self.gap
        top = self.tops.setdefault(row, self.bottom - above)
        self.bottom = min(self.bottom, top - self.high)
        place = {"ha": "center", "fontsize": SMALL}
        self.axis.text(left + self.wide / 2, top + 0.06, title, **place)
        return left, left + self.wide, top - self.high, top

    def photograph(self, picture: Tensor, row: int, column: int, title: str) -> None:
        """Draw a photograph as it is."""
        shown = picture.permute(1, 2, 0).numpy()
        self.axis.imshow(shown, extent=self.box(row, column, title))

    def map(
        self,
        picture: Tensor,
        values: Tensor,
        row: int,
        column: int,
        limit: float,
        title: str = "",
    ) -> None:
        """Draw values as squares over a photograph in pale grey."""
        place = {"extent": self.box(row, column, title), "interpolation": "nearest"}
        grey = picture.float().mean(dim=0)
        # Small enough for a slider's many pictures: the squares hide the detail.
        small = torch.nn.functional.adaptive_avg_pool2d(grey[None], _small(grey))[0]
        self.axis.imshow(small.numpy(), cmap="gray", vmin=-160, vmax=255, **place)
        style = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit, "alpha": 0.7}
        self.axis.imshow(values.detach().numpy(), **style, **place)

    def scale(self, limit: float | None, words: str) -> None:
        """Draw what the colours mean below all pictures."""
        middle, half = width() / 2, min(1.6, 0.28 * width())
        top = self.bottom - 0.14
        steps = np.linspace(-1, 1, 101)[None]
        place = (middle - half, middle + half, top - 0.14, top)
        self.axis.imshow(steps, cmap="RdBu_r", alpha=0.75, extent=place, aspect="auto")
        ends = (
            ("against", "for") if limit is None else (f"−{limit:.0f}", f"+{limit:.0f}")
        )
        for at, word, side in zip((-half, half), ends, ("right", "left"), strict=True):
            shift = 0.06 if side == "left" else -0.06
            style = {"ha": side, "va": "center", "fontsize": SMALL}
            self.axis.text(middle + at + shift, top - 0.07, word, **style)
        style = {"ha": "center", "va": "top", "fontsize": SMALL}
        self.axis.text(middle, top - 0.19, words, **style)
        self.bottom = top - 0.44

    def finished(self) -> Axes:
        """Make the sheet as high as what is on it."""
        self.axis.figure.set_figheight(-self.bottom)
        self.axis.set(xlim=(0, width()), ylim=(self.bottom, 0), aspect="equal")
        self.axis.axis("off")
        return self.axis


def _ratio(picture: Tensor) -> float:
    return picture.shape[-1] / picture.shape[-2]


def _limit(maps: Sequence[Tensor]) -> float:
    return max(values.abs().max().item() for values in maps) or 1.0


def _small(grey: Tensor) -> tuple[int, int]:
    return grey.shape[0] // 2, grey.shape[1] // 2


@drawing
def inputs(rows: Mapping[str, Sequence[tuple[str, Tensor]]], lines: int = 4) -> Axes:
    """Draw what the networks are shown: a row of titled canvases for each experiment.

    Args:
        rows: By the name of the experiment, pairs of a title and a canvas (H, W). A
            pixel is equally large in all of them.
        lines: A faint line is drawn every so many pixels: where windows begin.
    """
    title, gap, name = 0.2, 0.12, 0.24  # inches
    if is_narrow():
        rows = {words: row[:4] for words, row in rows.items()}
    pixel = min(
        (width() - gap * (len(row) - 1)) / sum(image.shape[1] for _, image in row)
        for row in rows.values()
    )
    axis = plt.figure(figsize=(width(), 1)).add_axes((0, 0, 1, 1))
    top = 0.0
    for words, row in rows.items():
        axis.text(0, top - name + 0.06, words, fontsize=SMALL, weight="bold")
        left, top = 0.0, top - name - title
        for caption, image in row:
            high, wide = (pixel * side for side in image.shape)
            place = (left, left + wide, top - high, top)
            style = {"cmap": "gray_r", "interpolation": "nearest", "vmin": -0.1}
            axis.imshow(image.numpy(), extent=place, **style)
            for at in range(lines, max(image.shape), lines):
                x, y = left + at * pixel, top - at * pixel
                faint = {"color": PALE, "lw": 0.5}
                axis.plot([x, x], [top - high, top], **faint)
                axis.plot([left, left + wide], [y, y], **faint)
            frame = Rectangle((left, top - high), wide, high, fc="none", ec=GREY)
            axis.add_patch(frame)
            axis.text(left, top + 0.05, caption, fontsize=SMALL)
            left += wide + gap
        top -= max(image.shape[0] for _, image in row) * pixel + 0.08
    axis.figure.set_figheight(-top)
    axis.set(xlim=(-0.02, width() + 0.02), ylim=(top, 0), aspect="equal")
    axis.axis("off")
    return axis
