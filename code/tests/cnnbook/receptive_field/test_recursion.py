"""Receptive fields by recursion, against figures that others published."""

import math
from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnnbook import models
from cnnbook.models import resnet
from cnnbook.receptive_field import measure, path_counts, trace, window

from . import random_networks
from .networks import Ends, fields, on_meta


def vgg_fields(name):
    model = models.build(name, device="meta")
    known = fields(model, (3, 224, 224))
    return {paper: known[layer] for layer, paper in model.paper_names().items()}


# Araujo, Norris and Sim (2019), github.com/google-research/receptive_field, file
# RECEPTIVE_FIELD_TABLE.md: size, effective stride, effective padding (= -start).
def test_vgg_agrees_with_the_published_table():
    published = {
        "conv1_1": (3, 1, 1),
        "pool1": (6, 2, 2),
        "conv2_1": (10, 2, 4),
        "pool2": (16, 4, 6),
        "conv3_1": (24, 4, 10),
        "conv3_2": (32, 4, 14),
        "pool3": (44, 8, 18),
        "conv4_1": (60, 8, 26),
        "conv4_2": (76, 8, 34),
        "pool4": (100, 16, 42),
        "conv5_1": (132, 16, 58),
        "conv5_2": (164, 16, 74),
        "pool5": (212, 32, 90),
    }
    found = vgg_fields("vgg16")
    for layer, (size, stride, padding) in published.items():
        assert found[layer] == (size, stride, -padding), layer
    assert vgg_fields("vgg11")["pool5"] == (150, 32, -59)


def test_alexnet_agrees_with_the_published_table():
    # alexnet_v2 has other widths and other dense layers, but the same windows.
    published = {
        "conv1": (11, 4, 0),
        "pool1": (19, 8, 0),
        "conv2": (51, 8, 16),
        "conv3": (99, 16, 32),
        "conv4": (131, 16, 48),
        "conv5": (163, 16, 64),
        "pool5": (195, 32, 64),
    }
    found = fields(models.build("alexnet", device="meta"), (3, 227, 227))
    for layer, (size, stride, padding) in published.items():
        assert found[f"features.{layer}"] == (size, stride, -padding), layer


@pytest.mark.parametrize(
    ("name", "size", "padding"),
    [("resnet50", 483, 241), ("resnet101", 1027, 513), ("resnet152", 1507, 753)],
)
def test_resnets_agree_with_the_published_table(name, size, padding):
    """The table's networks halve at the end of a stage, the paper's at the beginning:
    either way, before the next stage's 3x3 kernels. Paddings are those for 321 pixels;
    TensorFlow pads otherwise where the size is even.
    """
    design = replace(resnet.DESIGNS[name], stride_in="1x1")
    found = fields(on_meta(lambda: resnet.ResNet(design)), (3, 321, 321))
    assert found["last"] == (size, 32, -padding)


def test_a_stride_in_the_3x3_makes_the_field_smaller():
    found = fields(models.build("resnet50", device="meta"), (3, 224, 224))
    assert found["last"][0] == 427 < 483


def test_side_by_side_the_widest_branch_counts():
    """GoogLeNet as printed: a 5x5 in each module, after its stem and its poolings."""
    table = trace(models.build("googlenet-2014", device="meta"), (3, 224, 224))
    stem, third, fourth = 7 + 2 * 2 + 2 * 4 + 2 * 4, 4 * 8 * 2, 4 * 16 * 5
    size = stem + third + 2 * 8 + fourth + 2 * 16 + 4 * 32 * 2
    assert table[table.jump > 0]["size"].max() == size == 715


def test_inception_v3_agrees_with_the_published_table():
    """Another's code, with kernels of 1x7 and 7x1 in branches that differ in length."""
    inception = on_meta(
        lambda: torchvision.models.inception_v3(weights=None, init_weights=False)
    )
    for axis in (0, 1):
        table = trace(inception, (3, 299, 299), axis=axis)
        assert table[table.jump > 0]["size"].max() == 1311


def test_stacks_of_3x3_see_what_a_larger_kernel_sees():
    for count, size in [(1, 3), (2, 5), (3, 7), (5, 11)]:
        stack = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(count)))
        table = trace(stack, (1, 16, 16))
        assert table["size"].iloc[-1] == size
        assert table.jump.iloc[-1] == 1
        assert table.start.iloc[-1] == -count
        assert table.output_size.iloc[-1] == 16


