"""Chapter 1: the squashing function of LeNet-5, its slope and its bend.

The smallest explorable: copy this file and ``squash.js`` to begin one of your own.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch

from ..models.lenet import scaled_tanh
from ._element import Explorable


def view() -> Explorable:
    """Return the function from -4 to 4, with a point on it that the reader moves."""
    figure, axes = plt.subplots(figsize=(5, 2.6))
    a = torch.linspace(-4, 4, 200)
    axes.plot(a, scaled_tanh(a))
    axes.plot([1], [scaled_tanh(torch.tensor(1.0))], "o")
    axes.set(xlabel="sum a", ylabel="output f(a)")
    return Explorable(
        name="squash",
        figure=figure,
        alt="The curve of 1.7159 tanh(2a/3): it passes through (1, 1) and flattens "
        "towards 1.7159 on both sides.",
        sentence="f(1) is 1, nearly, and there the curve bends almost as much as it "
        "can.",
        heights=(430, 430),
    )
