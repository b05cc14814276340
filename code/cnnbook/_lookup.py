"""Finding a thing by its name, with a helpful error when the name is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

Entry = TypeVar("Entry")
MOST_LISTED = 80  # a message stays readable: there are some 500 figures


def lookup(name: str, table: Mapping[str, Entry], kind: str) -> Entry:
    """Return ``table[name]``.

    Raises:
        ValueError: If `name` is unknown; the message names the closest known ones.
    """
    if name in table:
        return table[name]
    close = difflib.get_close_matches(str(name).lower(), table, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    known = sorted(table)
    if len(known) > MOST_LISTED:
        known[MOST_LISTED // 2 :] = [f"{len(known) - MOST_LISTED // 2} more"]
    raise ValueError(f"unknown {kind} {name!r}: {hint}Known are {', '.join(known)}.")
