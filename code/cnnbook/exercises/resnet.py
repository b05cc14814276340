"""Chapter 5: the cases that its exercises are checked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from .. import chains
from ._cases import Cases, Wanted, seeded


def count_paths() -> Cases:
    """Three blocks, counted by hand, and sixteen."""
    return [((3, 1), (8, 3, 1.5)), ((16, 8), (65_536, 12_870, 8.0))]


def three_layers() -> Cases:
    """Two chains of sigmoids with shortcuts, by the book's own backpropagation."""
    settings = [(0.7, -1.3, 0.4, 0.8, 0.5), (2.0, 1.0, -3.0, -1.0, 1.0)]
    cases = []
    for *weights, x, t in settings:
        gradient = chains.scalar_chain(weights, "sigmoid", skip=1).gradient(x, t)
        cases.append(((*weights, x, t), gradient[0].item()))
    return cases


def basic_block() -> Cases:
    """Torchvision's block: where the shape stays, with more maps, with a stride."""
    settings = [(64, 64, 1), (64, 128, 2), (32, 48, 1)]
    return [(setting, _TorchvisionsBlock(*setting)) for setting in settings]


class _TorchvisionsBlock(Wanted):
    """A module that computes what torchvision's block does, with the same weights."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        projection = None
        with seeded(0):
            if stride > 1 or in_channels != out_channels:
                projection = nn.Sequential(
                    nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                    nn.BatchNorm2d(out_channels),
                )
            block = BasicBlock(in_channels, out_channels, stride, projection).eval()
            for name, value in block.state_dict().items():
                if "bn" in name or "downsample.1" in name:  # no scale is 1, no shift 0
                    value.copy_(1 + torch.rand(value.shape))
            self.x = torch.randn(2, in_channels, 7, 7)
        self.stride, self.weights = stride, block.state_dict()
        with torch.no_grad():
            self.expected = block(self.x)

    def fits(self, answer: nn.Module) -> bool:
        """Load torchvision's weights into a module, and run both."""
        return not self.found(answer)

    def found(self, answer: nn.Module) -> str:
        """Name what a module does otherwise; nothing if all is well."""
        if wrong := _wrong_names(answer.state_dict(), self.weights):
            return wrong
        answer.load_state_dict(self.weights)
        with torch.no_grad():
            try:
                got = answer.eval()(self.x)
            except Exception as error:  # the cells below shall run all the same
                return f"its forward raised {type(error).__name__}: {error}"
            if self._same(got, self.expected):
                return ""
            for name, output in _mistaken(self.weights, self.x, self.stride).items():
                if self._same(got, output):
                    return name
        if got.shape != self.expected.shape:
            shapes = tuple(got.shape), tuple(self.expected.shape)
            return "the output has shape {} in place of {}".format(*shapes)
        return "the layers have the right shapes, but what they compute differs"

    @staticmethod
    def _same(got: Tensor, output: Tensor) -> bool:
        return got.shape == output.shape and torch.allclose(got, output, atol=1e-4)

    def __repr__(self) -> str:
        """Say what the module should do, for a reader whose own does not."""
        return "a module that computes what torchvision's block does"


def _wrong_names(own: dict[str, Tensor], wanted: dict[str, Tensor]) -> str:
    """Say which of torchvision's weights a module has no place for, or has too many."""
    missing = [name for name in wanted if name not in own]
    if missing and missing[0].startswith("downsample"):
        layer = missing[0].rpartition(".")[0]
        return f"the shape changes, and the shortcut has no projection named {layer}"
    if missing:
        return f"nothing is named {missing[0]}, as in torchvision's block"
    for name, value in own.items():
        if name not in wanted:
            return f"torchvision's block has no {name}"
        if value.shape != wanted[name].shape:
            shapes = tuple(value.shape), tuple(wanted[name].shape)
            return "{} has shape {} in place of {}".format(name, *shapes)
    return ""


