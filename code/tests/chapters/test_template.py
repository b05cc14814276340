"""The chapter that `python -m tools.notebooks new` begins."""

import subprocess
import sys

import pytest

from tests.chapters.conventions import CHAPTER_CHECKS, unsourced_numbers
from tools import ROOT
from tools.notebooks import frame
from tools.notebooks.check import problems
from tools.notebooks.execution import run
from tools.notebooks.files import read, write
from tools.notebooks.links import repository


@pytest.mark.slow
def test_a_new_chapter_keeps_to_the_conventions(tmp_path):
    for name in ("code", "requirements.txt"):  # for its bootstrap cell
        (tmp_path / name).symlink_to(ROOT / name)
    path = tmp_path / "08-name.ipynb"
    command = [sys.executable, "-m", "tools.notebooks", "new", path]
    subprocess.run(command, cwd=ROOT, check=True)
    write(path, run(path))
    assert problems(path, repository()) == []
    notebook = read(path)
    found = [line for check in CHAPTER_CHECKS for line in check(notebook)]
    assert found == ["1 exercises, fewer than 6"], "all that is left to do is to write"
    (left,) = frame.faults(notebook)
    assert left.startswith("1 key cells, not 8 to 12")
    assert unsourced_numbers(notebook) == []
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 2
    assert "exists already" in again.stderr
