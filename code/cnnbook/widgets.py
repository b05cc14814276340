"""Sliders that move in a static page, with no Python behind them.

A slider cannot compute anything there, so every picture is drawn beforehand, and
the browser itself links the slider to the index of the picture on view. Where no widget
can be shown, such as on GitHub, in Markdown, or in a notebook that is not trusted, the
first picture is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import ipywidgets
import matplotlib.pyplot as plt
from ipywidgets import HTML, SelectionSlider, VBox, jslink

from ._forms import NARROW_SVG, PHONE, SVG, forms

HAS_STACK = hasattr(ipywidgets, "Stack")  # ipywidgets 7, Colab's, has none
# The bar of a Tab has one name or the other, by the version of the page's widgets.
HIDE_BAR = ".hide-tabs > :is(.p-TabBar, .lm-TabBar) {display: none !important}"


class Picture(HTML):
    """A figure inside a page, for `frames`; on a phone its narrow form.

    Args:
        forms: The figure as SVG by the MIME types of its forms.
        alt: What it shows, for readers who cannot see it.
    """

    def __init__(self, forms: Mapping[str, str], alt: str) -> None:
        addresses = {
            mime: f"data:{SVG};base64,{base64.b64encode(svg.encode()).decode()}"
            for mime, svg in forms.items()
        }
        narrow = addresses.get(NARROW_SVG, "")
        source = f'<source media="{PHONE}" srcset="{narrow}">' if narrow else ""
        image = f'<img alt="{escape(alt)}" src="{addresses[SVG]}">'
        super().__init__(f"<picture>{source}{image}</picture>")
        self.forms, self.alt = forms, alt


class Frames(VBox):
    """Sliders above a stack of pictures, and a picture for where no widget is shown."""

    _ipython_display_ = None  # ipywidgets 7 would send the widget alone

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        """Return the widget and the picture on view, and that picture's description."""
        view = {"model_id": self.model_id, "version_major": 2, "version_minor": 0}
        shown = _on_view(self)
        bundle = {
            "application/vnd.jupyter.widget-view+json": view,
            **shown.forms,
            "text/plain": shown.alt,
        }
        return bundle, {SVG: {"alt": shown.alt}}


def picture(alt: str) -> Picture:
    """Turn the current figure into a picture for `frames`, and close the figure.

    Args:
        alt: What the picture shows, for readers who cannot see it.
    """
    figure = plt.gcf()
    shown = Picture(forms(figure), alt)
    plt.close(figure)
    return shown


def frames(
    pictures: Sequence[Picture] | Sequence[Sequence[Picture]],
    labels: Sequence[str],
    *,
    name: str,
    inner_labels: Sequence[str] = (),
    inner_name: str = "",
    start: str | None = None,
) -> Frames:
    """Show one of several pictures, chosen by a slider.

    With `inner_labels`, `pictures` is a list of lists and a second slider chooses
    within the list.

    Args:
        pictures: One for each of `labels`, made with `picture`.
        labels: What the slider shows at each position.
        name: What the slider sets.
        start: The label that is on view at first, the first one if None.

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
    if start is not None:
        sliders[0].index = stack.selected_index = list(labels).index(start)
    return Frames([*sliders, *_hidden_bar(), stack])


def _on_view(widget: ipywidgets.Widget) -> Picture:
    """Return the picture that a stack shows, or a box that ends with a stack."""
    while not isinstance(widget, Picture):
        widget = widget.children[getattr(widget, "selected_index", -1)]
    return widget


def _slider(labels: Iterable[str], name: str) -> SelectionSlider:
    return SelectionSlider(
        options=list(labels),
        description=name,
        style={"description_width": "initial"},
        layout={"width": "min(100%, 32em)"},
    )


def _stack(children: Sequence) -> ipywidgets.Box:
    """Show one child at a time: a Stack, or a Tab without its bar in ipywidgets 7."""
    if HAS_STACK:
        return ipywidgets.Stack(children, selected_index=0)
    tab = ipywidgets.Tab(children=children, selected_index=0)
    tab.add_class("hide-tabs")
    return tab


def _hidden_bar() -> list[HTML]:
    """Return what hides the bar of tabs, if there is one, wherever the widget goes."""
    return [] if HAS_STACK else [HTML(f"<style>{HIDE_BAR}</style>")]
