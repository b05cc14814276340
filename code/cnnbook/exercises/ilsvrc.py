"""Chapter 2: the cases that its exercises are checked on."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models.squeezenet import Fire

from .. import cost, models
from ._cases import Cases


def error_from_ranks() -> Cases:
    """Ranks at, below and above k."""
    return [
        (([1, 2, 3, 3], 1), 75.0),
        (([1, 2, 3, 3], 2), 50.0),
        (([6, 5, 900], 5), 200 / 3),
    ]


def pieces() -> Cases:
    """AlexNet's pieces, those of CIFAR-10, and an image with nothing to crop."""
    return [((256, 224), 2178), ((40, 32), 162), ((224, 224), 2)]


def input_widths() -> Cases:
    """The first layers of AlexNet and of ResNet."""
    return [((55, 11, 4, 0), [227, 228, 229, 230]), ((112, 7, 2, 3), [223, 224])]


def grouped_parameters() -> Cases:
    """AlexNet's second and fourth layer, and one with a group for each map."""
    return [
        ((96, 256, 5, 2), 307_456),
        ((384, 384, 3, 2), 663_936),
        ((32, 32, 3, 32), 320),
    ]


def images_needed() -> Cases:
    """Errors that lie near together and far apart."""
    return [((3.57, 2.99), 7543), ((16.4, 26.2), 138), ((6.66, 5.1), 1818)]


def gate_parameters() -> Cases:
    """What SE-ResNet-50 has and ResNet-50 has not."""
    gated, plain = (
        cost.total(models.build(name, device="meta"), (3, 224, 224)).parameters
        for name in ("se-resnet50", "resnet50")
    )
    stages = [3, 4, 6, 3], [256, 512, 1024, 2048], 16
    return [(stages, int(gated - plain))]


def fire_cost() -> Cases:
    """Two of torchvision's fire modules, counted."""
    cases = []
    for c_in, s, e1, e3, side in [(96, 16, 64, 64, 55), (256, 48, 192, 192, 27)]:
        with torch.device("meta"):
            module = Fire(c_in, s, e1, e3)
        counted = cost.total(module, (c_in, side, side))
        expected = int(counted.parameters), int(counted.macs)
        cases.append(((c_in, s, e1, e3, side), expected))
    return cases


def saving() -> Cases:
    """The pair and the plain convolution, both counted."""
    cases = []
    for c_in, c_out in [(32, 64), (512, 512)]:
        with torch.device("meta"):
            plain = nn.Conv2d(c_in, c_out, 3, padding=1)
            depthwise = nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in)
            pair = nn.Sequential(depthwise, nn.Conv2d(c_in, c_out, 1))
        macs = [cost.total(layers, (c_in, 14, 14)).macs for layers in (plain, pair)]
        cases.append(((c_in, c_out, 3), float(macs[0] / macs[1])))
    return cases
