"""Figures in the dark and on a phone: what the build makes of those in notebooks."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from cnnbook._forms import NARROW_SVG, SVG
from cnnbook.plots import style
from tests.site.built import CHAPTERS, read
from tools import ROOT
from tools.browser.chromium import open_page
from tools.site import figures

NOTEBOOKS = sorted((ROOT / "chapters").glob("0*.ipynb"))
WIDE = (
    '<svg width="688" height="90"><style>*{}</style>'
    '<path d="M0 9L9 9z" style="fill: #ffffff"/>\n'
    '<path d="M1 1" style="fill: #0072b2; stroke: #222222"/></svg>'
)
# Between both ends of a colour's light.
LINEAR = ((0.04045, lambda c: c / 12.92), (1.0, lambda c: ((c + 0.055) / 1.055) ** 2.4))


def stored() -> dict[str, str]:
    """Return every figure of the notebooks by its place and form."""
    found = {}
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                for mime, svg in output.get("data", {}).items():
                    if mime in (SVG, NARROW_SVG):
                        form = "narrow" if mime == NARROW_SVG else "wide"
                        found[f"{path.stem} {cell.id} {form}"] = svg
    return found


STORED = stored()


def test_colours_are_variables_with_a_value_for_the_dark() -> None:
    svg = figures.for_pages(WIDE)
    assert "fill: #ffffff" not in svg, "the white sheet stays"
    assert 'style="fill: var(--c0072b2); stroke: var(--c222222)"' in svg
    assert ":root{--c0072b2:#0072b2;--c222222:#222222;}" in svg
    dark = f"--c0072b2:{style.DARK[style.BLUE]};--c222222:{style.DARK[style.INK]};"
    assert f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}" in svg


def test_a_colour_that_the_style_lacks_is_an_error() -> None:
    with pytest.raises(figures.ColourError, match="#123456"):
        figures.for_pages(WIDE.replace("#0072b2", "#123456"))


def test_the_browser_chooses_between_two_files(tmp_path: Path) -> None:
    files = figures.Files(tmp_path, "../")
    narrow = WIDE.replace("688", "358")
    output = {
        "data": {figures.SVG: [WIDE], figures.NARROW_SVG: narrow, "text/plain": "F"},
        "metadata": {figures.SVG: {"alt": "a < b"}},
    }
    figures.show(output, files)
    html = output["data"]["text/html"]
    assert figures.SVG not in output["data"]
    assert figures.NARROW_SVG not in output["data"]
    assert 'alt="a &lt; b"' in html
    addresses = re.findall(r'(?:src|srcset)="\.\./_images/([^"]+)" width="(\d+)"', html)
    assert [width for _, width in addresses] == ["358", "688"]
    assert all((tmp_path / "_images" / name).exists() for name, _ in addresses)


def test_a_sliders_pictures_are_files(tmp_path: Path) -> None:
    from cnnbook import widgets

    shown = widgets.Picture({SVG: WIDE, NARROW_SVG: WIDE}, "alt").value
    html = figures.with_files(shown, figures.Files(tmp_path, ""))
    assert "base64" not in html
    assert html.count('width="688" height="90"') == 2


def light(colour: str) -> float:
    """Return a colour's relative luminance, as WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return sum(
        weight * next(to(c) for end, to in LINEAR if c <= end)
        for weight, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True)
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours: 21 at the most."""
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast(style.ORANGE, style.PAPER) == pytest.approx(2.25, abs=0.01)


@pytest.mark.parametrize("name", STORED)
def test_words_can_be_read(name: str) -> None:
    for tag in re.findall(r"<text[^>]*>", STORED[name]):
        [colour] = re.findall(r"fill: (#\w+)", tag) or [style.INK]  # of its group
        for here, paper in (
            (colour, style.PAPER),
            (style.DARK[colour], style.DARK[style.PAPER]),
        ):
            assert contrast(here, paper) >= 4.5, tag


def test_each_figure_has_both_forms_and_every_colour_a_twin() -> None:
    for name, svg in STORED.items():
        assert name.replace("wide", "narrow") in STORED
        figures.for_pages(svg)


# What is wrong with the words of the figure in the page. Of the height of a line,
# letters fill the middle.
WRONG = """() => {
  const svg = document.querySelector("svg");
  const frame = svg.getBoundingClientRect();
  const scale = frame.width / svg.viewBox.baseVal.width;
  const words = [...svg.querySelectorAll("text")].filter(t => t.textContent.trim());
  const boxes = words.map(text => {
    const {left, right, top, bottom, height} = text.getBoundingClientRect();
    return {left, right, top: top + 0.22 * height, bottom: bottom - 0.2 * height};
  });
  return boxes.flatMap((box, at) => {
    const name = words[at].textContent, faults = [];
    const size = scale * parseFloat(getComputedStyle(words[at]).fontSize);
    if (size < 11) faults.push(`${name}: ${size.toFixed(1)} px`);
    if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5 ||
        box.top < frame.top || box.bottom > frame.bottom)
      faults.push(`${name}: cut off`);
    for (const [before, other] of boxes.slice(0, at).entries())
      if (box.left < other.right - 0.5 && other.left < box.right - 0.5 &&
          box.top < other.bottom && other.top < box.bottom)
        faults.push(`${name} lies on ${words[before].textContent}`);
    return faults;
  });
}"""


@pytest.mark.browser
def test_no_word_covers_another_or_is_cut_off_or_small(page: Page) -> None:
    wrong = {}
    for name, svg in STORED.items():
        page.set_content(f'<body style="margin: 0">{svg}')
        if found := page.evaluate(WRONG):
            wrong[name] = found
    assert wrong == {}


@pytest.mark.browser
def test_a_figure_follows_the_pages_switch_not_the_system(
    page: Page, served: str
) -> None:
    name = next(name for name in CHAPTERS if read(name).select("figure picture"))
    for system, chosen in (("light", "dark"), ("dark", "light")):
        page.emulate_media(color_scheme=system)
        open_page(page, f"{served}{name}")
        page.evaluate("mode => {document.documentElement.dataset.theme = mode}", chosen)
        image = page.locator("figure picture img").first
        image.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete", arg=image.element_handle())
        assert image.evaluate("image => getComputedStyle(image).colorScheme") == chosen


@pytest.mark.browser
@pytest.mark.parametrize(("width", "form"), [(390, 358), (1280, 688)])
def test_a_phone_gets_the_narrow_form(
    page: Page, served: str, width: int, form: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    name = next(name for name in CHAPTERS if read(name).select("figure picture source"))
    open_page(page, f"{served}{name}")
    image = page.locator("figure picture:has(source) img").first
    image.scroll_into_view_if_needed()
    page.wait_for_function("image => image.complete", arg=image.element_handle())
    assert image.evaluate("image => image.naturalWidth") == form
