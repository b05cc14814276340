"""Chapter 5: graphs with their paths, and what gradient arrives at which depth."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from torch import Tensor

from .._forms import is_narrow, width
from .charts import draw_seeds
from .labels import CLEAR, label_above, seeds_in_words
from .style import (
    BLUE,
    GREY,
    INK,
    LOOKS,
    PALE,
    PAPER,
    RED,
    SMALL,
    Look,
    drawing,
    in_words,
    looks,
)

Edge = tuple[str, str]
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Block:
    """What stands in a block, from its input to its output.

    Attributes:
        branch: Its layers up to the sum.
        shortcut: What carries the input to the sum; None where nothing does.
        after: The layers behind the sum.
    """

    branch: Sequence[str]
    shortcut: str | None = None
    after: Sequence[str] = ()


@drawing
def deeper(errors: pd.DataFrame) -> Axes:
    """Draw what more layers do to the errors of plain and of residual networks.

    Args:
        errors: In %: two rows, plain and residual, and a column for each depth.
    """
    _, axis = plt.subplots(figsize=(width(), 2.9), layout="constrained")
    styles = (("bottom", 8), ("top", -8))  # of the words: above, below
    for (kind, row), (side, away) in zip(errors.iterrows(), styles, strict=True):
        colour = LOOKS[kind].colour
        axis.plot(range(len(row)), row, "o-", color=colour, lw=3, ms=8)
        for place, value in enumerate(row):
            words = f"{kind}: {value} %" if place else f"{value} %"
            align = "center" if place else "right"  # away from the lines
            style = {"textcoords": "offset points", "ha": align, "va": side}
            axis.annotate(words, (place, value), (0, away), **style)
    axis.set_xticks(range(errors.shape[1]), errors.columns)
    axis.set(ylabel="top-1 error, %", xlim=(-0.35, errors.shape[1] - 0.65))
    axis.margins(y=0.25)
    axis.grid(False, axis="x")
    return axis


@drawing
def blocks(designs: Mapping[str, Block]) -> np.ndarray:
    """Draw blocks side by side, each from its input at the top to its output.

    Args:
        designs: Of each block, by the title above it.
    """
    columns = min(len(designs), 2 if is_narrow() else 4)
    rows = -(-len(designs) // columns)
    longest = max(len(d.branch) + len(d.after) for d in designs.values()) + 2
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width(1.75 * columns), rows * (0.36 * longest + 0.3)),
        squeeze=False,
    )
    figure.subplots_adjust(0.01, 0.01, 0.99, 1 - 0.06 / rows, hspace=0.1, wspace=0.04)
    for axis, (title, design) in zip(axes.flat, designs.items(), strict=False):
        _draw_block(axis, design)
        axis.set_title(title, x=0.43, pad=2, fontsize=SMALL)
        axis.set(xlim=(-1.15, 1.5), ylim=(-longest + 0.2, 0.4))
    for axis in axes.flat:
        axis.axis("off")
    return axes


def _draw_block(axis: Axes, design: Block) -> None:
    """Draw one block, a step down for each layer; its sum is a circle."""
    adds = design.shortcut is not None
    middle = ["+"] if adds else []
    labels = ["input", *design.branch, *middle, *design.after]
    colour = LOOKS["residual" if adds else "plain"].colour
    for step, (label, following) in enumerate(
        zip(labels, [*labels[1:], ""], strict=True)
    ):
        style = {"boxstyle": "round,pad=0.25", "fc": PAPER, "ec": GREY, "lw": 1}
        if label == "+":
            style = {"boxstyle": "circle,pad=0.15", "fc": PAPER, "ec": colour, "lw": 2}
        elif label.endswith("conv"):
            style |= {"fc": PALE}
        elif label == "input":
            style = {"boxstyle": "square,pad=0.1", "fc": "none", "ec": "none"}
        axis.text(0, -step, label, ha="center", va="center", fontsize=SMALL, bbox=style)
        down = {"arrowstyle": "-|>", "color": INK, "shrinkA": 9, "shrinkB": 9}
        bottom = (0, -step - 1 if following else -step - 0.95)
        axis.annotate("", bottom, (0, -step), arrowprops=down)
    if adds:
        end = labels.index("+")
        corners = [(0, -0.48), (1.12, -0.48), (1.12, -end), (0.2, -end)]
        axis.add_patch(PathPatch(Path(corners), fc="none", ec=colour, lw=2.5))
        tip = {"arrowstyle": "-|>", "color": colour, "lw": 2.5, "shrinkA": 0}
        axis.annotate("", (0.1, -end), (0.5, -end), arrowprops=tip)
        axis.text(
            1.12,
            -end / 2 - 0.24,
            design.shortcut,
            rotation=90,
            ha="center",
            va="center",
            color=in_words(colour),
            fontsize=SMALL,
            bbox=CLEAR,
        )


@drawing
def unravelled(paths: Mapping[tuple[int, ...], float], layers: int) -> Axes:
    """Draw every path through layers with shortcuts in a row, with its product.

    Args:
        paths: The product of each path, by the layers through whose f it goes.
    """
    across = width(5.4)
    figure = plt.figure(figsize=(across, 0.34 * (len(paths) + 1.4)))
    axis = figure.add_axes((0, 0, 1, 1))
    step = 1.5  # from one layer's f to the next
    for row, (branches, product) in enumerate(paths.items()):
        high = -row
        for layer in range(1, layers + 1):
            middle = step * layer
            ends = [(middle - step / 2, high), (middle + step / 2, high)]
            if layer in branches:
                axis.plot(*zip(*ends, strict=True), color=BLUE, lw=2.5, zorder=1)
                style = {
                    "boxstyle": "round,pad=0.2",
                    "fc": PAPER,
                    "ec": BLUE,
                    "lw": 1.5,
                }
                inside = {"ha": "center", "va": "center", "fontsize": SMALL}
                name = f"f{layer}".translate(SUBSCRIPTS)
                axis.text(middle, high, name, bbox=style, **inside)
            else:
                arc = [ends[0], (middle, high + 0.75), ends[1]]
                codes = [Path.MOVETO, Path.CURVE3, Path.CURVE3]
                curve = PathPatch(Path(arc, codes), fc="none", ec=RED, lw=2.5)
                axis.add_patch(curve)
        end = step * (layers + 0.5)
        side = {"va": "center", "fontsize": SMALL}
        axis.text(step / 2 - 0.15, high, "x", ha="right", **side)
        axis.text(end + 0.15, high, "y", ha="left", **side)
        axis.text(end + 1.9, high, f"{product:.6f}", ha="right", **side)
    words = "blue: through f, red: past it; right: the product"
    axis.text(
        step / 2 - 0.3, -len(paths), words, color=GREY, va="center", fontsize=SMALL
    )
    axis.set(xlim=(0.2, end + 2), ylim=(-len(paths) - 0.4, 0.7))
    axis.axis("off")
    return axis


class Layer(NamedTuple):
    """A convolution: its kernel's side, its maps in and out, and its groups."""

    kernel: int
    inputs: int
    outputs: int
    groups: int = 1

    @property
    def weights(self) -> int:
        """Without biases."""
        return self.kernel**2 * self.inputs * self.outputs // self.groups


