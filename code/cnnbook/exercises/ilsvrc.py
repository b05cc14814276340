"""Chapter 2: the cases that its exercises are checked on."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models.squeezenet import Fire

from .. import cost, models
from ..models.senet import SqueezeExcitation
from ._cases import Cases, Computes, seeded


def error_from_ranks() -> Cases:
    """Ranks at, below and above k."""
    return [
        (([1, 2, 3, 3], 1), 75.0),
        (([1, 2, 3, 3], 2), 50.0),
        (([6, 5, 900], 5), 200 / 3),
    ]


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


@seeded(0)
@torch.no_grad()
def gated() -> Cases:
    """The weights of the book's module, and what it makes of random maps."""
    cases: Cases = []
    for channels, reduction in [(8, 2), (32, 16)]:
        module = SqueezeExcitation(channels, reduction)
        for layer in (module.fc1, module.fc2):
            layer.bias.zero_()
        x = torch.randn(2, channels, 5, 5)
        weights = (module.fc1.weight.detach(), module.fc2.weight.detach())
        cases.append((weights, Computes(x, module(x))))
    return cases


def dead_units() -> Cases:
    """Three units of which one is dead, and two maps of which neither is."""
    units = torch.tensor([[0.0, 1, 0], [2, 0, 0]])
    maps = torch.tensor([[[[0.0, 0], [0, 3]], [[0, 0], [0, 0]]]]).repeat(2, 1, 1, 1)
    maps[1, 1, 0, 0] = 1
    return [((units,), 100 / 3), ((maps,), 0.0), ((torch.zeros(4, 5),), 100.0)]


def deviations() -> Cases:
    """ResNet against A1, and the winner of 2016 against ResNet."""
    return [
        ((5.1, 1500, 3.57, 100_000), 2.679257),
        ((3.57, 100_000, 2.99, 100_000), 7.282416),
    ]


def yearly_factor() -> Cases:
    """The winners from 2012 to 2017, and errors that are halved."""
    return [
        (([16.422, 11.743, 6.656, 3.567, 2.991, 2.251],), 0.67203),
        (([8.0, 4.0, 2.0],), 0.5),
    ]
