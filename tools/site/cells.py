"""A Sphinx extension that folds a chapter's code behind lines that say what it does.

`tools.notebooks.folding` says of each cell which kind it is. Key cells stand open, all
others are ``<details>``: a folded cell's code, a solution and a stub with all that they
print, and a check that holds as a badge. Where the cell shows a picture, or what moves,
the line stands below it. The reader's switch, *key | all | none*, and the page's memory
of it are in ``_static/book.js`` and ``_templates/layout.html``; without a script the
page shows key cells.
"""

from __future__ import annotations

import html
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from tools.notebooks import folding
from tools.site import folds

# An explorable, but no question and no field for an answer; or a slider.
MOVES = re.compile(r"<cnn-(?!gate|answers)|widget-view\+json")
DRAWN = re.compile(r"<(?:svg|img|picture)\b")
# What folds all of its cell, not only the code.
WHOLE = ("check", "exercise", "solution")
WORDS = {
    "key": "Code",
    "folded": "Code",
    "setup": "Code",
    "exercise": "Solve it in code",
    "solution": "Solution",
}


def is_code_cell(node: nodes.Node) -> bool:
    """Tell whether a node is a code cell of a notebook, with its code."""
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and node.children
        and node[0].get("nb_element") == "cell_code_source"
    )


def fold_cells(app: Sphinx, tree: nodes.document) -> None:
    """Fold the code of a page's cells, or with it what they print."""
    for cell in list(tree.findall(is_code_cell)):
        fold_cell(cell)


def fold_cell(cell: nodes.container) -> None:
    """Fold a cell by its kind, and take the line that names it out of its code.

    Raises:
        ExtensionError: If a check that the page would show as one that holds failed.
    """
    block = cell.next_node(nodes.literal_block)
    source = block.astext()
    kind = folding.kind({"metadata": cell["cell_metadata"], "source": source})
    code = folding.code(source)
    block.rawsource, block.children = code, [nodes.Text(code)]
    forget_hiding(cell)
    if kind == "check" and "Traceback" in cell.astext():
        raise ExtensionError(f"a check that fails: {source}")
    parts = list(cell.children) if kind in WHOLE else cell.children[:1]
    line = summary(kind, folding.title(source), code)
    folded = folds.folded("code", line, *parts, kind=kind)
    shown = [each for each in cell.children if each not in parts]
    cell.children = []
    cell += [*shown, folded] if any(map(shows, shown)) else [folded, *shown]


def forget_hiding(cell: nodes.container) -> None:
    """Let the notebook's tags not fold the cell a second time."""
    cell.attributes.pop("hide_mode", None)
    cell["classes"] = [name for name in cell["classes"] if "tag_hide" not in name]


def shows(node: nodes.Node) -> bool:
    """Tell whether a part of a page holds a picture, or something that moves."""
    return is_moving(node) or has_picture(node)


def is_moving(node: nodes.Node) -> bool:
    """Tell whether a part of a page holds an explorable or a slider."""
    return any(MOVES.search(raw.astext()) for raw in node.findall(nodes.raw))


def has_picture(node: nodes.Node) -> bool:
    """Tell whether a part of a page holds a picture, as a file or as HTML."""
    return any(node.findall(nodes.image)) or any(
        DRAWN.search(raw.astext()) for raw in node.findall(nodes.raw)
    )


def summary(kind: folding.Kind, title: str, code: str) -> str:
    """Return the HTML of the line that stands for folded code."""
    if kind == "check":
        return f'<span class="tick">✓</span> {html.escape(title)}'
    count = sum(bool(line.strip()) for line in code.splitlines())
    length = f"{count} line" if count == 1 else f"{count} lines"
    # The title of a solution says no more than that it is one.
    does = "" if kind == "solution" else html.escape(in_a_sentence(title))
    return " · ".join(filter(None, [WORDS[kind], does, length]))


def in_a_sentence(title: str) -> str:
    """Return a title as it goes on after a dot: a name keeps its capital."""
    first = title.split(" ", 1)[0]
    return title[:1].lower() + title[1:] if first[1:].islower() else title


def setup(app: Sphinx) -> dict:
    """Register what is done to each page when it has been read."""
    app.connect("doctree-read", fold_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
