"""ZFNet: AlexNet with a finer first look.

Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
arXiv:1311.2901, Fig. 3.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from .alexnet import response_norm
from .checks import expect_images
from .init import kaiming_normal


class ZFNet(nn.Module):
    """The network of the paper's Fig. 3: 62,357,608 parameters.

    Its authors looked at what AlexNet's first layers had learned, found dead and
    aliased kernels, and made kernels and stride smaller. All maps are connected, as
    one GPU held them. The paper prints map sizes 110, 55, 26, 13 but no padding: one
    row on each side of the image and pooling that rounds up give these. It names its
    contrast normalisation no further: here it is AlexNet's.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        self.in_channels = in_channels
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(in_channels, 96, 7, stride=2, padding=1),
                relu1=nn.ReLU(),  # (N, 96, 110, 110)
                pool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (N, 96, 55, 55)
                norm1=response_norm(),
                conv2=nn.Conv2d(96, 256, 5, stride=2),  # (N, 256, 26, 26)
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (N, 256, 13, 13)
                norm2=response_norm(),
                conv3=nn.Conv2d(256, 384, 3, padding=1),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1),
                relu5=nn.ReLU(),
                pool5=nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                fc6=nn.Linear(256 * 6 * 6, 4096),
                relu6=nn.ReLU(),
                drop6=nn.Dropout(0.5),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(),
                drop7=nn.Dropout(0.5),
                fc8=nn.Linear(4096, num_classes),
            )
        )
        kaiming_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, 224, 224) to scores (N, num_classes)."""
        expect_images(x, self.in_channels, side=224)
        x = self.features(x)  # (N, 256, 6, 6)
        return self.classifier(x.flatten(1))