def _mistaken(weights: dict[str, Tensor], x: Tensor, stride: int) -> dict[str, Tensor]:
    """Return what a block would give with each of the mistakes that are often made."""

    def conv(name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = weights[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def norm(name: str, x: Tensor) -> Tensor:
        parts = ("running_mean", "running_var", "weight", "bias")
        mean, variance, scale, shift = (weights[f"{name}.{part}"] for part in parts)
        return F.batch_norm(x, mean, variance, scale, shift)

    def branch(first: int, second: int, between: Callable = F.relu) -> Tensor:
        h = between(norm("bn1", conv("conv1", x, first)))
        return norm("bn2", conv("conv2", h, second))

    shortcut = x
    if "downsample.0.weight" in weights:
        shortcut = norm("downsample.1", conv("downsample.0", x, stride))
    right = branch(stride, 1)
    return {
        "the ReLU stands before the sum, and not behind it": F.relu(right) + shortcut,
        "a ReLU stands before the sum as well as behind it": F.relu(
            F.relu(right) + shortcut
        ),
        "no ReLU stands behind the sum": right + shortcut,
        "the shortcut is not added: this is the plain block": F.relu(right),
        "no ReLU stands between the two convolutions": F.relu(
            branch(stride, 1, between=nn.Identity()) + shortcut
        ),
        "the stride stands in the second convolution, and not in the first": F.relu(
            branch(1, stride) + shortcut
        ),
    }


def deadly_weight() -> Cases:
    """Two values of h that are small enough, and one that is too large."""
    return [((0.3,), -1.11644), ((0.2,), -1.04426), ((0.46,), "none")]


def weights_of_blocks() -> Cases:
    """ResNet-50's first stage, and the smallest blocks that there are."""
    return [((64,), (1_179_648, 69_632)), ((1,), (288, 17))]


def stream_size() -> Cases:
    """The plain sum, normalised branches, and a halved shortcut with either."""
    return [
        ((1, 1, 32, False), 2.0**32),
        ((1, 1, 32, True), 33.0),
        ((0.5, 1, 5, False), 1.25**5),
        ((0.5, 1, 5, True), 0.25**5 + (1 - 0.25**5) / 0.75),
    ]


def gradient_factor() -> Cases:
    """Halved and tripled weights, with normalisation and without."""
    return [((0.5, 31, False), 0.5**30), ((0.5, 31, True), 2.0), ((3, 4, False), 27.0)]


def highway_factor() -> Cases:
    """Gates a third open, nearly open and shut, by automatic differentiation."""

    def layer(h: Tensor, w: float, v: float, b: float) -> Tensor:
        gate = torch.sigmoid(v * h + b)
        return gate * torch.tanh(w * h) + (1 - gate) * h

    settings = [(0.5, 1.2, 0.7, -1.0), (-0.8, 2.0, -1.5, 0.3), (0.5, 1.2, 0.7, -20.0)]
    return [((h, w, v, b), _derivative(layer, h, w, v, b)) for h, w, v, b in settings]


def dense_chain() -> Cases:
    """One layer, and four, by automatic differentiation; a layer doubles the paths."""

    def chain(x: Tensor, w: Sequence[Sequence[float]]) -> Tensor:
        h = [x]
        for row in w:
            h.append(torch.tanh((torch.tensor(row).double() * torch.stack(h)).sum()))
        return h[-1]

    w, x = [[0.8], [0.5, -1.2], [0.3, 0.9, 0.4], [-0.6, 0.2, 1.1, 0.7]], 0.7
    cases = []
    for n in (1, 4):
        derivative = _derivative(chain, x, w[:n])
        cases.append(((w[:n], x), torch.tensor([derivative, 2 ** (n - 1)])))
    return cases


def _derivative(function: Callable[..., Tensor], at: float, *others: object) -> float:
    """Return a function's derivative by its first argument, by PyTorch."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    [gradient] = torch.autograd.grad(function(x, *others), x)
    return gradient.item()
