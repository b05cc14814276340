"""A digit is moved: its two readers against PyTorch, and what is said of them."""

from __future__ import annotations

import random
import re
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page
from torch import Tensor, nn

from cnnbook import explorables
from cnnbook.explorables import move
from cnnbook.explorables._element import Explorable
from tests.explorables.stage import (
    choose,
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    write,
)
from tools.notebooks.definitions import definitions

DONE = "shown => !shown.slice && !shown.frame"
# As the chapter's table has them: the canvas, its border, whether there is pooling.
SETTINGS = {
    "circular": (16, "circular", True),
    "zeros": (16, "zeros", True),
    "far": (64, "zeros", True),
    "unpooled": (16, "circular", False),
}
MIDDLE = (8 * 16) + 8


@cache
def builders() -> dict[str, Any]:
    chapter = definitions("06-gap-vs-flatten")
    return {
        "flatten": chapter.flatten_network,
        "average": partial(chapter.average_network, (8, 16, 31)),
    }


@cache
def shown() -> Explorable:
    return explorables.show("move", **builders())


@cache
def network(trained: str, head: str, setting: str) -> nn.Module:
    """Return the chapter's network, in float64, as a setting changes it."""
    _, border, pools = SETTINGS[setting]
    made = move.load(builders()[head](padding_mode=border), trained, head)
    kept = [layer for layer in made if pools or not isinstance(layer, nn.MaxPool2d)]
    return nn.Sequential(*kept).double().eval()


@cache
def digits() -> Tensor:
    return move.shown()


@cache
def canvases(digit: int, setting: str) -> Tensor:
    side, border, _ = SETTINGS[setting]
    image = digits()[digit]
    return move.everywhere(image, wraps=border == "circular", side=side).double()


def runs(head: str, setting: str) -> bool:
    return head == "average" or setting in ("circular", "zeros")


@torch.no_grad()
def scores_of(example: dict[str, Any], head: str) -> tuple[Tensor, int]:
    """Return an example's scores (256, 10) at all shifts, and the place of its own."""
    place = (example["down"] + 8) * 16 + example["right"] + 8
    reader = network(example["trained"], head, example["setting"])
    return reader(canvases(example["digit"], example["setting"])), place


@pytest.fixture
def element(page: Page, tmp_path: Path) -> Locator:
    page.goto(write(tmp_path, shown()))
    found = page.locator("cnn-move[started]")
    found.wait_for()
    return found


def settled(page: Page, element: Locator) -> Locator:
    """Return the element when all its charts are full."""
    page.wait_for_timeout(30)
    page.wait_for_function(DONE, arg=element.element_handle(), timeout=60_000)
    return element


