"""An exercise whose answers are numbers, answered in the page.

The cases are those on which the reader's function is checked, so a field knows what is
right from where `check` knows it: ``cnnbook.exercises``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from ..exercises._cases import Cases
from ._element import Explorable

# How answers.js lays them out, in pixels: a letter of words, a line, the width that a
# narrow and a wide page leave, and all that is there without a case. A label of few
# letters has its field beside it on narrow pages, too.
LETTER, LINE, NARROW, WIDE, FRAME = 7.4, 22, 284, 564, 78
SHORT = 17


def view(
    name: str,
    cases: Cases,
    *,
    labels: Sequence[str] = (),
    parts: Sequence[str] = (),
    tolerance: float = 1e-4,
) -> Explorable:
    """Return fields for the answers to an exercise, one row a case.

    Args:
        name: Of the reader's function; a case without a label is named as its call.
        cases: Pairs (arguments, expected), where expected is a number or a tuple or
            list of numbers.
        labels: What stands before each case, in words.
        parts: What each of several numbers is, in words.
        tolerance: As that of `check`.

    Raises:
        ValueError: If an expected answer is no number, or there are not as many labels
            as cases or parts as numbers.
    """
    rows = []
    for arguments, expected in cases:
        call = f"{name}({', '.join(map(repr, arguments))})"
        numbers = list(expected) if isinstance(expected, list | tuple) else [expected]
        if not all(isinstance(number, Real) for number in numbers):
            raise ValueError(f"{call}: {expected!r} is not made of numbers")
        if len(parts or numbers) != len(numbers):
            raise ValueError(f"{call}: {len(numbers)} numbers, {len(parts)} parts")
        rows.append({"label": call, "code": True, "right": numbers})
    if labels and len(labels) != len(rows):
        raise ValueError(f"{name}: {len(rows)} cases, {len(labels)} labels")
    for row, label in zip(rows, labels, strict=False):
        row.update(label=label, code=False)
    return Explorable(
        name="answers",
        figure=None,
        alt=f"Fields for the answers to {name}.",
        sentence="",
        heights=(_height(rows, parts, NARROW), _height(rows, parts, WIDE)),
        data={"rows": rows, "parts": list(parts), "tolerance": tolerance},
    )


def _height(rows: list[dict[str, Any]], parts: Sequence[str], width: int) -> int:
    """Return the height of the fields and of their check, in pixels."""
    height = FRAME
    for row in rows:
        count, letters = len(row["right"]), len(row["label"])
        beside = count == 1 and (width == WIDE or letters <= SHORT)
        across = width if not beside else width - 222 if width == WIDE else width - 162
        lines = math.ceil(letters * (8.5 if row["code"] else LETTER) / across)
        field = 44 if not parts else 68
        down = math.ceil(count / 3) if width == WIDE else count
        fields = field * down + 4 * (down - 1)
        label = LINE * lines
        height += 12 + (max(label, fields) if beside else label + 4 + fields)
    return height
