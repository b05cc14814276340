"""A Sphinx extension that lays the most telling picture of a slider into the page.

It is for paper, where nothing moves. A code cell says in its metadata at which labels
its sliders stand there: ``"printed": ["512×512", "4,096"]``; where it does not, they
stand at their first.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from tools.site.light import WIDGET_VIEW, Models, before_sliders


def sliders(models: Models, model: str) -> tuple[list[dict], list[dict]]:
    """Return the sliders of a widget, and what is under them."""
    children = [
        models[child.removeprefix("IPY_MODEL_")]["state"]
        for child in models[model]["state"]["children"]
    ]
    controls = [child for child in children if "_options_labels" in child]
    return controls, [child for child in children if child not in controls]


def printed(models: Models, model: str, labels: list[str]) -> str:
    """Return the picture that paper shows, and what the sliders stand at there.

    Args:
        models: The page's widgets by their id.
        model: The id of a box of sliders above a stack of pictures.
        labels: At which of its labels each slider stands, or none: at the first.

    Raises:
        ExtensionError: If a slider has no such label.
    """
    controls, (*_, shown) = sliders(models, model)
    labels = labels or [control["_options_labels"][0] for control in controls]
    said = []
    for control, label in zip(controls, labels, strict=True):
        known = control["_options_labels"]
        if label not in known:
            raise ExtensionError(f"a slider of {known} shall print {label!r}")
        child = shown["children"][known.index(label)]
        shown = models[child.removeprefix("IPY_MODEL_")]["state"]
        said.append(f"{escape(control['description'])}: {escape(label)}")
    picture = shown["value"].replace("<img", '<img loading="lazy"')
    return f'<div class="printed-frame">{picture}<p>{", ".join(said)}</p></div>'


def chosen(doctree: nodes.document) -> Iterator[tuple[str, list[str]]]:
    """Yield each slider's id with the labels that its cell's metadata names."""
    for cell in doctree.findall(nodes.container):
        labels = cell.get("cell_metadata", {}).get("printed", [])
        for raw in cell.findall(nodes.raw) if labels else ():
            for view in WIDGET_VIEW.finditer(raw.astext()):
                yield view[1], labels


def lay_in(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Put its picture for paper before each slider of a page."""
    if doctree is None:
        return
    labels = dict(chosen(doctree))
    before_sliders(
        context, lambda models, model: printed(models, model, labels.get(model, []))
    )


def setup(app: Sphinx) -> dict:
    """Register the step, after tools/site/light.py has made files of the pictures."""
    app.connect("html-page-context", lay_in, priority=905)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
