"""The book as one PDF: links that hold, an outline, and nothing missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from typer.testing import CliRunner

from tools.browser import pdf

PAGE = """<article class="bd-article"><section id="top"><h1>1. Title</h1>
<a id="own" href="#top">here</a> <a href="other.html#part">there</a>
<a href="../search.html">search</a> <a href="https://arxiv.org/abs/1">paper</a>
<img src="../_images/a.png" alt="a"> <img src="data:,x" alt="b">
<section id="part"><h2>A &amp; B</h2><h3>Deeper</h3></section></section></article>"""
NAMES = {"intro", "chapters/one", "chapters/other"}


@pytest.fixture
def article() -> pdf.Tag:
    return pdf.join_page(PAGE, "chapters/one", NAMES, "https://book.example/")


def test_links_and_ids_hold_in_the_whole_book(article: pdf.Tag) -> None:
    assert [link["href"] for link in article.find_all("a")] == [
        "#chapters/one/top",
        "#chapters/other/part",
        "https://book.example/search.html",
        "https://arxiv.org/abs/1",
    ]
    images = [image["src"] for image in article.find_all("img")]
    assert images == ["../html/_images/a.png", "data:,x"]
    assert article["id"] == "chapters/one"
    assert article.find("a")["id"] == "chapters/one/own"


def test_contents_name_sections_with_their_page(article: pdf.Tag) -> None:
    parts = {"": [], "Some <chapters>": ["chapters/one"]}
    numbers = {"chapters/one/part": 7}
    html = pdf.contents(parts, {"chapters/one": article}, numbers)
    assert "<p>Some &lt;chapters&gt;</p>" in html
    assert '<a class="level-1" href="#chapters/one/top">' in html
    assert "<span>A &amp; B</span><span>7</span>" in html
    assert "Deeper" not in html


def test_reading_order_begins_with_the_landing_page() -> None:
    parts = pdf.reading_order()
    assert parts[""] == ["intro"]
    assert parts["Chapters"][0] == "chapters/01-lenet"
    files = [path for part in parts.values() for path in part]
    assert len(files) == len(set(files))


def test_without_a_built_book_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "HTML", tmp_path)
    app = pdf.typer.Typer()
    app.command()(pdf.main)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "make book" in result.stderr


@pytest.mark.browser
def test_two_pages_make_a_book(browser: Browser) -> None:
    target = pdf.HTML.parent / "test-pdf" / f"{os.getpid()}.pdf"
    parts = {"": ["intro"], "Back matter": ["chapters/notation"]}
    try:
        sheets = pdf.print_book(browser, parts, target)
        with PdfReader(target) as book:
            texts = [page.extract_text() for page in book.pages]
            landing, sections, part, pages = book.outline
            places = book.named_destinations
    finally:
        target.unlink(missing_ok=True)
    assert sheets == len(texts)
    assert (landing.title, part.title) == ("About this book", "Back matter")
    assert sections[1].title == "Seven questions"
    assert [pages[0].title, pages[1][0].title] == ["Notation", "Sizes"]
    assert {"/intro/seven-questions", "/chapters/notation/sizes"} <= set(places)
    first = next(i for i, text in enumerate(texts, 1) if "A free book" in text)
    assert f"About this book {first}" in texts[1]
