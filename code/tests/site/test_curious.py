"""Sections for the curious: one line on the page, open where they are looked for."""

from __future__ import annotations

import pytest
from docutils import nodes
from playwright.sync_api import Page

from tests.site.built import CHAPTERS, read
from tools.browser.server import HTML
from tools.notebooks import folding
from tools.site import curious, folds

SECTION = "section[id^='for-the-curious']"


def test_a_tagged_cell_gets_a_mark() -> None:
    plain = {"id": "a", "metadata": {}, "source": "### A"}
    tagged = {"id": "b", "metadata": {"tags": ["curious"]}, "source": "### B"}
    found = list(curious.with_marks([plain, tagged, plain]))
    assert [each["source"] for each in found] == [
        "### A",
        "### B",
        curious.MARK,
        "### A",
    ]


def test_the_section_around_a_mark_folds_behind_its_heading() -> None:
    tree = nodes.document(None, None)  # type: ignore[arg-type]
    section = nodes.section("", nodes.title(text="For the curious: how b < c"))
    section += nodes.paragraph(text="word " * 600)
    # A question's result may have taken the mark in.
    section += nodes.container("", nodes.raw("", curious.MARK, format="html"))
    tree += nodes.section("", nodes.title(text="Above"), section)
    curious.fold_sections(None, tree)  # type: ignore[arg-type]
    [folded] = tree.findall(folds.fold)
    assert folded.parent is tree[0]
    assert folded.children == [section]
    assert folded["line"].startswith("For the curious<span")
    assert "how b &lt; c" in folded["line"]
    assert ">3 min<" in folded["line"]
    assert section[0].astext() == "How b < c"
    assert not any(node.astext() == curious.MARK for node in tree.findall(nodes.raw))


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_the_pages_fold_these_sections_and_list_them(name: str) -> None:
    page = read(name)
    for section in page.select(SECTION):
        assert section.parent.name == "details"
        assert not section.parent.has_attr("open")
        assert page.select(f'#pst-page-toc-nav a[href="#{section["id"]}"]')
    assert len(page.select("details.curious")) == len(page.select(SECTION))
    assert folding.FOR_THE_CURIOUS not in page.select_one("article").get_text()


@pytest.mark.browser
def test_an_address_opens_a_section_and_paper_shows_all(page: Page) -> None:
    anchor = read(CHAPTERS[0]).select(SECTION)[-1]["id"]
    page.goto(f"{HTML.as_uri()}/{CHAPTERS[0]}#{anchor}")
    page.locator(f"#{anchor} > h3").wait_for(state="visible")
    closed = page.locator("details.curious:not([open])")
    count = closed.count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert closed.count() == count
