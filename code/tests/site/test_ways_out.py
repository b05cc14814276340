"""The bar above a page: Colab, a report, and what can be taken along."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser

from tests.site.built import CHAPTERS, PAGES, read
from tools.browser.server import BASE_URL, HTML
from tools.site import ways_out


def test_the_pdf_is_offered_where_it_is(tmp_path: Path) -> None:
    app = SimpleNamespace(
        outdir=tmp_path / "html", builder=SimpleNamespace(format="html")
    )
    app.outdir.mkdir()
    assert ways_out.whole_book(app, "../") is None
    ways_out.copy_pdf(app, None)
    assert not list(app.outdir.iterdir())
    printed = app.outdir / ways_out.PDF
    printed.parent.mkdir()
    printed.write_bytes(bytes(2_600_000))
    link = ways_out.whole_book(app, "../")
    assert (link["url"], link["text"]) == ("../book.pdf", "The book as PDF (3 MB)")
    ways_out.copy_pdf(app, None)
    assert (app.outdir / "book.pdf").exists()


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_in_colab(name: str) -> None:
    (button,) = read(name).select(".article-header-buttons > a.btn-run-in-colab")
    assert button.get_text(strip=True) == "Run in Colab"
    assert button["href"].startswith("https://colab.research.google.com/github/")


@pytest.mark.browser
@pytest.mark.parametrize("name", [name for name in PAGES if "chapters/" in name])
def test_a_report_names_the_page(name: str) -> None:
    page = read(name)
    (link,) = page.select("a.btn-report")
    asked = parse_qs(urlsplit(link["href"]).query)
    assert f"Page: {BASE_URL}{name}\n" in asked["body"][0]
    title = re.sub(r"^\d+\. ", "", page.title.text.split(" — ")[0])
    assert asked["title"] == [f"In “{title}”: "]
    assert not page.select('a[href*="/edit/"]')
    menu = page.select_one(".dropdown-download-buttons")
    words = [entry.get_text(strip=True) for entry in menu.select(".dropdown-item")]
    assert words[0] in ("This page as a notebook", "This page as Markdown")
    assert words[1] == "Print this page"
    has_pdf = (HTML / "book.pdf").exists()
    assert len(words) == 2 + has_pdf


@pytest.mark.browser
def test_a_report_names_the_section_in_view(browser: Browser, served: str) -> None:
    page = browser.new_page()
    page.goto(f"{served}{CHAPTERS[0]}#summary")
    page.wait_for_function("scrollY > 1000")
    link = page.locator("a.btn-report")
    for _ in range(2):  # the second time says no more than the first
        link.dispatch_event("pointerdown")
    asked = parse_qs(urlsplit(link.get_attribute("href")).query)
    assert f"Page: {BASE_URL}{CHAPTERS[0]}#summary\n" in asked["body"][0]
    assert asked["title"][0].endswith("Summary: ")
    page.close()
