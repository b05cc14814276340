"""A Sphinx extension that marks in a page's contents what its sections hold.

A section with an explorable or a slider is marked as one with something to move, one
with a training, or with a result that the text looks back on, as an experiment. A
legend stands below the contents.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from tools.site import cells, gates

LINK = re.compile(r'(<a class="reference internal" href="#([\w-]+)">)(.*?)(</a>)', re.S)
TRAINS = re.compile(r"\btraining\.fit\w*\(")
# The sign, and what it says.
MARKS = {"moves": ("●", "something to move"), "experiment": ("▲", "an experiment")}


def note_marks(app: Sphinx, tree: nodes.document) -> None:
    """Note for each section of a page what is in it, but not in sections below it."""
    found = {
        section["ids"][0]: marks
        for section in tree.findall(nodes.section)
        if (marks := marks_of(section))
    }
    if any("nb_element" in node for node in tree.findall(nodes.container)):
        app.env.metadata[app.env.docname]["cnnbook_marks"] = found  # type: ignore


def marks_of(section: nodes.section) -> list[str]:
    """Return the marks of a section."""
    own = [node for node in section.children if not isinstance(node, nodes.section)]
    marks = []
    if any(map(cells.is_moving, own)):
        marks.append("moves")
    if any(map(is_experiment, own)):
        marks.append("experiment")
    return marks


def is_experiment(node: nodes.Node) -> bool:
    """Tell whether a part of a page trains a network, or says what happened."""
    said = any(
        strong.astext() == gates.ANSWER.strip("*")
        for strong in node.findall(nodes.strong)
    )
    return said or any(
        TRAINS.search(block.astext())
        for block in node.findall(nodes.literal_block)
        if block.parent.get("nb_element") == "cell_code_source"
    )


def mark(app: Sphinx, page: str, template: str, context: dict[str, Any], tree) -> None:
    """Put the marks beside the sections' names in the contents of a page."""
    marks = app.env.metadata.get(page, {}).get("cnnbook_marks", {})

    def marked(link: re.Match) -> str:
        begin, anchor, name, end = link.groups()
        signs = "".join(
            f' <span class="mark {kind}" title="{MARKS[kind][1]}">'
            f'<span aria-hidden="true">{MARKS[kind][0]}</span>'
            f'<span class="visually-hidden">({MARKS[kind][1]})</span></span>'
            for kind in marks.get(anchor, [])
        )
        return begin + name + signs + end

    if marks and "toc" in context:
        context["toc"] = LINK.sub(marked, context["toc"])
        kinds = {kind for each in marks.values() for kind in each}
        context["contents_legend"] = {
            kind: MARKS[kind] for kind in MARKS if kind in kinds
        }


def setup(app: Sphinx) -> dict:
    """Register what is noted of a page, and what is written into its contents."""
    app.connect("doctree-read", note_marks, priority=600)
    app.connect("html-page-context", mark, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
