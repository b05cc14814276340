"""Whether a notebook is in canonical form and knows where the book lives."""

from pathlib import Path

from tools.notebooks.canonical import (
    COMMAND,
    UnsavedWidgetError,
    canonicalise,
    parse,
    serialise,
)
from tools.notebooks.links import Repository, linked


def problems(path: Path, repository: Repository) -> list[str]:
    """Say what `canonicalise` and `link` would change in a notebook file."""
    text = path.read_text(encoding="utf-8")
    notebook = parse(text)
    found = []
    try:
        if serialise(canonicalise(notebook)) != text:
            found.append(f"{path.name}: not canonical: run `{COMMAND} canonicalise`")
    except UnsavedWidgetError as error:
        found.append(f"{path.name}: {error}")
    if linked(notebook, path.name, repository).cells != notebook.cells:
        found.append(
            f"{path.name}: badge or bootstrap cell does not agree with repository.url: "
            f"run `{COMMAND} link`"
        )
    return found
