"""Any chain of layers: what each unit sees, multiplies and outputs.

`view` shows the reader's own network; ``lenet`` shows the book's in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from ._chain import NotAChainError, Step, compute, observe
from ._element import Explorable, packed, unpacked

MOST_WEIGHTS = 500_000  # 0.7 MB in the notebook with a byte each
MOST_WORK = 20_000_000  # multiply-accumulates, some 30 ms in a browser
MOST_IMAGES = 24
MOST_MAPS = 64  # of a layer are drawn
CLOSE = 0.02  # how far rounded weights may move an output, as a share of their range


def view(
    model: nn.Module, images: Tensor, classes: Sequence[str] | None = None
) -> Explorable:
    """Show a trained network: its maps, and the products of each unit.

    The images become presets; a network that reads square images of one channel can be
    drawn for, too.

    Args:
        model: A chain of layers: convolution, pooling, activation, normalisation,
            linear.
        images: (N, C, H, W), as the network takes them; at most 24.
        classes: A name for each output.

    Raises:
        ValueError: If the network is no such chain, is too large (more than 500,000
            weights or 20 million multiply-accumulates), holds numbers that are not
            finite, or does not fit the images.
    """
    images = _checked(images)
    device = next((p.device for p in model.parameters()), images.device)
    chain, fine = faithful(model, images, device)
    outputs = chain[-1].shape[0]
    if classes is not None and len(classes) != outputs:
        raise ValueError(f"{len(classes)} classes are named for {outputs} outputs")
    data = chain_data(chain, images.shape[1:], fine)
    data |= {
        "images": packed(images),
        "paper": _short(images.min().item()),
        "ink": _short(images.max().item()),
        **({"classes": [str(name) for name in classes]} if classes else {}),
    }
    kind = type(model).__name__
    return Explorable(
        name="network",
        figure=_still(chain, images[0], data["stages"]),
        alt=f"An image and the outputs of each layer of {kind} for it.",
        sentence=f"What each layer of {kind} makes of one image.",
        heights=(
            _height(data, len(images), wide=False),
            _height(data, len(images), wide=True),
        ),
        data=data,
    )


def faithful(
    model: nn.Module, images: Tensor, device: torch.device | None = None
) -> tuple[list[Step], bool]:
    """Return a network's chain with rounded weights, and whether they are fine.

    A weight has 8 bits where the outputs then stay close to the network's, and 16 where
    they would not.

    Raises:
        NotAChainError: If the chain does not compute what the network does.
    """
    chain = observe(model, images[0].to(device))
    weights = sum(step.weights.numel() for step in chain if step.weights is not None)
    if weights > MOST_WEIGHTS:
        raise NotAChainError(
            f"the network has {weights:,} weights; up to {MOST_WEIGHTS:,} fit into a "
            "page: show a smaller one, or its first layers"
        )
    work = sum(
        step.weights[0].numel() * torch.Size(step.shape).numel()
        for step in chain
        if step.weights is not None
    )
    if work > MOST_WORK:
        raise NotAChainError(
            f"one image takes {work:,} multiply-accumulates; up to {MOST_WORK:,} are "
            "quick enough for a page: show a smaller network, or smaller images"
        )
    training = model.training
    with torch.no_grad():
        expected = model.eval()(images.to(device)).cpu()
    model.train(training)
    expected = expected.view(len(images), *chain[-1].shape)
    spread = (expected.max() - expected.min()).item() or 1.0

    def off(steps: list[Step]) -> float:
        """Return how far a chain's outputs are, as a share; 1 if a class changes."""
        found = compute(steps, images)[-1]
        same = (found.argmax(dim=1) == expected.argmax(dim=1)).all()
        return (found - expected).abs().max().item() / spread if same else 1.0

    if not off(chain) < 1e-3:
        raise NotAChainError(
            f"{type(model).__name__} computes something that was not seen while its "
            "layers were watched: its outputs cannot be repeated"
        )
    for fine in (False, True):
        rounded = [_rounded(step, fine) for step in chain]
        if off(rounded) < CLOSE:
            return rounded, fine
    raise NotAChainError(
        f"the outputs of {type(model).__name__} change when its weights are rounded to "
        "16 bits: they lie too far apart in size"
    )


def chain_data(
    chain: list[Step], input_size: Sequence[int], fine: bool
) -> dict[str, Any]:
    """Return a chain of rounded weights in the form that ``network.js`` reads."""
    steps = []
    for step in chain:
        vectors = {name: _list(vector) for name, vector in step.vectors.items()}
        described = {"kind": step.kind, "shape": step.shape, **step.settings, **vectors}
        if step.weights is not None:
            described["weights"] = packed(step.weights, fine)
        steps.append(described)
    return {"input": list(input_size), "steps": steps, "stages": stages(chain)}


