"""Draw the picture that a link to the book is shared with; the README shows it, too.

``python -m tools.site.share`` writes it to ``_static/share.png``: a digit, and what the
layer F6 of LeNet-5 draws when it has read it.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

from tools import ROOT

PICTURE = ROOT / "_static" / "share.png"
WIDTH, HEIGHT = 1200, 630  # what networks of people show whole
ALT = (
    "A hand-drawn 3, and beside it a 3 of 7 by 12 pixels, which LeNet-5 drew. "
    "60,000 parameters. It has to draw what it read."
)
DIGIT = "3"
INK, QUIET = "#1f2933", "#52606d"
# The colours of an explorable: core.js.
SIGNED = LinearSegmentedColormap.from_list("", ["#2166ac", "#f7f7f7", "#b2182b"])


def card() -> dict[str, str]:
    """Return what a page whose link is shared with the picture says of it."""
    return {
        "og:image": PICTURE.relative_to(ROOT).as_posix(),
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
        "og:image:alt": ALT,
    }


def draw() -> Figure:
    """Draw the picture, 100 pixels an inch."""
    from cnnbook.explorables import _chain, lenet

    image = lenet.drawn(lenet.DIGITS[DIGIT])
    chain, _ = lenet.rounded("lenet5", image[None])
    outputs = _chain.compute(chain, image[None])
    [f6] = [
        output[0]
        for step, output in zip(chain, outputs, strict=True)
        if step.name == "f6"
    ]
    figure = plt.figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
    _show(figure, image[0].numpy(), 60, 110, 390, cmap="gray_r", vmin=-0.1, vmax=1.175)
    look = {"cmap": SIGNED, "vmin": -1.2, "vmax": 1.2}
    _show(figure, f6.reshape(12, 7).numpy(), 480, 110, 390, **look)
    _write(figure, 60, 548, "CNN Architectures: From LeNet-5 to ResNet", 22, INK)
    _write(figure, 60, 62, "You draw.", 19, QUIET, weight="normal")
    _write(figure, 480, 62, "LeNet-5 draws back.", 19, QUIET, weight="normal")
    _write(figure, 756, 370, "60,000\nparameters.", 36, INK)
    _write(figure, 756, 190, "It has to draw\nwhat it read.", 36, "#b2182b")
    return figure


def _show(
    figure: Figure, pixels: np.ndarray, x: int, y: int, height: int, **look: object
) -> None:
    """Show pixels as a picture of a height, its lower left corner at a place."""
    rows, columns = pixels.shape
    width = height * columns / rows
    box = x / WIDTH, y / HEIGHT, width / WIDTH, height / HEIGHT
    axis = figure.add_axes(box)
    axis.imshow(pixels, aspect="auto", interpolation="nearest", **look)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_color("#7b8794")


def _write(
    figure: Figure,
    x: int,
    y: int,
    text: str,
    size: int,
    colour: str,
    weight: str = "bold",
) -> None:
    """Write words whose first line begins at a place; a size in points."""
    figure.text(
        x / WIDTH, y / HEIGHT, text, size=size, color=colour, weight=weight,
        va="bottom" if "\n" in text else "baseline", linespacing=1.25,
    )  # fmt: skip


def main() -> None:
    """Write the picture; 128 colours are enough for it."""
    draw().savefig(PICTURE)
    with Image.open(PICTURE) as picture:
        small = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
