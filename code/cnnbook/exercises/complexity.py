"""Chapter 7: the cases that its exercises are checked on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
import torchvision.models as tv
from torch import nn

from .. import cost
from ._cases import Cases


def conv_costs() -> Cases:
    """ResNet's first layer, one of 3×3, and one with a group for each map; counted."""
    cases = []
    for c_in, c_out, kernel, side, groups in [
        (3, 64, 7, 112, 1),
        (256, 256, 3, 56, 1),
        (1024, 1024, 3, 56, 1024),
    ]:
        with torch.device("meta"):
            layer = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups)
        counted = cost.total(layer, (c_in, side, side))
        expected = int(counted.macs), int(counted.activations)
        cases.append(((c_in, c_out, kernel, side, groups), expected))
    return cases


def dominated(networks: pd.DataFrame) -> Cases:
    """A tie on endless and on few images, and a table of networks on ImageNet's."""
    tied = [("a", 1, 50), ("b", 2, 60), ("c", 3, 55), ("d", 2, 60), ("e", 2, 58)]
    triples = [(row.Index, row.macs, row.accuracy) for row in networks.itertuples()]
    images = 50_000
    clearly = {
        name
        for name, macs, accuracy in triples
        for _, others_macs, others in triples
        if others_macs <= macs
        and others > accuracy
        # Squared, so that no root is taken: twice the deviation of the difference.
        and (others - accuracy) ** 2 * images
        >= 4 * (others * (100 - others) + accuracy * (100 - accuracy))
    }
    return [
        ((tied, 10**12), ["c", "e"]),
        ((tied, 100), []),
        ((triples, images), sorted(clearly)),
    ]


def smallest_batch() -> Cases:
    """A large layer at two balances, and one that no batch brings to the roof."""
    return [((7056, 4096, 2), 9), ((7056, 4096, 10), 41), ((16, 16, 10), 0)]


def least_time() -> Cases:
    """Two layers with opposite limits, one bound that rules both, and no layer."""
    two = [(100.0, 10.0), (10.0, 100.0)]
    return [
        ((two, 10.0, 10.0), 20.0),
        ((two, 1.0, 1000.0), 110.0),
        (([], 1.0, 1.0), 0.0),
    ]


def counted() -> Cases:
    """VGG-16 and GoogLeNet as texts have them, and ResNet-50 three times."""
    return [
        ((30.9, 15.47), "FLOPs"),
        ((1.5, 1.498), "MACs"),
        ((4.1, 4.089), "MACs"),
        ((8.2, 4.089), "FLOPs"),
        ((3.8, 4.089), "another network"),
    ]


def mobilenet_macs(blocks: Sequence[tuple[int, int]]) -> Cases:
    """MobileNet, built and counted at two sizes."""
    with torch.device("meta"):
        layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, 2, 1, bias=False)]
        maps = 32
        for out, stride in blocks:
            layers += [nn.Conv2d(maps, maps, 3, stride, 1, groups=maps, bias=False)]
            layers += [nn.Conv2d(maps, out, 1, bias=False)]
            maps = out
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, 1000)]
    network = nn.Sequential(*layers)
    return [
        ((blocks, side), int(cost.total(network, (3, side, side)).macs))
        for side in (224, 128)
    ]


def choose() -> Cases:
    """Four networks and four pairs of budgets, the last too small for any."""
    networks = [("a", 1.0, 20, 75.0), ("b", 0.3, 22, 74.0), ("c", 4.1, 102, 81.0)]
    networks += [("d", 0.8, 5, 58.0)]
    budgets = {(5, 200): "c", (1.0, 22): "a", (0.5, 100): "b", (0.9, 10): "d"}
    found = [((networks, *pair), name) for pair, name in budgets.items()]
    return [*found, ((networks, 0.1, 100), "none")]


def transformer_macs() -> Cases:
    """Three of torchvision's vision transformers, counted."""
    with torch.device("meta"):
        networks = {
            (224, 16, 768, 12): tv.vit_b_16(),
            (224, 32, 768, 12): tv.vit_b_32(),
            (384, 16, 768, 12): tv.vit_b_16(image_size=384),
        }
    return [
        ((side, *design), int(cost.total(network, (3, side, side)).macs))
        for (side, *design), network in networks.items()
    ]
