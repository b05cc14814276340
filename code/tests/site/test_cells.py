"""Folded code in the built pages: its kinds, its switch, and what opens it."""

from __future__ import annotations

import json

import pytest
from docutils import nodes
from docutils.utils import new_document
from playwright.sync_api import Browser, Page
from sphinx.errors import ExtensionError

from tests.site.built import CHAPTERS, read
from tools import ROOT
from tools.browser.server import HTML
from tools.notebooks import folding
from tools.site import cells, folds

CHAPTER = "chapters/01-lenet.html"
# Of each element that folds: its kind, and whether it is open.
FOLDS = """() => [...document.querySelectorAll("details.code")].map(
  details => [details.dataset.kind, details.open])"""
PICTURE = '<div class="explorable"><cnn-squash></cnn-squash></div>'


def cell(source: str, *tags: str, output: nodes.Node | None = None) -> nodes.container:
    """Return a code cell as it is read from a notebook."""
    made = nodes.container(
        nb_element="cell_code",
        cell_metadata={"tags": list(tags)},
        hide_mode="input",
        classes=["cell", "tag_hide-input"],
    )
    block = nodes.literal_block(source, source)
    made += nodes.container("", block, nb_element="cell_code_source")
    if output is not None:
        made += nodes.container("", output, nb_element="cell_code_output")
    return made


def folded(source: str, *tags: str, output: nodes.Node | None = None) -> nodes.document:
    """Return a page with one cell, folded."""
    tree = new_document("page")
    tree += cell(source, *tags, output=output)
    cells.fold_cells(None, tree)
    return tree


@pytest.mark.parametrize(
    ("source", "tags", "kind", "line"),
    [
        ("x = 1\n\ny = 2", [], "key", "Code · 2 lines"),
        (
            "# @title Counts layers\nx = 1",
            [],
            "folded",
            "Code · counts layers · 1 line",
        ),
        (
            "# @title VGG-16's <b>\nx",
            [],
            "folded",
            "Code · VGG-16&#x27;s &lt;b&gt; · 1 line",
        ),
        ("# @title Solution\nx = 1", [], "solution", "Solution · 1 line"),
        ("def f(): ...", ["exercise"], "exercise", "Solve it in code · 1 line"),
        ("DATA = 1", ["parameters"], "setup", "Code · 1 line"),
        ("# @title Find it\n1", ["bootstrap"], "setup", "Code · find it · 1 line"),
        ("# @title It holds\nassert x", ["check"], "check", "✓</span> It holds"),
    ],
)
def test_kinds_and_their_lines(
    source: str, tags: list[str], kind: str, line: str
) -> None:
    fold = folded(source, *tags).next_node(folds.fold)
    assert fold["kind"] == kind
    assert fold["line"].endswith(line)
    block = fold.next_node(nodes.literal_block)
    assert block.astext() == block.rawsource == folding.code(source)


def test_what_folds_with_the_code() -> None:
    for source, tags, whole in [
        ("# @title Counts", [], False),
        ("x = 1", [], False),
        ("# @title It holds\nassert x", ["check"], True),
        ("# @title Solution\nx", [], True),
        ("def f(): ...", ["exercise"], True),
    ]:
        tree = folded(source, *tags, output=nodes.literal_block(text="printed"))
        assert ("printed" in tree.next_node(folds.fold).astext()) == whole
        assert tree[0].attributes.get("hide_mode") is None, "it would fold twice"
        assert tree[0]["classes"] == ["cell"]


@pytest.mark.parametrize(
    ("output", "below"),
    [
        (nodes.literal_block(text="1,024"), False),
        (nodes.image(uri="x.png"), True),
        (nodes.raw("", PICTURE, format="html"), True),
        (nodes.raw("", "<table></table>", format="html"), False),
    ],
)
def test_the_line_stands_below_what_is_shown(output: nodes.Node, below: bool) -> None:
    tree = folded("# @title Draws\nx", output=output)
    assert isinstance(tree[0][-1], folds.fold) == below


def test_a_check_that_fails_has_no_badge() -> None:
    output = nodes.literal_block(text="Traceback (most recent call last)")
    with pytest.raises(ExtensionError, match="a check that fails"):
        folded("# @title One is two\nassert 1 == 2", "check", output=output)


