"""The quiz: its one source, its script against Python, and the way through it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from cnnbook.explorables import quiz
from tests.explorables.stage import compute, open_alone

browser = pytest.mark.browser
NUMBER = re.compile(r"\d[\d.,]*\d|\d+")


def test_there_are_true_and_wrong_sentences() -> None:
    asked = quiz.sentences()
    assert len(asked) >= 8
    assert {sentence.holds for sentence in asked} == {True, False}
    assert {sentence.chapter for sentence in asked} == {*range(1, 8)}
    assert sorted(asked, key=lambda sentence: sentence.chapter) == asked
    assert len({sentence.text for sentence in asked}) == len(asked)


@pytest.mark.parametrize("sentence", quiz.sentences(), ids=lambda each: each.text)
def test_a_count_stands_in_the_section_that_explains_it(
    sentence: quiz.Sentence,
) -> None:
    page = quiz.PAGE.read_text(encoding="utf-8")
    sections = page.partition("\n### ")[2].split("\n### ")
    within = next(
        section
        for section in sections
        if sentence.because in " ".join(re.sub("[*`]", "", section).split())
    )
    numbers = NUMBER.findall(sentence.count)
    # "12.0" is "12.00" there, and "1998" has no comma.
    missing = [number for number in numbers if number not in within]
    assert missing == []
    assert sentence.because.endswith((".", "?"))
    assert "[" not in sentence.because


def test_a_row_without_its_section_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = quiz.PAGE.read_text(encoding="utf-8")
    broken = tmp_path / "common-errors.md"
    broken.write_text(page.replace('### "LeNet-5 has', '### "LeNet-6 has'), "utf-8")
    monkeypatch.setattr(quiz, "PAGE", broken)
    monkeypatch.setattr("cnnbook._book.ROOT", tmp_path)
    with pytest.raises(ValueError, match="no section #lenet-5-has-61706-parameters"):
        quiz.sentences()


def test_without_scripts_it_is_a_table() -> None:
    html = quiz.view().html()
    assert html.count("<tr>") == len(quiz.sentences()) + 1
    for sentence in quiz.sentences():
        assert f'<a href="{sentence.address}">' in html


@browser
def test_parity(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "quiz")
    chance = random.Random(0)
    rounds = [
        (
            [chance.choice([True, False, None]) for _ in range(11)],
            [{"holds": chance.choice([True, False])} for _ in range(11)],
        )
        for _ in range(300)
    ]
    expected = [
        sum(answer is each["holds"] for answer, each in zip(*pair, strict=True))
        for pair in rounds
    ]
    assert compute(page, "quiz", "score", [list(pair) for pair in rounds]) == expected
    states = [["1", 11], ["11", 11], ["12", 11], ["0", 11], ["2.5", 11], ["x", 11]]
    assert compute(page, "quiz", "place", states) == [0, 10, 0, 0, 0, 0]


@browser
def test_each_answer_shows_the_count_and_where_it_is_counted(
    page: Page, tmp_path: Path
) -> None:
    shown = open_alone(page, tmp_path, "quiz")
    asked = quiz.sentences()
    for number, sentence in enumerate(asked, start=1):
        assert shown.locator("blockquote").inner_text() == f"“{sentence.text}”"
        assert (
            f"sentence {number} of {len(asked)}" in shown.locator(".live").inner_text()
        )
        shown.get_by_role("button", name="True", exact=True).click()
        verdict = shown.locator(".verdict")
        assert ("✓" if sentence.holds else "✗") in verdict.inner_text()
        assert sentence.count in verdict.inner_text()
        assert verdict.get_by_role("link").get_attribute("href") == sentence.address
        right = sum(each.holds for each in asked[:number])
        assert (
            f"{right} of {number} answers right" in shown.locator(".live").inner_text()
        )
        # The keyboard goes on from where the reader is.
        page.keyboard.press("Enter")
    assert shown.locator("blockquote").inner_text() == f"“{asked[0].text}”"
    assert "answers right" not in shown.locator(".live").inner_text()


@browser
def test_keyboard_alone_answers(page: Page, tmp_path: Path) -> None:
    shown = open_alone(page, tmp_path, "quiz")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "✓ Indeed wrong: 60,000 in 1998." in shown.locator(".live").inner_text()


@browser
@pytest.mark.parametrize("width", [288, 358, 599, 600, 688])
def test_no_answer_changes_the_height(page: Page, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width + 16, "height": 900})  # the body's margins
    shown = open_alone(page, tmp_path, "quiz")
    kept = quiz.view().heights[width >= 600]
    for _ in quiz.sentences():
        assert kept - 60 <= shown.evaluate("e => e.live.scrollHeight") <= kept
        shown.get_by_role("button", name="Wrong").click()
        assert kept - 60 <= shown.evaluate("e => e.live.scrollHeight") <= kept
        page.keyboard.press("Enter")


@browser
def test_print_shows_the_table(page: Page, tmp_path: Path) -> None:
    shown = open_alone(page, tmp_path, "quiz")
    table = shown.locator("table.table")
    assert not table.is_visible()
    page.emulate_media(media="print")
    assert table.is_visible()
    assert not shown.locator(".live").is_visible()
