"""VGG: the paper's configurations, and its names of layers."""

import pytest
import torch

from cnnbook.models import vgg


@pytest.mark.parametrize(
    ("configuration", "layers"), [("A", 11), ("B", 13), ("C", 16), ("D", 16), ("E", 19)]
)
def test_a_vgg_has_as_many_weight_layers_as_its_name(configuration, layers):
    with torch.device("meta"):
        names = vgg.VGG(configuration).paper_names()
    weighted = [name for name in names.values() if not name.startswith("pool")]
    assert len(weighted) == layers
    assert list(names.values())[-4:] == ["pool5", "fc6", "fc7", "fc8"]
    assert names["features.0"] == "conv1_1"
