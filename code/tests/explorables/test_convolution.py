"""The convolution desk: its script against PyTorch, and what a reader can do."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Locator, Page
from torch import Tensor

from cnnbook import explorables
from tests.explorables.stage import (
    choose,
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)

pytestmark = pytest.mark.browser
NAME = "convolution"


def settings(count: int) -> list[dict[str, Any]]:
    """Draw settings at random, also such that PyTorch refuses."""
    generator = random.Random(0)
    draw, normal = generator.randint, generator.gauss
    drawn = []
    for _ in range(count):
        n, k, channels = draw(1, 8), draw(1, 5), draw(1, 2)
        mode = generator.choice(["convolution", "max", "average"])
        drawn.append(
            {
                "mode": mode,
                "n": n,
                "k": k,
                "p": draw(0, 2),
                "s": draw(1, 4),
                "d": 1 if mode == "average" else draw(1, 3),
                "flip": draw(0, 1),
                "input": [
                    [normal(0, 9) for _ in range(n * n)] for _ in range(channels)
                ],
                "kernel": [
                    [normal(0, 1) for _ in range(k * k)] for _ in range(channels)
                ],
            }
        )
    return drawn


def by_pytorch(setting: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the output of the first channel, and the windows as columns."""
    n, k, p, s, d = (setting[name] for name in "nkpsd")
    image = torch.tensor(setting["input"], dtype=torch.float64).view(1, -1, n, n)
    kernel = torch.tensor(setting["kernel"], dtype=torch.float64).view(1, -1, k, k)
    columns = F.unfold(image, k, dilation=d, padding=p, stride=s)[0]
    if setting["mode"] == "max":
        output = F.max_pool2d(image, k, s, p, d)
    elif setting["mode"] == "average":
        output = F.avg_pool2d(image, k, s, p)
    else:
        turned = kernel.flip(2, 3) if setting["flip"] else kernel
        output = F.conv2d(image, turned, stride=s, padding=p, dilation=d)
    return output[0, 0], columns


def test_parity(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, NAME)
    drawn = settings(1200)
    inputs = [[setting] for setting in drawn]
    refusals = compute(page, NAME, "refusal", inputs)
    outputs = compute(page, NAME, "output", inputs)
    windows = compute(page, NAME, "windows", inputs)
    sizes = compute(page, NAME, "outputSize", inputs)
    compared = 0
    for setting, refusal, output, columns, size in zip(
        drawn, refusals, outputs, windows, sizes, strict=True
    ):
        try:
            expected, unfolded = by_pytorch(setting)
        except RuntimeError:
            assert refusal, setting
            continue
        assert not refusal, (refusal, setting)
        assert size == len(expected)
        assert output == pytest.approx(expected.flatten().tolist())
        if setting["mode"] != "max":  # whose padding is no zero
            assert torch.tensor(columns).T.flatten().tolist() == pytest.approx(
                unfolded.flatten().tolist(), rel=1e-5
            )
        compared += 1
    assert compared >= 500
    assert len(drawn) - compared >= 100  # refused by both


def test_which_pixels_no_window_reads(page: Page, tmp_path: Path) -> None:
    """How often a pixel is read is the gradient of the sum of all windows."""
    open_alone(page, tmp_path, NAME)
    drawn = [each for each in settings(400) if each["mode"] == "convolution"]
    for setting, counts in zip(
        drawn, compute(page, NAME, "reads", [[each] for each in drawn]), strict=True
    ):
        side = setting["n"] + 2 * setting["p"]
        image = torch.zeros(1, 1, side, side, requires_grad=True)
        kernel = torch.ones(1, 1, setting["k"], setting["k"])
        if side < setting["d"] * (setting["k"] - 1) + 1:
            assert not any(counts)
            continue
        output = F.conv2d(image, kernel, stride=setting["s"], dilation=setting["d"])
        [read] = torch.autograd.grad(output.sum(), image)
        assert counts == read.flatten().int().tolist()


def wait_for(page: Page, desk: Locator, text: str) -> None:
    desk.get_by_text(text).first.wait_for(timeout=5000)


