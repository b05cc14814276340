"""The moving crop: what was recorded is what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from cnnbook.explorables.crop import answers
from tests.explorables.stage import compute, open_alone

BEST = "() => document.querySelector('cnn-crop').best()"


def test_every_place_has_five_answers_in_order() -> None:
    for answer in answers().values():
        assert len(answer["classes"]) == len(answer["rows"])
        for shares in (five for row in answer["shares"] for five in row):
            assert len(shares) == 5
            assert shares == sorted(shares, reverse=True)


@pytest.mark.browser
def test_the_arrow_keys_move_the_square(page: Page, tmp_path: Path) -> None:
    crop = open_alone(page, tmp_path, "crop")
    recorded = answers()["coffee"]
    row, column = len(recorded["rows"]) // 2, len(recorded["columns"]) // 2
    crop.get_by_role("application").press("ArrowLeft")
    names = [recorded["names"][c] for c in recorded["classes"][row][column - 1]]
    assert [name for name, _ in page.evaluate(BEST)] == names


@pytest.mark.browser
def test_the_nearest_place_is_found(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "crop")
    inputs = [[[0, 10, 20], value] for value in (-5, 4, 6, 14, 100)]
    assert compute(page, "crop", "nearest", inputs) == [0, 0, 1, 1, 2]
