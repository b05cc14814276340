"""AlexNet: its two towers, and its response normalisation."""

import torch

from cnnbook import models
from cnnbook.models.alexnet import response_norm

from .counting import count_parameters


def test_alexnet_with_all_maps_connected_is_larger():
    ungrouped = models.ARCHITECTURES["alexnet"].builder(groups=1)
    assert count_parameters(ungrouped) == 62_378_344


def test_response_norm_is_the_papers_formula():
    x = torch.randn(2, 9, 3, 3, dtype=torch.float64)
    expected = torch.empty_like(x)
    for i in range(9):
        near = x[:, max(0, i - 2) : i + 3]  # five neighbours, fewer at the ends
        scale = 2 + 1e-4 * near.square().sum(dim=1)
        expected[:, i] = x[:, i] / scale**0.75
    torch.testing.assert_close(response_norm()(x), expected)
