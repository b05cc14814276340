import subprocess
import sys
from importlib import metadata

import pytest

from tools import ROOT, setup
from tools.notebooks import colab


@pytest.mark.slow
def test_the_running_python_can_rehearse():
    """What colab.py imports is in Colab, where uv and pybtex may be missing."""
    blocked = "import sys; sys.modules.update(uv=None, pybtex=None)"
    script = f"{blocked}; from tools.notebooks import colab; colab.differences()"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_differences_from_the_pins_are_named(tmp_path):
    pins = tmp_path / "pins.txt"
    here = metadata.version("numpy")
    pins.write_text(f"numpy=={here}\npandas==0.1\n\n# no version\ntqdm\n")
    (line,) = colab.differences(pins)
    assert line.startswith("pandas is ")


def test_a_python_of_colabs_version_is_preferred(monkeypatch):
    monkeypatch.setattr(setup, "RUNNING", "3.11")
    monkeypatch.setattr(setup, "pythons", lambda version: [f"/bin/python{version}"])
    assert colab.find_python() == "/bin/python3.13"
    monkeypatch.setattr(setup, "pythons", lambda version: [])
    assert colab.find_python() == sys.executable


def test_a_snapshot_holds_the_working_tree_and_leaves_it_alone(tmp_path):
    folder, target = tmp_path / "checkout", tmp_path / "book.git"
    folder.mkdir()

    def git(*arguments):
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            env=colab._clean_environment(),
        ).stdout

    git("init", "--quiet")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "ignored").write_text("1")
    (folder / "staged").write_text("2")
    git("add", "staged")
    (folder / "new").write_text("3")
    before = git("status", "--porcelain")
    colab.snapshot(folder, "main", target)
    assert git("status", "--porcelain") == before
    files = git("--git-dir", str(target), "ls-tree", "--name-only", "main").split()
    assert files == [".gitignore", "new", "staged"]


def test_missing_packages_are_told_from_wrong_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    pins = tmp_path / "pins.txt"
    pins.write_text("torch==2.11.0\n")
    monkeypatch.setattr(colab, "PINS", pins)
    monkeypatch.setattr(colab, "find_python", lambda: sys.executable)
    with pytest.raises(colab.UnreachableError):
        colab.environment(tmp_path / "venv")
    pins.write_text("torch==\n")
    with pytest.raises(RuntimeError):
        colab.environment(tmp_path / "venv")
