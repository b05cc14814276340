"""The page of licences against what the built pages hold and the chapters show."""

import re
from fnmatch import fnmatch

import pytest

from cnnbook import data
from tools import ROOT
from tools.browser.server import HTML

PAGE = (ROOT / "chapters" / "licences.md").read_text(encoding="utf-8")
STATIC = HTML / "_static"


def patterns():
    """Return the names of files, in backticks, of the table's first column."""
    section = PAGE.split("## Scripts, styles and fonts")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.M)
    return [name for row in rows for name in re.findall(r"`(.+?)`", row)]


@pytest.mark.browser
def test_every_script_style_and_font_of_the_pages_has_a_licence():
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    names = {path.relative_to(STATIC).as_posix() for path in files}
    assert names, "build the pages first: make book"
    listed = {
        pattern: {name for name in names if fnmatch(name, pattern)}
        for pattern in patterns()
    }
    assert names - set().union(*listed.values()) == set(), "not in chapters/licences.md"
    stale = [pattern for pattern, found in listed.items() if not found]
    assert stale == [], "in chapters/licences.md, but not among the pages' files"


def test_every_photograph_has_a_licence():
    for name in data.photographs():
        assert f"photograph *{name}*" in PAGE
