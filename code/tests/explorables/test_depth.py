"""The depth machine: its script against PyTorch, and what a reader can do."""

from __future__ import annotations

import math
import random
import re
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page

from cnnbook import explorables
from cnnbook.explorables._depth import (
    Network,
    Setting,
    kept_promises,
    measure,
    path_shares,
    train,
)
from tests.explorables.stage import (
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)

pytestmark = pytest.mark.browser
NAME = "depth"
DONE = "depth => !depth.slice && !depth.toTrain && !depth.frame"


def settings(count: int, layers: tuple[int, ...]) -> list[Setting]:
    draw = random.Random(0)
    return [
        Setting(
            layers=draw.choice(layers),
            gain=draw.uniform(0.5, 2),
            shortcut=draw.choice([0, 0.5, 1, draw.uniform(0, 1.5)]),
            order=draw.choice(["pre", "post"]),
            norm=draw.random() < 0.5,
            zero=draw.random() < 0.25,
            seed=draw.randint(1, 20),
        )
        for _ in range(count)
    ]


def arguments(setting: Setting) -> list[Any]:
    """Return what the script is given: it makes the plain network by itself."""
    if setting.shortcut:
        return ["residual", asdict(setting)]
    return ["plain", asdict(replace(setting, shortcut=1.0))]


def close_to(expected: Any, tolerance: float) -> Any:
    return pytest.approx(expected, rel=tolerance, abs=1e-200)


def test_parity(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, NAME)
    drawn = [*settings(200, (2, 3, 5, 8, 13, 21)), *settings(2, (50, 100))]
    shown = compute(page, NAME, "machine", [arguments(each) for each in drawn])
    for setting, ours in zip(drawn, shown, strict=True):
        network = Network(setting)
        expected = measure(network)
        # What rounding does grows with the gradient, here by seven powers of ten.
        tolerance = 1e-9 if setting.layers <= 21 else 1e-6
        assert ours["loss"] == close_to(expected.loss, tolerance)
        assert ours["signal"] == close_to(expected.signal, tolerance)
        assert ours["sizes"] == close_to(expected.sizes, tolerance)
        norms = [gradient.norm().item() for gradient in expected.gradients]
        assert ours["norms"] == close_to(norms, tolerance)
        if expected.first.any():
            shares = path_shares(network, expected)
            assert ours["shares"] == pytest.approx(shares, abs=tolerance)
            assert sum(shares) == pytest.approx(1, abs=1e-9)


def test_parity_of_promises(page: Page, tmp_path: Path) -> None:
    """Only where a step does not lead so far away that nothing is left of it."""
    open_alone(page, tmp_path, NAME)
    drawn = [each for each in settings(120, (2, 3, 5, 8, 13)) if each.gain > 0.8]
    shown = compute(page, NAME, "machine", [arguments(each) for each in drawn])
    compared = 0
    for setting, ours in zip(drawn, shown, strict=True):
        network = Network(setting)
        expected = measure(network)
        if not any(gradient.any() for gradient in expected.gradients):
            assert ours["kept"] is None
            continue
        kept = kept_promises(network, expected)
        if max(map(abs, kept)) > 10:
            continue
        assert ours["kept"] == pytest.approx(kept, abs=1e-6)
        compared += 1
    assert compared > 50


def test_parity_of_training(page: Page, tmp_path: Path) -> None:
    """100 steps, as close as training lets two roundings be.

    PyTorch itself is trained twice, the second time with first weights that are off in
    the thirteenth digit; what this does to the losses, times ten thousand, is allowed.
    """
    open_alone(page, tmp_path, NAME)
    drawn = settings(12, (2, 3, 5, 8))
    rates = [random.Random(i).choice([0.003, 0.01, 0.03]) for i in range(len(drawn))]
    inputs = [
        [*arguments(setting), rate, 100]
        for setting, rate in zip(drawn, rates, strict=True)
    ]
    tight = 0
    for ours, setting, rate in zip(
        compute(page, NAME, "losses", inputs), drawn, rates, strict=True
    ):
        expected = train(Network(setting), rate, 100)
        other = Network(setting)
        with torch.no_grad():
            other.stem *= 1 + 1e-13
        twin = train(other, rate, 100)
        for step, (one, two, three) in enumerate(
            zip(ours, expected, twin, strict=True)
        ):
            allowed = 1e-9 * max(1, abs(two)) + 1e4 * abs(two - three)
            assert abs(one - two) <= allowed, (setting, step)
        tight += abs(expected[-1] - twin[-1]) < 1e-10
    assert tight >= 8  # most settings are compared to six decimals and more


