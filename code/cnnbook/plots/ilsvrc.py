"""Chapter 2: the ImageNet challenge, its winners, and what the winners built."""

from __future__ import annotations

import csv
import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from .._forms import is_narrow, width
from .style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PAPER,
    RED,
    SMALL,
    drawing,
    in_words,
)


@drawing
def staircase(results: pd.DataFrame) -> Axes:
    """Draw the winners among the rows of `papers.ilsvrc` as stairs that fall."""
    winners = results[results.place_in_year == 1]
    _, axis = plt.subplots(figsize=(width(), 3.2), layout="constrained")
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    colours = winners.kind.map({"shallow": GREY, "convolutional": BLUE})
    axis.bar(winners.year, winners.error, width=0.94, color=colours)
    for row in winners.itertuples():
        axis.text(row.year, row.error + 0.4, f"{row.error:.1f}", ha="center")
        if row.kind == "convolutional":  # upright on a phone: wider than its stair
            name = row.system.split(" of ")[0]
            upright = 90 * is_narrow()
            axis.text(row.year, row.error + 2.5, name, ha="center", rotation=upright)
    for height, (words, colour) in zip(
        (30.5, 27.8),
        {
            "features that people designed": GREY,
            "features that networks learnt": BLUE,
        }.items(),
        strict=True,
    ):
        axis.text(2017.8, height, words, color=colour, ha="right")
    axis.set(xticks=winners.year, yticks=[], ylim=(0, 33), xlim=(2009.5, 2017.9))
    return axis


@drawing
def topk_guesses(
    scores: Mapping[str, float],
    right: str,
    k: int,
    errors: Mapping[str, Sequence[float]],
) -> Sequence[Axes]:
    """Draw one image's best scores with the first k marked, and errors against k.

    Args:
        scores: The scores of the best classes by name, best first.
        right: The name of the right class.
        k: How many guesses are allowed.
        errors: For two classifiers, the better one first, the error in % at each k.
    """
    # Set by hand: to find them takes half a second a picture.
    if is_narrow():
        figure, (left, axis) = plt.subplots(2, 1, figsize=(width(), 5.6))
        figure.subplots_adjust(0.42, 0.09, 0.98, 0.95, hspace=0.42)
        axis.set_position((0.17, 0.09, 0.81, 0.36))
    else:
        figure, (left, axis) = plt.subplots(1, 2, figsize=(width(), 3))
        figure.subplots_adjust(0.25, 0.17, 0.99, 0.9, wspace=0.3)
    left.grid(False)
    colours = [
        PALE if place >= k else GREEN if name == right else BLUE
        for place, name in enumerate(scores)
    ]
    left.barh(range(len(scores)), list(scores.values()), color=colours)
    left.set(ylim=(len(scores) - 0.4, -0.6), xlabel="score", yticks=range(len(scores)))
    shown = [f"{name} ✓" if name == right else name for name in scores]
    left.set_yticklabels(shown)
    left.set_title("right" if right in list(scores)[:k] else "wrong", loc="left")
    steps = range(1, 1 + len(next(iter(errors.values()))))
    above = 7
    for (name, values), colour in zip(errors.items(), CYCLE, strict=False):
        axis.plot(steps, values, color=colour, label=name)
        axis.plot(k, values[k - 1], "o", color=colour, markersize=9)
        # Curves that fall leave room at the upper right.
        axis.annotate(
            f"{values[k - 1]:.0f} %",
            (k, values[k - 1]),
            xytext=(7, above),
            textcoords="offset points",
            va="bottom",
            color=in_words(colour),
        )
        # The words of the next one stand above those of a curve that is near.
        others = [other[k - 1] for other in errors.values() if other is not values]
        above = 20 if any(abs(other - values[k - 1]) < 12 for other in others) else 7
    axis.legend(loc="upper right", frameon=False, borderaxespad=0)
    axis.set(
        xlabel="k, the guesses allowed",
        ylabel="top-k error, %",
        ylim=(0, 135),
        yticks=range(0, 101, 20),
        xlim=(0.7, steps[-1] + 1.8),
        xticks=list(steps),
    )
    return left, axis


