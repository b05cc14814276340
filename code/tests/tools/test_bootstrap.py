"""The first cell of a chapter, wherever the chapter is opened, and with a false git."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tools.notebooks.links import Repository, linked

HOME = Repository("https://github.com/owner/book", "main")
CELL = linked(new_notebook(cells=[new_markdown_cell("# A")]), "a.ipynb", HOME).cells[2]
SHOW = "\nprint(sys.path[0])"
# `git clone` as the cell calls it: half a book, a while, and then the other half.
GIT = """#!/bin/sh
echo "$@" >> "$CALLS"
mkdir -p book/code/cnnbook
sleep "$PAUSE"
echo 'def check(): pass' > book/code/cnnbook/packages.py
touch book/requirements.txt
"""


def make_book(folder: Path) -> Path:
    """Make a folder that looks like the book."""
    (folder / "code" / "cnnbook").mkdir(parents=True)
    (folder / "code" / "cnnbook" / "packages.py").write_text("def check(): pass\n")
    (folder / "requirements.txt").touch()
    (folder / "chapters").mkdir()
    return folder


class Notebook:
    """A chapter in a folder of its own, on a machine with or without a git."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls, self.path = folder, folder / "calls", folder / "bin"
        self.here = folder / "here"
        self.here.mkdir()
        self.path.mkdir()
        self.install_git(GIT)

    def install_git(self, script: str) -> None:
        (self.path / "git").write_text(script)
        (self.path / "git").chmod(0o755)

    def start(self, before: str = "", pause: float = 0.0) -> subprocess.Popen:
        path = f"{self.path}{os.pathsep}/usr/bin{os.pathsep}/bin"
        if not (self.path / "git").exists():
            path = str(self.path)
        return subprocess.Popen(
            [sys.executable, "-c", before + CELL.source + SHOW],
            cwd=self.here,
            env={"PATH": path, "CALLS": str(self.calls), "PAUSE": str(pause)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def found(self) -> Path:
        """Run the cell and return the book's folder that it found."""
        output, errors = self.start().communicate()
        assert errors == ""
        return Path(output.strip()).parent

    def complaint(self, before: str = "") -> str:
        """Run the cell, which fails, and return the last line that it shows."""
        _, errors = self.start(before).communicate()
        assert "During handling" not in errors
        return errors.splitlines()[-1]


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


def test_a_chapter_alone_fetches_the_book_once(notebook: Notebook) -> None:
    for _ in range(2):
        assert notebook.found() == notebook.here / "book"
    assert [*notebook.here.iterdir()] == [notebook.here / "book"]
    [call] = notebook.calls.read_text().splitlines()
    assert call == f"clone -q --depth=1 --branch=main {HOME.url} book"


@pytest.mark.parametrize("place", [".", "chapters", "notes/mine", "code/cnnbook"])
def test_a_chapter_finds_the_book_that_it_lies_in(
    notebook: Notebook, place: str
) -> None:
    book = make_book(notebook.folder / "somewhere")
    notebook.here = book / place
    notebook.here.mkdir(parents=True, exist_ok=True)
    assert notebook.found() == book
    assert not notebook.calls.exists()


@pytest.mark.parametrize(
    "place", ["book-main", "book/book-main", "book-main/book-main", "book-1.2 (3)"]
)
def test_an_unpacked_archive_is_found_without_git(
    notebook: Notebook, place: str
) -> None:
    (notebook.path / "git").unlink()
    complaint = notebook.complaint()
    assert complaint == (
        f"RuntimeError: git is missing: unpack {HOME.url}/archive/main.zip in "
        f"{notebook.here}"
    )
    book = make_book(notebook.here / place)
    assert notebook.found() == book


def test_what_is_not_the_whole_book_is_named_and_left_alone(notebook: Notebook) -> None:
    half = notebook.here / "book" / "code" / "cnnbook"
    half.mkdir(parents=True)
    (half / "mine.py").write_text("a = 1")
    assert notebook.complaint() == (
        f"RuntimeError: {notebook.here / 'book'} is not the whole book: rename or "
        "delete it"
    )
    assert (half / "mine.py").read_text() == "a = 1"
    assert not notebook.calls.exists()
    (notebook.here / "book").rename(notebook.here / "mine")
    assert notebook.found() == notebook.here / "book"


def test_half_a_book_above_does_not_keep_a_whole_one_away(notebook: Notebook) -> None:
    (notebook.folder / "code" / "cnnbook").mkdir(parents=True)
    assert notebook.found() == notebook.here / "book"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_cut_short_is_made_again(
    notebook: Notebook, how: signal.Signals
) -> None:
    process = notebook.start(pause=60)
    while not notebook.calls.exists():
        time.sleep(0.01)
    # Git runs before the cell waits for it; what comes in between can be swallowed.
    time.sleep(0.3)
    process.send_signal(how)
    process.communicate()
    assert process.returncode
    assert not (notebook.here / "book").exists()
    assert notebook.found() == notebook.here / "book"
    hidden = [path for path in notebook.here.iterdir() if path.name.startswith(".")]
    assert len(hidden) == (how == signal.SIGKILL)


def test_two_chapters_that_start_at_once_share_a_book(notebook: Notebook) -> None:
    processes = [notebook.start(pause=pause) for pause in (0.5, 0.7)]
    for process in processes:
        output, errors = process.communicate()
        assert errors == ""
        assert output.strip() == str(notebook.here / "book" / "code")
    assert [*notebook.here.iterdir()] == [notebook.here / "book"]
    assert len(notebook.calls.read_text().splitlines()) == 2


def test_a_folder_that_cannot_be_written_is_named(notebook: Notebook) -> None:
    # For root, who may run the tests, no folder is: so the answer is put in.
    before = "import os\nos.access = lambda *_: False\n"
    assert notebook.complaint(before) == (
        f"RuntimeError: {notebook.here} is read-only: open this notebook elsewhere"
    )


def test_the_reason_that_git_gives_is_told(notebook: Notebook) -> None:
    notebook.install_git(
        "#!/bin/sh\nmkdir book\necho 'fatal: no network' >&2\nexit 128"
    )
    assert notebook.complaint() == (
        f"RuntimeError: could not fetch {HOME.url}: fatal: no network; unpack "
        f"{HOME.url}/archive/main.zip in {notebook.here}"
    )
    assert [*notebook.here.iterdir()] == []
