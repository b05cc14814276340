"""Gradients in networks: norms by layer, and shares by the length of paths."""

import copy
import dataclasses
import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnbook import models
from cnnbook.gradients import by_path_length, norm_by_layer
from cnnbook.models import resnet


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(6, 1, 32, 32), torch.arange(6)


@pytest.mark.parametrize("name", ["lenet5-modern", "resnet20-cifar", "plain20-cifar"])
def test_norms_are_those_of_autograd(name, batch):
    torch.manual_seed(0)
    model = models.build(name, in_channels=1)
    table = norm_by_layer(model, *batch)
    copied = copy.deepcopy(model)
    F.cross_entropy(copied(batch[0]), batch[1]).backward()
    modules = dict(copied.named_modules())
    for row in table.itertuples():
        kernel = modules[row.layer].weight
        assert row.kind == type(modules[row.layer]).__name__
        assert row.gradient_norm == pytest.approx(kernel.grad.norm().item(), rel=1e-4)
        assert row.weight_norm == pytest.approx(kernel.norm().item(), rel=1e-6)


def test_norms_are_in_the_order_of_execution():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3, 2)
            self.first = nn.Linear(4, 3)
            self.never = nn.Linear(4, 3)

        def forward(self, x):
            return self.last(self.first(x))

    model = Backwards()
    x = torch.ones(5, 4)
    table = norm_by_layer(model, x, torch.zeros(5, dtype=torch.long))
    assert table.layer.tolist() == ["first", "last"]
    with torch.no_grad():
        expected = model.first(x).square().mean().sqrt().item()
    assert table.activation_rms[0] == pytest.approx(expected)


@pytest.mark.parametrize("training", [True, False])
def test_measuring_leaves_weights_and_their_gradients_as_they_were(batch, training):
    model = models.build("resnet20-cifar", in_channels=1).train(not training)
    model.conv1.weight.requires_grad_(False)
    model.fc.weight.grad = torch.ones_like(model.fc.weight)
    before = copy.deepcopy(model.state_dict())
    table = norm_by_layer(model, *batch, training=training)
    assert table.gradient_norm[0] > 0  # of a frozen layer, too
    assert not model.conv1.weight.requires_grad
    assert model.conv1.weight.grad is None
    assert torch.equal(model.fc.weight.grad, torch.ones_like(model.fc.weight))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_training_mode_uses_the_batch_and_evaluation_mode_does_not(batch):
    model = models.build("plain20-cifar", in_channels=1)
    own, running = (norm_by_layer(model, *batch, training=t) for t in (True, False))
    assert own.gradient_norm[0] != pytest.approx(running.gradient_norm[0], rel=0.01)


def test_bad_batches_and_models_get_one_clear_error(batch):
    model = models.build("resnet20-cifar", in_channels=1)
    with pytest.raises(ValueError, match="6 images and 5 labels"):
        norm_by_layer(model, batch[0], batch[1][:5])
    with pytest.raises(ValueError, match="no convolution and no linear layer"):
        norm_by_layer(nn.Flatten(), *batch)


def test_path_lengths_are_those_of_single_paths(batch):
    torch.manual_seed(1)
    design = dataclasses.replace(resnet.DESIGNS["resnet20-cifar"], depths=(1, 1, 2))
    model = resnet.ResNet(design, in_channels=1)
    table = by_path_length(model, *batch)
    assert table.paths.tolist() == [1, 4, 6, 4, 1]

    sums = torch.zeros(5, batch[0].numel(), dtype=torch.float64)
    for taken in itertools.product((False, True), repeat=4):  # all paths, one by one
        sums[sum(taken)] += _along_one_path(model, batch, taken)
    expected = sums.norm(dim=1) / sums.sum(dim=0).norm()
    torch.testing.assert_close(
        torch.tensor(table.share), expected, rtol=1e-8, atol=1e-12
    )


def _along_one_path(model, batch, taken):
    """Return the images' gradient through the branches of the blocks in `taken`."""
    twin = copy.deepcopy(model).double()
    blocks = [module for module in twin.modules() if isinstance(module, resnet.Block)]
    for block, through in zip(blocks, taken, strict=True):
        block.forward = _one_way(block, through)
    images = batch[0].double().requires_grad_()
    F.cross_entropy(twin(images), batch[1]).backward()
    return images.grad.flatten()


def _along_all_paths(model, batch):
    images = batch[0].double().requires_grad_()
    F.cross_entropy(copy.deepcopy(model).double()(images), batch[1]).backward()
    return images.grad.flatten()


def _one_way(block, through):
    """Compute the block as it is, but send the gradient back one way only."""

    def forward(x):
        branch, shortcut = block.branch(x), block.downsample(x)
        if through:
            return block.relu(branch + shortcut.detach())
        return block.relu(branch.detach() + shortcut)

    return forward


def test_path_lengths_add_up_to_the_gradient_even_of_deep_networks(batch):
    torch.manual_seed(0)
    design = dataclasses.replace(resnet.DESIGNS["resnet56-cifar"], widths=(2, 4, 8))
    model = resnet.ResNet(design, in_channels=1)
    before = copy.deepcopy(model.state_dict())
    table = by_path_length(model, *batch)
    assert len(table) == 28
    assert table.paths.sum() == 2**27
    whole = _along_all_paths(model, batch)
    ends = [[False] * 27, [True] * 27]
    for length, taken in zip((0, 27), ends, strict=True):
        share = _along_one_path(model, batch, taken).norm() / whole.norm()
        assert table.share[length] == pytest.approx(share.item(), abs=1e-5)
    assert table.share.max() > 0.1
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_only_residual_networks_of_bearable_depth_have_paths(batch):
    with pytest.raises(ValueError, match="54 blocks are too many"):
        by_path_length(models.build("resnet110-cifar", in_channels=1), *batch)
    for name in ("plain20-cifar", "lenet5-modern"):
        with pytest.raises(ValueError, match="residual blocks with shortcuts"):
            by_path_length(models.build(name, in_channels=1), *batch)
