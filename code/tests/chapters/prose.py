"""The numbers that a chapter states, and whether the reader can see where from."""

import re
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

# What is no statement about the subject, in the order in which it is taken away.
CODE = re.compile(r"```.*?```|~~~.*?~~~|(`+).+?\1", re.S)
MARKUP = re.compile(r"<!--.*?-->|<style.*?</style>|<[^<>]+>|\]\([^)]*\)", re.S)
ADDRESS = re.compile(r"https?://\S+|\barXiv:\s?\S+|\b10\.\d{4,9}/\S+", re.I)
MARKER = re.compile(r"^\s*(?:#+\s*\d+(?:\.\d+)*\b|\d+[.)]\s)", re.M)
CITATION = re.compile(r"\b\d+\(\d+\)(?::\s?\d+[–-]+\d+)?|\bpp?\.\s?\d+(?:[–-]+\d+)?")
REFERENCE = re.compile(
    r"(?:\b(?:sections?|sec\.|figures?|figs?\.|tables?|chapters?|cells?|exercises?|"
    r"equations?|eqs?\.|pages?|volume|vol\.)|§)\s*"
    r"\(?\d+(?:\.\d+)*\)?(?:\s*(?:–|and|to|or)\s*\(?\d{1,2}\)?(?![\d.,]*\d))*",
    re.I,
)
VERSION = re.compile(r"\b\d+(?:\.\d+){2,}|\bPython 3\.\d+|\b\d{4}-\d\d-\d\d\b")
ORDINAL = re.compile(r"\b\d+(?:st|nd|rd|th)\b")
SUBSCRIPT = re.compile(r"_(?:\{[^{}]*\}|\d)")
COMMAND = re.compile(r"\\[a-zA-Z]+")
TIMES = re.compile(r"(?<=\d)[x×@](?=\d)")
NAME = re.compile(r"(?<![\w.])[^\W\d]\w*(?:[-–]\d+(?:/\d+)*)*")
NOT_STATEMENTS = (
    CODE,
    MARKUP,
    ADDRESS,
    MARKER,
    CITATION,
    REFERENCE,
    VERSION,
    ORDINAL,
    SUBSCRIPT,
    COMMAND,
)

# Powers of ten
SCALES = {"k": 3, "thousand": 3, "M": 6, "million": 6, "G": 9, "B": 9, "billion": 9}
NUMBER = re.compile(
    r"(?<![\w.])(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    rf"(?:[\s~]?(?P<scale>{'|'.join(SCALES)})\b)?"
)
YEARS = range(1900, 2031)
FREE = range(13)  # so small that a reader counts along


class Number(NamedTuple):
    """A number as it stands in a text, and the power of ten that a word adds."""

    text: str
    value: Decimal
    power: int

    @property
    def places(self) -> int:
        """How many decimals are written."""
        return max(0, -self.value.as_tuple().exponent)


def numbers(text: str) -> Iterator[Number]:
    """Yield the numbers in a plain text; ``VGG-16`` and ``C3`` are names."""
    text = NAME.sub(_keep_scale, TIMES.sub(" ", text))
    for match in NUMBER.finditer(text):
        value = Decimal(match["digits"].replace(",", ""))
        yield Number(match[0], value, SCALES.get(match["scale"], 0))


def stated(markdown: str) -> Iterator[Number]:
    """Yield the numbers that a Markdown text states and that need a source."""
    text = markdown.replace("{,}", ",").replace(r"\,", "").replace(r"\%", "%")
    for pattern in NOT_STATEMENTS:
        text = pattern.sub(" ", text)
    for number in numbers(text):
        whole = number.places == 0 and "," not in number.text and not number.power
        if not (whole and (number.value in FREE or number.value in YEARS)):
            yield number


def supported(number: Number, evidence: Iterable[Decimal]) -> bool:
    """Is the number among the evidence, or what one rounds to at its decimals?"""
    unit = Decimal(1).scaleb(-number.places)
    for known in evidence:
        for value in {known, known.scaleb(-number.power)}:
            if value == number.value or any(
                value.quantize(unit, rounding) == number.value
                for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN)
                if value.adjusted() < 20
            ):
                return True
    return False


def _keep_scale(name: re.Match) -> str:
    word = name[0].removesuffix("s").removesuffix("MAC")
    return word if word in SCALES else " "
