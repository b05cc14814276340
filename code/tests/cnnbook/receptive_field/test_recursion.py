"""Receptive fields by recursion, against figures that others published."""

from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cnnbook import models
from cnnbook.models import resnet
from cnnbook.receptive_field import measure, trace

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
def test_writing_into_a_part_is_refused_by_both_engines(way):
    """Once it was a field of 1 pixel, in silence."""
    network, size = Parts(way), (4, 33, 33)
    for ask in (trace, lambda *given: measure(*given, "end")):
        with pytest.raises(ValueError, match="writes into a part of a tensor"):
            ask(network, size)
