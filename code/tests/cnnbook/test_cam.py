"""The class activation map adds up to the score, for every network that has one."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from cnnbook import models
from cnnbook.cam import class_activation_map, occlusion

CLASSES = 5
# Networks that end in an average, and how far they shrink an image.
AVERAGING = {
    "nin": 4,
    "googlenet": 32,
    "resnet18": 32,
    "resnet20-cifar": 4,
    "preact-resnet20-cifar": 4,
    "se-resnet50": 32,
}


def build(name):
    torch.manual_seed(0)
    return models.build(name, num_classes=CLASSES)


@pytest.mark.parametrize("name", AVERAGING)
def test_the_mean_of_the_map_and_the_bias_is_the_score(name):
    model = build(name).train()
    images = torch.randn(2, 3, 64, 64)
    maps = class_activation_map(model, images)
    side = -(-64 // AVERAGING[name])
    assert maps.shape == (2, CLASSES, side, side)
    linear = getattr(model, "fc", None)
    bias = 0 if linear is None else linear.bias
    with torch.no_grad():
        scores = model.eval()(images)
        torch.testing.assert_close(
            maps.mean(dim=(2, 3)) + bias, scores, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", ["nin", "resnet20-cifar"])
def test_the_map_of_one_class_is_that_class_of_all_maps(name):
    model, images = build(name), torch.randn(3, 3, 32, 32)
    classes = torch.tensor([4, 0, 4])
    every = class_activation_map(model, images)
    one = class_activation_map(model, images, classes)
    torch.testing.assert_close(one, every[torch.arange(3), classes])


def test_the_map_follows_the_weights():
    """Linear then average is average then linear, written out for one unit."""
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    images = torch.tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]])
    maps = class_activation_map(head, images, torch.tensor([1]))
    first, second = head[2].weight[1].tolist()
    expected = [[first + 3 * second, 2 * first + 5 * second]]
    torch.testing.assert_close(maps[0], torch.tensor(expected))


def test_dropout_before_the_linear_layer_changes_nothing():
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Dropout(0.9), nn.Linear(4, 3)
    )
    images = torch.randn(2, 4, 6, 6)
    assert torch.equal(
        class_activation_map(head, images), class_activation_map(head, images)
    )


@pytest.mark.parametrize(
    "behind",
    [
        [nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3)],  # not linear
        [nn.Linear(4, 3), nn.Softmax(dim=1)],
        [nn.ReLU(), nn.Linear(4, 3)],
        [nn.Linear(4, 6), nn.Linear(6, 3)],
    ],
)
def test_what_follows_the_average_must_be_one_linear_layer(behind):
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *behind)
    with pytest.raises(ValueError, match="does not end in global average pooling"):
        class_activation_map(model, torch.randn(2, 4, 5, 5))


def test_a_maximum_is_no_average():
    model = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    with pytest.raises(ValueError, match="Sequential does not end in global average"):
        class_activation_map(model, torch.randn(2, 4, 5, 5))


@pytest.mark.parametrize(
    "classes",
    [
        torch.tensor([0]),
        torch.tensor([0, CLASSES]),
        torch.tensor([-1, 0]),
        torch.tensor([0.0, 1.0]),
    ],
)
def test_classes_that_do_not_fit_are_refused(classes):
    model, images = build("resnet20-cifar"), torch.randn(2, 3, 32, 32)
    with pytest.raises(ValueError, match="a class from 0 to 4 for each of 2 images"):
        class_activation_map(model, images, classes)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (torch.zeros(0, 3, 32, 32), "at least one image"),
        (torch.zeros(3, 32, 32), "a batch of images of shape"),
        (torch.zeros(1, 1, 32, 32), "a batch of images of shape"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "torch.uint8: normalise"),
    ],
)
def test_images_that_do_not_fit_are_one_clear_error(images, says):
    with pytest.raises(ValueError, match=says):
        class_activation_map(build("resnet20-cifar"), images)


@pytest.mark.parametrize("name", ["lenet5-modern", "vgg16", "alexnet-owt"])
def test_a_network_that_flattens_has_no_class_activation_map(name):
    model = models.build(name, device="meta")  # takes no memory
    images = torch.zeros(1, *models.architecture(name).input_size, device="meta")
    with pytest.raises(ValueError, match="does not end in global average pooling"):
        class_activation_map(model, images)


# --- However the network averages, and whatever it returns


class Ending(nn.Module):
    """A convolution to 8 maps of 10 x 10, and `end` behind it."""

    def __init__(self, end, **members):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 8, 3), nn.Linear(8, CLASSES)
        self.dropout = nn.Dropout()
        for name, member in members.items():
            setattr(self, name, member)
        self.end = end

    def forward(self, x):
        return self.end(self, self.conv(x).relu())


@pytest.fixture
def images():
    torch.manual_seed(0)
    return torch.randn(3, 3, 12, 12)


def expected_maps(network, images, head=None):
    """Apply the linear layer at each place."""
    head = network.linear if head is None else head
    with torch.no_grad():
        maps = network.conv(images).relu()
        return torch.einsum("kc,nchw->nkhw", head.weight.flatten(1), maps)


def by_hand(net, x):
    return x.mean((2, 3)) @ net.linear.weight.T + net.linear.bias


@torch.inference_mode()
def in_inference_mode(net, x):
    return net.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


@pytest.mark.parametrize(
    "end",
    [
        lambda net, x: net.linear(x.mean((2, 3))),
        lambda net, x: net.linear(torch.mean(x, dim=[-1, -2], keepdim=True)[..., 0, 0]),
        lambda net, x: net.linear(x.mean(-1).mean(-1)),
        lambda net, x: net.linear(x.flatten(2).mean(2)),
        lambda net, x: net.linear(x.sum((2, 3)) / 100),
        lambda net, x: net.linear(F.adaptive_avg_pool2d(x, 1).squeeze(3).squeeze(2)),
        lambda net, x: net.linear(F.avg_pool2d(x, x.shape[2:]).flatten(1)),
        lambda net, x: net.linear(x.mean(3, True).mean(2, True).flatten(1)),
        lambda net, x: net.linear(net.dropout(x.mean((2, 3)))),
        lambda net, x: net.linear(x.permute(0, 2, 3, 1).mean((1, 2))),
        lambda net, x: net.linear(x.permute(0, 2, 3, 1).contiguous().mean((1, 2))),
        lambda net, x: net.linear(x.flatten(2).transpose(1, 2).mean(1)),
        lambda net, x: net.linear(torch.einsum("nchw->nc", x) / 100),
        by_hand,
        in_inference_mode,
        lambda net, x: {"scores": net.linear(x.mean((2, 3)))},
        lambda net, x: (x, net.linear(x.mean((2, 3)))),
    ],
)
def test_it_does_not_matter_how_a_network_averages_or_returns_its_scores(end, images):
    network = Ending(end)
    torch.testing.assert_close(
        class_activation_map(network, images), expected_maps(network, images)
    )


@pytest.mark.parametrize(
    ("end", "head"),
    [
        (lambda net, x: net.head(x.mean((2, 3))), nn.Linear(8, 5, bias=False)),
        (lambda net, x: net.head(x.mean((2, 3))), nn.Linear(8, 8)),
        (lambda net, x: net.head(x.mean((2, 3))), nn.Linear(8, 1)),
        (lambda net, x: net.head(x.mean((2, 3), True)).flatten(1), nn.Conv2d(8, 5, 1)),
        (
            lambda net, x: net.head(x.mean((2, 3))),
            parametrizations.weight_norm(nn.Linear(8, 5)),
        ),
    ],
)
def test_any_linear_layer_will_do(end, head, images):
    network = Ending(end, head=head)
    torch.testing.assert_close(
        class_activation_map(network, images), expected_maps(network, images, head)
    )


def test_a_convolution_before_the_average_makes_the_maps_itself(images):
    network = Ending(lambda net, x: net.head(x).mean((2, 3)), head=nn.Conv2d(8, 5, 1))
    with torch.no_grad():
        expected = network.head(network.conv(images).relu())
    torch.testing.assert_close(class_activation_map(network, images), expected)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_precision_makes_no_difference(dtype, images):
    network = Ending(lambda net, x: net.linear(x.mean((2, 3)))).to(dtype)
    images = images.to(dtype)
    found = class_activation_map(network, images)
    torch.testing.assert_close(found, expected_maps(network, images))


@pytest.mark.parametrize(
    "end",
    [
        lambda net, x: net.linear(x.amax((2, 3))),
        lambda net, x: net.linear(x.mean((2, 3)) + x.amax((2, 3))),
        lambda net, x: net.linear(F.layer_norm(x.mean((2, 3)), (8,))),
        lambda net, x: net.linear(F.relu(x.mean((2, 3)) - 0.3)),
        lambda net, x: net.linear(F.relu(net.conv2(x.mean((2, 3), True))).flatten(1)),
        lambda net, x: 2 * net.linear(x.mean((2, 3))),
        # The bias is so large that what is not linear hardly shows.
        lambda net, x: 1000 + 0.1 * net.linear(x.mean((2, 3))).tanh(),
        lambda net, x: None,
    ],
)
def test_scores_that_are_no_averages_of_maps_are_refused(end, images):
    network = Ending(end, conv2=nn.Conv2d(8, 8, 1))
    with pytest.raises(ValueError, match="Ending does not end in global average"):
        class_activation_map(network, images[:1])


def test_a_single_place_is_a_map_if_the_network_averages_it(images):
    network = Ending(lambda net, x: net.linear(x.mean((2, 3))))
    maps = class_activation_map(network, images[..., :3, :3])
    torch.testing.assert_close(maps, expected_maps(network, images[..., :3, :3]))


@pytest.mark.parametrize("in_place", [False, True])
def test_a_compiled_network_that_has_run_is_looked_into(in_place, images):
    network = compiled = Ending(lambda net, x: net.linear(x.mean((2, 3)))).eval()
    if in_place:
        network.compile(backend="eager")
    else:
        compiled = torch.compile(network, backend="eager")
    with torch.no_grad():
        compiled(images)
    found = class_activation_map(compiled, images)
    torch.testing.assert_close(found, expected_maps(network, images))


def test_the_network_stays_as_it_was(images):
    def end(net, x):
        net.seen = x
        return net.linear(x.mean((2, 3)) + 0 * torch.rand(()))

    network = Ending(end)
    before = torch.get_rng_state()
    class_activation_map(network, images)
    assert not hasattr(network, "seen")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("classes", [[0, 1], torch.tensor([True, False])])
def test_classes_that_are_no_whole_numbers_are_refused(classes):
    model, images = build("resnet20-cifar"), torch.randn(2, 3, 32, 32)
    with pytest.raises(ValueError, match="a tensor of a class from 0 to 4 for each"):
        class_activation_map(model, images, classes)


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (nn.LazyConv2d(3, 1), "run the network once"),
        (nn.DataParallel(nn.Conv2d(3, 3, 1)), "give the network itself"),
    ],
)
def test_a_network_that_cannot_be_looked_at_is_refused(network, says, images):
    with pytest.raises(ValueError, match=says):
        class_activation_map(network, images)


def test_a_class_map_needs_values():
    model = models.build("resnet20-cifar", device="meta")
    with pytest.raises(ValueError, match="needs values, and the meta device has none"):
        class_activation_map(model, torch.zeros(1, 3, 32, 32, device="meta"))


def test_a_square_takes_away_what_lies_under_it():
    image = torch.rand(2, 7, 9)
    found = occlusion(lambda x: x.sum(dim=(1, 2, 3)), image, side=3, step=2)
    assert found.shape == (3, 4)
    for row, column in ((0, 0), (1, 2), (2, 3)):
        top, left = 2 * row, 2 * column
        under = image[:, top : top + 3, left : left + 3].sum()
        torch.testing.assert_close(found[row, column], image.sum() - under)


def test_the_square_is_as_grey_as_asked_and_the_image_stays():
    image = torch.zeros(1, 4, 4)
    found = occlusion(lambda x: x.sum(dim=(1, 2, 3)), image, side=2, step=2, grey=0.5)
    assert found.tolist() == [[2, 2], [2, 2]]
    assert not image.any()


@pytest.mark.parametrize("side", [0, 5])
def test_a_square_must_fit(side):
    with pytest.raises(ValueError, match=f"square of {side} does not fit into 4x6"):
        occlusion(lambda x: x.sum(dim=(1, 2, 3)), torch.zeros(1, 4, 6), side, step=1)
