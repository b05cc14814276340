"""Scalar chains: five ways to one gradient. Real networks: norms, paths, drawings."""

import copy
import dataclasses
import itertools
import math

import pytest
import sympy
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnnbook import gradients, models
from cnnbook.gradients import (
    ACTIVATIONS,
    METHODS,
    by_path_length,
    norm_by_layer,
    scalar_chain,
)
from cnnbook.models import resnet

EXACT = sorted(set(METHODS) - {"finite differences"})
numbers = st.floats(-2, 2, allow_nan=False).map(lambda number: round(number, 3))


@st.composite
def chains(draw, most: int = 4):
    return scalar_chain(
        draw(st.lists(numbers, min_size=1, max_size=most)),
        draw(st.sampled_from(sorted(ACTIVATIONS))),
        skip=draw(st.sampled_from([0.0, 0.5, 1.0, -0.7])),
        after=draw(st.sampled_from(["identity", "relu", "tanh"])),
    )


@settings(deadline=None, max_examples=60)
@given(chains(), numbers, numbers)
def test_every_exact_method_gives_the_same_gradient(chain, x, target):
    expected = chain.gradient(x, target, by="autograd")
    scale = max(1.0, expected.abs().max().item())
    for method in EXACT:
        got = chain.gradient(x, target, by=method)
        assert got.shape == (len(chain),)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10 * scale)


@settings(deadline=None, max_examples=100)
@given(chains(most=6), numbers, numbers)
def test_finite_differences_come_close(chain, x, target):
    trace, relu = chain.forward(x), ACTIVATIONS["relu"]
    bends = [(chain.activation, trace.nets), (chain.after, trace.sums)]
    for function, values in bends:  # where there is no derivative to come close to
        assume(function is not relu or values.abs().min() > 0.001)
    expected = chain.gradient(x, target)
    got = chain.gradient(x, target, by="finite differences")
    scale = max(1.0, expected.abs().max().item())
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6 * scale)


@settings(deadline=None, max_examples=60)
@given(chains(most=8), numbers, numbers)
def test_paths_are_counted_and_add_up(chain, x, target):
    signals = chain.signals(x, target)
    for layer in range(len(chain) + 1):
        paths = chain.paths(x, target, layer=layer)
        assert len(paths) == (2 ** (len(chain) - layer) if chain.skip else 1)
        assert len({path.branches for path in paths}) == len(paths)
        total = math.fsum(path.value for path in paths)
        assert total == pytest.approx(signals[layer].item(), rel=1e-10, abs=1e-10)
        for path in paths:
            assert all(layer < k <= len(chain) for k in path.branches)


@settings(deadline=None, max_examples=60)
@given(chains(most=6), numbers, numbers)
def test_signals_are_the_gradients_of_the_outputs(chain, x, target):
    weights = torch.tensor(chain.weights, dtype=torch.float64)
    h = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    outputs = [h]
    for weight in weights:
        branch = chain.activation.function(weight * outputs[-1])
        outputs.append(chain.after.function(branch + chain.skip * outputs[-1]))
    error = (target - outputs[-1]) ** 2 / 2
    expected = torch.stack(torch.autograd.grad(error, outputs))
    signals = chain.signals(x, target)
    torch.testing.assert_close(signals, expected, rtol=1e-10, atol=1e-10)


def test_two_layers_by_hand():
    w1, w2, x, t = 0.7, -1.3, 0.8, 0.5
    f, slope = math.tanh, lambda a: 1 - math.tanh(a) ** 2

    h = f(x * w1)
    y = f(h * w2)
    by_hand = -(t - y) * slope(h * w2) * w2 * slope(x * w1) * x
    plain = scalar_chain([w1, w2])
    assert plain.gradient(x, t)[0].item() == pytest.approx(by_hand, abs=1e-15)
    assert plain.error(x, t) == pytest.approx((t - y) ** 2 / 2, abs=1e-15)

    h = f(x * w1) + x
    y = f(h * w2) + h
    by_hand = -(t - y) * (1 + slope(h * w2) * w2) * slope(x * w1) * x
    skip = scalar_chain([w1, w2], skip=1)
    assert skip.gradient(x, t)[0].item() == pytest.approx(by_hand, abs=1e-15)
    assert skip.forward(x).outputs.tolist() == pytest.approx([x, h, y], abs=1e-15)


