"""The questions before a result: what is right, how it opens, who may answer."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from cnnbook import explorables
from tests.explorables.stage import STARTED, compute, open_alone, write

CHOOSE = {
    "kind": "choose",
    "ask": "What shrinks?",
    "options": ["the maps", "the kernels", "the batch"],
    "right": [0],
    "because": "Each pooling halves them.",
}
SEVERAL = CHOOSE | {"several": True, "right": [0, 2], "ask": "Which two?"}
ORDER = {
    "kind": "order",
    "ask": "Which has most layers?",
    "items": ["AlexNet", "ResNet", "VGG", "LeNet"],
    "right": [1, 2, [0, 3]],
    "because": "ResNet is deepest.",
}
NUMBER = {
    "kind": "number",
    "ask": "How many parameters?",
    "right": 60_000,
    "scale": [1_000, 1_000_000],
    "log": True,
    "because": "It is exactly that.",
}
CURVE = {
    "kind": "curve",
    "ask": "Draw the error.",
    "x": {"label": "shift", "values": [0, 1, 2]},
    "y": {"label": "error", "unit": "%", "scale": [0, 50]},
    "right": {"one": [0, 10, 50]},
    "because": "It rises.",
}
ALL = [CHOOSE, SEVERAL, ORDER, NUMBER, CURVE]
SHOW = "Show the result"


@pytest.mark.parametrize("question", ALL, ids=lambda question: question["kind"])
def test_a_good_question_is_taken(question: dict[str, Any]) -> None:
    assert "<cnn-gate" in explorables.show("gate", question).html()
    assert "<img" not in explorables.show("gate", question).html()


@pytest.mark.parametrize(
    ("question", "changes", "message"),
    [
        (CHOOSE, {"kind": "guess"}, "'guess' is none of choose, order"),
        (CHOOSE, {"right": [3]}, "right must hold places of options"),
        (CHOOSE, {"right": [0, 1, 2]}, "no option is wrong"),
        (CHOOSE, {"unit": "%"}, "choose knows no unit"),
        (ORDER, {"right": [0, 1, 2]}, "each place of items once"),
        (ORDER, {"right": [0, 1, 2, 3]}, "right order from the beginning"),
        (ORDER, {"values": ["8"]}, "as many as items"),
        (NUMBER, {"right": 10}, "beyond the scale"),
        (NUMBER, {"scale": [0, 10]}, "begins above 0"),
        (CURVE, {"right": {"one": [0, 1]}}, "a value for each of x"),
        (CURVE, {"x": {"label": "shift", "values": [0]}}, "3 to 8 handles"),
    ],
)
def test_a_bad_question_is_refused(
    question: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        explorables.show("gate", question | changes)


def test_a_question_that_lacks_something_is_refused() -> None:
    with pytest.raises(ValueError, match=r"What shrinks.*lacks because"):
        explorables.show("gate", {k: CHOOSE[k] for k in CHOOSE if k != "because"})
    with pytest.raises(ValueError, match="needs a question"):
        explorables.show("gate")


@pytest.mark.browser
def test_numbers_are_read_as_people_type_them(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "gate", NUMBER)
    typed = {
        "60,000": 60_000,
        " 61 706 ": 61_706,
        "−0.5": -0.5,
        ".5": 0.5,
        "1e-3": 0.001,
        "60 million": 60e6,
        "4.1 G": 4.1e9,
        "12 %": 12,
        "3×": 3,
        "": None,
        "many": None,
        "1.2.3": None,
        "3 apples": None,
    }
    read = compute(page, "gate", "parse", [[text] for text in typed])
    assert read == list(typed.values())
    draw = random.Random(0)
    numbers = [draw.uniform(-1, 1) * 10 ** draw.randint(-3, 9) for _ in range(300)]
    assert compute(page, "gate", "parse", [[f"{n:,.6f}"] for n in numbers]) == [
        float(f"{n:.6f}") for n in numbers
    ]


@pytest.mark.browser
def test_places_and_verdicts_agree_with_python(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "gate", NUMBER)
    draw = random.Random(1)
    places, judged, expected_places, expected = [], [], [], []
    for _ in range(300):
        low = 10 ** draw.uniform(-3, 3)
        high = low * 10 ** draw.uniform(0.5, 4)
        log = draw.random() < 0.5
        right, value = draw.uniform(low, high), 1.4 * draw.uniform(low, high)
        scale = {"scale": [low, high], "log": log, "right": right}
        places.append([value, scale])
        judged.append([scale, value])
        share = (
            math.log(value / low) / math.log(high / low)
            if log
            else (value - low) / (high - low)
        )
        expected_places.append(min(1, max(0, share)))
        near = (
            max(value / right, right / value) <= 1.5
            if log
            else abs(value - right) <= 0.1 * (high - low)
        )
        expected.append("near" if near else "wrong")
    assert compute(page, "gate", "place", places) == pytest.approx(expected_places)
    verdicts = [
        each["verdict"] for each in compute(page, "gate", "judgeNumber", judged)
    ]
    assert verdicts == expected
    within = compute(page, "gate", "judgeNumber", [[NUMBER | {"right": [3, 5]}, 4]])
    assert within[0]["verdict"] == "right"


@pytest.mark.browser
def test_orders_agree_with_python(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "gate", ORDER)
    draw = random.Random(2)
    questions, expected = [], []
    for _ in range(300):
        items = draw.sample(range(6), 6)
        cut = draw.randint(1, 5)
        groups = [items[:cut], *items[cut:]]
        order = draw.sample(range(6), 6)
        members = [items[:cut]] * cut + [[item] for item in items[cut:]]
        questions.append([{"right": groups}, order])
        expected.append(
            [item in group for item, group in zip(order, members, strict=True)]
        )
    assert compute(page, "gate", "judgeOrder", questions) == expected


@pytest.fixture
def behind(page: Page, tmp_path: Path) -> Locator:
    """Open a gate with a result behind it, as the book's build lays them."""
    shown = explorables.show("gate", CHOOSE, result="result-x")
    address = write(tmp_path, shown)
    file = tmp_path / "page.html"
    result = '<main><div id="result-x" hidden="until-found">The result.</div>'
    file.write_text(file.read_text("utf-8").replace("<main>", result), "utf-8")
    page.goto(address)
    page.wait_for_function(STARTED, arg="gate")
    return page.locator("cnn-gate")


