"""Chapter 3: the cases that its exercises are checked on."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from .. import cost, receptive_field
from ..models import resnet
from ._cases import Cases

IMAGE = (3, 224, 224)


def layers_needed() -> Cases:
    """Fields of whole stacks, one between two, and that of a whole image."""
    return [((3,), 1), ((5,), 2), ((7,), 3), ((8,), 4), ((224,), 112)]


def saved_and_more() -> Cases:
    """Kernels from 3×3, where nothing is saved, to AlexNet's."""
    return [((3,), (0, 0)), ((5,), (28, 39)), ((7,), (45, 81)), ((11,), (63, 169))]


def field_after() -> Cases:
    """Two plain layers, one with dilation, and both with strides before them."""
    return [
        (([(3, 1, 1, 1), (3, 1, 1, 1)],), (5, 1, -2)),
        (([(3, 1, 2, 2)],), (5, 1, -2)),
        (([(7, 2, 3, 1), (3, 2, 1, 1), (3, 1, 2, 2)],), (27, 4, -13)),
    ]


def crossover_of_three() -> Cases:
    """Where 9r + 18r² equals 49r, with r for the ratio."""
    return [((), 20 / 9)]


def middle_maps() -> Cases:
    """From one map to the 64 of VGG's first layers."""
    return [((1,), 2), ((3,), 5), ((6,), 10), ((18,), 28), ((64,), 98)]


def sound_field() -> Cases:
    """Groups of dilated layers, built and traced."""
    cases = []
    for layers, repeats in [(1, 1), (4, 1), (10, 1), (10, 3)]:
        with torch.device("meta"):
            group = [nn.Conv2d(1, 1, (1, 2), dilation=2**i) for i in range(layers)]
        network = nn.Sequential(*group * repeats)
        traced = receptive_field.trace(network, (1, 1, 4000), axis=1)
        cases.append(((layers, repeats), int(traced["size"].iloc[-1])))
    return cases


def resnet50_field() -> Cases:
    """Both ResNet-50, built and traced up to their last maps."""
    cases = []
    for halving in ("1x1", "3x3"):
        design = replace(resnet.DESIGNS["resnet50"], stride_in=halving)
        with torch.device("meta"):
            network = resnet.ResNet(design)
        traced = receptive_field.trace(network, IMAGE)
        # Behind the last maps comes the average, whose jump is 0: it sees everything.
        cases.append(((halving,), int(traced[traced.jump > 0]["size"].iloc[-1])))
    return cases


def stems() -> Cases:
    """Both stems, counted and traced."""
    with torch.device("meta"):
        one = nn.Sequential(nn.Conv2d(3, 64, 7, 2, bias=False))
        three = nn.Sequential(
            nn.Conv2d(3, 64, 3, 2, bias=False),
            nn.Conv2d(64, 64, 3, bias=False),
            nn.Conv2d(64, 128, 3, bias=False),
        )
    weights = [int(cost.total(stem, IMAGE).parameters) for stem in (one, three)]
    fields = [
        int(receptive_field.trace(stem, IMAGE)["size"].iloc[-1])
        for stem in (one, three)
    ]
    return [((), (*weights, *fields))]
