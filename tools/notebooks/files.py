"""The chapters as files: read as they are, written whole and in canonical form."""

from pathlib import Path

from nbformat import NotebookNode

from tools import ROOT
from tools.notebooks.canonical import canonicalise, parse, serialise


def chapters() -> list[Path]:
    """Return the book's notebooks in order."""
    return sorted((ROOT / "chapters").glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """Read a notebook file, adding nothing to it."""
    return parse(path.read_text(encoding="utf-8"))


def write(path: Path, notebook: NotebookNode) -> None:
    """Write the canonical form at once: a file is the old one or the whole new one."""
    text = serialise(canonicalise(notebook))
    part = path.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
