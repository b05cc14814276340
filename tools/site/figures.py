"""A Sphinx extension that shows the notebooks' figures: in the dark, and on a phone.

A notebook holds each figure as SVG, light, and beside it a narrow form (see
``cnnbook._forms``). Both become files, in which each colour of the book's style is
a variable that has another value in the dark, and the browser chooses the form by the
width of the page. So it is done with the pictures of the sliders. The style sheet tells
the pictures whether the page is dark.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from cnnbook._forms import NARROW_SVG, PHONE, SVG
from tools.notebooks.canonical import WIDGET_STATE, WIDGET_VIEW
from tools.site import sources
from tools.site.sources import Notebook

FRAME = re.compile(r'(src(?:set)?)="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"')
SIZE = re.compile(r'<svg[^>]* width="(\d+)" height="(\d+)"')
COLOUR = re.compile(r"(?<=: )#[0-9a-f]{3,8}\b", re.IGNORECASE)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
SHEET = re.compile(r'<path d="M0 [^"]*" style="fill: #ffffff"/>\n?')


class ColourError(ValueError):
    """A figure has a colour that the book's style does not have for the dark."""


def for_pages(svg: str) -> str:
    """Return a figure whose colours are variables, without the sheet that it is on.

    Raises:
        ColourError: If one of them is not in the table of the style.
    """
    from cnnbook.plots.style import DARK  # torch takes two seconds to import

    used: dict[str, None] = {}

    def variable(colour: re.Match) -> str:
        light = colour[0].lower()
        if light not in DARK:
            raise ColourError(f"{light} has no twin for the dark in plots/style.py")
        used[light] = None
        return f"var(--c{light[1:]})"

    svg = SHEET.sub("", svg, count=1)
    svg = re.sub(r'<[^>]*style="[^"]*"', lambda tag: COLOUR.sub(variable, tag[0]), svg)
    light, dark = (
        "".join(f"--c{colour[1:]}:{meant[colour]};" for colour in sorted(used))
        for meant in (dict(zip(DARK, DARK, strict=True)), DARK)
    )
    return STYLE.sub(
        lambda style: (
            f"<style>{style[1]}:root{{{light}}}"
            f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
        ),
        svg,
        count=1,
    )


class Files:
    """The folder of a book in which its figures lie.

    Args:
        output: The folder of the built book.
        root: What leads to it from the page that shows the figures.
    """

    def __init__(self, output: Path, root: str) -> None:
        self.folder, self.root = output / "_images", root
        self.folder.mkdir(parents=True, exist_ok=True)

    def place(self, svg: str) -> str:
        """Write a figure to a file named after what is in it; return its address."""
        svg = for_pages(svg)
        name = f"figure-{hashlib.sha256(svg.encode()).hexdigest()[:16]}.svg"
        (self.folder / name).write_text(svg, "utf-8")
        return f"{self.root}_images/{name}"

    def picture(self, wide: str, narrow: str | None, alt: str) -> str:
        """Return a figure as an element that loads its form for the reader's width."""
        source = (
            f'<source media="screen and {PHONE}" {self.attributes("srcset", narrow)}>'
            if narrow
            else ""
        )
        image = (
            f'<img alt="{escape(alt)}" loading="lazy" {self.attributes("src", wide)}>'
        )
        return f"<picture>{source}{image}</picture>"

    def attributes(self, name: str, svg: str) -> str:
        """Return a figure's address as an attribute, and its size as two more."""
        width, height = size(svg)
        return f'{name}="{self.place(svg)}" width="{width}" height="{height}"'


def size(svg: str) -> tuple[int, int]:
    """Return the width and the height that a figure has on a page."""
    if not (found := SIZE.match(svg)):
        raise ExtensionError(f"a figure without its size: {svg[:80]}")
    return int(found[1]), int(found[2])


def lay_in(output: Path, notebook: Notebook, page: str) -> None:
    """Let a notebook's figures and the pictures of its sliders lie in files.

    Args:
        output: The folder of the built book.
        notebook: Is changed in place.
        page: Its name.

    Raises:
        ExtensionError: If one of them cannot be shown in the dark.
    """
    files = Files(output, "../" * page.count("/"))
    try:
        for cell in notebook["cells"]:
            for shown in cell.get("outputs", []):
                show(shown, files)
        state = notebook["metadata"].get("widgets", {}).get(WIDGET_STATE, {})
        for model in state.get("state", {}).values():
            if isinstance(value := model["state"].get("value"), str):
                model["state"]["value"] = with_files(value, files)
    except ColourError as error:
        raise ExtensionError(f"{page}: {error}") from None


def show(output: dict[str, Any], files: Files) -> None:
    """Turn a figure among a cell's outputs into HTML that shows it."""
    data = output.get("data", {})
    wide, narrow = (data.pop(mime, None) for mime in (SVG, NARROW_SVG))
    if wide:
        alt = output.get("metadata", {}).get(SVG, {}).get("alt", "")
        shown = files.picture(joined(wide), narrow and joined(narrow), alt)
        if WIDGET_VIEW not in data:
            data["text/html"] = shown


def joined(text: str | list[str]) -> str:
    """Return a text that the format lets be a list of lines."""
    return "".join(text)


def with_files(html: str, files: Files) -> str:
    """Return what a slider shows, with files in place of the pictures in it."""
    return FRAME.sub(
        lambda frame: files.attributes(frame[1], base64.b64decode(frame[2]).decode()),
        html,
    )


def setup(app: Sphinx) -> dict:
    """Register what is done to a notebook before it is read."""
    app.connect("source-read", sources.changing(partial(lay_in, Path(app.outdir))))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
