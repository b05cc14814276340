"""Links, checks and runs of notebooks: nothing is lost when something fails."""

import itertools
import json
import subprocess
import sys
import time

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import ROOT
from tools.notebooks.canonical import canonicalise, serialise
from tools.notebooks.check import problems
from tools.notebooks.execution import ExecutionError, run
from tools.notebooks.files import chapters, write
from tools.notebooks.links import Repository, linked, repository

HOME = Repository("https://github.com/owner/name", "main")
TOOL = [sys.executable, "-m", "tools.notebooks"]


def test_link_writes_badge_and_bootstrap_where_there_is_none():
    plain = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1")])
    notebook = linked(plain, "01-a.ipynb", HOME)
    _, badge, bootstrap, _ = notebook.cells
    assert "/github/owner/name/blob/main/chapters/01-a.ipynb)" in badge.source
    assert badge.metadata.tags == ["remove-cell"]
    assert '"https://github.com/owner/name", "main"' in bootstrap.source
    assert "bootstrap" in bootstrap.metadata.tags
    assert len(plain.cells) == 2


def test_link_follows_the_repository_and_is_idempotent():
    plain = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1")])
    once = linked(plain, "a.ipynb", HOME)
    assert linked(once, "a.ipynb", HOME).cells == once.cells
    fork = Repository("https://github.com/someone/fork", "next")
    moved = linked(once, "a.ipynb", fork)
    assert len(moved.cells) == len(once.cells)
    text = serialise(canonicalise(moved))
    assert "owner/name" not in text
    assert "someone/fork/blob/next/chapters/a.ipynb" in text


def test_repository_is_read_from_the_configuration(tmp_path):
    config = tmp_path / "_config.yml"
    config.write_text("repository:\n  url: https://github.com/o/n.git\n  branch: b\n")
    assert repository(config) == ("https://github.com/o/n", "b")
    config.write_text("repository:\n  url: https://elsewhere.org/o/n\n")
    with pytest.raises(ValueError, match="Colab opens only"):
        repository(config)


def test_check_names_what_is_wrong(tmp_path):
    path = tmp_path / "a.ipynb"
    plain = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1")])
    write(path, linked(plain, path.name, HOME))
    assert problems(path, HOME) == []
    fork = Repository("https://github.com/someone/fork", "main")
    assert "does not agree with repository.url" in problems(path, fork)[0]
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "mine"'))
    assert "not canonical" in problems(path, HOME)[0]


def test_a_chapter_finds_the_checkout_that_it_lies_in(tmp_path):
    cell = linked(
        new_notebook(cells=[new_markdown_cell("# Title")]), "a.ipynb", HOME
    ).cells[2]
    (tmp_path / "code" / "cnnbook").mkdir(parents=True)
    (tmp_path / "code" / "cnnbook" / "packages.py").write_text("def check(): ...")
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "chapters").mkdir()
    script = cell.source + "\nprint(sys.path[0])"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "chapters",
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == str(tmp_path / "code")


@pytest.mark.parametrize(
    ("path", "message"),
    [("", "git is missing"), (None, "could not fetch file:///nowhere/name")],
)
def test_a_chapter_that_cannot_fetch_the_book_says_why(
    tmp_path, monkeypatch, path, message
):
    cell = linked(
        new_notebook(cells=[new_markdown_cell("# Title")]),
        "a.ipynb",
        Repository("file:///nowhere/name", "main"),
    ).cells[2]
    if path is not None:
        monkeypatch.setenv("PATH", path)
    result = subprocess.run(
        [sys.executable, "-c", cell.source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert message in result.stderr
    assert "During handling" not in result.stderr


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    notebook = new_notebook(cells=[new_markdown_cell("# Title")])
    write(path, notebook)
    before = path.read_bytes()

    def break_off(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(type(path), "replace", break_off)
    with pytest.raises(OSError, match="disk is full"):
        write(path, notebook)
    notebook.cells[0].pop("source")  # no longer a notebook
    with pytest.raises(Exception, match="source"):
        write(path, notebook)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


SHORT_CHAPTER = [
    "import os\nimport ipywidgets\nfrom tqdm import tqdm",
    "print(os.environ['CUDA_VISIBLE_DEVICES'] == '', list(tqdm(range(3))), object())",
    "ipywidgets.VBox([ipywidgets.IntSlider(), ipywidgets.HTML('<b>1</b>')])",
]


def write_chapter(path, *sources):
    cells = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    write(path, new_notebook(cells=cells))
    return path


def run_tool(*arguments):
    return subprocess.run([*TOOL, *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
def test_executing_twice_gives_the_same_bytes_and_they_validate(tmp_path):
    path = write_chapter(tmp_path / "a.ipynb", *SHORT_CHAPTER)
    contents = []
    for _ in range(2):
        assert run_tool("execute", path).returncode == 0
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert b"IntSliderModel" in contents[0]
    assert run_tool("validate", path).returncode == 0
    # ... and validation compares: a changed output is found.
    path.write_bytes(contents[0].replace(b"[0, 1, 2]", b"[0, 1, 3]"))
    result = run_tool("validate", path)
    assert result.returncode == 1
    assert "1 failed, 2 passed" in result.stdout


@pytest.mark.slow
def test_another_kernel_registered_as_python3_is_not_taken(tmp_path, monkeypatch):
    kernel = tmp_path / "share" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    specification = {"argv": ["no-such-python"], "display_name": "b", "language": "a"}
    (kernel / "kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    path = write_chapter(tmp_path / "a.ipynb", "import sys\nprint(sys.executable)")
    write(path, run(path))
    assert sys.executable in path.read_text(encoding="utf-8")
    assert run_tool("validate", path).returncode == 0


@pytest.mark.slow
def test_a_failing_cell_is_named_and_the_file_untouched(tmp_path):
    path = write_chapter(tmp_path / "a.ipynb", "print('fine')", "1 / 0", "2")
    before = path.read_bytes()
    result = run_tool("execute", path)
    assert result.returncode == 1
    assert "a.ipynb: cell 2 of 3 failed" in result.stderr
    assert "ZeroDivisionError" in result.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_killed_run_leaves_the_file_untouched(tmp_path):
    started = tmp_path / "started"
    source = f"import time\nopen({str(started)!r}, 'w').close()\ntime.sleep(600)"
    path = write_chapter(tmp_path / "a.ipynb", source)
    before = path.read_bytes()
    with subprocess.Popen([*TOOL, "execute", path], cwd=ROOT) as process:
        while not started.exists() and process.poll() is None:
            time.sleep(0.1)
        process.kill()
    assert started.exists()
    assert path.read_bytes() == before
    assert set(tmp_path.iterdir()) == {path, started}


@pytest.mark.slow
def test_a_kernel_that_dies_is_reported(tmp_path):
    path = write_chapter(tmp_path / "a.ipynb", "import os; os._exit(1)")
    with pytest.raises(ExecutionError, match="cell 1 of 1 failed"):
        run(path)


def test_every_chapter_is_canonical_and_linked():
    home = repository()
    found = [problems(path, home) for path in chapters()]
    assert list(itertools.chain(*found)) == []
