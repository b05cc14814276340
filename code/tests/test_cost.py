"""The counts of `cost`, against the paper and against counting one by one."""

import math
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnbook import cost, models, papers


def test_lenet5_has_every_count_of_the_paper():
    table = cost.layer_table(models.build("lenet5"), (1, 32, 32))
    assert list(table.layer) == ["c1", "s2", "c3", "s4", "c5", "f6", "output"]
    for row in table.itertuples():
        for kind in ("parameters", "connections"):
            published = papers.figure(f"lenet5.{row.layer}.{kind}").value
            assert getattr(row, kind) == published, (row.layer, kind)
    sums = cost.total(models.build("lenet5"), (1, 32, 32))
    assert sums.to_dict() == {
        "parameters": 60_000,
        "connections": 340_908,
        "macs": 326_520,
        "activations": 8_094,
    }


def test_the_tutorials_lenet_is_larger():
    sums = cost.total(models.build("lenet5-modern"), (1, 32, 32))
    assert sums.parameters == 61_706


@st.composite
def convolutions(draw):
    groups = draw(st.integers(1, 3))
    layer = nn.Conv2d(
        groups * draw(st.integers(1, 3)),
        groups * draw(st.integers(1, 3)),
        draw(st.integers(1, 4)),
        stride=draw(st.integers(1, 3)),
        padding=draw(st.integers(0, 2)),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
    )
    return layer


@settings(deadline=None, max_examples=50)
@given(convolutions(), st.integers(7, 12), st.integers(1, 3))
def test_a_convolution_counts_what_each_unit_reads(layer, side, batch):
    table = cost.layer_table(layer, (layer.in_channels, side, side), batch_size=batch)
    units = batch * math.prod(table.output_shape[0])
    read = layer.in_channels // layer.groups * layer.kernel_size[0] ** 2
    assert table.macs[0] == units * read
    assert table.connections[0] == units * (read + (layer.bias is not None))
    assert table.parameters[0] == sum(p.numel() for p in layer.parameters())


def test_a_linear_layer_on_a_sequence_is_used_at_each_place():
    table = cost.layer_table(nn.Linear(8, 3), (5, 8), batch_size=2)
    assert table.macs[0] == 2 * 5 * 8 * 3
    assert table.connections[0] == 2 * 5 * (8 + 1) * 3


def test_a_layer_used_twice_has_its_parameters_once():
    layer = nn.Linear(4, 4)
    table = cost.layer_table(nn.Sequential(layer, nn.ReLU(), layer), (4,))
    assert table.parameters.tolist() == [20, 0, 0]
    assert table.macs.tolist() == [16, 0, 16]


def test_counting_leaves_the_model_alone():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    cost.layer_table(network, (1, 8, 8))
    assert network.training
    assert not network[0]._forward_hooks
    for name, value in network.state_dict().items():
        assert value.device.type == "cpu"
        assert value.equal(before[name])


def test_a_layer_without_a_rule_is_refused():
    class Unknown(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x * self.scale

    with pytest.raises(TypeError, match="Unknown"):
        cost.layer_table(Unknown(), (3,))


def test_a_wrong_input_size_is_told_with_the_right_one():
    with pytest.raises(ValueError, match=r"\(N, 1, 32, 32\)"):
        cost.layer_table(models.build("lenet5"), (1, 28, 28))


def test_weights_need_not_exist():
    """A terabyte of weights is counted on the meta device, at once."""
    with torch.device("meta"):
        huge = nn.Linear(500_000, 500_000)
    start = time.perf_counter()
    assert cost.total(huge, (500_000,)).macs == 500_000**2
    assert time.perf_counter() - start < 5
