"""Pictures, and a convolution at work on one."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from .style import RED, drawing


@drawing
def images(
    pictures: Sequence[Tensor],
    titles: Sequence[str] = (),
    *,
    columns: int = 10,
    cell: float = 0.8,
    symmetric: bool = False,
    limit: float | None = None,
) -> Axes:
    """Draw pictures of one shape (H, W) side by side, `columns` to a row.

    All lie in one Axes, which is ten times as fast as an Axes for each.

    Args:
        titles: Written above the pictures, one each.
        cell: Width of one picture in inches, with the gap beside it.
        symmetric: Blue to red around zero, as for weights, in place of greys.
        limit: The value drawn darkest; for each picture its own largest if None.
    """
    height, width = pictures[0].shape
    side, title = 0.92 * cell, 0.24 if titles else 0.0  # inches
    down = title + side * height / width + 0.08 * cell
    rows = -(-len(pictures) // columns)
    figure = plt.figure(figsize=(columns * cell, rows * down))
    axis = figure.add_axes((0, 0, 1, 1))
    for index, picture in enumerate(pictures):
        values = picture.detach().cpu().numpy()
        high = abs(values).max() if limit is None else limit
        low = -high if symmetric else values.min()
        left, top = index % columns * cell, -(index // columns) * down - title
        axis.imshow(
            values,
            vmin=low,
            vmax=high,
            cmap="RdBu_r" if symmetric else "gray_r",
            extent=(left, left + side, top - side * height / width, top),
        )
        if titles:
            middle = left + side / 2
            axis.text(middle, top + 0.05, titles[index], ha="center", fontsize=9)
    axis.set(xlim=(0, columns * cell), ylim=(-rows * down, 0))
    axis.axis("off")
    return axis


@drawing
def sliding_window(
    image: Tensor, kernel: Tensor, output: Tensor, row: int, column: int
) -> np.ndarray:
    """Draw one step of a correlation: the patch read, the kernel, the sum written.

    Args:
        image: (H, W).
        kernel: (k, k).
        output: The whole result (H-k+1, W-k+1); later positions are left blank.
        row, column: The position being written.
    """
    done = output.clone()
    done.view(-1)[row * output.shape[1] + column + 1 :] = float("nan")
    span, half = output.abs().max(), len(image) / 2
    panels = {
        "input": (image, "gray_r", 0, image.max() * 1.6),
        "kernel": (kernel, "RdBu_r", -3, 3),
        "output": (done, "RdBu_r", -span * 1.4, span * 1.4),
    }
    figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
    figure.subplots_adjust(0, 0, 1, 0.9, wspace=0.05)
    for axis, (title, (values, colours, low, high)) in zip(
        axes, panels.items(), strict=True
    ):
        values = values.numpy()
        axis.imshow(values, cmap=colours, vmin=low, vmax=high)
        side = len(values)
        axis.add_patch(Rectangle((-0.5, -0.5), side, side, fill=False, ec="#BBBBBB"))
        for (y, x), value in np.ndenumerate(values):
            if not np.isnan(value):
                axis.text(x, y, f"{value:g}", ha="center", va="center", fontsize=7)
        # The same number of cells across, so that all cells are of one size.
        middle = (side - 1) / 2
        axis.set(
            xlim=(middle - half, middle + half), ylim=(middle + half, middle - half)
        )
        axis.set_title(title)
        axis.axis("off")
    for axis, side in ((axes[0], len(kernel)), (axes[2], 1)):
        corner = (column - 0.5, row - 0.5)
        axis.add_patch(Rectangle(corner, side, side, fill=False, ec=RED, lw=2.5))
    return axes
