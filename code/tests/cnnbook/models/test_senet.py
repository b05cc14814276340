"""Squeeze and excitation."""

import torch

from cnnbook.models import senet


def test_squeeze_and_excitation_weighs_each_map_by_all_averages():
    layer = senet.SqueezeExcitation(8, reduction=4)
    x = torch.randn(3, 8, 5, 7)
    hidden = torch.relu(layer.fc1(x.mean(dim=(2, 3))))
    weights = torch.sigmoid(layer.fc2(hidden))
    torch.testing.assert_close(layer(x), x * weights.view(3, 8, 1, 1))
