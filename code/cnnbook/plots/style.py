"""The book's one style: colours, how lines look, and what makes a drawing function."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, ParamSpec, TypeVar

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .._forms import WIDE, figure_of, forms

# Colours. Those of lines and areas are Okabe and Ito's.
INK, PAPER = "#222222", "#ffffff"
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#6b6b6b",
)
PALE, GRID = "#bbbbbb", "#e4e4e4"
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, GREY)
# The same hue for words, which need a contrast of 4.5 : 1.
WORDS = {ORANGE: "#8a5a00", GREEN: "#00704f", RED: "#b04a00", PURPLE: "#9a4577"}
# What the pages show in place of each colour in the dark.
DARK = {
    INK: "#e4e6e9",
    PAPER: "#121212",
    BLUE: "#56b4e9",
    ORANGE: "#f0b041",
    GREEN: "#2cc69a",
    RED: "#f58a4b",
    PURPLE: "#e0a0c4",
    GREY: "#a9b0b8",
    PALE: "#5f6872",
    GRID: "#323a43",
}
DARK |= {words: DARK[colour] for colour, words in WORDS.items()}


class Look(NamedTuple):
    """How a line is drawn: its colour, and matplotlib's name for its dashes."""

    colour: str
    dash: str = "-"


DASHES = ("-", "--", ":", "-.")
# One colour a network or kind, and a dash for its depth, through the whole book.
LOOKS = {
    "lenet5": Look(GREEN),
    "lenet5-modern": Look(BLUE),
    "one-hidden-layer": Look(GREY),
    "plain": Look(BLUE),
    "plain-8": Look(BLUE, "--"),
    "plain-20": Look(BLUE),
    "plain-56": Look(BLUE, ":"),
    "residual": Look(ORANGE),
    "residual-8": Look(ORANGE, "--"),
    "residual-20": Look(ORANGE),
    "residual-56": Look(ORANGE, ":"),
    "flatten": Look(PURPLE),
    "average": Look(GREEN),
    "control": Look(GREY),
}

SMALL = 9.0  # points: 12.3 pixels on the page

Given = ParamSpec("Given")  # what a drawing function is given, and what it returns
Drawn = TypeVar("Drawn")


def use_style() -> None:
    """Set the book's style for all figures that follow."""
    plt.rcParams.update(
        {
            "figure.figsize": (WIDE, 3.4),
            "figure.dpi": 130,
            "font.size": 9.5,
            "font.sans-serif": ["DejaVu Sans"],
            "axes.titlesize": 9.5,
            "xtick.labelsize": SMALL,
            "ytick.labelsize": SMALL,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=CYCLE),
            "axes.facecolor": "none",  # the figure's own sheet is enough
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": GRID,
            "lines.linewidth": 2,
            "image.cmap": "gray_r",
            "image.composite_image": False,  # each as small as it is
            "svg.fonttype": "none",  # words stay words
            "svg.hashsalt": "cnnbook",
            **dict.fromkeys(
                (
                    "text.color",
                    "axes.labelcolor",
                    "axes.edgecolor",
                    "xtick.color",
                    "ytick.color",
                    "patch.edgecolor",
                ),
                INK,
            ),
        }
    )
    _show_both_forms()


def _show_both_forms() -> None:
    """Let a notebook show figures as `forms`, in place of a picture of pixels."""
    try:
        shell = get_ipython()  # type: ignore[name-defined]
        from matplotlib_inline.config import InlineBackend
    except (NameError, ImportError):
        return
    InlineBackend.instance(parent=shell).figure_formats = set()
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _bundle)


def _bundle(figure: Figure, **_: Any) -> dict[str, str]:
    return forms(figure)


def drawing(draw: Callable[Given, Drawn]) -> Callable[Given, Drawn]:
    """Make a drawing function refuse empty data, its first argument, clearly.

    The figure that it draws knows how to draw its narrow form.
    """
    name = f"{draw.__module__.removeprefix('cnnbook.')}.{draw.__name__}"

    @functools.wraps(draw)
    def drawn(*arguments: Given.args, **options: Given.kwargs) -> Drawn:
        data = next(iter((*arguments, *options.values())), None)
        if _is_empty(data):
            raise ValueError(f"{name}: there is nothing to draw")
        axes = draw(*arguments, **options)
        figure_of(axes).draw_again = functools.partial(draw, *arguments, **options)
        return axes

    return drawn


def _is_empty(data: Any) -> bool:
    """Return whether tables, tensors or lists, or any in a mapping, hold nothing."""
    if isinstance(data, Mapping):
        return not data or any(map(_is_empty, data.values()))
    return not data if isinstance(data, list | tuple) else 0 in np.shape(data)


def in_words(colour: str) -> str:
    """Return the colour in which words of a hue are written."""
    return WORDS.get(colour, colour)


def looks(labels: Iterable[str]) -> dict[str, Look]:
    """Return how the lines of a figure look: networks as everywhere, others in turn.

    Labels that extend one name, such as "flatten, one layer", have that name's colour,
    and each another dash.
    """
    names = {label: _name(label) for label in labels}
    taken = {LOOKS[name].colour for name in names.values() if name in LOOKS}
    free = itertools.cycle([Look(c) for c in CYCLE if c not in taken] or [Look(GREY)])
    bases = {
        name: LOOKS.get(name) or next(free) for name in dict.fromkeys(names.values())
    }
    found: dict[str, Look] = {}
    for label, name in names.items():
        colour, own = bases[name]
        used = [found[other].dash for other in found if names[other] == name]
        dashes = [dash for dash in (own, *DASHES) if dash not in used]
        found[label] = Look(colour, (dashes or [own])[0])
    return found


def _name(label: str) -> str:
    """Return the name that a label extends, or the whole label."""
    return label if label in LOOKS else label.partition(", ")[0]
