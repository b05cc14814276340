"""Chapter 3: stacks of small kernels, and the receptive fields that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from .._forms import is_narrow, width
from .style import BLUE, CYCLE, GREEN, GREY, INK, ORANGE, PAPER, SMALL, drawing


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
def receptive_field(
    photograph: Tensor, window: tuple[int, int], share: Tensor
) -> np.ndarray:
    """Draw a photograph with a unit's field, and the field as the unit sees it.

    Args:
        photograph: (3, H, W), from 0 to 1.
        window: First and last pixel that the unit sees, on both axes alike.
        share: (H, W); how much it depends on each pixel, 1 at the most. Pixels on
            which it depends little fade to white.
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
