"""Squeeze and excitation: a ResNet whose blocks weigh their maps.

Hu, Shen and Sun, "Squeeze-and-excitation networks", CVPR 2018, arXiv:1709.01507.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .resnet import Block, Bottleneck, Design, conv, make_shortcut


class SqueezeExcitation(nn.Module):
    """Multiply each map by a number in (0, 1) that depends on all maps' averages.

    Args:
        channels: Number of maps.
        reduction: The hidden layer is so many times narrower (paper: 16).
    """

    def __init__(self, channels: int, reduction: int = 16):
        super().__init__()
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(channels, channels // reduction)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(channels // reduction, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        averages = self.squeeze(x).flatten(1)  # (N, C)
        weights = torch.sigmoid(self.fc2(self.relu(self.fc1(averages))))  # (N, C)
        return x * weights[:, :, None, None]


class SEBottleneck(Bottleneck):
    """A bottleneck whose branch ends in squeeze and excitation (paper, Fig. 3)."""

    def __init__(self, design: Design, in_channels: int, width: int, stride: int):
        super().__init__(design, in_channels, width, stride)
        self.se = SqueezeExcitation(4 * width)

    def branch(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 4 · width, H/stride, W/stride)."""
        return self.se(super().branch(x))


class SENet154Block(SEBottleneck):
    """The competition's block: 64 groups, its first 1x1 half as wide (appendix)."""

    def __init__(self, design: Design, in_channels: int, width: int, stride: int):
        Block.__init__(self)
        self.conv1 = conv(in_channels, 2 * width, 1)
        self.bn1 = design.norm(2 * width)
        self.conv2 = nn.Conv2d(
            2 * width, 4 * width, 3, stride, padding=1, groups=64, bias=False
        )
        self.bn2 = design.norm(4 * width)
        self.conv3 = conv(4 * width, 4 * width, 1)
        self.bn3 = design.norm(4 * width)
        self.relu = nn.ReLU()
        self.se = SqueezeExcitation(4 * width)
        self.downsample = make_shortcut(design, in_channels, 4 * width, stride)


DESIGNS = {
    "se-resnet50": Design(SEBottleneck, (3, 4, 6, 3), stride_in="1x1"),
    "senet154": Design(
        SENet154Block, (3, 8, 36, 3), stem="deep", projection=3, dropout=0.2
    ),
}
