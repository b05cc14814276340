"""Sliders that move in a static page."""

import base64

import matplotlib.pyplot as plt
import pytest
from IPython.utils.dir2 import get_real_method
from ipywidgets import HTML, Tab
from ipywidgets.embed import dependency_state

from cnnbook import widgets
from cnnbook._forms import SVG


def _pictures(count):
    made = []
    for index in range(count):
        plt.figure(figsize=(1, 1))
        made.append(widgets.picture(f"picture <{index}>"))
    return made


def test_a_slider_is_linked_to_its_pictures_in_the_browser():
    box = widgets.frames(_pictures(3), "abc", name="letter")
    slider, stack = box.children
    assert stack.selected_index == 0
    assert len(stack.children) == 3
    assert _links(box, slider) == [_index_of(stack)]
    assert 'alt="picture &lt;0&gt;"' in stack.children[0].value
    assert not plt.get_fignums()  # each figure is closed


def test_a_slider_may_start_elsewhere():
    box = widgets.frames(_pictures(3), "abc", name="letter", start="c")
    slider, stack = box.children[0], box.children[-1]
    assert (slider.index, stack.selected_index) == (2, 2)


def test_two_sliders_choose_row_and_column():
    rows = [_pictures(2), _pictures(2), _pictures(2)]
    box = widgets.frames(rows, "abc", name="x", inner_labels="de", inner_name="y")
    outer, inner, stack = box.children
    assert _links(box, outer) == [_index_of(stack)]
    assert _links(box, inner) == [_index_of(row) for row in stack.children]


def _links(box, slider):
    """Return what the browser sets when `slider` moves."""
    state = dependency_state([box]).values()
    links = [s["state"] for s in state if s["model_name"] == "LinkModel"]
    source = [f"IPY_MODEL_{slider.model_id}", "index"]
    return [link["target"] for link in links if link["source"] == source]


def _index_of(stack):
    return [f"IPY_MODEL_{stack.model_id}", "selected_index"]


def test_where_no_widget_is_shown_the_picture_on_view_is():
    rows = [_pictures(2), _pictures(2)]
    box = widgets.frames(rows, "ab", name="x", inner_labels="de", inner_name="y")
    data, metadata = box._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == box.model_id
    assert data["text/plain"] == metadata[SVG]["alt"] == "picture <0>"
    assert data[SVG].startswith("<svg")
    assert base64.b64encode(data[SVG].encode()).decode() in rows[0][0].value
    stack = box.children[-1]
    stack.selected_index, stack.children[1].selected_index = 1, 1
    assert box._repr_mimebundle_()[0]["text/plain"] == "picture <1>"
    # ipywidgets 7 shows a widget by this method, if there is one, and only then asks.
    assert get_real_method(box, "_ipython_display_") is None


def test_with_ipywidgets_7_no_empty_tabs_are_shown(monkeypatch):
    monkeypatch.setattr(widgets, "HAS_STACK", False)
    rows = [_pictures(2), _pictures(2)]
    box = widgets.frames(rows, "ab", name="x", inner_labels="de", inner_name="y")
    outer, _, style, stack = box.children
    hidden = [stack, *stack.children]
    assert all(isinstance(tab, Tab) for tab in hidden)
    assert all("hide-tabs" in tab._dom_classes for tab in hidden)
    assert style.value == (
        "<style>.hide-tabs > :is(.p-TabBar, .lm-TabBar) {display: none !important}"
        "</style>"
    )
    assert _links(box, outer) == [_index_of(stack)]
    assert box._repr_mimebundle_()[0]["text/plain"] == "picture <0>"


def test_frames_need_a_picture_for_each_label():
    with pytest.raises(ValueError, match="one picture for each of 3 labels, got 2"):
        widgets.frames(_pictures(2), "abc", name="letter")
    with pytest.raises(ValueError, match="nothing to show"):
        widgets.frames([], [], name="letter")
    inner = {"inner_labels": "de", "inner_name": "y"}
    for row, count in (([HTML()], 1), (HTML(), 1), ([HTML()] * 3, 3)):
        with pytest.raises(ValueError, match=f"2 pictures in the row of 'a'.*{count}"):
            widgets.frames([row], "a", name="x", **inner)
