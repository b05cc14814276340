"""Chapter 6: a digit is moved over its canvas, and two heads read it.

``tools/experiments/moved_digit.py`` has trained the networks: those that the chapter
defines, whose builders are handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from .. import _book, data
from ._element import Explorable, packed, unpacked
from .network import chain_data, faithful

WEIGHTS = _book.ROOT / "data" / "weights" / "moved-digit.safetensors"
PAPER, INK = -0.1, 1.275  # a pixel is paper and a share of the ink
HEADS = ("flatten", "average")
TRAINED = ("middle", "shifts")
SHIFTS = range(-8, 8)

# What the comments say is tested.
EXAMPLES: dict[str, dict[str, Any]] = {
    "four": {
        "name": "moved by 4, circular border",
        "comment": "Each window of 4 pixels gets what its neighbour had, so all ten "
        "scores of the average stand at their ticks again. They do at 16 of the 256 "
        "shifts, those by multiples of 4. Flattening reads a 4.",
        "setting": "circular",
        "right": 4,
    },
    "one": {
        "name": "moved by 1, circular border",
        "comment": "One pixel, and the average fails: the strokes fall into other "
        "windows, the maps change, and it reads a 1. Flattening, whose digit is almost "
        "where it was in training, still reads the 6.",
        "setting": "circular",
        "right": 1,
    },
    "zeros": {
        "name": "moved by 4, zeros around",
        "comment": "The zeros stand still while the digit moves. The average still "
        "reads the 6, but its scores are not what they were, at this shift or at any "
        "other: only the dot in the middle is left.",
        "setting": "zeros",
        "right": 4,
    },
    "far": {
        "name": "zeros, but out of sight",
        "comment": "On 64×64 pixels no unit sees digit and border at once, and the 16 "
        "dots are back. But the same is not right: so much empty canvas dilutes the "
        "digit, and the average reads a 4 throughout.",
        "setting": "far",
        "right": 4,
    },
    "unpooled": {
        "name": "no pooling, a stride of 1",
        "comment": "Now every shift is a multiple of the stride, and none of the 256 "
        "changes a score. But the weights were trained with pooling: without it the "
        "average reads a 4, everywhere alike.",
        "setting": "unpooled",
        "right": 3,
        "down": 1,
    },
    "trained": {
        "name": "trained on moved digits",
        "comment": "This average reads the 6 at all 256 shifts, and flattening at 71. "
        "Its scores still change at all but 16 of them: what forgives the others is "
        "that it was trained on moved digits.",
        "trained": "shifts",
        "setting": "circular",
        "right": 1,
        "down": 3,
    },
    "edge": {
        "name": "pushed over the edge",
        "comment": "Three of the eight columns are gone, and neither network reads a "
        "6. Nothing forgives what is not there; with a circular border it comes in at "
        "the left.",
        "trained": "shifts",
        "setting": "zeros",
        "right": 7,
    },
}
START: dict[str, Any] = {"digit": 6, "trained": "middle", "down": 0, "right": 0}


def view(
    flatten: Callable[..., nn.Module], average: Callable[..., nn.Module]
) -> Explorable:
    """Show a digit that is moved, and what a flattening and an averaging head read.

    Args:
        flatten: Builds the chapter's network that flattens, with a ``padding_mode``.
        average: Builds the averaging one of the same budget, likewise.

    Raises:
        ValueError: If the weights are damaged, or those of other networks.
    """
    builders = {"flatten": flatten, "average": average}
    digits = shown()
    middle = F.pad(digits, (4,) * 4, value=PAPER)
    chains = {
        f"{trained}.{head}": chain_data(*_chain(builders[head], trained, head, middle))
        for trained in TRAINED
        for head in HEADS
    }
    return Explorable(
        name="move",
        figure=_still(builders, digits[START["digit"]]),
        alt="A 6 on a canvas of 16 by 16 pixels, moved to the right by 4, and for each "
        "of two networks a square of 16 by 16 cells, one for each shift. With the "
        "flattening head a patch around the middle is red, where the 6 is read. With "
        "the average the same pattern of red and blue returns every 4 cells, and every "
        "fourth cell in both directions, 16 of 256, has a dot.",
        sentence="The average's scores come back at every fourth shift, those of "
        "flattening at none.",
        heights=(1560, 1080),
        data={
            "networks": chains,
            "digits": packed(shares(digits)),
            "examples": {
                name: {**START, **example} for name, example in EXAMPLES.items()
            },
            "paper": PAPER,
            "ink": INK,
        },
        needs=("network", "controls"),
    )


def shown() -> Tensor:
    """Return one digit (10, 1, 8, 8) of each class, the first of those for testing.

    They are as the page has them: rounded to a byte a pixel.
    """
    test = data.load("digits", side=8).test
    assert isinstance(test, data.Split)
    first = [int((test.labels == label).nonzero()[0]) for label in range(10)]
    return PAPER + INK * unpacked(shares(test.images[first]))


def shares(digits: Tensor) -> Tensor:
    """Return how much of the ink each pixel has; background has none, exactly."""
    inked = (digits - PAPER) / INK
    return inked.where(inked > 1e-4, 0)


def everywhere(digit: Tensor, *, wraps: bool, side: int = 16) -> Tensor:
    """Lay a digit (1, 8, 8) on canvases (256, 1, side, side), one for each shift.

    Args:
        wraps: Whether what leaves comes in at the other side.
    """
    around = (side - digit.shape[-1]) // 2
    middle = F.pad(digit, (around,) * 4, value=PAPER)
    canvases = []
    for down in SHIFTS:
        for right in SHIFTS:
            sides = (around + right, around - right, around + down, around - down)
            moved = F.pad(digit, sides, value=PAPER)
            rolled = middle.roll((down, right), dims=(-2, -1))
            canvases.append(rolled if wraps else moved)
    return torch.stack(canvases)


def load(network: nn.Module, trained: str, head: str) -> nn.Module:
    """Give a network the weights of its head; return it in eval mode.

    Args:
        trained: On digits in the ``middle``, or with ``shifts``.

    Raises:
        ValueError: If the weights are damaged, or those of another network.
    """
    prefix = f"{trained}.{head}."
    try:
        weights = load_file(WEIGHTS)
        own = {
            name.removeprefix(prefix): tensor
            for name, tensor in weights.items()
            if name.startswith(prefix)
        }
        network.load_state_dict(own)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise _book.damaged(WEIGHTS, error) from error
    return network.eval()


def _chain(
    build: Callable[..., nn.Module], trained: str, head: str, images: Tensor
) -> tuple[list, tuple[int, ...], bool]:
    """Return what `chain_data` takes: a chain of rounded weights, sizes, fineness."""
    chain, fine = faithful(load(build(), trained, head), images)
    return chain, tuple(images.shape[1:]), fine


def _still(builders: Mapping[str, Callable[..., nn.Module]], digit: Tensor) -> Figure:
    """Draw the first example: the digit, and the lead of its class at all shifts."""
    example = {**START, **next(iter(EXAMPLES.values()))}
    label, right, down = (example[name] for name in ("digit", "right", "down"))
    here, middle = (
        (row - SHIFTS.start) * len(SHIFTS) + column - SHIFTS.start
        for row, column in ((down, right), (0, 0))
    )
    canvases = everywhere(digit, wraps=True).double()
    figure, axes = plt.subplots(1, 3, figsize=(6, 2.5), layout="constrained")
    # Few colours: of a still picture, 64 are kept.
    axes[0].imshow(canvases[here, 0].numpy(), cmap=plt.get_cmap("gray_r", 16))
    axes[0].set_title(f"a {label}, moved by {right}")
    for head, axis in zip(HEADS, axes[1:], strict=True):
        network = load(
            builders[head](padding_mode="circular"), example["trained"], head
        )
        with torch.no_grad():
            scores = network.double()(canvases)
        axis.set_title(f"{head}: all shifts")
        same = (scores - scores[middle]).abs().amax(dim=1) < 1e-9
        others = scores.index_fill(1, torch.tensor([label]), -torch.inf).amax(dim=1)
        _chart(axis, scores[:, label] - others, same, (right, down))
    for axis in axes:
        axis.title.set_size(10)
        axis.set(xticks=[], yticks=[])
    return figure


def _chart(axis: Axes, lead: Tensor, same: Tensor, here: tuple[int, int]) -> None:
    """Draw a lead (256,) by shift, dots where scores are the same, and a frame."""
    across = len(SHIFTS)
    colours = plt.get_cmap("RdBu_r", 17)
    axis.imshow(lead.view(across, across).numpy(), cmap=colours, vmin=-8.5, vmax=8.5)
    rows, columns = np.divmod(same.nonzero()[:, 0].numpy(), across)
    axis.plot(columns, rows, "o", color="#222222", markersize=2.5)
    right, down = (shift - SHIFTS.start - 0.5 for shift in here)
    axis.add_patch(Rectangle((right, down), 1, 1, fill=False, ec="#222222", lw=1.5))
