"""LeNet-5's own layers against its paper."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbook import models
from cnnbook.models import lenet


def test_table_one_reads_as_the_paper_describes_it():
    """Six runs of 3 neighbours, six of 4, three of 4 with a gap, one of all."""
    reads = [
        {row for row in range(6) if lenet.C3_TABLE[row][column] == "X"}
        for column in range(16)
    ]
    assert [len(r) for r in reads] == [3] * 6 + [4] * 9 + [6]
    assert reads[:6] == [{i, (i + 1) % 6, (i + 2) % 6} for i in range(6)]
    assert reads[6:12] == [{(i + j) % 6 for j in range(4)} for i in range(6)]
    assert [row.count("X") for row in lenet.C3_TABLE] == [10] * 6


@settings(max_examples=25)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4), st.data())
def test_sparse_convolution_is_a_masked_convolution(inputs, outputs, k, draw):
    marks = st.lists(st.sampled_from("X."), min_size=outputs, max_size=outputs)
    table = ["".join(draw.draw(marks)) for _ in range(inputs)]
    table[0] = "X" * outputs  # each output reads at least one input
    layer = lenet.SparseConv2d(table, k)
    x = torch.randn(2, inputs, 7, 7)
    expected = layer.bias[:, None, None].expand(2, outputs, 8 - k, 8 - k).clone()
    kernels = iter(layer.weight)
    for o in range(outputs):
        for i in range(inputs):
            if table[i][o] == "X":
                expected[:, o] += F.conv2d(x[:, i : i + 1], next(kernels)[None, None])[
                    :, 0
                ]
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-4)
    connected = sum(row.count("X") for row in table)
    assert layer.weight.numel() == connected * k * k


def test_subsampling_adds_scales_and_shifts():
    layer = lenet.Subsampling(2)
    x = torch.randn(3, 2, 4, 6)
    sums = x[..., ::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, ::2] + x[..., 1::2, 1::2]
    torch.testing.assert_close(layer(x), layer.coefficient * sums + layer.bias)


def test_squashing_maps_one_to_one():
    ends = lenet.scaled_tanh(torch.tensor([1.0, -1.0], dtype=torch.float64))
    assert ends.tolist() == pytest.approx([0.999997, -0.999997], abs=5e-7)


def test_codes_are_ten_different_pictures():
    codes = lenet.digit_codes()
    assert codes.shape == (10, 84)
    assert set(codes.unique().tolist()) == {-1.0, 1.0}
    assert len({tuple(code.tolist()) for code in codes}) == 10


def test_a_perfect_drawing_has_distance_zero():
    codes = lenet.digit_codes()
    distances = lenet.EuclideanRBF(codes)(codes)
    assert distances.diagonal().eq(0).all()
    assert distances.argmin(dim=1).tolist() == list(range(10))


def test_map_criterion_is_equation_nine():
    distances = torch.rand(5, 10, dtype=torch.float64) * 8
    labels = torch.tensor([0, 3, 9, 3, 1])
    j = 2.0
    expected = [
        y[c] + torch.log(torch.exp(torch.tensor(-j)) + torch.exp(-y).sum())
        for y, c in zip(distances, labels, strict=True)
    ]
    got = lenet.map_criterion(-distances, labels, j)
    torch.testing.assert_close(got, torch.stack(expected).mean())


def test_a_convolution_of_the_whole_map_is_a_fully_connected_layer():
    c5 = models.build("lenet5").c5
    x = torch.randn(2, 16, 5, 5)
    linear = F.linear(x.flatten(1), c5.weight.flatten(1), c5.bias)
    torch.testing.assert_close(c5(x).flatten(1), linear, atol=1e-5, rtol=1e-4)
