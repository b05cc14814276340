"""What search engines, previews of links and language models read of the book."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from docutils import nodes
from PIL import Image

from tests.site.built import read
from tools import ROOT
from tools.browser import pdf
from tools.browser.server import BASE_URL, HTML
from tools.site import metadata

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
NAMES = [name for part in pdf.reading_order().values() for name in part]


def built(address: str) -> Path:
    """Return the file of the built book that is online at an address."""
    assert address.startswith(BASE_URL), address
    return HTML / address.removeprefix(BASE_URL)


@pytest.mark.browser
def test_all_pages_are_built() -> None:
    missing = [name for name in NAMES if not (HTML / f"{name}.html").exists()]
    assert not missing, "run `make book` first"


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_page_says_what_it_is(name: str) -> None:
    head = read(f"{name}.html").head
    tags = {
        tag.get("property", tag.get("name")): tag["content"]
        for tag in head.find_all("meta", content=True)
    }
    assert tags["og:title"] in head.title.string
    assert len(tags["description"]) > 40
    assert tags["description"] == tags["og:description"]
    assert not re.match("The question|Open in Colab|Find the book", tags["description"])
    assert "..." not in tags["description"]
    online = f"{BASE_URL}{name}.html"
    assert head.find("link", rel="canonical")["href"] == tags["og:url"] == online
    size = tuple(int(tags[f"og:image:{side}"]) for side in ("width", "height"))
    with Image.open(built(tags["og:image"])) as card:
        assert abs(card.width - size[0]) <= 1
        assert card.height == size[1]
    assert tags["og:image:alt"]


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_page_has_a_plain_text(name: str) -> None:
    link = read(f"{name}.html").head.find("link", type="text/markdown")
    text = (HTML / name).parent.joinpath(link["href"]).read_text()
    assert re.search("^# ", text, re.MULTILINE)
    assert "base64" not in text
    assert max(map(len, text.splitlines())) < 10_000


@pytest.mark.browser
def test_descriptions_differ() -> None:
    found = {
        read(f"{name}.html").find("meta", {"name": "description"})["content"]
        for name in NAMES
    }
    assert len(found) == len(NAMES)


@pytest.mark.browser
def test_sitemap_lists_exactly_the_pages() -> None:
    listed = [
        entry.text
        for entry in ElementTree.parse(HTML / "sitemap.xml").iter()
        if entry.tag.endswith("loc")
    ]
    assert sorted(listed) == sorted(f"{BASE_URL}{name}.html" for name in NAMES)


@pytest.mark.browser
def test_llms_txt_lists_the_pages_in_order() -> None:
    text = (HTML / "llms.txt").read_text()
    assert text.startswith(f"# {CONFIG['title']}\n\n> ")
    entries = re.findall(r"^- \[(.+)\]\((.+)\): (.+)$", text, re.MULTILINE)
    assert [address for _, address, _ in entries] == [
        f"{BASE_URL}{name}.html.md" for name in NAMES
    ]
    assert all(built(address).exists() for _, address, _ in entries)
    assert [line for line in text.splitlines() if line.startswith("- ")] == [
        f"- [{title}]({address}): {description}"
        for title, address, description in entries
    ]


@pytest.mark.browser
def test_page_not_found_works_at_any_depth() -> None:
    page = read("404.html")
    prefix = urlsplit(BASE_URL).path
    for tag, attribute in (("a", "href"), ("link", "href"), ("script", "src")):
        for element in page.find_all(tag, {attribute: True}):
            address = urlsplit(element[attribute])
            if not address.netloc and address.path:
                assert address.path.startswith(prefix), element
                assert (HTML / address.path.removeprefix(prefix)).exists(), element
    assert "no page at that address" in page.get_text()


def test_citation_agrees_with_the_book() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["title"] == CONFIG["title"]
    assert citation["url"] == BASE_URL
    assert citation["repository-code"] == CONFIG["repository"]["url"]
    assert [author["name"] for author in citation["authors"]] == [CONFIG["author"]]
    assert {"cff-version", "message", "type", "version", "license"} <= set(citation)


def test_description_holds_whole_sentences() -> None:
    text = "The question. One has 1.5 parts. Two follow. Three are too many."
    document = nodes.document("", "")
    document += nodes.paragraph("", text)
    two = metadata.first_sentences(document, length=35)
    assert two == "One has 1.5 parts. Two follow."
    assert metadata.first_sentences(document, length=5) == "One has 1.5 parts."
    assert metadata.first_sentences(nodes.document("", "")) == ""
