"""How weights are drawn before training."""

import math

import pytest
import torch
from torch import nn

from cnnbook.models.init import kaiming_normal


def test_kaiming_keeps_the_size_of_the_gradient_under_relu():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(16, 64, 3), nn.Linear(200, 300))
    kaiming_normal(network)
    convolution, dense = network
    assert convolution.weight.std().item() == pytest.approx(
        math.sqrt(2 / (3 * 3 * 64)), rel=0.05
    )
    assert dense.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert convolution.bias.eq(0).all()
    assert dense.bias.eq(0).all()


def test_a_layer_without_a_bias_stays_without():
    network = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.BatchNorm2d(1))
    kaiming_normal(network)
    assert network[0].bias is None
    assert network[1].weight.item() == 1
