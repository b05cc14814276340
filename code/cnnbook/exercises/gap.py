"""Chapter 6: the cases that its exercises are checked on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import cost
from ..models import senet
from ._cases import Cases, Computes, seeded


def head_costs() -> Cases:
    """The heads of a small network and of VGG's last maps."""
    return [((16, 4, 10), (2570, 170)), ((512, 7, 1000), (25_089_000, 513_000))]


@seeded(0)
def untied() -> Cases:
    """A random head, and what it makes of each position alone: a column of weights."""
    weight, side = torch.randn(3, 5), 4
    positions = torch.eye(5 * side**2).view(-1, 5, side, side)
    return [((weight, side), weight @ positions.mean(dim=(2, 3)).T)]


def harmless_shifts() -> Cases:
    """Small images, and one of ImageNet's size with five halvings."""
    return [((16, [2, 2]), 16), ((32, [2, 2]), 64), ((224, [2] * 5), 49)]


@seeded(1)
def full_map() -> Cases:
    """A random head, applied to the maps' values at one position after the other."""
    maps = torch.rand(5, 4, 6)
    head = _weight_and_bias(nn.Linear(5, 3))
    positions = [maps[:, row, column] for row in range(4) for column in range(6)]
    scores = torch.stack([F.linear(values, *head) for values in positions])
    return [((maps, *head, label), scores[:, label].view(4, 6)) for label in range(3)]


def box() -> Cases:
    """A bright rectangle with a dimmer tip, which the higher share leaves out."""
    values = torch.zeros(6, 8)
    values[2:4, 3:7], values[1, 5], values[5, 0] = 1.0, 0.5, 0.1
    # At a share of 0.5 the tip is not *above* it.
    return [
        ((values, 0.2), (1, 3, 3, 6)),
        ((values, 0.5), (2, 3, 3, 6)),
        ((values, 0.6), (2, 3, 3, 6)),
    ]


def pyramid_parameters() -> Cases:
    """Maps that are pooled by PyTorch, and the layer behind them, counted."""
    cases = []
    for channels, levels, classes in [(256, (1, 2, 4), 1000), (512, (1, 2, 3, 6), 10)]:
        maps = torch.zeros(1, channels, 13, 9, device="meta")
        inputs = sum(F.adaptive_avg_pool2d(maps, level).numel() for level in levels)
        layer = nn.Linear(inputs, classes, device="meta")
        counted = int(cost.total(layer, (inputs,)).parameters)
        cases.append(((channels, levels, classes), counted))
    return cases


@seeded(2)
def maximum_head() -> Cases:
    """A random head, built of PyTorch's layers."""
    maps = torch.rand(4, 5, 6, 6)
    linear = nn.Linear(5, 3)
    head = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), linear)
    return [((maps, *_weight_and_bias(linear)), head(maps).detach())]


@seeded(3)
def attention_pool() -> Cases:
    """PyTorch's attention, with one query and every position as key and value."""
    maps, query = torch.randn(4, 5, 3, 3), torch.randn(5)
    rows = maps.flatten(2).transpose(1, 2)  # (4, 9, 5): a row for each position
    attended = F.scaled_dot_product_attention(query.expand(4, 1, 5), rows, rows)
    return [((maps, query), attended[:, 0])]


def gate_parameters() -> Cases:
    """Gates of SE-ResNet-50 and a small one, counted."""
    cases = []
    for channels, reduction in [(256, 16), (2048, 16), (64, 4)]:
        with torch.device("meta"):
            gate = senet.SqueezeExcitation(channels, reduction)
        counted = int(cost.total(gate, (channels, 7, 7)).parameters)
        cases.append(((channels, reduction), counted))
    return cases


@seeded(4)
def coordinates() -> Cases:
    """Random images, and the same with a map of rows and one of columns."""
    cases: Cases = []
    for channels, height, width in [(1, 16, 16), (3, 5, 9)]:
        images = torch.randn(2, channels, height, width)
        axes = (torch.linspace(-1, 1, height), torch.linspace(-1, 1, width))
        places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
        with_places = torch.cat([images, places.expand(2, -1, -1, -1)], dim=1)
        cases.append(((), Computes(images, with_places)))
    return cases


@seeded(5)
def unpadded_side() -> Cases:
    """Three sides, each led through PyTorch's layers."""
    layers = [nn.Conv2d(1, 1, 3), nn.MaxPool2d(2)] * 2 + [nn.Conv2d(1, 1, 3)]
    trunk = nn.Sequential(*layers).to("meta")
    sides = (20, 32, 52)
    images = [torch.zeros(1, 1, side, side, device="meta") for side in sides]
    return [
        ((side,), trunk(image).shape[-1])
        for side, image in zip(sides, images, strict=True)
    ]


def confounded() -> Cases:
    """The two arms of a comparison that is not fair, and of one that is."""
    flatten = {"head": "flatten", "widths": (8, 16, 16), "epochs": 5, "seeds": 1}
    average = flatten | {"head": "average", "widths": (8, 16, 31), "epochs": 8}
    fair = flatten | {"head": "average"}
    return [
        ((flatten, average | {"flip": True}, "head"), ["epochs", "flip", "widths"]),
        ((flatten, fair, "head"), []),
    ]


def _weight_and_bias(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    return linear.weight.detach(), linear.bias.detach()