def is_open(page: Page) -> bool:
    return page.locator("#result-x:not([hidden])").count() == 1


@pytest.mark.browser
def test_an_answer_opens_the_result_and_is_remembered(
    behind: Locator, page: Page
) -> None:
    show = behind.get_by_role("button", name=SHOW)
    assert show.is_disabled()
    behind.get_by_label("the kernels").focus()
    page.keyboard.press("Space")
    show.press("Enter")
    assert is_open(page)
    assert behind.get_by_role("button", name="answer again").evaluate(
        "button => button.getRootNode().activeElement === button"
    )
    behind.get_by_text("You said “the kernels”; it is “the maps”.").wait_for()
    behind.get_by_role("status").filter(has_text="Each pooling halves").wait_for()
    page.reload()
    page.wait_for_function(STARTED, arg="gate")
    behind.get_by_text("it is “the maps”.").wait_for()
    behind.get_by_role("button", name="answer again").click()
    assert not is_open(page)
    assert show.is_disabled()


@pytest.mark.browser
def test_a_link_skips_the_question(behind: Locator, page: Page) -> None:
    behind.get_by_role("button", name="skip: show me").click()
    assert is_open(page)
    assert not behind.get_by_role("button", name="skip: show me").is_visible()
    # One may answer all the same.
    behind.get_by_label("the maps").check()
    behind.get_by_role("button", name="Compare").click()
    behind.get_by_text("You said “the maps”, and so it is.").wait_for()


