"""Chapter 5: the gradient of the smallest deep network, plain and with shortcuts."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..gradients import scalar_chain
from ._element import Explorable

X, TARGET, WEIGHTS = 0.8, 0.5, (0.7, -1.3)  # worked out by hand in the chapter
NAMES = ("x", "net₁", "h", "net₂", "y")


def view() -> Explorable:
    """Return both networks with the numbers that the chapter works out by hand."""
    plain, skip = (
        scalar_chain(WEIGHTS, skip=scale).gradient(X, TARGET)[0].item()
        for scale in (0, 1)
    )
    return Explorable(
        name="chain",
        figure=_still(),
        alt="Two chains of five nodes from the input x to the output y, each node with "
        "its value and the derivative of the error by it; in the chain with shortcuts "
        "two arcs lead past the functions.",
        sentence=f"∂E/∂w₁ is {plain:.3f} without shortcuts and {skip:.4f} with them, "
        "the sum of two paths.".replace("-", "−"),
        heights=(1560, 851),
        needs=("controls",),
    )


def _still() -> Figure:
    """Draw both chains from left to right, one below the other."""
    figure, axes = plt.subplots(2, 1, figsize=(5, 3.2), height_ratios=(1.5, 2))
    figure.subplots_adjust(0.01, 0, 0.99, 0.95, hspace=0.1)
    for axis, (name, scale) in zip(
        axes, {"plain": 0, "with shortcuts": 1}.items(), strict=True
    ):
        axis.set_title(name, loc="left", pad=0)
        _draw(axis, scale)
    return figure


def _draw(axis: Axes, scale: float) -> None:
    """Draw a chain's nodes: name, value, and the derivative of E by the node."""
    chain = scalar_chain(WEIGHTS, skip=scale)
    computed, signals = chain.forward(X), chain.signals(X, TARGET)
    past, through = chain.factors(X)
    values = [
        part[k].item()
        for k in range(3)
        for part in (computed.outputs, computed.nets)
        if k < len(part)
    ]
    behind = [signals[k + 1] * through[k] / WEIGHTS[k] for k in range(2)]
    derivatives = [signals[0], behind[0], signals[1], behind[1], signals[2]]
    axis.axis("off")
    axis.set(xlim=(-0.55, 4.55), ylim=(-0.65, 1.35 if scale else 0.85))
    for k, (name, value, derivative) in enumerate(
        zip(NAMES, values, derivatives, strict=True)
    ):
        text = f"{name}\n{value:.2f}\n∂ {derivative.item():.2f}".replace("-", "−")
        box = {"boxstyle": "round,pad=0.4", "fc": "white", "ec": "0.5"}
        axis.text(k, 0, text, ha="center", va="center", fontsize=9.5, bbox=box)
        if k:
            arrow = {"arrowstyle": "-|>", "color": "black"}
            axis.annotate("", (k - 0.29, 0), (k - 0.71, 0), arrowprops=arrow)
        if scale and k in (2, 4):
            arc = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=-0.45"}
            axis.annotate("", (k, 0.6), (k - 2, 0.6), arrowprops=arc)
