"""Chapter 5: the cases that its exercises are checked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .. import chains
from ..models import resnet
from ._cases import Cases


def count_paths() -> Cases:
    """Three blocks, counted by hand, and sixteen."""
    return [((3, 1), (8, 3, 1.5)), ((16, 8), (65_536, 12_870, 8.0))]


def three_layers() -> Cases:
    """Two chains of sigmoids, by the book's own backpropagation."""
    settings = [(0.7, -1.3, 0.4, 0.8, 0.5), (2.0, 1.0, -3.0, -1.0, 1.0)]
    cases = []
    for *weights, x, t in settings:
        gradient = chains.scalar_chain(weights, "sigmoid").gradient(x, t)
        cases.append(((*weights, x, t), gradient[0].item()))
    return cases


def layers_until() -> Cases:
    """Strong and weak shortcuts; in the last, three layers leave the limit itself."""
    return [
        ((0.1, 0.5, 1e-3), 14),
        ((0.0, 0.9, 0.5), 7),
        ((0.05, 0.9, 0.01), 90),
        ((0.25, 0.25, 0.125), 4),
    ]


def deadly_weight() -> Cases:
    """Two values of h that are small enough, and one that is too large."""
    return [((0.3,), -1.11644), ((0.2,), -1.04426), ((0.46,), "none")]


def weights_of_blocks() -> Cases:
    """ResNet-50's first stage, and the smallest blocks that there are."""
    return [((64,), (1_179_648, 69_632)), ((1,), (288, 17))]


def read_design() -> Cases:
    """Three basic ResNets, built with either shortcut and counted."""

    def parameters(name: str, shortcut: str) -> int:
        design = replace(resnet.DESIGNS[name], shortcut=shortcut)
        with torch.device("meta"):
            network = resnet.ResNet(design)
        return sum(parameter.numel() for parameter in network.parameters())

    return [
        ((depths, 2, widths), (depth, parameters(name, "B") - parameters(name, "A")))
        for name, depth, depths, widths in [
            ("resnet18", 18, (2, 2, 2, 2), (64, 128, 256, 512)),
            ("resnet34", 34, (3, 4, 6, 3), (64, 128, 256, 512)),
            ("resnet56-cifar", 56, (9, 9, 9), (16, 32, 64)),
        ]
    ]


def gradient_factor() -> Cases:
    """Halved and tripled weights, with normalisation and without."""
    return [((0.5, 31, False), 0.5**30), ((0.5, 31, True), 2.0), ((3, 4, False), 27.0)]


def highway_factor() -> Cases:
    """Gates a third open, nearly open and shut, by automatic differentiation."""

    def layer(h: Tensor, w: float, v: float, b: float) -> Tensor:
        gate = torch.sigmoid(v * h + b)
        return gate * torch.tanh(w * h) + (1 - gate) * h

    settings = [(0.5, 1.2, 0.7, -1.0), (-0.8, 2.0, -1.5, 0.3), (0.5, 1.2, 0.7, -20.0)]
    return [((h, w, v, b), _derivative(layer, h, w, v, b)) for h, w, v, b in settings]


def dense_chain() -> Cases:
    """One layer, and four, by automatic differentiation; a layer doubles the paths."""

    def chain(x: Tensor, w: Sequence[Sequence[float]]) -> Tensor:
        h = [x]
        for row in w:
            h.append(torch.tanh((torch.tensor(row).double() * torch.stack(h)).sum()))
        return h[-1]

    w, x = [[0.8], [0.5, -1.2], [0.3, 0.9, 0.4], [-0.6, 0.2, 1.1, 0.7]], 0.7
    cases = []
    for n in (1, 4):
        derivative = _derivative(chain, x, w[:n])
        cases.append(((w[:n], x), torch.tensor([derivative, 2 ** (n - 1)])))
    return cases


def _derivative(function: Callable[..., Tensor], at: float, *others: object) -> float:
    """Return a function's derivative by its first argument, by PyTorch."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    [gradient] = torch.autograd.grad(function(x, *others), x)
    return gradient.item()
