"""Where a result comes from: told exactly, or told as unknown."""

import subprocess
from importlib.metadata import version
from unittest.mock import Mock

import pytest

from cnnbook.training import origin, provenance

PERSON = ["-c", "user.name=A", "-c", "user.email=a@example.com"]


def _git(folder, *words):
    done = subprocess.run(
        ["git", *PERSON, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book's folder with code in it, and git's settings those of nobody."""
    (tmp_path / "book" / "code").mkdir(parents=True)
    (tmp_path / "book" / "code" / "a.py").write_text("a = 1")
    for place in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{place}", str(tmp_path / "none"))
    monkeypatch.setattr(provenance, "ROOT", (tmp_path / "book").resolve())
    return tmp_path / "book"


def _commit_all(folder):
    _git(folder, "init", "-q")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "all")
    return _git(folder, "rev-parse", "HEAD")


def test_a_run_is_described(monkeypatch):
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    about = origin("python x.py", [0, 1])
    assert about["command"] == "python x.py"
    assert about["seeds"] == [0, 1]
    assert about["processes"] == 1
    assert about["versions"]["torch"] == version("torch")
    assert about["device"].startswith(("cpu, ", "cuda", "mps", "NVIDIA"))


def test_the_precision_is_that_asked_for_or_that_of_the_launcher(monkeypatch):
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)
    assert origin("", [])["precision"] == "no"
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    assert origin("", [])["precision"] == "bf16"
    assert origin("", [], "fp16")["precision"] == "fp16"


def test_the_commit_is_named_and_whether_the_code_has_changed_since(book):
    commit = _commit_all(book)
    assert len(commit) == 40
    assert origin("", [])["commit"] == commit
    (book / "notes.txt").write_text("not the code")
    assert origin("", [])["commit"] == commit
    (book / "code" / "a.py").write_text("a = 2")
    assert origin("", [])["commit"] == f"{commit} with local changes"


def test_the_commit_of_a_repository_around_the_book_is_not_the_books(book):
    _commit_all(book.parent)
    assert origin("", [])["commit"] == "unknown"


def test_a_hook_of_another_repository_does_not_lend_its_commit(book, monkeypatch):
    """Git tells what a hook starts of its own repository, wherever that runs."""
    other = book.parent / "other"
    other.mkdir()
    (other / "a.txt").write_text("another")
    _commit_all(other)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(book.parent))
    for name, place in (("DIR", ".git"), ("INDEX_FILE", ".git/index")):
        monkeypatch.setenv(f"GIT_{name}", str(other / place))
    assert origin("", [])["commit"] == "unknown"


def test_a_repository_without_a_commit_has_none(book):
    _git(book, "init", "-q")
    assert origin("", [])["commit"] == "unknown"


def test_without_a_repository_the_commit_is_unknown(book, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(book.parent.parent))
    assert origin("", [])["commit"] == "unknown"


@pytest.mark.parametrize(
    "error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")]
)
def test_without_git_the_commit_is_unknown(error, monkeypatch):
    """It is not there; or it refuses, as it does in another person's folder."""
    monkeypatch.setattr(provenance.subprocess, "run", Mock(side_effect=error))
    assert origin("", [])["commit"] == "unknown"
