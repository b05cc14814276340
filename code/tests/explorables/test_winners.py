"""The challenge's results: what the page shows against the two tables of the book."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from playwright.sync_api import Page

from cnnbook import _book, explorables, papers
from cnnbook.explorables import winners
from tests.explorables.stage import (
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)

STATES = [
    {"view": "published", "networks": networks, "split": split, "outside": outside}
    for networks, split, outside in itertools.product(
        ("several", "one"), ("test", "validation"), (False, True)
    )
]


def table(name: str) -> list[dict[str, str]]:
    with (_book.ROOT / "data" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def printed(state: dict[str, Any]) -> list[tuple[str, float | None]]:
    """Return each system's error under a protocol, read from the tables' own words."""
    figures = {row["key"]: row for row in table("papers.csv")}
    found: dict[str, list[tuple[float, bool]]] = {}
    for row in table("ilsvrc.csv"):
        if row["kind"] == "human":
            continue
        name = row["team"] if row["kind"] == "shallow" else row["system"]
        errors = found.setdefault(name.split(" of ")[0], [])
        if state["split"] == row["split"] and state["networks"] == "several":
            assert row["networks"] != "1"
            errors.append((float(row["error"]), row["outside_data"] == "yes"))
    for name, keys in winners.QUOTED.items():
        for place, value in ((figures[k]["place"], figures[k]["value"]) for k in keys):
            one = ", 1 network," in place
            if one == (state["networks"] == "one") and f"; {state['split']}," in place:
                found[name].append((float(value), ", outside data" in place))
    shown = []
    for name, errors in found.items():
        best = [e for e, outside in errors if outside and state["outside"]]
        shown.append((name, (best or [e for e, outside in errors if not outside])[:1]))
    return [(name, errors[0] if errors else None) for name, errors in shown]


def test_each_protocol_has_at_most_one_error_for_a_system() -> None:
    for system in winners.systems():
        kinds = [
            (r["networks"] == 1, r["split"], r["outside"]) for r in system["results"]
        ]
        assert len(set(kinds)) == len(kinds), system["name"]


def test_a_slide_has_the_winners_heights_and_three_slips() -> None:
    rows = winners.slide()
    first = [row for row in table("ilsvrc.csv") if row["place_in_year"] == "1"]
    assert [r["result"]["error"] for r in rows] == [float(r["error"]) for r in first]
    slips = {row["year"]: row["name"] for row in rows if row["slip"]}
    assert slips == {
        2013: "ZFNet",
        2016: "ensemble, 152 layers",
        2017: "SENet, 152 layers",
    }


def test_the_still_picture_says_what_is_published_and_no_more() -> None:
    results = papers.ilsvrc()
    [axis] = winners._still(results, {"annotator A1": (4.0, 6.2)}).axes
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert "2012  AlexNet (5 nets, 8 layers)" in labels
    assert "2016  ensemble" in labels
    assert "2014  one person, A1" in labels
    assert [bar.get_width() for bar in axis.patches] == results.error.tolist()
    striped = [bool(bar.get_hatch()) for bar in axis.patches]
    assert striped == results.outside_data.eq(True).fillna(False).tolist()
    assert [line.get_xdata().tolist() for line in axis.lines] == [[4.0, 6.2]]
    plt.close(axis.figure)


@pytest.mark.browser
def test_what_is_shown_stands_in_the_tables(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "winners")
    data = explorables.show("winners").data
    shown = compute(page, "winners", "rows", [[data, state] for state in STATES])
    for state, rows in zip(STATES, shown, strict=True):
        errors = [(r["name"], r["result"] and r["result"]["error"]) for r in rows]
        assert errors == printed(state), state
    [slide] = compute(page, "winners", "rows", [[data, {"view": "slide"}]])
    assert slide == winners.slide()


@pytest.mark.browser
def test_intervals_are_the_chapters(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "winners")
    results = [r for system in winners.systems() for r in system["results"]]
    counted = [r for r in results if r["images"]]
    found = compute(page, "winners", "interval", [[r] for r in counted])
    for (low, high), result in zip(found, counted, strict=True):
        share = result["error"] / 100
        spread = 200 * math.sqrt(share * (1 - share) / result["images"])
        expected = [result["error"] - spread, result["error"] + spread]
        assert [low, high] == pytest.approx(expected)


@pytest.mark.browser
def test_the_page_draws_what_is_computed(page: Page, tmp_path: Path) -> None:
    shown = open_alone(page, tmp_path, "winners")
    for words in ("one network", "validation images", "outside data"):
        shown.get_by_role("button", name=words).click()
    values = shown.locator(".value")
    page.wait_for_function(
        "() => document.querySelector('cnn-winners').shadowRoot"
        ".querySelector('.value').textContent === 'none quoted'"
    )
    expected = [
        "none quoted" if error is None else f"{error + 1e-9:.1f}"
        for _, error in printed(STATES[-1])
    ]
    assert values.all_text_contents() == expected
    shown.get_by_role("option").nth(2).click()
    source = shown.get_by_text("16.6 % top-5 error, validation images, one network")
    source.wait_for()
    assert "Krizhevsky et al. 2012, Table 2" in source.text_content()
    page.keyboard.press("ArrowDown")
    shown.get_by_text("2012 ISI: no such error").wait_for()


@pytest.mark.browser
def test_a_slide_says_what_was_not_published(page: Page, tmp_path: Path) -> None:
    shown = open_alone(page, tmp_path, "winners")
    shown.get_by_role("button", name="as slides show it").click()
    shown.get_by_text("3 of the 8 labels").wait_for()
    assert shown.get_by_role("button", name="one network").is_disabled()
    shown.get_by_role("option", name="2013 ZFNet").click()
    shown.get_by_text("it is Clarifai's").wait_for()


@pytest.mark.browser
def test_it_fits_and_starts_anywhere(page: Page, tmp_path: Path) -> None:
    view = explorables.show("winners")
    expect_two_and_a_sandbox(page, tmp_path, view)
    expect_picture(
        page, tmp_path, explorables.show("winners"), "All are errors on test"
    )
    shown = open_alone(page, tmp_path, "winners")
    narrow, wide = view.heights

    def pick(row: str) -> None:
        shown.get_by_role("option", name=row).click()
        page.wait_for_timeout(50)

    rows = ["2012 AlexNet", "2014 VGG", "2017 SENet"]
    expect_height(shown, {358: narrow, 688: wide}, rows, pick)
    shown.get_by_role("button", name="one network").click()
    expect_height(shown, {358: narrow, 688: wide}, rows, pick)
