"""How long the chapters' pages are, and how little of it is code and its output."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.site.built import CHAPTERS
from tools.browser import heights
from tools.browser.server import HTML

DESK, PHONE = heights.SCREENS
MOST_CODE = 0.25  # of a page's height, with what is printed
MOST_SCREENS = 40  # at a desk, before the questions are answered


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_page_is_read_for_its_text_and_pictures(browser: Browser, name: str) -> None:
    address = (HTML / name).as_uri()
    closed = heights.measure(browser, address, DESK)
    assert closed["total"] / DESK[1] <= MOST_SCREENS
    assert closed["tops"]["picture"] < DESK[1], "no picture on the first screen"
    opened = heights.measure(browser, f"{address}?gates=open", DESK)
    for page in (closed, opened):
        code = page["heights"]["code"] + page["heights"]["printed"]
        assert code / page["total"] <= MOST_CODE
    assert opened["total"] > closed["total"]
    assert sum(opened["heights"].values()) < opened["total"], "something counts twice"


@pytest.mark.browser
def test_kinds_are_told_apart(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_content(
        """<article class="bd-article"><style>* { margin: 0 } div, p { height: 100px }
        summary { height: 20px } pre { height: 50px }</style><p>Text</p>
        <details class="code" open><summary>Code</summary>
          <div class="cell_input"></div></details>
        <details class="code"><summary>Code</summary>
          <div class="cell_input"></div></details>
        <div class="cell_output"><pre>1</pre></div>
        <div class="gate-result" hidden style="display: block"><p>Text</p></div>
        </article>"""
    )
    found = page.evaluate(heights.MEASURE, heights.KINDS)["heights"]
    page.close()
    expected = {"code": 100, "lines": 40, "printed": 50, "text": 100}
    assert {kind: value for kind, value in found.items() if value} == expected
