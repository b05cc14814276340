"""Chapter 4: the cases that its exercises are checked on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from torch import nn

from .. import cost, models
from ._cases import Cases, Computes, Wanted, seeded

# The chapter's own function: a network, the size of an image, a batch -> bytes.
SavedBytes = Callable[[nn.Module, tuple[int, int, int], int], int]


def dense_parameters() -> Cases:
    """VGG-16's fc6, and the first dense layer of a small network."""
    return [((512, 7, 7, 4096), 102_764_544), ((64, 4, 4, 256), 262_400)]


def largest_useful_rank() -> Cases:
    """Matrices of dense layers, and one where the bound itself would save nothing."""
    return [((256, 1024), 204), ((4096, 25088), 3521), ((10, 10), 4)]


def block_bytes(saved_bytes: SavedBytes) -> Cases:
    """Blocks whose kept bytes the chapter's hooks measure."""

    def measured(in_channels: int, channels: int, side: int) -> int:
        with torch.device("meta"):
            network = nn.Sequential(
                nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
            )
        image_bytes = _image_bytes(saved_bytes, network, (in_channels, side, side))
        return image_bytes - 4 * channels - 8  # the loss keeps scores and the label

    return [(size, measured(*size)) for size in [(3, 64, 32), (16, 16, 56), (4, 8, 7)]]


def sparse_bytes() -> Cases:
    """Matrices with ones in front, stored in SciPy's CSR."""

    def stored(m: int, n: int, left: int) -> int:
        matrix = torch.zeros(m * n)
        matrix[:left] = 1
        csr = csr_matrix(matrix.view(m, n).numpy())
        return csr.data.nbytes + csr.indices.nbytes + csr.indptr.nbytes

    return [(size, stored(*size)) for size in [(256, 1024, 1311), (64, 10, 320)]]


@seeded(0)
def as_dense() -> Cases:
    """A random head, and what it makes of each position alone: a column of weights."""
    weight, side = torch.randn(10, 64), 4
    positions = torch.eye(64 * side**2).view(-1, 64, side, side)
    return [((weight, side), weight @ positions.mean(dim=(2, 3)).T)]


def saved_by_average() -> Cases:
    """ZFNet, built and counted."""
    counted = cost.layer_table(models.build("zfnet", device="meta"), (3, 224, 224))
    head = counted[counted.kind == "Linear"].parameters.sum()
    average = 256 * 1000 + 1000
    return [((), float((head - average) / counted.parameters.sum()))]


def vgg11_at_512(saved_bytes: SavedBytes) -> Cases:
    """The network, built and counted; what an image keeps is measured on it."""
    with torch.device("meta"):
        network = nn.Sequential(
            models.build("vgg11").get_submodule("features"),
            nn.Flatten(),
            nn.Linear(512 * 16 * 16, 4096),
            nn.ReLU(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, 1000),
        )
    image_bytes = _image_bytes(saved_bytes, network, (3, 512, 512))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    # Four floats for a parameter: itself, its gradient, and the two that Adam keeps.
    free = 24 * 2**30 - 4 * 4 * parameters
    return [((image_bytes,), (parameters, free // image_bytes))]


def map_of_scores(reader: nn.Module, vgg: nn.Module) -> Cases:
    """A strip of digits and photographs, read by the chapter's two networks.

    The last image is no whole number of steps larger than the window.
    """
    settings = [(reader, (1, 64, 160), (32, 4))]
    for height, width in [(224, 224), (384, 512), (480, 640), (250, 650)]:
        settings.append((vgg, (3, height, width), (224, 32)))
    return [
        (
            (*size[1:], *window_and_step),
            cost.layer_table(network, size).output_shape.iloc[-1][1:],
        )
        for network, size, window_and_step in settings
    ]


@seeded(0)
def spatial_pyramid() -> Cases:
    """Random maps of two sizes, and grids of a few sides."""
    cases: Cases = []
    for sides, shape in [((4, 2, 1), (2, 3, 13, 13)), ((3, 1), (1, 5, 7, 10))]:
        maps = torch.randn(shape)
        grids = [F.adaptive_max_pool2d(maps, side).flatten(1) for side in sides]
        cases.append(((sides,), Computes(maps, torch.cat(grids, dim=1))))
    return cases


def corrected() -> Cases:
    """VGG-16 with Adam, and a small network with plain SGD."""
    settings = [
        (138_357_544, 2, 16, 15_237_608, 1_530_368),
        (60_000, 0, 64, 12_000, 1_500),
    ]
    return [
        ((p, k, n, a, m), 4 * p * (2 + k) + n * (4 * a + 8 * m))
        for p, k, n, a, m in settings
    ]


def stays_below() -> Cases:
    """Short curves, one that rises again and one that never comes down."""
    return [
        (([[30, 12, 8, 9], [20, 6, 9, 7]], 10), 2),
        (([[30, 9, 20, 9]], 10), 4),
        (([[30, 20]], 10), 0),
    ]


class Head(Wanted):
    """What exercise 12 asks of a module."""

    def __init__(self, budget: int):
        self.budget = budget

    def fits(self, answer: nn.Module) -> bool:
        """Count a module's parameters, and shuffle the positions of its input."""
        shape, parameters, knows = self._tried(answer)
        return shape == (4, 10) and parameters <= self.budget and knows

    def found(self, answer: Any) -> str:
        """Count and try a module."""
        if not isinstance(answer, nn.Module):
            return ""
        shape, parameters, knows = self._tried(answer)
        place = "knows" if knows else "does not know"
        return f"to {shape} from 4 images, {parameters:,} parameters, {place} where"

    @staticmethod
    def _tried(answer: nn.Module) -> tuple[tuple[int, ...], int, bool]:
        """Return shape of the scores, parameters, whether shuffling changes a score."""
        with seeded(0), torch.no_grad():
            maps = torch.randn(4, 64, 4, 4)
            shuffled = maps.flatten(2)[..., torch.randperm(16)].view_as(maps)
            scores, moved = (answer.eval()(x) for x in (maps, shuffled))
        parameters = sum(parameter.numel() for parameter in answer.parameters())
        knows = not torch.allclose(scores, moved, atol=1e-3)
        return tuple(scores.shape), parameters, knows

    def __repr__(self) -> str:
        """Say what the module should be, for a reader whose own is not."""
        return (
            "a module from (N, 64, 4, 4) to (N, 10) that has at most "
            f"{self.budget:,} parameters and knows where a feature was"
        )


def small_head() -> Cases:
    """A budget, which a depthwise kernel of the map's size keeps."""
    return [((), Head(3000))]


def _image_bytes(
    saved_bytes: SavedBytes, network: nn.Module, size: tuple[int, int, int]
) -> int:
    """Return what one image more makes a network keep; two are the fewest it can."""
    two, four = (saved_bytes(network, size, batch) for batch in (2, 4))
    return (four - two) // 2
