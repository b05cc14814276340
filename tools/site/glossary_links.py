"""A Sphinx extension that opens a term's meaning where a section first uses the term.

The notebooks hold plain words, since a link to the glossary would lead nowhere in
Colab. On the page the word is a button, quiet as a word. It opens the definition beside
it (a popover, which the browser itself opens and closes, by touch and keyboard, and
without our script), with a link into the glossary. A page has one definition of a term,
however many of its words open it.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

GLOSSARY = "chapters/glossary"
PAGES = re.compile(r"chapters/(0.*|common-errors|one-page|train-at-scale)")
# Words that have another meaning as often as the glossary's.
AMBIGUOUS = {"connection", "feature", "group", "head", "process", "score", "stage"}
# Where a word stands for itself, or leads somewhere already.
KEPT = (nodes.reference, nodes.literal, nodes.math, nodes.raw)
OPENER = re.compile(r'<button class="term" popovertarget="meaning-([\w-]+)"')
# A browser would begin a line with what follows a button.
FOLLOWED = re.compile(
    r'((?:<(em|strong)>)?<button class="term"[^>]*>[^<]*</button>(?(2)</\2>))'
    r"([.,;:!?)\]”’]+)"
)


class Term(nodes.inline):
    """A word that opens its meaning; ``name`` is its id in the glossary."""


def begin_term(writer: Any, node: Term) -> None:
    """Write the beginning of the button."""
    name = node["name"]
    writer.body.append(f'<button class="term" popovertarget="meaning-{name}">')


def end_term(writer: Any, node: Term) -> None:
    """Write the end of the button."""
    writer.body.append("</button>")


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
    """Make the first use of each term in a section's paragraphs open its meaning.

    Sections are those of the second level, and what stands before the first of them.
    """
    if app.builder.format != "html" or not PAGES.fullmatch(page):
        return
    wanted = pattern(list(definitions(app)))
    names = anchors(app)
    seen: dict[nodes.Node | None, set[str]] = {}
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for text in list(paragraph.findall(nodes.Text)):
            parents = ancestors(text)
            if any(isinstance(parent, KEPT) for parent in parents):
                continue
            parts, start = [], 0
            for found in wanted.finditer(text):
                term = " ".join(found[1].lower().split())
                known = seen.setdefault(section_of(parents), set())
                if term in known:
                    continue
                known.add(term)
                word = Term("", found[0], name=names[term])
                parts += [nodes.Text(text[start : found.start()]), word]
                start = found.end()
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[start:])])


def anchors(app: Sphinx) -> dict[str, str]:
    """Return the terms in lower case, with their ids in the glossary."""
    places = app.env.get_domain("std").objects
    return {
        name.lower(): id for (kind, name), (_, id) in places.items() if kind == "term"
    }


def section_of(parents: list[nodes.Node]) -> nodes.Node | None:
    """Return the section of the second level that has such ancestors inside it."""
    sections = [parent for parent in parents if isinstance(parent, nodes.section)]
    return sections[-2] if len(sections) > 1 else None


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """Return what a node stands in, from the inside out."""
    found = []
    while node := node.parent:
        found.append(node)
    return found


def add_meanings(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Add the meanings of a page's terms at its end, once each."""
    wanted = dict.fromkeys(OPENER.findall(context.get("body", "")))
    if not wanted:
        return
    context["body"] = FOLLOWED.sub(r'<span class="whole">\1\3</span>', context["body"])
    meanings = definitions(app)
    address = app.builder.get_relative_uri(page, GLOSSARY)
    by_name = {name: meanings[t] for t, name in anchors(app).items() if t in meanings}
    context["body"] += "".join(
        f'<div class="meaning" id="meaning-{name}" popover>'
        f"{escape(' '.join(by_name[name].split()))} "
        f'<a href="{address}#{name}">In the glossary</a></div>\n'
        for name in wanted
    )


def setup(app: Sphinx) -> dict:
    """Register the steps, the second after the search has read the page."""
    app.add_node(Term, html=(begin_term, end_term), text=(lambda *_: None,) * 2)
    app.connect("doctree-resolved", link_terms)
    app.connect("html-page-context", add_meanings, priority=850)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
