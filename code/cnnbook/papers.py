"""Figures from the papers, each with the place where it stands."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .lookup import lookup

ROOT = Path(__file__).resolve().parents[2]  # the book's folder


@dataclass(frozen=True)
class Figure:
    """A published figure: its value, its unit, and where it was published."""

    value: float
    unit: str
    what: str
    source: str
    place: str

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit} ({self.source}, {self.place})"


def figure(key: str) -> Figure:
    """Look up one figure of ``data/papers.csv``.

    Raises:
        ValueError: If there is no figure of that key; the message names the closest.
    """
    return lookup(key, _figures(), "figure")


@cache
def _figures() -> dict[str, Figure]:
    with open(ROOT / "data" / "papers.csv", newline="", encoding="utf-8") as file:
        return {
            row["key"]: Figure(
                float(row["value"]),
                row["unit"],
                row["what"],
                row["source"],
                row["place"],
            )
            for row in csv.DictReader(file)
        }
