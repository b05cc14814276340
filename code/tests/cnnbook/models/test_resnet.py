"""Residual networks and their plain twins: depth, shortcuts, strides, start."""

import dataclasses

import pytest
import torch
from torch import nn

from cnnbook import models
from cnnbook.models import resnet

from .counting import count_parameters


@pytest.mark.parametrize(
    ("name", "depth"),
    [(n, int("".join(filter(str.isdigit, n)))) for n in resnet.DESIGNS],
)
def test_a_resnet_has_as_many_weight_layers_as_its_name(name, depth):
    network = models.build(name, device="meta")
    layers = [
        key
        for key, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear) and "downsample" not in key
    ]
    assert len(layers) == depth


def test_shortcuts_a_b_and_c_cost_what_they_cost():
    sizes = {}
    for shortcut in (None, "A", "B", "C"):
        design = dataclasses.replace(resnet.DESIGNS["resnet34"], shortcut=shortcut)
        with torch.device("meta"):
            sizes[shortcut] = count_parameters(resnet.ResNet(design))
    assert sizes == {
        None: 21_623_848,
        "A": 21_623_848,
        "B": 21_797_672,
        "C": 22_716_840,
    }


def test_a_plain_network_is_its_residual_twin_without_shortcuts():
    residual, plain = models.build("resnet20-cifar"), models.build("plain20-cifar")
    plain.load_state_dict(residual.state_dict(), strict=True)
    images = torch.randn(2, 3, 32, 32)
    residual.eval(), plain.eval()
    assert not torch.allclose(residual(images), plain(images))
    for module in residual.modules():
        if isinstance(module, resnet.Block):
            module.downsample = None
    torch.testing.assert_close(residual(images), plain(images))


@pytest.mark.parametrize("block", [resnet.BasicBlock, resnet.PreactivationBlock])
def test_the_last_normalisation_at_zero_makes_a_block_its_shortcut(block):
    design = resnet.Design(
        block, (2, 2), (8, 16), "cifar", shortcut="A", zero_last=True
    )
    network = resnet.ResNet(design, num_classes=5)
    x = torch.rand(2, 8, 9, 9)  # no negative, so that ReLU keeps it
    torch.testing.assert_close(network.layer1(x), x)
    halved = network.layer2(x)
    torch.testing.assert_close(halved[:, :8], x[:, :, ::2, ::2])
    assert halved[:, 8:].eq(0).all()


def test_the_stride_stands_where_the_design_says():
    for place, strides in {"1x1": [2, 1], "3x3": [1, 2]}.items():
        design = dataclasses.replace(resnet.DESIGNS["resnet50"], stride_in=place)
        with torch.device("meta"):
            block = resnet.ResNet(design).layer2[0]
        assert [block.conv1.stride[0], block.conv2.stride[0]] == strides


def test_normalisation_can_be_left_out():
    design = dataclasses.replace(resnet.cifar(8), norm=lambda maps: nn.Identity())
    network = resnet.ResNet(design)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    assert network(torch.randn(2, 3, 32, 32)).isfinite().all()
