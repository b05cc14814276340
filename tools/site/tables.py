"""A Sphinx extension that sets tables: words left, numbers right, and no value broken.

pandas writes every cell alike. Here the columns of a table of pandas that hold words
get the class ``words``, heads included, and a value (a number with what belongs to it,
such as "11.31 G" or "(2, 2, 2, 2)") gets ``value`` in tables of every kind. The styles
are in ``_static/custom.css``.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import zip_longest

from sphinx.application import Sphinx

TABLE = re.compile(r"<table\b[^>]*>.*?</table>", re.DOTALL)
OF_PANDAS = re.compile(r'<table\b[^>]*class="[^"]*\bdataframe\b')
ROW = re.compile(r"<tr\b[^>]*>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<(?P<tag>t[hd])\b(?P<rest>[^>]*)>(?P<text>.*?)</(?P=tag)>", re.S)
SPAN = re.compile(r'colspan="(\d+)"')
TAG = re.compile(r"<[^>]*>")
# A number, or several; before it a sign, after it a unit of few letters.
VALUE = re.compile(
    r"""[~≈≤≥<>±+\-−]?\s*        # about, at least, below zero
    [(\[]?[\d.]                  # the first digit
    [\d.,:;%\s×·/()\[\]±+\-−–⁰¹²³⁴⁵⁶⁷⁸⁹]*   # more digits, sizes, ranges, powers
    (?:[A-Za-zµ]{1,3}(?:/[a-z]{1,2})?)?\s*%?""",
    re.VERBOSE,
)
EMPTY = {"", "–", "—", "-", "NaN", "nan", "None", "?", "…"}


def text_of(cell: str) -> str:
    """Return what is read in a cell."""
    return " ".join(unescape(TAG.sub("", cell)).split())


def is_value(text: str) -> bool:
    """Tell whether a cell holds a number, or several, and nothing said about them."""
    return len(text) <= 24 and bool(VALUE.fullmatch(text))


def with_class(cell: re.Match, name: str) -> str:
    """Return a cell with one more class."""
    rest = cell["rest"]
    if ' class="' in rest:
        rest = rest.replace(' class="', f' class="{name} ', 1)
    else:
        rest += f' class="{name}"'
    return f"<{cell['tag']}{rest}>{cell['text']}</{cell['tag']}>"


def columns_of_words(table: str) -> set[int]:
    """Return the columns of a table of pandas that hold words.

    Columns are counted from the last one, which is 0: a name that stands for several
    rows is missing from all but the first of them.
    """
    rows = [
        [text_of(cell["text"]) for cell in CELL.finditer(row) if cell["tag"] == "td"]
        for row in ROW.findall(table)
    ]
    columns = zip_longest(*(reversed(row) for row in rows if row), fillvalue="")
    return {
        place
        for place, column in enumerate(columns)
        if (said := [text for text in column if text not in EMPTY])
        and sum(map(is_value, said)) * 2 < len(said)
    }


def set_table(table: str) -> str:
    """Return a table whose cells say what is in them."""
    words = columns_of_words(table) if OF_PANDAS.match(table) else set()

    def set_row(row: re.Match) -> str:
        cells = list(CELL.finditer(row[0]))
        widths = [int((SPAN.findall(cell["rest"]) or [1])[0]) for cell in cells]
        parts, end = [], 0
        for number, cell in enumerate(cells):
            place = sum(widths[number + 1 :])  # from the last one
            covered = {*range(place, place + widths[number])}
            parts.append(row[0][end : cell.start()])
            if covered <= words:
                parts.append(with_class(cell, "words"))
            elif cell["tag"] == "td" and is_value(text_of(cell["text"])):
                parts.append(with_class(cell, "value"))
            else:
                parts.append(cell[0])
            end = cell.end()
        return "".join([*parts, row[0][end:]])

    return ROW.sub(set_row, table)


def set_tables(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Set all tables of a page."""
    context["body"] = TABLE.sub(
        lambda table: set_table(table[0]), context.get("body", "")
    )


def setup(app: Sphinx) -> dict:
    """Register the change, after that of minus signs in tools/site/light.py."""
    app.connect("html-page-context", set_tables, priority=910)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
