"""Execute, validate and tidy the book's notebooks.

The chapters are kept as notebooks with their outputs, executed on the CPU.
`repository.url` in `_config.yml` alone states where the book lives: the badges and
the first code cells are written from it (`link`).
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from traitlets.config import Config

from canonical import canonicalise as canonical_form
from canonical import parse, serialise

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "tools" / "template.ipynb"
CELL_TIMEOUT = 300  # seconds
# The same for execution and validation. One thread: the order in which threads add
# floats changes the last digits, and parallel workers would fight for the cores.
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
}
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

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
Paths = Annotated[
    list[Path] | None, typer.Argument(help="Notebooks; all chapters if none is named.")
]


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


class ExecutionError(Exception):
    """A cell failed, timed out or killed its kernel; the file was not touched."""


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


def read(path: Path) -> NotebookNode:
    """Read a notebook file, adding nothing to it."""
    return parse(path.read_text(encoding="utf-8"))


def write(path: Path, notebook: NotebookNode) -> None:
    """Write the canonical form at once: a file is the old one or the whole new one."""
    text = serialise(canonical_form(notebook))
    part = path.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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


def run(path: Path) -> NotebookNode:
    """Execute a notebook on the CPU in its own folder and return it with its outputs.

    Raises `ExecutionError`, naming the cell, if one fails.
    """
    notebook = read(path)
    notebook.metadata.pop("widgets", None)
    running = [0]
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],  # not that it talks to localhost
        on_cell_start=lambda cell, cell_index: running.append(cell_index + 1),
        # No kernel folders: the kernel is the Python that runs this, not one that
        # happens to be registered under the same name.
        config=Config(KernelSpecManager={"kernel_dirs": []}),
    )
    try:
        return client.execute(env={**os.environ, **ENVIRONMENT})
    except (CellControlSignal, DeadKernelError) as error:
        where = f"cell {running[-1]} of {len(notebook.cells)}"
        raise ExecutionError(f"{path.name}: {where} failed\n{error}") from None


def problems(path: Path, repository: Repository) -> list[str]:
    """Say what `canonicalise` and `link` would change in a notebook file."""
    text = path.read_text(encoding="utf-8")
    notebook = parse(text)
    found = []
    if serialise(canonical_form(notebook)) != text:
        found.append(f"{path.name}: not canonical: run tools/notebooks.py canonicalise")
    if linked(notebook, path.name, repository).cells != notebook.cells:
        found.append(
            f"{path.name}: badge or bootstrap cell does not agree with repository.url: "
            "run tools/notebooks.py link"
        )
    return found


def chapters() -> list[Path]:
    """Return the book's notebooks in order."""
    return sorted((ROOT / "chapters").glob("*.ipynb"))


@app.command()
def new(path: Path) -> None:
    """Begin a chapter, e.g. chapters/08-name.ipynb, with one part of each kind."""
    if path.exists():
        raise typer.BadParameter(f"{path} exists already")
    write(path, linked(read(TEMPLATE), path.name, repository()))


@app.command()
def execute(paths: Paths = None) -> None:
    """Run notebooks in place; one that fails keeps its file as it was."""
    failed = False
    for path in paths or chapters():
        start = time.monotonic()
        try:
            write(path, run(path))
            typer.echo(f"{path.name}: executed in {time.monotonic() - start:.0f} s")
        except ExecutionError as error:
            failed = True
            typer.echo(error, err=True)
    raise typer.Exit(failed)


@app.command()
def canonicalise(paths: Paths = None) -> None:
    """Bring notebooks into canonical form without running them."""
    for path in paths or chapters():
        write(path, read(path))


@app.command()
def link(paths: Paths = None) -> None:
    """Write badges and bootstrap cells from repository.url in _config.yml."""
    home = repository()
    for path in paths or chapters():
        write(path, linked(read(path), path.name, home))


@app.command()
def check(paths: Paths = None) -> None:
    """Fail if a notebook is not as `canonicalise` and `link` would leave it."""
    home = repository()
    found = [line for path in paths or chapters() for line in problems(path, home)]
    for line in found:
        typer.echo(line, err=True)
    raise typer.Exit(bool(found))


@app.command()
def validate(paths: Paths = None) -> None:
    """Run notebooks and compare every output with the stored one (nbval, strict)."""
    files = paths or chapters()
    options = [
        *("--nbval", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}"),
        *("--nbval-sanitize-with", ROOT / "tools" / "nbval.cfg"),
        *("-n", "2" if len(files) > 1 else "0", "--dist", "loadfile"),
        *("-q", "-p", "no:cacheprovider"),
    ]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        env={**os.environ, **ENVIRONMENT},
    )
    raise typer.Exit(result.returncode)


if __name__ == "__main__":
    app()