@drawing
def who_reads_whom(designs: Mapping[str, Sequence[Layer]]) -> Axes:
    """Draw which maps each convolution's maps read, a row of convolutions a design.

    A column of a rectangle is a map that is read, a row one that is computed; it is
    filled where one reads the other.
    """
    layers = list(designs.values())
    columns = [max(side) for side in zip(*map(_across, layers), strict=True)]
    high = max(layer.outputs for row in layers for layer in row)
    above, gap = 130 if is_narrow() else 76, 18  # for words, in maps
    wide, down = sum(columns) + gap * (len(columns) - 1), high + above
    line = above / 2.2
    across = width(4.8)
    figure = plt.figure(figsize=(across, across * (down * len(layers) + line) / wide))
    axis = figure.add_axes((0, 0, 1, 1))
    for number, (title, row) in enumerate(designs.items()):
        top, left = -number * down - above, 0.0
        total = sum(layer.weights for layer in row)
        axis.text(0, top + 1.45 * line, f"{title}: {total:,} weights", weight="bold")
        for layer, column in zip(row, columns, strict=True):
            words = f"{layer.kernel}×{layer.kernel}, {layer.inputs} → {layer.outputs}"
            axis.text(left, top + 0.4 * line, words, fontsize=SMALL)
            _draw_matrix(axis, layer, left, top)
            left += column + gap
    words = "orange: one map reads the other"
    bottom = -down * len(layers) - line
    colour = in_words(LOOKS["residual"].colour)
    axis.text(0, bottom + 0.1 * line, words, color=colour, fontsize=SMALL)
    axis.set(xlim=(-1, wide + 1), ylim=(bottom, 0))
    axis.axis("off")
    return axis


