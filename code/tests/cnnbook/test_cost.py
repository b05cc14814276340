"""The counts of `cost`: against the paper, brute force, other counters, torchvision."""

import copy
import math
import random
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import (
    FlopCounterMode,
    flop_registry,
    register_flop_formula,
)

from cnnbook import _products, cost, models, papers
from cnnbook.models import lenet

from .quick import CLASSIFIERS as QUICK
from .quick import others_are_slow

# --- LeNet-5, against its paper


def test_lenet5_has_every_count_of_the_paper():
    table = cost.layer_table(models.build("lenet5"), (1, 32, 32))
    assert list(table.layer) == ["c1", "s2", "c3", "s4", "c5", "f6", "output"]
    for row in table.itertuples():
        for kind in ("parameters", "connections"):
            published = papers.value(f"lenet5.{row.layer}.{kind}")
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


# --- Layers, against counting one by one


def products(layer: nn.Module, x: torch.Tensor) -> int:
    """Count the products of a layer: with ones everywhere, an output is their number.

    Padding is of ones too, and a transposed convolution's output is not cropped.
    """
    ones = copy.deepcopy(layer).double()
    with torch.no_grad():
        ones.weight.fill_(1)
        ones.bias = None
        if isinstance(ones, nn.modules.conv._ConvNd):
            if not ones.transposed:
                sides = [p for p in reversed(ones.padding) for _ in range(2)]
                x = F.pad(x, sides, value=1)
            ones.padding = (0,) * len(ones.padding)
        return int(ones(x).sum())


@st.composite
def convolutions(draw):
    dimensions, transposed = draw(st.integers(1, 3)), draw(st.booleans())
    groups = draw(st.integers(1, 4))
    kernel = draw(st.tuples(*[st.integers(1, 3)] * dimensions))
    return getattr(nn, f"Conv{'Transpose' * transposed}{dimensions}d")(
        groups * draw(st.integers(1, 2)),
        groups * draw(st.integers(1, 3)),  # 1 and 1: depthwise
        kernel,
        stride=draw(st.integers(1, 3)),
        padding=draw(st.integers(0, min(kernel) - 1)),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
    )


@settings(max_examples=80)
@given(convolutions(), st.integers(5, 7), st.integers(1, 3))
def test_a_convolution_counts_what_each_unit_reads(layer, side, batch):
    size = (layer.in_channels, *[side] * len(layer.kernel_size))
    row = cost.layer_table(layer, size, batch_size=batch).iloc[0]
    x = torch.ones(batch, *size, dtype=torch.double)
    output = layer.double()(x)
    assert row.output_shape == tuple(output.shape[1:])
    assert row.activations == output.numel()
    assert row.macs == products(layer, x)
    biases = 0 if layer.bias is None else output.numel()
    assert row.connections == row.macs + biases
    assert row.parameters == sum(p.numel() for p in layer.parameters())


@given(
    st.lists(st.integers(1, 4), max_size=3),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
)
def test_a_linear_layer_is_used_at_each_place_of_a_sequence(lead, inputs, units, bias):
    layer = nn.Linear(inputs, units, bias=bias)
    row = cost.layer_table(layer, (*lead, inputs), batch_size=2).iloc[0]
    assert row.macs == products(layer, torch.ones(2, *lead, inputs).double())
    assert row.connections == row.macs + bias * 2 * math.prod(lead) * units
    assert row.output_shape == (*lead, units)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_pool_reads_its_window(dimensions, stride):
    kind, maximum = (getattr(nn, f"{k}Pool{dimensions}d") for k in ("Avg", "Max"))
    sums = kind(3, stride, divisor_override=1)(torch.ones(2, 4, *[7] * dimensions))
    for layer in (maximum(3, stride), kind((3,) * dimensions, stride)):
        row = cost.layer_table(layer, (4, *[7] * dimensions), batch_size=2).iloc[0]
        assert row.connections == sums.sum()
        assert row.macs == row.parameters == 0


@given(st.data(), st.integers(1, 3))
def test_an_adaptive_pool_reads_what_its_derivative_shows(data, dimensions):
    sides = st.tuples(*[st.integers(1, 5)] * dimensions)
    inputs, outputs = data.draw(sides), data.draw(sides)
    average = getattr(nn, f"AdaptiveAvgPool{dimensions}d")(outputs)
    maximum = getattr(nn, f"AdaptiveMaxPool{dimensions}d")(outputs)
    jacobian = torch.autograd.functional.jacobian(average, torch.ones(1, 1, *inputs))
    for layer in (average, maximum):
        row = cost.layer_table(layer, (2, *inputs)).iloc[0]
        assert row.connections == 2 * jacobian.count_nonzero()
        assert row.output_shape == (2, *outputs)


