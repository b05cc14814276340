"""An explorable as an output: HTML that needs nothing but itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import _picture

FOLDER = Path(__file__).parent
# 88 that need no escape in JSON or HTML: the last eight begin a pair.
LETTERS = "".join(sorted({chr(code) for code in range(35, 127)} - set("&<>\\")))
COMMENT = re.compile(r"^\s*/\*\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Explorable:
    """What moves in the page, and the picture that stands there where nothing can.

    Args:
        name: Of its element and its script: ``lenet`` is ``<cnn-lenet>`` in
            ``lenet.js``.
        figure: The still picture: what it shows at first, or its most telling state.
            It is closed. Or HTML to stand in its place, such as a table; or None where
            nothing shall stand without scripts and on paper.
        alt: What the picture shows, for readers who cannot see it.
        sentence: What the reader is to see; it stands under the still picture.
        heights: Of the element in pixels, below 600 pixels of width and from there on.
            They are kept free until it has been drawn.
        data: What the script starts with, in a form that JSON has.
        parts: What it may ask for later, by name.
        needs: Other scripts of this folder that must run before.
    """

    name: str
    figure: Figure | str | None
    alt: str
    sentence: str
    heights: tuple[int, int]
    data: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": f"{self.name}: {self.alt}"}

    def html(self) -> str:
        """Return the element with its picture, its data and its scripts."""
        narrow, wide = self.heights
        parts = {"": self.data, **self.parts}
        data = "".join(
            f'<script type="application/json" data-part="{escape(part)}">'
            f"{_json(content)}</script>"
            for part, content in parts.items()
        )
        scripts = "".join(
            f'<script data-script="{name}">{script(name)}</script>'
            for name in ("core", *self.needs, self.name)
        )
        return (
            '<div class="explorable" style="container:explorable/inline-size">'
            f'<cnn-{self.name} style="--narrow:{narrow}px;--wide:{wide}px">'
            f"{self._still()}{data}</cnn-{self.name}></div>{scripts}"
        )

    def _still(self) -> str:
        """Return the picture, or what stands in its place, and its sentence."""
        still = self.figure
        if still is None:
            return ""
        if isinstance(still, Figure):
            source = f"data:image/png;base64,{_picture.encoded(still)}"
            still = (
                f'<img alt="{escape(self.alt)}" src="{source}" '
                'style="max-width:100%;height:auto">'
            )
        return f"{still}<p>{escape(self.sentence)}</p>"


def script(name: str) -> str:
    """Return a script of this folder without its comments and its indentation.

    A comment has lines of its own there, so no string that looks like one is harmed.
    """
    text = COMMENT.sub("", (FOLDER / f"{name}.js").read_text(encoding="utf-8"))
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def packed(numbers: Tensor, fine: bool = False) -> dict[str, Any]:
    """Pack numbers into one letter each, mostly: `unpack` of core.js reads them.

    A number becomes a whole one from -127 to 127, times a scale, and so is off by at
    most half a scale. Small ones, of which weights have many, take one letter, others
    two.

    Args:
        numbers: Of any shape.
        fine: Whether what is left over is packed, too, which is 16 bits in all.

    Raises:
        ValueError: If a number is not finite.
    """
    whole, scale = whole_numbers(numbers)
    coarse = {"scale": scale, "letters": "".join(map(_letters, whole.tolist()))}
    if fine:
        coarse["rest"] = packed(numbers.flatten().cpu() - whole * scale)
    return coarse


def unpacked(numbers: Tensor, fine: bool = False) -> Tensor:
    """Return what comes out of packing, for comparison."""
    whole, scale = whole_numbers(numbers)
    coarse = (whole * scale).view(numbers.shape)
    return coarse + unpacked(numbers.cpu() - coarse) if fine else coarse


def whole_numbers(numbers: Tensor) -> tuple[Tensor, float]:
    """Return numbers as whole ones from -127 to 127, and their scale."""
    flat = numbers.detach().to("cpu", torch.float32).flatten()
    if not flat.isfinite().all():
        raise ValueError(
            "a weight is not finite: nothing true can be drawn with it; train the "
            "network again with a lower learning rate"
        )
    largest = flat.abs().max().item() if flat.numel() else 0.0
    scale = float(f"{largest / 127:.6g}") or 1.0  # few digits, so that it is short
    return (flat / scale).round(), scale


def _letters(number: float) -> str:
    """Write a whole number: 0, 1, -1, 2, -2 … are ranks, and a rank has a letter."""
    rank = round(2 * number - 1 if number > 0 else -2 * number)
    if rank < 80:
        return LETTERS[rank]
    pairs, first = divmod(rank - 80, 8)
    return LETTERS[80 + first] + LETTERS[pairs]


def _json(content: Any) -> str:
    """Return JSON that may stand inside an HTML script.

    Raises:
        ValueError: If a number in it is not finite, which JSON cannot say.
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("</", r"<\/")