def test_without_normalisation_the_shares_are_those_of_all_paths() -> None:
    """For each of the eight ways through three layers, by itself."""
    network = Network(Setting(layers=3, shortcut=0.8))
    measured = measure(network)
    whole, by_length = measured.first, [0.0] * 4
    for way in range(8):
        through = [bool(way >> k & 1) for k in range(3)]
        gradient = measured.last
        for k in reversed(range(3)):
            h = measured.maps[k].clone().requires_grad_()
            out = network.branch(k, h) if through[k] else 0.8 * h
            [gradient] = torch.autograd.grad(out, h, gradient)
        by_length[sum(through)] += (
            (gradient * whole).sum() / whole.square().sum()
        ).item()
    assert path_shares(network, measured) == pytest.approx(by_length)


def wait(depth: Locator) -> None:
    """Wait until all panels show the present setting."""
    for _ in range(600):
        if depth.evaluate(DONE):
            return
        depth.page.wait_for_timeout(50)
    raise AssertionError("it does not come to rest")


def choose(depth: Locator, example: str) -> dict[str, dict[str, Any]]:
    """Show an example; return what is said of both networks, and what is measured."""
    depth.get_by_label("Example").select_option(example)
    wait(depth)
    return depth.evaluate(
        """({ factors, measured, verdicts }) => Object.fromEntries(
             Object.keys(verdicts).map((kind) => [kind, {
               signal: factors.signal[kind], gradient: factors.gradient[kind],
               loss: measured[kind].loss,
               said: verdicts[kind].textContent.split(": ")[1] }]))"""
    )


def test_the_comments_are_true(page: Page, tmp_path: Path) -> None:
    depth = open_alone(page, tmp_path, NAME)
    neither, none = "neither vanishes nor explodes", "no gradient arrives"
    said = {
        "he": (neither, "explodes"),
        "small": ("vanishes", "explodes"),
        "doubled": (neither, "explodes"),
        "normalised": ("explodes", neither),
        "hundred": ("explodes", neither),
        "zero": (none, neither),
        "halved": (none, "vanishes"),
        "shared": ("vanishes", neither),
        "after": ("explodes", neither),
    }
    examples = depth.evaluate("depth => Object.keys(depth.constructor.examples)")
    assert list(said) == examples[:-1]  # the last one is the reader's own
    shown = {example: choose(depth, example) for example in said}
    for example, both in shown.items():
        found = (both["plain"]["said"], both["residual"]["said"])
        assert found == said[example], example
    small = shown["small"]["plain"]
    assert 0.5e-6 < small["gradient"] < 1e-5
    assert small["signal"] < 1e-5
    assert 0.3 < shown["doubled"]["residual"]["signal"] / 2**12 < 0.4
    assert shown["normalised"]["plain"]["signal"] == pytest.approx(1, abs=0.2)
    assert 1e9 < shown["hundred"]["plain"]["gradient"] < 1e11
    assert shown["zero"]["residual"]["gradient"] == pytest.approx(1)
    assert shown["zero"]["plain"]["signal"] == 0
    for part in ("signal", "gradient"):
        assert shown["halved"]["residual"][part] == pytest.approx(0.5**50)
    assert 0.3 < shown["shared"]["residual"]["signal"] < 1


def test_training_as_the_comment_says(page: Page, tmp_path: Path) -> None:
    depth = open_alone(page, tmp_path, NAME)
    before = choose(depth, "hundred")
    depth.get_by_role("button", name="Train 100 steps").click()
    wait(depth)
    depth.get_by_text("After 100 steps: plain").wait_for()
    losses = depth.evaluate("depth => depth.curves")
    assert [len(losses[kind]) for kind in ("plain", "residual")] == [101, 101]
    assert losses["residual"][-1] < 0.1
    assert min(losses["plain"]) > 0.3
    depth.get_by_role("button", name="First weights").click()
    wait(depth)
    again = depth.evaluate("depth => depth.measured.plain.loss")
    assert again == before["plain"]["loss"]


