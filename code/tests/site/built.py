"""The built pages, read once for all tests."""

from __future__ import annotations

import functools

from bs4 import BeautifulSoup

from tools.browser.server import HTML

# index.html only forwards to the landing page.
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if path.name != "index.html" and "_static" not in path.parts
)
CHAPTERS = [name for name in PAGES if "chapters/0" in name]


@functools.cache
def read(name: str) -> BeautifulSoup:
    """Return a page, such as ``chapters/01-lenet.html``."""
    return BeautifulSoup((HTML / name).read_text(), "html.parser")