def test_shortcuts_scaled_by_a_half_halve_the_signal_at_every_layer():
    chain = scalar_chain([0.0] * 10, "identity", skip=0.5)
    past, through = chain.factors(1.0)
    assert past.tolist() == [0.5] * 10
    assert through.tolist() == [0.0] * 10
    signals = chain.signals(1.0, 5.0)
    assert signals[0].item() == pytest.approx(signals[-1].item() * 0.5**10)


def test_a_relu_on_the_main_path_can_stop_everything():
    chain = scalar_chain([1.0, -3.0, 1.0], "tanh", skip=1, after="relu")
    assert chain.forward(0.5).sums[1] < 0
    assert chain.signals(0.5, 1.0)[:2].tolist() == [0, 0]
    identity = scalar_chain([1.0, -3.0, 1.0], "tanh", skip=1)
    assert identity.signals(0.5, 1.0)[0] != 0


def test_an_activation_of_your_own():
    square = gradients.Activation(torch.square, lambda a: 2 * a, lambda a: a**2)
    chain = scalar_chain([0.5, 0.25], square, skip=1)
    for method in METHODS:
        got = chain.gradient(0.9, 0.1, by=method)
        torch.testing.assert_close(got, chain.gradient(0.9, 0.1), rtol=1e-6, atol=1e-8)


def test_sympy_keeps_the_scale_of_the_shortcut_exact():
    error, symbols = scalar_chain([1.0], "identity", skip=0.1).symbolic()
    expected = (symbols["w1"] + sympy.Rational(1, 10)) * symbols["x"]
    assert sympy.simplify(error - (symbols["t"] - expected) ** 2 / 2) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: scalar_chain([]), "at least one weight"),
        (lambda: scalar_chain([1.0, math.nan]), "finite numbers, got nan"),
        (lambda: scalar_chain([1.0], skip=math.inf), "finite numbers, got inf"),
        (lambda: scalar_chain([1.0], "tahn"), "unknown activation 'tahn': did you"),
        (lambda: scalar_chain([1.0], after="rlu"), "did you mean 'relu'"),
        (lambda: scalar_chain([1.0]).gradient(1, 1, by="hand"), "unknown method"),
        (lambda: scalar_chain([1.0]).paths(1, 1, layer=2), "from 0 to 1, got 2"),
        (lambda: scalar_chain([1.0] * 30, skip=1).paths(1, 1), "choose layer >= 14"),
    ],
)
def test_bad_chains_get_one_clear_error(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_long_plain_chain_has_one_path():
    assert len(scalar_chain([0.9] * 30).paths(1.0, 0.0)) == 1


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

    # All sixteen paths, one by one: block k either through its branch or past it.
    sums = torch.zeros(5, batch[0].numel(), dtype=torch.float64)
    for taken in itertools.product((0.0, 1.0), repeat=4):
        twin = copy.deepcopy(model).double()
        blocks = [m for m in twin.modules() if isinstance(m, resnet.Block)]
        for block, through in zip(blocks, taken, strict=True):
            block.forward = _one_way(block, through)
        x = batch[0].double().requires_grad_()
        F.cross_entropy(twin(x), batch[1]).backward()
        sums[int(sum(taken))] += x.grad.flatten()
    expected = sums.norm(dim=1) / sums.sum(dim=0).norm()
    torch.testing.assert_close(
        torch.tensor(table.share), expected, rtol=1e-8, atol=1e-12
    )


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
    assert table.share.between(0, 10).all()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_only_residual_networks_of_bearable_depth_have_paths(batch):
    with pytest.raises(ValueError, match="54 blocks are too many"):
        by_path_length(models.build("resnet110-cifar", in_channels=1), *batch)
    for name in ("plain20-cifar", "lenet5-modern"):
        with pytest.raises(ValueError, match="residual blocks with shortcuts"):
            by_path_length(models.build(name, in_channels=1), *batch)