def _across(row: Sequence[Layer]) -> list[int]:
    """Return the width of each convolution's column: of its drawing, or its words."""
    words = 215 if is_narrow() else 140
    return [max(layer.inputs, words) for layer in row]


def _draw_matrix(axis: Axes, layer: Layer, left: float, top: float) -> None:
    """Draw a convolution's rectangle, filled where a map reads another."""
    place = (left, top - layer.outputs)
    frame = {"fc": "none", "ec": GREY, "lw": 0.8}
    axis.add_patch(Rectangle(place, layer.inputs, layer.outputs, **frame))
    read, computed = layer.inputs / layer.groups, layer.outputs / layer.groups
    for group in range(layer.groups):
        corner = (left + group * read, top - (group + 1) * computed)
        fill = {"fc": LOOKS["residual"].colour, "ec": "none"}
        axis.add_patch(Rectangle(corner, read, computed, **fill))


@drawing
def silhouettes(networks: Mapping[str, Sequence[int]]) -> Axes:
    """Draw networks as outlines on one scale: a line a convolution, wide as its maps.

    Args:
        networks: The number of maps of each convolution, from the input downwards.
    """
    most = [max(maps) for maps in networks.values()]
    deepest = max(map(len, networks.values()))
    room = 260.0 if is_narrow() else 130.0  # of a name, in maps
    figure = plt.figure(figsize=(width(), 2.6))
    axis = figure.add_axes((0, 0, 1, 1))
    left = 0.0
    for (name, maps), wide in zip(networks.items(), most, strict=True):
        middle = left + max(wide, room) / 2
        line = 0
        for count, group in itertools.groupby(maps):  # one box for equal neighbours
            height = len(list(group))
            corner = (middle - count / 2, -line - height)
            box = {"fc": LOOKS["residual"].colour, "ec": "none"}
            axis.add_patch(Rectangle(corner, count, height, **box))
            line += height
        above = {"ha": "center", "va": "bottom", "fontsize": SMALL}
        axis.text(middle, 2, name, **above)
        left += max(wide, room) + 40
    place = {"ha": "right", "va": "bottom", "fontsize": SMALL}
    words = "a line per convolution,\nas wide as it has maps"
    axis.text(left - 40, -deepest, words, color=GREY, **place)
    axis.set(xlim=(-20, left - 20), ylim=(-deepest - 2, 0.14 * deepest))
    axis.axis("off")
    return axis