@pytest.mark.parametrize(
    ("layer", "reads"),
    [
        (nn.BatchNorm2d(4), 2),
        (nn.BatchNorm2d(4, affine=False), 1),
        (nn.GroupNorm(2, 4), 2),
        (nn.InstanceNorm2d(4), 1),
        (nn.LayerNorm(5), 2),
        (nn.LayerNorm(5, bias=False), 1),
    ],
)
def test_a_normalised_unit_reads_itself_and_its_shift(layer, reads):
    row = cost.layer_table(layer, (4, 5, 5)).iloc[0]
    assert row.connections == reads * 4 * 5 * 5
    assert row.macs == 0
    assert row.parameters == sum(p.numel() for p in layer.parameters())


@given(st.integers(1, 5))
def test_a_batch_multiplies_all_but_the_parameters(batch):
    network = torchvision.models.squeezenet1_1()
    one = cost.layer_table(network, (3, 64, 64))
    many = cost.layer_table(network, (3, 64, 64), batch_size=batch)
    same = ["layer", "kind", "input_shape", "output_shape", "parameters"]
    assert many[same].equals(one[same])
    for count in ("connections", "macs", "activations"):
        assert many[count].equals(batch * one[count])


# --- Networks: each thing counted once, also what is no layer


class Network(nn.Module):
    """A convolution of 20 parameters, and `run` between it and the output."""

    def __init__(self, run, **members):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        for name, member in members.items():
            setattr(self, name, member)
        self.run = run

    def forward(self, x, *more):
        return self.run(self, self.conv(x), *more)


def rows(run, size=(1, 6, 6), batch_size=1, **members):
    """Return the table of a `Network` without its convolution's row."""
    network = Network(run, **members)
    table = cost.layer_table(network, size, batch_size=batch_size)
    assert table.iloc[0][["layer", "kind"]].tolist() == ["conv", "Conv2d"]
    return table.iloc[1:].reset_index(drop=True)


def parameter(*shape):
    return nn.Parameter(torch.ones(shape))


def test_a_layer_used_twice_has_its_parameters_once():
    layer = nn.Linear(4, 4)
    table = cost.layer_table(nn.Sequential(layer, nn.ReLU(), layer), (4,))
    assert table.layer.tolist() == ["0", "1", "0"]
    assert table.parameters.tolist() == [20, 0, 0]
    assert table.macs.tolist() == [16, 0, 16]


def test_layers_that_share_a_weight_count_it_once():
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    table = cost.layer_table(nn.Sequential(first, second), (4,))
    assert table.parameters.tolist() == [20, 4]


def test_a_layer_may_be_called_with_a_keyword():
    [row] = rows(lambda net, x: net.dense(input=x), dense=nn.Linear(4, 3)).itertuples()
    assert (row.input_shape, row.output_shape) == ((2, 4, 4), (2, 4, 3))


def test_what_is_never_read_is_not_counted():
    table = rows(lambda net, x: x, head=nn.Linear(9, 9), token=parameter(7))
    assert table.empty


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (lambda net, x: torch.cat([x, net.own.expand(len(x), 3, 4, 4)], 1), "cat"),
        (lambda net, x: net.own[:, None, None].expand(3, 1, 4)[:2] + x, "add"),
        (lambda net, x: x.mul_(net.own.view(3, 1, 1)[:2]), "mul"),
        (lambda net, x: x * net.own.clone()[0], "clone"),
        (lambda net, x: x + net.own.exp()[0], "exp"),
        (lambda net, x: x + net.own[torch.zeros(4, dtype=torch.long)], "index"),
        (lambda net, x: torch.zeros(3).to(x).copy_(net.own) + x[..., :3], "copy"),
    ],
)
def test_a_parameter_of_no_layer_stands_where_it_is_read(run, kind):
    own = parameter(1, 3, 1, 1) if kind == "cat" else parameter(3)
    table = rows(run, own=own)
    assert table.parameters.sum() == 3
    [row] = table[table.parameters == 3].itertuples()
    assert row.kind == kind
    if kind in ("cat", "add", "mul"):  # what is not a parameter comes first
        assert row.input_shape == (2, 4, 4)


def test_a_shape_without_a_batch_in_front_is_given_whole():
    [row] = rows(lambda net, x: x.flatten(0, 1).mean(1), batch_size=3).itertuples()
    assert (row.input_shape, row.output_shape) == ((6, 4, 4), (6, 4))


def in_place(x, y):
    x += y
    return x


