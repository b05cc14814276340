"""Receptive fields by dependence: against the recursion, and against brute force."""

import random
from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnnbook import models
from cnnbook.receptive_field import Window, effective, measure, support, trace, window

from ..quick import others_are_slow
from . import random_networks
from .networks import Ends, fields, on_meta

SEQUENTIAL = [
    name
    for name in models.names()
    if name.startswith(("lenet5", "alexnet", "zfnet", "nin", "vgg"))
]

BRANCHED = [
    name
    for name in models.names()
    if name not in SEQUENTIAL and "1202" not in name and name != "one-hidden-layer"
]


def measured_as_traced(model, input_size, count=None):
    table = trace(model, input_size).drop_duplicates("layer", keep="last")
    step = 1 if count is None else max(1, len(table) // count)
    for _, row in table[::-1].iloc[::step].iterrows():
        expected = window(row, input_size[1])
        assert measure(model, input_size, row.layer) == expected, row.layer


@pytest.mark.parametrize("name", others_are_slow(SEQUENTIAL))
def test_it_agrees_on_every_sequential_network(name):
    model = models.build(name, device="meta")
    every = None if "-bn" not in name else 8
    measured_as_traced(model, models.architecture(name).input_size, every)


@pytest.mark.parametrize("name", others_are_slow(BRANCHED))
def test_it_agrees_on_networks_with_branches(name):
    model = models.build(name, device="meta")
    measured_as_traced(model, models.architecture(name).input_size, 5)


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("resnet50", "last", 427),
        ("googlenet", "maxpool4", 251),
        pytest.param("resnet110-cifar", "last", 501, marks=pytest.mark.slow),
    ],
)
def test_it_agrees_where_the_image_holds_the_whole_field(name, layer, size):
    model = models.build(name, device="meta")
    table = trace(model, (3, 544, 544)).set_index("layer")
    assert measure(model, (3, 544, 544), layer).size == table["size"][layer] == size


# Stacks of layers that nobody chose.


