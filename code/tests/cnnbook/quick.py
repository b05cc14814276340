"""Of many networks, which are tested every day: the others are as `slow` together."""

from collections.abc import Collection, Iterable

import pytest

# One of each kind, and small.
NETWORKS = """lenet5 lenet5-modern one-hidden-layer nin alexnet-owt vgg11 googlenet
resnet18 plain20-cifar resnet20-cifar preact-resnet20-cifar""".split()
# One of each of torchvision's families, likewise.
CLASSIFIERS = """alexnet convnext_tiny densenet121 efficientnet_b0 googlenet
inception_v3 mnasnet0_5 mobilenet_v2 mobilenet_v3_small regnet_x_400mf resnet18
resnext50_32x4d shufflenet_v2_x0_5 squeezenet1_1 swin_t vgg11 vit_b_32""".split()


def others_are_slow(names: Iterable[str], quick: Collection[str] = NETWORKS) -> list:
    """Return the names for `pytest.mark.parametrize`, most of them marked as slow."""
    return [
        name if name in quick else pytest.param(name, marks=pytest.mark.slow)
        for name in names
    ]