def test_questions_and_answers_are_nothing_to_move() -> None:
    def raw(name: str) -> nodes.raw:
        html = PICTURE.replace("squash", name)
        return nodes.raw("", html, format="html")

    assert cells.is_moving(raw("squash"))
    assert not cells.is_moving(raw("gate"))
    assert not cells.is_moving(raw("answers"))


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_few_open_cells_and_says_what_the_others_do(name: str) -> None:
    page = read(name)
    folds = page.select("details.code")
    opened = [fold for fold in folds if fold.has_attr("open")]
    assert {fold["data-kind"] for fold in opened} == {"key"}
    assert 8 <= len(opened) <= 12
    assert len(page.select("div.cell_input")) == len(folds)
    assert not page.select("details.hide")
    assert "# @title" not in page.find("article").get_text()
    notebook = json.loads((ROOT / name).with_suffix(".ipynb").read_text("utf-8"))
    checks = sum("check" in folding.tags(each) for each in notebook["cells"])
    badges = page.select('details.code[data-kind="check"] > summary > .tick')
    assert len(badges) == checks > 0


@pytest.fixture
def address() -> str:
    return HTML.as_uri() + "/" + CHAPTER


@pytest.mark.browser
def test_the_switch_is_remembered(page: Page, address: str) -> None:
    page.goto(address)
    assert all(is_open == (kind == "key") for kind, is_open in page.evaluate(FOLDS))
    page.get_by_label("all", exact=True).check()
    assert all(opened != (kind == "solution") for kind, opened in page.evaluate(FOLDS))
    page.goto(address.replace("01-lenet", "05-resnet-gradients"))
    assert page.get_by_label("all", exact=True).is_checked()
    assert all(opened != (kind == "solution") for kind, opened in page.evaluate(FOLDS))
    page.keyboard.press("Escape")
    page.get_by_label("all", exact=True).press("ArrowRight")
    assert not any(is_open for _, is_open in page.evaluate(FOLDS))
    assert page.locator("details.code[data-kind=key] > summary:visible").count() == 0
    page.goto(address)
    assert page.get_by_label("none", exact=True).is_checked()


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["key", "all", "none"])
def test_an_address_may_ask_for_a_mode(page: Page, address: str, mode: str) -> None:
    page.goto(f"{address}?code={mode}")
    assert page.get_by_label(mode, exact=True).is_checked()
    opened = {kind for kind, is_open in page.evaluate(FOLDS) if is_open}
    expected = {"key": {"key"}, "none": set()}
    everything = {kind for kind, _ in page.evaluate(FOLDS)} - {"solution"}
    assert opened == expected.get(mode, everything)
    page.goto(address)  # a link changes one page, not the reader's choice
    assert page.get_by_label("key", exact=True).is_checked()


@pytest.mark.browser
def test_without_a_script_key_cells_are_open(browser: Browser, address: str) -> None:
    plain = browser.new_page(java_script_enabled=False)
    plain.goto(address)
    assert not plain.locator(".code-switch").is_visible()
    assert plain.locator("details.code[open]").count() >= 8
    assert plain.locator("details.code[open]:not([data-kind=key])").count() == 0
    badge = plain.locator("details.code[data-kind=check]").first
    badge.locator("summary").click()
    assert badge.locator(".cell_input").is_visible()
    plain.close()


@pytest.mark.browser
def test_the_switch_keeps_the_place(page: Page, address: str) -> None:
    page.goto(f"{address}#what-sharing-saves")
    heading = page.locator("#what-sharing-saves > h3")
    heading.wait_for(state="visible")
    page.wait_for_timeout(300)  # sections above are laid out
    before = heading.bounding_box()["y"]
    page.evaluate("document.querySelector('.code-switch [value=none]').click()")
    assert abs(heading.bounding_box()["y"] - before) < 40


@pytest.mark.browser
def test_paper_shows_key_cells_whatever_the_screen_does(
    page: Page, address: str
) -> None:
    page.goto(f"{address}?code=none")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(is_open == (kind == "key") for kind, is_open in page.evaluate(FOLDS))
    assert page.locator(".chapter-needs").get_attribute("open") is not None
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not any(is_open for _, is_open in page.evaluate(FOLDS))
    assert page.locator(".chapter-needs").get_attribute("open") is None
