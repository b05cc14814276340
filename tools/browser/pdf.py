"""Print the built book into one PDF: title, contents, and every page in reading order.

Chromium draws each page as a reader sees it; the drawn pages become one document, so
that links between chapters, the outline and the page numbers are the browser's own.
"""

from __future__ import annotations

import logging
import posixpath
import sys
from html import escape
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import typer
import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Page
from pypdf import PdfWriter
from pypdf.generic import Fit
from sphinx_external_toc.parsing import parse_toc_yaml

from tools import ROOT
from tools.browser import chromium
from tools.browser.server import HTML

PDF = ROOT / "_build" / "pdf" / "book.pdf"

# Attributes that hold an address, and those that hold the ids of other elements.
ADDRESSES = ("href", "src", "xlink:href")
REFERENCES = ("for", "aria-labelledby", "aria-describedby")

# What the browser has drawn, without what only a screen can use.
DRAWN = """() => {
  const article = document.querySelector("article.bd-article");
  for (const fold of article.querySelectorAll("details")) {
    fold.open = !fold.closest(".tag_bootstrap");
  }
  for (const word of article.querySelectorAll("button.term")) {
    word.replaceWith(...word.childNodes);
  }
  const ofScreens = article.querySelectorAll("script, button, .headerlink, .meaning");
  for (const element of ofScreens) element.remove();
  return article.outerHTML;
}"""
# Without a page's own running head.
STYLES = """() => [...document.querySelectorAll(
    "link[rel=stylesheet], head style:not([media])")]
  .map(style => style.href
    ? `<link rel="stylesheet" href="${style.href}">`
    : `<style>${style.textContent}</style>`)"""

# A table or a formula wider than the page is scaled until it fits.
SHRINK = """() => {
  const wide = document.querySelectorAll(".bd-article :is(table, div.math)");
  for (const element of wide) {
    const room = element.parentElement.clientWidth;
    const excess = element.scrollWidth / room;
    if (room && excess > 1) element.style.zoom = 1 / excess;
  }
}"""


class PdfError(Exception):
    """What keeps the book from being printed; the text says what to do."""