def test_the_comments_are_true(page: Page, tmp_path: Path) -> None:
    desk = open_alone(page, tmp_path, NAME)
    said = {
        "edge": ["output, 4×4", "The sum of 9 products is −33.", "ends at the border"],
        "same": ["output, 8×8", "= ⌊7⌋ + 1 = 8"],
        "stride": ["= ⌊2.5⌋ + 1 = 3", "The floor drops the last row and column."],
        "holes": ["output, 3×3"],
        "dilation": ["output, 8×8"],
        "learned": ["kernel, 5×5"],
        "channels": ["Channel 1 gives −33 and channel 2 gives −3: together −36."],
        "max": ["output, 4×4", "The largest of 4 pixels is 15."],
        "average": ["The sum of 9 pixels, divided by 9, is 0."],
        "large": ["PyTorch refuses: the kernel spans 5 pixels, the padded input 4."],
    }
    count = "() => customElements.get('cnn-convolution').examples"
    assert said.keys() == page.evaluate(count).keys() - {"own"}
    for example, sentences in said.items():
        choose(page, desk, example)
        for sentence in sentences:
            wait_for(page, desk, sentence)
        unread = desk.locator(".unread.edit").count()
        assert unread == {"stride": 15, "holes": 28}.get(example, 0), example


def test_the_keyboard_is_enough(page: Page, tmp_path: Path) -> None:
    desk = open_alone(page, tmp_path, NAME)
    desk.get_by_role("grid", name="Input").locator("[tabindex='0']").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("PageUp")
    wait_for(page, desk, "input, row 2, column 3")
    assert desk.get_by_role("spinbutton", name="input, row 2").input_value() == "14"
    page.keyboard.press("7")  # begins a number
    page.keyboard.press("5")
    page.keyboard.press("Enter")  # back to the cell
    wait_for(page, desk, "The sum of 9 products is −95.")
    page.keyboard.press("ArrowLeft")
    wait_for(page, desk, "input, row 2, column 2")
    slider = desk.get_by_role("slider", name="window")
    slider.focus()
    page.keyboard.press("End")
    wait_for(page, desk, "16 of 16: row 4, column 4")


def test_a_number_that_is_none_changes_nothing(page: Page, tmp_path: Path) -> None:
    desk = open_alone(page, tmp_path, NAME)
    padding = desk.get_by_role("spinbutton", name="padding p")
    for typed, kept in (("", "0"), ("1.5", "0"), ("77", "2"), ("-3", "0")):
        padding.fill(typed)
        padding.blur()
        page.wait_for_timeout(50)
        assert padding.input_value() == kept
    cell = desk.get_by_role("spinbutton", name="input, row 4, column 4")
    cell.fill("1e9")
    cell.blur()
    page.wait_for_timeout(50)
    assert cell.input_value() == "99"
    for state in ("nonsense", "convolution_8_99_-1_x", "max_8_3~1_2_oops"):
        desk.evaluate("(desk, state) => desk.restore(state)", state)
        desk.get_by_role("slider", name="window").wait_for()


def test_a_state_in_the_address_comes_back(page: Page, tmp_path: Path) -> None:
    desk = open_alone(page, tmp_path, NAME)
    choose(page, desk, "channels")
    desk.get_by_role("button", name="more stride").click()
    before = desk.evaluate("desk => [desk.address(), desk.setting]")
    choose(page, desk, "max")
    desk.evaluate("(desk, state) => desk.restore(state)", before[0])
    assert desk.evaluate("desk => [desk.address(), desk.setting]") == before


def test_no_example_changes_the_height(page: Page, tmp_path: Path) -> None:
    desk = open_alone(page, tmp_path, NAME)
    narrow, wide = explorables.show(NAME).heights
    widths = {320: narrow, 358: narrow, 599: narrow, 600: wide}
    examples = desk.evaluate("shown => Object.keys(shown.constructor.examples)")
    expect_height(desk, widths, examples, partial(choose, page, desk))


def test_twice_in_a_page_and_in_a_sandbox(page: Page, tmp_path: Path) -> None:
    expect_two_and_a_sandbox(page, tmp_path, explorables.show(NAME))


def test_without_scripts_the_picture_stands_there(page: Page, tmp_path: Path) -> None:
    shown = explorables.show(NAME)
    expect_picture(page, tmp_path, shown, "nine products add up to −33")
