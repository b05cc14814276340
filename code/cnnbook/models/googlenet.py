"""GoogLeNet: many widths side by side, made cheap by 1x1 convolutions.

Szegedy et al., "Going deeper with convolutions", CVPR 2015, arXiv:1409.4842, Table 1
and Fig. 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .alexnet import response_norm
from .checks import expect_images
from .init import kaiming_normal

# Table 1: maps of 1x1 | 3x3 reduced, 3x3 | 5x5 reduced, 5x5 | after pooling.
INCEPTIONS = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}

# What returns a convolution: (in, out, kernel_size, stride=1, padding=0).
Convolution = Callable[..., nn.Module]


class NormalisedConv(nn.Module):
    """Convolution without bias, batch normalisation, ReLU: what torchvision uses."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H', W')."""
        return F.relu(self.bn(self.conv(x)))


class BiasedConv(nn.Module):
    """Convolution with bias, ReLU: the paper's, older than batch normalisation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H', W')."""
        return F.relu(self.conv(x))


class Inception(nn.Module):
    """Four branches over the same input, their maps stacked (paper, Fig. 2b).

    Args:
        in_channels: Maps of the input.
        widths: A row of `INCEPTIONS`.
        conv: Kind of convolution.
        largest: Kernel size of the third branch: 5 in the paper.
    """

    def __init__(
        self, in_channels: int, widths: tuple, conv: Convolution, largest: int
    ):
        super().__init__()
        one, (reduce3, three), (reduce5, five), pooled = widths
        self.out_channels = one + three + five + pooled
        self.branch1 = conv(in_channels, one, 1)
        self.branch2 = nn.Sequential(
            conv(in_channels, reduce3, 1), conv(reduce3, three, 3, padding=1)
        )
        self.branch3 = nn.Sequential(
            conv(in_channels, reduce5, 1),
            conv(reduce5, five, largest, padding=largest // 2),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), conv(in_channels, pooled, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], dim=1)


class AuxiliaryHead(nn.Module):
    """A classifier on middle layers, for training only (paper, section 5)."""

    def __init__(self, in_channels: int, num_classes: int, conv: Convolution):
        super().__init__()
        self.conv = conv(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(0.7)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, 14, 14) to scores (N, num_classes)."""
        x = self.conv(F.adaptive_avg_pool2d(x, 4))  # (N, 128, 4, 4)
        return self.fc2(self.dropout(F.relu(self.fc1(x.flatten(1)))))


class GoogLeNet(nn.Module):
    """GoogLeNet as torchvision ships it (6,624,904 parameters) or as printed.

    torchvision adds batch normalisation, leaves out the response normalisation, and
    its "5x5" branch has 3x3 kernels, a mistake kept since weights were trained with
    it. `as_printed` undoes all three: 6,998,552 parameters.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the input images.
        as_printed: Build the paper's network rather than torchvision's.
        auxiliary_heads: Add the two extra classifiers that training used; see
            `all_scores`. `forward` never runs them.
    """

    inception3a: Inception  # these nine by the table `INCEPTIONS`
    inception3b: Inception
    inception4a: Inception
    inception4b: Inception
    inception4c: Inception
    inception4d: Inception
    inception4e: Inception
    inception5a: Inception
    inception5b: Inception
    aux1: AuxiliaryHead | None
    aux2: AuxiliaryHead | None

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        as_printed: bool = False,
        auxiliary_heads: bool = False,
    ):
        super().__init__()
        self.in_channels = in_channels
        conv = BiasedConv if as_printed else NormalisedConv
        self.conv1 = conv(in_channels, 64, 7, stride=2, padding=3)  # (N, 64, 112, 112)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.norm1 = response_norm() if as_printed else nn.Identity()
        self.conv2 = conv(64, 64, 1)  # (N, 64, 56, 56)
        self.conv3 = conv(64, 192, 3, padding=1)
        self.norm2 = response_norm() if as_printed else nn.Identity()
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        channels = 192  # (N, 192, 28, 28)
        for name, widths in INCEPTIONS.items():
            block = Inception(channels, widths, conv, largest=5 if as_printed else 3)
            self.add_module(f"inception{name}", block)
            channels = block.out_channels
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.smallest = 31 if as_printed else 15
        self.maxpool4 = nn.MaxPool2d(3 if as_printed else 2, stride=2, ceil_mode=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.4 if as_printed else 0.2)
        self.fc = nn.Linear(channels, num_classes)
        self.aux1 = self.aux2 = None
        if auxiliary_heads:
            self.aux1 = AuxiliaryHead(512, num_classes, conv)
            self.aux2 = AuxiliaryHead(528, num_classes, conv)
        kaiming_normal(self)
        self.register_load_state_dict_pre_hook(_drop_unused_heads)

    def _maps(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps that the first, the second and the main head read."""
        expect_images(x, self.in_channels, at_least=self.smallest)
        x = self.norm1(self.maxpool1(self.conv1(x)))  # (N, 64, 56, 56)
        x = self.maxpool2(self.norm2(self.conv3(self.conv2(x))))  # (N, 192, 28, 28)
        x = self.maxpool3(self.inception3b(self.inception3a(x)))  # (N, 480, 14, 14)
        first = x = self.inception4a(x)  # (N, 512, 14, 14)
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        second = x  # (N, 528, 14, 14)
        x = self.maxpool4(self.inception4e(x))  # (N, 832, 7, 7)
        return first, second, self.inception5b(self.inception5a(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W), shapes above for 224, to (N, num_classes)."""
        x = self.avgpool(self._maps(x)[-1])  # (N, 1024, 1, 1)
        return self.fc(self.dropout(x.flatten(1)))

    def all_scores(self, x: Tensor) -> list[Tensor]:
        """Return the scores of the main head, then of both auxiliary heads.

        In training the paper adds 0.3 times each auxiliary loss to the main one.

        Raises:
            ValueError: If the network was built without auxiliary heads.
        """
        if self.aux1 is None or self.aux2 is None:
            raise ValueError(
                "this network has one head; build it with auxiliary_heads=True"
            )
        first, second, last = self._maps(x)
        main = self.fc(self.dropout(self.avgpool(last).flatten(1)))
        return [main, self.aux1(first), self.aux2(second)]


def _drop_unused_heads(
    network: GoogLeNet, state: dict, prefix: str, *_: object
) -> None:
    """Let a network without auxiliary heads load torchvision's file, which has them."""
    if network.aux1 is None:
        for key in [
            k for k in state if k.startswith((f"{prefix}aux1.", f"{prefix}aux2."))
        ]:
            del state[key]
