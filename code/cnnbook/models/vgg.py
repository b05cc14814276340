"""VGG: nothing but 3x3 convolutions and 2x2 pooling, from one table.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
recognition", ICLR 2015, arXiv:1409.1556, Table 1.
"""

from __future__ import annotations

from torch import Tensor, nn

from .checks import expect_images
from .init import kaiming_normal

# The columns of Table 1. A number is a 3x3 convolution with so many output maps, with
# ":1" a 1x1 convolution; a bar is 2x2 max-pooling. After the last, three dense layers.
CONFIGURATIONS = {
    "A": "64 | 128 | 256 256 | 512 512 | 512 512 |",
    "B": "64 64 | 128 128 | 256 256 | 512 512 | 512 512 |",
    "C": "64 64 | 128 128 | 256 256 256:1 | 512 512 512:1 | 512 512 512:1 |",
    "D": "64 64 | 128 128 | 256 256 256 | 512 512 512 | 512 512 512 |",
    "E": "64 64 | 128 128 | 256 256 256 256 | 512 512 512 512 | 512 512 512 512 |",
}


# What the paper compares with B (section 4.1): a 5x5 in place of each pair of 3x3.
LARGE_KERNELS = "64:5 | 128:5 | 256:5 | 512:5 | 512:5 |"


def convolutional_part(
    words: str, in_channels: int = 3, *, divide_by: int = 1, batch_norm: bool = False
) -> nn.Sequential:
    """Build the convolutions, ReLUs and poolings that a line of `CONFIGURATIONS` lists.

    Args:
        words: Such a line; a number after a colon is the side of the kernel.
        in_channels: Channels of the input images.
        divide_by: All numbers of maps are divided by it.
        batch_norm: Normalise each convolution's output.
    """
    layers: list[nn.Module] = []
    for word in words.split():
        if word == "|":
            layers.append(nn.MaxPool2d(2))  # halves height and width
            continue
        maps, _, kernel = word.partition(":")
        out_channels, kernel_size = int(maps) // divide_by, int(kernel or 3)
        padding = kernel_size // 2
        layers.append(
            nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding)
        )
        if batch_norm:
            layers.append(nn.BatchNorm2d(out_channels))
        layers.append(nn.ReLU())
        in_channels = out_channels
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """VGG in one of its configurations; D, known as VGG-16, has 138,357,544 parameters.

    Layers bear torchvision's names, so that its weights load unchanged; `paper_names`
    gives the paper's. With 224 pixels the last maps are 7x7, and the adaptive pooling,
    which the paper does not have, changes nothing; for other sizes it makes them so.

    Args:
        configuration: A key of `CONFIGURATIONS`.
        num_classes: Number of classes.
        in_channels: Channels of the input images.
        batch_norm: Normalise each convolution's output; published a year after VGG.
    """

    def __init__(
        self,
        configuration: str,
        num_classes: int = 1000,
        in_channels: int = 3,
        batch_norm: bool = False,
    ):
        super().__init__()
        self.configuration = configuration
        self.in_channels = in_channels
        self.features = convolutional_part(
            CONFIGURATIONS[configuration], in_channels, batch_norm=batch_norm
        )
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, num_classes),
        )
        kaiming_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to scores (N, num_classes)."""
        expect_images(x, self.in_channels, at_least=32)
        x = self.avgpool(self.features(x))  # (N, 512, 7, 7)
        return self.classifier(x.flatten(1))

    def paper_names(self) -> dict[str, str]:
        """Return the paper's name of each convolution, pooling and dense layer.

        The key is the layer's name in this module: "features.0" is "conv1_1".
        """
        names, stage, position = {}, 1, 0
        for index, layer in enumerate(self.features):
            if isinstance(layer, nn.Conv2d):
                position += 1
                names[f"features.{index}"] = f"conv{stage}_{position}"
            elif isinstance(layer, nn.MaxPool2d):
                names[f"features.{index}"] = f"pool{stage}"
                stage, position = stage + 1, 0
        dense = [f"classifier.{index}" for index in (0, 3, 6)]
        return names | dict(zip(dense, ("fc6", "fc7", "fc8"), strict=True))
