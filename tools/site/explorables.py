"""A Sphinx extension that lays explorables into the pages.

In a notebook an explorable's output holds all that it needs: scripts, data, a picture.
In the book each script lies in a file that all pages share, and so does each large part
of the data; ``_static/book.js`` loads them when the reader comes near. The directive
``{explorable}`` with a name puts one into a page that is not a notebook. A link of an
explorable to a section of the book online becomes one to the page beside it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

SCRIPT = re.compile(r'<script data-script="([\w-]+)">(.*?)</script>', re.DOTALL)
# The element, and the scripts it needs, in the order in which they run.
EXPLORABLE = re.compile(
    rf"<cnn-(?P<element>(?:(?!<cnn-).)*?</cnn-[\w-]+></div>)(?P<scripts>(?:{SCRIPT.pattern})+)",
    re.DOTALL,
)
DATA = re.compile(r' data-part="([^"]*)">(.*?)</script>', re.DOTALL)
PICTURE = re.compile(r'src="data:image/png;base64,([A-Za-z0-9+/=]+)"')
LARGE = 2000  # characters of data that are worth a file
FOLDER = Path("_static", "explorables")
logger = logging.getLogger(__name__)


def link(app: Sphinx, page: str, root: str, html: str) -> str:
    """Let links to sections of the book online lead there from this very copy.

    The names of sections are those that links in the sources have.

    Args:
        page: The page that the HTML stands in, named if a link leads nowhere.
        root: What leads from that page to the book's folder.
    """

    def relative(address: re.Match) -> str:
        target, name = address.groups()
        sections = app.env.metadata[target].get("myst_slugs", {})
        if name not in sections:
            logger.warning("no section #%s in %s", name, target, location=page)
            return address[0]
        _, place, _ = sections[name]
        return f'"{root}{target}.html#{place}"'

    base = re.escape(app.config.html_baseurl)
    return re.sub(rf'"{base}([\w/-]+)\.html#([\w-]+)"', relative, html)


def lift(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Move the scripts, the data and the pictures of a page's explorables to files."""
    root = context.get("content_root", "")

    def place(name: str, suffix: str, content: bytes) -> str:
        """Write a file whose name says what is in it; return its address."""
        digest = hashlib.sha256(content).hexdigest()[:12]
        file = FOLDER / f"{name}.{digest}{suffix}"
        target = Path(app.outdir, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return root + file.as_posix()

    def without_data(part: re.Match) -> str:
        name, content = part.groups()
        if len(content) < LARGE:
            return part[0]
        digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        text = f'(globalThis.cnnbookParts??={{}})["{digest}"]={content}'
        address = place(name or "data", ".js", text.encode())
        return (
            f' data-part="{name}" data-file="{address}" data-key="{digest}"></script>'
        )

    def with_file(picture: re.Match) -> str:
        content = base64.b64decode(picture[1])
        width, height = Image.open(io.BytesIO(content)).size
        address = place("still", ".png", content)
        return f'src="{address}" width="{width}" height="{height}"'

    def lifted(explorable: re.Match) -> str:
        scripts = " ".join(
            place(name, ".js", text.encode())
            for name, text in SCRIPT.findall(explorable["scripts"])
        )
        element = link(app, page, root, explorable["element"])
        element = DATA.sub(without_data, element)
        element = PICTURE.sub(with_file, element)
        name, rest = element.split(" ", 1)
        return f'<cnn-{name} data-scripts="{scripts}" {rest}'

    context["body"] = EXPLORABLE.sub(lifted, context.get("body", ""))


class Show(SphinxDirective):
    """Put an explorable, named by the argument, into a page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the same HTML that a notebook's cell would show."""
        from cnnbook import explorables  # torch takes two seconds to import

        html = explorables.show(self.arguments[0]).html()
        return [nodes.raw("", html, format="html")]


def setup(app: Sphinx) -> dict:
    """Register the directive, and what is done to each page."""
    app.add_directive("explorable", Show)
    # Before the pages are made light.
    app.connect("html-page-context", lift, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
