"""The glossary's terms in the built pages: their meaning opens beside the word."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.site.built import CHAPTERS, read
from tools.site.glossary_links import pattern


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Batch normalisation in a batch", ["Batch normalisation", "batch"]),
        ("two batches of 3 MACs", ["batches", "MACs"]),
        ("a batchwise pre-batch", []),
        ("batch\nnormalisation", ["batch\nnormalisation"]),
    ],
)
def test_terms_are_found_as_whole_words(text: str, found: list[str]) -> None:
    wanted = pattern(["batch", "batch normalisation", "mac"])
    assert [match[0] for match in wanted.finditer(text)] == found


@pytest.mark.browser
def test_pages_are_built() -> None:
    assert CHAPTERS, "There is no built book in _build/html: run `make book` first."


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_section_opens_its_terms_once(name: str) -> None:
    html = read(name)
    words = html.select("article button.term")
    assert len(words) >= 10
    for section in html.select("article > section > section"):
        opened = [word["popovertarget"] for word in section.select("button.term")]
        assert len(set(opened)) == len(opened)
    meanings = [meaning["id"] for meaning in html.select("article .meaning[popover]")]
    assert len(set(meanings)) == len(meanings)
    assert {word["popovertarget"] for word in words} == set(meanings)
    for meaning in html.select(".meaning"):
        name = meaning["id"].removeprefix("meaning-")
        assert meaning.a["href"] == f"glossary.html#{name}"
        assert meaning.get_text().removesuffix(" In the glossary").endswith(".")
    assert not html.select(":is(h1, h2, h3, pre, .cell_output) button.term")
    # No line begins with the comma that follows a term.
    for word in words:
        after = word.next_sibling
        assert not str(after or "").startswith((",", ".", ";", ":", ")")) or (
            word.parent.get("class") == ["whole"]
        )


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_meaning_opens_and_closes(
    browser: Browser, served: str, scripts: bool, width: int
) -> None:
    size = {"width": width, "height": 800}
    page = browser.new_page(viewport=size, java_script_enabled=scripts)
    page.goto(served + CHAPTERS[0])
    word = page.locator("button.term").nth(3)
    meaning = page.locator("#" + word.get_attribute("popovertarget"))
    word.focus()
    page.keyboard.press("Enter")
    assert meaning.is_visible()
    box, around = meaning.bounding_box(), word.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    below = box["y"] - (around["y"] + around["height"])
    above = around["y"] - (box["y"] + box["height"])
    assert -1 <= max(below, above) <= 12, "not beside its word"
    page.keyboard.press("Escape")
    assert not meaning.is_visible()
    word.click()
    assert meaning.is_visible()
    page.mouse.click(5, 790)
    assert not meaning.is_visible()
    page.close()
