"""LeNet-5 as its paper describes it, and as today's tutorials build it.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 1998, section II-B.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checks import expect_images

# Table I of the paper: a row per map of S2, a column per map of C3, X = connected.
C3_TABLE = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
""".split()

# Target codes of the output layer: the ten digits as bitmaps 7 wide and 12 high.
# The paper shows its own in Fig. 3; these are redrawn, so the shapes differ in detail.
DIGIT_BITMAPS = """
..###.. ...#... ..###.. ..###.. ....##. ####### ..###.. ####### ..###.. ..###..
.##.##. ..##... .#...#. .#...#. ....##. #...... .#...#. ......# .#...#. .#...#.
##...## .###... #.....# #.....# ...###. #...... #...... .....## #.....# #.....#
#.....# ...#... ......# ......# ..##.#. #...... #...... .....#. #.....# #.....#
#.....# ...#... ......# .....#. ..#..#. #.###.. #.###.. ....##. .#...#. #.....#
#.....# ...#... .....#. ...##.. .##..#. ##...#. ##...#. ....#.. ..###.. .#...##
#.....# ...#... ....#.. .....#. .#...#. ......# #.....# ...##.. .#...#. ..###.#
#.....# ...#... ...#... ......# ####### ......# #.....# ...#... #.....# ......#
#.....# ...#... ..#.... ......# .....#. ......# #.....# ..##... #.....# ......#
##...## ...#... .#..... #.....# .....#. #.....# #.....# ..#.... #.....# ......#
.##.##. ...#... #...... .#...#. .....#. .#...#. .#...#. ..#.... .#...#. .#...#.
..###.. .#####. ####### ..###.. ....### ..###.. ..###.. ..#.... ..###.. ..###..
"""


def scaled_tanh(a: Tensor) -> Tensor:
    """Return 1.7159 tanh(2a/3), the paper's squashing function (eq. 6)."""
    return 1.7159 * torch.tanh(2 / 3 * a)


def digit_codes() -> Tensor:
    """Return the ten bitmaps as a tensor of shape (10, 84): ink +1, paper -1."""
    rows = [line.split() for line in DIGIT_BITMAPS.split("\n") if line]
    return torch.tensor(
        [
            [1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[digit]]
            for digit in range(10)
        ]
    )


def map_criterion(scores: Tensor, labels: Tensor, j: float = 1.0) -> Tensor:
    """Return the paper's training criterion (eq. 9), averaged over the batch.

    It is cross-entropy with one more class, "none of these", whose score is -j.
    Without it the distances may grow without bounds, as long as the right one grows
    least. The paper does not print its value of j.

    Args:
        scores: The outputs of `LeNet5`, (N, 10): distances with a minus sign.
        labels: The classes, (N,).
    """
    none = scores.new_full((len(scores), 1), -j)
    return F.cross_entropy(torch.cat([scores, none], dim=1), labels)


class SparseConv2d(nn.Module):
    """A convolution whose output maps each read only some of the input maps.

    It holds one kernel for each connected pair, so that its parameters are exactly
    those of the paper: 60 kernels of 5x5 and 16 biases for C3.

    Args:
        table: A string per input map, a character per output map, "X" = connected.
        kernel_size: Side of the square kernels.
    """

    output_map: Tensor  # of each kernel, (60,) for C3
    input_map: Tensor

    def __init__(self, table: list[str], kernel_size: int):
        super().__init__()
        # On the CPU even where the network is built without weights, to be indexed.
        connected = torch.tensor(
            [[mark == "X" for mark in row] for row in table], device="cpu"
        ).T
        output_map, input_map = connected.nonzero(as_tuple=True)
        self.register_buffer("output_map", output_map, persistent=False)
        self.register_buffer("input_map", input_map, persistent=False)
        self.in_channels, self.out_channels = len(table), len(table[0])
        self.weight = nn.Parameter(
            torch.empty(len(output_map), kernel_size, kernel_size)
        )
        self.bias = nn.Parameter(torch.empty(self.out_channels))
        fan_in = connected.sum(dim=1) * kernel_size**2
        _uniform_(self.weight, fan_in[output_map].view(-1, 1, 1))
        _uniform_(self.bias, fan_in)

    def dense_weight(self) -> Tensor:
        """Return the kernels of shape (out, in, k, k), zero where not connected."""
        shape = (self.out_channels, self.in_channels, *self.weight.shape[1:])
        dense = self.weight.new_zeros(shape)
        dense[self.output_map, self.input_map] = self.weight
        return dense

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H-k+1, W-k+1)."""
        return F.conv2d(x, self.dense_weight(), self.bias)

    def connections_and_macs(self, x: Tensor, y: Tensor) -> tuple[int, int]:
        """Count the layer for `cost`: at each position every kernel is used once.

        A unit's bias is a connection, too.
        """
        macs = y.numel() // self.out_channels * self.weight.numel()
        return macs + y.numel(), macs


class Subsampling(nn.Module):
    """Halve a map: add each 2x2 square, times a coefficient, plus a bias.

    Coefficient and bias are trained, one of each a map (paper, section II-B, S2).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.coefficient = nn.Parameter(torch.empty(channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(channels, 1, 1))
        _uniform_(self.coefficient, torch.tensor(4.0))
        _uniform_(self.bias, torch.tensor(4.0))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H/2, W/2)."""
        return self.coefficient * F.avg_pool2d(x, 2, divisor_override=1) + self.bias

    def connections_and_macs(self, x: Tensor, y: Tensor) -> tuple[int, int]:
        """Count the layer for `cost`: a unit reads four inputs and a bias."""
        return y.numel() * (2 * 2 + 1), 0


class EuclideanRBF(nn.Module):
    """Squared distance of the input to a fixed code for each class (paper, eq. 7).

    Args:
        codes: Tensor of shape (classes, features), not trained.
    """

    codes: Tensor

    def __init__(self, codes: Tensor):
        super().__init__()
        self.register_buffer("codes", codes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, features) to (N, classes)."""
        return (x[:, None, :] - self.codes).square().sum(dim=2)

    def connections_and_macs(self, x: Tensor, y: Tensor) -> tuple[int, int]:
        """Count the layer for `cost`: a squared difference per entry of a code."""
        pairs = len(x) * self.codes.numel()
        return pairs, pairs


