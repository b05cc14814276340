"""Chapter 1: the cases that its exercises are checked on."""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

from .. import cost, records
from ..models import lenet
from ._cases import Cases, Computes, seeded


def sparse_parameters() -> Cases:
    """The paper's C3, and a table that can be counted: four kernels, two biases."""
    return [((lenet.C3_TABLE, 5), 1516), ((["X.", "XX", ".X"], 3), 4 * 9 + 2)]


@seeded(0)
def subsample() -> Cases:
    """S2 itself, which adds up squares and convolves nothing."""
    s2 = lenet.Subsampling(6).requires_grad_(False)
    x = torch.randn(2, 6, 28, 28)
    return [((x, s2.coefficient.flatten(), s2.bias.flatten()), s2(x))]


@seeded(0)
def correlate_general() -> Cases:
    """PyTorch's own convolution, with stride and dilation one by one and together."""
    image, kernel = torch.randn(12, 12), torch.randn(3, 3)
    cases = []
    for stride, dilation in [(1, 1), (2, 1), (1, 2), (3, 2)]:
        expected = F.conv2d(
            image[None, None], kernel[None, None], stride=stride, dilation=dilation
        )
        cases.append(((image, kernel, stride, dilation), expected[0, 0]))
    return cases


def road_sign_parameters() -> Cases:
    """The network, built and counted."""
    with torch.device("meta"):
        network = nn.Sequential(
            nn.Conv2d(3, 12, 7),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(12, 24, 4),
            nn.MaxPool2d(3),
            nn.ReLU(),
            nn.Flatten(),
            nn.LazyLinear(43),  # finds its number of inputs when it first runs
        )
        network(torch.zeros(1, 3, 48, 48))
    return [((), int(cost.total(network, (3, 48, 48)).parameters))]


@seeded(0)
def locally_connected() -> Cases:
    """A convolution, whose kernels are the same everywhere, and kernels that differ."""
    x, kernels = torch.randn(2, 3, 6, 6), torch.randn(4, 27, 1)
    biases = torch.randn(4, 1)
    convolved = F.conv2d(x, kernels.view(4, 3, 3, 3), biases[:, 0])
    shared = (kernels.expand(4, 27, 16).transpose(1, 2), biases.expand(4, 16), 3)
    weight, bias = torch.randn(2, 9, 4), torch.randn(2, 9)
    image = torch.randn(1, 1, 4, 4)
    patches = F.unfold(image, 2)[0].T  # (9, 4)
    each = (weight * patches).sum(dim=2) + bias
    return [
        (shared, Computes(x, convolved)),
        ((weight, bias, 2), Computes(image, each.view(1, 2, 3, 3))),
    ]


def bends_most_at() -> Cases:
    """The place in closed form: f''' of A tanh(Sa) is 0 where tanh²(Sa) is 1/3."""
    return [((), math.atanh(math.sqrt(1 / 3)) / (2 / 3))]  # S = 2/3


def learns() -> Cases:
    """Rates below and above what the loss allows, by its steepest direction.

    Its second derivative there is twice the sum of the squared mean of each of nine
    pixels, and twice the variance of one: 4.7 without an offset, 1/6 with mean 0. Rates
    up to 2 divided by that converge.
    """
    return [
        ((0.5, 0.0), False),
        ((0.5, 0.5), True),
        ((6.0, 0.5), True),
    ]


@cache  # one network: two of them are never equal
@seeded(0)
def straightened() -> Cases:
    """The layers of a network one after the other, with nothing that bends."""
    network = lenet.LeNet5Modern().requires_grad_(False)
    x = torch.randn(2, 1, 32, 32)
    maps = F.avg_pool2d(network.c3(F.avg_pool2d(network.c1(x), 2)), 2)
    y = network.output(network.f6(network.c5(maps.flatten(1))))
    return [((network,), Computes(x, y))]


def stay_alike() -> Cases:
    """A start whose kernels cannot part, and one whose kernels never were alike."""
    return [((0.01,), True), ((None,), False)]


def read_off() -> Cases:
    """What the figure is drawn from."""
    arms = records.load("lenet5-changes-mnist")["results"]
    tanh, relu = (
        [seed["test_error"] for seed in arms[f"{function}, 1998 start"]["seeds"]]
        for function in ("tanh", "ReLU")
    )
    below = [max(errors) < 2 for errors in zip(*tanh, strict=True)]
    bad = sum(errors[-1] > 15 for errors in relu)
    return [((), (below.index(True) + 1, bad))]


def deviations_apart() -> Cases:
    """The page's errors on its few images, and on as many as MNIST has."""
    return [
        ((one, other, images), (other - one) / 100 / math.sqrt(variance / images))
        for one, other, images in [(1.1, 2.4, 360), (1.1, 2.4, 10_000)]
        for variance in [sum(p / 100 * (1 - p / 100) for p in (one, other))]
    ]


@seeded(0)
def max_pool_gradient() -> Cases:
    """PyTorch's own gradient: windows side by side, some that overlap, and ties."""
    different = torch.randn(9, 9, requires_grad=True)
    ties = torch.randint(3, (9, 9)).float().requires_grad_()
    cases = []
    for x, k, stride in [
        (different, 3, 3),
        (different, 3, 2),
        (different, 5, 1),
        (ties, 3, 2),
    ]:
        pooled = F.max_pool2d(x[None, None], k, stride)[0, 0]
        sent_back = torch.randn(pooled.shape)
        [expected] = torch.autograd.grad(pooled, x, sent_back)
        cases.append(((x.detach(), sent_back, k, stride), expected))
    return cases