@pytest.mark.parametrize("add", [torch.add, in_place])
def test_a_shortcut_is_a_row(add):
    table = rows(lambda net, x: add(x, net.conv.bias.new_ones(1)), batch_size=3)
    [row] = table.itertuples()
    assert (row.layer, row.kind, row.output_shape) == ("", "add", (2, 4, 4))
    assert (row.parameters, row.macs, row.activations) == (0, 0, 3 * 2 * 4 * 4)


def test_in_place_and_out_of_place_are_the_same():
    def block(inplace):
        layers = nn.Conv2d(2, 2, 1), nn.ReLU(inplace=inplace), nn.Hardtanh(inplace=True)
        return Network(
            lambda net, x: F.relu(net.block(x), inplace=inplace),
            block=nn.Sequential(*layers),
        )

    tables = [cost.layer_table(block(inplace), (1, 6, 6)) for inplace in (True, False)]
    assert tables[0].equals(tables[1])
    assert tables[0].kind.tolist() == ["Conv2d", "Conv2d", "ReLU", "Hardtanh"]


@pytest.mark.parametrize(
    "run",
    [
        lambda net, x: x.flatten(1),
        lambda net, x: x.transpose(1, 2).reshape(1, -1, 2).contiguous(),
        lambda net, x: F.relu(x),
        lambda net, x: 1.7159 * torch.tanh(2 / 3 * x),
        lambda net, x: x.softmax(dim=1),
        lambda net, x: x.new_zeros(3, 5),
        lambda net, x: x.new_zeros(1, 2, 4, 8)[..., 2:6].copy_(x),
        lambda net, x: torch.zeros_like(x),
        lambda net, x: x.chunk(2, dim=1),
    ],
)
def test_moving_values_and_mapping_each_to_one_is_no_row(run):
    assert rows(run).empty


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("run", "kind", "shapes", "macs"),
    [
        (lambda x: x.mean((2, 3)), "mean", ((2, 4, 4), (2,)), 0),
        (lambda x: torch.cat([x, x + x], 1), "cat", ((2, 4, 4), (4, 4, 4)), 0),
        (lambda x: x @ x.new_ones(4, 5), "mm", None, 2 * 4 * 4 * 5),
        (lambda x: x @ x, "bmm", None, 2 * 4 * 4 * 4),
        (lambda x: torch.einsum("nchw,ndhw->ncd", x, x), "bmm", None, 2 * 2 * 16),
        (
            lambda x: x.flatten(0, 1).baddbmm(*[x.flatten(0, 1)] * 2),
            "baddbmm",
            None,
            128,
        ),
        (lambda x: x @ x.new_ones(4), "mv", None, 2 * 4 * 4),
        (lambda x: x.new_ones(1).addmv(x.flatten(0, 2), x[0, 0, 0]), "addmv", None, 32),
        (lambda x: x.flatten() @ x.flatten(), "dot", None, 2 * 4 * 4),
        (
            lambda x: F.conv2d(x, x.new_ones(6, 1, 3, 2), groups=2),
            "convolution",
            ((2, 4, 4), (6, 2, 3)),
            6 * 2 * 3 * (3 * 2),
        ),
        (
            lambda x: F.conv_transpose2d(x, x.new_ones(2, 5, 3, 3)),
            "convolution",
            ((2, 4, 4), (5, 6, 6)),
            2 * 4 * 4 * (5 * 3 * 3),
        ),
    ],
)
def test_an_operation_between_layers_is_a_row(run, kind, shapes, macs, batch):
    row = rows(lambda net, x: run(x), batch_size=batch).iloc[-1]
    assert (row.layer, row.kind) == ("", kind)
    assert row.macs == row.connections == batch * macs
    if shapes:
        assert (row.input_shape, row.output_shape) == shapes


@pytest.mark.parametrize("need_weights", [True, False])
def test_an_attention_counts_projections_and_products(need_weights):
    length, width, heads = 16, 8, 2
    table = rows(
        lambda net, x: net.attention(
            *[x.reshape(-1, length, width)] * 3, need_weights=need_weights
        ),
        size=(1, 10, 10),  # 2 maps of 8 x 8: 16 tokens of 8
        attention=nn.MultiheadAttention(width, heads, batch_first=True),
    )
    assert set(table.layer) == {"attention"}
    projections = 4 * length * width * width
    scores_and_values = 2 * length * length * width
    assert table.macs.sum() == projections + scores_and_values
    assert table.parameters.sum() == 4 * (width * width + width)


