"""How long a part of a page takes to read: an estimate, and what it counts."""

from __future__ import annotations

import math
from collections.abc import Iterator

from docutils import nodes

from tools.site import cells

WORDS_A_MINUTE = 200
# Minutes that it takes to look at a figure, to answer a question, to play with what
# moves.
FIGURE, GATE, EXPLORABLE = 0.5, 0.5, 1.5
METHOD = (
    f"{WORDS_A_MINUTE} words a minute, code not counted; half a minute for each figure "
    "and each prediction, one and a half for each thing to move"
)
TEXT = (nodes.title, nodes.paragraph, nodes.caption)
NOT_READ = {"setup", "exercises"}  # sections that a chapter's time leaves out


def minutes(node: nodes.Element) -> float:
    """Return the minutes that a part of a page takes, without exercises."""
    return sum(map(_own_minutes, _parts(node)))


def rounded(time: float) -> int:
    """Return the time in whole minutes, and at least one."""
    return max(1, math.floor(time + 0.5))


def _parts(node: nodes.Element) -> Iterator[nodes.Node]:
    """Yield all nodes but those of sections that are not read on."""
    if isinstance(node, nodes.section) and NOT_READ & set(node["ids"]):
        return
    yield node
    for child in node.children:
        if isinstance(child, nodes.Element):
            yield from _parts(child)


def _own_minutes(node: nodes.Node) -> float:
    if isinstance(node, TEXT):
        return len(node.astext().split()) / WORDS_A_MINUTE
    if isinstance(node, nodes.raw):
        return GATE if "<cnn-gate" in node.astext() else 0
    # An output in its formats, of which the page shows one.
    if node.get("nb_element") == "mime_bundle":
        if cells.is_moving(node):
            return EXPLORABLE
        return FIGURE if cells.has_picture(node) else 0
    return 0