@drawing
def gpu_towers(table: pd.DataFrame, groups: Mapping[str, int | None]) -> Axes:
    """Draw a network that two GPUs share: which half of each layer reads which half.

    Args:
        table: `cost.layer_table` of the network.
        groups: The layers to draw, in order. With 2 groups each half reads its own
            side only, with 1 group both; None is a layer that is not split.
    """
    shapes = table.set_index("layer").output_shape
    # On a phone the words above and below the layers have two lines.
    low, high = (-1.8, 2.2) if is_narrow() else (-1.35, 1.85)
    figure, axis = plt.subplots(figsize=(width(), 0.63 * (high - low)))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    axis.add_patch(_box(0, 0.5, GREY))
    words = {"ha": "center", "fontsize": SMALL}
    axis.text(0, 1.52, "input", **words)
    before: list[float] = [0.5]
    for x, (name, count) in enumerate(groups.items(), start=1):
        places = [0.5] if count is None else [0.0, 1.0]
        maps = shapes[name][0] // len(places)
        axis.text(x, 1.52, _in_two(name) if is_narrow() else name, **words)
        size = f"2×{maps}" if count else str(maps)
        if is_narrow():
            size = size.replace("×", "×\n")
        axis.text(x, -0.52, size, va="top", **words)
        for place in places:
            axis.add_patch(_box(x, place, {0.0: BLUE, 1.0: RED}.get(place, GREY)))
            for source in before:
                if count == 2 and source not in (0.5, place):
                    continue
                # Where the halves meet is what the figure is for: black on pale.
                crosses = {source, place} == {0, 1}
                style = {"color": INK if crosses else PALE, "lw": 1.4}
                axis.annotate(
                    "",
                    (x - 0.24, place),
                    (x - 0.76, source),
                    arrowprops={"arrowstyle": "->", **style},
                )
        before = places
    gpu = "GPU {}" if not is_narrow() else "GPU\n{}"
    for place, number, colour in ((1, 1, RED), (0, 2, BLUE)):
        style = {"ha": "right", "va": "center", "color": in_words(colour)}
        axis.text(-0.34, place, gpu.format(number), **style)
    key = ("crossing: from one GPU to the other", "below each layer: its maps or units")
    axis.text(
        -1,
        low + 0.05,
        ("\n" if is_narrow() else "; ").join(key),
        color=GREY,
        va="bottom",
        fontsize=SMALL,
    )
    right = 0.6 if is_narrow() else 0.4
    axis.set(xlim=(-1.1, len(groups) + right), ylim=(low, high))
    return axis


def _in_two(name: str) -> str:
    """Break a layer's name before its number."""
    return f"{name.rstrip('0123456789')}\n{name.lstrip('abcdefghijklmnopqrstuvwxyz')}"


def _box(x: float, y: float, colour: str) -> Rectangle:
    return Rectangle((x - 0.24, y - 0.32), 0.48, 0.64, color=colour, alpha=0.85)


@drawing
def stacked_macs(modules: Mapping[str, pd.DataFrame]) -> Axes:
    """Draw each module's MACs as a bar made of its layers, named in it or below it.

    Args:
        modules: For each module its `cost.layer_table`; at most six layers in all.
    """
    figure, axis = plt.subplots(
        figsize=(width(), (1.0 if is_narrow() else 0.85) * len(modules) + 0.8),
        layout="constrained",
    )
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    longest = max(table.macs.sum() for table in modules.values()) / 1e6
    layers = pd.concat(modules.values()).query("macs > 0").layer.unique()
    colours = dict(zip(layers, CYCLE, strict=False))
    for place, table in enumerate(modules.values()):
        left, thin = 0.0, []
        for row in table[table.macs > 0].itertuples():
            share = row.macs / 1e6
            colour = colours[row.layer]
            axis.barh(
                -place, share, 0.62, left, color=colour, alpha=0.4, edgecolor=PAPER
            )
            if (
                share > (0.16 if is_narrow() else 0.07) * longest
            ):  # in a shorter one the name has no room
                middle = left + share / 2
                axis.text(middle, -place, row.layer, ha="center", va="center")
            else:
                thin.append(row.layer)
            left += share
        words = f"thin parts: {', '.join(thin)}" if thin else ""
        if is_narrow():
            words = textwrap.fill(words, 40)
        axis.text(0, -place - 0.34, words, va="top", color=GREY, fontsize=SMALL)
        axis.text(left + 0.01 * longest, -place, f"{left:.0f} M", va="center")
    axis.set(
        yticks=[-place for place in range(len(modules))],
        xlabel="multiply-accumulates for one input, millions",
        xlim=(0, longest * (1.22 if is_narrow() else 1.12)),
        ylim=(-len(modules) + 0.15, 0.45),
    )
    axis.set_yticklabels(list(modules))
    axis.tick_params(axis="y", length=0)
    return axis