def reading_order(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the parts of ``_toc.yml`` with their pages, the landing page first."""
    contents = parse_toc_yaml(root / "_toc.yml")
    parts = {part.caption: [*map(str, part.items)] for part in contents.root.subtrees}
    return {"": [contents.root.docname], **parts}


def join_page(html: str, name: str, names: set[str], base_url: str) -> Tag:
    """Return a page's article with ids and addresses that hold in the whole book.

    Args:
        html: The article as drawn by the browser.
        name: The page, such as ``chapters/01-lenet``.
        names: All pages of the book.
        base_url: Where the book is online, for what is not in it.
    """
    article = BeautifulSoup(html, "html.parser").article

    def move(address: str, attribute: str) -> str:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return address
        if not parts.path:
            return f"#{name}/{parts.fragment}"
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), parts.path))
        page = target.removesuffix(".html")
        if attribute == "src":
            return f"../html/{target}"
        if page not in names:
            return base_url + target
        return f"#{page}/{parts.fragment}".removesuffix("/")

    for element in article.find_all(True):
        for attribute in ADDRESSES:
            if attribute in element.attrs:
                element[attribute] = move(element[attribute], attribute)
        for attribute in REFERENCES:
            if attribute in element.attrs:
                ids = [f"{name}/{one}" for one in element[attribute].split()]
                element[attribute] = " ".join(ids)
        if "id" in element.attrs:
            element["id"] = f"{name}/{element['id']}"
    article["id"] = name
    return article


def headings(article: Tag) -> list[tuple[int, str, str]]:
    """Return level, id and text of a page's title and sections."""
    return [
        (int(heading.name[1]), heading.find_parent(id=True)["id"], heading.get_text())
        for heading in article.find_all(["h1", "h2"])
    ]


def contents(
    parts: dict[str, list[str]], articles: dict[str, Tag], numbers: dict[str, int]
) -> str:
    """Return the table of contents; a page number not yet known is left out."""
    lines = ['<nav class="book-contents"><h1>Contents</h1>']
    for caption, names in parts.items():
        lines += [f"<p>{escape(caption)}</p>"] if caption else []
        for name in names:
            lines += [
                f'<a class="level-{level}" href="#{anchor}"><span>{escape(text)}</span>'
                f"<span>{numbers.get(anchor, '')}</span></a>"
                for level, anchor, text in headings(articles[name])
            ]
    return "\n".join([*lines, "</nav>"])


def document(
    parts: dict[str, list[str]],
    articles: dict[str, Tag],
    styles: list[str],
    numbers: dict[str, int],
    config: dict,
) -> str:
    """Return the whole book as one HTML page, to lie beside the built pages' folder."""
    title, address = config["title"], config["html"]["baseurl"]
    running, bodies = [], []
    for number, (name, article) in enumerate(articles.items()):
        heading = article.h1.get_text().replace('"', r"\"")
        running += [
            f'@page page-{number} {{ @top-left {{ content: "{heading}" }} }}',
            f'[id="{name}"] {{ page: page-{number} }}',
        ]
        bodies.append(str(article))
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<title>{escape(title)}</title>
{"".join(styles)}
<link rel="stylesheet" href="../../tools/browser/pdf.css">
<style>{"".join(running)}</style>
</head>
<body>
<header class="book-title">
<img alt="" src="../../{config["logo"]}">
<p class="title">{escape(title)}</p>
<p>{escape(config["author"])}</p>
<p>{escape(config["copyright"])}</p>
<p><a href="{address}">{address}</a></p>
<p>Folded cells are open here, and each slider shows one of its pictures.
The pages online are live.<br>{config["html"]["extra_footer"]}</p>
</header>
{contents(parts, articles, numbers)}
<div class="bd-content">{"".join(bodies)}</div>
</body>
</html>
"""


def draw(
    tab: Page, names: list[str], base_url: str
) -> tuple[dict[str, Tag], list[str]]:
    """Let the browser draw pages; return their articles and all their style sheets."""
    articles, styles = {}, {}
    for name in names:
        chromium.open_page(tab, (HTML / f"{name}.html").as_uri())
        articles[name] = join_page(tab.evaluate(DRAWN), name, set(names), base_url)
        styles |= dict.fromkeys(tab.evaluate(STYLES))
    # The landing page bears the book's name, which the title page has already.
    articles[names[0]].h1.string = "About this book"
    return articles, [*styles]


def add_outline(
    book: PdfWriter, parts: dict[str, list[str]], articles: dict[str, Tag]
) -> None:
    """Add the outline: parts, pages, sections.

    Chromium's own repeats a heading that begins a sheet and joins words of two lines.
    """
    places = book.named_destinations

    def add(anchor: str, title: str, parent: object) -> object:
        place = places[f"/{anchor}"]
        number = book.get_destination_page_number(place)
        return book.add_outline_item(
            title=title, page_number=number, parent=parent, fit=Fit.xyz(top=place.top)
        )

    for caption, names in parts.items():
        part = add(names[0], caption, None) if caption else None
        for name in names:
            for level, anchor, text in headings(articles[name]):
                if level == 1:
                    page = add(anchor, text, part)
                else:
                    add(anchor, text, page)


def print_book(browser: Browser, parts: dict[str, list[str]], target: Path) -> int:
    """Print the pages named in the parts to a PDF; return how many sheets it has."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    names = [name for part in parts.values() for name in part]
    tab = browser.new_page()
    articles, styles = draw(tab, names, config["html"]["baseurl"])

    target.parent.mkdir(parents=True, exist_ok=True)
    source = target.with_suffix(".html")
    # As wide as the paper between its margins, so that what is measured is printed.
    tab.set_viewport_size({"width": 658, "height": 980})
    tab.emulate_media(media="print", color_scheme="light")
    numbers: dict[str, int] = {}
    for tagged in (False, True):  # the second time with the page numbers of the first
        source.write_text(document(parts, articles, styles, numbers, config))
        tab.goto(source.as_uri())
        tab.evaluate(SHRINK)
        printed = tab.pdf(
            prefer_css_page_size=True, print_background=True, tagged=tagged
        )
        book = PdfWriter(clone_from=BytesIO(printed))
        numbers = {
            name.removeprefix("/"): book.get_destination_page_number(place) + 1
            for name, place in book.named_destinations.items()
        }
    source.unlink()
    tab.close()
    add_outline(book, parts, articles)
    book.page_mode = "/UseOutlines"
    book.add_metadata({"/Title": config["title"], "/Author": config["author"]})
    partial = target.with_suffix(".part")
    book.write(partial)
    partial.replace(target)  # so that what lies there is always a whole book
    return len(book.pages)


def main() -> None:
    """Print the book from _build/html to _build/pdf/book.pdf."""
    try:
        parts = reading_order()
        if not (HTML / f"{parts[''][0]}.html").exists():
            raise PdfError(f"There is no built book in {HTML}: run `make book` first.")
        # Chromium counts a file's objects otherwise; pypdf says so and goes on.
        logging.getLogger("pypdf").setLevel(logging.ERROR)
        with chromium.launch() as browser:
            sheets = print_book(browser, parts, PDF)
    except (PdfError, chromium.ChromiumError) as error:
        print(f"pdf: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    size = PDF.stat().st_size / 1e6
    print(f"{PDF.relative_to(ROOT)}: {sheets} pages, {size:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
