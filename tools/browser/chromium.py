"""The Chromium that prints the book and tests its pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking"
NAMES = ("chromium", "chromium-browser", "google-chrome")

# Sections are laid out, and widgets and images load, when the reader comes near;
# results open when a question has been answered.
EVERYTHING_LAID_OUT = """() => {
  const style = document.createElement("style");
  style.textContent = "section { content-visibility: visible !important; }";
  document.head.append(style);
  document.querySelectorAll("img").forEach(image => (image.loading = "eager"));
}"""
EVERYTHING_NEAR = """() => {
  globalThis.openAllResults?.();
  document.querySelectorAll('script[type$="widget-view+json"]').forEach(view =>
    view.parentElement.scrollIntoView());
}"""
EVERYTHING_LOADED = """async () => {
  scrollTo(0, 0);
  await document.fonts.ready;
  const images = [...document.images].filter(image => image.offsetParent);
  await Promise.all(images.map(image => image.decode()));
}"""
# What a width changes may slide to its new place, and figures are drawn anew.
EVERYTHING_AT_REST = """async () => {
  const nextFrame = () => new Promise(requestAnimationFrame);
  await nextFrame();
  const ends = move => isFinite(move.effect.getComputedTiming().endTime);
  const moves = document.getAnimations().filter(ends);
  await Promise.allSettled(moves.map(move => move.finished));
  await nextFrame();
  await nextFrame();
}"""


class ChromiumError(Exception):
    """There is no Chromium; the text says what to do."""


def find() -> str:
    """Return the path of the machine's Chromium, or of the one Playwright installed.

    Raises:
        ChromiumError: If there is neither.
    """
    found = [os.environ.get("CNNBOOK_CHROMIUM"), *map(shutil.which, NAMES)]
    if path := next(filter(None, found), None):
        return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    raise ChromiumError(
        "No Chromium found: install it, or name it in CNNBOOK_CHROMIUM."
    )


@contextmanager
def launch() -> Iterator[Browser]:
    """Start the Chromium that `find` finds."""
    path = find()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield started
        started.close()


def open_page(page: Page, address: str) -> None:
    """Go to a page, and wait until all of it is drawn: what is far below, too."""
    page.goto(address)
    page.evaluate(EVERYTHING_LAID_OUT)
    page.evaluate(EVERYTHING_NEAR)
    page.wait_for_function(
        """() => [...document.querySelectorAll('script[type$="widget-view+json"]')]
            .every(view => view.parentElement.querySelector(".jupyter-widgets"))"""
    )
    page.evaluate(EVERYTHING_LOADED)


def resize(page: Page, width: int, height: int = 900) -> None:
    """Give the window another size, and wait until the page stands still in it."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(EVERYTHING_AT_REST)
