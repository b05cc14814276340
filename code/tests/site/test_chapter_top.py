"""The top of a chapter's page: what it shows, the question, one folded line."""

from __future__ import annotations

import pytest
from docutils import nodes
from playwright.sync_api import Page

from tests.site.built import CHAPTERS, read
from tools.browser.server import HTML
from tools.site import chapter_top


def cell(name: str, source: str, *tags: str) -> dict:
    return {"id": name, "metadata": {"tags": list(tags)}, "source": source}


def test_the_opening_stands_between_title_and_question() -> None:
    cells = [
        cell("title", "# Title\n\n**The question.** Why?"),
        cell("goals", "## Learning goals"),
        cell("sentence", "Move it.", "opening"),
        cell("slider", "x", "opening"),
        cell("rest", "## Rest"),
    ]
    found = list(chapter_top.opening_first(cells))
    names = "title opening-begins sentence slider question-begins question goals rest"
    assert [each["id"] for each in found] == names.split()
    assert found[0]["source"] == "# Title"
    assert found[5]["source"] == "**The question.** Why?"
    del cells[2:4]
    assert list(chapter_top.opening_first(cells)) == cells


def test_the_line_says_what_the_notebook_says() -> None:
    goals = nodes.section()
    goals += nodes.paragraph(text="After this chapter you can")
    goals += nodes.bullet_list(
        "",
        nodes.list_item("", nodes.paragraph(text="count a layer, by hand;")),
        nodes.list_item("", nodes.paragraph(text="say what it costs;")),
        nodes.list_item("", nodes.paragraph(text="compare.")),
    )
    goals += nodes.paragraph(text="You need chapters 1 and 2: convolution. Allow time.")
    line = chapter_top.line(goals, 31.6)
    assert "to count a layer, and two things more" in line
    assert "</strong> chapters 1 and 2 ·" in line
    assert "<strong>32 minutes</strong>" in line
    assert "200 words a minute" in line


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_shows_before_it_tells(name: str) -> None:
    page = read(name)
    chapter = page.select_one("article section")
    parts = [
        part.get("class", [part.name])[0] if part.name != "p" else "p"
        for part in chapter.find_all(recursive=False)
    ]
    assert parts[:2] == ["h1", "opening"]
    assert parts.index("p") < parts.index("chapter-needs")
    assert parts[parts.index("chapter-needs") + 1] == "chapter-switches"
    opening = chapter.select_one(".opening")
    assert opening.select("img, svg, .explorable, figure")
    needs = chapter.select_one("details.chapter-needs")
    assert not needs.has_attr("open")
    anchors = [section["id"] for section in needs.select("section[id]")]
    assert anchors[:2] == ["learning-goals", "setup"]
    contents = page.select_one("#pst-page-toc-nav")
    assert contents.select('a[href="#learning-goals"], a[href="#setup"]')
    assert opening.get_text()[:30] not in page.find("meta", {"name": "description"})


@pytest.mark.browser
def test_an_address_opens_the_folded_line(page: Page) -> None:
    page.goto(f"{HTML.as_uri()}/{CHAPTERS[0]}#setup")
    page.locator("#setup > h2").wait_for(state="visible")
