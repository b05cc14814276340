"""An exercise answered in the page: its script against `check`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from playwright.sync_api import Page

from cnnbook import exercises, explorables
from tests.explorables.stage import compute, open_alone

CASES = [((5, 1), 2), ((3, 4), 4)]


def test_answers_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="'none' is not made of numbers"):
        explorables.show("answers", "deadly_weight", [((1,), "none")])
    with pytest.raises(ValueError, match="2 cases, 1 labels"):
        explorables.show("answers", "padding", CASES, labels=["5×5"])
    with pytest.raises(ValueError, match="1 numbers, 2 parts"):
        explorables.show("answers", "padding", CASES, parts=["left", "right"])


@pytest.mark.browser
def test_what_is_right_agrees_with_check(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "answers", "padding", CASES)
    draw = random.Random(0)
    inputs = []
    for _ in range(500):
        right = draw.choice([draw.randint(0, 10**6), draw.uniform(-5, 5) + 1e-9])
        typed = right * (1 + draw.choice([0, 5e-5, 2e-4, -3e-2])) + draw.choice([0, 1])
        inputs.append([typed, right, 1e-4])
    expected = [exercises._equal(*each) for each in inputs]
    assert 100 < sum(expected) < 400
    assert compute(page, "answers", "isRight", inputs) == expected
    typed = ["1,516", "−0.5", "3/4", "1e-3", "93.6 %", "", "two", "1/"]
    read = compute(page, "answers", "parse", [[text] for text in typed])
    assert read == [1516, -0.5, 0.75, 0.001, 93.6, None, None, None]


@pytest.mark.browser
def test_it_says_which_case_fails_and_not_what_is_right(
    page: Page, tmp_path: Path
) -> None:
    shown = open_alone(page, tmp_path, "answers", "padding", CASES)
    first, second = shown.get_by_role("textbox").all()
    first.fill("2")
    second.fill("3")
    second.press("Enter")
    shown.get_by_role("paragraph").filter(
        has_text="Case 2 of 2: not right yet."
    ).wait_for()
    assert second.get_attribute("aria-invalid") == "true"
    second.fill("4")
    shown.get_by_role("button", name="Check").click()
    shown.get_by_role("paragraph").filter(has_text="Right in all 2 cases.").wait_for()
