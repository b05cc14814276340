"""Execute, validate and tidy the book's notebooks.

The chapters are kept as notebooks with their outputs, executed on the CPU.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
from nbformat import NotebookNode

from tools.notebooks import execution, frame
from tools.notebooks.canonical import UnsavedWidgetError
from tools.notebooks.check import problems
from tools.notebooks.files import chapters, read, write
from tools.notebooks.links import linked, repository

TEMPLATE = Path(__file__).with_name("template.ipynb")

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
Paths = Annotated[
    list[Path] | None, typer.Argument(help="Notebooks; all chapters if none is named.")
]


def _write(path: Path, notebook: NotebookNode) -> bool:
    """Write a notebook, or say why its file stays as it was; return whether it is."""
    try:
        write(path, notebook)
    except UnsavedWidgetError as error:
        typer.echo(f"{path.name}: {error}", err=True)
        return False
    return True


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
            notebook = execution.run(path)
            seconds = time.monotonic() - start
            failed |= not _write(path, notebook)
            typer.echo(f"{path.name}: executed in {seconds:.0f} s")
        except execution.ExecutionError as error:
            failed = True
            typer.echo(error, err=True)
    raise typer.Exit(failed)


@app.command()
def canonicalise(paths: Paths = None) -> None:
    """Bring notebooks into canonical form without running them."""
    written = [_write(path, read(path)) for path in paths or chapters()]
    raise typer.Exit(not all(written))


@app.command()
def link(paths: Paths = None) -> None:
    """Write badges and bootstrap cells from repository.url in _config.yml."""
    home = repository()
    notebooks = [(path, read(path)) for path in paths or chapters()]
    written = [
        _write(path, linked(notebook, path.name, home)) for path, notebook in notebooks
    ]
    raise typer.Exit(not all(written))


@app.command()
def check(paths: Paths = None) -> None:
    """Fail if a notebook is not canonical or linked, or lacks what its page needs."""
    home = repository()
    found = []
    for path in paths or chapters():
        found += problems(path, home)
        found += [f"{path.name}: {fault}" for fault in frame.faults(read(path))]
    for line in found:
        typer.echo(line, err=True)
    raise typer.Exit(bool(found))


@app.command()
def validate(paths: Paths = None) -> None:
    """Run notebooks and compare every output with the stored one (nbval, strict)."""
    raise typer.Exit(execution.validate(paths or chapters()))


if __name__ == "__main__":
    app()
