"""Every architecture: its counts, its shapes, torchvision's twin, its errors."""

import copy
import dataclasses
import math

import pytest
import torch
import torchvision
from torch import nn

from cnnbook import models
from cnnbook.models import googlenet, resnet, senet, vgg

# Trained numbers, by the papers' tables and torchvision; see data/papers.csv.
PARAMETERS = {
    "lenet5": 60_000,
    "lenet5-modern": 61_706,
    "one-hidden-layer": 60_040,
    "alexnet": 60_965_224,
    "zfnet": 62_357_608,
    "nin": 966_986,
    "alexnet-owt": 61_100_840,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16-c": 133_638_952,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet-2014": 6_998_552,
    "googlenet": 6_624_904,
    "vgg11-bn": 132_868_840,
    "vgg13-bn": 133_053_736,
    "vgg16-bn": 138_365_992,
    "vgg19-bn": 143_678_248,
    "plain18": 11_515_688,
    "plain34": 21_623_848,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "plain20-cifar": 269_722,
    "plain32-cifar": 464_154,
    "plain44-cifar": 658_586,
    "plain56-cifar": 853_018,
    "plain110-cifar": 1_727_962,
    "resnet20-cifar": 269_722,
    "resnet32-cifar": 464_154,
    "resnet44-cifar": 658_586,
    "resnet56-cifar": 853_018,
    "resnet110-cifar": 1_727_962,
    "resnet1202-cifar": 19_421_274,
    "preact-resnet20-cifar": 269_722,
    "preact-resnet56-cifar": 853_018,
    "preact-resnet110-cifar": 1_727_962,
    "se-resnet50": 28_088_024,
    "senet154": 115_088_984,
}

# Our name of each network that torchvision also has.
SHARED = {
    "alexnet-owt": "alexnet",
    **{f"vgg{n}": f"vgg{n}" for n in (11, 13, 16, 19)},
    **{f"vgg{n}-bn": f"vgg{n}_bn" for n in (11, 13, 16, 19)},
    "googlenet": "googlenet",
    **{f"resnet{n}": f"resnet{n}" for n in (18, 34, 50, 101, 152)},
}

# The smallest image of those that take any size.
SMALLEST = {"alexnet-owt": 63, "googlenet": 15, "googlenet-2014": 31, "nin": 4} | {
    name: 32 for name in models.names() if name.startswith("vgg")
}


# One network of each kind, where a check would say the same of its larger sisters.
KINDS = """lenet5 lenet5-modern one-hidden-layer alexnet zfnet nin alexnet-owt vgg16-c
vgg11-bn googlenet-2014 googlenet plain18 resnet18 resnet50 plain56-cifar
resnet110-cifar preact-resnet20-cifar se-resnet50 senet154""".split()
LARGE = ["plain56-cifar", "resnet110-cifar", "senet154"]


def on_meta(name: str, **options) -> nn.Module:
    with torch.device("meta"):
        return models.build(name, **options)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_every_network_is_counted_here():
    assert set(PARAMETERS) == set(models.names())


@pytest.mark.parametrize("name", models.names())
def test_every_network_has_its_published_size_and_takes_its_inputs(name):
    network, size = on_meta(name).eval(), models.architecture(name).input_size
    assert parameters(network) == PARAMETERS[name]
    classes = 1000 if size[1] > 32 else 10
    with torch.no_grad():
        assert network(torch.empty(2, *size, device="meta")).shape == (2, classes)


@pytest.mark.parametrize("name", KINDS)
def test_every_network_computes_and_learns_from_each_weight(name):
    channels, side, _ = models.architecture(name).input_size
    if side > 32 and name not in ("alexnet", "zfnet"):  # these take one size only
        side = max(64, SMALLEST.get(name, 1))
    network = models.build(name).eval()
    torch.manual_seed(0)
    scores = network(torch.randn(2, channels, side, side))
    assert scores.isfinite().all()
    scores.square().sum().backward()
    for key, parameter in network.named_parameters():
        assert 0 < parameter.grad.abs().sum() < math.inf, key  # nor is any NaN


