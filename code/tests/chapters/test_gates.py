"""What a page calls right, before it shows a result, is what the chapter says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from playwright.sync_api import Page

from cnnbook import explorables
from cnnbook.explorables import Explorable
from tests.chapters import conventions
from tests.chapters.prose import numbers, stated, supported
from tests.explorables.stage import write
from tools import ROOT
from tools.browser.chromium import resize
from tools.notebooks.files import chapters, read
from tools.site import gates

PUBLISHED = conventions.published_numbers(ROOT / "data" / "papers.csv")
each_chapter = pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)


WIDTHS = (320, 358, 600, 688)
# How much more is kept free for each than it needs, before it is answered.
ROOM = """() => [...document.querySelectorAll("cnn-gate, cnn-answers")].map((each) => {
  each.live.style.minHeight = 0;
  const { height } = each.live.getBoundingClientRect();
  return Math.round(parseFloat(getComputedStyle(each).minHeight) - height);
})"""


def report(found: list[str]) -> None:
    """Fail with the whole list; pytest would show its first line."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def asking(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the cells that have a gate."""
    return (cell for cell in notebook.cells if "gate" in cell.metadata)


def hidden(notebook: NotebookNode, question: NotebookNode) -> list[NotebookNode]:
    """Return the cells that a gate hides, as the book's build does."""
    last, found = gates.end_of(notebook.cells, question), []
    for cell in notebook.cells[notebook.cells.index(question) + 1 :]:
        stops = "gate" in cell.metadata or gates.is_heading(cell)
        if stops and cell.id != last:
            break
        found.append(cell)
        if cell.id == last:
            break
    return found


def right(question: dict[str, Any]) -> str:
    """Return what a question calls right, as a text."""
    kind, answer = question["kind"], question["right"]
    if kind == "choose":
        said = [question["options"][place] for place in answer]
    elif kind == "order":
        said = question.get("values", [])
    elif kind == "number":
        said = answer if isinstance(answer, list) else [answer]
    else:
        said = [value for curve in answer.values() for value in curve]
    return " ; ".join(map(str, [*said, question["because"]]))


@each_chapter
def test_each_prediction_has_a_gate_and_each_gate_a_prediction(path: Path) -> None:
    report(
        [
            f"{path.name}, {cell.id}: {'no' if asked else 'only'} gate for a prediction"
            for cell in read(path).cells
            if (asked := gates.QUESTION in cell.source) != ("gate" in cell.metadata)
        ]
    )


@each_chapter
def test_each_gate_is_a_good_one_and_hides_something(path: Path) -> None:
    notebook, found = read(path), []
    for cell in asking(notebook):
        try:
            explorables.show("gate", *cell.metadata.gate.questions)
        except ValueError as error:
            found.append(f"{path.name}, {cell.id}: {error}")
        result, last = hidden(notebook, cell), cell.metadata.gate.get("until")
        if not result or (last and result[-1].id != last):
            found.append(f"{path.name}, {cell.id}: nothing is hidden, or not to {last}")
    report(found)


@each_chapter
def test_what_a_gate_calls_right_stands_in_its_result(path: Path) -> None:
    notebook, found = read(path), []
    for cell in asking(notebook):
        result = hidden(notebook, cell)
        shown = NotebookNode(cells=result, metadata=notebook.metadata)
        known = {*PUBLISHED, *conventions.printed(shown)}
        known |= {number.value for each in result for number in numbers(each.source)}
        for question in cell.metadata.gate.questions:
            found += [
                f"{path.name}, {cell.id}: {number.text} is not in the result"
                for number in stated(right(question))
                if not supported(number, known)
            ]
    report(found)


@each_chapter
def test_answers_are_those_of_the_exercises(path: Path) -> None:
    notebook = read(path)
    for answers in (
        cell.metadata.answers for cell in notebook.cells if "answers" in cell.metadata
    ):
        assert gates.fields(answers, gates.exercise_cases(notebook.cells)).data["rows"]
        assert any(f"check({answers.name}, " in cell.source for cell in notebook.cells)


@each_chapter
def test_the_recall_exercise_is_answered_in_the_page(path: Path) -> None:
    recalls = [
        cell for cell in read(path).cells if "### Exercise 1 · Recall" in cell.source
    ]
    assert ["answers" in cell.metadata for cell in recalls] == [True]


def shown(notebook: NotebookNode) -> Iterator[Explorable]:
    """Yield what a chapter's page asks, one after another."""
    cases = gates.exercise_cases(notebook.cells)
    for cell in notebook.cells:
        if "gate" in cell.metadata:
            yield explorables.show("gate", *cell.metadata.gate.questions)
        if "answers" in cell.metadata:
            yield gates.fields(cell.metadata.answers, cases)


@pytest.mark.browser
@each_chapter
def test_the_height_that_is_kept_free_fits(
    page: Page, tmp_path: Path, path: Path
) -> None:
    style = (
        "<style>body { margin: 0; } cnn-gate, cnn-answers { display: block; }</style>"
    )
    asked = list(shown(read(path)))
    page.goto(write(tmp_path, *asked, head=style))
    page.wait_for_function(
        "() => !document.querySelector('cnn-gate:not([started])') &&"
        "!document.querySelector('cnn-answers:not([started])')"
    )
    for width in WIDTHS:
        resize(page, width)
        room = zip(asked, page.evaluate(ROOM), strict=True)
        report(
            [
                f"{each.alt}: {left} px left at {width}"
                for each, left in room
                if not 0 <= left <= 75
            ]
        )
