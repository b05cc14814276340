"""The two forms of a figure, as SVG: wide, as a page shows it, narrow for a phone.

A drawing function is written once and draws twice: it asks `width` how wide it may be
and `is_narrow` which of the two is wanted. What it draws knows by `draw_again` how the
narrow form comes about; `forms` keeps both together, and an output shows them.
"""

from __future__ import annotations

import base64
import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

# Two widths, in inches of which a page shows 98.3 pixels: 688 and 358 pixels.
WIDE, NARROW = 7.0, 3.64
PIXELS_PER_INCH = 688 / WIDE
SVG, NARROW_SVG = "image/svg+xml", "application/vnd.cnnbook.narrow+svg"
# Below this width of the window a wide figure's words would be smaller than 11 pixels.
PHONE = "(max-width: 620px)"
_narrow: ContextVar[bool] = ContextVar("narrow", default=False)


def is_narrow() -> bool:
    """Tell whether what is drawn now is for a phone."""
    return _narrow.get()


def width(wide: float = WIDE) -> float:
    """Return how wide a figure is in inches: at most what a phone has, or as asked."""
    return min(wide, NARROW) if is_narrow() else wide


@contextmanager
def for_phones() -> Iterator[None]:
    """Draw narrow within this context."""
    token = _narrow.set(True)
    try:
        yield
    finally:
        _narrow.reset(token)


def figure_of(axes: Any) -> Figure:
    """Return the figure of an Axes, or of several in an array or a sequence."""
    return np.ravel(np.array(axes, dtype=object))[0].figure


def forms(figure: Figure) -> dict[str, str]:
    """Return a figure as SVG by the MIME types of its forms: wide, perhaps narrow."""
    drawn = {SVG: svg(figure)}
    if draw_again := getattr(figure, "draw_again", None):
        with for_phones():
            narrow = figure_of(draw_again())
        _break_names(narrow)
        drawn[NARROW_SVG] = svg(narrow)
        plt.close(narrow)
    return drawn


def _break_names(figure: Figure) -> None:
    """Break the names of a narrow figure's axes where they would be cut off.

    A name wider than its axes stands in the middle of the figure, if none is beside it.
    """
    figure.draw_without_rendering()
    for axis in figure.axes:
        name, letters = axis.xaxis.label, _letters(axis.get_position().width)
        lines = name.get_text().split("\n")
        if _is_alone(axis) and max(map(_length, lines)) > letters:
            place, letters = axis.get_position(), _letters(1)
            name.set_x((0.5 - place.x0) / place.width)
        name.set_text("\n".join(_broken(line, letters) for line in lines))


def _is_alone(axis: Axes) -> bool:
    """Return whether no other axes stand beside these."""
    place = axis.get_position()
    others = [other.get_position() for other in axis.figure.axes if other is not axis]
    return all(place.y1 <= other.y0 or other.y1 <= place.y0 for other in others)


def _letters(share: float) -> int:
    """Return how many letters have room in a share of a narrow figure's width."""
    return int(share * NARROW * PIXELS_PER_INCH / 7.5)


def _length(line: str) -> int:
    """Return how many letters of a line are seen: of a formula, not the commands."""
    return len(re.sub(r"\\[a-z]+|[${}_]", "", line))


def _broken(line: str, letters: int) -> str:
    return line if _length(line) <= letters else textwrap.fill(line, letters)


FAMILY = "font-family: system-ui, sans-serif"  # narrower than what was measured with
IMAGE = re.compile(r'<image [^>]*data:image/png;base64,([^"]*)"[^>]*>')
CRISP = re.compile(r' style="image-rendering[^"]*"')
TAG = re.compile(r"<[^>]*>")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def svg(figure: Figure) -> str:
    """Return a figure as SVG whose words are text, and whose size is in pixels.

    The same figure gives the same text. Numbers have two decimals, and no more is kept
    than what is seen.
    """
    drawn = io.StringIO()
    with _lines_apart(figure):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(drawn, format="svg", metadata=nothing)
    text = drawn.getvalue()
    text = text[text.index("<svg") :]
    text = TAG.sub(lambda tag: LONG_NUMBER.sub(_shortened, tag[0]), text)
    text = IMAGE.sub(_smaller, text)
    for pattern, meant in (
        (r"font-family: 'DejaVu Sans', sans-serif", FAMILY),
        (r' id="(?:figure|axes|patch|text|line2d|xtick|ytick|matplotlib)[^"]*"', ""),
        (r' transform="rotate\(-0[^"]*\)"', ""),
        (r' version="1.1"| type="text/css"', ""),
        (r"<!--.*?-->", ""),
        (r"<g>\s*</g>", ""),
        (r" ?\n([LCQz]|(?=\"))", r"\1"),  # a path on one line
        (r"(?<=[MLCQ]) ", ""),
        (r"\n\s*", "\n"),
    ):
        text = re.sub(pattern, meant, text, flags=re.DOTALL)
    wide, high = (PIXELS_PER_INCH * inches for inches in figure.get_size_inches())
    size = f'width="{wide:.0f}" height="{high:.0f}"'
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, text, count=1)


def _smaller(image: re.Match) -> str:
    """Return a picture within a figure again, a photograph as a tenth of the size."""
    png = "".join(image[1].split())
    if len(png) < 30_000:
        return image[0].replace(image[1], png)
    with Image.open(io.BytesIO(base64.b64decode(png))) as opened:
        opened.thumbnail((500, 500))
        small = io.BytesIO()
        opened.convert("RGB").save(small, "jpeg", quality=82, optimize=True)
    jpeg = base64.b64encode(small.getvalue()).decode()
    shown = image[0].replace(f"png;base64,{image[1]}", f"jpeg;base64,{jpeg}")
    return CRISP.sub("", shown)  # its pixels need not be seen as such


def _shortened(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


@contextmanager
def _lines_apart(figure: Figure) -> Iterator[None]:
    """Draw each line of a text by itself: matplotlib centres in SVG only such text.

    A reader's letters are others than those that were measured here.
    """
    dpi = figure.dpi
    figure.set_dpi(72)  # that of SVG: where an axis has its name is kept in pixels
    figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    figure.set_layout_engine("none")
    sides = [side for axis in figure.axes for side in (axis.xaxis, axis.yaxis)]
    for side in sides:
        side._autolabelpos = False  # stays, though the ticks' words are hidden
    renderer = figure.canvas.get_renderer()
    split, lines = [], []
    for text in figure.findobj(Text):
        if not (text.get_visible() and "\n" in text.get_text().strip()):
            continue
        if text.get_rotation():
            continue
        box = text.get_window_extent(renderer)
        align = text._multialignment or text.get_ha()
        x = {"left": box.x0, "center": (box.x0 + box.x1) / 2, "right": box.x1}[align]
        for line, _, _, y in text._get_layout(renderer)[1]:
            _, high = text.get_transform().transform(text.get_position())
            lines.append(
                figure.text(
                    x / figure.dpi,
                    (y + high) / figure.dpi,
                    line,
                    ha=align,
                    va="baseline",
                    color=text.get_color(),
                    fontproperties=text.get_fontproperties(),
                    transform=figure.dpi_scale_trans,
                )
            )
        split.append(text)
        text.set_visible(False)
    yield
    for line in lines:
        line.remove()
    for text in split:
        text.set_visible(True)
    for side in sides:
        side._autolabelpos = True
    figure.set_layout_engine(engine)
    figure.set_dpi(dpi)