def test_a_network_of_several_inputs():
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.image, self.label = nn.Conv2d(3, 4, 5), nn.Linear(7, 4)

        def forward(self, image, label):
            return self.image(image).mean((2, 3)) + self.label(label)

    table = cost.layer_table(Siamese(), [(3, 8, 8), (7,)], batch_size=2)
    assert table.kind.tolist() == ["Conv2d", "mean", "Linear", "add"]
    assert table.macs.tolist() == [2 * 4 * 16 * 75, 0, 2 * 28, 0]


def test_a_layer_of_ones_own_is_counted_by_what_runs_in_it():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.query, self.unused = parameter(4, 3), parameter(9)

        def forward(self, x):
            query = F.linear(x, self.query.T)
            return (query @ query.mT).softmax(-1) + self.query.sum()

    [row] = cost.layer_table(Attention(), (5, 4), batch_size=2).itertuples()
    assert (row.kind, row.parameters) == ("Attention", 12)
    assert row.macs == row.connections == 2 * (5 * 4 * 3 + 5 * 5 * 3)


def test_a_subclass_with_its_own_forward_does_not_get_its_parents_rule():
    class LowRank(nn.Linear):
        def __init__(self):
            super().__init__(8, 8)
            self.down, self.up = parameter(2, 8), parameter(8, 2)

        def forward(self, x):
            return super().forward(x) + F.linear(F.linear(x, self.down), self.up)

    class Renamed(nn.Linear):
        """Has its parent's forward, and so its rule."""

    assert cost.total(LowRank(), (8,)).macs == 8 * 8 + 2 * (2 * 8)
    assert cost.total(Renamed(8, 8), (8,)).connections == 8 * 9


def test_a_layer_that_counts_itself_does_not_count_a_subclass_that_runs_otherwise():
    """Run, C3 is a convolution of all maps: 240,000 MACs where it says 150,000."""

    class Doubled(lenet.SparseConv2d):
        def forward(self, x):
            return 2 * super().forward(x)

    class Renamed(lenet.SparseConv2d):
        """Has its parent's forward, and so its count."""

    class CountsItself(Doubled):
        def connections_and_macs(self, x, y):
            return 7, 5

    found = {
        kind.__name__: cost.total(kind(lenet.C3_TABLE, 5), (6, 14, 14))
        for kind in (Doubled, Renamed, CountsItself)
    }
    macs = {name: sums.macs for name, sums in found.items()}
    assert macs == {"Doubled": 240_000, "Renamed": 150_000, "CountsItself": 5}
    assert found["Renamed"].connections == papers.value("lenet5.c3.connections")
    assert {int(sums.parameters) for sums in found.values()} == {1_516}


@pytest.mark.parametrize("precision", [torch.float, torch.double])
def test_a_recurrent_layer_is_counted_by_its_products(precision):
    layer = nn.LSTM(8, 16, batch_first=True, dtype=precision)
    row = cost.layer_table(layer, (5, 8)).iloc[0]
    assert row.macs == 5 * 4 * 16 * (8 + 16)
    assert row.parameters == 4 * 16 * (8 + 16 + 2)


def test_hooks_of_the_networks_own_are_part_of_it():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3))
    network[0].register_forward_hook(lambda layer, args, output: output @ output.T)
    network[1].register_forward_pre_hook(lambda layer, args: (args[0].expand(1, 4),))
    table = cost.layer_table(network, (3,))
    assert table.kind.tolist() == ["Linear", "mm", "Linear"]


# --- The model is left alone


