"""What the pruning experiment cuts, and that the zeros stay zeros."""

import torch
from torch import nn

from tools.experiments import dense_or_average, pruning


def small_network():
    return nn.Sequential(
        nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(8 * 16, 5))
    )


def test_the_largest_weights_are_kept():
    weight = torch.tensor([[3.0, -4.0], [0.5, 1.0]])
    mask = pruning.largest_weights(weight, kept=0.5)
    assert mask.tolist() == [[1, 1], [0, 0]]


def test_a_map_is_kept_whole_or_not_at_all():
    weight = torch.zeros(5, 8 * 16)
    weight[:, 16 * 3] = 1.0  # the fourth map and the last, in one position
    weight[:, 16 * 7] = -2.0
    mask = pruning.strongest_maps(weight, kept=0.25).view(5, 8, 16)
    assert mask.sum(dim=(0, 2)).nonzero().flatten().tolist() == [3, 7]
    assert mask[:, [3, 7]].all()


def test_zeros_stay_zeros_from_cut_to_cut():
    torch.manual_seed(0)
    network = small_network()
    layer = network[1][1]
    for kept in (0.5, 0.25):
        before = layer.weight.detach() == 0
        pruning.cut(network, pruning.largest_weights, kept)
        assert int((layer.weight != 0).sum()) == kept * 5 * 8 * 16
        assert (layer.weight[before] == 0).all()


def test_each_arm_maps_digits_to_ten_scores():
    for arms in (dense_or_average.SHORT, dense_or_average.FEW_IMAGES):
        for arm in arms.values():
            assert arm.build()(torch.zeros(2, 1, 32, 32)).shape == (2, 10)
