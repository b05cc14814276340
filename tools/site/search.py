"""A Sphinx extension for the search: a record for each section, term and known figure.

Sphinx's own search finds pages; a chapter is forty screens long. Here each section is a
record of its own, without code, menus and formulas set twice; so is each term of the
glossary, each network with its counts, and each published figure of ``papers.csv``. The
records lie in one script, since a page opened from a folder may not fetch a file.
``search.js`` finds in them, as the reader types and on the page of the search.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, NavigableString, Tag
from sphinx.application import Sphinx

from tools import ROOT

FOLDER = Path("_static", "search")
INDEX = FOLDER / "records.js"
HEADINGS = ["h1", "h2", "h3"]
# What a section holds besides its prose.
NO_PROSE = ["pre", "script", "style", "table", "button", "svg", "nav", "summary"]
NO_PROSE_CLASSES = {"headerlink", "cell_input", "toctree-wrapper", "path-line"}
SPACE_BEFORE = re.compile(r"\s+([,.;:?!)])")
# A title as the theme numbers it: "1. LeNet-5".
NUMBER = re.compile(r"^\d+\.\s*")


@dataclass
class Section:
    """A section of a page: where it is, and what can be read there."""

    page: str
    title: str
    address: str
    prose: str = ""
    everything: str = field(default="", repr=False)  # with outputs and tables


def formula(node: Tag | NavigableString) -> str:
    """Return a formula in one line of letters, out of its MathML: "2^20", "a/b"."""
    if isinstance(node, NavigableString):
        return str(node)
    if node.name == "annotation":
        return ""
    parts = [formula(child) for child in node.children]
    if node.name == "msup":
        return "^".join(parts)
    if node.name == "mfrac":
        return "/".join(parts)
    return "".join(parts).replace("\u2061", "")  # between a function and its argument


def prose(node: Tag | NavigableString) -> str:
    """Return what is written in a part of a page, and what its pictures show."""
    if isinstance(node, NavigableString):
        return "" if type(node) is not NavigableString else str(node)
    classes = set(node.get("class") or [])
    if node.name in NO_PROSE or classes & NO_PROSE_CLASSES:
        return " "
    if node.name == "img":
        return f" {node.get('alt', '')} "
    if "katex" in classes:
        return formula(node.math) if node.math else ""
    space = " " if node.name not in ("a", "b", "em", "strong", "span", "code") else ""
    return space + "".join(prose(child) for child in node.children) + space


def tidy(text: str) -> str:
    """Return a text in one line, without the paragraph sign that links to headings."""
    return SPACE_BEFORE.sub(r"\1", " ".join(text.replace("#", " ").split()))


def sections(name: str, body: str) -> Iterator[Section]:
    """Yield a page's sections, those within others too, each with its own text only."""
    soup = BeautifulSoup(body, "html.parser")
    page = ""
    for node in soup.find_all("section", id=True):
        heading = node.find(HEADINGS, recursive=False)
        if heading is None:
            continue
        for link in heading.find_all("a", class_="headerlink"):
            link.extract()
        title = NUMBER.sub("", tidy(prose(heading)))
        page = page or title
        own = [
            child
            for child in node.children
            if child is not heading and not holds_sections(child)
        ]
        text = "".join(prose(child) for child in own)
        everything = "".join(child.get_text(" ") for child in own)
        address = name + ".html" + ("" if heading.name == "h1" else f"#{node['id']}")
        yield Section(page, title, address, tidy(text), everything)
    for term in soup.select("dl.glossary > dt[id]"):
        meaning = term.find_next_sibling("dd")
        word = tidy(term.get_text(" "))
        yield Section(page, word, f"{name}.html#{term['id']}", tidy(prose(meaning)))


def holds_sections(node: Tag | NavigableString) -> bool:
    """Tell whether a node is a section, or an element that folds some."""
    if not isinstance(node, Tag):
        return False
    return node.name == "section" or node.find("section", id=True) is not None


def place_of(words: list[str], sections: list[Section]) -> str | None:
    """Return the address of the first section of a chapter with all words, or None."""
    wanted = [
        re.compile(rf"(?<![\w.,]){re.escape(word)}(?![\w])(?![.,]\d)", re.IGNORECASE)
        for word in words
    ]
    for each in sections:
        text = f"{each.title} {each.prose} {each.everything}"
        is_chapter = each.address.startswith("chapters/0")
        if is_chapter and all(word.search(text) for word in wanted):
            return each.address
    return None


def counts(sections: list[Section]) -> Iterator[Section]:
    """Yield each network with its counts, if a section of a chapter shows them."""
    from cnnbook import cost, models  # torch takes two seconds to import

    for name in models.names():
        known = models.architecture(name)
        sums = cost.total(models.build(name, device="meta"), known.input_size)
        parameters = f"{sums.parameters:,}"
        if address := place_of([parameters], sections):
            size = "×".join(map(str, known.input_size))
            yield Section(
                "Counted by this book",
                f"{name}: {parameters} parameters",
                address,
                f"The {name} of this book has {parameters} parameters (weights and "
                f"biases), and {sums.macs:,} MACs (multiply-accumulates; twice as many "
                f"FLOPs) for an input of {size}.",
            )


def figures(sections: list[Section]) -> Iterator[Section]:
    """Yield each published figure that a section of the book shows."""
    from cnnbook import papers

    with open(ROOT / "data" / "papers.csv", encoding="utf-8", newline="") as file:
        keys = [row["key"] for row in csv.DictReader(file)]
    for key in keys:
        quote = papers.quote(key)
        name = key.split(".")[0]
        author = quote.source.split()[0]
        if address := place_of([f"{quote.value:,.12g}", author], sections):
            text = f"{quote}.".replace(" 1 (", " (")  # a plain number has the unit 1
            yield Section("Published", f"{name}: {quote.what}", address, text)


def collect(app: Sphinx, page: str, template: str, context: dict, doctree: Any) -> None:
    """Note the sections of a page that is about to be written."""
    if doctree is not None and app.builder.format == "html":
        found = sections(page, context.get("body", ""))
        app.env.cnnbook_sections[page] = list(found)  # type: ignore[attr-defined]


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the records in the order of the book, and the script that finds in them."""
    if error or app.builder.format != "html":
        return
    by_page = app.env.cnnbook_sections  # type: ignore[attr-defined]
    order = list(app.config.external_site_map)
    all_sections = [each for page in order for each in by_page.get(page, [])]
    records = [*all_sections, *counts(all_sections), *figures(all_sections)]
    rows = [[r.page, r.title, r.address, r.prose] for r in records if r.prose]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir, INDEX)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"globalThis.cnnbookRecords={text};\n", encoding="utf-8")
    shutil.copyfile(Path(__file__).with_suffix(".js"), target.with_name("search.js"))
    # What nothing loads any more: Sphinx's own search.
    for name in (
        "searchindex.js",
        "_static/searchtools.js",
        "_static/language_data.js",
    ):
        Path(app.outdir, name).unlink()


def begin(app: Sphinx) -> None:
    """Begin with no section noted."""
    app.env.cnnbook_sections = {}  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict:
    """Note each page's sections before its body is changed; write them at the end."""
    app.connect("builder-inited", begin)
    app.connect("html-page-context", collect, priority=300)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
