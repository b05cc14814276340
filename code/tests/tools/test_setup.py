"""Setting up says what is wrong, and repairs what was interrupted."""

from __future__ import annotations

import ast
import json
import sys
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
        for scripts in ("bin", "Scripts"):
            (Path(command[-1]) / scripts).mkdir(parents=True)
            (Path(command[-1]) / scripts / "python").touch()


def add_to(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_an_old_python_can_read_the_script() -> None:
    source = Path(setup.__file__).read_text()
    ast.parse(source, feature_version=(3, 6))


@pytest.mark.parametrize("version", ["3.6", "3.10", "3.14", "4.0"])
def test_unsupported_python_is_told_which_to_use(version: str) -> None:
    with pytest.raises(setup.SetupError, match=rf"{version}.*3\.11 to 3\.13"):
        setup.check_python(version)


def test_this_python_is_supported() -> None:
    setup.check_python("{}.{}".format(*sys.version_info))


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
        (venv / damage.replace("bin", "Scripts")).unlink(missing_ok=True)
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
