"""A Sphinx extension for the ways that lead out of a page, in the bar above it.

A chapter runs in Colab by a button that says so. A mistake is reported in an issue that
already names the page; ``_static/book.js`` adds the section in view. The menu of what
can be taken along has the page's source, the page on paper, and the whole book as PDF
where `make pdf` has printed one before the pages were built.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

PDF = Path("..", "pdf", "book.pdf")  # beside the folder of the pages
REPORT = """\
Page: {address}

The sentence or cell:


What is wrong with it, or what would be better:
"""
# By the names that the theme gives them: what a menu's entries are called here.
NAMES = {
    "download-source-button": {
        "text": "This page as {kind}",
        "tooltip": "Download its source",
    },
    "download-pdf-button": {
        "text": "Print this page",
        "tooltip": "On paper or into a file",
        "icon": "fas fa-print",
    },
}
KINDS = {".ipynb": "a notebook", ".md": "Markdown"}


def report(repository: str, title: str, address: str) -> dict[str, str]:
    """Return the link that opens an issue about a page.

    Args:
        repository: The address of the book's repository.
        title: The page's title.
        address: Where the page is online.
    """
    asked = {"title": f"In “{title}”: ", "body": REPORT.format(address=address)}
    return {
        "type": "link",
        "url": f"{repository}/issues/new?{urlencode(asked)}",
        "text": "Report a mistake",
        "tooltip": "Open an issue that names this section",
        "icon": "fas fa-lightbulb",
        "label": "report",
    }


def run(menu: dict[str, Any]) -> dict[str, str]:
    """Return the button that stands for a menu with one entry, Colab."""
    (colab,) = menu["buttons"]
    return colab | {
        "text": "Run in Colab",
        "tooltip": "Open this chapter in Google Colab, in a new tab",
        "icon": "fas fa-play",
        "label": "run-in-colab",
    }


def take_along(menu: dict[str, Any], kind: str, pdf: dict[str, str] | None) -> None:
    """Give the entries of the menu of downloads names, and add the book as PDF."""
    for button in menu["buttons"]:
        names = NAMES[button["label"]]
        button |= {key: text.format(kind=kind) for key, text in names.items()}
    menu["tooltip"] = "Download or print"
    if pdf:
        menu["buttons"].append(pdf)


def whole_book(app: Sphinx, root: str) -> dict[str, str] | None:
    """Return the link to the book as PDF, if there is one.

    Args:
        root: What leads from a page to the book's folder.
    """
    try:
        size = Path(app.outdir, PDF).stat().st_size
    except FileNotFoundError:
        return None
    return {
        "type": "link",
        "url": f"{root}{PDF.name}",
        "text": f"The book as PDF ({size / 1e6:.0f} MB)",
        "tooltip": "All chapters, to print or to read on a tablet",
        "icon": "fas fa-book",
        "label": "book-pdf",
    }


def name_ways(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Change the buttons that the theme has put into a page's bar.

    Raises:
        ExtensionError: If the theme has put other ones there.
    """
    menus = {button["label"]: button for button in context["header_buttons"]}
    source = menus["source-buttons"]["buttons"]
    issue = next((each for each in source if each["text"] == "Open issue"), None)
    if issue is None:
        raise ExtensionError("the theme has changed, mend tools/site/ways_out.py")
    if doctree is None:  # a page of the theme's, such as that of the search
        return
    repository = issue["url"].partition("/issues/")[0]
    address = app.config.html_baseurl + app.builder.get_target_uri(page)
    title = app.env.titles[page].astext()
    source[source.index(issue)] = report(repository, title, address)
    kind = KINDS[Path(app.env.doc2path(page)).suffix]
    pdf = whole_book(app, context["content_root"])
    take_along(menus["download-buttons"], kind, pdf)
    context["header_buttons"] = [
        run(button) if button["label"] == "launch-buttons" else button
        for button in context["header_buttons"]
    ]


def copy_pdf(app: Sphinx, error: Exception | None) -> None:
    """Lay the PDF beside the pages that link it."""
    printed = Path(app.outdir, PDF)
    if not error and app.builder.format == "html" and printed.exists():
        shutil.copyfile(printed, Path(app.outdir, PDF.name))


def setup(app: Sphinx) -> dict:
    """Register the change, after the theme's own at 501, and the copy at the end."""
    app.connect("html-page-context", name_ways, priority=600)
    app.connect("build-finished", copy_pdf)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
