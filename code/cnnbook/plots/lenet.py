"""Chapter 1: how layers work, LeNet-5 as a drawing, what it draws and confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor

from .._forms import is_narrow, width
from .labels import explain, label_above
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
)


@drawing
def connections(table: Sequence[str]) -> Axes:
    """Draw which input map (row) feeds which output map (column), X = connected."""
    joined = np.array([[mark == "X" for mark in row] for row in table])
    figure, axis = plt.subplots(
        figsize=(width(), 2.0 if is_narrow() else 2.9), layout="constrained"
    )
    axis.grid(False)
    # Filled squares where the paper's Table I has an X: its pattern is seen at once.
    y, x = joined.nonzero()
    axis.scatter(x, y, marker="s", s=70 if is_narrow() else 170, color=BLUE)
    axis.set(
        xticks=range(joined.shape[1]),
        yticks=range(joined.shape[0]),
        xlabel="map of C3, and below how many maps of S2 it reads",
        ylabel="map of S2",
        ylim=(joined.shape[0] - 0.5, -0.5),
    )
    reads = [f"{column}\n{count}" for column, count in enumerate(joined.sum(axis=0))]
    axis.set_xticklabels(reads)
    place = {"va": "center", "fontsize": SMALL}
    for row, count in enumerate(joined.sum(axis=1)):
        words = f"{count}" if is_narrow() else f"feeds {count}"
        axis.text(joined.shape[1] - 0.3, row, words, **place)
    if is_narrow():
        explain(axis, "at the right: how many maps it feeds")
    axis.set_xlim(-0.7, joined.shape[1] + (0.6 if is_narrow() else 1.6))
    return axis


class Column(NamedTuple):
    """A layer as it is drawn.

    Attributes:
        name: Written above it.
        operation: What it does, in two lines at most.
        shape: Of its output.
        note: Written below the shape.
        fill: Its colour.
        window: The side of the patch of the layer before that a unit reads, in units;
            0 if it reads all of that layer.
    """

    name: str
    operation: str
    shape: tuple[int, ...]
    note: str
    fill: str
    window: int

    @property
    def is_map(self) -> bool:
        """Whether its output has places, and not only channels."""
        return len(self.shape) == 3 and self.shape[1] > 1

    @property
    def side(self) -> float:
        """How wide a map or vector is drawn."""
        # Powers below 1: a map of 32×32 and a vector of 10 both fit into one row.
        return self.shape[1] ** 0.8 if self.is_map else 1.6

    @property
    def height(self) -> float:
        """How high a map or vector is drawn."""
        return self.side if self.is_map else 1.6 * self.shape[0] ** 0.55

    @property
    def step(self) -> float:
        """How far a map is drawn from the one before it."""
        return min(0.7, 5.6 / self.shape[0])

    @property
    def breadth(self) -> float:
        """How wide all maps are drawn together."""
        return self.side + (self.shape[0] - 1) * self.step if self.is_map else self.side


OPERATIONS = {  # by kind of layer: what it does, and its colour
    "Conv2d": ("convolution", BLUE),
    "SparseConv2d": ("convolution", BLUE),
    "Subsampling": ("subsampling", ORANGE),
    "MaxPool2d": ("maximum", ORANGE),
    "Linear": ("fully\nconnected", GREEN),
    "EuclideanRBF": ("distance\nto codes", GREY),
}


@drawing
def architecture(table: pd.DataFrame) -> np.ndarray:
    """Draw a network from its `cost.layer_table`: maps as squares, vectors as bars.

    A frame is the patch that one unit of the next layer reads. Convolutions have no
    padding and go in steps of one; what halves a map reads squares that do not overlap.
    """
    first = table.input_shape[0]
    columns = [Column("input", "", first, "parameters:", PALE, 0)]
    for layer in table.itertuples():
        operation, fill = OPERATIONS[layer.kind]
        before, after = columns[-1].shape, layer.output_shape
        window = 0
        if columns[-1].is_map and len(after) == 3:
            halves = "Pool" in layer.kind or "sampling" in layer.kind
            window = before[1] // after[1] if halves else before[1] - after[1] + 1
            operation = f"{window}×{window}\n{operation}"
        note = f"{layer.parameters:,}"
        columns.append(
            Column(layer.layer.upper(), operation, after, note, fill, window)
        )
    half = -(-len(columns) // 2) if is_narrow() else len(columns)
    rows = [columns[at : at + half] for at in range(0, len(columns), half)]
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(width(), 2.75 * len(rows)), squeeze=False
    )
    figure.subplots_adjust(0, 0, 1, 1, hspace=0)
    for axis, row in zip(axes[:, 0], rows, strict=True):
        _draw_columns(axis, row)
    # All rows on one scale: a map is as large as it is, wherever it stands.
    widest = max(axis.get_xlim()[1] for axis in axes.flat)
    for axis in axes.flat:
        axis.set_xlim(-1, widest)
    return axes


def _draw_columns(axis: Axes, columns: Sequence[Column]) -> None:
    """Draw a row of layers, what each does above, its shape and a note below."""
    axis.axis("off")
    axis.set_aspect("equal")
    slot = 16.0 if is_narrow() else 13.2  # as wide as the words below
    middle, before = 0.0, None
    for column in columns:
        middle += max(column.breadth, slot) / 2
        left = middle - column.breadth / 2
        for z in reversed(range(column.shape[0] if column.is_map else 1)):
            corner = (left + z * column.step, z * column.step - column.height / 2)
            size = column.side, column.height
            box = {"fc": column.fill, "ec": PAPER, "lw": 0.8, "alpha": 0.85}
            axis.add_patch(Rectangle(corner, *size, **box))
        if before:
            _draw_window(axis, *before, column, left)
        before = column, left
        axis.text(middle, 20, column.name, ha="center", weight="bold")
        words = {"ha": "center", "va": "top", "fontsize": SMALL}
        axis.text(middle, 19, column.operation, linespacing=1.15, **words)
        axis.text(middle, -12.5, "×".join(map(str, column.shape)), **words)
        axis.text(middle, -16, column.note, **words)
        middle += max(column.breadth, slot) / 2 + (0.5 if is_narrow() else 1)
    axis.set(xlim=(-1, middle), ylim=(-19.5, 23))


def _draw_window(
    axis: Axes, before: Column, before_left: float, after: Column, after_left: float
) -> None:
    """Frame what one unit reads in the layer before, with lines to that unit."""
    unit = after.side / after.shape[1] if after.is_map else 1.0
    share = before.side / before.shape[1] if before.is_map else 0.0
    size = after.window * share or before.side, after.window * share or before.height
    # Somewhat right of and above the middle, where the maps behind hide nothing.
    at = 0.45 if after.window and after.is_map else 0.0
    low = before_left + at * before.side, at * before.height - before.height / 2
    end = after_left + 0.5 * after.side, 0.2 * after.height
    style = {"color": INK, "lw": 0.8}
    axis.add_patch(Rectangle(low, *size, fill=False, ec=INK, lw=1.2, zorder=4))
    for corner in (low[1], low[1] + size[1]):
        axis.plot((low[0] + size[0], end[0]), (corner, end[1]), zorder=4, **style)
    unit = max(unit, 0.9)  # otherwise it would hardly be seen
    place = end[0] - unit / 2, end[1] - unit / 2
    axis.add_patch(Rectangle(place, unit, unit, fc=INK, ec=PAPER, lw=0.6, zorder=5))


@drawing
def seeds_by_pass(
    panels: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    *,
    ylabel: str,
    reference: tuple[str, float],
) -> np.ndarray:
    """Draw each seed's error after each pass, in a panel for each title.

    A mean would hide it if some seeds learn and others do not.

    Args:
        panels: By the title of a panel and the name of a kind of line: the errors of
            its seeds, pass by pass.
        reference: A label and an error to compare with, a dotted line.
    """
    shape = (len(panels), 1) if is_narrow() else (1, len(panels))
    figure, axes = plt.subplots(
        *shape,
        figsize=(width(), 0.75 + (2.1 if is_narrow() else 2.7) * shape[0]),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    axes = axes.ravel()
    kinds = dict.fromkeys(kind for lines in panels.values() for kind in lines)
    every = dict(zip(kinds, ((BLUE, "-"), (RED, "--")), strict=False))
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for kind, seeds in lines.items():
            colour, dash = every[kind]
            for number, errors in enumerate(seeds):
                label = "" if number else kind
                style = {"color": colour, "ls": dash, "lw": 1.3, "label": label}
                axis.plot(range(1, len(errors) + 1), errors, **style)
        axis.axhline(reference[1], color=GREY, ls=":", label=reference[0])
        axis.set_title(title, loc="left", weight="bold")
        axis.set(yscale="log", yticks=(1, 2, 5, 10, 20, 50, 100), xticks=(1, 4, 7, 10))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()
    for axis in axes if is_narrow() else axes[:1]:
        axis.set_ylabel(ylabel)
    for axis in axes[-1:] if is_narrow() else axes:
        axis.set_xlabel("passes over the training set")
    fullest = max(axes, key=lambda axis: len(axis.get_legend_handles_labels()[0]))
    label_above(fullest, columns=3)
    return axes


@drawing
def confusion_matrix(matrix: Tensor, classes: Sequence[str]) -> Axes:
    """Draw counts of true class (row) against predicted class (column)."""
    figure, axis = plt.subplots(
        figsize=(width(4.2), 0.95 * width(4.2)), layout="constrained"
    )
    axis.grid(False)
    counts = matrix.numpy()
    # The diagonal is far larger than all else: shaded alike, no mistake would be seen.
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = GREY if row == column else INK
            axis.text(column, row, count, ha="center", va="center", color=colour)
            shade = 0.7 * wrong[row, column] / max(wrong.max(), 1)
            corner = (column - 0.5, row - 0.5)
            axis.add_patch(Rectangle(corner, 1, 1, fc=ORANGE, ec="none", alpha=shade))
    ticks, ends = range(len(classes)), (-0.5, len(classes) - 0.5)
    axis.set(xlabel="predicted class", ylabel="true class", xticks=ticks, yticks=ticks)
    axis.set(xlim=ends, ylim=ends[::-1], aspect="equal")
    axis.spines[["top", "right"]].set_visible(True)
    axis.set_xticklabels(classes)
    axis.set_yticklabels(classes)
    return axis


class Window(NamedTuple):
    """How a kernel is laid over a row of pixels."""

    pixels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """How many pixels lie from the first that it reads to the last."""
        return self.dilation * (self.kernel - 1) + 1

    def __str__(self) -> str:
        more = [
            f"{name} {value}"
            for name, value, default in (
                ("stride", self.stride, 1),
                ("padding", self.padding, 0),
                ("dilation", self.dilation, 1),
            )
            if value != default
        ]
        return f"{self.pixels} pixels, kernel {self.kernel}\n{', '.join(more)}".strip()


@drawing
def windows(settings: Sequence[Window]) -> np.ndarray:
    """Draw for each setting where the window can begin, with the pixels that it reads.

    Below a row of pixels stands a row for each window: a line as long as its span, a
    dot for each pixel it reads. One that would end beyond the pixels is dashed.
    """
    rows = -(-len(settings) // 2) if is_narrow() else 1
    figure, axes = plt.subplots(
        rows,
        len(settings) // rows,
        figsize=(width(), (1.7 if is_narrow() else 1.35) * rows),
        squeeze=False,
        layout="constrained",
    )
    for axis, setting in zip(axes.flat, settings, strict=True):
        _draw_windows(axis, setting)
    return axes


def _draw_windows(axis: Axes, setting: Window) -> None:
    axis.axis("off")
    axis.set_aspect("equal")
    first, last = -setting.padding, setting.pixels + setting.padding
    for pixel in range(first, last):
        inside = 0 <= pixel < setting.pixels
        style = {"fc": PALE, "ec": PAPER} if inside else {"fc": "none", "ec": GREY}
        dash = {"ls": "-" if inside else ":"}
        axis.add_patch(Rectangle((pixel, 0), 1, 1, lw=1, **style, **dash))
        if not inside:
            middle = {"ha": "center", "va": "center", "fontsize": SMALL}
            axis.text(pixel + 0.5, 0.5, "0", color=GREY, **middle)
    beginnings = range(first, last, setting.stride)
    fits = [begin for begin in beginnings if begin + setting.span <= last]
    # The first that does not fit shows why there are no more.
    shown = beginnings[: len(fits) + (setting.stride > 1)]
    for number, begin in enumerate(shown):
        y, taken = -0.5 - 0.62 * number, begin in fits
        ends = begin + 0.5, begin + setting.span - 0.5
        colour = BLUE if taken else RED
        axis.plot(ends, (y, y), color=colour, lw=1.5, ls="-" if taken else ":")
        reads = np.arange(setting.kernel) * setting.dilation + ends[0]
        axis.plot(reads, np.full_like(reads, y), "o", color=colour, ms=5)
    title = f"{setting}:\n{len(fits)} windows"
    axis.set_title(title, loc="left", fontsize=SMALL)
    axis.set(xlim=(-1.2, 10.2), ylim=(-0.4 - 0.62 * 5, 1.1))


@drawing
def channels(image: Tensor, kernel: Tensor, bias: float) -> Axes:
    """Draw one output map of a convolution that reads several channels.

    Args:
        image: (channels, H, H), small whole numbers.
        kernel: (channels, k, k), one kernel.
        bias: Added to the sum over the channels.
    """
    # In groups, each channel meets its own part of the kernel and no other.
    parts = F.conv2d(image[None], kernel[:, None], groups=len(image))[0]
    side, k, out = image.shape[1], kernel.shape[1], parts.shape[1]
    down = side + 1.3  # from channel to channel
    numbers = side + k + 2 * out + 3.6  # their breadth, in cells
    beside = 0 if is_narrow() else numbers + 1.2
    high = down * len(image)
    top = high + 0.4 if is_narrow() else 0
    size = (max(numbers, 13), high + 6.6) if is_narrow() else (beside + 7, high + 0.4)
    cell = width() / size[0]
    axis = plt.figure(figsize=(width(), cell * size[1])).add_axes((0, 0, 1, 1))
    words = {"ha": "center", "va": "center", "fontsize": SMALL}
    for number, (sheet, part, result) in enumerate(
        zip(image, kernel, parts, strict=True)
    ):
        x, y = 0.2, -number * down - 1
        axis.text(x, y + 0.4, f"channel {number + 1}", ha="left", fontsize=SMALL)
        _grid(axis, sheet, (x, y))
        frame = {"fill": False, "ec": ORANGE, "lw": 2.5, "zorder": 3}
        axis.add_patch(Rectangle((x, y - k), k, k, **frame))
        x += side + 0.7
        middle = y - side / 2
        axis.text(x - 0.35, middle, "∗", **words)
        _grid(axis, part, (x, middle + k / 2), fill=ORANGE)
        x += k + 0.7
        axis.text(x - 0.35, middle, "=", **words)
        _grid(axis, result, (x, middle + out / 2))
        x += out
    x += 1.5
    centre = -1 - (high - 1.3) / 2
    axis.text(x - 0.75, centre + 0.4, "add,", **words)
    axis.text(x - 0.75, centre - 0.4, f"+ {bias:g}", **words)
    _grid(axis, parts.sum(dim=0) + bias, (x, centre + out / 2), fill=BLUE)
    _draw_block(axis, len(image), (beside + 0.3, -top - 4.6))
    axis.set(xlim=(0, size[0]), ylim=(-size[1], 0))
    axis.axis("off")
    return axis


def _grid(
    axis: Axes,
    values: Tensor,
    corner: tuple[float, float],
    *,
    fill: str = PALE,
    shades: Sequence[Sequence[str]] | None = None,
    strong: Tensor | None = None,
) -> None:
    """Draw a table of numbers (rows, columns) in cells of side 1, from its upper left.

    Args:
        shades: A colour for each cell, `fill` for all if None.
        strong: Which numbers are bold, (rows, columns).
    """
    left, top = corner
    for (row, column), value in np.ndenumerate(values.numpy()):
        colour = shades[row][column] if shades else fill
        place = (left + column, top - row - 1)
        axis.add_patch(Rectangle(place, 1, 1, fc=colour, ec="none", alpha=0.3))
        axis.add_patch(Rectangle(place, 1, 1, fill=False, ec=PAPER, lw=1.5))
        bold = strong is not None and bool(strong[row, column])
        axis.text(
            place[0] + 0.5,
            place[1] + 0.5,
            f"{value:g}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=SMALL,
            weight="bold" if bold else "normal",
        )


def _draw_block(axis: Axes, count: int, corner: tuple[float, float]) -> None:
    """Draw channels as sheets one behind the other, and a kernel as a block through."""
    left, low = corner
    step, side, window = 0.9, 3.0, 1.5
    for number in reversed(range(count)):
        x, y = left + number * step, low + number * step
        sheet = {"fc": PALE, "ec": INK, "lw": 0.8, "alpha": 0.6}
        axis.add_patch(Rectangle((x, y), side, side, **sheet))
    shift = (count - 1) * step
    x, y = left + 0.5, low + side - window - 0.5
    front = np.array([[0, 0], [window, 0], [window, window], [0, window]]) + (x, y)
    back = front + shift
    block = {"fc": ORANGE, "ec": ORANGE, "lw": 1.5}
    axis.add_patch(Polygon(back, alpha=0.35, **block))
    for near, far in zip(front, back, strict=True):
        axis.plot(*np.transpose([near, far]), color=ORANGE, lw=1.5)
    axis.add_patch(Polygon(front, alpha=0.55, **block))
    end = left + side + shift + 1.2
    height = y + window / 2 + shift / 2
    arrow = {"arrowstyle": "->", "color": INK, "lw": 1.2}
    axis.annotate(
        "", (end, height), (x + window + shift + 0.1, height), arrowprops=arrow
    )
    axis.add_patch(Rectangle((end + 0.1, height - 0.5), 1, 1, fc=BLUE, ec="none"))
    words = {"ha": "left", "va": "top", "fontsize": SMALL}
    axis.text(left, low - 0.25, "one kernel reads a block through", **words)
    axis.text(left, low - 0.85, "all channels, for one number", **words)


@drawing
def pooling(values: Tensor, sent_back: Tensor) -> Axes:
    """Draw a small map pooled by maximum and by average, and both ways back.

    Args:
        values: The map (H, W), pooled over squares of 2×2.
        sent_back: The gradient of the pooled map, (H/2, W/2).
    """
    x = values.clone().requires_grad_()
    pooled: list[Tensor] = []
    back: list[Tensor] = []
    for pool in (F.max_pool2d, F.avg_pool2d):
        pooled.append(pool(x[None, None], 2)[0, 0])
        back.extend(torch.autograd.grad(pooled[-1], x, sent_back))
    panels = [
        ("a map", values, back[0] != 0),
        ("maximum", pooled[0].detach(), None),
        ("average", pooled[1].detach(), None),
        ("a gradient\ncomes back", sent_back, None),
        ("through\nmaximum", back[0], back[0] != 0),
        ("through\naverage", back[1], None),
    ]
    rows = [panels]
    if is_narrow():  # what goes one way beside what comes back
        rows = [[panels[i], panels[i + 3]] for i in range(3)]
    gap, above = 1.5, 1.9  # in cells: between tables, and for two lines of words
    wide = (
        2 * len(values) + gap
        if is_narrow()
        else sum(len(table) + gap for _, table, _ in panels)
    )
    size = wide + 0.4, len(rows) * (len(values) + above)
    cell = min(width() / size[0], 0.36)
    figure = plt.figure(figsize=(cell * size[0], cell * size[1]))
    axis = figure.add_axes((0, 0, 1, 1))
    for number, row in enumerate(rows):
        left, top = 0.1, -number * (len(values) + above) - above
        for title, table, strong in row:
            axis.text(left, top + 0.2, title, fontsize=SMALL, va="bottom")
            shades = _squares(len(table), len(sent_back))
            _grid(axis, table, (left, top), shades=shades, strong=strong)
            left += gap + len(values if is_narrow() else table)
    axis.set(xlim=(0, size[0]), ylim=(-size[1], 0))
    axis.axis("off")
    return axis


def _squares(side: int, count: int) -> list[list[str]]:
    """Return a colour for each cell of a table of count × count squares."""
    colours = BLUE, ORANGE, GREEN, PURPLE
    square = side // count
    return [
        [
            colours[(row // square * count + column // square) % 4]
            for column in range(side)
        ]
        for row in range(side)
    ]


@drawing
def cone(layers: Mapping[str, tuple[int, int]], side: int) -> Axes:
    """Draw a row of units for each layer, and what the last one's unit looks back on.

    Inside its cone lies that of one unit of the layer before.

    Args:
        layers: Kernel and stride of each layer, by its name.
        side: How many pixels the input is wide.
    """
    names, starts, fields = ["input"], [np.arange(side)], [1]
    for name, (kernel, stride) in layers.items():
        step = starts[-1][1] - starts[-1][0]
        count = (len(starts[-1]) - kernel) // stride + 1
        fields.append(fields[-1] + (kernel - 1) * step)
        starts.append(starts[-1][: count * stride : stride])
        names.append(name)
    figure, axis = plt.subplots(figsize=(width(), 2.5), layout="constrained")
    axis.axis("off")
    centres = [start + field / 2 for start, field in zip(starts, fields, strict=True)]
    for unit, top, colour in ((0, len(layers), PALE), (1, len(layers) - 1, BLUE)):
        reads = [unit, unit]  # the first and the last unit of a row within the cone
        for row in range(top, 0, -1):
            kernel, stride = list(layers.values())[row - 1]
            below = [reads[0] * stride, reads[1] * stride + kernel - 1]
            corners = [
                (centres[row][reads[0]] - 0.45, row - 0.16),
                (centres[row][reads[1]] + 0.45, row - 0.16),
                (centres[row - 1][below[1]] + 0.45, row - 0.84),
                (centres[row - 1][below[0]] - 0.45, row - 0.84),
            ]
            axis.add_patch(Polygon(corners, fc=colour, ec="none", alpha=0.35))
            reads = below
    words = {"va": "center", "fontsize": SMALL}
    for row, (name, middle, field) in enumerate(
        zip(names, centres, fields, strict=True)
    ):
        for place in middle:
            corner = (place - 0.4, row - 0.16)
            axis.add_patch(Rectangle(corner, 0.8, 0.32, fc=GREY, ec="none"))
        axis.text(-1, row, f"{name}: {len(middle)}", ha="right", **words)
        if row:
            axis.text(side + 0.6, row, f"sees {field}", ha="left", **words)
    mine = Rectangle(
        (centres[-2][1] - 0.4, len(layers) - 1.16), 0.8, 0.32, fc=BLUE, ec="none"
    )
    axis.add_patch(mine)
    room = (9.5, 8.5) if is_narrow() else (5.5, 4.5)
    axis.set(xlim=(-room[0], side + room[1]), ylim=(-0.4, len(layers) + 0.4))
    return axis


class Drawn(NamedTuple):
    """What layer F6 makes of an image."""

    title: str
    image: Tensor  # (32, 32)
    drawing: Tensor  # (84,): the outputs of F6
    distances: Tensor  # (10,): its squared distances to the codes


@drawing
def drawings(examples: Sequence[Drawn], codes: Tensor) -> Axes:
    """Draw images, each with what F6 draws of it and the two codes nearest to that.

    Args:
        codes: Of the classes, (10, 84).
    """
    columns = 1 if is_narrow() else 2
    across = width() / columns
    tall = 0.95  # inches, of a bitmap
    wide, gap = tall * 7 / 12, 0.19
    down = tall + 0.75
    rows = -(-len(examples) // columns)
    axis = plt.figure(figsize=(width(), rows * down)).add_axes((0, 0, 1, 1))
    words = {"ha": "center", "va": "top", "fontsize": SMALL}

    def picture(values: Tensor, left: float, top: float, breadth: float) -> None:
        axis.imshow(
            values.numpy(),
            cmap="gray_r",
            vmin=-1.2 if breadth == wide else None,
            vmax=1.2 if breadth == wide else None,
            interpolation="none",
            extent=(left, left + breadth, top - tall, top),
        )
        frame = {"fill": False, "ec": PALE, "lw": 0.8}
        axis.add_patch(Rectangle((left, top - tall), breadth, tall, **frame))

    for number, example in enumerate(examples):
        left, top = number % columns * across + 0.03, -(number // columns) * down - 0.28
        axis.text(left, top + 0.08, example.title, fontsize=SMALL, weight="bold")
        picture(example.image, left, top, tall)
        below = top - tall - 0.06
        axis.text(left + tall / 2, below, "the image", **words)
        left += tall + gap
        picture(example.drawing.view(12, 7), left, top, wide)
        axis.text(left + wide / 2, below, "F6 draws", **words)
        for code in example.distances.argsort()[:2].tolist():
            left += wide + gap
            picture(codes[code].view(12, 7), left, top, wide)
            label = f"{code}: {example.distances[code]:.1f}"
            axis.text(left + wide / 2, below, label, **words)
    axis.set(xlim=(0, width()), ylim=(-rows * down, 0))
    axis.axis("off")
    return axis


@drawing
def slid(canvas: Tensor, distances: Tensor, step: int, near: float) -> np.ndarray:
    """Draw a wide image, and below each window's place what the network reads there.

    Args:
        canvas: The image (H, W), read by windows of H×H.
        distances: Of each window to the codes, (windows, 10).
        step: From window to window, in pixels.
        near: Up to this distance a reading counts.
    """
    high, wide = canvas.shape
    figure, axes = plt.subplots(
        2,
        1,
        figsize=(width(5.2), high / wide * width(5.2) + 1.9),
        sharex=True,
        height_ratios=(high / wide * width(5.2), 1.7),
        layout="constrained",
    )
    picture, curve = axes
    picture.imshow(canvas.numpy(), cmap="gray_r", extent=(0, wide, high, 0))
    picture.axis("off")
    nearest, classes = (each.numpy() for each in distances.min(dim=1))
    middles = high / 2 + step * np.arange(len(distances))
    curve.plot(middles, nearest, color=PALE, lw=1.5)
    for middle, distance, label in zip(
        middles, nearest.tolist(), classes.tolist(), strict=True
    ):
        reads = distance <= near
        colour, size = (BLUE, 12) if reads else (GREY, SMALL)
        curve.annotate(
            label,
            (middle, distance),
            ha="center",
            va="center",
            color=colour,
            fontsize=size,
            weight="bold" if reads else "normal",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
        )
    curve.axhline(near, color=BLUE, lw=1, ls=":")
    curve.set(
        yscale="log",
        ylim=(nearest.min() / 2, 2 * nearest.max()),
        ylabel="squared distance\nto the nearest code",
        xlabel="middle of the window, pixels",
    )
    return axes
