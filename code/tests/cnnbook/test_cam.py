"""The class activation map adds up to the score, for every network that has one."""

import pytest
import torch
from torch import nn

from cnnbook import models
from cnnbook.cam import class_activation_map

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
