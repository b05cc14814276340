"""A Sphinx extension that links each term of the glossary where a page first uses it.

The notebooks hold plain words, since a link to the glossary would lead nowhere in
Colab. The link shows the term's definition when the pointer rests on it.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

GLOSSARY = "chapters/glossary"
PAGES = re.compile(r"chapters/(0.*|common-errors|one-page|train-at-scale)")
# Words that have another meaning as often as the glossary's.
AMBIGUOUS = {"connection", "group", "process"}
# Where a word stands for itself, or leads somewhere already.
KEPT = (nodes.reference, nodes.literal, nodes.math, nodes.raw)


def definitions(app: Sphinx) -> dict[str, str]:
    """Return the terms in lower case, with the text of their definitions."""
    items = app.env.get_doctree(GLOSSARY).findall(nodes.definition_list_item)
    return {
        item[0].astext().lower(): item.next_node(nodes.definition).astext()
        for item in items
        if item[0].astext().lower() not in AMBIGUOUS
    }


def pattern(terms: list[str]) -> re.Pattern:
    """Return what matches any of the terms, the longest first, and its plural."""
    longest_first = sorted(terms, key=len, reverse=True)
    names = "|".join(re.escape(term).replace(r"\ ", r"\s+") for term in longest_first)
    return re.compile(rf"(?<![\w-])({names})(?:e?s)?(?![\w-])", re.IGNORECASE)


def link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put a link on the first use of each term in a page's paragraphs."""
    if app.builder.format != "html" or not PAGES.fullmatch(page):
        return
    meanings = definitions(app)
    places = app.env.get_domain("std").objects
    anchors = {
        name.lower(): id for (kind, name), (_, id) in places.items() if kind == "term"
    }
    address = app.builder.get_relative_uri(page, GLOSSARY)
    wanted = pattern(list(meanings))
    seen = set()
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for text in list(paragraph.findall(nodes.Text)):
            parents = ancestors(text)
            if any(isinstance(parent, KEPT) for parent in parents):
                continue
            parts, start = [], 0
            for found in wanted.finditer(text):
                term = " ".join(found[1].lower().split())
                if term in seen:
                    continue
                seen.add(term)
                link = nodes.reference(
                    "",
                    found[0],
                    internal=True,
                    refuri=f"{address}#{anchors[term]}",
                    reftitle=" ".join(meanings[term].split()),
                    classes=["term"],
                )
                parts += [nodes.Text(text[start : found.start()]), link]
                start = found.end()
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[start:])])


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """Return what a node stands in, from the inside out."""
    found = []
    while node := node.parent:
        found.append(node)
    return found


def setup(app: Sphinx) -> dict:
    """Register the step, which each page goes through before it is written."""
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