class Stateful(nn.Module):
    """Keeps what it saw, and is only in part in training mode."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
        self.head = nn.Linear(72, 3)
        self.body[1].training = False
        self.seen = None

    def forward(self, x):
        self.seen = self.body(x)
        self.calls = 1
        return self.head(self.seen.flatten(1))


@pytest.mark.parametrize("size", [(1, 8, 8), (1, 9, 9)])
def test_counting_leaves_the_model_alone_also_when_it_fails(size):
    network = Stateful()
    attributes = [copy.copy(vars(module)) for module in network.modules()]
    hooks = "_forward_hooks _forward_pre_hooks _forward_hooks_with_kwargs".split()
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    values = {name: tensor.clone() for name, tensor in tensors.items()}
    if size == (1, 8, 8):
        cost.layer_table(network, size)
    else:
        with pytest.raises(ValueError, match="layer 'head'"):
            cost.layer_table(network, size)
    now = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    assert all(now[name] is tensor for name, tensor in tensors.items())
    assert all(tensor.equal(values[name]) for name, tensor in tensors.items())
    assert [vars(module) for module in network.modules()] == attributes
    for module in network.modules():
        assert not any(getattr(module, name) for name in hooks)


def test_weights_need_not_exist():
    """A terabyte of weights is counted on the meta device, at once."""
    huge = nn.Linear(500_000, 500_000, device="meta")
    start = time.perf_counter()
    assert cost.total(huge, (500_000,)).macs == 500_000**2
    assert time.perf_counter() - start < 5


def count_resnet18(**where):
    network = torchvision.models.resnet18().to(**where)
    return cost.layer_table(network, (3, 64, 64))


def test_device_and_precision_change_nothing():
    table = count_resnet18(device="cpu")
    assert count_resnet18(device="meta").equals(table)
    assert count_resnet18(dtype=torch.half).equals(table)


def test_inference_mode_changes_nothing():
    """There, torch would hand over whole convolutions and products, not their parts."""

    def run(net, x):
        return F.conv2d(
            torch.einsum("nchw,ndhw->ncd", x, x)[None], x.new_ones(3, 1, 2, 2)
        )

    table = rows(run)
    assert table.macs.tolist() == [2 * 2 * 16, 3 * 4]
    with torch.inference_mode():
        assert rows(run).equals(table)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_network_on_a_gpu_is_counted_without_using_its_memory():
    table = count_resnet18(device="cpu")
    network = torchvision.models.resnet18().cuda()
    before = torch.cuda.max_memory_allocated()
    assert cost.layer_table(network, (3, 64, 64)).equals(table)
    assert torch.cuda.max_memory_allocated() == before


# --- Errors


SIZES = [(), [], 5, None, "abc", (3, 0, 4), (3, -1), (3.0, 4), [(3,), 4], [(3,), ()]]


@pytest.mark.parametrize("size", SIZES, ids=repr)
def test_an_input_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match=r"input_size must be .* such as \(3, 224, 22"):
        cost.layer_table(nn.Linear(3, 3), size)


@pytest.mark.parametrize("batch", [0, -1, 1.5, None, "2"])
def test_a_batch_size_that_is_none_is_refused(batch):
    with pytest.raises(ValueError, match="batch_size must be"):
        cost.layer_table(nn.Linear(3, 3), (3,), batch_size=batch)


def test_a_wrong_input_size_is_told_with_the_right_one():
    with pytest.raises(ValueError, match=r"\(N, 1, 32, 32\)"):
        cost.layer_table(models.build("lenet5"), (1, 28, 28))


def with_a_bias_of(units):
    layer = nn.Linear(3, 4)
    layer.bias = parameter(units)
    return layer


@pytest.mark.parametrize(
    ("network", "size", "message"),
    [
        (nn.Conv2d(1, 2, 3), (8, 8), r"the network \(Conv2d\).*needs channels"),
        (nn.MaxPool2d(2), (8, 8), "needs channels"),
        (nn.AdaptiveAvgPool2d(2), (8, 8), "needs channels"),
        (nn.Conv2d(1, 2, 3), (1, 1, 8, 8), r"cannot run for input_size \(1, 1, 8, 8\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(5, 4)), (2, 3), r"layer '1' \(Linear\)"),
        (nn.Sequential(nn.ReLU(), nn.LayerNorm(5)), (3,), r"layer '1' \(LayerNorm\)"),
        (nn.Sequential(nn.BatchNorm1d(5)), (3,), r"layer '0' \(BatchNorm1d\)"),
        (nn.Sequential(nn.Flatten(3)), (4,), r"layer '0' \(Flatten\)"),
        (with_a_bias_of(5), (3,), r"the network \(Linear\) cannot run"),
        (nn.Linear(3, 3), [(3,), (3,)], "takes 2 positional arguments"),
        (nn.Bilinear(3, 3, 3), (3,), "missing 1 required positional argument"),
        (torchvision.models.vit_b_32(), (3, 200, 200), "Wrong image height"),
        (nn.LazyLinear(3), (3,), "run the network once"),
        (nn.DataParallel(nn.Linear(3, 3)), (3,), "the network itself"),
    ],
)
def test_what_cannot_run_is_told_with_its_layer(network, size, message):
    with pytest.raises(ValueError, match=message):
        cost.layer_table(network, size)


@pytest.mark.parametrize(
    "run",
    [
        lambda net, x: x if x.sum() > 0 else -x,
        lambda net, x: x * x.max().item(),
        lambda net, x: x[x > 0],
        lambda net, x: range(x.sum()),
        lambda net, x: x - net.mean,  # a constant that is no buffer
    ],
)
def test_a_network_that_needs_values_is_told_so(run):
    with pytest.raises(ValueError, match="must not depend on values"):
        rows(run, mean=torch.ones(1))


def test_a_networks_own_value_error_is_not_rewritten():
    def run(net, x):
        raise ValueError("own words")

    with pytest.raises(ValueError, match=r"^own words$"):
        rows(run)


def test_a_layer_whose_failure_is_caught_is_not_counted_as_if_it_had_run():
    def run(net, x):
        try:
            x = net.wrong(x)
        except RuntimeError:
            x = net.right(x)
        return net.right(x)

    with pytest.raises(ValueError, match=r"layer 'wrong' \(Linear\).*it failed"):
        rows(run, wrong=nn.Linear(3, 3), right=nn.Linear(4, 4))


# --- Other counters

HANDFUL = ["alexnet", "googlenet", "mobilenet_v2", "resnet18", "resnext50_32x4d"]


def handful(name):
    options = {"init_weights": False} if name == "googlenet" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of googlenet, on its weights
        return torchvision.models.get_model(name, **options).eval()


@pytest.mark.parametrize("name", HANDFUL)
def test_two_other_counters_find_the_same(name):
    """Both count a bias as if it were a multiply-accumulate; torchinfo also counts
    each parameter of a normalisation, once."""
    import ptflops
    import torchinfo

    network, size = handful(name), (3, 96, 96)
    table = cost.layer_table(network, size)
    weighted = table[table.kind.isin(["Conv2d", "Linear"])]
    normalised = table[table.kind == "BatchNorm2d"]
    assert table.macs.sum() == weighted.macs.sum()

    found = torchinfo.summary(network, (1, *size), verbose=0)
    assert found.total_mult_adds == sum([*weighted.connections, *normalised.parameters])
    macs, parameters = ptflops.get_model_complexity_info(
        network, size, as_strings=False, print_per_layer_stat=False, backend="aten"
    )
    assert macs == weighted.connections.sum()
    if name != "googlenet":  # where they count the auxiliary heads, which do not run
        assert parameters == found.total_params == table.parameters.sum()


# What torch's counter finds beyond ours: lenet5's C3 is run as if all maps were
# connected, 240,000 MACs for 150,000, and its 840 differences are no matrix product.
BEYOND = {"lenet5": 240_000 - 150_000 - 840}


@pytest.mark.parametrize(
    "name", others_are_slow(n for n in models.names() if "1202" not in n)
)
def test_the_books_networks_cost_what_torchs_own_counter_finds(name):
    network = models.build(name, device="meta")
    with FlopCounterMode(display=False) as counter:
        sums = cost.total(network, models.architecture(name).input_size)
    assert sums.macs + BEYOND.get(name, 0) == counter.get_total_flops() / 2
    assert sums.parameters == sum(p.numel() for p in network.parameters())


# --- Every classifier of torchvision

CLASSIFIERS = torchvision.models.list_models(module=torchvision.models)
OPTIONS = {  # as the published weights set them
    "googlenet": {"init_weights": False, "transform_input": True},
    "inception_v3": {"init_weights": False, "transform_input": True},
    "vit_h_14": {"image_size": 518},
}


def on_meta(name, monkeypatch):
    """Build a classifier without weights."""
    for initialise in [name for name in vars(nn.init) if name.endswith("_")]:
        monkeypatch.setattr(nn.init, initialise, lambda tensor, *_, **__: tensor)
    regnet = torchvision.models.regnet.BlockParams
    widths = regnet.from_init_params

    def on_cpu(**options):  # it computes the widths with tensors
        with torch.device("cpu"):
            return widths(**options)

    monkeypatch.setattr(regnet, "from_init_params", on_cpu)
    with torch.device("meta"):
        return torchvision.models.get_model(name, **OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", others_are_slow(CLASSIFIERS, QUICK))
def test_torchvisions_classifiers_cost_what_is_published(name, monkeypatch):
    """Parameters and MACs, exactly; its figure "GFLOPS" is in 10^9 MACs."""
    network = on_meta(name, monkeypatch)
    weights = torchvision.models.get_model_weights(name).DEFAULT
    [side] = weights.transforms().crop_size
    with FlopCounterMode(display=False) as counter:
        sums = cost.total(network, (3, side, side))
    assert 2 * sums.macs == counter.get_total_flops()
    assert sums.macs / 1e9 == pytest.approx(weights.meta["_ops"], abs=0.0005)
    published = weights.meta["num_params"]
    if name == "inception_v3":  # counts its auxiliary head, which GoogLeNet's does not
        published -= sum(p.numel() for p in network.AuxLogits.parameters())
    assert sums.parameters == published


def test_no_classifier_of_torchvision_is_left_out():
    assert len(CLASSIFIERS) == 80


def test_a_layer_that_writes_nothing_has_no_activations():
    layers = [nn.Identity(), nn.Flatten(), nn.Dropout(0.5), nn.ReLU(inplace=True)]
    table = cost.layer_table(nn.Sequential(*layers), (3, 4, 5))
    assert table.kind.tolist() == ["Flatten", "Dropout", "ReLU"]
    assert table.activations.tolist() == [0, 0, 60]


def test_a_layer_whose_forward_was_replaced_is_counted_by_what_runs():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 1))
    network[0].forward = lambda x: x.repeat(1, 3, 1, 1)[:, :8]
    table = cost.layer_table(network, (3, 16, 16)).set_index("layer")
    assert table.macs.tolist() == [0, 8 * 4 * 16 * 16]


def test_all_outputs_of_a_layer_are_its_activations():
    @dataclass
    class Output:
        scores: torch.Tensor
        hidden: torch.Tensor

    class Two(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return y, y.mean(dim=1)

    class Same(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return y, y

    class AsDataclass(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return Output(y, y.relu())

    written = {
        kind: cost.layer_table(kind(16, 96), (8, 16)).activations.sum()
        for kind in (Two, Same, AsDataclass)
    }
    assert written == {Two: 8 * 96 + 96, Same: 8 * 96, AsDataclass: 2 * 8 * 96}


# --- Products: what ran is counted, and what is not known is refused


@pytest.mark.parametrize(
    ("run", "macs"),
    [
        (lambda x: x[0, 0].new_ones(4, 4).addbmm(x[0], x[0]), 2 * 4 * 4 * 4),
        (lambda x: x[0, 0].addr(x[0, 0, 0], x[0, 0, 0]), 4 * 4),
        (lambda x: x.flatten().vdot(x.flatten()), 2 * 4 * 4),
        (lambda x: torch.mm(x[0, 0], x[0, 0], out=torch.empty_like(x[0, 0])), 64),
        (lambda x: torch.tensordot(x, x, dims=([2, 3], [2, 3])), 2 * 2 * 16),
        (lambda x: torch.matrix_power(x, 3), 2 * 2 * 64),
        (lambda x: F.bilinear(x, x, x.new_ones(5, 4, 4)), 2 * 4 * 5 * 4 * (4 + 1)),
        (lambda x: torch.conv_tbc(x[0], x.new_ones(3, 4, 5), x.new_ones(5), 1), 480),
        (
            lambda x: F.affine_grid(x.new_ones(1, 2, 3), (1, 2, 4, 5), False),
            4 * 5 * 2 * 3,
        ),
        (
            lambda x: torchvision.ops.deform_conv2d(
                x, x.new_ones(1, 18, 2, 2), x.new_ones(5, 2, 3, 3)
            ),
            5 * 2 * 2 * (2 * 3 * 3),
        ),
        (
            lambda x: F.embedding_bag(
                torch.zeros(2, 3, dtype=torch.long, device=x.device),
                x.new_ones(7, 5),
                mode="sum",
                per_sample_weights=x.new_ones(2, 3),
            ),
            2 * 3 * 5,
        ),
        (lambda x: torch.vmap(lambda rows: rows @ rows)(x[0]), 2 * 64),
        (lambda x: torch.cond(len(x) > 0, lambda x: x @ x, torch.relu, (x,)), 128),
        (lambda x: checkpoint(lambda x: x @ x, x, use_reentrant=False), 128),
        # A complex product is four real ones; a convolution takes three (Gauss).
        (lambda x: x[0, 0] * 1j @ (x[0, 0] * 1j), 4 * 64),
        (lambda x: F.conv2d(x * 1j, x.new_ones(3, 2, 1, 1) * 1j), 3 * 16 * 3 * 2),
    ],
)
def test_every_kind_of_product_is_counted(run, macs):
    assert rows(lambda net, x: run(x)).macs.sum() == macs


def test_a_bilinear_layer_multiplies_each_pair_and_adds_up():
    """torch takes one input times the weights, 20 x 30 x 40, then times the other."""
    row = cost.layer_table(nn.Bilinear(20, 30, 40), [(20,), (30,)]).iloc[0]
    assert row.macs == 20 * 30 * 40 + 30 * 40 == 25_200


@pytest.mark.parametrize(
    "run",
    [
        lambda x: torch.fft.rfft2(x).abs(),
        lambda x: torch.cdist(x, x),
        lambda x: torch.matrix_exp(x),
        lambda x: torch.linalg.inv(x),
        lambda x: torch.linalg.svd(x)[0],
        lambda x: torch.linalg.cross(x[..., :3], x[..., :3]),
        lambda x: torch.sparse.mm(x[0, 0].to_sparse(), x[0, 0]),
    ],
)
def test_a_product_that_nobody_counted_is_refused_by_name(run):
    says = (
        r"^the network \(Network\) cannot be counted: it runs aten\.\w+, and how much"
    )
    with pytest.raises(ValueError, match=says):
        rows(lambda net, x: run(x))


@pytest.fixture
def square():
    """An operation of somebody else's, of which torch knows nothing but its shape."""
    with torch.library._scoped_library("cnnbook_test", "DEF") as library:
        library.define("square(Tensor x) -> Tensor")
        library.impl("square", lambda x: x @ x, "CPU")
        library.impl("square", torch.empty_like, "Meta")
        operation = torch.ops.cnnbook_test.square
        yield operation
        flop_registry.pop(operation)
        _products.look_up.cache_clear()


