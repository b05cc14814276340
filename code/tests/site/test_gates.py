"""Questions in the built pages: what they hide, from whom, and what opens it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from playwright.sync_api import Browser, Page

from tests.site.built import CHAPTERS
from tools.browser.server import HTML
from tools.site import gates, sources

QUESTION = {
    "kind": "choose",
    "ask": "Which?",
    "options": ["this", "that"],
    "right": [0],
    "because": "So it is.",
}
HIDDEN = ".gate-result[hidden]"
CHAPTER = "chapters/01-lenet.html"


def cell(name: str, source: str, kind: str = "markdown", **more) -> dict:
    metadata = more.pop("metadata", {})
    return {
        "cell_type": kind,
        "id": name,
        "metadata": metadata,
        "source": source,
        **more,
    }


def asking(name: str, **gate) -> dict:
    metadata = {"gate": {"questions": [QUESTION], **gate}}
    return cell(name, "**Predict first.** Which?", metadata=metadata)


@pytest.mark.parametrize(
    ("last", "gate", "end"),
    [
        ("**What happened.** This.", {}, "last"),
        ("## What happened", {}, None),
        ("It is this.", {}, None),
        ("It is this.", {"until": "code"}, "code"),
    ],
)
def test_a_result_ends_where_it_is_said_or_at_what_happened(
    last: str, gate: dict, end: str | None
) -> None:
    question = asking("question", **gate)
    cells = [question, cell("code", "1", "code"), cell("last", last)]
    assert gates.end_of(cells, question) == end


def test_a_result_does_not_reach_beyond_the_next_question() -> None:
    cells = [asking("one"), asking("two"), cell("last", "**What happened.** This.")]
    assert gates.end_of(cells, cells[0]) is None
    assert gates.end_of(cells, cells[1]) == "last"


def test_a_page_has_the_questions_and_one_switch() -> None:
    cells = [
        cell("title", "# Title"),
        cell("goals", ["## Learning goals\n", "Many"]),
        asking("question"),
        cell("last", "**What happened.** This."),
        cell("after", "## Exercises"),
    ]
    names = [each["id"] for each in gates.with_questions(cells, "01")]
    expected = "title gates-switch goals question question-gate last last-end after"
    assert names == expected.split()
    assert list(gates.with_questions(cells[:2], "01")) == cells[:2]


def test_that_a_stub_is_one_is_not_printed() -> None:
    def printing(text: str) -> dict:
        output = {"output_type": "stream", "name": "stdout", "text": [text]}
        return cell("stub", "check()", "code", outputs=[output])

    assert gates.without_unanswered(printing("area: not attempted yet\n")) == cell(
        "stub", "check()", "code", outputs=[]
    )
    two = printing("254.3 MB\narea: not attempted yet\n")
    (left,) = gates.without_unanswered(two)["outputs"]
    assert left["text"] == "254.3 MB\n"
    assert gates.without_unanswered(cell("text", "not attempted yet"))


def test_only_notebooks_are_changed() -> None:
    def laid(name: str, text: str) -> str:
        source = [text]
        environment = SimpleNamespace(doc2path=lambda page: name)
        read = sources.changing(gates.lay_in)
        read(SimpleNamespace(env=environment), "page", source)
        return source[0]

    assert laid("page.md", "# Title") == "# Title"
    notebook = json.dumps({"cells": [asking("question")]})
    assert "result-page-question" in laid("page.ipynb", notebook)


def test_a_result_is_wrapped_up_to_its_end() -> None:
    tree = new_document("page")
    gate = nodes.raw("", '<cnn-gate style="">{"result":"result-x"}', format="html")
    shown = [nodes.paragraph(text="It is this.") for _ in range(2)]
    end = nodes.raw("", gates.END, format="html")
    after = nodes.paragraph(text="And so on.")
    tree += [gate, *shown, end, after]
    gates.wrap_results(None, tree)
    result = tree[1]
    assert (result["ids"], result["classes"]) == (["result-x"], ["gate-result"])
    assert result[1:] == shown
    assert tree[2:] == [end, after]


def test_a_result_ends_before_a_section_and_before_a_question() -> None:
    question = nodes.paragraph("", "", nodes.strong(text="Predict first."))
    assert gates.is_end(question)
    assert gates.is_end(nodes.section())
    assert not gates.is_end(nodes.paragraph("", "", nodes.strong(text="Mind.")))


@pytest.fixture
def address() -> str:
    return HTML.as_uri() + "/" + CHAPTER


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_results_are_hidden_from_who_has_not_answered(
    browser: Browser, page: Page, name: str
) -> None:
    address = HTML.as_uri() + "/" + name
    page.goto(address)
    count = page.locator(HIDDEN).count()
    assert count >= 4
    page.locator(f"{HIDDEN} p, {HIDDEN} .cell").first.wait_for(state="attached")
    assert all(box.bounding_box()["height"] == 0 for box in page.locator(HIDDEN).all())
    page.emulate_media(media="print")  # lays out what is folded only then
    page.wait_for_function(
        "hidden => [...document.querySelectorAll(hidden)].every("
        "box => box.getBoundingClientRect().height > 20)",
        arg=HIDDEN,
    )
    page.emulate_media(media="screen")
    page.goto(f"{address}?gates=open")
    assert page.locator(HIDDEN).count() == 0
    plain = browser.new_page(java_script_enabled=False)
    plain.goto(address)
    assert plain.locator(HIDDEN).count() == 0
    assert not plain.locator("cnn-gate").first.is_visible()
    assert not plain.locator(".gates-switch").is_visible()
    plain.close()


@pytest.mark.browser
def test_the_switch_opens_all_and_is_remembered(page: Page, address: str) -> None:
    page.goto(address)
    switch = page.get_by_label("Show all results without asking")
    switch.check()
    assert page.locator(HIDDEN).count() == 0
    page.goto(address.replace("01-lenet", "05-resnet-gradients"))
    assert page.locator(HIDDEN).count() == 0
    switch.uncheck()
    assert page.locator(HIDDEN).count() > 0


@pytest.mark.browser
def test_an_answer_in_the_page_opens_its_result(page: Page, address: str) -> None:
    page.goto(address)
    gate = page.locator("cnn-gate").first
    gate.scroll_into_view_if_needed()
    gate.get_by_label("At the left side of a stroke").check()
    count = page.locator(HIDDEN).count()
    gate.get_by_role("button", name="Show the result").click()
    assert page.locator(HIDDEN).count() == count - 1
    page.goto(address)  # it is still open
    assert page.locator(HIDDEN).count() == count - 1


@pytest.mark.browser
def test_an_address_opens_what_it_leads_to(page: Page, address: str) -> None:
    page.goto(address)
    inside = page.locator(f"{HIDDEN} figure[id]").first.get_attribute("id")
    page.goto(f"{address}#{inside}")
    page.locator(f"#{inside}").wait_for(state="visible")
