"""Scalar chains: five ways to one gradient."""

import math

import pytest
import sympy
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnnbook.chains import ACTIVATIONS, METHODS, Activation, scalar_chain

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


@settings(max_examples=60)
@given(chains(), numbers, numbers)
def test_every_exact_method_gives_the_same_gradient(chain, x, target):
    expected = chain.gradient(x, target, by="autograd")
    scale = max(1.0, expected.abs().max().item())
    for method in EXACT:
        got = chain.gradient(x, target, by=method)
        assert got.shape == (len(chain),)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10 * scale)


@settings(max_examples=100)
@given(chains(most=6), numbers, numbers)
def test_finite_differences_come_close(chain, x, target):
    computed, relu = chain.forward(x), ACTIVATIONS["relu"]
    bends = [(chain.activation, computed.nets), (chain.after, computed.sums)]
    for function, values in bends:  # where there is no derivative to come close to
        assume(function is not relu or values.abs().min() > 0.001)
    expected = chain.gradient(x, target)
    got = chain.gradient(x, target, by="finite differences")
    scale = max(1.0, expected.abs().max().item())
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6 * scale)


@settings(max_examples=60)
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


@settings(max_examples=60)
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
    square = Activation(torch.square, lambda a: 2 * a, lambda a: a**2)
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
