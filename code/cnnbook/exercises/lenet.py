"""Chapter 1: the cases that its exercises are checked on."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from .. import cost
from ..models import lenet
from ._cases import Cases, seeded


def width_after() -> Cases:
    """LeNet-5's layers up to S4, and two strides on a large image."""
    lenet5 = [(5, 1), (2, 2), (5, 1), (2, 2)]
    return [((32, lenet5), 5), ((224, [(7, 2), (3, 2)]), 54)]


def same_padding() -> Cases:
    """Kernels without and with dilation."""
    return [((3, 1), 1), ((5, 1), 2), ((7, 1), 3), ((3, 4), 4), ((5, 3), 6)]


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


def smallest_shift() -> Cases:
    """Strides of small networks and of VGG-16, which has five halvings."""
    return [(([1, 2, 1, 2],), 4), (([2] * 5,), 32), (([4, 2, 2, 2],), 32)]


def bends_most_at() -> Cases:
    """The place in closed form: f''' of A tanh(Sa) is 0 where tanh²(Sa) is 1/3."""
    return [((), math.atanh(math.sqrt(1 / 3)) / (2 / 3))]  # S = 2/3
