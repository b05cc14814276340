"""Rehearse the chapters as Google Colab runs them.

Each notebook is copied, alone, into an empty folder and executed with Colab's versions
(code/colab.txt) on Colab's Python. Its first cell clones the book as it would there;
git is told to take the address from a copy of this working tree, committed or not.

With --here the Python that runs this executes them: in the image that Google publishes
of Colab nothing is installed, and uv, which makes environments, is not needed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from tools import ROOT, setup
from tools.notebooks.execution import CELL_TIMEOUT, ENVIRONMENT, faults
from tools.notebooks.files import chapters, read
from tools.notebooks.links import repository

PYTHON = "3.13"  # Colab's
PINS = ROOT / "code" / "colab.txt"
VENV = ROOT / ".venv-colab"
# What uv says if it needs a package that it has not kept and cannot fetch.
NO_NETWORK = ("error sending request", "dns error", "network was disabled")


class UnreachableError(Exception):
    """The packages are neither kept on this machine nor to be had."""


def find_python() -> str:
    """Return a Python of Colab's version, or the running one if there is none."""
    if setup.RUNNING == PYTHON:
        return sys.executable
    return str(next(iter(setup.pythons(PYTHON)), sys.executable))


def environment(venv: Path = VENV) -> Path:
    """Make or complete the environment with Colab's versions; return its Python.

    Raises:
        UnreachableError: If packages are missing and no registry answers.
        RuntimeError: If they cannot be installed for another reason.
    """
    base = find_python()
    if setup.version_of(base) != PYTHON:
        print(f"No Python {PYTHON} here: rehearsing with {setup.version_of(base)}.")
    python = venv / "bin" / "python"
    if setup.version_of(python) != setup.version_of(base):
        _install("venv", "--quiet", "--clear", "--python", base, venv)
    _install("pip", "install", "--quiet", "--python", python, "-r", PINS)
    return python


def differences(pins: Path = PINS) -> list[str]:
    """Say which versions of the running Python's packages are not those of the pins."""
    found = []
    for line in pins.read_text(encoding="utf-8").splitlines():
        name, _, pinned = line.partition("==")
        if pinned and (here := metadata.version(name).split("+")[0]) != pinned:
            found.append(f"{name} is {here} here and {pinned} in {pins.name}")
    return found


def snapshot(folder: Path, branch: str, target: Path) -> None:
    """Commit the files of a checkout, without those it ignores, to a new repository.

    The checkout's own repository and index are not used, so they stay as they are.
    """
    git = ["git", "--git-dir", target, "--work-tree", folder]
    author = ["-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost"]
    plain = ["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"]
    for command in (
        ["git", "init", "--quiet", "--bare", f"--initial-branch={branch}", target],
        [*git, *plain, "add", "--all"],
        [*git, *plain, *author, "commit", "--quiet", "--no-verify", "-m", "Snapshot"],
    ):
        subprocess.run(command, cwd=folder, check=True, env=_clean_environment())


def rehearse(chapter: Path, python: Path, book: Path, folder: Path) -> list[str]:
    """Run one chapter in an empty folder and return what a learner would stumble on."""
    folder.mkdir()
    copy = Path(shutil.copy(chapter, folder))
    # The script jupyter-execute, which may lie elsewhere than its Python.
    command = [python, "-c", "from nbclient.cli import main; main()"]
    options = ["--inplace", "--allow-errors", f"--timeout={CELL_TIMEOUT}"]
    result = subprocess.run(
        [*command, *options, copy.name],
        cwd=folder,
        capture_output=True,
        text=True,
        env={
            **_clean_environment(),
            **ENVIRONMENT,
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "IPYTHONDIR": str(folder / ".ipython"),
            "JUPYTER_CONFIG_DIR": str(folder / ".jupyter"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{book.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": repository().url,
        },
    )
    if result.returncode:
        return [f"{chapter.name}: {result.stderr.strip()}"]
    notebook = read(copy)
    tracebacks = [
        "\n".join(output.traceback)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
        and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    found = [f"{chapter.name}, {line}" for line in faults(notebook)]
    return found + tracebacks[:1]  # the others follow from the first


def rehearse_all(paths: list[Path], python: Path, jobs: int = 2) -> list[str]:
    """Rehearse notebooks, `jobs` at a time, and return what went wrong in all."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary).resolve()
        book = folder / "book.git"
        snapshot(ROOT, repository().branch, book)

        def timed(path: Path) -> list[str]:
            start = time.monotonic()
            found = rehearse(path, python, book, folder / path.stem)
            print(f"{path.name}: {time.monotonic() - start:.0f} s")
            return found

        with ThreadPoolExecutor(jobs) as pool:
            return [line for found in pool.map(timed, paths) for line in found]


def _install(*arguments: str | Path) -> None:
    result = _uv(*arguments)
    if result.returncode:
        kind = RuntimeError
        if any(sign in result.stderr.lower() for sign in NO_NETWORK):
            kind = UnreachableError
        raise kind(result.stderr.strip())


def _uv(*arguments: str | Path) -> subprocess.CompletedProcess:
    from uv import find_uv_bin  # Colab need not have it

    return subprocess.run(
        [find_uv_bin(), *arguments], capture_output=True, text=True, cwd=ROOT
    )


def _clean_environment() -> dict[str, str]:
    """Return the environment without what a calling git or Python put there."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GIT_", "PYTHON", "VIRTUAL_ENV"))
    }


def main(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks; all if none is named.")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Use the running Python; install nothing.")
    ] = False,
) -> None:
    """Rehearse the chapters with Google Colab's versions, in empty folders."""
    try:
        python = Path(sys.executable) if here else environment()
    except UnreachableError as error:
        typer.echo(f"Colab's versions cannot be installed offline: {error}", err=True)
        raise typer.Exit(2) from None
    for line in differences() if here else []:
        print(line)
    found = rehearse_all(paths or chapters(), python)
    for line in found:
        typer.echo(line, err=True)
    raise typer.Exit(bool(found))


if __name__ == "__main__":
    typer.run(main)