@pytest.mark.parametrize("name", SHARED)
def test_torchvisions_state_loads_unchanged_and_gives_the_same_scores(name):
    builder = torchvision.models.get_model_builder(SHARED[name])
    options = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        theirs = builder(**options)
    theirs = theirs.to_empty(device="cpu").eval()
    torch.manual_seed(0)
    for key, tensor in theirs.state_dict().items():
        if key.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point():
            fan_in = max(1, tensor[0].numel()) if tensor.ndim else 1
            tensor.uniform_(-1, 1).mul_(math.sqrt(6 / fan_in) if fan_in > 1 else 1)
    ours = on_meta(name).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        expected = theirs(images)
        got = ours(images)
    assert expected.std() > 1e-6, "the check would pass with any weights"
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_googlenets_own_heads_load_too():
    theirs = torchvision.models.googlenet(init_weights=False, aux_logits=True)
    ours = googlenet.GoogLeNet(auxiliary_heads=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert parameters(ours) == 13_004_888
    images = torch.randn(2, 3, 224, 224)
    ours.train(), theirs.train()
    for network in (ours, theirs):
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    with torch.no_grad():
        expected = theirs(images)
        got = ours.all_scores(images)
    for mine, its in zip(
        got, (expected.logits, expected.aux_logits1, expected.aux_logits2), strict=True
    ):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)
    printed = googlenet.GoogLeNet(as_printed=True, auxiliary_heads=True)
    assert parameters(printed) == 13_378_280
    with pytest.raises(ValueError, match="auxiliary_heads=True"):
        models.build("googlenet").all_scores(images)


def test_alexnet_with_all_maps_connected_is_larger():
    ungrouped = models.ARCHITECTURES["alexnet"].builder(groups=1)
    assert parameters(ungrouped) == 62_378_344


def test_zfnet_has_the_map_sizes_of_its_figure():
    network, sides = models.build("zfnet"), {}
    for name, layer in network.features.named_children():
        layer.register_forward_hook(
            lambda _, __, output, name=name: sides.update({name: output.shape[-1]})
        )
    network(torch.zeros(1, 3, 224, 224))
    named = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    assert [sides[n] for n in named] == [110, 55, 26, 13, 13, 13, 13, 6]


@pytest.mark.parametrize(
    ("configuration", "layers"), [("A", 11), ("B", 13), ("C", 16), ("D", 16), ("E", 19)]
)
def test_a_vgg_has_as_many_weight_layers_as_its_name(configuration, layers):
    with torch.device("meta"):
        names = vgg.VGG(configuration).paper_names()
    weighted = [name for name in names.values() if not name.startswith("pool")]
    assert len(weighted) == layers
    assert list(names.values())[-4:] == ["pool5", "fc6", "fc7", "fc8"]
    assert names["features.0"] == "conv1_1"


@pytest.mark.parametrize(
    ("name", "depth"),
    [(n, int("".join(filter(str.isdigit, n)))) for n in resnet.DESIGNS],
)
def test_a_resnet_has_as_many_weight_layers_as_its_name(name, depth):
    network = on_meta(name)
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
            sizes[shortcut] = parameters(resnet.ResNet(design))
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


def test_squeeze_and_excitation_weighs_each_map_by_all_averages():
    layer = senet.SqueezeExcitation(8, reduction=4)
    x = torch.randn(3, 8, 5, 7)
    hidden = torch.relu(layer.fc1(x.mean(dim=(2, 3))))
    weights = torch.sigmoid(layer.fc2(hidden))
    torch.testing.assert_close(layer(x), x * weights.view(3, 8, 1, 1))


