"""A Sphinx extension that folds what is for the curious behind its heading.

A notebook's Markdown cell that is tagged ``curious`` begins with a heading of the third
level, "### For the curious: equation 9 is cross-entropy with an eleventh class". On the
page the whole section becomes one line, "For the curious · equation 9 is cross-entropy
with an eleventh class · 3 min", that unfolds without a script; a link into the section
and the browser's search open it, and paper shows it open. In the notebook it is a
section like any other.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx

from tools.notebooks import folding
from tools.site import folds, reading, sources
from tools.site.sources import Cell, Notebook

MARK = "<!-- for the curious -->"


def mark(notebook: Notebook, page: str) -> None:
    """Mark a notebook's sections that fold."""
    notebook["cells"] = list(with_marks(notebook["cells"]))


def with_marks(cells: list[Cell]) -> Iterator[Cell]:
    """Yield a notebook's cells, with a mark behind each that is tagged."""
    for cell in cells:
        yield cell
        if folding.CURIOUS in folding.tags(cell):
            yield sources.html(f"{cell['id']}-curious", MARK)


def fold_sections(app: Sphinx, tree: nodes.document) -> None:
    """Fold the section around each mark behind a line that says what is in it."""
    marks = [node for node in tree.findall(nodes.raw) if node.astext() == MARK]
    for each in marks:
        section = around(each)
        each.parent.remove(each)
        curious = folds.folded("curious", line(section))
        shorten(section)
        section.replace_self(curious)
        curious += section


def around(node: nodes.Node) -> nodes.section:
    """Return the section that a node is in."""
    while not isinstance(node, nodes.section):
        node = node.parent
    return node


def line(section: nodes.section) -> str:
    """Return the HTML of the line that stands for a section."""
    label, _, title = section[0].astext().partition(": ")
    minutes = reading.rounded(reading.minutes(section))
    return (
        f'{label}<span class="title"> · <strong>{html.escape(title)}</strong></span> · '
        f'<span title="{reading.METHOD}">{minutes} min</span>'
    )


def shorten(section: nodes.section) -> None:
    """Leave out of a heading what the line above it says."""
    first = next(iter(section[0].findall(nodes.Text)))
    title = first.astext().removeprefix(folding.FOR_THE_CURIOUS)
    first.parent.replace(first, nodes.Text(title[:1].upper() + title[1:]))


def setup(app: Sphinx) -> dict:
    """Register what is done to a notebook, and to what has been read of it."""
    app.connect("source-read", sources.changing(mark))
    # After the contents have been collected, which know sections only in sections, and
    # after the minutes of all sections have been noted.
    app.connect("doctree-read", fold_sections, priority=690)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
