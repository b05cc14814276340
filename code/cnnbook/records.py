"""Recorded results: what takes too long for a chapter, with its origin."""

from __future__ import annotations

import json
from pathlib import Path

from . import _book

FOLDER = _book.ROOT / "data" / "runs"


def load(name: str) -> dict:
    """Return the record ``data/runs/<name>.json``.

    Raises:
        FileNotFoundError: If there is none of that name; the message lists them.
        ValueError: If the file is damaged.
    """
    path = FOLDER / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.json")))
        raise FileNotFoundError(f"no recorded run {name!r}; there are: {known}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _book.damaged(path, error) from error


def save(name: str, record: dict) -> Path:
    """Write a record, its `training.origin` included, to ``data/runs/<name>.json``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    _book.write_whole(path, json.dumps(record, indent=1) + "\n")
    return path
