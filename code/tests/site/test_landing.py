"""The landing page: what it counts, draws, leads to, and shows at first sight."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from cnnbook.explorables import quiz
from tests.site.built import read
from tools import ROOT
from tools.notebooks import links
from tools.notebooks.files import chapters
from tools.site import cards, landing, share

SOURCE = (ROOT / "intro.md").read_text(encoding="utf-8")
browser = pytest.mark.browser


def test_counts_are_those_of_the_book() -> None:
    counts = {name: count() for name, count in landing.COUNTS.items()}
    assert all(counts.values())
    # Counted in another way.
    papers = (ROOT / "data" / "papers.csv").read_text().splitlines()
    assert counts["figures"] > len(papers)
    everything = "".join(path.read_text() for path in chapters())
    assert counts["exercises"] == everything.count('"### Exercise ')
    assert counts["cells"] < everything.count('"cell_type": "code"')


def test_the_page_types_no_count() -> None:
    proofs = SOURCE.partition("{div} proofs")[2].partition(":::")[0]
    named = re.findall("{count}`(.+?)`", proofs)
    assert sorted(named) == sorted(landing.COUNTS)
    assert not re.search(r"\d", re.sub(r"\(http.*?\)", "", proofs))


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_a_chapter_has_a_card(path: Path) -> None:
    assert f"{{chapter-card}} {path.stem}" in SOURCE
    card = cards.CARDS[path.stem]()
    drawing = ElementTree.fromstring(card.svg())
    assert drawing.attrib["aria-label"] == card.alt
    assert len(card.alt) > 40
    styles = (ROOT / "_static" / "custom.css").read_text()
    for shape in drawing.iter():
        for kind in shape.attrib.get("class", "").split():
            assert f".{kind}" in styles
        for place, size in (("x", cards.WIDTH), ("y", cards.HEIGHT)):
            assert 0 <= float(shape.attrib.get(place, 0)) <= size
    times = landing.times(path.stem)
    assert re.fullmatch(r"[\d½¼]+ h, with exercises [\d½–]+ h", times)


def test_every_card_is_a_chapter() -> None:
    assert [*cards.CARDS] == [path.stem for path in chapters()]


def test_links_into_the_repository_lead_somewhere() -> None:
    repository = links.repository()
    pattern = rf"{repository.url}/(?:blob|tree)/{repository.branch}/([^)\s]+)"
    found = re.findall(pattern, SOURCE)
    assert len(found) >= 4
    assert [name for name in found if not (ROOT / name).exists()] == []
    assert repository.colab("01-lenet.ipynb") in SOURCE


def test_share_card_is_what_the_code_draws(tmp_path: Path) -> None:
    drawn = tmp_path / "share.png"
    share.draw().savefig(drawn)
    with Image.open(drawn) as new, Image.open(share.PICTURE) as kept:
        assert kept.size == (share.WIDTH, share.HEIGHT)
        pixels = [np.asarray(each.convert("RGB"), float) for each in (new, kept)]
    # Rounding to few colours, and another machine's last digits, change little.
    assert np.abs(pixels[0] - pixels[1]).mean() < 1
    assert share.PICTURE.stat().st_size < 40_000


def test_the_readme_shows_the_share_card() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"![{share.ALT}](_static/share.png)" in readme


@browser
def test_a_shared_link_shows_the_card() -> None:
    tags = {
        tag.get("property", tag.get("name")): tag["content"]
        for tag in read("intro.html").head.find_all("meta", content=True)
    }
    assert tags["og:image"].endswith("/_static/share.png")
    assert tags["og:image:alt"] == share.ALT
    assert tags["twitter:card"] == "summary_large_image"


@browser
def test_the_built_page_writes_counts_and_times() -> None:
    text = " ".join(read("intro.html").get_text().split())
    for count in landing.COUNTS.values():
        assert f"{count():,}" in text
    for path in chapters():
        assert landing.times(path.stem) in text
    assert "{count}" not in text


@browser
def test_links_of_the_quiz_lead_into_this_copy() -> None:
    page = read("intro.html")
    addresses = [link["href"] for link in page.select("cnn-quiz table a")]
    assert len(addresses) == len(quiz.sentences())
    # That there is such a place in such a page, test_pages.py checks for all links.
    assert all(
        re.match(r"(\./)?chapters/0[\w-]+\.html#", address) for address in addresses
    )


@browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_first_screen(browser: Browser, served: str, size: tuple[int, int]) -> None:
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(served + "intro.html")
    page.wait_for_selector("cnn-lenet[started]")
    lenet = page.locator("cnn-lenet .live")
    words = [
        page.locator("article h1"),
        page.locator(".pitch").first,
        lenet.get_by_text("LeNet-5 of 1998 reads"),
        lenet.get_by_text("Draw here"),
        lenet.get_by_text("F6 draws back"),
    ]
    for each in [*words, *lenet.locator("canvas").all()[:2]]:
        box = each.first.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    page.close()


# The theme's own bars are not counted: buttons appear in them when its script runs.
SHIFT = """async () => {
  let shift = 0;
  const isOurs = ({ node }) => node?.getRootNode().host || node?.closest?.("article");
  new PerformanceObserver(list => list.getEntries().forEach(entry => {
    if (entry.sources.some(isOurs)) shift += entry.value;
  })).observe({ type: "layout-shift", buffered: true });
  for (let y = 0; y < document.body.scrollHeight; y += 400) {
    scrollTo(0, y);
    await new Promise(done => setTimeout(done, 60));
  }
  return shift;
}"""


@browser
@pytest.mark.parametrize("width", [320, 390, 768, 1000, 1280, 1920])
def test_nothing_shifts_or_sticks_out(
    browser: Browser, served: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(served + "intro.html")
    page.wait_for_selector("cnn-lenet[started]")
    assert page.evaluate(SHIFT) == pytest.approx(0, abs=0.001)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0
    for name in ("lenet", "quiz"):
        kept, taken = page.locator(f"cnn-{name}").evaluate(
            "e => [e.getBoundingClientRect().height, e.live.scrollHeight]"
        )
        assert kept - 60 <= taken <= kept, name
    page.close()


@browser
def test_without_scripts_the_picture_and_the_table_stand_there(
    browser: Browser, served: str
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(served + "intro.html")
    assert page.locator("cnn-lenet img").is_visible()
    rows = page.locator("cnn-quiz tbody tr")
    assert rows.count() == len(quiz.sentences())
    assert all(row.is_visible() for row in rows.all())
    page.close()


@browser
def test_a_card_leads_to_its_chapter(browser: Browser, served: str) -> None:
    page = browser.new_page()
    page.goto(served + "intro.html")
    picture = page.locator(".chapter-card svg").nth(4)
    picture.scroll_into_view_if_needed()
    x, y, *_ = picture.bounding_box().values()
    page.mouse.click(x + 20, y + 20)
    page.wait_for_url("**/chapters/05-resnet-gradients.html")
    page.close()
