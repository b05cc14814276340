"""Predict first: a question that the reader answers before its result opens.

A gate has one question or two. Each has a ``kind``, what it asks (``ask``), what is
right, and ``because``, one sentence that says why, as the text does:

- ``choose``: ``options`` are texts, and ``right`` holds the places of those that are
  right. One is chosen, and any right one will do; with ``"several": true`` all right
  ones must be ticked and no other.
- ``order``: ``items`` are texts as they stand at first; ``right`` is the right order,
  as places in ``items``. A list within it holds those that have no order among them.
  ``values``, if given, says behind each item what it comes to.
- ``number``: ``right`` is a number, or two that bound what is right; ``scale`` has two
  ends, is logarithmic with ``"log": true``, and ``unit`` follows the number.
- ``curve``: ``x`` and ``y`` have a ``label``, x has ``values``, y a ``scale`` with two
  ends, ``log`` and ``unit``; ``right`` has a list of values for each curve's name.

In the book a gate stands in the metadata of the Markdown cell that asks; the build lays
it into the page, with the result that it hides (``tools/site/gates.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._element import Explorable

Question = Mapping[str, Any]
COMMON = {"kind", "ask", "right", "because"}
# How gate.js lays a question out, in pixels: a letter on average, a line, and the width
# that a narrow and a wide page leave for text. Options of few letters share a row.
LETTER, BOLD, LINE, NARROW, WIDE = 7.5, 8.3, 22, 258, 560
SHORT = 10


def view(*questions: Question, result: str = "") -> Explorable:
    """Return a gate.

    Args:
        questions: As this file says; what must be said of a kind, and no more.
        result: The id of the element that it opens, if the page has one.

    Raises:
        ValueError: If a question lacks something, or contradicts itself; it says what.
    """
    if not questions:
        raise ValueError("a gate needs a question")
    for question in questions:
        _check(question)
    return Explorable(
        name="gate",
        figure=None,
        alt=" ".join(str(question["ask"]) for question in questions),
        sentence="",
        heights=(_height(questions, NARROW), _height(questions, WIDE)),
        data={"questions": list(questions), "result": result},
    )


def _check(question: Question) -> None:
    """Raise a ValueError that names what is wrong with a question."""
    name, kind = question.get("ask", "a question"), question.get("kind")
    if kind not in KINDS:
        raise ValueError(f"{name}: the kind {kind!r} is none of {', '.join(KINDS)}")
    needed, allowed, check, _ = KINDS[kind]
    if missing := (COMMON | needed) - set(question):
        raise ValueError(f"{name}: it lacks {', '.join(sorted(missing))}")
    if unknown := set(question) - COMMON - needed - allowed:
        raise ValueError(f"{name}: {kind} knows no {', '.join(sorted(unknown))}")
    if problem := check(question):
        raise ValueError(f"{name}: {problem}")


def _check_choose(question: Question) -> str:
    right, options = question["right"], question["options"]
    if not right or not set(right) <= set(range(len(options))):
        return "right must hold places of options"
    if len(right) > 1 and len(right) == len(options) and not question.get("several"):
        return "no option is wrong"
    return ""


def _check_order(question: Question) -> str:
    places = [place for group in groups(question["right"]) for place in group]
    count = len(question["items"])
    if sorted(places) != list(range(count)):
        return "right must hold each place of items once"
    if _fits(question["right"], list(range(count))):
        return "items stand in the right order from the beginning"
    if len(question.get("values", places)) != count:
        return "values must be as many as items"
    return ""


def _check_number(question: Question) -> str:
    low, high = bounds(question["right"])
    return _check_scale(question, [low, high])


def _check_curve(question: Question) -> str:
    count = len(question["x"]["values"])
    if not 3 <= count <= 8:
        return "a curve has 3 to 8 handles"
    for curve in question["right"].values():
        if len(curve) != count:
            return "a curve has a value for each of x"
        if problem := _check_scale(question["y"], curve):
            return problem
    return ""


def _check_scale(scale: Mapping[str, Any], values: Sequence[float]) -> str:
    low, high = scale["scale"]
    if scale.get("log") and low <= 0:
        return "a logarithmic scale begins above 0"
    if not low <= min(values) <= max(values) <= high:
        return "what is right lies beyond the scale"
    return ""


def _fits(right: Sequence[int | Sequence[int]], order: Sequence[int]) -> bool:
    """Tell whether an order is a right one."""
    begin = 0
    for group in groups(right):
        end = begin + len(group)
        if set(order[begin:end]) != set(group):
            return False
        begin = end
    return True


def groups(order: Sequence[int | Sequence[int]]) -> list[list[int]]:
    """Return the right order as groups: within one there is no order."""
    return [[each] if isinstance(each, int) else list(each) for each in order]


def bounds(right: float | Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest number that is right."""
    return (right, right) if isinstance(right, int | float) else (right[0], right[1])


def _height(questions: Sequence[Question], width: float) -> int:
    """Return what the questions need before they are answered, in pixels."""
    frame, buttons = 34, 62
    height = frame + buttons + 18 * (len(questions) - 1)
    for question in questions:
        *_, controls = KINDS[question["kind"]]
        height += LINE * _lines(question["ask"], width, BOLD) + 10
        height += controls(question, width)
    return height


def _lines(text: str, width: float, letter: float = LETTER) -> int:
    return math.ceil(len(text) * letter / width)


def _rows(texts: Sequence[str], width: float) -> int:
    """Return the height of rows of at least 44 pixels, 6 apart."""
    return sum(max(44, LINE * _lines(text, width) + 14) + 6 for text in texts)


def _options(question: Question, width: float) -> int:
    options = question["options"]
    if max(map(len, options)) <= SHORT:
        across = 2 if width == NARROW else 4
        return 50 * math.ceil(len(options) / across)
    return _rows(options, width - 40)


def _drawing(question: Question, width: float) -> int:
    """Return the height of a curve's drawing, and of the buttons that choose one."""
    names = list(question["right"])
    if len(names) == 1:
        return 256
    across, rows = 0.0, 1
    for name in names:
        button = BOLD * len(name) + 34
        if across and across + button > width + 20:
            across, rows = 0.0, rows + 1
        across += button
    return 256 + 52 * rows


# What a kind needs, what it may have, what must hold, and how high it is.
KINDS: dict[str, tuple[set[str], set[str], Callable[..., str], Callable[..., int]]] = {
    "choose": (
        {"options"},
        {"several"},
        _check_choose,
        _options,
    ),
    "order": (
        {"items"},
        {"values"},
        _check_order,
        lambda question, width: (
            _rows(question["items"], width - 130) + 2 * len(question["items"])
        ),
    ),
    "number": ({"scale"}, {"unit", "log"}, _check_number, lambda *_: 136),
    "curve": (
        {"x", "y"},
        set(),
        _check_curve,
        _drawing,
    ),
}
