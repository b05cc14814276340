"""Sliders that move in a static page, with no Python behind them.

A slider cannot compute anything there, so every picture is drawn beforehand, and
the browser itself links the slider to the index of the picture on view.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import ipywidgets
import matplotlib.pyplot as plt
from ipywidgets import HTML, SelectionSlider, VBox, jslink
from PIL import Image


def picture(alt: str, *, dpi: int = 110) -> HTML:
    """Turn the current figure into a picture for `frames`, and close the figure.

    Args:
        alt: What the picture shows, for readers who cannot see it.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    plt.savefig(drawn, format="png", dpi=dpi)
    plt.close()
    # 64 colours are enough for such pictures, and a third of the size.
    Image.open(drawn).convert("RGB").quantize(64).save(small, "png", optimize=True)
    data = base64.b64encode(small.getvalue()).decode()
    return HTML(f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">')


def frames(
    pictures: Sequence[HTML] | Sequence[Sequence[HTML]],
    labels: Sequence[str],
    *,
    name: str,
    inner_labels: Sequence[str] = (),
    inner_name: str = "",
) -> VBox:
    """Show one of several pictures, chosen by a slider.

    With `inner_labels`, `pictures` is a list of lists and a second slider chooses
    within the list.

    Args:
        pictures: One for each of `labels`, made with `picture`.
        labels: What the slider shows at each position.
        name: What the slider sets.

    Raises:
        ValueError: If there is no picture, or not one for each label.
    """
    if not len(labels):
        raise ValueError("there is nothing to show: give at least one picture")
    if len(pictures) != len(labels):
        raise ValueError(
            f"expected one {'row of pictures' if inner_labels else 'picture'} for each "
            f"of {len(labels)} labels, got {len(pictures)}"
        )
    for label, row in zip(labels, pictures, strict=True):
        count = len(row) if isinstance(row, Sequence) else 1
        if inner_labels and count != len(inner_labels):
            raise ValueError(
                f"expected {len(inner_labels)} pictures in the row of {label!r}, one "
                f"for each inner label, got {count}"
            )
    sliders, outer = [_slider(labels, name)], pictures
    if inner_labels:
        sliders.append(_slider(inner_labels, inner_name))
        outer = [_stack(row) for row in pictures]
        for stack in outer:
            jslink((sliders[1], "index"), (stack, "selected_index"))
    stack = _stack(outer)
    jslink((sliders[0], "index"), (stack, "selected_index"))
    return VBox([*sliders, stack])


def _slider(labels: Iterable[str], name: str) -> SelectionSlider:
    return SelectionSlider(
        options=list(labels),
        description=name,
        style={"description_width": "initial"},
        layout={"width": "min(100%, 32em)"},
    )


def _stack(children: Sequence) -> ipywidgets.Box:
    """Show one child at a time: a Stack, or a Tab without its bar in ipywidgets 7."""
    if hasattr(ipywidgets, "Stack"):
        return ipywidgets.Stack(children, selected_index=0)
    tab = ipywidgets.Tab(children=children, selected_index=0)
    tab.add_class("hide-tabs")
    return tab
