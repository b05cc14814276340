"""Figures from the papers, each with the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pandas as pd

from . import _book
from ._lookup import lookup

FIGURES = {
    "key": str,
    "value": float,
    "unit": str,
    "what": str,
    "source": str,
    "place": str,
}
ILSVRC = {
    "year": "int64",
    "team": str,
    "system": str,
    "error": float,
    "split": str,
    "networks": "Int64",
    "outside_data": "boolean",
    "depth": "Int64",
    "kind": str,
    "entry": bool,
    "place_in_year": "Int64",
    "source": str,
    "place": str,
    "status": str,
}
# What may be unknown, and how the table says so. An empty field elsewhere is an error.
UNKNOWN = {
    "networks": [""],
    "outside_data": ["", "unknown"],
    "depth": [""],
    "place_in_year": [""],
}


@dataclass(frozen=True)
class Quote:
    """A published figure: its value, its unit, and where it was published."""

    value: float
    unit: str
    what: str
    source: str
    place: str

    def __str__(self) -> str:
        return f"{self.value:,.12g} {self.unit} ({self.source}, {self.place})"


def value(key: str) -> float:
    """Return the value of one figure of ``data/papers.csv``.

    Raises:
        ValueError: If there is no figure of that key; the message names the closest.
    """
    return quote(key).value


def quote(key: str) -> Quote:
    """Return one figure of ``data/papers.csv`` with its unit and its source.

    Raises:
        ValueError: If there is no figure of that key; the message names the closest.
    """
    return lookup(key, _figures(), "figure")


def ilsvrc() -> pd.DataFrame:
    """Return the ImageNet challenge's results in classification, 2010 to 2017.

    Teams entered with the challenge's images alone or with outside data. Here the first
    place is the best entry without; a variant with outside data has no place. Rows that
    are no entries, a paper's own result or a person's, are there for comparison. The
    images have been the same since 2012; those of 2010 and 2011 are others.

    Returns:
        A row for each result, by year:

        - ``year``: of the challenge, or of publication;
        - ``team``, ``system``: who, and by what method;
        - ``error``: top-5 error, in per cent, on ``split``;
        - ``networks``: averaged for this result, where published;
        - ``outside_data``: whether other images were trained on, where known;
        - ``depth``: weight layers of the deepest network that is described for this
          result; missing where none is;
        - ``kind``: "shallow", "convolutional" or "human";
        - ``entry``: whether it took part in the challenge;
        - ``place_in_year``: 1 for the winner;
        - ``source``, ``place``, ``status``: where the error stands, as in
          ``data/papers.csv``.

        The source of the entries is the challenge's results pages at image-net.org.

    Raises:
        ValueError: If ``data/ilsvrc.csv`` is missing or broken.
    """
    return _read("ilsvrc.csv", ILSVRC)


@cache
def _figures() -> dict[str, Quote]:
    rows = _read("papers.csv", FIGURES).set_index("key")
    return {row.Index: Quote(*row[1:]) for row in rows.itertuples()}


def _read(name: str, columns: dict) -> pd.DataFrame:
    """Read those columns of a table in the book's folder ``data``."""
    path = _book.ROOT / "data" / name
    try:
        table = pd.read_csv(
            path,
            usecols=list(columns),
            dtype=columns,
            na_values=UNKNOWN,
            keep_default_na=False,
            true_values=["yes"],
            false_values=["no"],
        )[list(columns)]
    except (OSError, TypeError, ValueError) as error:
        raise _book.damaged(path, error) from error
    # pandas takes a row that ends too soon for one with empty fields.
    gaps = table.drop(columns=[*UNKNOWN], errors="ignore").isin([""]).any(axis=1)
    if gaps.any():
        raise _book.damaged(path, f"line {gaps.idxmax() + 2} lacks a field")
    return table