def test_an_operation_of_somebody_elses_is_refused_until_its_formula_is_known(square):
    def run(net, x):
        return square(x[0, 0])

    with pytest.raises(ValueError, match=r"runs cnnbook_test\.square, .* if you know"):
        rows(run)
    register_flop_formula(square)(lambda shape, out_shape: 2 * shape[0] ** 3)
    assert rows(run).macs.tolist() == [64]


def test_a_quantised_layer_is_refused_by_name():
    layers = nn.Sequential(nn.Linear(4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch.ao moves to torchao
        quantised = torch.ao.quantization.quantize_dynamic(layers, {nn.Linear})
    with pytest.raises(ValueError, match=r"layer '0' \(Linear\) is quantised"):
        cost.layer_table(quantised, (4,))


def test_a_forward_in_inference_mode_is_counted_by_the_parts_of_what_it_runs():
    @torch.inference_mode()
    def run(net, x):
        y = F.scaled_dot_product_attention(x, x, x)
        return F.linear(F.conv2d(y, y.new_ones(1, 2, 1, 1)), y.new_ones(3, 4))

    assert rows(run).macs.sum() == 2 * (2 * 64) + 2 * 16 + 4 * 4 * 3


@pytest.mark.parametrize(
    ("compute", "more", "parameters"),
    [
        (parametrizations.weight_norm, 0, 8),
        # The largest singular value: vectors u W v.
        (parametrizations.spectral_norm, 8 * 27 + 8, 0),
    ],
)
def test_a_layer_that_computes_its_weights_is_one_row(compute, more, parameters):
    plain = cost.layer_table(nn.Sequential(nn.Conv2d(3, 8, 3)), (3, 8, 8))
    table = cost.layer_table(nn.Sequential(compute(nn.Conv2d(3, 8, 3))), (3, 8, 8))
    same = ["layer", "kind", "input_shape", "output_shape", "activations"]
    assert table[same].equals(plain[same])
    assert table.macs.tolist() == [8 * 36 * 27 + more]
    assert table.connections.tolist() == [8 * 36 * (27 + 1) + more]
    assert table.parameters.tolist() == [8 * (27 + 1) + parameters]


def test_a_layer_may_have_a_place_for_another_that_is_empty():
    layer = nn.Linear(4, 3)
    layer.activation = None
    assert cost.layer_table(layer, (4,)).kind.tolist() == ["Linear"]


@pytest.mark.parametrize("turn", [lambda w: w, torch.t])
def test_parameters_that_share_memory_are_counted_once(turn):
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = nn.Parameter(turn(first.weight.data))
    table = cost.layer_table(nn.Sequential(first, second), (4,))
    assert table.parameters.tolist() == [20, 4]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_parameters_beside_one_another_in_memory_are_counted_each(device):
    memory = torch.zeros(32, device=device)
    layers = [nn.Linear(4, 4, bias=False, device=device) for _ in range(2)]
    for layer, part in zip(layers, memory.view(2, 4, 4), strict=True):
        layer.weight = nn.Parameter(part)
    table = cost.layer_table(nn.Sequential(*layers), (4,))
    assert table.parameters.tolist() == [16, 16]


def test_a_compiled_network_is_counted_as_the_network_itself():
    inner = torch.compile(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), backend="eager")
    network = torch.compile(nn.Sequential(inner, nn.Linear(4, 3)), backend="eager")
    network(torch.ones(1, 4))
    table = cost.layer_table(network, (4,))
    assert table.layer.tolist() == ["0.0", "0.1", "1"]
    assert table.macs.tolist() == [16, 0, 12]


def test_counting_draws_from_no_generator_of_the_readers():
    def run(net, x):
        return x + random.random() + np.random.rand() + torch.rand(1).to(x.device)

    def states():
        in_numpy = np.random.get_state()[1].tolist()
        return random.getstate(), in_numpy, torch.get_rng_state().tolist()

    network = Network(run)
    before = states()
    cost.layer_table(network, (1, 6, 6))
    assert states() == before
