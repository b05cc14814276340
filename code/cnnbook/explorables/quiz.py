"""The landing page: sentences that one reads of these networks, true or wrong.

They are the two tables of ``chapters/common-errors.md``, and the reasons are that
page's sections: nothing is said twice, so nothing can go stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape

from .. import _book
from ._element import Explorable

PAGE = _book.ROOT / "chapters" / "common-errors.md"
CITATION = _book.ROOT / "CITATION.cff"
# Which table a row belongs to is told by the head of its first column.
HEADS = {"| you may read |": False, "| it sounds wrong |": True}
ROW = re.compile(
    r"\| \[(?P<sentence>.+?)\]\(#(?P<section>[\w-]+)\) "
    r"\| (?P<count>.+?) "
    r"\| \[(?P<title>.+?)\]\((?P<chapter>[\w-]+)\.ipynb#(?P<place>[\w-]+)\) \|"
)
LONGEST = 245  # characters of a reason


@dataclass(frozen=True)
class Sentence:
    """A sentence that one may read, and what becomes of it when one counts.

    Args:
        text: The sentence.
        holds: Whether it is true.
        count: What the count says, in a few words.
        because: What the page says of it, in a sentence or two.
        chapter: The number of the chapter that counts it.
        title: The section that does, by its name.
        address: That section's, online; the book's build makes it a relative one.
    """

    text: str
    holds: bool
    count: str
    because: str
    chapter: int
    title: str
    address: str


def sentences() -> list[Sentence]:
    """Read the sentences, in the order of the chapters that count them.

    Raises:
        ValueError: If a row of the page's tables names a section that is not there.
    """
    page = PAGE.read_text(encoding="utf-8")
    return sorted(_rows(page), key=lambda sentence: sentence.chapter)


def view() -> Explorable:
    """Return the quiz; where nothing moves, a table of all sentences and counts."""
    asked = sentences()
    return Explorable(
        name="quiz",
        figure=_table(asked),
        alt="Sentences about these networks, each with whether it is true.",
        sentence="Computed in its chapter, and compared again at each of its tests.",
        heights=(742, 540),
        data={"sentences": [asdict(sentence) for sentence in asked]},
    )


def _rows(page: str) -> Iterator[Sentence]:
    """Read the rows of the two tables."""
    [base] = re.findall(r"^url: (\S+)$", CITATION.read_text("utf-8"), re.MULTILINE)
    reasons = _reasons(page)
    holds = False
    for line in page.splitlines():
        holds = next((HEADS[head] for head in HEADS if line.startswith(head)), holds)
        row = ROW.fullmatch(line)
        if not row:
            continue
        if row["section"] not in reasons:
            raise _book.damaged(PAGE, f"there is no section #{row['section']}")
        yield Sentence(
            text=row["sentence"],
            holds=holds,
            count=row["count"],
            because=reasons[row["section"]],
            chapter=int(row["chapter"][:2]),
            title=row["title"],
            address=f"{base}chapters/{row['chapter']}.html#{row['place']}",
        )


def _reasons(page: str) -> dict[str, str]:
    """Return the first sentences of each section, by the name that links give it."""
    sections = re.findall(r"^### (.+)\n\n((?:.+\n)+)", page, re.MULTILINE)
    return {_anchor(head): _first_sentences(text) for head, text in sections}


def _anchor(heading: str) -> str:
    """Return the name by which links in Markdown know a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _first_sentences(text: str) -> str:
    """Return as many of a section's first sentences as fit: at least one.

    The section ends with links into a chapter, which are left out, as are marks.
    """
    words, _, _ = " ".join(text.split()).partition(" [Chapter ")
    chosen, *others = re.split(r"(?<=[.?!]) (?=[A-Z])", re.sub("[*`]", "", words))
    while others and len(chosen) + len(others[0]) < LONGEST:
        chosen += f" {others.pop(0)}"
    return chosen


def _table(asked: list[Sentence]) -> str:
    rows = "".join(
        f"<tr><td>{escape(sentence.text)}</td>"
        f"<td>{'true' if sentence.holds else 'wrong'}: "
        f'<a href="{sentence.address}">{escape(sentence.count)}</a></td></tr>'
        for sentence in asked
    )
    heads = "<tr><th>you may read</th><th>the count says</th></tr>"
    return f'<table class="table"><thead>{heads}</thead><tbody>{rows}</tbody></table>'
