"""The reader's residual block: what is right, and which mistake is named."""

import pytest
import torch.nn.functional as F
from torch import nn
from torchvision.models.resnet import BasicBlock

from cnnbook.exercises import check
from cnnbook.exercises import resnet as cases


class Right(BasicBlock):
    """Torchvision's block, whose parts a mistake replaces."""

    def __init__(self, in_channels, out_channels, stride):
        projection = None
        if stride > 1 or in_channels != out_channels:
            projection = self.projection(in_channels, out_channels, stride)
        super().__init__(in_channels, out_channels, stride, projection)

    def projection(self, in_channels, out_channels, stride):
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def past(self, x):
        return x if self.downsample is None else self.downsample(x)

    def through(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))


class ReluFirst(Right):
    def forward(self, x):
        return F.relu(self.through(x)) + self.past(x)


class TwoRelus(Right):
    def forward(self, x):
        return F.relu(F.relu(self.through(x)) + self.past(x))


class NoRelu(Right):
    def forward(self, x):
        return self.through(x) + self.past(x)


class Plain(Right):
    def forward(self, x):
        return F.relu(self.through(x))


class Linear(Right):
    def forward(self, x):
        branch = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        return F.relu(branch + self.past(x))


class LateStride(Right):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__(in_channels, out_channels, stride)
        self.conv1.stride, self.conv2.stride = (1, 1), (stride, stride)


class NoProjection(Right):
    def projection(self, in_channels, out_channels, stride):
        return None


class BareProjection(Right):
    def projection(self, in_channels, out_channels, stride):
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        )


class NoStride(Right):
    def projection(self, in_channels, out_channels, stride):
        return super().projection(in_channels, out_channels, 1)


class WithBias(Right):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__(in_channels, out_channels, stride)
        self.conv1.bias = nn.Parameter(self.bn1.bias.detach().clone())


def _said(block, capsys):
    def basic_block(*setting):
        return block(*setting)

    check(basic_block, cases.basic_block())
    return capsys.readouterr().out


def test_torchvisions_block_is_right(capsys):
    assert _said(Right, capsys) == "basic_block: correct in 3 of 3 cases\n"


@pytest.mark.parametrize(
    ("block", "mistake"),
    [
        (ReluFirst, "the ReLU stands before the sum"),
        (TwoRelus, "a ReLU stands before the sum as well"),
        (NoRelu, "no ReLU stands behind the sum"),
        (Plain, "this is the plain block"),
        (Linear, "no ReLU stands between"),
        (LateStride, "the stride stands in the second convolution"),
        (NoProjection, "the shortcut has no projection named downsample.0"),
        (BareProjection, "the shortcut has no projection named downsample.1"),
        (NoStride, "its forward raised RuntimeError"),
        (WithBias, "torchvision's block has no conv1.bias"),
    ],
)
def test_a_mistake_is_named(block, mistake, capsys):
    assert mistake in _said(block, capsys)