@drawing
def streams(maps: Mapping[str, Sequence[int]]) -> np.ndarray:
    """Draw how many maps lie side by side behind each layer, a panel a kind.

    Args:
        maps: For each title, the maps of the input and those that each layer appends.
            A layer that appends none adds to what is there.
    """
    widest = [sum(parts) for parts in maps.values()]
    if is_narrow():  # one below the other, each as high as it needs
        shape, tops = {"nrows": len(maps), "height_ratios": widest}, widest
        height = 2.6 * sum(widest) / max(widest) + 0.3
    else:
        shape, tops, height = {"ncols": len(maps)}, [max(widest)] * len(maps), 2.6
    figure, axes = plt.subplots(**shape, figsize=(width(), height), squeeze=False)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.9, wspace=0.05, hspace=0.2)
    panels = zip(axes.flat, maps.items(), tops, strict=True)
    for axis, (title, parts), top in panels:
        end, bottom = len(parts) + 1, 0  # room for the last one's name
        for layer, appended in enumerate(parts):
            colour = LOOKS["residual"].colour if layer else GREY
            if appended:
                box = Rectangle((layer, bottom), end - layer, appended)
                box.set(fc=PAPER if layer else PALE, ec=colour, lw=1.5)
                axis.add_patch(box)
                words = f"layer {layer}" if layer else "input"
                place = (layer + 0.1, bottom + appended / 2)
                axis.text(*place, words, fontsize=SMALL, va="center")
            else:
                plus = {"boxstyle": "circle,pad=0.12", "fc": PAPER, "ec": colour}
                place = (layer + 0.35, parts[0] / 2)
                axis.text(*place, "+", ha="center", va="center", bbox=plus | {"lw": 2})
            bottom += appended
        axis.set_title(f"{title}: {bottom} maps at the end", loc="left", fontsize=SMALL)
        axis.set(xlim=(-0.05, end + 0.05), ylim=(-2, top + 2))
        axis.axis("off")
    return axes


