"""Which of a notebook's code stands open, and the line that stands for the rest.

A code cell whose first line is ``# @title What the cell does`` is folded, on the page
and in Colab and JupyterLab; one without stands open. All else follows from that line
and from the cell's tags.
"""

import re
from typing import Any, Literal

Kind = Literal["key", "folded", "check", "exercise", "solution", "setup"]

TITLE = re.compile(r"^# @title (.+)(?:\n|$)")
SOLUTION = "Solution"
# The tag of a Markdown cell whose section the page folds, and how its heading begins.
CURIOUS, FOR_THE_CURIOUS = "curious", "For the curious: "
# What the title sets in a cell's metadata, so that each program folds it.
FOLDED_BY_TITLE = ("hide-input", "hide-cell")


def title(source: str) -> str:
    """Return what the line over a folded cell says; nothing if the cell is open."""
    found = TITLE.match(source)
    return found[1].strip() if found else ""


def code(source: str) -> str:
    """Return a cell's code without the line that names it."""
    return TITLE.sub("", source)


def tags(cell: dict[str, Any]) -> list[str]:
    """Return a cell's tags."""
    return cell["metadata"].get("tags", [])


def kind(cell: dict[str, Any]) -> Kind:
    """Say how the code of a cell is shown on the page.

    A key cell stands open, because its code teaches; all others are folded.
    """
    tagged = tags(cell)
    if "bootstrap" in tagged or "parameters" in tagged:
        return "setup"
    if "exercise" in tagged:
        return "exercise"
    if "check" in tagged:
        return "check"
    named = title("".join(cell["source"]))
    if named.startswith(SOLUTION):
        return "solution"
    return "folded" if named else "key"


def metadata(source: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a code cell's metadata with what its first line says of folding."""
    named = title(source)
    kept = {key: each for key, each in given.items() if key != "cellView"}
    kept["tags"] = [tag for tag in given.get("tags", []) if tag not in FOLDED_BY_TITLE]
    if named:
        fold = "hide-cell" if named.startswith(SOLUTION) else "hide-input"
        kept["tags"].append(fold)
        kept["cellView"] = "form"
    kept["jupyter"] = {"source_hidden": True} if named else {}
    return kept
