"""What holds of every architecture: its counts, its shapes, its twin, its errors."""

import copy
import math

import pytest
import torch
import torchvision

from cnnbook import models

from ..quick import others_are_slow
from .counting import count_parameters

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
    "efficientnet-lite0": 4_652_008,
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
# All that are built at once.
UP_TO_152 = [name for name in models.names() if "1202" not in name]


def test_every_network_is_counted_here():
    assert set(PARAMETERS) == set(models.names())


@pytest.mark.parametrize("name", others_are_slow(models.names(), UP_TO_152))
def test_every_network_has_its_published_size_and_takes_its_inputs(name):
    network, size = (
        models.build(name, device="meta").eval(),
        models.architecture(name).input_size,
    )
    assert count_parameters(network) == PARAMETERS[name]
    classes = 1000 if size[1] > 32 else 10
    with torch.no_grad():
        assert network(torch.empty(2, *size, device="meta")).shape == (2, classes)


@pytest.mark.parametrize("name", others_are_slow(KINDS))
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


@pytest.mark.parametrize("name", others_are_slow(SHARED))
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
    ours = models.build(name, device="meta").eval()
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        expected = theirs(images)
        got = ours(images)
    assert expected.std() > 1e-6, "the check would pass with any weights"
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", others_are_slow(n for n in KINDS if n not in LARGE))
def test_a_network_is_one_graph_to_the_compiler(name):
    """No break: the shape checks are plain Python, done while tracing."""
    torch._dynamo.reset()
    network, size = (
        models.build(name, device="meta").eval(),
        models.architecture(name).input_size,
    )
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    with torch.no_grad():
        assert compiled(torch.empty(2, *size, device="meta")).shape[0] == 2


@pytest.mark.parametrize("name", others_are_slow(n for n in KINDS if n not in LARGE))
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


def test_a_network_can_be_built_without_memory():
    network = models.build("vgg16", num_classes=7, device="meta")
    assert all(weight.is_meta for weight in network.state_dict().values())
    assert network.classifier[-1].weight.shape == (7, 4096)
    assert not models.build("lenet5-modern").c1.weight.is_meta


def test_options_reach_the_network():
    network = models.build("lenet5-modern", num_classes=7, in_channels=3)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    with pytest.raises(ValueError, match="10 digits"):
        models.build("lenet5", num_classes=7)


@pytest.mark.parametrize("name", [n for n in KINDS if n != "lenet5"])
def test_classes_and_channels_can_be_chosen(name):
    network = models.build(name, device="meta", num_classes=7, in_channels=2)
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
        models.build(name, device="meta")(images)
    with pytest.raises(ValueError, match="expected a batch"):
        models.build(name, device="meta")(images[0])


@pytest.mark.parametrize("name", KINDS)
def test_an_input_too_small_is_told_the_smallest(name):
    channels, side, _ = models.architecture(name).input_size
    fixed = (side == 32 and "lenet" in name) or name in ("alexnet", "zfnet")
    smallest = SMALLEST.get(name, 1)
    network = models.build(name, device="meta").eval()
    if fixed or name == "one-hidden-layer":
        with pytest.raises(ValueError, match=rf"{side}, {side}\), got"):
            network(torch.empty(1, channels, side - 1, side - 1, device="meta"))
        return
    network(torch.empty(1, channels, smallest, smallest, device="meta"))
    if smallest > 1:
        small = torch.empty(1, channels, smallest, smallest - 1, device="meta")
        with pytest.raises(ValueError, match=f"at least {smallest}x{smallest} pixels"):
            network(small)