class LeNet5(nn.Module):
    """LeNet-5 of 1998, exactly: 60,000 parameters and 340,908 connections.

    Args:
        num_classes: 10; the output layer knows the ten digits.
        in_channels: 1 in the paper.

    Raises:
        ValueError: If `num_classes` is not 10.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1):
        super().__init__()
        if num_classes != 10:
            raise ValueError(
                f"lenet5 has codes for 10 digits, not for {num_classes} classes; "
                "use 'lenet5-modern'"
            )
        self.in_channels = in_channels
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = SparseConv2d(C3_TABLE, 5)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = EuclideanRBF(digit_codes())
        self.squash = scaled_tanh
        for layer in (self.c1, self.c5, self.f6):
            fan_in = torch.tensor(layer.weight[0].numel())
            for parameter in layer.parameters():
                _uniform_(parameter, fan_in)

    def distances(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, 32, 32) to the paper's ten penalties, (N, 10)."""
        expect_images(x, self.in_channels, side=32)
        x = self.squash(self.c1(x))  # (N, 6, 28, 28)
        x = self.squash(self.s2(x))  # (N, 6, 14, 14)
        x = self.squash(self.c3(x))  # (N, 16, 10, 10)
        x = self.squash(self.s4(x))  # (N, 16, 5, 5)
        x = self.squash(self.c5(x))  # (N, 120, 1, 1)
        x = self.squash(self.f6(x.flatten(1)))  # (N, 84)
        return self.output(x)  # (N, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores, the higher the likelier: the distances with a minus sign."""
        return -self.distances(x)


class LeNet5Modern(nn.Module):
    """The "LeNet-5" of today's tutorials: 61,706 parameters.

    It differs from the paper in four ways: C3 reads all maps, pooling takes the
    maximum and has nothing to train, ReLU replaces tanh, and a linear layer
    replaces the codes.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1):
        super().__init__()
        self.in_channels = in_channels
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = nn.MaxPool2d(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = nn.MaxPool2d(2)
        # The paper's C5 sees its whole input at once, so this is the same layer.
        self.c5 = nn.Linear(16 * 5 * 5, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, 32, 32) to scores (N, num_classes)."""
        expect_images(x, self.in_channels, side=32)
        # ReLU after pooling gives the same values as before it, at a quarter of
        # the cost: both keep the order of numbers.
        x = F.relu(self.s2(self.c1(x)))  # (N, 6, 14, 14)
        x = F.relu(self.s4(self.c3(x))).flatten(1)  # (N, 400)
        x = F.relu(self.c5(x))  # (N, 120)
        x = F.relu(self.f6(x))  # (N, 84)
        return self.output(x)  # (N, num_classes)


class OneHiddenLayer(nn.Module):
    """No convolution: a control with as many parameters as LeNet-5, 60,040."""

    def __init__(self, num_classes: int = 10, in_channels: int = 1):
        super().__init__()
        self.in_channels = in_channels
        self.hidden = nn.Linear(in_channels * 32 * 32, 58)
        self.output = nn.Linear(58, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, 32, 32) to scores (N, num_classes)."""
        expect_images(x, self.in_channels, side=32)
        return self.output(F.relu(self.hidden(x.flatten(1))))


def _uniform_(parameter: Tensor, fan_in: Tensor) -> None:
    """Draw from U(-2.4/fan_in, 2.4/fan_in), as the paper does (Appendix A)."""
    with torch.no_grad():
        parameter.uniform_(-1, 1).mul_((2.4 / fan_in).to(parameter.device))
