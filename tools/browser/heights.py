"""Measure how long the chapters' pages are, and what fills them.

`python -m tools.browser.heights` opens each built chapter as a desk's screen and as a
phone shows it, in *key* mode, with its questions unanswered and answered, and prints a
row for each: how many screens it is long, how much of its height each kind of content
takes, and how far down the first picture and the first thing to move are. Margins are
the rest to 100 per cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser

from tools.browser import chromium
from tools.browser.server import HTML

SCREENS = ((1280, 800), (390, 844))
# What an element is by the first selector that it matches; what is within it is not
# looked at again.
KINDS = {
    "code": "details.code[open] > .cell_input",
    "lines": "details > summary, .chapter-switches, .path-line",
    "pictures": "figure, .explorable, .widget-subarea, .cell_output :is(img, svg)",
    "tables": "table",
    "printed": ".cell_output pre",
    "text": "p, ul, ol, dl, h1, h2, h3, h4, div.math",
}
# A question and the field for an answer are no pictures.
MEASURE = """(kinds) => {
  const heights = Object.fromEntries(Object.keys(kinds).map(kind => [kind, 0]));
  heights.questions = 0;
  const tops = {};
  const { top } = document.querySelector(".bd-article").getBoundingClientRect();
  const visit = element => {
    if (!element.checkVisibility({ contentVisibilityAuto: false })) return;
    if (element.matches(".gate-result[hidden]")) return;
    const folded = element.closest("details:not([open])");
    if (folded && folded !== element && !element.matches("summary")) return;
    let kind = Object.keys(kinds).find(name => element.matches(kinds[name]));
    const box = element.getBoundingClientRect();
    if (kind === "pictures" && element.querySelector("cnn-gate, cnn-answers")) {
      kind = "questions";
    }
    if (!kind) return [...element.children].forEach(visit);
    heights[kind] += box.height;
    const around = element.closest(".cell_output") ?? element;
    const moves = around.querySelector(
      ".explorable > :not(script), script[type$='widget-view+json']");
    if (kind === "pictures") {
      tops.picture ??= box.top - top;
      if (moves) tops.moving ??= box.top - top;
    }
  };
  const article = document.querySelector(".bd-article");
  visit(article);
  return { total: article.getBoundingClientRect().height, heights, tops };
}"""


def measure(browser: Browser, address: str, screen: tuple[int, int]) -> dict[str, Any]:
    """Return what `MEASURE` says of a page on a screen of so many pixels."""
    width, height = screen
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(address)
    page.evaluate(chromium.EVERYTHING_LAID_OUT)
    page.evaluate(chromium.EVERYTHING_LOADED)
    found = page.evaluate(MEASURE, KINDS)
    page.close()
    return found


def rows(browser: Browser) -> Iterator[str]:
    """Yield a line of the table for each chapter, screen and state of its questions."""
    yield f"{'chapter':24}{'screen':>10}  questions screens  " + "  ".join(
        [*KINDS, "questions", "picture at", "moving at"]
    )
    for path in sorted((HTML / "chapters").glob("0*.html")):
        for width, height in SCREENS:
            for state, query in (("closed", ""), ("open", "?gates=open")):
                found = measure(browser, path.as_uri() + query, (width, height))
                shares = "  ".join(
                    f"{100 * value / found['total']:{len(kind)}.0f}"
                    for kind, value in found["heights"].items()
                )
                places = "  ".join(
                    f"{found['tops'].get(name, float('nan')) / height:{length}.1f}"
                    for name, length in (("picture", 10), ("moving", 9))
                )
                yield (
                    f"{path.stem:24}{width:>5}×{height:<4}  {state:9} "
                    f"{found['total'] / height:7.1f}  {shares}  {places}"
                )


def main() -> None:
    """Print the table."""
    with chromium.launch() as browser:
        for row in rows(browser):
            print(row, flush=True)


if __name__ == "__main__":
    main()