@pytest.mark.browser
def test_a_result_that_the_page_opens_needs_no_link(
    behind: Locator, page: Page
) -> None:
    page.evaluate("document.getElementById('result-x').removeAttribute('hidden')")
    behind.get_by_role("button", name="skip: show me").wait_for(state="hidden")


@pytest.mark.browser
def test_two_questions_are_one_gate(page: Page, tmp_path: Path) -> None:
    gate = open_alone(page, tmp_path, "gate", CHOOSE, SEVERAL)
    first, second = gate.get_by_role("group").all()
    show = gate.get_by_role("button", name="Compare")
    first.get_by_label("the maps").check()
    assert show.is_disabled()
    second.get_by_label("the maps").check()
    second.get_by_label("the batch").check()
    show.click()
    gate.get_by_text("You said “the maps” and “the batch”, and so it is.").wait_for()


@pytest.mark.browser
def test_an_order_is_made_by_the_keyboard(page: Page, tmp_path: Path) -> None:
    gate = open_alone(page, tmp_path, "gate", ORDER)
    for name in ["ResNet: up", "VGG: up"]:
        gate.get_by_role("button", name=name).press("Enter")
    assert gate.get_by_role("button", name="VGG: up").evaluate(
        "button => button.getRootNode().activeElement === button"
    )
    gate.get_by_text("VGG: place 2 of 4").wait_for(state="attached")
    gate.get_by_role("button", name="Compare").click()
    gate.get_by_text("Your order is right.").wait_for()


@pytest.mark.browser
def test_a_number_is_marked_on_its_scale(page: Page, tmp_path: Path) -> None:
    gate = open_alone(page, tmp_path, "gate", NUMBER)
    field = gate.get_by_role("textbox")
    field.fill("many")
    assert gate.get_by_role("button", name="Compare").is_disabled()
    gate.get_by_text("not a number").wait_for()
    field.fill("6,000")
    gate.get_by_role("button", name="Compare").click()
    said = "You said 6,000; it is 60,000: too low by a factor of 10."
    gate.get_by_text(said).wait_for()
    gate.get_by_text("● it is 60,000").wait_for()


@pytest.mark.browser
def test_a_curve_is_drawn_by_the_keyboard_and_by_dragging(
    page: Page, tmp_path: Path
) -> None:
    gate = open_alone(page, tmp_path, "gate", CURVE)
    handles = gate.get_by_role("slider")
    handles.nth(0).focus()
    for _ in range(4):
        page.keyboard.press("PageDown")
    assert handles.nth(0).get_attribute("aria-valuetext") == "0 %"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert handles.nth(1).get_attribute("aria-valuetext") == "23.8 %"
    box = handles.nth(2).locator(".knob").bounding_box()
    page.mouse.move(box["x"] + 7, box["y"] + 7)
    page.mouse.down()
    page.mouse.move(box["x"] + 7, box["y"] - 300)
    page.mouse.up()
    assert handles.nth(2).get_attribute("aria-valuetext") == "50 %"
    gate.get_by_role("button", name="Compare").click()
    gate.get_by_text(
        "Your curve lies 9 % of the scale away, on average: near."
    ).wait_for()


@pytest.mark.browser
def test_each_of_two_in_a_page_has_its_own_question(page: Page, tmp_path: Path) -> None:
    shown = [explorables.show("gate", CHOOSE), explorables.show("gate", NUMBER)]
    page.goto(write(tmp_path, *shown))
    page.get_by_text("What shrinks?").wait_for()
    page.get_by_text("How many parameters?").wait_for()


@pytest.mark.browser
def test_nothing_stands_there_on_paper(page: Page, tmp_path: Path) -> None:
    gate = open_alone(page, tmp_path, "gate", CHOOSE)
    page.emulate_media(media="print")
    assert gate.bounding_box()["height"] == 0