@pytest.mark.browser
@pytest.mark.slow
@torch.no_grad()
def test_parity(page: Page, element: Locator) -> None:
    """At random: network, border, digit, shift, and whose evidence is shown."""
    draw = random.Random(0)
    data = shown().data
    cases = [
        (trained, head, setting, *(draw.randrange(size) for size in (10, 256, 10)))
        for setting, count in (
            ("circular", 60),
            ("zeros", 60),
            ("unpooled", 6),
            ("far", 6),
        )
        for trained in move.TRAINED
        for head in move.HEADS
        if runs(head, setting)
        for _ in range(count)
    ]
    assert len(cases) >= 400
    inputs = [
        [
            data["networks"][f"{trained}.{head}"],
            setting,
            shares(digit),
            {"down": place // 16 - 8, "right": place % 16 - 8},
            data["paper"],
            data["ink"],
            label,
        ]
        for trained, head, setting, digit, place, label in cases
    ]
    found = compute(page, "move", "read", inputs)
    for case, ours in zip(cases, found, strict=True):
        trained, head, setting, digit, place, label = case
        made = network(trained, head, setting)
        canvas = canvases(digit, setting)[place : place + 1]
        expected = made(canvas)[0]
        assert torch.allclose(
            torch.tensor(ours["scores"]).double(), expected, atol=1e-4
        )
        evidence = torch.tensor(ours["evidence"])
        bias = made[-1].bias[label].item()
        assert evidence.sum().item() + bias == pytest.approx(
            expected[label].item(), abs=1e-4
        )
        if head == "average":
            maps = made[:-3](canvas)
            class_map = torch.einsum("c,chw->hw", made[-1].weight[label], maps[0])
            theirs = class_map.flatten() / class_map.numel()
            assert torch.allclose(evidence.double(), theirs, atol=1e-5)


@cache
def shares(digit: int) -> list[float]:
    return move.shares(digits()[digit]).flatten().tolist()


def test_the_page_has_the_weights_exactly() -> None:
    """Those that were recorded have 8 bits already: nothing is rounded once more."""
    for name, chain in shown().data["networks"].items():
        made = move.load(builders()[name.partition(".")[2]](), *name.split("."))
        kept = [p for p in made.parameters() if p.ndim > 1]
        packed = [step["weights"] for step in chain["steps"] if "weights" in step]
        for weight, ours in zip(kept, packed, strict=True):
            whole = weight / ours["scale"]
            assert "rest" not in ours
            assert torch.allclose(whole, whole.round(), atol=1e-3)


SAME = {"far": 16, "unpooled": 256, "circular": 16, "zeros": 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", move.EXAMPLES)
def test_the_average_forgives_what_it_is_said_to(name: str) -> None:
    example = {**move.START, **move.EXAMPLES[name]}
    scores, place = scores_of(example, "average")
    change = (scores - scores[MIDDLE]).abs().amax(dim=1)
    assert (change < 1e-9).sum() == SAME[example["setting"]]
    assert not ((change >= 1e-9) & (change < 1e-3)).any()  # nothing lies between
    assert (change[place] < 1e-9) == (name in ("four", "far", "unpooled"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "flatten", "average"),
    [
        ("four", 4, 6),
        ("one", 6, 1),
        ("zeros", None, 6),
        ("far", None, 4),
        ("unpooled", None, 4),
        ("trained", None, 6),
        ("edge", 8, 1),
    ],
)
def test_the_examples_are_read_as_their_comments_say(
    name: str, flatten: int | None, average: int
) -> None:
    example = {**move.START, **move.EXAMPLES[name]}
    for head, expected in (("flatten", flatten), ("average", average)):
        if expected is not None:
            scores, place = scores_of(example, head)
            assert scores[place].argmax() == expected
    if name in ("far", "unpooled"):
        assert (scores.argmax(dim=1) == 4).all()
    if name == "four":  # as the chapter says: at half of the shifts
        assert (scores.argmax(dim=1) == 6).sum() == 128
    if name == "trained":
        assert (scores.argmax(dim=1) == 6).all()
        flat, _ = scores_of(example, "flatten")
        assert (flat.argmax(dim=1) == 6).sum() == 71


@pytest.mark.slow
def test_no_shift_leaves_the_scores_of_flattening() -> None:
    for digit in range(10):
        example = {**move.START, "digit": digit, "setting": "circular"}
        scores, _ = scores_of(example, "flatten")
        change = (scores - scores[MIDDLE]).abs().amax(dim=1)
        assert (change < 1e-3).sum() == 1


@pytest.mark.browser
def test_the_charts_show_it(page: Page, element: Locator) -> None:
    settled(page, element)
    assert element.locator(".shifts.average .dot").count() == 16
    assert element.locator(".shifts.flatten .dot").count() == 1
    words = element.locator(".shifts.average .quiet").inner_text()
    scores, _ = scores_of({**move.START, **move.EXAMPLES["four"]}, "average")
    read = int((scores.argmax(dim=1) == 6).sum())
    assert words == f"Reads the 6 at {read} shifts; exact at 16."
    choose(page, element, "unpooled")
    settled(page, element)
    assert element.locator(".shifts.average .dot").count() == 256
    assert (
        element.locator(".head.flatten .verdict").inner_text() == "Flatten cannot run"
    )


@pytest.mark.browser
def test_it_moves_by_key_by_pointer_and_by_number(page: Page, element: Locator) -> None:
    canvas = element.get_by_role("application")
    right, down = (element.get_by_label(way, exact=True) for way in ("right", "down"))

    def place() -> tuple[str, str]:
        page.wait_for_timeout(50)
        return right.input_value(), down.input_value()

    canvas.press("ArrowRight")
    canvas.press("ArrowUp")
    assert place() == ("5", "-1")
    element.get_by_label("more down").click()
    right.fill("-3")
    right.press("Enter")
    assert place() == ("-3", "0")
    box = canvas.bounding_box()
    assert box
    pixel = box["width"] / 16
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2 * pixel, y + 5 * pixel)
    page.mouse.up()
    page.mouse.move(x, y)
    assert place() == ("-1", "5")
    chart = element.locator(".shifts.average .chart")
    chart.scroll_into_view_if_needed()
    size = chart.bounding_box()
    assert size
    cell = size["width"] / 16
    chart.click(position={"x": 15.5 * cell, "y": 0.5 * cell})
    assert place() == ("7", "-8")
    for _ in range(3):
        canvas.press("ArrowRight")
    assert place() == ("7", "-8")
    assert element.get_by_label("Example").input_value() == "own"


@pytest.mark.browser
def test_the_state_comes_from_the_address(page: Page, element: Locator) -> None:
    restore = "(shown, state) => shown.restore(state)"
    for state, expected in (
        ("3_shifts_zeros_-2_99", (3, "shifts", "zeros", -2, 7)),
        ("edge", (6, "shifts", "zeros", 0, 7)),
        ("12_shifts_zeros_1_1", (6, "shifts", "zeros", 0, 7)),
        ("nonsense", (6, "shifts", "zeros", 0, 7)),
    ):
        element.evaluate(restore, state)
        found = element.evaluate(
            "m => [m.digit, m.trained, m.setting, m.down, m.right]"
        )
        assert tuple(found) == expected
    assert re.fullmatch(r"\d_\w+_\w+_-?\d_-?\d", element.evaluate("m => m.address()"))


@pytest.mark.browser
def test_it_keeps_its_height(page: Page, element: Locator) -> None:
    widths = dict(zip((358, 688), shown().heights, strict=True))
    show = partial(choose, page, element)
    examples = [name for name in move.EXAMPLES if name != "far"]  # as long as another
    expect_height(element, widths, examples, show)


@pytest.mark.browser
def test_it_starts_twice_and_in_a_sandbox(page: Page, tmp_path: Path) -> None:
    expect_two_and_a_sandbox(page, tmp_path, shown())


@pytest.mark.browser
def test_a_picture_stands_there_without_scripts(page: Page, tmp_path: Path) -> None:
    expect_picture(page, tmp_path, shown(), "come back at every fourth shift")


def test_weights_that_do_not_fit_are_refused() -> None:
    chapter = definitions("06-gap-vs-flatten")
    other = partial(chapter.average_network, (8, 16, 16))
    with pytest.raises(ValueError, match=r"moved-digit\.safetensors"):
        explorables.show("move", chapter.flatten_network, other)
