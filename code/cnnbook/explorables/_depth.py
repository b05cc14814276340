"""The networks of the depth machine, in PyTorch: for its picture, and to test it.

They are small enough to be computed in a page: `WIDTH` units a layer, `POINTS` points
that are always the same, one layer in each branch. All is done in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH, POINTS, INPUTS = 32, 24, 3
MODULUS, MULTIPLIER, START = 2**31 - 1, 48271, 104729  # of Lehmer's generator
# Falls in loss that a step promises, as shares of the loss.
PROMISES = [10 ** (k / 2 - 6) for k in range(13)]


@dataclass(frozen=True)
class Setting:
    """What a reader of the depth machine sets.

    Attributes:
        layers: Each is a branch of one linear map, with a shortcut or without.
        gain: The first weights are He's, times this.
        shortcut: What the shortcut is multiplied by; the plain network has 0.
        order: ``pre`` is ``h' = shortcut * h + W relu(h)``, pre-activation, ``post`` is
            ``h' = relu(shortcut * h + W h)``.
        norm: Whether a batch normalisation stands before the ReLU of each branch, over
            all points; in ``post``, behind the weights.
        zero: Whether the gain at the end of each branch begins at 0, not at 1.
        seed: Of the first weights.
    """

    layers: int = 50
    gain: float = 1.0
    shortcut: float = 1.0
    order: str = "pre"
    norm: bool = False
    zero: bool = False
    seed: int = 1

    @property
    def plain(self) -> Setting:
        """The same without shortcuts: from the same seed, the same weights."""
        return Setting(**self.__dict__ | {"shortcut": 0.0})


def points() -> tuple[Tensor, Tensor]:
    """Return two arms of a spiral, with a 1 for a bias, and the labels 1 and -1."""
    number = torch.arange(POINTS)
    way = (number // 2 + 1).double() / (POINTS / 2)
    labels = (1 - 2 * (number % 2)).double()
    radius, angle = labels * 2.4 * way, 2.5 * math.pi * way
    coordinates = radius * angle.cos(), radius * angle.sin(), torch.ones_like(way)
    return torch.stack(coordinates, dim=1), labels


class Network(nn.Module):
    """A network of the depth machine, with its first weights.

    They are uniform, as PyTorch's He initialisation is, and come from a generator whose
    numbers JavaScript makes too.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self._state = setting.seed * START % MODULUS
        inside = (WIDTH, WIDTH)
        self.stem = self._drawn((INPUTS, WIDTH), 1 / INPUTS)
        self.head = self._drawn((WIDTH,), 2 / WIDTH)
        self.weights = nn.ParameterList(
            self._drawn(inside, 2 * setting.gain**2 / WIDTH)
            for _ in range(setting.layers)
        )
        first = 0.0 if setting.zero else 1.0
        self.gains = nn.Parameter(torch.full((setting.layers,), first).double())

    def _drawn(self, shape: tuple[int, ...], variance: float) -> nn.Parameter:
        numbers = []
        for _ in range(math.prod(shape)):
            self._state = MULTIPLIER * self._state % MODULUS
            numbers.append(2 * self._state / MODULUS - 1)
        drawn = torch.tensor(numbers, dtype=torch.float64).view(shape)
        return nn.Parameter(math.sqrt(3 * variance) * drawn)

    def branch(self, k: int, h: Tensor) -> Tensor:
        """Return what the branch of layer ``k``, counted from 0, makes of a map."""
        if self.setting.order == "pre":
            return self.gains[k] * (self._normalised(h).relu() @ self.weights[k])
        return self.gains[k] * self._normalised(h @ self.weights[k])

    def _normalised(self, h: Tensor) -> Tensor:
        return F.batch_norm(h, None, None, training=True) if self.setting.norm else h

    def maps(self, inputs: Tensor) -> list[Tensor]:
        """Return the map before the first layer and behind each: (points, units)."""
        found = [inputs @ self.stem]
        for k in range(self.setting.layers):
            h = self.setting.shortcut * found[-1] + self.branch(k, found[-1])
            found.append(h.relu() if self.setting.order == "post" else h)
        return found

    def loss_from(self, h: Tensor, labels: Tensor) -> Tensor:
        """Return the mean of log(1 + exp(-label * score)), from the last map."""
        if self.setting.order == "pre":
            h = self._normalised(h).relu()
        return F.softplus(-labels * (h @ self.head)).mean()