def test_response_norm_is_the_papers_formula():
    from cnnbook.models.alexnet import response_norm

    x = torch.randn(2, 9, 3, 3, dtype=torch.float64)
    expected = torch.empty_like(x)
    for i in range(9):
        near = x[:, max(0, i - 2) : i + 3]  # five neighbours, fewer at the ends
        scale = 2 + 1e-4 * near.square().sum(dim=1)
        expected[:, i] = x[:, i] / scale**0.75
    torch.testing.assert_close(response_norm()(x), expected)


@pytest.mark.parametrize("name", [n for n in KINDS if n not in LARGE])
def test_a_network_is_one_graph_to_the_compiler(name):
    """No break: the shape checks are plain Python, done while tracing."""
    torch._dynamo.reset()
    network, size = on_meta(name).eval(), models.architecture(name).input_size
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    with torch.no_grad():
        assert compiled(torch.empty(2, *size, device="meta")).shape[0] == 2


@pytest.mark.parametrize("name", [n for n in KINDS if n not in LARGE])
def test_channels_last_gives_the_same_scores(name):
    network, size = models.build(name).eval(), models.architecture(name).input_size
    torch.manual_seed(0)
    images = torch.randn(2, *size)
    if size[1] == 224 and name != "zfnet":
        images = images[..., :96, :96].contiguous()
    with torch.no_grad():
        expected = network(images)
        got = copy.deepcopy(network).to(memory_format=torch.channels_last)(
            images.to(memory_format=torch.channels_last)
        )
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_options_reach_the_network():
    network = models.build("lenet5-modern", num_classes=7, in_channels=3)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    with pytest.raises(ValueError, match="10 digits"):
        models.build("lenet5", num_classes=7)


@pytest.mark.parametrize("name", [n for n in KINDS if n != "lenet5"])
def test_classes_and_channels_can_be_chosen(name):
    network = on_meta(name, num_classes=7, in_channels=2)
    _, *size = models.architecture(name).input_size
    assert network(torch.empty(1, 2, *size, device="meta")).shape == (1, 7)


def test_a_count_that_is_no_positive_whole_number_is_refused():
    for wrong in (0, -1, 2.0, "ten"):
        with pytest.raises(ValueError, match="num_classes must be a positive whole"):
            models.build("resnet18", num_classes=wrong)


@pytest.mark.parametrize(
    ("wrong", "close"),
    [("lenet-5", "lenet5"), ("resnet51", "resnet5"), ("VGG16", "vgg16")],
)
def test_an_unknown_name_is_told_the_closest(wrong, close):
    with pytest.raises(ValueError, match=f"did you mean .*'{close}"):
        models.build(wrong)


@pytest.mark.parametrize("name", KINDS)
def test_a_wrong_number_of_channels_is_told_with_the_right_one(name):
    channels, side, _ = models.architecture(name).input_size
    images = torch.empty(2, 5, side, side, device="meta")
    with pytest.raises(ValueError, match=rf"\(N, {channels}, .*got \(2, 5, {side}"):
        on_meta(name)(images)
    with pytest.raises(ValueError, match="expected a batch"):
        on_meta(name)(images[0])


@pytest.mark.parametrize("name", KINDS)
def test_an_input_too_small_is_told_the_smallest(name):
    channels, side, _ = models.architecture(name).input_size
    fixed = (side == 32 and "lenet" in name) or name in ("alexnet", "zfnet")
    smallest = SMALLEST.get(name, 1)
    network = on_meta(name).eval()
    if fixed or name == "one-hidden-layer":
        with pytest.raises(ValueError, match=rf"{side}, {side}\), got"):
            network(torch.empty(1, channels, side - 1, side - 1, device="meta"))
        return
    network(torch.empty(1, channels, smallest, smallest, device="meta"))
    if smallest > 1:
        small = torch.empty(1, channels, smallest, smallest - 1, device="meta")
        with pytest.raises(ValueError, match=f"at least {smallest}x{smallest} pixels"):
            network(small)
