"""The loss around two trained networks of 56 layers, along two random directions.

Li et al. 2018 (arXiv:1712.09913): each filter of a direction gets the length of the
network's own filter; biases and normalisation stay as they are.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from cnnbook import models
from cnnbook.training import weights

from .depth import Depth
from .parts import MissingError, Part, Piece
from .setting import Setting
from .trained import weights_of

NETWORKS = ("plain56-cifar", "resnet56-cifar")
REACH = 1.0  # of each filter's length, to either side
BATCH = 1000


def filter_normalised(direction: Tensor, weight: Tensor) -> Tensor:
    """Give each filter of a direction the length of the network's own filter."""
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    length, own = (t.flatten(1).norm(dim=1) for t in (direction, weight))
    return direction * (own / length).view(-1, *[1] * (weight.ndim - 1))


class Surfaces(Part):
    """Two grids of the loss; a row of one is a piece."""

    name = "surfaces"
    about = "the loss around plain-56 and ResNet-56, two directions"
    seeds = (0,)

    def _points(self, setting: Setting) -> list[float]:
        count = setting.size(41, tiny=3, on_cpu=11)
        return torch.linspace(-REACH, REACH, count).tolist()

    def _images(self, setting: Setting) -> int:
        return min(
            setting.size(5000, tiny=64, on_cpu=1000), len(setting.pack.dataset.train)
        )

    def settings(self, setting: Setting) -> dict:
        """Name the data, the grid, and the images that the loss is a mean over."""
        return {
            "dataset": setting.pack.title,
            "images": self._images(setting),
            "normalisation": "running averages of training",
            "points": [round(point, 6) for point in self._points(setting)],
        }

    def pieces(self, setting: Setting) -> list[Piece]:
        """Return a piece for each row of each network's grid, from the middle out."""
        count = len(self._points(setting))
        return [
            Piece(f"{name}, row {row}", partial(self._row, name, row, setting))
            for row in sorted(range(count), key=lambda row: abs(row - count // 2))
            for name in NETWORKS
        ]

    @torch.no_grad()
    def _row(self, name: str, row: int, setting: Setting, results: dict) -> None:
        network = self._trained(name, setting)
        first, second = _directions(network)
        points, losses = self._points(setting), []
        dataset = setting.pack.dataset.train
        # Spread over all classes, and the same ones for both networks.
        some = dataset[:: max(1, len(dataset) // self._images(setting))]
        some = some[: self._images(setting)].to(setting.device)
        for column in points:
            setting.budget.check()
            moved = {
                key: weight + points[row] * first[key] + column * second[key]
                for key, weight in network.named_parameters()
            }
            losses.append(_loss(network, moved, some.images, some.labels))
        results.setdefault(name, {})[str(row)] = losses

    def _trained(self, name: str, setting: Setting) -> nn.Module:
        file = weights_of(setting, Depth.name, name, self.seeds[0])
        if not file.exists():
            raise MissingError(
                f"it needs the weights of {name}, which the part depth leaves in "
                f"{file.parent}"
            )
        network = models.build(name)
        weights.load(network, file)
        return network.to(setting.device).eval()


def _directions(network: nn.Module) -> list[dict[str, Tensor]]:
    """Draw two directions, the same ones for each row and on every device."""
    generator = torch.Generator().manual_seed(0)
    return [
        {
            key: filter_normalised(
                torch.randn(weight.shape, generator=generator).to(weight.device), weight
            )
            for key, weight in network.named_parameters()
        }
        for _ in range(2)
    ]


def _loss(
    network: nn.Module, weights: dict[str, Tensor], images: Tensor, labels: Tensor
) -> float:
    """Return the mean loss; where it is no number any more, a billion."""
    total = torch.zeros((), device=images.device)
    for part, own in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        scores = functional_call(network, weights, part)
        total += F.cross_entropy(scores, own, reduction="sum")
    return round((total / len(images)).nan_to_num(nan=1e9, posinf=1e9).item(), 5)
