"""A Sphinx extension that keeps together, at the end of a line, what is read as one.

A number stays with its unit, by a space that does not break; "LeNet-5" stays whole, in
an element that does not wrap. A hyphen that does not break would do as well, but then
the browser's search no longer finds the name. Code, formulas, titles of
pages and what the search reads stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sphinx.application import Sphinx

# What the pages' text is divided at: elements to be left alone, and all other tags.
LEFT_ALONE = "annotation|code|pre|script|style|svg|textarea"
MARKUP = re.compile(rf"(<({LEFT_ALONE})\b.*?</\2>|<!--.*?-->|<[^>]*>)", re.DOTALL)

UNITS = (
    "%|[kKMGT]i?B|bytes?|bits?|ms|µs|s|min|px|pixels?|MACs?|[KMG]?FLOPs?|GPUs?|CPUs?|"
    "M|G|k|million|billion|thousand|layers?|parameters?|images?|epochs?|steps?|seeds?|"
    "minutes?|hours?|seconds?|classes|channels?|units?|weights?|blocks?"
)
WITH_UNIT = re.compile(rf"(?<=\d)[ \n](?=(?:{UNITS})(?![\w-]))")
NAME = re.compile(r"(?<![\w-])[A-Za-z][\w.]{0,12}-\d[\w.]{0,4}(?<!\.)(?![\w-])")


def keep_together(text: str) -> str:
    """Return a text with what belongs to a number kept beside it."""
    text = WITH_UNIT.sub("\u00a0", text)
    return NAME.sub(lambda name: f'<span class="whole">{name[0]}</span>', text)


def parts(html: str) -> Iterator[str]:
    """Yield the parts of a page, text changed and markup as it was."""
    end = 0
    for markup in MARKUP.finditer(html):
        yield keep_together(html[end : markup.start()])
        yield markup[0]
        end = markup.end()
    yield keep_together(html[end:])


def change(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Change what is read on a page."""
    if doctree is not None:
        context["body"] = "".join(parts(context.get("body", "")))


def setup(app: Sphinx) -> dict:
    """Register the change, after the search has read the page."""
    app.connect("html-page-context", change, priority=920)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
