"""Our styles and our script name what the theme and the widgets really bring."""

from __future__ import annotations

import re

import pytest

from tests.site.built import PAGES
from tools import ROOT
from tools.browser.server import HTML

OURS = ("book.js", "custom.css", "print.css")


def names(text: str) -> set[str]:
    """Return the classes and ids that style sheets and selectors in scripts name."""
    text = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", text, flags=re.S | re.M)
    selectors = re.findall(r"[^{};]+(?=\{)|querySelector(?:All)?\(.*?\)", text)
    found = re.findall(r"[.#]([a-zA-Z][\w-]+)", " ".join(selectors))
    return {name for name in found if not re.fullmatch("[0-9a-f]{6}|css|js", name)}


def test_names_are_those_of_selectors() -> None:
    style = "/* .no */ .a-b > #cd:is(.ef, h1) { color: #fff; width: 0.5rem } .gh {}"
    assert names(style) == {"a-b", "cd", "ef", "gh"}
    script = 'x.filter(y); // .no\ndocument.querySelectorAll(".ab button:not(.cd)")'
    assert names(script) == {"ab", "cd"}


@pytest.mark.browser
@pytest.mark.parametrize("file", OURS)
def test_every_name_is_in_the_pages(file: str) -> None:
    places = [*(HTML / name for name in PAGES), *(HTML / "_static").rglob("*.js")]
    brought = "".join(path.read_text() for path in places if path.name not in OURS)
    wanted = names((ROOT / "_static" / file).read_text())
    assert wanted, "the names were not recognised"
    missing = [
        name for name in sorted(wanted) if not re.search(rf"\b{name}\b", brought)
    ]
    assert missing == [], "neither the theme nor a widget brings these any more"
