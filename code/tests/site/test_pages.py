"""The built pages in a real browser: complete, quiet, and needing nobody's server.

Each page is opened over HTTP and from its folder, in light and in dark, as wide as a
desk's screen and as narrow as a phone's.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.site.built import CHAPTERS, PAGES, read
from tools import ROOT
from tools.browser.chromium import open_page, resize
from tools.browser.server import BASE_URL, HTML
from tools.site.assets import AXE

pytestmark = pytest.mark.browser

AXE_SCRIPT = ROOT / "node_modules" / AXE / "axe.min.js"

# What keeps a reader out, or makes it hard, by the rules of WCAG 2.2 and good practice.
# The theme fades colours from one scheme to the other: half way, their contrast is low.
AT_ONCE = "*, *::before, *::after { transition: none !important; }"
SERIOUS_FINDINGS = """async () => {
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  const serious = violations.filter(found => /serious|critical/.test(found.impact));
  return serious.flatMap(found => found.nodes.map(node =>
    `${found.id}: ${node.target.join(" ")}: ${node.html.slice(0, 150)}`));
}"""

# What has been typed between dollars and is still there, outside of code.
RAW_MATHS = """() => {
  const walker = document.createTreeWalker(
    document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (text.parentElement.closest("pre, code, script, style, .katex")) continue;
    if (/\\$[^$]+\\$|\\\\\\(|\\\\\\[/.test(text.data)) found.push(text.data.trim());
  }
  return found;
}"""

# Phones upright and across, tablets, windows side by side, desks; between them lie the
# widths at which the theme and our styles change.
WIDTHS = (320, 360, 390, 480, 600, 640, 700, 768, 800, 912, 1024, 1280, 1440, 1920)

WITH_SLIDERS = [
    name for name in CHAPTERS if read(name).select('script[type$="widget-view+json"]')
]

# The slider's output area as the reader sees it, images by their address.
VISIBLE_FRAME = """handle => {
  const area = handle.closest(".widget-subarea");
  const shown = [...area.querySelectorAll(".widget-html-content")];
  return shown.filter(frame => frame.offsetParent).map(frame => frame.innerHTML).join();
}"""


@pytest.fixture(params=["http", "file"])
def base(request: pytest.FixtureRequest) -> str:
    """Return the address of the book, on a server and in its folder."""
    if request.param == "file":
        return HTML.as_uri() + "/"
    return request.getfixturevalue("served")


@pytest.fixture(scope="module")
def tab(browser: Browser, served: str) -> Page:
    """Open one tab for all tests, which is twice as fast; it notes its complaints."""
    tab = browser.new_page()
    tab.problems = []
    ours = (served, HTML.as_uri(), "data:", "blob:")

    def read_console(message) -> None:
        if message.type in ("error", "warning"):
            tab.problems.append(f"console: {message.text}")

    def read_request(request) -> None:
        if not request.url.startswith(ours):
            tab.problems.append(f"request to elsewhere: {request.url}")

    def read_response(response) -> None:
        if response.status >= 400:
            tab.problems.append(f"{response.status}: {response.url}")

    def read_failure(request) -> None:
        # Aborted is what the browser gives up itself, when it leaves for another page.
        if "ERR_ABORTED" not in (request.failure or ""):
            tab.problems.append(f"failed: {request.url} ({request.failure})")

    tab.on("console", read_console)
    tab.on("pageerror", lambda error: tab.problems.append(f"error: {error}"))
    tab.on("request", read_request)
    tab.on("requestfailed", read_failure)
    tab.on("response", read_response)
    return tab


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """Return the tab as new; fail at the end if it complained or called elsewhere."""
    tab.goto("about:blank")
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.problems.clear()
    yield tab
    assert not tab.problems


@functools.cache
def anchors_of(name: str) -> set[str]:
    """Return what a link into a page may name."""
    return {element["id"] for element in read(name).find_all(id=True)}


def links_of(name: str) -> list[str]:
    """Return the links of a page that lead into the book, as paths in its folder."""
    tags = read(name).find_all(href=True)
    links = [urljoin(BASE_URL + name, tag["href"]) for tag in tags]
    return [link.removeprefix(BASE_URL) for link in links if link.startswith(BASE_URL)]


def test_book_is_built() -> None:
    assert PAGES, "There is no built book in _build/html: run `make book` first."


@pytest.mark.parametrize("name", PAGES)
def test_page(page: Page, base: str, name: str) -> None:
    if name == "404.html" and base.startswith("file:"):
        pytest.skip("Only a server shows this page, and its addresses are absolute.")
    open_page(page, base + name)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"html[data-theme={scheme}]")
    untyped = page.locator("main .math:not(:has(.katex-html)), .katex-error")
    assert untyped.count() == 0, untyped.first.text_content()
    assert page.evaluate(RAW_MATHS) == []
    nameless = page.locator(
        "img:not([alt]), img[alt=''], .noUi-handle:not([aria-label])"
    )
    assert nameless.count() == 0, nameless.first.evaluate("e => e.outerHTML")[:200]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_slides_sideways(page: Page, served: str, name: str) -> None:
    open_page(page, served + name)
    root = "document.documentElement"
    wide = {}
    for width in WIDTHS:
        resize(page, width)
        excess = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        if excess > 0:
            wide[width] = excess
    assert not wide, "pixels too wide, by the window's width"


@pytest.mark.parametrize("name", WITH_SLIDERS)
def test_sliders_move_the_frame(page: Page, base: str, name: str) -> None:
    open_page(page, base + name)
    for handle in page.locator(".noUi-handle").element_handles():
        before = handle.evaluate(VISIBLE_FRAME)
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute(
            "aria-valuemax"
        )
        handle.press("ArrowLeft" if at_end else "ArrowRight")
        page.wait_for_function(
            f"([handle, before]) => ({VISIBLE_FRAME})(handle) !== before",
            arg=[handle, before],
            timeout=5000,
        )


@pytest.mark.parametrize("name", WITH_SLIDERS)
def test_without_scripts_a_slider_shows_its_first_picture(
    browser: Browser, page: Page, base: str, name: str
) -> None:
    plain = browser.new_page(java_script_enabled=False)
    plain.goto(base + name)
    pictures = plain.locator(".first-frame")
    assert pictures.count() >= 1
    assert all(picture.is_visible() for picture in pictures.all())
    plain.close()
    open_page(page, base + name)
    assert not any(
        picture.is_visible() for picture in page.locator(".first-frame").all()
    )


@pytest.mark.parametrize("name", CHAPTERS)
def test_an_address_leads_to_its_section(page: Page, base: str, name: str) -> None:
    page.goto(f"{base}{name}#summary")
    page.wait_for_function(
        """() => {
          const { top } = document.getElementById("summary").getBoundingClientRect();
          return top >= 0 && top < 200;
        }"""
    )


@pytest.mark.parametrize("name", CHAPTERS)
def test_notebook_downloads(page: Page, served: str, name: str) -> None:
    open_page(page, served + name)
    page.locator(".dropdown-download-buttons > button").first.click()
    with page.expect_download() as download:
        page.locator(".btn-download-source-button").click()
    stem = Path(name).stem
    chapter = ROOT / "chapters" / f"{stem}.ipynb"
    assert Path(download.value.path()).read_bytes() == chapter.read_bytes()


@pytest.mark.parametrize("name", PAGES)
def test_accessibility(page: Page, served: str, name: str) -> None:
    open_page(page, served + name)
    page.add_script_tag(path=AXE_SCRIPT)
    page.add_style_tag(content=AT_ONCE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"html[data-theme={scheme}]")
        found = page.evaluate(SERIOUS_FINDINGS)
        assert not found, "\n".join([scheme, *found])


@pytest.mark.parametrize("name", CHAPTERS)
def test_first_load_is_light(browser: Browser, served: str, name: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    bodies, names = [], []
    phone.on("response", lambda response: bodies.append(response.body()))
    phone.on("request", lambda request: names.append(Path(request.url).stem))
    phone.goto(served + name, wait_until="networkidle")
    phone.close()
    raw = sum(map(len, bodies)) / 1e6
    compressed = sum(len(gzip.compress(body)) for body in bodies) / 1e6
    print(f"{name}: {raw:.2f} MB, {compressed:.2f} MB compressed")
    assert raw <= 2.5
    assert compressed <= 1.2
    # What the templates leave out has not come back under another template's name.
    assert not {"searchindex", "searchtools", "fontawesome"}.intersection(names)


def test_reader_can_choose_the_dark(browser: Browser, base: str) -> None:
    page = browser.new_page(color_scheme="light")  # a choice is kept: not in our tab
    open_page(page, base + "intro.html")
    shown = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    for _ in range(3):
        page.locator(".theme-switch-button:visible").first.click()
        if page.locator("html[data-mode=dark]").count():
            break
    page.reload()
    kept = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert page.locator("html[data-theme=dark]").count() == 1
    assert kept != shown
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_links_within_the_book_lead_somewhere(name: str) -> None:
    for link in links_of(name):
        page, _, place = link.partition("#")
        page = unquote(urlsplit(page).path) or "index.html"
        assert (HTML / page).exists(), f"{link}: there is no {page}"
        if place and page.endswith(".html"):
            assert unquote(place) in anchors_of(page), f"{link}: no such place"