def test_training_goes_on_where_it_ended(page: Page, tmp_path: Path) -> None:
    depth = open_alone(page, tmp_path, NAME)
    depth.evaluate("depth => depth.restore('4_1_1_pre_1_0_2_0.03')")
    for total in (100, 200):
        depth.get_by_role("button", name="Train 100 steps").click()
        depth.get_by_text(f"After {total} steps").wait_for()
        wait(depth)
    expected = train(Network(Setting(layers=4, norm=True, seed=2)), 0.03, 200)
    shown = depth.evaluate("depth => depth.curves.residual")
    assert shown == pytest.approx(expected, abs=1e-6)


def test_the_verdict_follows_its_threshold(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, NAME)
    factors = [0, 0.00099, 0.00101, 1, 999, 1001]
    said = compute(page, NAME, "verdict", [[factor] for factor in factors])
    neither = "neither vanishes nor explodes"
    first, last = ["no gradient arrives", "vanishes"], "explodes"
    assert said == [*first, neither, neither, neither, last]


def test_the_keyboard_is_enough(page: Page, tmp_path: Path) -> None:
    depth = open_alone(page, tmp_path, NAME)
    depth.get_by_role("slider", name="layers").focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    depth.get_by_role("button", name="normalised").focus()
    page.keyboard.press("Enter")
    depth.get_by_role("button", name="ReLU after the sum").focus()
    page.keyboard.press("Enter")
    wait(depth)
    assert depth.evaluate("depth => depth.address()") == "10_1_1_post_1_0_1_0.1"
    assert depth.get_by_label("Example").input_value() == "own"
    label = depth.evaluate("depth => depth.panels.paths.drawing.ariaLabel")
    assert re.match(r"Share of ∂E/∂h₀, by length of path: Residual: mean", label)


def test_a_state_in_the_address_comes_back(page: Page, tmp_path: Path) -> None:
    depth = open_alone(page, tmp_path, NAME)
    state = "17_0.85_0.5_post_1_0_3_0.01"
    for given, kept in (
        (state, state),
        ("nonsense", state),
        ("1e9_x_-3_pre_0_1_0.5_9", "100_1_0_pre_0_1_1_1"),
        ("halved", "50_1_0.5_pre_0_1_1_0.1"),
    ):
        depth.evaluate("(depth, state) => depth.restore(state)", given)
        assert depth.evaluate("depth => depth.address()") == kept
        wait(depth)


def test_it_survives_the_largest_numbers(page: Page, tmp_path: Path) -> None:
    depth = open_alone(page, tmp_path, NAME)
    depth.evaluate("depth => depth.restore('100_2_1.5_pre_0_0_1_1')")
    depth.get_by_role("button", name="Train 100 steps").click()
    depth.get_by_text("After 100 steps").wait_for()
    wait(depth)
    html = depth.evaluate("depth => depth.live.innerHTML")
    for word in ("NaN", "Infinity", "undefined"):
        assert word not in html


def test_no_example_changes_the_height(page: Page, tmp_path: Path) -> None:
    depth = open_alone(page, tmp_path, NAME)
    narrow, wide = explorables.show(NAME).heights
    widths = {358: narrow, 430: narrow, 600: wide, 688: wide}
    examples = ("he", "hundred", "zero", "after")
    expect_height(depth, widths, examples, partial(choose, depth), spare=70)


def test_twice_in_a_page_and_in_a_sandbox(page: Page, tmp_path: Path) -> None:
    expect_two_and_a_sandbox(page, tmp_path, explorables.show(NAME))


def test_without_scripts_the_picture_stands_there(page: Page, tmp_path: Path) -> None:
    shown = explorables.show(NAME)
    expect_picture(page, tmp_path, shown, "add shortcuts, and it explodes")


def test_what_the_picture_and_its_text_say() -> None:
    plain, residual = (
        measure(Network(setting)) for setting in (Setting().plain, Setting())
    )
    for sizes in (plain.signal, plain.sizes):
        assert max(sizes) / min(sizes) < 10
    for start, end in (
        (residual.signal[0], residual.signal[-1]),
        (residual.sizes[-1], residual.sizes[0]),
    ):
        assert 7 <= math.log10(end / start) < 8
    shares = path_shares(Network(Setting()), residual)
    mean = sum(length * share for length, share in enumerate(shares))
    assert round(mean) == 18
