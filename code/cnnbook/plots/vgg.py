"""Chapter 3: stacks of small kernels, and the receptive fields that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from .._forms import is_narrow, width
from . import charts
from .labels import CLEAR
from .style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PAPER,
    SMALL,
    drawing,
    in_words,
)


@drawing
def nested_fields(
    fields: Mapping[str, Sequence[int]], photograph: Tensor
) -> np.ndarray:
    """Draw on a photograph what a unit in the middle of each layer sees.

    Args:
        fields: For each network the sides of its layers' fields in pixels, in order.
        photograph: (3, H, W), from 0 to 1.
    """
    size = (width(), 0.5 * width() + 0.4)
    figure, axes = plt.subplots(1, len(fields), figsize=size)
    figure.subplots_adjust(0.01, 0.01, 0.99, 1 - 0.5 / size[1], wspace=0.04)
    axes = np.atleast_1d(axes)
    for axis, (network, sides) in zip(axes, fields.items(), strict=True):
        axis.imshow(photograph.permute(1, 2, 0).numpy())
        middle = (photograph.shape[-1] - 1) / 2
        for side in sides:
            corner = (middle - side / 2, middle - side / 2)
            for colour, thick in ((INK, 2.2), (PAPER, 1.2)):  # seen on any photo
                style = {"fill": False, "ec": colour, "lw": thick}
                axis.add_patch(Rectangle(corner, side, side, **style))
        ends = " to ".join(f"{side}×{side}" for side in (sides[0], sides[-1]))
        axis.set_title(f"{network}, {len(sides)} layers:\n{ends} pixels")
        axis.axis("off")
    return axes


@drawing
def layers_side_by_side(networks: Mapping[str, Sequence[tuple[str, str]]]) -> Axes:
    """Draw networks as columns of layers, from the input at the bottom upwards.

    Args:
        networks: For each network its layers in order: what to write on the layer,
            and its kind ("conv", "pool" or "dense").
    """
    colours = {"conv": BLUE, "pool": ORANGE, "dense": GREEN}
    tallest = max(map(len, networks.values()))
    figure, axis = plt.subplots(figsize=(width(5.6), 0.27 * tallest + 0.6))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)
    axis.axis("off")
    # All layers are equally high, whatever their size: a column's height is its depth.
    for column, (name, layers) in enumerate(networks.items()):
        axis.text(column, -0.2, name, ha="center", va="center", weight="bold")
        for height, (label, kind) in enumerate(layers, start=1):
            corner = (column - 0.44, height - 0.41)
            box = Rectangle(corner, 0.88, 0.82, fc=colours[kind], ec="none", alpha=0.25)
            axis.add_patch(box)
            axis.text(column, height, label, ha="center", va="center", fontsize=SMALL)
    words = "blue: convolution, orange: pooling, green: dense"
    middle = (len(networks) - 1) / 2
    axis.text(middle, -1.1, words, ha="center", va="center", c=GREY, fontsize=SMALL)
    axis.set(xlim=(-0.5, len(networks) - 0.5), ylim=(-1.6, tallest + 0.6))
    return axis


@drawing
def pyramids(stacks: Mapping[str, Sequence[int]]) -> Axes:
    """Draw along one axis which pixels the one unit on top sees, through each stack.

    Args:
        stacks: For each stack its kernel sizes, the first layer first; stride 1.
    """
    # Along one axis only: the other is alike, and a pyramid in space hides its inside.
    figure, axis = plt.subplots(figsize=(width(), 0.4 * width()))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)
    axis.axis("off")
    axis.set_aspect("equal")
    left = 0.0
    for name, kernels in stacks.items():
        levels = range(len(kernels) + 1)  # the pixels, then the layers
        seen = [1 + sum(kernel - 1 for kernel in kernels[level:]) for level in levels]
        middle = left + seen[0] / 2
        for level in levels:
            for unit in range(seen[level]):
                x, y = middle + unit - seen[level] / 2, 2 * level
                colour = GREY if level == 0 else CYCLE[level - 1]
                axis.add_patch(
                    Rectangle((x + 0.1, y), 0.8, 0.8, fc=colour, ec="none", alpha=0.6)
                )
                if level:
                    for tap in range(kernels[level - 1]):
                        below = middle + unit + tap - seen[level - 1] / 2 + 0.5
                        ends = ([x + 0.5, below], [y, y - 1.2])
                        axis.plot(*ends, color=GREY, lw=0.7)
        axis.text(
            middle, -0.4, f"{seen[0]} pixels", ha="center", va="top", fontsize=SMALL
        )
        axis.text(
            middle,
            2 * len(kernels) + 1.1,
            name,
            ha="center",
            weight="bold",
            fontsize=SMALL,
        )
        left += seen[0] + 2
    axis.set(
        xlim=(-0.5, left - 1.5), ylim=(-1.8, 2 * max(map(len, stacks.values())) + 2)
    )
    return axis


@drawing
def stride_walk(layers: Sequence[tuple[int, int, int]], pixels: int = 9) -> Axes:
    """Draw along one axis what size, jump and start of a unit's field are.

    Each row is a layer, its units above the middle of their fields; what lies in the
    padding is dashed. Below the pixels are the fields of the last layer's first two
    units.

    Args:
        layers: Kernel, stride and padding of each layer.
        pixels: How many the input has.
    """
    fields = [(1, 1, 0)]  # size, jump and start: of a pixel, then by layer
    counts = [pixels]
    for kernel, stride, padding in layers:
        size, jump, start = fields[-1]
        fields.append(
            (size + (kernel - 1) * jump, jump * stride, start - padding * jump)
        )
        counts.append((counts[-1] + 2 * padding - kernel) // stride + 1)
    size, jump, first = fields[-1]
    figure, axis = plt.subplots(figsize=(width(), 2.9 if is_narrow() else 3.6))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)
    axis.axis("off")
    for level, (own, step, begin) in enumerate(fields):
        middle = begin + (own - 1) / 2
        padded = layers[level][2] if level < len(layers) else 0
        for unit in range(-padded, counts[level] + padded):
            inside = 0 <= unit < counts[level]
            style = {"fc": GREY if level == 0 else CYCLE[level - 1], "alpha": 0.55}
            if not inside:
                style = {"fc": "none", "ls": ":", "lw": 1.2}
            corner = (middle + unit * step - 0.4, 2.4 * level)
            edge = "none" if inside else GREY
            axis.add_patch(Rectangle(corner, 0.8, 0.8, ec=edge, **style))
        words = ""
        if level:
            kernel, stride, padding = layers[level - 1]
            words = f"stride {stride}"
            if not is_narrow():
                words = f"{kernel}×{kernel}, {words}, padding {padding}"
            _draw_reading(axis, layers, fields, level)
        words += f"{': ' if words else ''}r = {own}, j = {step}, a = {begin}"
        words = words.replace("-", "−") if level else f"pixels: {words}"
        axis.text(2.3, 2.4 * level + 0.95, words, fontsize=SMALL, va="bottom")
    for unit, colour in enumerate((BLUE, ORANGE)):
        begin, depth = first + unit * jump, -0.5 - 0.85 * unit
        ends = (begin - 0.45, begin + size - 0.55)
        axis.plot(ends, (depth, depth), color=colour, lw=4, solid_capstyle="butt")
        words = f"r = {size} pixels from a = {first}".replace("-", "−")
        if unit:
            words = f"the next: j = {jump} further"
        place = {"ha": "left", "va": "center", "fontsize": SMALL}
        axis.text(ends[1] + 0.3, depth, words, color=in_words(colour), **place)
    right = pixels + (4.2 if is_narrow() else 2.2)
    axis.set(xlim=(first - 0.7, right), ylim=(-1.9, 2.4 * len(layers) + 1.9))
    return axis


def _draw_reading(
    axis: Axes,
    layers: Sequence[tuple[int, int, int]],
    fields: Sequence[tuple[int, int, int]],
    level: int,
) -> None:
    """Draw what the first unit of a layer reads in the row below."""
    kernel, _, padding = layers[level - 1]
    size, _, start = fields[level]
    own, step, begin = fields[level - 1]
    top = start + (size - 1) / 2
    for tap in range(kernel):
        below = begin + (own - 1) / 2 + (tap - padding) * step
        ends = (2.4 * level, 2.4 * level - 1.6)
        axis.plot((top, below), ends, color=GREY, lw=0.8, zorder=0)


@drawing
def path_triangles(stacks: Mapping[str, Sequence[np.ndarray]]) -> Axes:
    """Draw how many paths lead from the unit on top to each place below it.

    Args:
        stacks: For each title the counts, as from `receptive_field.path_counts`.
    """
    widths = [len(levels[-1]) for levels in stacks.values()]
    heights = [len(levels) + 1.6 for levels in stacks.values()]
    across = max(widths) if is_narrow() else sum(widths) + 2 * len(widths) - 2
    down = sum(heights) if is_narrow() else max(heights)
    cell = min(0.34, width() / (across + 0.4))
    size = (width(), cell * down)
    figure, axis = plt.subplots(figsize=size)
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    axis.set_aspect("equal")
    left, top = 0.0, 0.0
    for (name, levels), wide, high in zip(stacks.items(), widths, heights, strict=True):
        middle = across / 2 if is_narrow() else left + wide / 2
        axis.text(middle, top - 0.7, name, ha="center", va="center", weight="bold")
        for row, counts in enumerate(levels):
            for place, count in enumerate(counts):
                x, y = middle - len(counts) / 2 + place, top - 2.4 - row
                share = count / counts.max()
                box = Rectangle((x + 0.04, y + 0.04), 0.92, 0.92, fc=BLUE, ec="none")
                box.set_alpha(0.06 + 0.34 * share)
                if not count:
                    box.set(fc="none", ec=PALE, alpha=1)
                axis.add_patch(box)
                centre = {"ha": "center", "va": "center", "fontsize": SMALL}
                axis.text(x + 0.5, y + 0.47, f"{count}", **centre)
        if is_narrow():
            top -= high
        else:
            left += wide + 2
    pad = (width() / cell - across) / 2
    axis.set(xlim=(-pad, across + pad), ylim=(-down, 0))
    return axis


@drawing
def kernel_shapes(ways: Mapping[str, Sequence[np.ndarray]]) -> Axes:
    """Draw kernels as grids of weights, those of one stack side by side.

    Args:
        ways: For each title the kernels of its layers, 1 where there is a weight.
    """
    columns = 2 if is_narrow() else len(ways)
    rows = -(-len(ways) // columns)
    wide, high = 8.6, 8.2
    cell = width() / (columns * wide)
    figure, axis = plt.subplots(figsize=(width(), rows * high * cell))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    axis.set_aspect("equal")
    for number, (name, kernels) in enumerate(ways.items()):
        middle = (number % columns + 0.5) * wide
        top = -(number // columns) * high
        place = {"ha": "center", "va": "center", "fontsize": SMALL}
        axis.text(middle, top - 0.7, name, weight="bold", **place)
        x = middle - (sum(k.shape[1] for k in kernels) + len(kernels) - 1) / 2
        for kernel in kernels:
            tall, across = kernel.shape
            for (row, column), weight in np.ndenumerate(kernel):
                y = top - 4 + tall / 2 - row - 1
                box = Rectangle((x + column + 0.05, y + 0.05), 0.9, 0.9, alpha=0.6)
                box.set(fc=BLUE if weight else "none", ec="none" if weight else PALE)
                axis.add_patch(box)
            x += across + 1
        count = sum(int(kernel.sum()) for kernel in kernels)
        axis.text(middle, top - 7.3, f"{count} weights", **place)
    axis.set(xlim=(0, columns * wide), ylim=(-rows * high, 0))
    return axis


@drawing
def marked_lines(
    table: pd.DataFrame, marks: Mapping[str, float], **options: Any
) -> Axes:
    """Draw `charts.lines` with upright marks, each with its name beside it.

    Args:
        table: A line for each column.
        marks: Where each mark stands on the lower axis.
        options: As for `charts.lines`.
    """
    axis = charts.lines(table, **options)
    bottom, top = axis.get_ylim()
    for row, (name, place) in enumerate(marks.items()):
        axis.axvline(place, color=GREY, lw=1.2, ls="--", zorder=1)
        axis.annotate(
            name,
            (place, bottom + (top - bottom) * (0.98 - 0.09 * row)),
            xytext=(4 if row == len(marks) - 1 else -4, 0),
            textcoords="offset points",
            ha="left" if row == len(marks) - 1 else "right",
            va="top",
            color=GREY,
            fontsize=SMALL,
            bbox=CLEAR,
        )
    return axis


@drawing
def profile(
    table: pd.DataFrame, band: tuple[str, float], *, xlabel: str, **scales: object
) -> Axes:
    """Draw curves around zero, named where they are high, and a band in the middle.

    Args:
        table: A curve for each column.
        band: Its name and how wide it is.
        scales: What `Axes.set` takes, such as ``ylabel``.
    """
    size = (width(), 3.3 if is_narrow() else 3.4)
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    name, wide = band
    axis.axvspan(-wide / 2, wide / 2, color=GREY, alpha=0.12, lw=0)
    place = {"ha": "center", "va": "bottom", "fontsize": SMALL, "color": GREY}
    axis.text(0, 0.02 * table.to_numpy().max(), name, **place)
    for column, colour, row in zip(
        table, CYCLE, range(len(table.columns)), strict=False
    ):
        axis.plot(table.index, table[column], color=colour)
        spot = {"xytext": (0.98, 0.96 - 0.09 * row), "ha": "right", "va": "top"}
        axis.annotate(
            column,
            (0, 0),
            textcoords="axes fraction",
            color=in_words(colour),
            weight="bold",
            **spot,
        )
    axis.set(xlabel=xlabel, ylim=(0, None), **scales)
    return axis


@drawing
def receptive_field(
    photograph: Tensor, window: tuple[int, int], share: Tensor, inner: int
) -> np.ndarray:
    """Draw a photograph with a unit's field, and the field as the unit sees it.

    In the middle of both a smaller square holds most of what the unit depends on.

    Args:
        photograph: (3, H, W), from 0 to 1.
        window: First and last pixel that the unit sees, on both axes alike.
        share: (H, W); how much it depends on each pixel, 1 at the most. Pixels on
            which it depends little fade to white.
        inner: Side of the smaller square in pixels.
    """
    first, last = window
    size = last - first + 1
    image = photograph.permute(1, 2, 0).numpy()
    faded = 1 - (1 - image) * share.numpy()[:, :, None]
    figure, axes = plt.subplots(1, 2, figsize=(width(), 0.5 * width() + 0.2))
    figure.subplots_adjust(0, 0, 1, 1 - 0.25 / (0.5 * width() + 0.2), wspace=0.04)
    seen = "seen" if is_narrow() else "what the unit sees"
    titles = ("photograph", f"{seen}: {size}×{size}")
    for axis, shown, title in zip(axes, (image, faded), titles, strict=True):
        axis.imshow(shown, interpolation="none")
        axis.set_title(title, fontsize=SMALL)
        axis.axis("off")
    corner = (first - 0.5, first - 0.5)
    for colour, thick in ((INK, 3.5), (PAPER, 1.5)):  # seen on any photograph
        frame = Rectangle(corner, size, size, fill=False, ec=colour, lw=thick)
        axes[0].add_patch(frame)
    corner = ((first + last - inner) / 2,) * 2
    for axis in axes:
        for colour, thick in ((INK, 2.5), (ORANGE, 1.5)):
            style = {"fill": False, "ec": colour, "lw": thick}
            axis.add_patch(Rectangle(corner, inner, inner, **style))
    axes[1].set(xlim=(first - 0.5, last + 0.5), ylim=(last + 0.5, first - 0.5))
    return axes


@drawing
def dots_with_means(values: Mapping[str, Sequence[float]], *, xlabel: str) -> Axes:
    """Draw groups of values as dots, each group's mean, and its standard error.

    Groups whose labels begin with the same line have the same colour.
    """
    height = 0.55 * len(values) + 0.85
    figure, axis = plt.subplots(figsize=(width(), height), layout="constrained")
    kinds = dict.fromkeys(label.split("\n")[0] for label in values)
    colours = dict(zip(kinds, CYCLE, strict=False))
    for row, (label, group) in enumerate(values.items()):
        points = np.asarray(group)
        error = points.std(ddof=1) / len(points) ** 0.5
        colour = colours[label.split("\n")[0]]
        axis.plot(points, np.full(len(points), row), "o", color=colour, alpha=0.4)
        # All seeds as dots, and the mean below them: it would hide some of so few.
        style = {"color": colour, "capsize": 5, "lw": 2}
        axis.errorbar(points.mean(), row + 0.22, xerr=error, fmt="D", **style)
    words = ("dots: seeds", "diamonds: their mean and its standard error")
    joined = ("\n" if is_narrow() else "; ").join(words)
    axis.set(xlabel=f"{xlabel}\n{joined}", ylim=(len(values) - 0.4, -0.5))
    axis.set_yticks(range(len(values)), list(values))
    axis.grid(False, axis="y")
    return axis
