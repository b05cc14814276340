"""Receptive fields by gradients: against the recursion, and against brute force."""

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
def test_gradients_agree_on_every_sequential_network(name):
    model = models.build(name, device="meta")
    every = None if "-bn" not in name else 8
    measured_as_traced(model, models.architecture(name).input_size, every)


@pytest.mark.parametrize("name", others_are_slow(BRANCHED))
def test_gradients_agree_on_networks_with_branches(name):
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
def test_gradients_agree_where_the_image_holds_the_whole_field(name, layer, size):
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
    except RuntimeError:
        assume(False)


def inside(row, side):
    """Does the middle unit see no padding?"""
    first = row.start + row.output_size // 2 * row.jump
    return first >= 0 and first + row["size"] <= side


@settings(max_examples=60)
@given(stacks(), st.integers(40, 64), st.integers(40, 64))
def test_gradients_agree_on_any_stack(stack, height, width):
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
    output = run_or_skip(nn.Sequential(*replaced).double(), image)
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
def test_gradients_agree_on_any_branches(parts):
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


# The effective receptive field.


def spread(profile):
    """Return the standard deviation of a distribution over positions."""
    position = torch.arange(len(profile), dtype=profile.dtype)
    mean = (profile * position).sum()
    return ((profile * (position - mean) ** 2).sum()).sqrt().item()


@pytest.mark.parametrize("depth", [1, 4, 16])
def test_a_stack_of_random_3x3_spreads_like_a_sum_of_random_steps(depth):
    """Each layer adds the variance of one step of -1, 0 or 1: two thirds."""
    torch.manual_seed(0)
    stack = [nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(depth)]
    network = nn.Sequential(*stack)
    side = 2 * depth + 9
    maps = 0
    for _ in range(10):
        for layer in stack:
            nn.init.normal_(layer.weight, std=(1 / 72) ** 0.5)
        image = torch.rand(1, 8, side, side)
        maps = maps + effective(network, image, str(depth - 1), samples=4)
    profile = maps.sum(dim=0) / maps.sum()
    assert spread(profile) == pytest.approx((2 * depth / 3) ** 0.5, rel=0.06)


def test_the_effective_field_lies_in_the_field():
    torch.manual_seed(0)
    network = models.build("resnet20-cifar")
    found = effective(network, torch.rand(2, 3, 64, 64), "layer2.0.conv1")
    assert found.shape == (64, 64)
    assert found.sum().item() == pytest.approx(1)
    row = trace(network, (3, 64, 64)).set_index("layer").loc["layer2.0.conv1"]
    first, last = window(row, 64)
    found[first : last + 1, first : last + 1] = 0
    assert (found == 0).all()


def test_a_unit_without_a_gradient_has_no_effective_field():
    network = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.ReLU())
    nn.init.ones_(network[0].weight)
    with pytest.raises(ValueError, match="no gradient"):
        effective(network, -torch.ones(1, 1, 5, 5), "1")


def test_the_effective_field_of_a_linear_layer_is_its_squared_weights():
    torch.manual_seed(0)
    layer = nn.Conv2d(1, 1, 3, padding=1)
    found = effective(nn.Sequential(layer), torch.rand(1, 1, 5, 5), "0")
    squares = layer.weight[0, 0].detach().double() ** 2
    assert torch.allclose(found[1:4, 1:4], squares / squares.sum(), atol=1e-6)


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
