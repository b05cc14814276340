"""A Sphinx extension for the top of a chapter's page: it shows before it tells.

Below the title stands the opening, the cells of the notebook that are tagged so; then
the question; then one folded line that holds "Learning goals" and "Setup", and says
what the reader will learn, what he needs, and how long he will read; then what he may
switch. The notebook keeps its order, in which it runs.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx

from tools.notebooks import folding
from tools.site import folds, reading, sources
from tools.site.sources import Cell, Notebook

OPENING, QUESTION = "<!-- the opening begins -->", "<!-- the question begins -->"
FOLDED = ("learning-goals", "setup")  # sections, by their anchors
# The first goal up to where it goes on; what is needed up to where that is explained.
GOAL, NEEDS = re.compile(r"[^,;:.]+"), re.compile(r"You need ([^:;.]+)")
NUMBERS = "no one two three four five six seven eight nine".split()
SWITCH = (
    '<fieldset class="code-switch"><legend>Code</legend>'
    + "".join(
        f'<label title="{meaning}"><input type="radio" name="code" value="{mode}"'
        f"{' checked' if mode == 'key' else ''}> {mode}</label>"
        for mode, meaning in {
            "key": "the cells whose code teaches stand open",
            "all": "all code stands open, but solutions do not",
            "none": "no code; figures, tables and checks remain",
        }.items()
    )
    + "</fieldset>"
)


def move_opening(notebook: Notebook, page: str) -> None:
    """Put a notebook's opening below its title."""
    notebook["cells"] = list(opening_first(notebook["cells"]))


def opening_first(cells: list[Cell]) -> Iterator[Cell]:
    """Yield a notebook's cells, those of the opening between title and question."""
    opening = [cell for cell in cells if "opening" in folding.tags(cell)]
    if not opening:
        yield from cells
        return
    first, *others = cells
    title, _, question = sources.text(first).partition("\n")
    yield first | {"source": title}
    yield sources.html("opening-begins", OPENING)
    yield from opening
    yield sources.html("question-begins", QUESTION)
    yield first | {"id": "question", "source": question.lstrip("\n")}
    yield from (cell for cell in others if cell not in opening)


def arrange(app: Sphinx, tree: nodes.document) -> None:
    """Put the opening, the folded line and the switches of a chapter into elements."""
    chapter = next(iter(tree.findall(nodes.section)), None)
    sections = folded_sections(chapter) if chapter else []
    if not sections:
        return
    wrap_opening(chapter)
    place = chapter.index(sections[0])
    switches = nodes.container("", nodes.raw("", SWITCH, format="html"))
    switches["classes"].append("chapter-switches")
    if is_gates_switch(chapter[place - 1]):
        place -= 1
        switches += chapter[place]
        del chapter[place]
    for section in sections:
        chapter.remove(section)
    said = line(sections[0], reading.minutes(chapter))
    chapter[place:place] = [folds.folded("chapter-needs", said, *sections), switches]


def folded_sections(chapter: nodes.section) -> list[nodes.section]:
    """Return the sections that become one line, if a page is a chapter."""
    found = [
        each
        for each in chapter.findall(nodes.section)
        if each.parent is chapter and set(FOLDED) & set(each["ids"])
    ]
    return found if len(found) == len(FOLDED) else []


def is_gates_switch(node: nodes.Node) -> bool:
    """Tell whether a node is the switch of the chapter's questions."""
    return isinstance(node, nodes.raw) and 'class="gates-switch"' in node.astext()


def wrap_opening(chapter: nodes.section) -> None:
    """Put what stands between the opening's two marks into an element of its own."""
    places = {node.astext(): chapter.index(node) for node in chapter.children}
    if OPENING not in places:
        return
    begin, end = places[OPENING], places[QUESTION]
    shown = nodes.container("", *chapter[begin + 1 : end], classes=["opening"])
    chapter[begin : end + 1] = [shown]


def line(goals: nodes.section, minutes: float) -> str:
    """Return the HTML of the line that says what a chapter teaches, and what it asks.

    Args:
        goals: The section "Learning goals".
        minutes: How long the chapter takes to read.
    """
    learnt = [item.astext() for item in goals.findall(nodes.list_item)]
    first = GOAL.match(learnt[0])[0].strip()
    others = len(learnt) - 1
    more = f", and {NUMBERS[others]} things more" if others > 1 else ""
    needed = NEEDS.search(goals.astext())
    parts = [f"<strong>You will learn</strong> to {html.escape(first)}{more}"]
    if needed:
        what = html.escape(" ".join(needed[1].split()))
        parts.append(f"<strong>you need</strong> {what}")
    parts.append(
        f'<span title="{reading.METHOD}; without the exercises">about '
        f"<strong>{reading.rounded(minutes)} minutes</strong></span>"
    )
    return " · ".join(parts)


def setup(app: Sphinx) -> dict:
    """Register what is done to a notebook, and to what has been read of it."""
    app.connect("source-read", sources.changing(move_opening))
    # After the contents have been collected, which know sections only in sections, and
    # after results have been wrapped.
    app.connect("doctree-read", arrange, priority=700)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
