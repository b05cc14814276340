"""Setting up says what is wrong, and repairs what was interrupted."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import setup


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that looks like a clone, with installing faked."""
    lock = "uv==1.2 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n    # via us\n"
    (tmp_path / "requirements.txt").write_text("typer==1\n" + lock + "zipp==3\n")
    monkeypatch.setattr(setup, "check_disk", lambda folder: None)
    monkeypatch.setattr(setup, "run", fake_run)
    return tmp_path


def fake_run(command: list, problem: str) -> None:
    """Make the folders that ``python -m venv`` would make; install nothing."""
    if "venv" in command:
        (Path(command[-1]) / "bin").mkdir(parents=True)
        (Path(command[-1]) / "bin" / "python").touch()


def add_to(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_an_old_python_can_read_the_script() -> None:
    source = Path(setup.__file__).read_text()
    ast.parse(source, feature_version=(3, 6))


def machine(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """Let the machine have these programs on its PATH, which answer so."""
    monkeypatch.setattr(shutil, "which", lambda name: name if name in versions else "")
    monkeypatch.setattr(
        setup, "version_of", lambda path: versions.get(Path(path).name, "")
    )


def test_this_python_is_supported() -> None:
    assert setup.RUNNING in setup.SUPPORTED


def test_a_python_says_its_version(tmp_path: Path) -> None:
    assert setup.version_of(sys.executable) == setup.RUNNING
    assert setup.version_of(tmp_path / "absent") == ""
    assert setup.version_of("false") == ""


def test_the_book_supports_what_it_says() -> None:
    book = tomllib.loads((setup.ROOT / "pyproject.toml").read_text())["project"]
    minors = [int(version.split(".")[1]) for version in setup.SUPPORTED]
    assert minors == [*range(minors[0], minors[-1] + 1)]
    assert book["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"
    assert set(setup.PREFERRED) == set(setup.SUPPORTED)
    readme = " ".join((setup.ROOT / "README.md").read_text().split())
    assert f"Python {setup.SUPPORTED[0]} to {setup.SUPPORTED[-1]}" in readme


def test_the_machines_best_python_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert setup.find_python(tmp_path) == ""
    shim = {"python3.11": "3.11", "python3.12": "3.12", "python3.13": ""}
    machine(monkeypatch, **shim)
    assert setup.find_python(tmp_path) == "python3.12"


def test_the_python_of_the_environment_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, **{"python": "3.11", "python3.13": "3.13"})
    assert setup.find_python(tmp_path) == str(tmp_path / ".venv" / "bin" / "python")
    machine(monkeypatch, **{"python": "3.10", "python3.13": "3.13"})
    assert setup.find_python(tmp_path) == "python3.13"


def test_pyenvs_versions_are_found_where_none_is_switched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: name)  # a shim that does not run
    python = tmp_path / "versions" / f"{setup.RUNNING}.0" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert setup.pythons(setup.RUNNING)[-1] == python
    assert setup.pythons("3.99") == []


@pytest.mark.parametrize("found", ["/usr/bin/python3.13", ""])
def test_an_unfit_python_hands_over_to_another(
    clone: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    found: str,
) -> None:
    taken = []
    monkeypatch.setattr(setup, "RUNNING", "3.15")
    monkeypatch.setattr(setup, "ROOT", clone)
    monkeypatch.setattr(setup, "find_python", lambda root: found)
    monkeypatch.setattr(setup, "fetch_python", lambda root: "/uv/python3.13")
    monkeypatch.setattr(setup, "version_of", lambda python: "3.13")
    monkeypatch.setattr(os, "execv", lambda python, command: taken.append(python))
    monkeypatch.setattr(setup, "make_environment", lambda root, version: None)
    setup.main()
    python = found or "/uv/python3.13"
    assert taken == [python]
    said = "setup: the book does not run on Python 3.15, so Python 3.13 is taken: "
    assert capsys.readouterr().out == f"{said}{python}\n"


def test_uv_fetches_a_python(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []
    monkeypatch.setattr(setup, "run", lambda command, _: commands.append(command))
    monkeypatch.setattr(subprocess, "check_output", lambda command: b"/uv/python3.13\n")
    assert setup.fetch_python(clone) == "/uv/python3.13"
    venv, pip, uv = ([str(part) for part in command] for command in commands)
    assert venv[:3] == [sys.executable, "-m", "venv"]
    assert "--require-hashes" in pip
    assert uv[1:] == ["python", "install", "3.13"]


def test_no_python_to_be_had_names_the_cure(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def fail(command: list, problem: str) -> None:
        raise setup.SetupError(problem)

    monkeypatch.setattr(setup, "RUNNING", "3.15")
    monkeypatch.setattr(setup, "ROOT", clone)
    monkeypatch.setattr(setup, "find_python", lambda root: "")
    monkeypatch.setattr(setup, "run", fail)
    assert setup.main() == 1
    said = capsys.readouterr().err
    assert "the book runs on Python 3.11 to 3.14, and this is 3.15." in said
    assert "install one and name it, for example: make book PYTHON=python3.13" in said


def test_small_disk_is_told_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(setup.SetupError, match=r"1000000 GB are needed in .* are free"):
        setup.check_disk(tmp_path, needed_gb=1_000_000)


def test_uv_comes_from_the_lock_with_its_hashes(clone: Path) -> None:
    lock = (clone / "requirements.txt").read_text()
    expected = "uv==1.2 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n"
    assert setup.uv_requirement(lock) == expected


def test_lock_without_uv_names_the_cure() -> None:
    with pytest.raises(setup.SetupError, match="make lock"):
        setup.uv_requirement("typer==1\n")


def test_second_run_does_nothing(clone: Path, capsys: pytest.CaptureFixture) -> None:
    setup.make_environment(clone, "3.12")
    assert "Installing" in capsys.readouterr().out
    setup.make_environment(clone, "3.12")
    assert capsys.readouterr().out == ""


def test_new_lock_updates_in_place(clone: Path, capsys: pytest.CaptureFixture) -> None:
    setup.make_environment(clone, "3.12")
    add_to(clone / "requirements.txt", "zstd==1\n")
    (clone / ".venv" / "kept").touch()
    setup.make_environment(clone, "3.12")
    assert "updating" in capsys.readouterr().out
    assert (clone / ".venv" / "kept").exists()


@pytest.mark.parametrize(
    "damage", ["stamp.json", "cut short", "bin/python", "moved", "python 3.13"]
)
def test_broken_environment_is_made_afresh(clone: Path, damage: str) -> None:
    setup.make_environment(clone, "3.12")
    venv, version = clone / ".venv", "3.12"
    if damage == "moved":
        stamp = json.loads((venv / "stamp.json").read_text()) | {"root": "/elsewhere"}
        (venv / "stamp.json").write_text(json.dumps(stamp))
    elif damage == "cut short":
        (venv / "stamp.json").write_text('{"lock": "ab')
    elif damage == "python 3.13":
        version = "3.13"
    else:
        (venv / damage).unlink()
    (venv / "remnant").touch()
    setup.make_environment(clone, version)
    assert not (venv / "remnant").exists()
    assert json.loads((venv / "stamp.json").read_text())["python"] == version


def test_interrupted_install_leaves_no_stamp(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    setup.make_environment(clone, "3.12")
    add_to(clone / "requirements.txt", "zstd==1\n")
    monkeypatch.setattr(setup, "install", interrupt)
    with pytest.raises(KeyboardInterrupt):
        setup.make_environment(clone, "3.12")
    assert not (clone / ".venv" / "stamp.json").exists()