def test_rows_are_the_leaf_layers_in_the_order_in_which_they_run():
    shared = nn.ReLU()
    network = nn.Sequential(nn.Conv2d(3, 4, 3), shared, nn.MaxPool2d(2), shared)
    table = trace(network, (3, 10, 10))
    assert list(table.columns) == [
        "layer",
        "kind",
        "size",
        "jump",
        "start",
        "output_size",
    ]
    assert list(table.layer) == ["0", "1", "2", "1"]
    assert list(table.kind) == ["Conv2d", "ReLU", "MaxPool2d", "ReLU"]
    assert list(table["size"]) == [3, 3, 4, 4]
    assert list(table.output_size) == [8, 8, 4, 4]
    assert all(table.dtypes.iloc[2:] == "int64")


def test_layers_that_see_everything_take_the_whole_image():
    found = fields(models.build("vgg16", device="meta"), (3, 224, 224))
    assert found["classifier.0"] == found["classifier.6"] == (224, 0, 0)
    senet = models.build("se-resnet50", device="meta")
    table = trace(senet, (3, 224, 224)).set_index("layer")
    assert table["size"]["layer1.0.bn3"] < 224
    assert table["size"]["layer1.0.se.fc2"] == 224
    assert (table["size"]["layer1.1.conv1":] == 224).all()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: F.interpolate(x, scale_factor=2), "interpolate"),
        (lambda x: x.flip(2), "flip"),
        (lambda x: x.roll(1, 2), "roll"),
        (lambda x: x.transpose(2, 3), "transpose"),
        (lambda x: x.flatten(2), "flatten"),
        (lambda x: x.mean(dim=2), "mean"),
        (lambda x: torch.cat([x, x], dim=2), "cat"),
        (lambda x: torch.cat([x, x], -1), "cat"),
        (lambda x: x.roll(1, 2) + x.roll(2, 2), "roll"),
        (lambda x: x[0], "slices"),
        (lambda x: F.pad(x, [1] * 4, mode="reflect"), "reflect"),
        (lambda x: F.linear(x, torch.ones(5, 7, device=x.device)), "flatten"),
        (lambda x: F.adaptive_avg_pool2d(x, 3), "evenly"),
        (lambda x: x + x[:, :, ::2, ::2][:, :, :1, :1], "do not match"),
    ],
)
def test_what_the_recursion_cannot_follow_is_one_clear_error(function, message):
    with pytest.raises(ValueError, match=message):
        trace(Ends(function), (1, 9, 9))


def test_a_leaf_that_puts_out_no_single_tensor_is_refused():
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(ValueError, match=r"'pair' \(Pair\)"):
        trace(nn.Sequential(OrderedDict(pair=Pair())), (1, 4, 4))


def test_a_wrong_input_size_is_told_by_the_network():
    with pytest.raises(ValueError, match=r"\(N, 1, 32, 32\)"):
        trace(models.build("lenet5"), (1, 28, 28))


class Parts(nn.Module):
    """Reads 5x5 pixels, in a way that is told it, before a last 1x1 convolution."""

    def __init__(self, way):
        super().__init__()
        self.way, self.end = way, nn.Conv2d(4, 4, 1)
        self.conv = nn.Conv2d(4, 8, 5, padding=2)

    def forward(self, x):
        return self.end(self.way(self, x))


def _gated(net, x):
    a, b = net.conv(x).chunk(2, 1)
    return x + a * torch.sigmoid(b)


def _split(net, x):
    return torch.split(net.conv(x), 4, dim=1)[1]


def _by_name(net, x):
    y = torch.relu(input=F.conv2d(input=x, weight=net.conv.weight, padding=2))
    return torch.cat([y[:, :2], x[:, 2:]], axis=1)


@pytest.mark.parametrize("way", [_gated, _split, _by_name])
def test_what_is_cut_apart_and_named_is_followed_by_both_engines(way):
    network, size = Parts(way), (4, 33, 33)
    assert trace(network, size).iloc[-1]["size"] == 5
    assert measure(network, size, "end").size == 5


def _assigned(net, x):
    x = x.clone()
    x[:, :2] = net.conv(x)[:, :2]
    return x


def _added(net, x):
    x = x.clone()
    x[:, :2].add_(net.conv(x)[:, :2])
    return x


def _added_by_symbol(net, x):
    part = x.clone()[:, :4]
    part += net.conv(x)[:, :4]
    return part


@pytest.mark.parametrize("way", [_assigned, _added, _added_by_symbol])
def test_writing_into_a_part_is_refused_by_the_recursion_and_measured(way):
    """Once it was a field of 1 pixel, in silence."""
    network, size = Parts(way), (4, 33, 33)
    with pytest.raises(ValueError, match="writes into a part of a tensor"):
        trace(network, size)
    assert measure(network, size, "end").size == 5