def stages(chain: list[Step]) -> list[dict[str, Any]]:
    """Return the parts of a chain that are drawn as one.

    A stage begins where numbers of different places or maps meet; what then changes
    each number by itself, such as an activation, belongs to it.
    """
    found: list[dict[str, Any]] = []
    for i, step in enumerate(chain):
        if found and step.kind in ("affine", "activation", "normalise", "softmax"):
            found[-1]["last"] = i
            continue
        maps, rows, columns = step.shape
        features = rows * columns == 1
        found.append(
            {
                **_title(step),
                "about": f"{maps} units"
                if features
                else f"{maps} map{'s' if maps > 1 else ''} of {rows}×{columns}",
                "first": i,
                "last": i,
                "across": 1 if features else _across(min(maps, MOST_MAPS)),
            }
        )
    return found


def _height(data: dict[str, Any], images: int, wide: bool) -> int:
    """Return how high the view is, in pixels, as the styles of ``network.js`` say."""
    room, gap, title = (548, 10, 40) if wide else (358, 4, 22)
    layers = []
    for stage in data["stages"]:
        maps, rows, columns = data["steps"][stage["last"]]["shape"]
        across = stage["across"]
        if rows * columns == 1:
            across = min(maps, 40)
            side = (room if across >= 20 else min(room, 28 * across)) / across
            sheet = -(-maps // across) * side
        else:
            side = (room - 3 * (across - 1)) / across * rows / columns
            lines = -(-min(maps, MOST_MAPS) // across)
            sheet = lines * side + 3 * (lines - 1)
        words = title + 18 * ("kind" in stage and wide)
        layers.append(max(words, sheet) if wide else words + gap + sheet)
    _, rows, columns = data["input"]
    outputs, *place = data["steps"][-1]["shape"]
    scores = 22 * min(outputs, 10) if place == [1, 1] else 0
    pad = (232 if wide else 173) * rows / columns + 2
    presets = 54 * -(-images // (12 if wide else 6)) - 6
    fixed = 442 if wide else 510
    return round(
        fixed + max(pad, scores) + presets + sum(layers) + gap * (len(layers) - 1)
    )


def _across(maps: int) -> int:
    """Return how many of the maps stand in a row."""
    return maps if maps in (3, 5, 6, 7) else min(8, max(maps, 4))


def _title(step: Step) -> dict[str, str]:
    """Name a stage as the network does, with its kind where that is a mere number."""
    if not step.name.rpartition(".")[2].isdigit():
        return {"name": step.name}
    kinds = {"maximum": "max-pooling", "average": "average pooling"}
    return {"name": f"layer {step.name}", "kind": kinds.get(step.kind, step.kind)}


def _rounded(step: Step, fine: bool) -> Step:
    """Return a step with the weights and numbers that the page will have."""
    vectors = {
        name: torch.tensor(_list(vector), dtype=torch.float32).view(vector.shape)
        for name, vector in step.vectors.items()
    }
    weights = None if step.weights is None else unpacked(step.weights, fine)
    return replace(step, weights=weights, vectors=vectors)


def _list(vector: Tensor) -> list[float | int]:
    return [_short(value) for value in vector.flatten().tolist()]


def _short(value: float) -> float | int:
    """Return a number with six digits, as a whole one where it is one."""
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short


def _checked(images: Tensor) -> Tensor:
    """Return the images as the page will have them: rounded to a byte a pixel."""
    if images.ndim != 4 or not images.is_floating_point() or not len(images):
        raise ValueError(
            "expected images as floating-point numbers of shape (N, C, H, W), got "
            f"{images.dtype} of shape {tuple(images.shape)}"
        )
    if len(images) > MOST_IMAGES:
        raise ValueError(f"{len(images)} images are given; choose up to {MOST_IMAGES}")
    if images.shape[1] not in (1, 3):
        raise ValueError(
            f"images of {images.shape[1]} channels cannot be drawn: one is grey, three "
            "are red, green and blue"
        )
    if not images.isfinite().all():
        raise ValueError("a pixel of the images is not finite")
    return unpacked(images)


def _still(chain: list[Step], image: Tensor, parts: list[dict[str, Any]]) -> Figure:
    """Draw an image, and up to eight maps of each stage."""
    outputs = compute(chain, image[None])
    shown = [(p["name"], outputs[p["last"]][0]) for p in parts]
    shown = [(name, maps) for name, maps in shown if maps[0].numel() > 1]
    figure, axes = plt.subplots(
        1 + len(shown), 8, figsize=(6, 0.8 * (1 + len(shown))), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    axes[0, 0].imshow(image.mean(0).numpy(), cmap="gray_r")
    for row, (name, maps) in zip(axes[1:], shown, strict=True):
        most = maps.abs().max().item() or 1.0
        row[0].set_title(name, fontsize=9, loc="left")
        for axis, drawn in zip(row, maps, strict=False):
            axis.imshow(drawn.numpy(), cmap="RdBu_r", vmin=-most, vmax=most)
    return figure
