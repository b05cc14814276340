"""Network in network: 1x1 convolutions, and no fully connected layer.

Lin, Chen and Yan, "Network in network", ICLR 2014, arXiv:1312.4400. The paper draws
the idea and gives no table; the widths are those of the CIFAR-10 network that its
authors released.
"""

from __future__ import annotations

from torch import Tensor, nn

from .checks import expect_images
from .init import kaiming_normal


def mlpconv(
    in_channels: int, widths: tuple[int, int, int], kernel_size: int
) -> nn.Sequential:
    """Return a convolution and two 1x1 convolutions: a small dense net per position."""
    first, second, third = widths
    return nn.Sequential(
        nn.Conv2d(in_channels, first, kernel_size, padding=kernel_size // 2),
        nn.ReLU(),
        nn.Conv2d(first, second, 1),
        nn.ReLU(),
        nn.Conv2d(second, third, 1),
        nn.ReLU(),
    )


class NIN(nn.Module):
    """The CIFAR-10 network: 966,986 parameters, one map a class at the end."""

    def __init__(self, num_classes: int = 10, in_channels: int = 3):
        super().__init__()
        self.in_channels = in_channels
        self.features = nn.Sequential(
            mlpconv(in_channels, (192, 160, 96), 5),  # (N, 96, 32, 32)
            nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (N, 96, 16, 16)
            nn.Dropout(0.5),
            mlpconv(96, (192, 192, 192), 5),
            nn.AvgPool2d(3, stride=2, ceil_mode=True),  # (N, 192, 8, 8)
            nn.Dropout(0.5),
            mlpconv(192, (192, 192, num_classes), 3),  # (N, num_classes, 8, 8)
        )
        self.average = nn.AdaptiveAvgPool2d(1)
        kaiming_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W), shapes above for 32, to (N, num_classes)."""
        expect_images(x, self.in_channels, at_least=4)
        return self.average(self.features(x)).flatten(1)
