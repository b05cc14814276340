"""The glossary's terms in the built pages: linked once, where first used."""

from __future__ import annotations

import pytest

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
def test_a_chapter_links_its_terms_once(name: str) -> None:
    html = read(name)
    links = html.select("article a.term")
    assert len(links) >= 10
    targets = [link["href"] for link in links]
    assert len(set(targets)) == len(targets)
    assert all(link["title"].endswith(".") for link in links)
    assert not html.select(":is(h1, h2, h3, pre, .cell_output) a.term")
