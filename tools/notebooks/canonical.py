"""The one form in which the book's notebooks are kept.

Running a notebook changes much that says nothing: random widget ids, times, memory
addresses, the Python version. `canonicalise` takes all of it away, so that a diff
shows what changed in the chapter and two runs give the same bytes.
"""

import copy
import itertools
import json
import re
from collections.abc import Iterable

import nbformat
from nbformat import NotebookNode

from tools.notebooks import folding

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

COMMAND = ".venv/bin/python -m tools.notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# What the book writes there. All else is an editor's own: times, ids, views, versions.
NOTEBOOK_KEYS = ("kernelspec", "language_info", "widgets")
CELL_KEYS = ("answers", "gate", "mystnb", "printed", "tags")
COLAB_MIME = "application/vnd.google.colaboratory"  # begins those that only it shows

ADDRESS = re.compile(r"(?<= at )0x[0-9a-fA-F]+")
STYLER_ID = re.compile(r"\bT_[0-9a-f]{5}(?![0-9a-f])")
PROGRESS_BAR = re.compile(r"\r*[^\r\n]*(?:\d%\|.*?\||\dit \[)[^\r\n]*[\r\n]*")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class UnsavedWidgetError(ValueError):
    """An output shows a widget whose state the notebook does not hold."""


def canonicalise(notebook: NotebookNode) -> NotebookNode:
    """Return the canonical form of `notebook`, which is left as it is.

    The function is idempotent. Ids of cells are kept, so that moving a cell does not
    touch its neighbours; a missing or repeated one becomes ``cell-`` and a number.

    Raises:
        UnsavedWidgetError: If the editor that saved the notebook ran a slider's cell
            and did not save the slider.
    """
    notebook = copy.deepcopy(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = _only(notebook.metadata, NOTEBOOK_KEYS)
    notebook.metadata.kernelspec = NotebookNode(KERNEL)
    notebook.metadata.language_info = NotebookNode(name="python")
    _name_cells(notebook.cells)
    for cell in notebook.cells:
        cell.source = cell.source.replace("\r\n", "\n")
        cell.metadata = _canonical_metadata(cell)
        if not cell.get("attachments", True):
            del cell["attachments"]
        if cell.cell_type == "code":
            cell.outputs = _canonical_outputs(cell.outputs)
            _describe_images(cell)
    _count_executions(notebook.cells)
    _rename_styler_ids(notebook.cells)
    _rename_widgets(notebook)
    return notebook


def where(notebook: NotebookNode, cell: NotebookNode) -> str:
    """Name a cell for a complaint: its place, counted from one, and its id."""
    return f"cell {notebook.cells.index(cell) + 1} ({cell.get('id', 'no id')})"


def parse(text: str) -> NotebookNode:
    """Read a notebook from its JSON text, adding nothing (nbformat adds random ids)."""
    return nbformat.v4.reads(text)


def serialise(notebook: NotebookNode) -> str:
    """Return the text of a valid notebook as Jupyter writes it; raise if invalid."""
    nbformat.validate(notebook)
    return nbformat.v4.writes(notebook) + "\n"


def _only(metadata: NotebookNode, keys: Iterable[str]) -> NotebookNode:
    return NotebookNode({key: metadata[key] for key in keys if key in metadata})


def _canonical_metadata(cell: NotebookNode) -> NotebookNode:
    """Keep of a cell's metadata what the book says there, and no empty values.

    Whether code is folded is said by its first line alone.
    """
    kept = _only(cell.metadata, CELL_KEYS)
    if cell.cell_type == "code":
        kept = NotebookNode(folding.metadata(cell.source, kept))
    kept.tags = sorted(set(kept.get("tags", [])))
    return NotebookNode({key: value for key, value in kept.items() if value})


def _name_cells(cells: list[NotebookNode]) -> None:
    for cell in cells:
        if "id" in cell.metadata:  # where Colab keeps it
            cell.setdefault("id", cell.metadata.id)
    taken = {cell.get("id") for cell in cells}
    seen = set()
    for cell in cells:
        if not cell.get("id") or cell.id in seen:
            names = (f"cell-{number:03}" for number in itertools.count(1))
            cell.id = next(name for name in names if name not in taken)
            taken.add(cell.id)
        seen.add(cell.id)


def _count_executions(cells: list[NotebookNode]) -> None:
    counter = itertools.count(1)
    for cell in cells:
        if cell.cell_type != "code" or cell.execution_count is None:
            continue
        cell.execution_count = next(counter)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count


def _canonical_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stderr":
                output.text = PROGRESS_BAR.sub("", output.text)
                if output.text.isspace():  # what wipes a bar out
                    continue
            last = kept[-1] if kept else None
            if last and (last.output_type, last.get("name")) == ("stream", output.name):
                last.text += output.text
            elif output.text:
                kept.append(output)
        elif output.output_type == "error" or any(output.data.values()):
            kept.append(output)  # of a bar of progress, nothing is left
    for output in kept:
        if output.output_type == "error":
            # The frames of libraries hold paths and lines of one machine.
            output.traceback = [
                frame
                for frame in output.traceback
                if not ANSI.sub("", frame).startswith("File ")
            ]
        _replace_addresses(output)
    return kept


def _describe_images(cell: NotebookNode) -> None:
    """Give images the alternative text of their cell, where `nbconvert` looks for it.

    A slider says itself what its first picture shows. Images become one line of text:
    some versions of IPython end it, and break it, with newlines.
    """
    of_cell = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
    for output in cell.outputs:
        if "data" not in output:
            continue
        brought, output.metadata = output.get("metadata", {}), NotebookNode()
        of_slider = (
            output.data.get("text/plain") if WIDGET_VIEW in output.data else None
        )
        for mime in [*output.data]:
            if mime.startswith(COLAB_MIME):
                del output.data[mime]
            elif mime.startswith("image/"):
                if mime != "image/svg+xml":
                    output.data[mime] = "".join(output.data[mime].split())
                alt = of_cell or brought.get(mime, {}).get("alt") or of_slider
                if alt:
                    output.metadata[mime] = NotebookNode(alt=alt)


def _replace_addresses(output: NotebookNode) -> None:
    for key in ("text", "evalue"):
        if key in output:
            output[key] = ADDRESS.sub("0x0", output[key])
    if "traceback" in output:
        output.traceback = [ADDRESS.sub("0x0", frame) for frame in output.traceback]
    for mime, value in output.get("data", {}).items():
        if mime.startswith("text/"):
            output.data[mime] = ADDRESS.sub("0x0", value)


def _rename_styler_ids(cells: list[NotebookNode]) -> None:
    """Number the random ids that pandas' Styler gives its tables."""
    names: dict[str, str] = {}

    def name(match: re.Match) -> str:
        return names.setdefault(match[0], f"T_{len(names) + 1:05x}")

    for cell in cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = STYLER_ID.sub(name, data["text/html"])


def _rename_widgets(notebook: NotebookNode) -> None:
    """Number widget models in the order in which the page refers to them.

    Models that no output leads to are dropped, except links (`jslink`): nothing refers
    to a link, it refers to the two models that it joins.
    """
    state = _saved_models(notebook.metadata.pop("widgets", {}).get(WIDGET_STATE, {}))
    names: dict[str, str] = {}

    def reach(node, place: str = "") -> None:
        for model in _references(node):
            if model not in state:
                raise UnsavedWidgetError(
                    f"{place}: its widget has no saved state: run `{COMMAND} execute`"
                )
            if model not in names:
                names[model] = f"{len(names) + 1:032x}"
                reach(state[model], place)

    for cell in notebook.cells:
        reach(cell.get("outputs", []), where(notebook, cell))
    links = [
        model
        for model, content in state.items()
        if content["model_name"] in ("LinkModel", "DirectionalLinkModel")
        and all(end in names for end in _references(content))
    ]

    def ends(link: str) -> str:
        return json.dumps(_renamed(state[link], names), sort_keys=True)

    reach([f"IPY_MODEL_{link}" for link in sorted(links, key=ends)])
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = _renamed(cell.outputs, names)
    if names:
        bundle = {"state": {}, "version_major": 2, "version_minor": 0}
        for old, new in names.items():
            bundle["state"][new] = _compact(_renamed(state[old], names))
        notebook.metadata.widgets = NotebookNode({WIDGET_STATE: NotebookNode(bundle)})


def _saved_models(bundle: NotebookNode) -> dict[str, NotebookNode]:
    """Return the saved widgets by their ids, which Colab lays one level higher."""
    nodes = {**bundle, **bundle.get("state", {})}
    return {
        name: node
        for name, node in nodes.items()
        if isinstance(node, dict) and "model_name" in node
    }


def _references(node):
    """Yield the model ids that a piece of a notebook holds, in a fixed order."""
    if isinstance(node, str):
        if node.startswith("IPY_MODEL_"):
            yield node.removeprefix("IPY_MODEL_")
    elif isinstance(node, dict):
        if WIDGET_VIEW in node:
            yield node[WIDGET_VIEW]["model_id"]
        for key in sorted(node):
            yield from _references(node[key])
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _renamed(node, names: dict[str, str]):
    if isinstance(node, str) and node.startswith("IPY_MODEL_"):
        model = node.removeprefix("IPY_MODEL_")
        return f"IPY_MODEL_{names.get(model, model)}"
    if isinstance(node, dict):
        renamed = {key: _renamed(value, names) for key, value in node.items()}
        if WIDGET_VIEW in renamed:
            view = renamed[WIDGET_VIEW]
            view["model_id"] = names.get(view["model_id"], view["model_id"])
        return NotebookNode(renamed)
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    return node


def _compact(model: NotebookNode) -> NotebookNode:
    """Leave out a layout's unset traits: 40 lines a widget, and null is the default."""
    if model.model_name == "LayoutModel":
        model.state = NotebookNode(
            {key: value for key, value in model.state.items() if value is not None}
        )
    return model
