"""The two cells that know where the book lives: its badge and its bootstrap.

`repository.url` in `_config.yml` alone states the address; `linked` writes both cells
from it.
"""

import json
from pathlib import Path
from typing import NamedTuple

import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools import ROOT

BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
BOOTSTRAP = """\
# Find the book's code; in Colab, fetch it once. Nothing is installed.
import subprocess
import sys
from pathlib import Path

URL, BRANCH = {url}, {branch}
here, clone = Path.cwd(), Path.cwd() / {name}
places = [here, *here.parents, clone]
root = next((p for p in places if (p / "code" / "cnnbook").is_dir()), clone)
if not (root / "code" / "cnnbook").is_dir():
    command = ["git", "clone", "--quiet", "--depth", "1", "--branch", BRANCH]
    try:
        subprocess.run([*command, URL, clone], check=True, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise RuntimeError(f"git is missing: unpack {{URL}} into {{clone}}") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace")
        raise RuntimeError(f"could not fetch {{URL}}: {{reason}}") from None
sys.path.insert(0, str(root / "code"))"""


class Repository(NamedTuple):
    """Where the book lives: the GitHub address and the branch that readers get."""

    url: str
    branch: str

    @property
    def name(self) -> str:
        """The last part of the address: the folder that a clone makes."""
        return self.url.rsplit("/", 1)[1]

    def colab(self, filename: str) -> str:
        """Return the address that opens a chapter in Google Colab."""
        place = self.url.removeprefix("https://github.com/")
        path = f"{place}/blob/{self.branch}/chapters/{filename}"
        return f"https://colab.research.google.com/github/{path}"


def repository(config: Path = ROOT / "_config.yml") -> Repository:
    """Read the repository's address and branch from the book's configuration."""
    entry = yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]
    url = entry["url"].removesuffix("/").removesuffix(".git")
    if not url.startswith("https://github.com/") or url.count("/") != 4:
        raise ValueError(
            f"repository.url in {config.name} is {url!r}; Colab opens only "
            "https://github.com/OWNER/NAME"
        )
    return Repository(url, entry.get("branch", "main"))


def linked(
    notebook: NotebookNode, filename: str, repository: Repository
) -> NotebookNode:
    """Return the notebook with its badge and bootstrap cells written anew.

    The badge is the Markdown cell tagged ``remove-cell``, put after the title if it
    is missing; the bootstrap is the cell tagged ``bootstrap``, put before all code.
    """
    cells = [NotebookNode(cell) for cell in notebook.cells]
    badge = _find(cells, "markdown", "remove-cell")
    if badge is None:
        badge = new_markdown_cell(id="colab-badge", metadata={"tags": ["remove-cell"]})
        cells.insert(1, badge)
    badge.source = f"[![Open in Colab]({BADGE})]({repository.colab(filename)})"
    bootstrap = _find(cells, "code", "bootstrap")
    if bootstrap is None:
        bootstrap = new_code_cell(
            id="bootstrap", metadata={"tags": ["bootstrap", "hide-input"]}
        )
        kinds = [cell.cell_type for cell in cells]
        cells.insert(kinds.index("code") if "code" in kinds else 2, bootstrap)
    bootstrap.source = BOOTSTRAP.format(
        **{key: json.dumps(value) for key, value in repository._asdict().items()},
        name=json.dumps(repository.name),
    )
    return NotebookNode({**notebook, "cells": cells})


def _find(cells: list[NotebookNode], kind: str, tag: str) -> NotebookNode | None:
    tagged = (
        cell
        for cell in cells
        if cell.cell_type == kind and tag in cell.metadata.get("tags", [])
    )
    return next(tagged, None)