@drawing
def slopes_along(x: Tensor, slopes: Mapping[str, Tensor]) -> np.ndarray:
    """Draw the derivative of each of several networks along a line of inputs.

    Args:
        x: Where on the line, (points,).
        slopes: For each title, the derivative there, drawn on a scale of its own. A
            title that begins as a network in `LOOKS` gives its colour.
    """
    shape = (len(slopes), 1) if is_narrow() else (-(-len(slopes) // 2), 2)
    figure, axes = plt.subplots(
        *shape, figsize=(width(), 1.45 * shape[0] + 0.3), sharex=True, squeeze=False
    )
    figure.set_layout_engine("constrained")
    for axis, (title, slope) in zip(axes.flat, slopes.items(), strict=True):
        axis.plot(x, slope, color=LOOKS[title.split(",")[0]].colour, lw=1)
        axis.set_title(title, loc="left", fontsize=SMALL)
        axis.set_yticks([])
    for axis in axes[:, 0]:
        axis.set_ylabel("own scale", color=GREY, fontsize=SMALL)
    for axis in axes[-1]:
        axis.set_xlabel("input")
    return axes


@drawing
def computational_graphs(
    graphs: Mapping[str, Mapping[Edge, str]],
    routes: Mapping[str, Sequence[Sequence[str]]],
) -> np.ndarray:
    """Draw computational graphs one below the other, with routes through them marked.

    A node stands in the column after the last of those that it is computed from. The
    first node named is the input; all else that is computed from nothing, such as a
    weight, stands just before its first use, and below the others.

    Args:
        graphs: The edges of each graph, from operand to result, and what is written
            at each: the derivative that the gradient is multiplied by there.
        routes: For each graph, one or two routes to mark, each a sequence of nodes.
    """
    drawn = []
    for edges in graphs.values():
        places = _places(edges)
        curves = {(a, b): _curve(places[a], places[b]) for a, b in edges}
        drawn.append((places, curves))
    unit = 0.6 if is_narrow() else 0.82  # inches a level
    tops = [0.5 + max(c.vertices[1, 1] for c in d.values()) / 2 for _, d in drawn]
    figure, axes = plt.subplots(
        len(graphs),
        1,
        figsize=(
            width(),
            unit * sum(1.5 + top for top in tops),
        ),
        height_ratios=[1.5 + top for top in tops],
        squeeze=False,
    )
    space = 0.3 if is_narrow() else 0.12  # for a title
    figure.subplots_adjust(0.01, 0, 0.99, 0.93, hspace=space)
    for axis, top, title, (places, curves) in zip(
        axes[:, 0], tops, graphs, drawn, strict=True
    ):
        for route, colour, thick in zip(
            routes[title], (BLUE, RED), (16, 7), strict=False
        ):
            for step in itertools.pairwise(route):
                curve = curves.get(step) or curves[step[::-1]]
                band = {"lw": thick, "alpha": 0.45, "capstyle": "round"}
                axis.add_patch(PathPatch(curve, fc="none", ec=colour, **band))
        for edge, curve in curves.items():
            axis.add_patch(PathPatch(curve, fc="none", ec=INK))
            arrow = {"arrowstyle": "-|>", "color": INK}
            axis.annotate("", _point(curve, 0.76), _point(curve, 0.7), arrowprops=arrow)
            # Above the circles beside it where there is little room; of a line that
            # rises, at its upper side.
            rises = curve.vertices[0, 1] < curve.vertices[-1, 1]
            away = (-0.14, 0.1) if rises else (0, 0.34 if is_narrow() else 0.2)
            above = _point(curve, 0.5) + away
            beside = {"ha": "center", "fontsize": SMALL, "bbox": CLEAR}
            axis.text(*above, graphs[title][edge], **beside)
        for node, place in places.items():
            style = {"boxstyle": "circle,pad=0.3", "fc": PAPER, "ec": GREY}
            axis.text(*place, node, ha="center", va="center", bbox=style)
        columns = [x for x, _ in places.values()]
        axis.set(xlim=(min(columns) - 0.4, max(columns) + 0.4), ylim=(-1.4, top))
        words = ("", ": its one path blue", ": the first path blue, the second red")
        axis.set_title(
            title + words[len(routes[title])],
            loc="left",
            pad=8 if is_narrow() else 0,
            fontsize=SMALL,
        )
        axis.axis("off")
    return axes


def _places(edges: Mapping[Edge, str]) -> dict[str, np.ndarray]:
    """Return where each node of a graph is drawn, as (column, height)."""
    nodes = dict.fromkeys(node for edge in edges for node in edge)

    def column(node: str) -> int:
        return max((1 + column(a) for a, b in edges if b == node), default=0)

    columns, start = {node: column(node) for node in nodes}, next(iter(nodes))
    places = {}
    for node in nodes:
        if columns[node] or node == start:
            places[node] = (columns[node], 0)
        else:
            places[node] = (min(columns[b] for a, b in edges if a == node) - 1, -1)
    return {node: np.array(place, dtype=float) for node, place in places.items()}


def _curve(start: np.ndarray, end: np.ndarray) -> Path:
    """Return a straight line to a neighbour, or an arc over the nodes between."""
    arc = (0, 1.7) if end[0] - start[0] > 1 else (0, 0)
    middle = (start + end) / 2 + arc
    return Path([start, middle, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3])


def _point(curve: Path, at: float) -> np.ndarray:
    """Return the point of a curve at a share `at` of its way."""
    start, middle, end = curve.vertices
    return (1 - at) ** 2 * start + 2 * at * (1 - at) * middle + at**2 * end


@drawing
def path_lengths(panels: Mapping[str, Sequence[pd.DataFrame]]) -> np.ndarray:
    """Draw how many paths have each length, and how much gradient they carry.

    Args:
        panels: For each title, a table a seed with the columns length, paths and
            share, as from `gradients.by_path_length`. Bars for the paths, as shares of
            their number; a line with a band for the gradient.
    """
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(width(), 2.1 * len(panels)), layout="constrained"
    )
    axes = np.atleast_1d(axes)
    for axis, (title, tables) in zip(axes, panels.items(), strict=True):
        length, paths = tables[0].length, tables[0].paths
        counted = 100 * paths / paths.sum()
        shares = pd.concat([100 * table.share for table in tables], axis=1)
        # Both add up to 100 %: bars and line may then be laid over one another.
        axis.bar(length, counted, color=PALE, label="paths")
        by_length = shares.set_index(length)
        draw_seeds(axis, by_length, look=Look(BLUE), label="gradient", marker="o")
        axis.set_title(title, loc="left")
        axis.set_ylabel("share, %")
        values = shares.to_numpy()
        axis.set_ylim(
            min(0, 1.1 * values.min()), 1.1 * max(counted.max(), values.max())
        )
        axis.xaxis.get_major_locator().set_params(integer=True)
    words = f"gradient: {seeds_in_words(panels.values())}"
    axes[-1].set_xlabel(f"length of the path: branches that it goes through\n{words}")
    label_above(axes[0])
    return axes


@drawing
def norms_by_depth(
    panels: Mapping[str, Mapping[str, Sequence[pd.DataFrame]]],
    column: str,
    *,
    ylabel: str,
    columns: int = 2,
) -> np.ndarray:
    """Draw a column of `gradients.norm_by_layer` against the layer, panel by panel.

    Args:
        panels: For each title, and in it for each label, a table a seed: the line is
            their geometric mean, the band their range. Panels above each other share
            their scale, which is logarithmic.
        column: The column of the tables that is drawn.
        columns: Panels side by side.
    """
    scales = columns
    if is_narrow():
        columns = 1
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width(), 1.95 * rows + 0.7),
        sharex=True,
        sharey=False if is_narrow() else "col",
        squeeze=False,
        layout="constrained",
    )
    every = dict.fromkeys(label for runs in panels.values() for label in runs)
    drawn_as = looks(every)
    for axis, (title, runs) in zip(axes.flat, panels.items(), strict=True):
        for label, tables in runs.items():
            values = pd.concat([table[column] for table in tables], axis=1)
            values.index = range(1, len(values) + 1)  # of the layers
            draw_seeds(
                axis, values, look=drawn_as[label], label=label, mean=_geometric_mean
            )
        # Each layer multiplies the gradient: on this scale that is a straight line.
        axis.set(yscale="log")
        axis.set_title(title, loc="left")
        axis.minorticks_off()
        axis.margins(y=0.12)
    if is_narrow():  # the scales are those of the columns on a page
        for number in range(scales):
            _share_scale(axes.flat[number::scales])
    for axis in axes[:, 0]:
        axis.set_ylabel(ylabel)
    groups = [tables for runs in panels.values() for tables in runs.values()]
    words = seeds_in_words(groups, "geometric mean")
    for axis in axes[-1]:
        axis.set_xlabel(f"convolution, from input to output\n{words}")
    fullest = max(axes.flat, key=lambda axis: len(axis.get_lines()))
    label_above(fullest, columns=4)
    return axes