# Each of these once had a wrong field, or an error from inside: the size is what
# `measure` finds, too.


def _in_place_under_another_name(net, x):
    y = x.clone()
    y.detach().add_(net.conv(x)[:, :4])
    return y


def _part_before_a_write(net, x):
    y = x.clone()
    part = y[:, :4]
    y.add_(net.conv(x)[:, :4])
    return part


def _masked_in_place(net, x):
    net.conv.weight.data[:, :, 3:] *= 0
    return net.conv(x)[:, :4]


def _masked(net, x):
    mask = torch.ones(5, 5, device=x.device).tril()
    return F.conv2d(x, net.conv.weight * mask, padding=2)[:, :4]


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.transpose(2, 3).contiguous()


def _rows(x):
    return torch.arange(33, device=x.device)[:, None]


REFUSED = {
    "writes into a tensor": [_in_place_under_another_name, _part_before_a_write],
    "whose kernel is no weight": [_masked_in_place, _masked],
    "several channels that see": [
        lambda net, x: torch.cat([x, net.conv(x)], 1)[:, :4],
        lambda net, x: torch.cat([x, net.conv(x)[:, :4]], 0)[:1],
        lambda net, x: F.pad(x, (0, 0, 0, 0, 0, 4))[:, 4:] + x,
        lambda net, x: torch.cat([x, net.conv(x)[:, 4:]], 1).chunk(2, 1)[0],
    ],
    "'view'": [
        lambda net, x: net.conv(x)[:, :4].flatten(1).view(x.shape),
        lambda net, x: x.view(4, -1)[None, :, None],
    ],
    "'mean'": [lambda net, x: x.mean((1, 3))[:, None, :, None]],
    "'batch_norm'": [lambda net, x: F.batch_norm(x, None, None, training=True)],
    "'transpose'": [lambda net, x: _Function.apply(net.conv(x)[:, :4]) + x],
    "'softmax'": [lambda net, x: x + net.conv(x)[:, :1].softmax(1)],
    "'bool'": [lambda net, x: x if x.mean((1, 2, 3)) > 0 else x * 2],
    "'item'": [lambda net, x: x * x.mean((1, 2, 3)).item()],
    "'tolist'": [lambda net, x: x * len(x.tolist())],
    "'deform_conv2d'": [
        lambda net, x: torchvision.ops.deform_conv2d(
            x, x.new_zeros(1, 50, 33, 33), net.conv.weight, padding=2
        )
    ],
    "differs from position to position": [
        lambda net, x: x + net.conv(x)[:, :4] * (_rows(x) % 2),
        lambda net, x: torch.where(_rows(x) % 2 == 0, x, net.conv(x)[:, :4]),
        lambda net, x: net.conv(x)[:, :4].masked_fill(_rows(x) == 16, 0),
        lambda net, x: (_rows(x) % 2).expand(x.shape).clone().float().mul_(x),
    ],
    "each its own surroundings": [
        lambda net, x: x * x[:, :, :4].mean((2, 3), keepdim=True)
    ],
    "do not match": [lambda net, x: x[:, :, 4:5] + x.new_zeros(1, 1, 33, 1)],
    "maps cut apart by channels": [lambda net, x: x.split(11, dim=2)[1] * 1],
}  # fmt: skip


@pytest.mark.parametrize(
    ("says", "way"), [(says, way) for says, ways in REFUSED.items() for way in ways]
)
def test_what_had_a_wrong_field_in_silence_is_refused(says, way):
    with pytest.raises(ValueError, match=says):
        trace(Parts(way), (4, 33, 33))


def _normalised(net, x):
    """ConvNeXt's norm over channels, written out."""
    y = net.conv(x)[:, :4]
    y = y - y.mean(1, keepdim=True)
    return y / (y.pow(2).mean(dim=1, keepdim=True) + 1e-6).sqrt()


def _standardised(net, x):
    weight = net.conv.weight[:4] / net.conv.weight.std()
    return F.conv2d(x, weight, padding=2)


