"""How high a section is expected to be, before it is laid out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.site.built import CHAPTERS
from tools.site.section_sizes import DESK, PHONE, sections

PAGE = """<section id="top"><h1>Title</h1><p>Before.</p>
<section id="a"><h2>First</h2><p>Ten <em>letters</em>.</p>
<details class="hide"><summary>More</summary><p>Folded away.</p></details>
<section id="b"><h3>Within</h3><pre>one\ntwo\n</pre></section></section>
<section id="c"><h2>Second</h2><img alt="" width="1376" height="400">
<div class="gate-result"><p>Hidden.</p></div>
<div style="--narrow:300px;--wide:200px"><p>Not counted</p></div>
<table><tr><td>1</td></tr><tr><td>2</td></tr></table></section></section>"""


def test_what_is_seen_counts() -> None:
    first, second = sections(PAGE)
    assert first.blocks == [5, 11, 6]
    assert (first.folds, first.code) == (1, [2])
    assert second.pictures == [(1376, 400)]
    assert second.explorables == [(200, 300)]
    assert (second.rows, second.tables, second.blocks) == (2, 1, [6])
    assert PAGE[: first.start].endswith('<section id="a"')


def test_a_picture_shrinks_with_its_column() -> None:
    _, second = sections(PAGE)
    pictures = [second.height(column) - column.picture for column in (DESK, PHONE)]
    second.pictures.clear()
    without = [second.height(column) for column in (DESK, PHONE)]
    assert pictures[0] - without[0] == pytest.approx(200, abs=1)
    assert pictures[1] - without[1] == pytest.approx(400 * 358 / 1376, abs=1)


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("width", [1280, 390])
def test_the_scroll_bar_is_about_right(
    browser: Browser, served: str, name: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(served + name)
    height = "document.documentElement.scrollHeight"
    guessed = page.evaluate(height)
    page.add_style_tag(content="section { content-visibility: visible !important; }")
    assert page.evaluate(height) == pytest.approx(guessed, rel=0.15)
    page.close()