@drawing
def guesses(
    pictures: Sequence[Tensor], best: Sequence[Mapping[str, float]]
) -> list[Axes]:
    """Draw photographs, each with a network's best classes and their shares.

    Args:
        pictures: (3, H, W) in uint8, what the network saw.
        best: For each of them its best classes by name, with their shares from 0 to 1.
    """
    columns = 1 if is_narrow() else 2
    rows = -(-len(pictures) // columns)
    figure = plt.figure(figsize=(width(), 1.3 * rows))
    axes = []
    for place, (picture, shares) in enumerate(zip(pictures, best, strict=True)):
        row, column = divmod(place, columns)
        left, below = column / columns, 1 - (row + 1) / rows
        across, high = 1.18 / width(), 0.91 / rows
        shown = figure.add_axes((left, below + 0.04 / rows, across, high))
        shown.imshow(picture.permute(1, 2, 0).numpy())
        shown.axis("off")
        start = left + across + 0.1 / width()
        bars = figure.add_axes((start, below, left + 1 / columns - start, 1 / rows))
        bars.axis("off")
        for line, (name, share) in enumerate(shares.items()):
            colour = BLUE if line == 0 else PALE
            bars.barh(-line - 0.36, share, 0.13, color=colour)
            bars.text(0, 0.06 - line, name, va="center")
            percent = f"{share:.0%}" if share >= 0.005 else "< 1%"
            bars.text(1, 0.06 - line, percent, va="center", ha="right")
        bars.set(xlim=(0, 1.04), ylim=(-len(shares) + 0.3, 0.55))
        axes.append(bars)
    return axes


@drawing
def colour_kernels(kernels: Tensor) -> Axes:
    """Draw kernels that read colours: the patch that each of them answers most to.

    Args:
        kernels: (N, 3, k, k). Grey is zero; each is scaled to its largest weight, but
            one that is nearly zero throughout stays grey.
    """
    columns = 8 if is_narrow() else 16
    rows = -(-len(kernels) // columns)
    figure = plt.figure(figsize=(width(), width() / columns * rows))
    axis = figure.add_axes((0, 0, 1, 1))
    for place, kernel in enumerate(kernels):
        row, column = divmod(place, columns)
        patch = 0.5 + 0.5 * kernel / kernel.abs().max().clamp(min=1e-3)
        extent = (column + 0.06, column + 0.94, -row - 0.94, -row - 0.06)
        axis.imshow(patch.permute(1, 2, 0).numpy(), extent=extent, interpolation="none")
    axis.set(xlim=(0, columns), ylim=(-rows, 0))
    axis.axis("off")
    return axis


@drawing
def activation_functions() -> np.ndarray:
    """Draw tanh and ReLU, and below or beside them their derivatives."""
    narrow = is_narrow()
    shape, size = ((2, 1), (width(), 4.2)) if narrow else ((1, 2), (width(), 2.4))
    figure, axes = plt.subplots(*shape, figsize=size, layout="constrained")
    a = np.linspace(-4, 4, 161)
    drawn = {
        "output": {"tanh": np.tanh(a), "ReLU": np.maximum(a, 0)},
        "derivative": {"tanh": 1 - np.tanh(a) ** 2, "ReLU": np.where(a > 0, 1.0, 0.0)},
    }
    for axis, (name, lines) in zip(axes, drawn.items(), strict=True):
        for (label, values), colour in zip(lines.items(), (GREEN, BLUE), strict=True):
            axis.plot(a, values, color=colour, label=label)
        axis.set(xlabel="sum a", ylabel=name)
    axes[0].set(ylim=(-1.3, 2.6))
    axes[1].set(ylim=(-0.1, 1.3))
    axes[0].legend(loc="upper left", frameon=False)
    words = "saturated:\nhardly any\ngradient"
    axes[1].text(3.0, 0.36, words, ha="center", color=in_words(GREEN), fontsize=SMALL)
    return axes


def _layers(lines: str) -> list[tuple[str, str, int, int]]:
    """Read the layers of a network: kind, words, maps and side, a line each."""
    rows = csv.reader(lines.splitlines(), skipinitialspace=True)
    return [(kind, words, int(maps), int(side)) for kind, words, maps, side in rows]


@drawing
def side_by_side(networks: Mapping[str, str]) -> Axes:
    """Draw networks as columns of layers, from the image down to the scores.

    Args:
        networks: For each its layers, a line each: kind ("image", "convolution",
            "pooling" or "dense"), what it does in words (in quotation marks if they
            have a comma), its maps or units, and the side of a map. The larger the
            side, the wider the box; equal steps are equal factors.
    """
    columns = {name: _layers(lines) for name, lines in networks.items()}
    longest = max(map(len, columns.values()))
    figure, axis = plt.subplots(figsize=(width(), 0.37 * longest + 0.35))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    colours = {"image": GREY, "convolution": BLUE, "pooling": GREEN, "dense": ORANGE}
    box, column = 0.30, 1.0
    for number, (name, layers) in enumerate(columns.items()):
        left = number * column
        axis.text(left, 0.75, name, weight="bold")
        for row, (kind, words, maps, side) in enumerate(layers):
            share = math.log2(side + 1) / 8  # of 227 pixels nearly all of the box
            corner = (left + box * (1 - share) / 2, -row - 0.36)
            style = {"fc": colours[kind], "alpha": 0.55, "ec": "none"}
            axis.add_patch(Rectangle(corner, box * share, 0.72, **style))
            size = f"{maps:,} × {side}×{side}" if side > 1 else f"{maps:,}"
            if is_narrow():
                words = words.replace("convolution ", "conv. ")
            style = {"va": "center", "fontsize": SMALL}
            axis.text(left + box + 0.02, 0.22 - row, words, **style)
            axis.text(left + box + 0.02, -0.2 - row, size, color=GREY, **style)
    axis.set(xlim=(-0.01, len(columns) * column), ylim=(-longest + 0.4, 1.2))
    return axis


@drawing
def inception_module(branches: Sequence[Sequence[str]], ends: tuple[str, str]) -> Axes:
    """Draw branches side by side, from what comes in to what is stacked.

    Args:
        branches: The words of each branch's boxes, first the lower one; a line break
            stands before the number of maps.
        ends: What comes in, and what goes out.
    """
    figure, axis = plt.subplots(figsize=(width(), 2.9))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    middle = (len(branches) - 1) / 2
    across = len(branches) - 0.1
    for words, y in zip(ends, (0.0, 3.0), strict=True):
        _labelled(axis, middle, y, words, across, 0.42, GREY)
    for x, parts in enumerate(branches):
        heights = [1.5] if len(parts) == 1 else [1.0, 2.0]
        for words, y in zip(parts, heights, strict=True):
            thin = words.startswith("1×1")
            _labelled(axis, x, y, words, 0.86, 0.6, BLUE if thin else ORANGE)
        stops = [0.21]
        for y in heights:
            stops += [y - 0.3, y + 0.3]
        stops.append(2.79)
        for start, end in zip(stops[::2], stops[1::2], strict=True):
            _arrow(axis, (x, start), (x, end))
    axis.set(xlim=(-0.5, len(branches) - 0.5), ylim=(-0.28, 3.28))
    return axis


@drawing
def squeeze_and_excitation(
    maps: Tensor, averages: Tensor, hidden: Tensor, gates: Tensor
) -> Axes:
    """Draw a small example: maps, their averages, the hidden layer, gates, maps.

    Args:
        maps: (C, H, W), from 0 upwards.
        averages, gates: (C,).
        hidden: (C / r,).
    """
    figure, axis = plt.subplots(figsize=(width(), 3.0))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    count = len(maps)
    rows = [-place for place in range(count)]
    between = np.linspace(rows[0] - 0.5, rows[-1] + 0.5, len(hidden)).tolist()
    for place, row in enumerate(rows):
        for x, part in ((0.0, maps[place]), (4.0, maps[place] * gates[place])):
            extent = (x - 0.36, x + 0.36, row - 0.36, row + 0.36)
            style = {"cmap": "gray_r", "vmin": 0, "vmax": maps.max().item()}
            axis.imshow(part.numpy(), extent=extent, aspect="auto", **style)
            box = (x - 0.36, row - 0.36)
            axis.add_patch(Rectangle(box, 0.72, 0.72, fill=False, ec=GREY))
    columns = ((1.0, rows, averages), (2.0, between, hidden), (3.0, rows, gates))
    for x, heights, numbers in columns:
        for y, number in zip(heights, numbers.tolist(), strict=True):
            _labelled(axis, x, y, f"{number:.2f}", 0.5, 0.5, ORANGE if x == 3 else BLUE)
    for x, starts, ends in ((1.0, rows, between), (2.0, between, rows)):
        for start, end in itertools.product(starts, ends):
            axis.plot([x + 0.25, x + 0.75], [start, end], color=PALE, lw=1, zorder=0)
    for row in rows:
        _arrow(axis, (0.38, row), (0.73, row))
        _arrow(axis, (3.27, row), (3.62, row))
    heads = ("maps", "squeeze:\naverages", "excite:\nhidden", "gates", "maps\n× gate")
    for x, words in enumerate(heads):
        axis.text(x, 0.5, words, ha="center", va="bottom", fontsize=SMALL)
    axis.set(xlim=(-0.5, 4.5), ylim=(rows[-1] - 0.45, 1.25))
    return axis


def _labelled(
    axis: Axes, x: float, y: float, words: str, across: float, high: float, colour: str
) -> None:
    """Draw a box around a point, with words in it."""
    corner = (x - across / 2, y - high / 2)
    axis.add_patch(Rectangle(corner, across, high, fc=colour, alpha=0.3, ec="none"))
    axis.text(x, y, words, ha="center", va="center", fontsize=SMALL)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY})


