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
# @title Find the book's code; in Colab, fetch it once. Nothing is installed.
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

URL, BRANCH = {url}, {branch}
NAME, here = {name}, Path.cwd()
place = here / NAME
by_hand = f"unpack {{URL}}/archive/{{BRANCH}}.zip in {{here}}"


def find_book():  # a whole one: clones and ZIPs write the second of these late
    below = sorted([*here.glob(f"{{NAME}}*"), *here.glob(f"{{NAME}}*/{{NAME}}*")])
    for folder in [here, *here.parents, *below]:
        if [*folder.glob("code/cnnbook")] and [*folder.glob("requirements.txt")]:
            return folder


if not find_book():
    if place.exists():
        raise RuntimeError(f"{{place}} is not the whole book: rename or delete it")
    if not os.access(here, os.W_OK):
        raise RuntimeError(f"{{here}} is read-only: open this notebook elsewhere")
    if not shutil.which("git"):
        raise RuntimeError(f"git is missing: {{by_hand}}")
    with TemporaryDirectory(prefix=f".{{NAME}}-", dir=here) as part:
        clone = ["git", "clone", "-q", "--depth=1", f"--branch={{BRANCH}}", URL, "book"]
        done = subprocess.run(clone, cwd=part, capture_output=True, errors="replace")
        if done.returncode:
            reason = f"could not fetch {{URL}}: {{done.stderr.strip()}}"
            raise RuntimeError(f"{{reason}}; {{by_hand}}")
        if not find_book():  # no other notebook was quicker
            Path(part, "book").rename(place)
sys.path.insert(0, str(find_book() / "code"))
from cnnbook import packages

packages.check()  # says what to do if this Python lacks some"""


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
        bootstrap = new_code_cell(id="bootstrap", metadata={"tags": ["bootstrap"]})
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
