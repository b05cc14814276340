"""The essential path: sections that exist, about an hour, each leading to the next."""

from __future__ import annotations

import re

import pytest
from docutils import nodes
from playwright.sync_api import Page

from tests.site.built import read
from tools import ROOT
from tools.browser.server import HTML
from tools.site import essential_path, reading

STOPS = essential_path.stops((ROOT / "chapters/essential-path.md").read_text("utf-8"))


def test_all_chapters_are_on_the_path_in_order() -> None:
    assert 18 <= len(STOPS) <= 24
    pages = [stop.page for stop in STOPS]
    assert pages == sorted(pages)
    assert len(set(pages)) == 7


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.anchor)
def test_a_stop_is_named_as_its_section(stop: essential_path.Stop) -> None:
    notebook = (ROOT / f"{stop.page}.ipynb").read_text("utf-8")
    assert re.search(rf'"#+ {re.escape(stop.title)}\\n"', notebook)


def test_a_link_over_two_lines_is_a_stop() -> None:
    text = (
        "1. [A name\n   of it](01-a.ipynb#a-name-of-it): why.\n2. [B](02-b.ipynb#b): x."
    )
    assert essential_path.stops(text) == [
        ("A name of it", "chapters/01-a", "a-name-of-it"),
        ("B", "chapters/02-b", "b"),
    ]


def test_minutes_count_words_pictures_and_questions() -> None:
    section = nodes.section("", nodes.paragraph(text="word " * 200))
    assert reading.minutes(section) == 1
    section += nodes.literal_block(text="code " * 200)
    section += nodes.raw("", "<cnn-gate>", format="html")
    assert reading.minutes(section) == 1.5
    image = nodes.image(uri="x.png")
    section += nodes.container("", image, nb_element="mime_bundle")
    assert reading.minutes(section) == 2
    moving = nodes.raw("", "<cnn-squash>", format="html")
    section += nodes.container("", moving, nb_element="mime_bundle")
    assert reading.minutes(section) == 3.5
    exercises = nodes.section("", nodes.paragraph(text="word " * 200))
    exercises["ids"] = ["exercises"]
    section += exercises
    assert reading.minutes(section) == 3.5
    assert [reading.rounded(time) for time in (0, 0.4, 1.5)] == [1, 1, 2]


@pytest.mark.browser
def test_the_path_takes_about_an_hour() -> None:
    article = read("chapters/essential-path.html").find("article")
    said = re.search(r"take about (\d+) minutes", " ".join(article.get_text().split()))
    assert 50 <= int(said[1]) <= 75
    times = [int(time.get_text().split()[0]) for time in article.select(".minutes")]
    assert len(times) == len(STOPS)
    assert abs(sum(times) - int(said[1])) <= len(STOPS) / 2


@pytest.mark.browser
def test_each_stop_leads_to_the_next(page: Page) -> None:
    page.goto(f"{HTML.as_uri()}/{STOPS[0].page}.html")
    for place, stop in enumerate(STOPS):
        line = read(f"{stop.page}.html").find(
            string=re.compile(rf"^ · {place + 1} of {len(STOPS)}\b")
        )
        links = line.parent.select("a")
        assert links[0]["href"] == "essential-path.html"
        if place + 1 == len(STOPS):
            break
        following = STOPS[place + 1]
        assert links[1].get_text().replace("\u2011", "-") == following.title
        file, anchor = links[1]["href"].split("#")
        assert file in ("", f"{following.page.removeprefix('chapters/')}.html")
        section = read(f"{following.page}.html").find(id=anchor)
        assert following.title in section.get_text()
