"""The picture of a slider that paper shows."""

from __future__ import annotations

import pytest
from sphinx.errors import ExtensionError

from tests.site.built import CHAPTERS, read
from tools.site.printed_frames import printed


def slider(name: str, *labels: str) -> dict:
    return {"state": {"description": name, "_options_labels": [*labels]}}


def box(*children: str) -> dict:
    return {"state": {"children": [f"IPY_MODEL_{child}" for child in children]}}


MODELS = {
    "all": box("side", "units", "stack"),
    "side": slider("side", "64", "128"),
    "units": slider("units < 9", "1", "2"),
    "stack": box("row-64", "row-128"),
    "row-64": box("a", "b"),
    "row-128": box("c", "d"),
    **{name: {"state": {"value": f"<img alt='{name}'>"}} for name in "abcd"},
}


def test_paper_shows_the_picture_that_the_metadata_names() -> None:
    html = printed(MODELS, "all", ["128", "1"])
    assert "alt='c'" in html
    assert "<p>side: 128, units &lt; 9: 1</p>" in html


def test_or_the_first() -> None:
    assert "alt='a'" in printed(MODELS, "all", [])


def test_a_label_that_is_not_there_fails() -> None:
    with pytest.raises(ExtensionError, match=r"\['64', '128'\] shall print '256'"):
        printed(MODELS, "all", ["256", "1"])


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_every_slider_has_one(name: str) -> None:
    page = read(name)
    views = page.select('script[type$="widget-view+json"]')
    assert len(page.select(".printed-frame img[alt]")) == len(views)
