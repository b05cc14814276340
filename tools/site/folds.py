"""A part of a page that the browser folds behind a line, without a script."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


class fold(nodes.Element):  # noqa: N801, as docutils names its nodes
    """What is folded behind its attribute `line`, which is HTML.

    Its attribute `kind` is that of a code cell, if it folds one; that of `key` is open.
    """


def folded(name: str, line: str, *parts: nodes.Node, kind: str = "") -> fold:
    """Return parts of a page, folded.

    Args:
        name: The class of the element.
        line: The HTML of the line that stands for the parts.
        parts: What is folded.
        kind: Of a code cell.
    """
    return fold("", *parts, classes=[name], line=line, kind=kind)


def begin(self: HTML5Translator, node: fold) -> None:
    """Begin the element that folds, with the line that stands for it."""
    (name,), kind = node["classes"], node["kind"]
    attributes = f' data-kind="{kind}"' if kind else ""
    opened = " open" if kind == "key" else ""
    self.body.append(f'<details class="{name}"{attributes}{opened}>\n')
    self.body.append(f"<summary>{node['line']}</summary>\n")


def end(self: HTML5Translator, node: fold) -> None:
    """End the element that folds."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict:
    """Register what folds."""
    app.add_node(fold, html=(begin, end))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
