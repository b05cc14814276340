"""An explorable as an output: HTML that needs nothing but itself."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

FOLDER = Path(__file__).parent
COMMENT = re.compile(r"^\s*/\*\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Explorable:
    """What moves in the page, and the picture that stands there where nothing can.

    Args:
        name: Of its element and its script: ``lenet`` is ``<cnn-lenet>`` in
            ``lenet.js``.
        figure: The still picture: what it shows at first, or its most telling state.
            It is closed. None where nothing shall stand without scripts and on paper.
        alt: What the picture shows, for readers who cannot see it.
        sentence: What the reader is to see; it stands under the still picture.
        heights: Of the element in pixels, below 600 pixels of width and from there on.
            They are kept free until it has been drawn.
        data: What the script starts with, in a form that JSON has.
        parts: What it may ask for later, by name.
        needs: Other scripts of this folder that must run before.
    """

    name: str
    figure: Figure | None
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
        """Return the picture and its sentence."""
        if self.figure is None:
            return ""
        return (
            f'<img alt="{escape(self.alt)}" src="{_address(self.figure)}" '
            f'style="max-width:100%;height:auto"><p>{escape(self.sentence)}</p>'
        )


def script(name: str) -> str:
    """Return a script of this folder without its comments and its indentation.

    A comment has lines of its own there, so no string that looks like one is harmed.
    """
    text = COMMENT.sub("", (FOLDER / f"{name}.js").read_text(encoding="utf-8"))
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def packed(weights: Tensor) -> dict[str, Any]:
    """Pack numbers into a byte each, times a scale: what ``unpack`` of core.js reads.

    The largest in magnitude becomes 127, so a number is off by at most half a scale.

    Raises:
        ValueError: If a number is not finite.
    """
    numbers = weights.detach().to("cpu", torch.float32).flatten()
    if not numbers.isfinite().all():
        raise ValueError(
            "a weight is not finite: nothing true can be drawn with it; train the "
            "network again with a lower learning rate"
        )
    largest = numbers.abs().max().item() if numbers.numel() else 0.0
    scale = largest / 127 or 1.0
    rounded = (numbers / scale).round().to(torch.int8).numpy()
    return {"scale": scale, "bytes": base64.b64encode(rounded.tobytes()).decode()}


def _address(figure: Figure) -> str:
    """Return a figure as the address of a small picture, and close it."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=110)
    plt.close(figure)
    # 64 colours are enough for such pictures, and a third of the size.
    Image.open(drawn).convert("RGB").quantize(64).save(small, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(small.getvalue()).decode()}"


def _json(content: Any) -> str:
    """Return JSON that may stand inside an HTML script.

    Raises:
        ValueError: If a number in it is not finite, which JSON cannot say.
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("</", r"<\/")