def _share_scale(axes: Sequence[Axes]) -> None:
    """Give axes one range of heights, in which all that they show has room."""
    lows, highs = zip(*(axis.get_ylim() for axis in axes), strict=True)
    for axis in axes:
        axis.set_ylim(min(lows), max(highs))


def _geometric_mean(values: pd.DataFrame) -> pd.Series:
    """Return the mean that lies in the middle on a logarithmic scale."""
    return np.exp(np.log(values).mean(axis=1))


@drawing
def pixels_read(maps: Mapping[str, Tensor], *, columns: int = 3) -> np.ndarray:
    """Draw which pixels of its input each of several layers reads: they are blue.

    Args:
        maps: For each title, a tensor (H, W) that is not zero where a pixel is read.
        columns: Panels side by side.
    """
    if is_narrow():
        columns = 2
    rows = -(-len(maps) // columns)
    across = width(1.9 * columns)
    down = across / columns + 0.27
    figure, axes = plt.subplots(
        rows, columns, figsize=(across, down * rows + 0.25), squeeze=False
    )
    bottom, top = 0.25 / (down * rows + 0.25), 1 - 0.22 / (down * rows + 0.25)
    figure.subplots_adjust(0.01, bottom, 0.99, top, hspace=0.2, wspace=0.1)
    for axis in axes.flat:
        axis.axis("off")
        axis.set_aspect("equal")
    for axis, (title, read) in zip(axes.flat, maps.items(), strict=False):
        axis.pcolormesh(
            read.flip(0).ne(0).float().numpy(),  # the first row on top
            cmap=ListedColormap([PAPER, BLUE]),
            vmin=0,
            vmax=1,
            edgecolors=PALE,
            linewidth=0.6,
        )
        axis.set_title(title, fontsize=SMALL)
    words = "blue: a pixel that is read"
    figure.text(0.5, 0.01, words, ha="center", va="bottom", color=BLUE)
    return axes
