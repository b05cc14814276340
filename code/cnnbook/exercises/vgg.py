"""Chapter 3: the cases that its exercises are checked on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import nn

from .. import cost, receptive_field
from ..models import resnet
from ._cases import Cases, Wanted, seeded

IMAGE = (3, 224, 224)
Layers: TypeAlias = list[tuple[int, int, int, int]]  # kernel, stride, dilation, maps


def layers_needed() -> Cases:
    """Fields of whole stacks, one between two, and that of a whole image."""
    return [((3,), 1), ((5,), 2), ((7,), 3), ((8,), 4), ((224,), 112)]


def saved_and_more() -> Cases:
    """Kernels from 3×3, where nothing is saved, to AlexNet's."""
    return [((3,), (0, 0)), ((5,), (28, 39)), ((7,), (45, 81)), ((11,), (63, 169))]


def field_after() -> Cases:
    """Two plain layers, one with dilation, and both with strides before them."""
    return [
        (([(3, 1, 1, 1), (3, 1, 1, 1)],), (5, 1, -2)),
        (([(3, 1, 2, 2)],), (5, 1, -2)),
        (([(7, 2, 3, 1), (3, 2, 1, 1), (3, 1, 2, 2)],), (27, 4, -13)),
    ]


def crossover_of_three() -> Cases:
    """Where 9r + 18r² equals 49r, with r for the ratio."""
    return [((), 20 / 9)]


class Reaches(Wanted):
    """Whether a list of layers is a stack that sees far at little cost."""

    answers = list
    field, macs, weights, side = 224, 10**9, 25_000, 7

    def fits(self, answer: Layers) -> bool:
        """Build a list of (kernel, stride, dilation, maps), trace it and count it."""
        if not answer or min(layer[3] for layer in answer) < 16 or answer[-1][3] < 64:
            return False
        field, side, weights, macs = self._measured(answer)
        return (
            field >= self.field
            and side >= self.side
            and weights < self.weights
            and macs < self.macs
        )

    def found(self, answer: Any) -> str:
        """Measure a stack."""
        if not isinstance(answer, list) or not answer:
            return ""
        field, side, weights, macs = self._measured(answer)
        fewest, last = min(layer[3] for layer in answer), answer[-1][3]
        return (
            f"field {field}, {side}×{side} maps, {weights:,} weights and "
            f"{macs / 1e9:.2f} G MACs, {fewest} maps a layer or more and {last} at the "
            "end"
        )

    @staticmethod
    def _measured(answer: Layers) -> tuple[int, int, int, int]:
        """Return a stack's field, the side of its last maps, its weights and MACs."""
        channels, built = IMAGE[0], []
        with torch.device("meta"):
            for kernel, stride, dilation, maps in answer:
                same = dilation * (kernel - 1) // 2
                built.append(
                    nn.Conv2d(
                        channels, maps, kernel, stride, same, dilation, bias=False
                    )
                )
                channels = maps
        stack = nn.Sequential(*built)
        last = receptive_field.trace(stack, IMAGE).iloc[-1]
        sums = cost.total(stack, IMAGE)
        return (
            int(last["size"]),
            int(last.output_size),
            int(sums.parameters),
            int(sums.macs),
        )

    def __repr__(self) -> str:
        """Say what was asked for, for a reader whose stack falls short."""
        return (
            f"a stack with a field of {self.field} or more, {self.side}×{self.side} "
            f"maps or more, fewer than {self.weights:,} weights and 1 G MACs, 16 maps "
            "or more a layer and 64 or more at the end"
        )


def far_and_cheap() -> Cases:
    """One stack, judged by what it sees and costs."""
    return [((), Reaches())]


def sound_field() -> Cases:
    """Groups of dilated layers, built and traced."""
    cases = []
    for layers, repeats in [(1, 1), (4, 1), (10, 1), (10, 3)]:
        with torch.device("meta"):
            group = [nn.Conv2d(1, 1, (1, 2), dilation=2**i) for i in range(layers)]
        network = nn.Sequential(*group * repeats)
        traced = receptive_field.trace(network, (1, 1, 4000), axis=1)
        cases.append(((layers, repeats), int(traced["size"].iloc[-1])))
    return cases


def resnet50_field() -> Cases:
    """Both ResNet-50, built and traced up to their last maps."""
    cases = []
    for halving in ("1x1", "3x3"):
        design = replace(resnet.DESIGNS["resnet50"], stride_in=halving)
        with torch.device("meta"):
            network = resnet.ResNet(design)
        traced = receptive_field.trace(network, IMAGE)
        # Behind the last maps comes the average, whose jump is 0: it sees everything.
        cases.append(((halving,), int(traced[traced.jump > 0]["size"].iloc[-1])))
    return cases


def stems() -> Cases:
    """Both stems, counted and traced."""
    with torch.device("meta"):
        one = nn.Sequential(nn.Conv2d(3, 64, 7, 2, bias=False))
        three = nn.Sequential(
            nn.Conv2d(3, 64, 3, 2, bias=False),
            nn.Conv2d(64, 64, 3, bias=False),
            nn.Conv2d(64, 128, 3, bias=False),
        )
    weights = [int(cost.total(stem, IMAGE).parameters) for stem in (one, three)]
    fields = [
        int(receptive_field.trace(stem, IMAGE)["size"].iloc[-1])
        for stem in (one, three)
    ]
    return [((), (*weights, *fields))]


class EqualsItsProduct(Wanted):
    """Whether two layers of 3×3 are, border included, the 5×5 that they make."""

    def __init__(self, x: torch.Tensor):
        self.x = x

    def fits(self, answer: nn.Module) -> bool:
        """Compare a module with the 5×5 that it is far from any border."""
        with torch.no_grad():
            got, room = answer(self.x), 8
            wide = answer(nn.functional.pad(self.x, [room] * 4))
        size = self.x.shape[-1]
        inside = wide[..., room : room + size, room : room + size]
        kernels = [p.shape for p in answer.parameters() if p.dim() == 4]
        shapes = [torch.Size([25, 18, 3, 3]), torch.Size([18, 25, 3, 3])]
        return (
            kernels == shapes
            and got.shape == inside.shape
            and torch.allclose(got, inside, atol=1e-5)
        )

    def __repr__(self) -> str:
        """Say what the module should do, for a reader whose own does not."""
        return "two 3×3, 18 maps to 25 to 18, that no border cuts between them"


def pair_without_a_border() -> Cases:
    """A pair that equals one 5×5 everywhere: its own product, with padding 2."""
    with seeded(0):
        x = torch.randn(1, 18, 8, 8)
    return [((), EqualsItsProduct(x))]


def what_follows() -> Cases:
    """Four claims about one row of a table: none follows but the last."""
    return [((), (False, False, False, True))]
