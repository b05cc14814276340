"""EfficientNet-Lite0: its sizes, its border, and the weights that are in the book."""

import pytest
import torch
import torch.nn.functional as F

from cnnbook import cost, data, models, pretrained
from cnnbook.models.efficientnet_lite import SamePadding


def test_its_counts_are_those_of_its_authors():
    with torch.device("meta"):
        network = models.build("efficientnet-lite0")
    total = cost.total(network, (3, 224, 224))
    assert total.parameters == 4_652_008  # 4.7 M in their table
    assert total.macs == pytest.approx(407e6, rel=0.06)  # which counts other parts, too


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "sides"),
    [(224, 3, 2, (0, 1)), (112, 3, 1, (1, 1)), (56, 5, 2, (1, 2)), (7, 1, 1, (0, 0))],
)
def test_padding_is_that_of_tensorflow(size, kernel, stride, sides):
    x = torch.rand(1, 1, size, size)
    expected = F.pad(x, (*sides, *sides))
    assert SamePadding(kernel, stride)(x).equal(expected)


def test_the_weights_in_the_book_know_coffee():
    network = pretrained.load_imagenet("efficientnet-lite0")
    square = data.imagenet_crop(data.photographs()["coffee"])
    with torch.inference_mode():
        shares = network(data.imagenet_normalise(square)[None]).softmax(dim=1)[0]
    assert data.imagenet_classes()[shares.argmax()] == "espresso"
    assert shares.max() == pytest.approx(0.953, abs=0.01)
