"""A Sphinx extension that tells the browser about how high each section will be.

A section is laid out when it comes near; until then the browser needs a guess for the
length of the scroll bar. The guess is made here from what is in the section, for a desk
and for a phone, and read by ``contain-intrinsic-size`` in ``_static/custom.css``. What
is folded, or hidden behind a question, does not count.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from sphinx.application import Sphinx

TOKEN = re.compile(r"<(/?)([a-zA-Z][\w-]*)([^>]*)>|<!--.*?-->|([^<]+)", re.DOTALL)
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
EXPLORABLE = re.compile(r"--(wide|narrow): *(\d+)px")
VOID = {"img", "br", "hr", "input", "source", "meta", "link", "wbr", "col"}
# What is read in lines as wide as the column.
BLOCKS = {"p", "li", "dd", "dt", "figcaption", "h2", "h3", "h4"}
# What takes no room, whatever is in it.
NOTHING = {"script", "style", "annotation", "button", "template", "math"}


@dataclass(frozen=True)
class Column:
    """The measures of a column of text, in pixels and letters: fitted to the pages."""

    width: int
    letters: int  # in a line of text
    line: float  # the height of a line of text
    block: float  # the margins of a paragraph, a heading, an entry of a list
    code: float  # the height of a line of code
    box: float  # the padding and the margins of code, printed text, or a table
    row: float  # the height of a table's row
    picture: float  # the margins of a picture
    fold: float  # the line that something is folded behind
    formula: float  # a formula on lines of its own


DESK = Column(688, 84, 28.9, 8.8, 14.7, 58.9, 26.8, 55.1, 48.0, 122.6)
PHONE = Column(358, 45, 31.8, 9.3, 15.5, 66.5, 31.6, 57.2, 56.2, 91.0)


@dataclass
class Section:
    """What there is in a section, as far as it can be seen."""

    start: int  # where its tag's attributes end in the page
    blocks: list[int] = field(default_factory=list)  # letters in each
    code: list[int] = field(default_factory=list)  # lines in each
    rows: int = 0
    tables: int = 0
    pictures: list[tuple[int, int]] = field(default_factory=list)  # width, height
    folds: int = 0
    formulas: int = 0
    explorables: list[tuple[int, int]] = field(default_factory=list)  # wide, narrow

    def height(self, column: Column) -> int:
        """Return about how high the section is in such a column."""
        lines = sum(math.ceil(letters / column.letters) for letters in self.blocks)
        shown = sum(
            height * min(1, column.width / width) + column.picture
            for width, height in self.pictures
        )
        moving = sum(
            pair[column is PHONE] + column.picture for pair in self.explorables
        )
        return round(
            lines * column.line
            + len(self.blocks) * column.block
            + sum(self.code) * column.code
            + (len(self.code) + self.tables) * column.box
            + self.rows * column.row
            + shown
            + self.folds * column.fold
            + self.formulas * column.formula
            + moving
        )


def sections(body: str) -> list[Section]:
    """Return the sections of a page, each with those within it."""
    found: list[Section] = []
    open_tags: list[tuple[str, bool]] = []  # with what is hidden inside
    depth = letters = lines = 0
    for token in TOKEN.finditer(body):
        closing, name, rest, text = token.groups()
        hidden = any(hides for _, hides in open_tags)
        section = found[-1] if found else None
        if text is not None:
            if not hidden:
                letters += len(" ".join(text.split()))
                lines += text.count("\n")
            continue
        if not name:
            continue
        if closing:
            if name not in (tag for tag, _ in open_tags):
                continue
            while open_tags.pop()[0] != name:
                pass
            depth -= name == "section"
            if section and not hidden:
                if name in BLOCKS and letters:
                    section.blocks.append(letters)
                elif name == "pre":
                    section.code.append(lines)
                section.rows += name == "tr"
                section.tables += name == "table"
            if name in (*BLOCKS, "pre", "tr", "table", "details"):
                letters = lines = 0
            continue
        attributes = dict(ATTRIBUTE.findall(rest))
        classes = attributes.get("class", "").split()
        if name == "section":
            depth += 1
            if depth == 2:
                found.append(section := Section(token.end(3)))
        hides = name in NOTHING
        if section and not hidden:
            if name in BLOCKS or name == "pre":
                letters = lines = 0
            elif name == "img" and (height := attributes.get("height", "")).isdigit():
                section.pictures.append((int(attributes["width"]), int(height)))
            elif name == "details":
                section.folds += 1
                hides = "open" not in rest.split()
            elif "math" in classes and name == "div":
                section.formulas += 1
                hides = True
            elif kept_free := dict(EXPLORABLE.findall(rest)):
                wide, narrow = (int(kept_free[name]) for name in ("wide", "narrow"))
                section.explorables.append((wide, narrow))
                hides = True
            hides |= bool({"gate-result", "printed-frame"}.intersection(classes))
        if name not in VOID and not rest.endswith("/"):
            open_tags.append((name, hides))
    return found


def note_sizes(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Write the two heights of each section into its tag."""
    body = context.get("body", "")
    for section in reversed(sections(body)):
        heights = (
            f"--desk: {section.height(DESK)}px; --phone: {section.height(PHONE)}px"
        )
        body = f'{body[: section.start]} style="{heights}"{body[section.start :]}'
    context["body"] = body


def setup(app: Sphinx) -> dict:
    """Register the step, after all that changes what is in a section."""
    app.connect("html-page-context", note_sizes, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