@st.composite
def layers(draw, channels):
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    pair = st.tuples(st.integers(1, 2), st.integers(1, 2))
    kind = draw(st.sampled_from(["conv", "max", "average"]))
    if kind == "conv":
        padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
        groups = draw(st.sampled_from([1, channels]))
        return nn.Conv2d(
            channels, channels, kernel, draw(pair), padding, draw(pair), groups
        )
    padding = tuple(draw(st.integers(0, side // 2)) for side in kernel)
    rounding = draw(st.booleans())
    if kind == "max":
        return nn.MaxPool2d(kernel, draw(pair), padding, draw(pair), ceil_mode=rounding)
    return nn.AvgPool2d(kernel, draw(pair), padding, rounding)


@st.composite
def stacks(draw):
    found = []
    for layer in draw(st.lists(layers(2), min_size=1, max_size=5)):
        found += [layer, draw(st.sampled_from([nn.ReLU(), nn.BatchNorm2d(2)]))]
    return nn.Sequential(*found)


def run_or_skip(model, image):
    """Run on an image, unless a layer is larger than what is left of it."""
    try:
        return model(image)
    except (RuntimeError, ValueError):  # of a normalisation of single values
        assume(False)


def inside(row, side):
    """Does the middle unit see no padding?"""
    first = row.start + row.output_size // 2 * row.jump
    return first >= 0 and first + row["size"] <= side


@settings(max_examples=60)
@given(stacks(), st.integers(40, 64), st.integers(40, 64))
def test_it_agrees_on_any_stack(stack, height, width):
    run_or_skip(stack, torch.zeros(1, 2, height, width))
    for axis, side in enumerate((height, width)):
        row = trace(stack, (2, height, width), axis=axis).iloc[-1]
        assume(inside(row, side))
        found = measure(stack, (2, height, width), row.layer, axis=axis)
        assert found == window(row, side)
        assert found.size == row["size"]


def positive(layer):
    """Return a layer that reads what `layer` reads, and loses no gradient."""
    if isinstance(layer, nn.Conv2d):
        with torch.no_grad():
            layer.weight.uniform_(0.5, 1.5)
        return layer
    if isinstance(layer, nn.AvgPool2d):
        return layer
    if isinstance(layer, nn.MaxPool2d) and layer.dilation == (1, 1):
        options = (layer.stride, layer.padding, layer.ceil_mode)
        return nn.AvgPool2d(layer.kernel_size, *options)
    return None if isinstance(layer, nn.MaxPool2d) else nn.Identity()


@settings(max_examples=40)
@given(stacks(), st.integers(24, 40))
def test_the_support_is_that_of_all_channels_computed_in_full(stack, side):
    image = torch.rand(1, 2, side, side, dtype=torch.float64, requires_grad=True)
    replaced = [positive(layer) for layer in stack]
    assume(None not in replaced)
    output = run_or_skip(deepcopy(nn.Sequential(*replaced)).double(), image)
    middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    [gradient] = torch.autograd.grad(middle.sum(), image)
    last = str(len(stack) - 1)
    assert support(stack, (2, side, side), last).equal(gradient[0].sum(dim=0) != 0)


class Block(nn.Module):
    """Branches over one input that meet side by side, or in a sum."""

    def __init__(self, branches, cat):
        super().__init__()
        self.branches, self.cat = nn.ModuleList(branches), cat
        self.meet = nn.Identity()

    def forward(self, x):
        outputs = [branch(x) for branch in self.branches]
        return self.meet(torch.cat(outputs, dim=1) if self.cat else sum(outputs))


@st.composite
def blocks(draw):
    stride = draw(st.integers(1, 3))
    branches = []
    for _ in range(draw(st.integers(1, 3))):
        side, dilation = draw(st.sampled_from([1, 3, 5])), draw(st.integers(1, 2))
        padding = dilation * (side - 1) // 2
        conv = nn.LazyConv2d(3, side, stride, padding, dilation)
        extra = nn.LazyConv2d(3, draw(st.sampled_from([1, 3])), padding="same")
        branches.append(nn.Sequential(conv, nn.ReLU(), extra))
    return Block(branches, draw(st.booleans()))


@settings(max_examples=40)
@given(st.lists(blocks(), min_size=1, max_size=3))
def test_it_agrees_on_any_branches(parts):
    network = nn.Sequential(*parts)
    network(torch.zeros(1, 2, 96, 96))
    row = trace(network, (2, 96, 96)).iloc[-1]
    assume(inside(row, 96))
    assert measure(network, (2, 96, 96), row.layer) == window(row, 96)


def test_a_sum_in_place_is_a_sum():
    network = on_meta(lambda: torchvision.models.resnet18(weights=None))
    measured_as_traced(network, (3, 160, 160), 8)


def test_what_lies_outside_the_field_changes_nothing():
    """The meaning of it all, on a network with its own weights, maxima and branches."""
    torch.manual_seed(0)
    network = models.build("resnet20-cifar").eval()
    row = trace(network, (3, 64, 64)).set_index("layer").loc["layer2.0.conv1"]
    first, last = window(row, 64)
    assert (first, last) == (16 * 2 - 8, 16 * 2 + 8)
    image, other = torch.rand(2, 1, 3, 64, 64)
    inside = torch.zeros(64, 64, dtype=torch.bool)
    inside[first : last + 1, first : last + 1] = True
    layers = nn.Sequential(
        *(network.conv1, network.bn1, network.relu, network.layer1),
        network.layer2[0].conv1,
    )
    with torch.no_grad():
        before, after = layers(image), layers(torch.where(inside, image, other))
    assert torch.allclose(before[0, :, 16, 16], after[0, :, 16, 16], atol=1e-6)
    for place in [(15, 16), (17, 16), (16, 15), (16, 17)]:
        assert not torch.allclose(before[0, :, *place], after[0, :, *place], atol=1e-4)


def test_a_dense_layer_sees_no_more_than_all_units_did():
    # Windows of 3 at stride 4 read the pixels 0-2, 4-6 and 8-10 of 12.
    network = nn.Sequential(nn.Conv2d(1, 1, 3, stride=4), nn.Flatten(), nn.Linear(9, 2))
    assert fields(network, (1, 12, 12))["2"] == (11, 0, 0)
    assert measure(network, (1, 12, 12), "2") == Window(0, 10)
    assert Window(0, 10).size == 11


class Functional(nn.Module):
    """The same as layers and as functions must give the same."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3)
        self.end = nn.Identity()

    def forward(self, x):
        x = F.pad(self.conv(x), (1, 0, 2, 0))  # 1 to the left, 2 above
        x = F.avg_pool2d(torch.tanh(x), 2)[:, :, 1::2, ::2]
        return self.end(x * 2 + 1)


def test_functions_are_followed_like_layers():
    network = Functional()
    row = trace(network, (2, 40, 40)).iloc[-1]
    assert (row["size"], row.jump, row.start) == (4, 4, -2 + 2)
    assert measure(network, (2, 40, 40), "end") == window(row, 40)
    wide = trace(network, (2, 40, 40), axis=1).iloc[-1]
    assert (wide["size"], wide.jump, wide.start) == (4, 4, -1)
    assert measure(network, (2, 40, 40), "end", axis=1) == window(wide, 40)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.mean(dim=(2, 3)),
        lambda x: x.flatten(1),
        lambda x: x.view(len(x), -1),
        lambda x: x.mean(dim=(2, 3), keepdim=True),
        lambda x: F.adaptive_max_pool2d(x, 1),
    ],
)
def test_ways_to_make_a_vector_see_everything(function):
    network = Ends(function)
    assert fields(network, (1, 9, 9))["end"] == (9, 0, 0)
    assert measure(network, (1, 9, 9), "end") == Window(0, 8)


def test_an_unknown_layer_is_told_with_the_closest_known_ones():
    network = models.build("lenet5")
    for function in (support, measure):
        with pytest.raises(ValueError, match=r"unknown layer 'c2'.* c1, c3"):
            function(network, (1, 32, 32), "c2")
    with pytest.raises(ValueError, match="unknown layer"):
        effective(network, torch.zeros(1, 1, 32, 32), "c2")


def test_a_layer_that_does_not_run_is_told():
    network = models.build("googlenet", num_classes=2)
    network.aux1 = nn.Conv2d(1, 1, 1)
    with pytest.raises(ValueError, match="'aux1' does not run"):
        measure(network, (3, 64, 64), "aux1")


def test_a_layer_that_does_not_depend_on_the_image_is_told():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return (
                self.conv(torch.zeros(x.shape, dtype=x.dtype, device=x.device))
                + x[:, :, 1:-1, 1:-1]
            )

    with pytest.raises(ValueError, match="does not depend"):
        measure(Constant(), (1, 8, 8), "conv")
    with pytest.raises(ValueError, match="depends on the image"):
        trace(Constant(), (1, 8, 8))


def test_a_unit_that_sees_only_padding_is_told():
    with pytest.raises(ValueError, match="padding"):
        measure(nn.Sequential(nn.Conv2d(1, 1, 1, 8, padding=3)), (1, 2, 2), "0")


@pytest.mark.parametrize(
    "size", [(3, 224), (1, 1, 8, 8), (1, 0, 8), (1, -8, 8), (1, 8.0, 8), "1,8,8", 8]
)
def test_what_is_no_size_of_an_image_is_refused(size):
    for ask in (trace, lambda *given: measure(*given, "0")):
        with pytest.raises(ValueError, match=r"must be \(channels, height, width\)"):
            ask(nn.Sequential(nn.Conv2d(1, 1, 3)), size)


@pytest.mark.parametrize("axis", [-1, 2, None])
def test_an_image_has_two_axes(axis):
    for ask in (trace, lambda *given, **axis: measure(*given, "0", **axis)):
        with pytest.raises(ValueError, match="axis must be 0, the height, or 1"):
            ask(nn.Sequential(nn.Conv2d(1, 1, 3)), (1, 8, 8), axis=axis)


def test_a_block_that_puts_out_several_tensors_is_told_apart():
    class Block(nn.Conv2d):
        def forward(self, x):
            y = super().forward(x)
            return {"out": y}

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block(3, 3, 3)

        def forward(self, x):
            return self.block(x)["out"]

    for ask in (
        lambda net: measure(net, (3, 9, 9), "block"),
        lambda net: effective(net, torch.rand(1, 3, 9, 9), "block"),
    ):
        with pytest.raises(ValueError, match="one tensor, but a dict: name a layer"):
            ask(Whole())


# What gradients lose, and what functions and views hide.


class Reads(nn.Module):
    """Reads 5x5 pixels of 33, in a way that is told it, and ends in `end`."""

    def __init__(self, way, channels=4):
        super().__init__()
        self.way, self.end = way, nn.Identity()
        self.conv = nn.Conv2d(4, channels, 5, padding=2)
        self.small = nn.Conv2d(2, 2, 3, padding=1)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.gru = nn.GRU(33, 3, batch_first=True)
        cross = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
        self.register_buffer("cross", cross)

    def forward(self, x):
        return self.end(self.way(self, x))


def _partial(net, x):
    """FasterNet's partial convolution, twice."""
    for _ in range(2):
        x = x.clone()
        x[:, :2] = net.small(x[:, :2])
    return x


def _added(net, x):
    x = x.clone()
    x[:, :4].add_(net.conv(x)[:, :4])
    return x


def _added_through_two_views(net, x):
    x = x * 1
    x.permute(0, 2, 3, 1)[..., 1:].view(1, 33, 33, 3).mul_(net.conv(x).mT.mT.sum())
    return x


def _out(net, x):
    y = torch.zeros_like(x)
    torch.add(x, net.conv(x), out=y)
    return y


def _part_before_a_write(net, x):
    """A part is taken, then the whole is written: the part shows it."""
    y = x.clone()
    part = y[:, :2]
    y.add_(net.conv(x))
    return part


def _overwritten(net, x):
    y = net.conv(x)
    y[:] = x
    return y


def _gated(net, x):
    a, b = net.conv(x).chunk(2, 1)
    return torch.cat([a * torch.sigmoid(b), x], dim=1)


def _non_local(net, x):
    tokens = net.conv(x).flatten(2).mT
    return (torch.softmax(tokens @ tokens.mT, dim=-1) @ tokens).mT.reshape(x.shape)


def _row_attention(net, x):
    tokens = x.permute(0, 2, 3, 1)
    return F.scaled_dot_product_attention(tokens, tokens, tokens).permute(0, 3, 1, 2)


def _causal(net, x):
    rows = x[:, :, :, 0].mT
    scores = (rows @ rows.mT).masked_fill(torch.ones(33, 33).triu(1) > 0, -torch.inf)
    return (scores.softmax(-1) @ rows).mT[..., None]


def _causal_function(net, x):
    rows = x.permute(0, 3, 2, 1)
    seen = F.scaled_dot_product_attention(rows, rows, rows, is_causal=True)
    return seen.permute(0, 3, 2, 1)


def _channel_norm(net, x):
    y = F.layer_norm(net.conv(x).permute(0, 2, 3, 1), (4,))
    return x + y.permute(0, 3, 1, 2)


def _cross(net, x):
    return F.conv2d(x, net.cross.expand(4, 1, 3, 3), padding=1, groups=4)


def _above(net, x):
    """PixelCNN's kernel, which does not look below."""
    mask = torch.ones(5, 5)
    mask[3:] = 0
    return F.conv2d(x, net.conv.weight * mask, padding=2)


def _above_in_place(net, x):
    net.conv.weight.data[:, :, 3:] *= 0
    return net.conv(x)


def _standardised(net, x):
    weight = net.conv.weight - net.conv.weight.mean((1, 2, 3), keepdim=True)
    return F.conv2d(x, weight / weight.std(), padding=2)


def _in_rows(net, x):
    grid = F.affine_grid(torch.eye(2, 3)[None], [1, 4, 33, 33], align_corners=False)
    return F.grid_sample(net.conv(x), grid, align_corners=False)


def _deformed(net, x):
    grid = x[:, :2].permute(0, 2, 3, 1)
    return F.grid_sample(net.conv(x), grid, align_corners=False)


def _one_axis(net, x):
    column = F.conv1d(x[..., 0], net.conv.weight[..., 0], padding=2)
    return column[..., None]


def _by_name(net, x):
    y = torch.relu(input=F.conv2d(input=x, weight=net.conv.weight, padding=2))
    return torch.cat(tensors=[y[:, :2], x[:, 2:]], axis=1)


class _Double(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 2


EVERYTHING, FIVE, THREE, ONE = (0, 32), (14, 18), (15, 17), (16, 16)
WAYS = {
    "partial convolutions": (_partial, FIVE),
    "a part added to": (_added, FIVE),
    "views of views": (_added_through_two_views, EVERYTHING),
    "out": (_out, FIVE),
    "a part before a write": (_part_before_a_write, FIVE),
    "overwritten": (_overwritten, ONE),
    "gate": (_gated, FIVE),
    "clamp": (lambda net, x: x + net.conv(x).clamp(0, 1), FIVE),
    "softmax of channels": (lambda net, x: x + net.conv(x).softmax(1), FIVE),
    "softmax of one": (lambda net, x: x + net.conv(x)[:, :1].softmax(1), ONE),
    "largest of all": (lambda net, x: net.conv(x).amax((2, 3)), EVERYTHING),
    "largest of a row": (lambda net, x: x.max(dim=2, keepdim=True).values, EVERYTHING),
    "largest of channels": (lambda net, x: net.conv(x).max(1, True)[0], FIVE),
    "where is the largest": (lambda net, x: net.conv(x).argmax(1, True), FIVE),
    "first two channels": (lambda net, x: net.conv(x).topk(2, dim=1).values, FIVE),
    "sorted rows": (lambda net, x: x.sort(dim=2).values, EVERYTHING),
    "cumulative sum": (lambda net, x: net.conv(x).cumsum(2), (0, 18)),
    "non-local": (_non_local, EVERYTHING),
    "attention in rows": (_row_attention, ONE),
    "attention module": (
        lambda net, x: net.attention(*[x.flatten(2).mT] * 3)[0],
        EVERYTHING,
    ),
    "transformer": (lambda net, x: net.encoder(x.flatten(2).mT), EVERYTHING),
    "recurrent": (lambda net, x: net.gru(x[:, 0])[0][:, None], (0, 16)),
    "norm of channels": (_channel_norm, FIVE),
    "norm of a layer": (lambda net, x: F.layer_norm(x, x.shape[1:]), EVERYTHING),
    "norm of groups": (lambda net, x: F.group_norm(x, 2), EVERYTHING),
    "norm of an instance": (lambda net, x: F.instance_norm(x), EVERYTHING),
    "norm of a batch": (
        lambda net, x: F.batch_norm(x, None, None, training=True),
        EVERYTHING,
    ),
    "filter": (_cross, THREE),
    "kernel with a mask": (_above, (14, 16)),
    "kernel with a mask in place": (_above_in_place, (14, 16)),
    "kernel standardised": (_standardised, FIVE),
    "grid": (_in_rows, FIVE),
    "grid of the image": (_deformed, EVERYTHING),
    "by name": (_by_name, FIVE),
    "own function": (lambda net, x: x + _Double.apply(net.conv(x)), FIVE),
    "threshold": (lambda net, x: x + (net.conv(x) > 0), FIVE),
    "dropout at work": (lambda net, x: F.dropout(net.conv(x)), FIVE),
    "noise": (lambda net, x: net.conv(x) + torch.randn_like(x), FIVE),
    "spectrum": (lambda net, x: torch.fft.irfft2(torch.fft.rfft2(x)), EVERYTHING),
    "transposed": (lambda net, x: F.conv_transpose2d(x, net.conv.weight), FIVE),
    "one axis": (_one_axis, FIVE),
    "another copy": (lambda net, x: x.detach() + net.conv(x).detach(), FIVE),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_what_a_unit_sees_whatever_is_between(name):
    way, (first, last) = WAYS[name]
    network = Reads(way)
    before = [weight.clone() for weight in network.parameters()]
    assert measure(network, (4, 33, 33), "end") == Window(first, last)
    assert all(map(torch.equal, before, network.parameters()))


@pytest.mark.parametrize(
    ("way", "named"),
    [
        (lambda net, x: x if x.mean() > 0 else net.conv(x), "values .*_local_scalar"),
        (lambda net, x: x + torch.tensor(net.conv(x).tolist()), "values .*tolist"),
        (lambda net, x: x + torch.tensor(net.conv(x).numpy()), "values .*numpy"),
        (_causal, "positions out by minus infinity"),
        (_causal_function, "positions out by minus infinity"),
        (lambda net, x: x[x > 0], "'index'"),
        (lambda net, x: torchvision.ops.roi_align(x, [x[0, 0, :1, :4]], 3), "_align"),
        (lambda net, x: torch.linalg.inv(net.conv(x)), "'linalg_inv_ex'"),
        (lambda net, x: F.fractional_max_pool2d(x, 2, 5), "'fractional_max_pool2d'"),
        (lambda net, x: x.view(torch.int16), "view of another type"),
        (lambda net, x: torch.quantize_per_tensor(x, 1.0, 0, torch.qint8), "quantize"),
    ],
)
def test_what_cannot_be_followed_backwards_is_named(way, named):
    with pytest.raises(ValueError, match=named):
        measure(Reads(way), (4, 33, 33), "end")


def test_two_blocks_of_convnext_see_27_pixels():
    """All channels are equal under equal weights, so no gradient passes their norm."""
    torch.manual_seed(0)
    block = torchvision.models.convnext.CNBlock
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *[block(8, 1, 0)] * 2)
    assert measure(network, (3, 41, 41), "1") == Window(20 - 7, 20 + 7)


def test_layers_that_act_on_the_last_axis_have_their_positions_before_it():
    block = torchvision.models.convnext.CNBlock(8, 1, 0)
    assert measure(nn.Sequential(block), (8, 21, 21), "0.block.3") == Window(7, 13)


def test_it_answers_twice_alike_and_draws_no_number_of_the_reader():
    network = Reads(WAYS["kernel with a mask"][0])
    states = [torch.random.get_rng_state(), np.random.get_state()[1].copy()]
    python = random.getstate()
    first = support(network, (4, 33, 33), "end")
    assert support(network, (4, 33, 33), "end").equal(first)
    assert torch.random.get_rng_state().equal(states[0])
    assert (np.random.get_state()[1] == states[1]).all()
    assert random.getstate() == python


def test_tables_without_values_are_told():
    class Looks(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", torch.arange(3))
            self.end = nn.Identity()

        def forward(self, x):
            return self.end(x[:, self.table])

    assert measure(Looks(), (3, 8, 8), "end") == Window(4, 4)
    with pytest.raises(ValueError, match=r"whole numbers .* on the meta device"):
        measure(on_meta(Looks), (3, 8, 8), "end")


# Against brute force: change a pixel, and see whether the unit changes.


@pytest.mark.parametrize("name", random_networks.STEPS)
def test_it_agrees_with_brute_force_after_each_operation(name):
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 4, 3, padding="same")
    step = random_networks.Step(name, random_networks.STEPS[name], conv)
    network = nn.Sequential(step, nn.Identity())
    found = support(network, (4, 11, 9), "1")
    assert random_networks.agrees_with_brute_force(found, network, 11, 9)


def agrees_with_brute_force(network, height, width):
    image = torch.zeros(1, 4, height, width)
    try:
        network.eval()(image)
    except (RuntimeError, ValueError):  # a layer is larger than what is left
        assume(False)
    found = support(network, (4, height, width), str(len(network) - 1))
    assert random_networks.agrees_with_brute_force(found, network, height, width)


SIDE = st.integers(7, 12)


@settings(max_examples=40, derandomize=True)
@given(random_networks.networks(), SIDE, SIDE)
def test_it_agrees_with_brute_force_on_any_network(network, height, width):
    agrees_with_brute_force(network, height, width)


@pytest.mark.long
@settings(max_examples=2000)
@given(random_networks.networks(most=5), SIDE, SIDE)
def test_it_agrees_with_brute_force_on_thousands_of_networks(network, height, width):
    agrees_with_brute_force(network, height, width)