@dataclass(frozen=True)
class Measured:
    """What the depth machine shows of a network: root mean squares by map, and more.

    Attributes:
        gradients: By the weights, stem, head, gains, and each layer's.
        last: The gradient by the last map.
    """

    loss: float
    signal: list[float]
    sizes: list[float]
    gradients: tuple[Tensor, ...]
    maps: list[Tensor]
    last: Tensor
    first: Tensor


def measure(network: Network) -> Measured:
    """Send all points forward and the gradient back, by autograd."""
    inputs, labels = points()
    maps = network.maps(inputs)
    loss = network.loss_from(maps[-1], labels)
    parameters = list(network.parameters())
    by_map = torch.autograd.grad(loss, maps, retain_graph=True)
    gradients = torch.autograd.grad(loss, parameters)
    return Measured(
        loss.item(),
        [_rms(h) for h in maps],
        [_rms(gradient) for gradient in by_map],
        gradients,
        [h.detach() for h in maps],
        last=by_map[-1],
        first=by_map[0],
    )


def path_shares(network: Network, measured: Measured) -> list[float]:
    """Return how much of the gradient at the first map comes by paths of each length.

    The gradient is a sum over paths, each of which leads past the branch of a layer or
    through it. All those of one length are added, and projected on the whole; so the
    shares are additive, and their sum is 1.
    """
    setting, terms = network.setting, measured.last[None]  # a gradient for each length
    for k in reversed(range(setting.layers)):
        if setting.order == "post":
            terms = terms * (measured.maps[k + 1] > 0)
        through = torch.func.vmap(_back(network, k, measured.maps[k]))(terms)
        none = torch.zeros_like(terms[:1])
        terms = torch.cat([setting.shortcut * terms, none]) + torch.cat([none, through])
    return (
        (terms * measured.first).sum((1, 2)) / measured.first.square().sum()
    ).tolist()


def _back(network: Network, k: int, h: Tensor) -> Callable[[Tensor], Tensor]:
    """Return what leads a gradient back through the branch of layer ``k``."""
    back = torch.func.vjp(lambda h: network.branch(k, h), h)[1]
    return lambda gradient: back(gradient)[0].detach()


@torch.no_grad()
def kept_promises(network: Network, measured: Measured) -> list[float]:
    """Return the part of each promised fall in loss that a step delivers.

    The weights are moved against the gradient, all by the same rate, so far that the
    loss would fall by a share `PROMISES` of itself if it were linear.
    """
    inputs, labels = points()
    square = sum(gradient.square().sum().item() for gradient in measured.gradients)
    start = [weight.clone() for weight in network.parameters()]
    kept = []
    for share in PROMISES:
        _step(network, start, measured.gradients, share * measured.loss / square)
        moved = network.loss_from(network.maps(inputs)[-1], labels).item()
        kept.append((measured.loss - moved) / (share * measured.loss))
    _step(network, start, measured.gradients, 0)
    return kept


def train(network: Network, rate: float, steps: int) -> list[float]:
    """Return the loss before each step of gradient descent, and after the last."""
    losses = []
    for _ in range(steps + 1):
        measured = measure(network)
        losses.append(measured.loss)
        with torch.no_grad():
            start = [weight.clone() for weight in network.parameters()]
            _step(network, start, measured.gradients, rate)
    return losses


def _step(
    network: Network, start: list[Tensor], gradients: tuple[Tensor, ...], rate: float
) -> None:
    for weight, first, gradient in zip(
        network.parameters(), start, gradients, strict=True
    ):
        weight.copy_(first - rate * gradient)


def _rms(values: Tensor) -> float:
    return values.square().mean().sqrt().item()
