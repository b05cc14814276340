"""Effective receptive fields: how much a unit depends on each pixel."""

import pytest
import torch
from torch import nn

from cnnbook import models
from cnnbook.receptive_field import effective, trace, window


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


def test_an_activation_in_place_changes_nothing_of_the_layer_before_it():
    """Once the ReLU's zeros were taken for the convolution's."""
    torch.manual_seed(0)
    image = torch.rand(1, 3, 9, 9)
    layer = nn.Conv2d(3, 4, 3)
    nn.init.constant_(layer.bias, -9)  # so that every ReLU is closed
    expected = effective(nn.Sequential(layer), image, "0")
    found = effective(nn.Sequential(layer, nn.ReLU(inplace=True)), image, "0")
    assert found.equal(expected)


def test_a_first_layer_may_write_into_the_image():
    image = torch.rand(1, 3, 9, 9)
    before = image.clone()
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 1, 3))
    assert effective(network, image, "1").shape == (9, 9)
    assert image.equal(before)


def test_a_network_that_draws_gets_its_own_numbers():
    class Noisy(nn.Module):
        def forward(self, x):
            return torch.tanh(x * torch.rand_like(x))

    network, image = nn.Sequential(Noisy()), torch.rand(1, 1, 5, 5)
    state = torch.random.get_rng_state()
    first = effective(network, image, "0", seed=3)
    assert effective(network, image, "0", seed=3).equal(first)
    assert torch.random.get_rng_state().equal(state)


def test_a_gradient_that_is_not_finite_is_told():
    class Root(nn.Module):
        def forward(self, x):
            return x.sqrt()

    with pytest.raises(ValueError, match=r"'0' is not finite on these images"):
        effective(nn.Sequential(Root()), torch.zeros(1, 1, 5, 5), "0")


@pytest.mark.parametrize(
    "images",
    [torch.zeros(1, 5, 5), torch.zeros(0, 1, 5, 5), torch.zeros(1, 1, 5, 5).long()],
)
def test_what_are_no_images_is_told(images):
    with pytest.raises(ValueError, match=r"images must be \(N, channels, height"):
        effective(nn.Sequential(nn.Conv2d(1, 1, 3)), images, "0")


def test_a_layer_that_does_not_depend_on_the_image_has_no_effective_field():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return self.conv(torch.zeros_like(x)).mean() + x

    with pytest.raises(ValueError, match="'conv' does not depend on the image"):
        effective(Constant(), torch.rand(1, 1, 5, 5), "conv")
