"""A Sphinx extension for the landing page: its cards, and numbers that prove.

The directive ``{chapter-card}`` with a chapter's name puts that chapter's picture and
times around what is written in it. The role ``{count}`` writes how many there are of
something, counted anew by each build.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tools import ROOT
from tools.notebooks.files import chapters, read
from tools.site.cards import CARDS

NOT_COMPARED = {"nbval-ignore-output", "nbval-skip"}


def compared_cells() -> int:
    """Count the code cells that are executed again, and their outputs compared."""
    return sum(
        cell.cell_type == "code" and not NOT_COMPARED.intersection(_tags(cell))
        for path in chapters()
        for cell in read(path).cells
    )


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def exercises() -> int:
    """Count the exercises of all chapters."""
    return sum(
        len(re.findall(r"^### Exercise \d", cell.source, re.MULTILINE))
        for path in chapters()
        for cell in read(path).cells
        if cell.cell_type == "markdown"
    )


def published_figures() -> int:
    """Count the figures that are quoted from papers, each with its place there."""
    tables = (ROOT / "data" / name for name in ("papers.csv", "ilsvrc.csv"))
    return sum(
        len([*csv.DictReader(table.read_text("utf-8").splitlines())])
        for table in tables
    )


def functions_of_tests() -> int:
    """Count the functions that pytest calls; it calls many of them on many cases."""
    files = (ROOT / "code" / "tests").rglob("test_*.py")
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    )


def corrections() -> int:
    """Count the sentences of other texts that the book corrects."""
    text = (ROOT / "chapters" / "common-errors.md").read_text("utf-8")
    return len(re.findall("^### ", text, re.MULTILINE))


def recorded_runs() -> int:
    """Count the trainings that take too long for a chapter, kept with their origin."""
    return len([*(ROOT / "data" / "runs").rglob("*.json")])


COUNTS: dict[str, Callable[[], int]] = {
    "cells": compared_cells,
    "corrections": corrections,
    "exercises": exercises,
    "figures": published_figures,
    "runs": recorded_runs,
    "tests": functions_of_tests,
}


class Count(SphinxRole):
    """Write how many there are of what the role's text names."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the number."""
        return [nodes.Text(f"{COUNTS[self.text]():,}")], []


def times(chapter: str) -> str:
    """Return how long a chapter takes, as the page for teachers estimates it."""
    text = (ROOT / "chapters" / "teaching.md").read_text("utf-8")
    row = rf"^\| \[\d\]\({chapter}\.ipynb\) \| ([^|]+) \| ([^|]+) \|"
    [(alone, with_exercises)] = re.findall(row, text, re.MULTILINE)
    return f"{alone}, with exercises {with_exercises}"


class ChapterCard(SphinxDirective):
    """Put a chapter's picture above the content, and its times below."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the card."""
        chapter = self.arguments[0]
        card = nodes.container(classes=["chapter-card"])
        card += nodes.raw("", CARDS[chapter]().svg(), format="html")
        self.state.nested_parse(self.content, self.content_offset, card)
        card += nodes.paragraph("", times(chapter), classes=["times"])
        return [card]


def setup(app: Sphinx) -> dict:
    """Register the directive and the role."""
    app.add_directive("chapter-card", ChapterCard)
    app.add_role("count", Count())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
