"""Notebooks as Sphinx reads them: their cells are changed before a page is made.

What an extension adds among the cells is Markdown, so that MyST-NB reads it as it reads
all else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

Cell = dict[str, Any]
Notebook = dict[str, Any]


def changing(change: Callable[[Notebook, str], None]) -> Callable:
    """Return what Sphinx calls when it reads a page, to change those of notebooks.

    Args:
        change: Is called with a notebook, which it changes, and the name of its page.
    """

    def read(app: Sphinx, page: str, source: list[str]) -> None:
        if Path(app.env.doc2path(page)).suffix == ".ipynb":
            notebook = json.loads(source[0])
            change(notebook, page)
            source[0] = json.dumps(notebook)

    return read


def text(cell: Cell) -> str:
    """Return a cell's source, which the format lets be a list of lines."""
    return "".join(cell["source"])


def html(name: str, content: str) -> Cell:
    """Return a Markdown cell that holds HTML."""
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": content}
