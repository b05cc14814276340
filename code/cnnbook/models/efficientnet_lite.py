"""EfficientNet-Lite0: a network for phones, here as one that has seen ImageNet.

Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks",
ICML 2019, arXiv:1905.11946, Table 1, without squeeze and excitation and with ReLU6, as
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite has it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from .checks import expect_images
from .init import kaiming_normal


class Stage(NamedTuple):
    """Blocks of one kind, one after another; the first of them has the stride."""

    blocks: int
    maps: int
    kernel: int
    stride: int
    expansion: int


STAGES = (
    Stage(1, 16, 3, 1, 1),
    Stage(2, 24, 3, 2, 6),
    Stage(2, 40, 5, 2, 6),
    Stage(3, 80, 3, 2, 6),
    Stage(3, 112, 5, 1, 6),
    Stage(4, 192, 5, 2, 6),
    Stage(1, 320, 3, 1, 6),
)
STEM, HEAD = 32, 1280  # maps of the first and the last convolution


class SamePadding(nn.Module):
    """Add zeros so that a convolution gives size/stride, rounded up.

    As TensorFlow does it: an odd number of zeros is one more at the right and below.
    """

    def __init__(self, kernel: int, stride: int):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same with zeros around."""
        sides = []
        for size in (x.shape[-1], x.shape[-2]):  # F.pad begins with the last one
            last = (size - 1) // self.stride * self.stride  # where the last step begins
            zeros = max(last + self.kernel - size, 0)
            sides += [zeros // 2, zeros - zeros // 2]
        return F.pad(x, sides)


def convolution(
    c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Make a convolution without biases and the normalisation behind it."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, groups=groups, bias=False)
    norm = nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.01)
    return nn.Sequential(
        OrderedDict(pad=SamePadding(kernel, stride), conv=conv, norm=norm)
    )


class InvertedBottleneck(nn.Module):
    """Widen by a 1×1, look around in each map alone, narrow by a 1×1, add the input.

    Args:
        c_in: Number of maps that come in.
        stage: What the block is like.
        stride: Of the convolution in the middle.
    """

    def __init__(self, c_in: int, stage: Stage, stride: int):
        super().__init__()
        wide = c_in * stage.expansion
        if stage.expansion > 1:
            self.expand = convolution(c_in, wide)
        self.depthwise = convolution(wide, wide, stage.kernel, stride, groups=wide)
        self.project = convolution(wide, stage.maps)
        self.relu = nn.ReLU6()
        self.adds = stride == 1 and c_in == stage.maps

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, maps, H/stride, W/stride)."""
        y = self.relu(self.expand(x)) if hasattr(self, "expand") else x
        y = self.project(self.relu(self.depthwise(y)))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """The smallest network of the family: 4,652,008 parameters."""

    def __init__(self, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        self.in_channels = in_channels
        blocks: list[nn.Module] = []
        maps = STEM
        for stage in STAGES:
            for place in range(stage.blocks):
                stride = stage.stride if place == 0 else 1
                blocks.append(InvertedBottleneck(maps, stage, stride))
                maps = stage.maps
        self.stem = convolution(in_channels, STEM, 3, stride=2)
        self.blocks = nn.Sequential(*blocks)
        self.head = convolution(maps, HEAD)
        self.relu = nn.ReLU6()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(HEAD, num_classes)
        kaiming_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to scores (N, num_classes)."""
        expect_images(x, self.in_channels)
        maps = self.relu(self.head(self.blocks(self.relu(self.stem(x)))))
        return self.fc(self.drop(self.pool(maps).flatten(1)))