FOLLOWED = {
    "maximum": (lambda net, x: torch.maximum(x, net.conv(x)[:, :4]), 5),
    "power": (lambda net, x: 2 ** net.conv(x)[:, :4], 5),
    "clamp": (lambda net, x: x + net.conv(x)[:, 4:].clamp(0, 1), 5),
    "where": (lambda net, x: torch.where(x > 0, net.conv(x)[:, :4], x), 5),
    "softmax of channels": (lambda net, x: x + net.conv(x)[:, :4].softmax(1), 5),
    "largest of channels": (lambda net, x: x * net.conv(x).amax(1, keepdim=True), 5),
    "norm of channels": (_normalised, 5),
    "by the names of arguments": (
        lambda net, x: net.conv(x).split(split_size=4, dim=1)[0],
        5,
    ),
    "alpha": (lambda net, x: torch.add(input=x, other=net.conv(x)[:, :4], alpha=2), 5),
    "all average": (lambda net, x: x * net.conv(x)[:, :4].mean((2, 3), True), 33),
    "a kernel's gain": (_standardised, 5),
    "a copy": (lambda net, x: x + net.conv(x)[:, :4].detach().clone(), 5),
    "added to zeros": (lambda net, x: torch.zeros_like(x).add_(net.conv(x)[:, :4]), 5),
    "memory of its kind": (lambda net, x: torch.zeros_like(x) + net.conv(x)[:, :4], 5),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_acts_on_each_position_is_followed_whatever_its_name(name):
    way, size = FOLLOWED[name]
    network = Parts(way)
    row = trace(network, (4, 33, 33)).iloc[-1]
    assert row["size"] == size
    assert measure(network, (4, 33, 33), "end") == window(row, 33)


def test_a_filter_of_fixed_numbers_is_followed_unless_its_border_is_zero():
    class Filter(nn.Module):
        def __init__(self, numbers):
            super().__init__()
            self.register_buffer("kernel", torch.tensor(numbers).view(1, 1, -1, 1))
            self.end = nn.Identity()

        def forward(self, x):
            return self.end(F.conv2d(x, self.kernel))

    assert fields(Filter([1.0, 0.0, -1.0]), (1, 9, 9))["end"] == (3, 1, 0)
    with pytest.raises(ValueError, match="whose kernel is no weight"):
        trace(Filter([1.0, 2.0, 0.0]), (1, 9, 9))


def test_prepared_weights_belong_to_their_layer():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 2, 3))
    table = trace(nn.Sequential(layer, nn.ReLU()), (1, 9, 9))
    assert table.layer.tolist() == ["0", "1"]
    assert table["size"].tolist() == [3, 3]


def test_a_last_unit_in_the_padding_sees_nothing_of_the_image():
    # Of the pixels -3, 5 and 13, at a stride of 8, the image of 12 has one.
    network = nn.Sequential(
        nn.Conv2d(1, 1, 1, 8, padding=3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    assert fields(network, (1, 12, 12))["2"] == (1, 0, 5)
    assert measure(network, (1, 12, 12), "2").size == 1


def agrees_with_the_measurement(network, axis, side=61):
    try:
        row = trace(network, (4, side, side), axis=axis).iloc[-1]
    except ValueError:
        assume(False)
    first = row.start + row.output_size // 2 * row.jump
    assume(not row.jump or (first >= 0 and first + row["size"] <= side))
    measured = measure(network, (4, side, side), row.layer, axis=axis)
    assert measured == window(row, side)


@settings(max_examples=60, derandomize=True)
@given(random_networks.networks(random_networks.FOLLOWED), st.integers(0, 1))
def test_where_it_answers_it_agrees_with_the_measurement(network, axis):
    agrees_with_the_measurement(network, axis)


@pytest.mark.long
@settings(max_examples=5000, suppress_health_check=[HealthCheck.filter_too_much])
@given(random_networks.networks(most=4), st.integers(0, 1))
def test_where_it_answers_it_agrees_on_thousands_of_networks(network, axis):
    agrees_with_the_measurement(network, axis)


@pytest.mark.parametrize(
    ("kernels", "dilations", "expected"),
    [
        ([3, 3, 3], [1, 1, 1], [1, 3, 6, 7, 6, 3, 1]),
        ([3, 3], [2, 2], [1, 0, 2, 0, 3, 0, 2, 0, 1]),
        ([3, 3], [1, 3], [1] * 9),
        ([7], None, [1] * 7),
        ([3, 2], None, [1, 2, 2, 1]),
    ],
)
def test_paths_are_counted_down_to_the_pixels(kernels, dilations, expected):
    levels = path_counts(kernels, dilations)
    assert levels[-1].tolist() == expected
    sums = [math.prod(kernels[n:]) for n in reversed(range(len(kernels) + 1))]
    assert [level.sum() for level in levels] == sums


def test_each_layer_has_one_dilation():
    with pytest.raises(ValueError, match="zip"):
        path_counts([3, 3], [1])
