"""Marks in the contents of a page: what moves, what is an experiment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from docutils import nodes

from tests.site.built import CHAPTERS, read
from tools.site import contents


def section(*parts: nodes.Node) -> nodes.section:
    return nodes.section("", *parts, ids=["one"])


def code(source: str) -> nodes.container:
    block = nodes.literal_block(source, source)
    return nodes.container("", block, nb_element="cell_code_source")


@pytest.mark.parametrize(
    ("part", "marks"),
    [
        (nodes.raw("", "<cnn-squash>", format="html"), ["moves"]),
        (nodes.raw("", "<cnn-gate>", format="html"), []),
        (code("history = training.fit(network, data)"), ["experiment"]),
        (code("training.evaluate(network)"), []),
        (nodes.paragraph("", "", nodes.strong(text="What happened.")), ["experiment"]),
        (nodes.paragraph(text="What happened."), []),
    ],
)
def test_marks(part: nodes.Node, marks: list[str]) -> None:
    assert contents.marks_of(section(part)) == marks
    assert contents.marks_of(section(section(part))) == marks


def test_a_mark_is_a_sign_and_a_word() -> None:
    app = SimpleNamespace(
        env=SimpleNamespace(metadata={"page": {"cnnbook_marks": {"one": ["moves"]}}})
    )
    link = '<a class="reference internal" href="#{}">Name</a>'
    context = {"toc": link.format("one") + link.format("two")}
    contents.mark(app, "page", "page.html", context, None)
    one, two = context["toc"].split("</a>")[:2]
    assert "(something to move)" in one
    assert two + "</a>" == link.format("two")
    assert list(context["contents_legend"]) == ["moves"]


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_each_chapter_has_marks_and_a_legend(name: str) -> None:
    page = read(name)
    assert page.select("#pst-page-toc-nav .mark.experiment")
    assert page.select_one(".contents-legend")
