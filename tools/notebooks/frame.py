"""What the page needs of a chapter's cells, as functions that list what is missing.

The conventions are those of CONTRIBUTING.md, under "Code on the page".
"""

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tools.notebooks import folding
from tools.notebooks.canonical import where

KEY_CELLS = range(8, 13)  # of a chapter: fewer teach no code, more hide what shows
MAX_TITLE = 60  # characters: a line of a phone and a half
ASSERTS = re.compile(r"^\s*assert\b|\b(?:check|expect\w*|assert_\w+)\(", re.M)
STUB = re.compile(r"#.*\byour code here\b")


def faults(notebook: NotebookNode) -> list[str]:
    """List what a chapter's frame lacks."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        *_key_cells(code),
        *_opening(notebook.cells),
        *(
            f"{where(notebook, cell)}: tagged 'curious', and no heading "
            f"'### {folding.FOR_THE_CURIOUS}…'"
            for cell in notebook.cells
            if folding.CURIOUS in folding.tags(cell)
            and not cell.source.startswith(f"### {folding.FOR_THE_CURIOUS}")
        ),
        *(
            f"{where(notebook, cell)}: {fault}"
            for cell in code
            for fault in (*_title(cell), *_check(cell), *_exercise(cell))
        ),
    ]


def _key_cells(code: list[NotebookNode]) -> Iterator[str]:
    count = sum(folding.kind(cell) == "key" for cell in code)
    if count not in KEY_CELLS:
        yield (
            f"{count} key cells, not {KEY_CELLS[0]} to {KEY_CELLS[-1]}: fold the "
            "others with a first line '# @title …'"
        )


def _opening(cells: list[NotebookNode]) -> Iterator[str]:
    if not any("opening" in folding.tags(cell) for cell in cells):
        yield "no cell tagged 'opening': the page begins with what it shows"


def _title(cell: NotebookNode) -> Iterator[str]:
    title = folding.title(cell.source)
    if folding.kind(cell) == "setup" or not title:
        return
    if len(title) > MAX_TITLE:
        yield f"a title of {len(title)} characters, more than {MAX_TITLE}: {title!r}"
    if title.endswith("."):
        yield f"a title that ends with a full stop: {title!r}"


def _check(cell: NotebookNode) -> Iterator[str]:
    if folding.kind(cell) != "check":
        return
    if not folding.title(cell.source):
        yield "a check without a title that says what holds"
    if not ASSERTS.search(cell.source):
        yield "a check that asserts nothing"
    if any(output.output_type == "error" for output in cell.outputs):
        yield "a check that fails"


def _exercise(cell: NotebookNode) -> Iterator[str]:
    tagged = folding.kind(cell) == "exercise"
    if bool(STUB.search(cell.source)) != tagged:
        yield (
            "tagged 'exercise', and no line says '# your code here'"
            if tagged
            else "a stub that is not tagged 'exercise'"
        )
    if tagged and folding.title(cell.source):
        yield "a stub that is folded in the notebook, where it is to be filled in"
