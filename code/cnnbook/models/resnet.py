"""ResNets and their plain twins, every one from a row of one table.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016,
arXiv:1512.03385, Tables 1 and 6; the same authors, "Identity mappings in deep residual
networks", ECCV 2016, arXiv:1603.05027, for pre-activation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .checks import expect_images
from .init import kaiming_normal


@dataclass(frozen=True)
class Design:
    """What tells one ResNet from another.

    Attributes:
        block: The kind of block: `BasicBlock`, `Bottleneck` or `PreactivationBlock`.
        depths: Number of blocks in each stage. A stage after the first begins by
            halving height and width.
        widths: Maps of the 3x3 convolutions in each stage.
        stem: What precedes the stages: "imagenet" (7x7 at stride 2, then pooling),
            "cifar" (3x3), or "deep" (three 3x3, then pooling).
        shortcut: What carries the input past a block whose output has another shape:
            "A" every second pixel with zeros for the new maps, "B" a projection, "C"
            a projection past every block. None: no shortcut at all, the plain network.
        projection: Kernel size of a projection after the first stage.
        stride_in: Where a bottleneck halves: in its "1x1", as in the paper, or in its
            "3x3", as torchvision does.
        norm: Makes the normalisation of so many maps; `nn.Identity` for none.
        zero_last: Start each branch's last normalisation at zero, so that each block
            starts as its shortcut (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
        dropout: Share of features dropped before the last layer.
        stem_width: Maps of a "cifar" stem; those of the first stage if None.
    """

    block: type[Block]
    depths: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    stem: str = "imagenet"
    shortcut: str | None = "B"
    projection: int = 1
    stride_in: str = "3x3"
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d
    zero_last: bool = False
    dropout: float = 0.0
    stem_width: int | None = None


def conv(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Conv2d:
    """Return a padded convolution without bias, since normalisation follows."""
    return nn.Conv2d(
        in_channels, out_channels, size, stride, padding=size // 2, bias=False
    )


class Block(nn.Module):
    """relu(branch(x) + shortcut(x)), or relu(branch(x)) in a plain network.

    `downsample` is torchvision's name for the shortcut.
    """

    expansion = 1  # output maps for each map of the 3x3 convolution
    last_norm = "bn2"  # the branch's last normalisation
    relu: nn.Module
    downsample: nn.Module | None

    def branch(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to what the block adds to its shortcut."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, expansion · width, H/stride, W/stride)."""
        y = self.branch(x)
        if self.downsample is not None:
            y = y + self.downsample(x)
        return self.relu(y)


class BasicBlock(Block):
    """Two 3x3 convolutions (paper, Fig. 5 left)."""

    def __init__(self, design: Design, in_channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = conv(in_channels, width, 3, stride)
        self.bn1 = design.norm(width)
        self.relu = nn.ReLU()
        self.conv2 = conv(width, width, 3)
        self.bn2 = design.norm(width)
        self.downsample = make_shortcut(design, in_channels, width, stride)

    def branch(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, width, H/stride, W/stride)."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))


class Bottleneck(Block):
    """1x1 to fewer maps, 3x3 on these, 1x1 to four times as many (Fig. 5 right)."""

    expansion = 4
    last_norm = "bn3"

    def __init__(self, design: Design, in_channels: int, width: int, stride: int):
        super().__init__()
        first, second = (stride, 1) if design.stride_in == "1x1" else (1, stride)
        self.conv1 = conv(in_channels, width, 1, first)
        self.bn1 = design.norm(width)
        self.conv2 = conv(width, width, 3, second)
        self.bn2 = design.norm(width)
        self.conv3 = conv(width, 4 * width, 1)
        self.bn3 = design.norm(4 * width)
        self.relu = nn.ReLU()
        self.downsample = make_shortcut(design, in_channels, 4 * width, stride)

    def branch(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 4 · width, H/stride, W/stride)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


class PreactivationBlock(Block):
    """branch(x) + shortcut(x): nothing but sums on the main path (2016, Fig. 1b)."""

    def __init__(self, design: Design, in_channels: int, width: int, stride: int):
        super().__init__()
        self.bn1 = design.norm(in_channels)
        self.relu = nn.ReLU()
        self.conv1 = conv(in_channels, width, 3, stride)
        self.bn2 = design.norm(width)
        self.conv2 = conv(width, width, 3)
        self.downsample = make_shortcut(design, in_channels, width, stride)

    def branch(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, width, H/stride, W/stride)."""
        x = self.conv1(self.relu(self.bn1(x)))
        return self.conv2(self.relu(self.bn2(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, width, H/stride, W/stride)."""
        y = self.branch(x)
        return y if self.downsample is None else y + self.downsample(x)


class StridedIdentity(nn.Module):
    """Shortcut A: every `stride`-th pixel, and zeros for the maps that are new."""

    def __init__(self, new_channels: int, stride: int):
        super().__init__()
        self.new_channels, self.stride = new_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C + new_channels, H/stride, W/stride)."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels))


def make_shortcut(
    design: Design, in_channels: int, out_channels: int, stride: int
) -> nn.Module | None:
    """Return what carries a block's input to its output; None in a plain network."""
    same_shape = stride == 1 and in_channels == out_channels
    if design.shortcut is None:
        return None
    if same_shape and design.shortcut != "C":
        return nn.Identity()
    if design.shortcut == "A":
        return StridedIdentity(out_channels - in_channels, stride)
    size = design.projection if stride > 1 else 1
    project = conv(in_channels, out_channels, size, stride)
    return nn.Sequential(project, design.norm(out_channels))


def cifar(
    depth: int, block: type[Block] = BasicBlock, shortcut: str | None = "A"
) -> Design:
    """Return the CIFAR-10 network of `depth` = 6n + 2 layers (2015, section 4.2)."""
    n = (depth - 2) // 6
    return Design(block, (n, n, n), (16, 32, 64), "cifar", shortcut)


DESIGNS = {
    "resnet18": Design(BasicBlock, (2, 2, 2, 2)),
    "resnet34": Design(BasicBlock, (3, 4, 6, 3)),
    "resnet50": Design(Bottleneck, (3, 4, 6, 3)),
    "resnet101": Design(Bottleneck, (3, 4, 23, 3)),
    "resnet152": Design(Bottleneck, (3, 8, 36, 3)),
    "plain18": Design(BasicBlock, (2, 2, 2, 2), shortcut=None),
    "plain34": Design(BasicBlock, (3, 4, 6, 3), shortcut=None),
    **{f"resnet{n}-cifar": cifar(n) for n in (20, 32, 44, 56, 110, 1202)},
    **{f"plain{n}-cifar": cifar(n, shortcut=None) for n in (20, 32, 44, 56, 110)},
    **{f"preact-resnet{n}-cifar": cifar(n, PreactivationBlock) for n in (20, 56, 110)},
}


class ResNet(nn.Module):
    """A stem, stages of blocks, global average pooling, one linear layer.

    Layers bear torchvision's names, so that its weights load unchanged.

    Args:
        design: A row of `DESIGNS`, or a change of one by `dataclasses.replace`.
        num_classes: Number of classes; as many as the paper's data set has if None.
        in_channels: Channels of the input images.
    """

    conv1: nn.Module  # a convolution, or three
    maxpool: nn.Module
    last: nn.Module

    def __init__(
        self, design: Design, num_classes: int | None = None, in_channels: int = 3
    ):
        super().__init__()
        if num_classes is None:
            num_classes = 10 if design.stem == "cifar" else 1000
        self.in_channels = in_channels
        channels = self._add_stem(design)
        self.stages = []  # names of the stages, in their order
        for index, (depth, width) in enumerate(
            zip(design.depths, design.widths, strict=True)
        ):
            blocks = []
            for position in range(depth):
                stride = 2 if index > 0 and position == 0 else 1
                blocks.append(design.block(design, channels, width, stride))
                channels = design.block.expansion * width
            self.stages.append(f"layer{index + 1}")
            self.add_module(self.stages[-1], nn.Sequential(*blocks))
        self.last = nn.Identity()
        if design.block is PreactivationBlock:
            # What precedes the first block is normalised and rectified already; what
            # leaves the last is not yet (2016, section 3).
            self.get_submodule("layer1.0").bn1 = nn.Identity()
            self.last = nn.Sequential(design.norm(channels), nn.ReLU())
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(design.dropout) if design.dropout else nn.Identity()
        self.fc = nn.Linear(channels, num_classes)
        kaiming_normal(self)
        if design.zero_last:
            for module in self.modules():
                if isinstance(module, Block):
                    nn.init.zeros_(getattr(module, module.last_norm).weight)

    def _add_stem(self, design: Design) -> int:
        """Add the layers before the first stage; return how many maps they give."""
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        if design.stem == "imagenet":
            channels = 64
            self.conv1 = conv(self.in_channels, channels, 7, stride=2)
        elif design.stem == "deep":
            channels = 128
            self.conv1 = nn.Sequential(
                conv(self.in_channels, 64, 3, stride=2),
                design.norm(64),
                nn.ReLU(),
                conv(64, 64, 3),
                design.norm(64),
                nn.ReLU(),
                conv(64, channels, 3),
            )
        else:
            channels = design.stem_width or design.widths[0]
            self.conv1 = conv(self.in_channels, channels, 3)
            self.maxpool = nn.Identity()
        self.bn1 = design.norm(channels)
        return channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to scores (N, num_classes)."""
        expect_images(x, self.in_channels)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in self.stages:
            x = getattr(self, stage)(x)  # the first keeps (H, W), the others halve it
        x = self.avgpool(self.last(x)).flatten(1)
        return self.fc(self.dropout(x))
