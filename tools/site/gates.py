"""A Sphinx extension that lays questions into the pages, and hides what they ask for.

A notebook's Markdown cell may say in its metadata

- ``"gate": {"questions": [...], "until": "cell-id"}``: the reader is asked before the
  result is shown (``cnnbook.explorables.gate`` says what a question is). The result is
  all that follows up to that cell, or, without ``until``, up to the cell that begins
  with "What happened", the next question or the next heading, whichever is first;
- ``"answers": {"name": "learns", ...}``: an exercise's answers may be typed into the
  page; the cases are those of the exercise (``cnnbook.explorables.answers``).

The notebook holds no more than that: in Colab the reader runs the cells himself. What
a stub prints before it is filled in is left out of the page.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from tools.site import sources
from tools.site.sources import Cell, Notebook, html, text

QUESTION, ANSWER = "Predict first", "**What happened.**"
HEADING = re.compile(r"^#+ ", re.M)
END = "<!-- the result ends -->"
UNANSWERED = re.compile(r"^\w+: not attempted yet\n?", re.M)
CASES = re.compile(r"^from cnnbook\.exercises import (\w+) as cases$", re.M)
RESULT = re.compile(r'<cnn-gate .*"result":"([^"]+)"', re.S)
HIDE = "<script>hideResult(document.currentScript.parentElement)</script>"
SWITCH = (
    '<p class="gates-switch"><label><input type="checkbox"> Show all results without '
    "asking ({count} predictions)</label></p>"
)


def lay_in(notebook: Notebook, page: str) -> None:
    """Lay the questions of a notebook into its page."""
    chapter = page.rpartition("/")[2]
    notebook["cells"] = list(with_questions(notebook["cells"], chapter))


def with_questions(cells: list[Cell], chapter: str) -> Iterator[Cell]:
    """Yield a notebook's cells with what their metadata asks for among them."""
    from cnnbook import explorables  # torch takes two seconds to import

    ends = {last for cell in cells if (last := end_of(cells, cell))}
    count = sum("gate" in cell["metadata"] for cell in cells)
    cases = exercise_cases(cells)
    for cell in cells:
        if count and text(cell).startswith("## "):
            yield html("gates-switch", SWITCH.format(count=count))
            count = 0
        yield without_unanswered(cell)
        if cell["id"] in ends:
            yield html(f"{cell['id']}-end", END)
        if gate := cell["metadata"].get("gate"):
            result = f"result-{chapter}-{cell['id']}"
            shown = explorables.show("gate", *gate["questions"], result=result)
            yield html(f"{cell['id']}-gate", shown.html())
        if answers := cell["metadata"].get("answers"):
            yield html(f"{cell['id']}-answers", fields(answers, cases).html())


def fields(answers: dict[str, Any], cases: Any) -> Any:
    """Return the explorable that takes the answers to an exercise."""
    from cnnbook import explorables  # torch takes two seconds to import

    options = dict(answers)
    name = options.pop("name")
    return explorables.show("answers", name, getattr(cases, name)(), **options)


def end_of(cells: list[Cell], question: Cell) -> str | None:
    """Return the id of the last cell that a question hides, if one ends it."""
    gate = question["metadata"].get("gate")
    if not gate or "until" in gate:
        return gate and gate["until"]
    for cell in cells[cells.index(question) + 1 :]:
        if text(cell).startswith(ANSWER):
            return cell["id"]
        if "gate" in cell["metadata"] or is_heading(cell):
            return None
    return None


def is_heading(cell: Cell) -> bool:
    """Tell whether a cell holds a heading."""
    return cell["cell_type"] == "markdown" and bool(HEADING.search(text(cell)))


def exercise_cases(cells: list[Cell]) -> Any:
    """Return the module that has the cases of a notebook's exercises, if it has one."""
    found = [match for cell in cells if (match := CASES.search(text(cell)))]
    return found and importlib.import_module(f"cnnbook.exercises.{found[0][1]}")


def without_unanswered(cell: Cell) -> Cell:
    """Return a cell without the lines in which a stub says that it is one."""
    outputs = []
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            left = UNANSWERED.sub("", "".join(output["text"]))
            if not left:
                continue
            output = output | {"text": left}
        outputs.append(output)
    return cell | {"outputs": outputs} if "outputs" in cell else cell


def wrap_results(app: Sphinx, tree: nodes.document) -> None:
    """Put each result into an element that can be hidden."""
    for gate in list(tree.findall(nodes.raw)):
        if found := RESULT.search(gate.astext()):
            wrap(gate, found[1])


def wrap(gate: nodes.raw, name: str) -> None:
    """Move what follows a gate into its result, which hides itself by a script."""
    siblings = gate.parent.children
    begin = siblings.index(gate) + 1
    end = begin
    while end < len(siblings) and not is_end(siblings[end]):
        end += 1
    hide = nodes.raw("", HIDE, format="html")
    result = nodes.container("", hide, *siblings[begin:end], ids=[name])
    result["classes"].append("gate-result")
    gate.parent[begin:end] = [result]


def is_end(node: nodes.Node) -> bool:
    """Tell whether a result ends before a node: a heading, a question, its end."""
    if isinstance(node, nodes.paragraph):
        return any(
            each.astext().startswith(QUESTION) for each in node.findall(nodes.strong)
        )
    return isinstance(node, nodes.section) or node.astext() == END


def setup(app: Sphinx) -> dict:
    """Register what is done to a notebook, and to what has been read of it."""
    app.connect("source-read", sources.changing(lay_in))
    app.connect("doctree-read", wrap_results)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