@drawing
def two_ways() -> Axes:
    """Draw the way from pixels to a class with designed features, and with learnt."""
    figure, axis = plt.subplots(figsize=(width(), 2.2))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    ways = {
        1.0: ("until 2011", ["SIFT", "Fisher\nvector", "linear\nSVM"], 1),
        0.0: (
            "from 2012 on",
            ["convolu-\ntions", "convolu-\ntions", "dense\nlayers"],
            3,
        ),
    }
    for y, (name, parts, learnt) in ways.items():
        axis.text(-0.42, y + 0.4, name, weight="bold", va="center")
        boxes = ["pixels", *parts, "class"]
        for x, words in enumerate(boxes):
            end = x in (0, len(boxes) - 1)
            colour = GREY if end or x <= len(parts) - learnt else BLUE
            high = 0.3 if end else 0.52
            _labelled(axis, x, y, words, 0.78, high, colour)
            if x:
                _arrow(axis, (x - 0.6, y), (x - 0.4, y))
    words = "blue: fitted to the labels"
    axis.text(4.42, 1.4, words, color=in_words(BLUE), ha="right", va="center")
    axis.set(xlim=(-0.5, 4.5), ylim=(-0.36, 1.6))
    return axis


@drawing
def occluded(
    pictures: Sequence[Tensor], shares: Sequence[Tensor], side: int, step: int
) -> list[Axes]:
    """Draw photographs, and beside each what is left of a share under a grey square.

    The place that costs most is framed in the photograph.

    Args:
        pictures: (3, H, W) in uint8.
        shares: For each of them (rows, columns), from 0 to 1: the share with the square
            there, as `cam.occlusion` returns it.
        side: Of the square, in pixels.
        step: From one place of the square to the next.
    """
    rows = len(pictures) if is_narrow() else -(-len(pictures) // 2)
    columns = 2 if is_narrow() else 4
    unit = width() / columns  # a photograph's side, inches
    figure = plt.figure(figsize=(width(), unit * rows))
    axes = []
    for place, (picture, left_over) in enumerate(zip(pictures, shares, strict=True)):
        row, column = divmod(2 * place, columns)
        below = 1 - (row + 1) / rows
        size = (0.94 / columns, 0.94 / rows)
        photograph, grid = (
            figure.add_axes(((column + beside) / columns, below, *size))
            for beside in (0, 1)
        )
        high, wide = picture.shape[1:]
        photograph.imshow(picture.permute(1, 2, 0).numpy())
        top, left = divmod(left_over.argmin().item(), left_over.shape[1])
        corner = (left * step, top * step)
        look = {"fill": False, "ec": ORANGE, "lw": 2.5}
        photograph.add_patch(Rectangle(corner, side, side, **look))
        lost = (left_over.max() - left_over) / (left_over.max() - left_over.min())
        for y, line in enumerate(left_over.tolist()):
            for x, share in enumerate(line):
                middle = (x * step + side / 2, y * step + side / 2)
                corner = (middle[0] - step / 2, middle[1] - step / 2)
                alpha = 0.65 * lost[y, x].item()
                look = {"fc": ORANGE, "alpha": alpha, "ec": "none"}
                grid.add_patch(Rectangle(corner, step, step, **look))
                words = {"ha": "center", "va": "center", "fontsize": SMALL}
                grid.text(*middle, f"{100 * share:.0f}", **words)
        grid.set(xlim=(0, wide), ylim=(high, 0))
        for axis in (photograph, grid):
            axis.axis("off")
        axes.append(grid)
    return axes


@drawing
def strongest_patches(patches: Mapping[str, Sequence[Tensor]]) -> Axes:
    """Draw, for each unit by name, the patches that it answers most to, in a row.

    Args:
        patches: (3, k, k) in uint8, as many for each unit, the strongest first.
    """
    columns = len(next(iter(patches.values())))
    beside = 0 if is_narrow() else 1.2  # where the names stand, in patches
    above = 0.6 if is_narrow() else 0
    size = width() / (columns + beside)
    figure = plt.figure(figsize=(width(), size * (1 + above) * len(patches)))
    axis = figure.add_axes((0, 0, 1, 1))
    for row, (name, pictures) in enumerate(patches.items()):
        top = -row * (1 + above) - above
        place = (0.03, top + 0.1) if is_narrow() else (0, top - 0.5)
        align = "bottom" if is_narrow() else "center"
        axis.text(*place, name, va=align, fontsize=SMALL)
        for column, picture in enumerate(pictures):
            left = beside + column
            extent = (left + 0.03, left + 0.97, top - 0.97, top - 0.03)
            shown = picture.permute(1, 2, 0).numpy()
            axis.imshow(shown, extent=extent, interpolation="none")
    axis.set(xlim=(0, columns + beside), ylim=(-(1 + above) * len(patches), 0))
    axis.axis("off")
    return axis


@drawing
def few_images(
    results: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> Sequence[Axes]:
    """Draw for each data set the errors of linear layers against the images they had.

    Args:
        results: By data set and by what the layer reads: by images per class, in words,
            the "test_error" in % of each seed.
    """
    narrow = is_narrow()
    shape = (len(results), 1) if narrow else (1, len(results))
    size = (width(), 2.4 * len(results) + 0.3) if narrow else (width(), 2.7)
    figure, axes = plt.subplots(*shape, figsize=size, sharey=True, layout="constrained")
    colours = {"pixels": GREY, "untrained": RED, "ImageNet": BLUE}
    for axis, (name, arms) in zip(np.ravel(axes), results.items(), strict=True):
        for arm, found in arms.items():
            counts = [int(count) for count in found]
            errors = np.array([each["test_error"] for each in found.values()])
            look = {"color": colours[arm]}
            axis.plot(counts, errors.mean(axis=1), "o-", label=arm, **look)
            axis.fill_between(
                counts, errors.min(axis=1), errors.max(axis=1), alpha=0.2, lw=0, **look
            )
        axis.set(xscale="log", xticks=counts, ylim=(0, 100), xlabel="images per class")
        axis.set_xticklabels([str(count) for count in counts])
        axis.minorticks_off()
        axis.set_title(name, loc="left")
    np.ravel(axes)[0].set_ylabel("test error, %")
    np.ravel(axes)[0].legend(loc="lower left", frameon=False)
    return list(np.ravel(axes))
