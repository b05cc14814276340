"""ZFNet: the sides of its maps."""

import torch

from cnnbook import models


def test_zfnet_has_the_map_sizes_of_its_figure():
    network, sides = models.build("zfnet"), {}
    for name, layer in network.features.named_children():
        layer.register_forward_hook(
            lambda _, __, output, name=name: sides.update({name: output.shape[-1]})
        )
    network(torch.zeros(1, 3, 224, 224))
    named = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    assert [sides[n] for n in named] == [110, 55, 26, 13, 13, 13, 13, 6]
