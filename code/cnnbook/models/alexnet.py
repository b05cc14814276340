"""AlexNet of 2012, and the single-column variant that torchvision ships.

Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional
neural networks", NIPS 2012, section 3; Krizhevsky, "One weird trick for parallelizing
convolutional neural networks", 2014, arXiv:1404.5997.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from .checks import expect_images
from .init import kaiming_normal


def response_norm() -> nn.LocalResponseNorm:
    """Return the paper's normalisation across n = 5 neighbouring maps (section 3.3).

    The paper multiplies the sum of squares by alpha = 1e-4, PyTorch the mean of
    squares: n · alpha gives the same.
    """
    return nn.LocalResponseNorm(size=5, alpha=5 * 1e-4, beta=0.75, k=2.0)


class AlexNet(nn.Module):
    """AlexNet as the paper describes it: 60,965,224 parameters.

    It was trained on two GPUs, half of the maps on each. Second, fourth and fifth
    convolution read only the maps of their own GPU: two groups.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the input images.
        groups: 2 as in the paper; 1 connects all maps, as many texts draw it.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, groups: int = 2):
        super().__init__()
        self.in_channels = in_channels
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(in_channels, 96, 11, stride=4),  # (N, 96, 55, 55)
                relu1=nn.ReLU(),
                norm1=response_norm(),
                pool1=nn.MaxPool2d(3, stride=2),  # (N, 96, 27, 27)
                conv2=nn.Conv2d(96, 256, 5, padding=2, groups=groups),
                relu2=nn.ReLU(),
                norm2=response_norm(),
                pool2=nn.MaxPool2d(3, stride=2),  # (N, 256, 13, 13)
                conv3=nn.Conv2d(256, 384, 3, padding=1),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1, groups=groups),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1, groups=groups),
                relu5=nn.ReLU(),
                pool5=nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                drop6=nn.Dropout(0.5),
                fc6=nn.Linear(256 * 6 * 6, 4096),
                relu6=nn.ReLU(),
                drop7=nn.Dropout(0.5),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(),
                fc8=nn.Linear(4096, num_classes),
            )
        )
        self._draw_as_in_the_paper()

    def _draw_as_in_the_paper(self) -> None:
        """Draw weights from N(0, 0.01²), biases 0 or 1 (paper, section 5).

        The ones give ReLU a positive input at the start, so that it learns.
        """
        features, classifier = self.features, self.classifier
        ones = {features.conv2, features.conv4, features.conv5}
        ones |= {classifier.fc6, classifier.fc7}
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                if layer.bias is not None:
                    nn.init.constant_(layer.bias, float(layer in ones))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, 227, 227) to scores (N, num_classes).

        The paper says 224, but an 11x11 kernel at stride 4 without padding gives
        its 55 positions only on 227 pixels.
        """
        expect_images(x, self.in_channels, side=227)
        x = self.features(x)  # (N, 256, 6, 6)
        return self.classifier(x.flatten(1))


class AlexNetOneColumn(nn.Module):
    """AlexNet "of the weird trick", torchvision's `alexnet`: 61,100,840 parameters.

    Against the paper of 2012: one column of fewer maps (64, 192, 384, 256, 256), no
    groups, no response normalisation, padding in the first layer, and adaptive
    pooling before the classifier, so that it takes images of any size from 63.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        self.in_channels = in_channels
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 11, stride=4, padding=2),  # (N, 64, 55, 55)
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 64, 27, 27)
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 192, 13, 13)
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, num_classes),
        )
        kaiming_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W), shapes above for 224, to (N, num_classes)."""
        expect_images(x, self.in_channels, at_least=63)
        x = self.avgpool(self.features(x))  # (N, 256, 6, 6)
        return self.classifier(x.flatten(1))
