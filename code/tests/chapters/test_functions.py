"""The functions that chapters define in front of the reader, on random settings."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from tools.notebooks.definitions import definitions

lenet = definitions("01-lenet")
fc = definitions("04-fc-parameter-blowup")


# Chapter 1


@settings(max_examples=300)
@given(
    st.integers(1, 64),
    st.integers(1, 11),
    st.integers(1, 6),
    st.integers(0, 6),
    st.integers(1, 5),
)
def test_output_size_is_that_of_conv2d(n, kernel, stride, padding, dilation):
    assume(n + 2 * padding >= dilation * (kernel - 1) + 1)
    layer = nn.Conv2d(1, 1, kernel, stride, padding, dilation, device="meta")
    output = layer(torch.empty(1, 1, n, n, device="meta"))
    assert output.shape[-1] == lenet.output_size(n, kernel, stride, padding, dilation)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 5), st.integers(0, 5), st.integers(0, 99))
def test_correlate_is_conv2d(k, more_rows, more_columns, seed):
    torch.manual_seed(seed)
    image, kernel = torch.randn(k + more_rows, k + more_columns), torch.randn(k, k)
    expected = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    torch.testing.assert_close(
        lenet.correlate(image, kernel), expected, atol=1e-5, rtol=1e-4
    )


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(7, 12))
def test_the_general_correlation_is_conv2d(k, stride, dilation, n):
    image, kernel = torch.randn(n, n), torch.randn(k, k)
    expected = F.conv2d(
        image[None, None], kernel[None, None], stride=stride, dilation=dilation
    )[0, 0]
    got = lenet.correlate_general_solution(image, kernel, stride, dilation)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 5), st.integers(0, 5), st.integers(0, 99))
def test_input_gradient_is_autograds(k, more_rows, more_columns, seed):
    torch.manual_seed(seed)
    image = torch.randn(k + more_rows, k + more_columns, requires_grad=True)
    kernel, sent_back = torch.randn(k, k), torch.randn(1 + more_rows, 1 + more_columns)
    output = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    [expected] = torch.autograd.grad(output, image, sent_back)
    got = lenet.input_gradient(sent_back, kernel)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


def test_a_kernel_is_learnt_from_pairs():
    torch.manual_seed(0)
    kernel, inputs = torch.randn(2, 2), torch.rand(50, 1, 6, 6)
    outputs = F.conv2d(inputs, kernel[None, None])
    learnt = lenet.learn_kernel(inputs, outputs, k=2, steps=500, rate=0.4)
    torch.testing.assert_close(learnt, kernel, atol=1e-2, rtol=0)


# Chapter 4


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), st.integers(0, 3))
def test_a_dense_layer_is_a_convolution_that_may_slide(side, channels, units, more):
    dense = nn.Linear(channels * side**2, units)
    convolution = fc.as_convolution(dense, side)
    maps = torch.randn(2, channels, side + more, side + more)
    scores = convolution(maps)
    assert scores.shape == (2, units, more + 1, more + 1)
    corner = maps[:, :, more:, more:].flatten(1)
    torch.testing.assert_close(scores[..., -1, -1], dense(corner), atol=1e-5, rtol=1e-4)


@settings(max_examples=20)
@given(st.integers(2, 9), st.integers(2, 9), st.data())
def test_low_rank_loses_the_singular_values_that_it_leaves_out(m, n, draw):
    rank = draw.draw(st.integers(1, min(m, n)))
    network = nn.Sequential(
        nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(n, m), nn.ReLU())
    )
    weight = network[1][1].weight.detach().clone()
    thin, wide = fc.low_rank(network, rank)[1][1]
    product = wide.weight @ thin.weight
    lost = torch.linalg.svdvals(weight)[rank:].norm()
    torch.testing.assert_close((weight - product).norm(), lost, atol=1e-4, rtol=1e-3)
    assert thin.weight.numel() + wide.weight.numel() == rank * (m + n)
    assert network[1][1].weight.equal(weight)  # a copy was changed
    assert wide.bias.equal(network[1][1].bias)


def test_an_array_that_two_layers_need_is_kept_once():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 5, 7), nn.Flatten()
    )
    images, labels = torch.randn(2, 3, 8, 8), torch.tensor([0, 1])
    kept = fc.saved_for_backward(network, images, labels)
    shapes = kept["shape"].tolist()
    assert shapes.count((3, 8, 8)) == 1  # the input
    assert shapes.count((4, 8, 8)) == 1  # ReLU's output, the convolution's input
    assert shapes.count((5 * 2 * 2,)) == 1  # what the loss keeps
    weights = {tuple(p.shape[1:]) for p in network.parameters()} - {()}
    assert not weights & set(shapes)


@pytest.mark.parametrize("inplace", [False, True])
def test_what_is_kept_does_not_depend_on_the_device(inplace):
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Flatten()]
    network = nn.Sequential(*layers, nn.Linear(8 * 7 * 7, 10))
    images, labels = torch.randn(2, 3, 16, 16), torch.tensor([0, 1])
    kept = fc.saved_for_backward(network, images, labels).bytes.sum()
    assert fc.saved_bytes(network.to("meta"), (3, 16, 16), 2) == kept


def test_the_peak_of_a_dense_layer_is_the_sum_of_its_parts():
    network = nn.Sequential(nn.Flatten(), nn.Linear(1000, 10, device="meta"))
    size = 4 * 10_010
    for make, kept in (
        (lambda p: torch.optim.SGD(p, lr=0.1), 0),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), 1),
    ):
        peak = fc.peak_bytes(network, (1000,), 1, make)
        assert size * (2 + kept) < peak < size * (2 + kept) + 3 * 4000


def test_the_batch_that_fits_fits():
    parameters, kept, image_bytes = 1_000_000, 2, 3_000_000
    batch = fc.largest_batch(1, parameters, kept, image_bytes)
    used = 4 * parameters * (2 + kept) + batch * image_bytes
    assert used <= 2**30 < used + image_bytes
    assert fc.largest_batch(1, 10**9, 0, 1) == 0


def test_the_reader_finds_what_stands_out():
    scores = torch.zeros(11, 9, 12)
    scores[10] = 5.0  # nothing anywhere
    scores[3, 2, 4] = scores[7, 6, 10] = 20.0
    sure, found = fc.find(scores)
    assert found == [(12, 20, 3), (28, 44, 7)]
    assert sure[2, 4] > 0.99
    assert sure[0, 0] < 0.1
