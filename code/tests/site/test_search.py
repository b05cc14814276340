"""The search answers what readers ask with a section, also from a folder."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from tools.browser.server import HTML
from tools.site.search import FOLDER, INDEX, Section, place_of, prose, sections, tidy

browser_only = pytest.mark.browser

# What is asked, and what stands in the address, the title or the excerpt of one of the
# first three records.
ASKED = {
    "parameters of AlexNet": ("02-ilsvrc", "60,965,224"),
    "how many parameters does VGG have": ("04-fc", "138 million"),
    "VGG-16 parameters": ("138,357,544",),
    "why 3x3": ("03-vgg",),
    "why 3×3": ("03-vgg",),
    "vanishing gradient": ("#real-networks-does-the-gradient-vanish",),
    "im2col": ("glossary", "one matrix product"),
    "FLOPs": ("glossary", "One MAC is two FLOPs"),
    "degradation": ("glossary", "higher error on the training images"),
    "skip connection": ("glossary#term-shortcut", "skip connection"),
    "top-5 error": ("#the-error-top-1-and-top-5",),
    "translation invariance": ("common-errors#",),
    "human error": ("common-errors#", "one person"),
    "receptive field": ("glossary#term-receptive-field",),
    "backpropagation": ("05-resnet",),
    "MACs or FLOPs": ("#is-it-macs-or-flops",),
    "batch norm": ("glossary#term-batch-normalisation",),
    "batch normalization": ("glossary#term-batch-normalisation",),
    "1x1 convolution": ("#googlenet-11-before-33",),
    "global average pooling": ("glossary#term-global-average-pooling",),
    "ResNet-50 parameters": ("25,557,032",),
    "FLOPs of ResNet50": ("4,089,184,256 MACs",),
    "roofline": ("07-comparing-complexity#the-roofline",),
    "equivariant": ("01-lenet#equivariant-not-invariant",),
    "class activation map": ("06-gap", "CAM for short"),
    "bottleneck block": ("05-resnet",),
    "dead relu": ("#experiment-is-relu-faster-than-tanh",),
    "padding": ("glossary#term-padding",),
    "AlexNet 227": ("227",),
    "zero gamma": ("#zero",),
    "latency vs FLOPs": ("07-comparing",),
    "ten crops": ("#ten-crops-instead-of-one",),
    "pruning": ("#pruning-the-smallest-weights-go",),
    "inception module": ("glossary#term-inception-module",),
    "Network in network": ("06-gap-vs-flatten#network-in-network",),
    "local response normalization": ("response-normalisation",),
    "depthwise convolution": ("glossary#term-depthwise-convolution",),
    "fully connected": ("04-fc",),
    "degredation": ("glossary", "higher error on the training images"),
}
FIRST = """sought => cnnbookSearch.find(sought).slice(0, 3).map(found =>
    [found.address.replace(".html", ""), found.title, cnnbookSearch.excerpt(found)]
    .join(" "))"""


def test_a_formula_is_said_once_in_one_line() -> None:
    html = (
        '<p>has <span class="katex"><span class="katex-mathml"><math><semantics><mrow>'
        "<msup><mn>2</mn><mn>20</mn></msup></mrow><annotation>2^{20}</annotation>"
        '</semantics></math></span><span class="katex-html">220</span></span>, so</p>'
    )
    assert tidy(prose(BeautifulSoup(html, "html.parser"))) == "has 2^20, so"


def test_a_section_has_its_own_prose_only() -> None:
    html = (
        '<section id="a"><h1>1. Title<a class="headerlink">#</a></h1><p>One <b>word</b>'
        '.</p><div class="cell_input"><pre>x = 1</pre></div><img alt="A curve."/>'
        '<section id="b"><h2>Inner</h2><p>Two.</p><table><td>7</td></table></section>'
        "</section>"
    )
    first, second = sections("chapters/01", html)
    assert (first.page, first.title, first.address) == (
        "Title",
        "Title",
        "chapters/01.html",
    )
    assert first.prose == "One word. A curve."
    assert (second.page, second.title) == ("Title", "Inner")
    assert (second.address, second.prose) == ("chapters/01.html#b", "Two.")
    assert "7" in second.everything


def test_a_figure_leads_to_the_chapter_that_shows_it() -> None:
    there = [
        Section("", "Page", "intro.html", "156"),
        Section("", "C1", "chapters/01.html#c1", "LeNet", "156"),
    ]
    assert place_of(["156", "lenet"], there) == "chapters/01.html#c1"
    assert place_of(["157"], there) is None


@pytest.fixture(scope="module")
def searching(browser: Browser) -> Iterator[Page]:
    """Open the page of the search from its folder, with its records loaded."""
    page = browser.new_page()
    page.goto((HTML / "search.html").as_uri())
    page.wait_for_function("globalThis.cnnbookSearch")
    yield page
    page.close()


@browser_only
@pytest.mark.parametrize(("sought", "wanted"), ASKED.items())
def test_it_answers(searching: Page, sought: str, wanted: tuple[str, ...]) -> None:
    found = searching.evaluate(FIRST, sought)
    assert any(all(part in each for part in wanted) for each in found), found


@browser_only
def test_excerpts_hold_no_code_and_no_formula_twice(searching: Page) -> None:
    texts = searching.evaluate("cnnbookRecords.map(record => record[3])")
    assert len(texts) > 500
    for wrong in ("import ", "subprocess", "def ", "2202", "\\frac"):
        assert [text for text in texts if wrong in text] == [], wrong


@browser_only
def test_every_record_leads_somewhere(searching: Page) -> None:
    addresses = set(searching.evaluate("cnnbookRecords.map(record => record[2])"))
    ids = {}
    for address in addresses:
        name, _, anchor = address.partition("#")
        if name not in ids:
            soup = BeautifulSoup((HTML / name).read_text("utf-8"), "html.parser")
            ids[name] = {node["id"] for node in soup.find_all(id=True)}
        assert not anchor or anchor in ids[name], address


@browser_only
@pytest.mark.parametrize("place", ["http", "file"])
def test_it_answers_while_one_types(
    page: Page, request: pytest.FixtureRequest, place: str
) -> None:
    is_file = place == "file"
    base = HTML.as_uri() + "/" if is_file else request.getfixturevalue("served")
    page.goto(base + "chapters/01-lenet.html")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill("roofl")
    hit = page.locator("#pst-search-dialog a[href$='#the-roofline']")
    hit.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=roofl")
    page.locator("#search-results a[href$='#the-roofline']").click()
    page.wait_for_url("**/07-comparing-complexity.html#the-roofline")


@browser_only
def test_nothing_is_found_for_nonsense(searching: Page) -> None:
    searching.locator(".bd-search-container input").fill("zzqx")
    searching.get_by_text("Nothing is found for “zzqx”").wait_for()
    searching.locator(".bd-search-container input").fill("")


@browser_only
def test_it_weighs_little() -> None:
    files = [
        HTML / INDEX,
        HTML / FOLDER / "search.js",
        HTML / "_static/vendor/minisearch.js",
    ]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 210_000
