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


def dominated(networks: pd.DataFrame, front: pd.DataFrame) -> Cases:
    """Networks with a tie, and those of a table that are not on its front."""
    tied = [("a", 1, 50), ("b", 2, 60), ("c", 3, 55), ("d", 2, 60), ("e", 2, 58)]
    triples = [(row.Index, row.macs, row.accuracy) for row in networks.itertuples()]
    off = sorted(set(networks.index) - set(front.index))
    return [((tied,), ["c", "e"]), ((triples,), off)]


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


def rank_correlation(networks: pd.DataFrame) -> Cases:
    """A table's parameters and activations, each beside its MACs, by pandas."""
    correlations = networks.corr(method="spearman")
    return [
        ((list(networks[name]), list(networks.macs)), correlations.loc[name, "macs"])
        for name in ("parameters", "activations")
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


def phi() -> Cases:
    """One step, and three from another beginning."""
    factor = 1.2 * 1.1**2 * 1.15**2
    return [((1.0, factor), 1.0), ((2.0, 2.0 * factor**3), 3.0)]


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
