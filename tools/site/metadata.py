"""A Sphinx extension for readers that are machines: descriptions, and ``llms.txt``.

Each page gets its first sentences as description. ``llms.txt`` lists all pages with
theirs (https://llmstxt.org), and beside each page ``X.html`` lies its plain text,
``X.html.md``: a notebook's text, code and printed output without its pictures.
"""

from __future__ import annotations

import posixpath
import re
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from docutils import nodes

from tools.site import share

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LENGTH = 200


def first_sentences(doctree: nodes.document, length: int = LENGTH) -> str:
    """Return as many of a page's first sentences as fit, and at least one.

    What a chapter shows before its first paragraph is left out, and so is the label
    that this paragraph begins with.
    """
    paragraphs = (
        each
        for each in doctree.findall(nodes.paragraph)
        if "opening" not in each.parent.get("classes", [])
    )
    paragraph = next(paragraphs, nodes.paragraph())
    text = " ".join(paragraph.astext().split()).removeprefix("The question. ")
    sentences = re.split(r"(?<=[.?!:]) (?=[A-Z])", text)
    description = sentences.pop(0)
    while sentences and len(description) + len(sentences[0]) < length:
        description += " " + sentences.pop(0)
    return description


def describe(
    app: Sphinx, name: str, _: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Set a page's description, before sphinxext.opengraph would choose one."""
    if doctree:
        text = escape(first_sentences(doctree))
        card = {
            "og:image:alt": f"The page's title, {context['title']}, under the book's"
        }
        if name == app.config.root_doc:
            card = share.card()
            context["metatags"] += (
                '<meta name="twitter:card" content="summary_large_image" />\n'
            )
        app.env.metadata[name] |= {"og:description": text, **card}
        source = posixpath.basename(app.builder.get_target_uri(name)) + ".md"
        context["metatags"] += (
            f'<meta name="description" content="{text}" />\n'
            f'<link rel="alternate" type="text/markdown" href="{source}" />\n'
        )


def plain_text(source: Path) -> str:
    """Return a page's source as Markdown, a notebook without its pictures."""
    if source.suffix != ".ipynb":
        return source.read_text(encoding="utf-8")
    parts = []
    for cell in nbformat.read(source, as_version=4).cells:
        if "remove-cell" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            text = output.get("text") or data.get("text/plain", "")
            if text and not any("image" in kind or "widget" in kind for kind in data):
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write ``llms.txt`` and the plain texts into the folder of the built pages."""
    if exception or app.builder.format != "html":
        return
    contents, base_url = app.config.external_site_map, app.config.html_baseurl
    root = contents.root.docname
    parts = {"Introduction": [root]}
    parts |= {part.caption: [*map(str, part.items)] for part in contents.root.subtrees}
    described = {
        name: unescape(app.env.metadata[name]["og:description"])
        for names in parts.values()
        for name in names
    }
    lines = [f"# {app.config.html_title}", f"> {described[root]}"]
    for caption, names in parts.items():
        lines.append(f"## {caption}")
        entries = []
        for name in names:
            page = app.builder.get_target_uri(name) + ".md"
            source = Path(app.env.doc2path(name))
            Path(app.outdir, page).write_text(plain_text(source), encoding="utf-8")
            title = app.env.titles[name].astext()
            entries.append(f"- [{title}]({base_url}{page}): {described[name]}")
        lines.append("\n".join(entries))
    Path(app.outdir, "llms.txt").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the two events; called by Sphinx."""
    app.connect("html-page-context", describe, priority=400)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
