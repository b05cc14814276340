"""A Sphinx extension for the essential path: the sections to read if time is short.

``chapters/essential-path.md`` alone lists them, in numbered lists of links. The build
adds how long each of them takes, and all together, and puts a line at the end of each
section that leads on to the next.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from tools.site import reading

PAGE = "chapters/essential-path"
STOP = re.compile(r"^ *\d+\. +\[([^\]]+)\]\(([\w-]+)\.ipynb#([\w-]+)\):\s+(.+)$", re.M)
ABOUT_AN_HOUR = range(50, 76)  # minutes
logger = logging.getLogger(__name__)


class Stop(NamedTuple):
    """A section on the path: its heading, its page, its anchor there."""

    title: str
    page: str
    anchor: str


def stops(text: str) -> list[Stop]:
    """Return the sections that the path's page lists, in its order."""
    return [
        Stop(" ".join(title.split()), f"chapters/{chapter}", anchor)
        for title, chapter, anchor, _ in STOP.findall(text)
    ]


def read_path(app: Sphinx) -> list[Stop]:
    """Read the path from the book's sources."""
    return stops(Path(app.srcdir, f"{PAGE}.md").read_text("utf-8"))


def note_minutes(app: Sphinx, tree: nodes.document) -> None:
    """Note how long each section of a page takes to read."""
    app.env.metadata[app.env.docname]["cnnbook_minutes"] = {
        section["ids"][0]: reading.minutes(section)
        for section in tree.findall(nodes.section)
    }


def section_of(app: Sphinx, stop: Stop) -> tuple[str, float]:
    """Return the id of a stop's section, and the minutes that it takes."""
    known = app.env.metadata[stop.page]
    _, name, _ = known["myst_slugs"][stop.anchor]
    return name, known["cnnbook_minutes"][name]


def lead_on(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Put a line at the end of each section of a page that is on the path."""
    if app.builder.format != "html":
        return
    path = read_path(app)
    by_id = {section["ids"][0]: section for section in tree.findall(nodes.section)}
    for place, stop in enumerate(path):
        if stop.page == page:
            section = by_id[section_of(app, stop)[0]]
            section += line(app, path, place)


def line(app: Sphinx, path: list[Stop], place: int) -> nodes.paragraph:
    """Return the line that stands at the end of a section on the path."""
    here = path[place].page
    to_path = app.builder.get_relative_uri(here, PAGE)
    parts = [
        link("Essential path", to_path),
        nodes.Text(f" · {place + 1} of {len(path)}"),
    ]
    if place + 1 < len(path):
        following = path[place + 1]
        address = app.builder.get_relative_uri(here, following.page)
        name, _ = section_of(app, following)
        parts += [nodes.Text(" · next: "), link(following.title, f"{address}#{name}")]
    else:
        parts += [nodes.Text(" · you have walked all of it")]
    return nodes.paragraph("", "", *parts, classes=["path-line"])


def link(text: str, address: str) -> nodes.reference:
    """Return a link to a place in the book."""
    return nodes.reference("", text, internal=True, refuri=address)


def tell_minutes(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Say on the path's page how long each section takes, and all of them."""
    if page != PAGE or app.builder.format != "html":
        return
    path = read_path(app)
    items = list(tree.findall(nodes.list_item))
    times = [section_of(app, stop)[1] for stop in path]
    total = round(sum(times))
    if len(items) != len(path):
        logger.warning("%d of %d items are stops", len(path), len(items), location=page)
    if total not in ABOUT_AN_HOUR:
        logger.warning("the path takes %d minutes", total, location=page)
    for item, time in zip(items, times, strict=False):
        words = f" {reading.rounded(time)} min"
        item[0] += nodes.inline("", words, classes=["minutes"])
    said = (
        f"Together these {len(path)} sections take about {total} minutes "
        f"({reading.METHOD})."
    )
    introduction = next(iter(tree.findall(nodes.paragraph)))
    place = introduction.parent.index(introduction) + 1
    introduction.parent.insert(place, nodes.paragraph(text=said))


def setup(app: Sphinx) -> dict:
    """Register what is noted of each page, and the lines that are written into them."""
    app.connect("doctree-read", note_minutes, priority=650)
    # After the links to the glossary, which belong into the text.
    app.connect("doctree-resolved", lead_on, priority=600)
    app.connect("doctree-resolved", tell_minutes, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
