"""Chapter 1: a desk on which every number of a convolution can be changed."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from torch import Tensor, tensor

from .. import pretrained
from ..plots.style import RED
from ._element import Explorable

CORNER = 6  # pixels of the digit that are on the desk at first
EDGE = tensor([[1.0, 0.0, -1.0]] * 3)  # ink on the left minus ink on the right
POSITION = (0, 0)  # of the window in the still picture


def view() -> Explorable:
    """Return the desk with a digit 0 and an edge detector on it."""
    zero, one = tensor(load_digits().images[:2]).float()  # (8, 8) each, ink 0 to 16
    weights = pretrained.load_own("lenet5", "mnist").state_dict()
    learned = weights["c1.weight"][0, 0]  # (5, 5)
    return Explorable(
        name="convolution",
        figure=_still(zero[:CORNER, :CORNER]),
        alt="The upper left corner of a digit 0 in 6 by 6 pixels, a kernel of 3 by 3 "
        "whose left column is 1 and right column −1, and the output of 4 by 4; the "
        "window in the upper left corner is framed, and so is its sum, −33.",
        sentence="The window lies in the corner: nine products add up to −33, the "
        "first number of the output.",
        heights=(1233, 801),
        needs=("controls",),
        data={
            "images": [zero.flatten().tolist(), one.flatten().tolist()],
            "learned": (10 * learned).round().flatten().tolist(),
        },
    )


def _still(image: Tensor) -> Figure:
    """Draw input, kernel and output side by side, all cells of one size."""
    output = F.conv2d(image[None, None], EDGE[None, None])[0, 0]
    figure, axis = plt.subplots(figsize=(5, 2.3))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    row, column = POSITION
    _cells(axis, image, 0, "input", "Greys", 0, 40)
    _cells(axis, EDGE, 7, "kernel", "RdBu_r", -3, 3)
    _cells(axis, output, 11, "output", "RdBu_r", -80, 80)
    axis.set(xlim=(-0.2, 15.2), ylim=(6.2, -0.9), aspect="equal")
    for left, side in ((column, len(EDGE)), (11 + column, 1)):
        frame = Rectangle((left, row), side, side, fill=False, ec=RED, lw=2.5)
        axis.add_patch(frame)
    return figure


def _cells(
    axis: Axes, values: Tensor, left: int, name: str, colours: str, low: int, high: int
) -> None:
    """Draw numbers as coloured cells of side 1, their upper edge at 0."""
    side = len(values)
    axis.text(left + side / 2, -0.3, name, ha="center", va="center")
    place = (left, left + side, side, 0)
    axis.imshow(values.numpy(), cmap=colours, vmin=low, vmax=high, extent=place)
    for row, numbers in enumerate(values.int().tolist()):
        for column, number in enumerate(numbers):
            text = str(number).replace("-", "−")
            middle = (left + column + 0.5, row + 0.5)
            axis.text(*middle, text, ha="center", va="center_baseline", fontsize=10)
