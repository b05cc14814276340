"""What moves in the page: computed there, live, from the book's weights and formulas.

``explorables.show("lenet")`` as the last line of a cell shows one. It needs no kernel
after that, so it moves in the built book, in Colab, JupyterLab and VS Code; where no
script may run, a picture stands in its place.

Each has a Python file, which draws that picture and packs the data, and a script of the
same name, which computes and draws in the page. ``core.js`` is what they share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._lookup import lookup
from . import (
    answers,
    chain,
    convolution,
    costs,
    crop,
    depth,
    gate,
    lenet,
    move,
    network,
    price,
    quiz,
    roofline,
    squash,
    stack,
    winners,
)
from ._element import Explorable, script

__all__ = ["Explorable", "names", "script", "show"]

_KINDS: dict[str, Callable[..., Explorable]] = {
    "answers": answers.view,
    "chain": chain.view,
    "convolution": convolution.view,
    "costs": costs.view,
    "crop": crop.view,
    "depth": depth.view,
    "gate": gate.view,
    "lenet": lenet.view,
    "move": move.view,
    "network": network.view,
    "price": price.view,
    "quiz": quiz.view,
    "roofline": roofline.view,
    "squash": squash.view,
    "stack": stack.view,
    "winners": winners.view,
}


def names() -> list[str]:
    """Return the names that `show` knows."""
    return list(_KINDS)


def show(name: str, *arguments: Any, **options: Any) -> Explorable:
    """Return an explorable, which a notebook shows as a cell's last value.

    Args:
        name: One of `names()`.
        arguments: What this one takes, as its Python file says; most take nothing.
        options: Likewise.

    Raises:
        ValueError: If there is no such explorable (the message lists the known ones),
            or it cannot show what it is given.
    """
    return lookup(name, _KINDS, "explorable")(*arguments, **options)
