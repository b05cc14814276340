"""The two scalar chains: their script against autograd, and what a reader can do."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page

from cnnbook import explorables
from cnnbook.chains import ACTIVATIONS
from cnnbook.gradients import scalar_chain
from tests.explorables.stage import (
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)

pytestmark = pytest.mark.browser
NAME = "chain"
KINDS = ("plain", "skip")


def settings(count: int) -> list[dict[str, Any]]:
    generator = random.Random(0)
    return [
        {
            "f": generator.choice(list(ACTIVATIONS)),
            "x": generator.uniform(-3, 3),
            "w1": generator.choice([0, generator.uniform(-3, 3)]),
            "w2": generator.choice([0, generator.uniform(-3, 3)]),
            "t": generator.uniform(-3, 3),
            "alpha": generator.choice([0, 1, generator.uniform(-2, 2)]),
        }
        for _ in range(count)
    ]


def by_autograd(kind: str, setting: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return every value, ∂E by each of them, and f′ at both weighted sums."""
    function = ACTIVATIONS[setting["f"]].function
    past = setting["alpha"] if kind == "skip" else 0
    nodes = {
        name: torch.tensor(
            float(setting[name]), dtype=torch.float64, requires_grad=True
        )
        for name in ("x", "w1", "w2", "t")
    }
    nodes["net1"] = nodes["x"] * nodes["w1"]
    nodes["h"] = function(nodes["net1"]) + past * nodes["x"]
    nodes["net2"] = nodes["h"] * nodes["w2"]
    nodes["y"] = function(nodes["net2"]) + past * nodes["h"]
    nodes["E"] = (nodes["t"] - nodes["y"]) ** 2 / 2
    gradients = torch.autograd.grad(nodes["E"], list(nodes.values()))
    slopes = {}
    for arrow, net in (("net1 h", "net1"), ("net2 y", "net2")):
        alone = nodes[net].detach().requires_grad_()
        [slope] = torch.autograd.grad(function(alone), alone)
        slopes[arrow] = slope.item()
    return {
        "values": {name: node.item() for name, node in nodes.items()},
        "gradients": {
            name: gradient.item()
            for name, gradient in zip(nodes, gradients, strict=True)
        },
        "slopes": slopes,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_parity(page: Page, tmp_path: Path, kind: str) -> None:
    open_alone(page, tmp_path, NAME)
    drawn = settings(800)
    walked = compute(page, NAME, "walk", [[kind, setting] for setting in drawn])
    carried = {
        node: compute(page, NAME, "products", [[kind, each, node] for each in drawn])
        for node in ("w1", "w2", "x")
    }
    for i, setting in enumerate(drawn):
        expected = by_autograd(kind, setting)
        ours, values = walked[i], expected["values"]
        assert ours["values"] == pytest.approx(values, abs=1e-12)
        assert ours["gradients"] == pytest.approx(expected["gradients"], abs=1e-12)
        past = setting["alpha"] if kind == "skip" else 0
        factors = expected["slopes"] | {
            "y E": values["y"] - values["t"],
            "t E": values["t"] - values["y"],
            "h net2": values["w2"],
            "w2 net2": values["h"],
            "x net1": values["w1"],
            "w1 net1": values["x"],
            "h y": past,
            "x h": past,
        }
        assert ours["factors"] == pytest.approx(factors, abs=1e-12)
        for node, paths in carried.items():
            total = expected["gradients"][node]
            assert sum(paths[i]) == pytest.approx(total, abs=1e-11)


def test_the_paths_are_those_of_the_chapter(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, NAME)
    for setting in settings(50):
        for kind, skip in (("plain", 0.0), ("skip", setting["alpha"] or 1.0)):
            setting["alpha"] = skip or 1.0
            chain = scalar_chain(
                [setting["w1"], setting["w2"]], setting["f"], skip=skip
            )
            expected = chain.paths(setting["x"], setting["t"])
            [ours] = compute(page, NAME, "products", [[kind, setting, "x"]])
            assert sorted(ours) == pytest.approx(
                sorted(path.value for path in expected)
            )


def wait_for(chain: Locator, text: str) -> None:
    chain.get_by_text(text).first.wait_for(timeout=5000)


def test_the_comments_are_true(page: Page, tmp_path: Path) -> None:
    chain = open_alone(page, tmp_path, NAME)
    said = {
        "hand": (
            "The only path: ∂E/∂w₁ = 0.554.",
            "All 2 paths: ∂E/∂w₁ = 0.0123 + (−0.0757) = −0.0634.",
        ),
        "zero": ("∂E/∂w₁ = 0.", "All 2 paths: ∂E/∂w₁ = 0 + 0.48 = 0.48."),
        "flat": ("∂E/∂w₁ = −0.003", "= 0.363."),
        "saturated": ("∂E/∂w₁ = −0.0018.", "= −0.0015."),
        "earlier": ("∂E/∂x = −0.0073.", "= −1.12."),
        "cancel": ("∂E/∂w₁ = 1.5.", "All 2 paths: ∂E/∂w₁ = 1 + (−1) = 0."),
        "dead": ("∂E/∂w₁ = 0.", "All 2 paths: ∂E/∂w₁ = 0 + 0 = 0."),
        "halved": ("∂E/∂x = ", "(−0.64) · 0.5 · 0.5 = −0.16"),
    }
    examples = chain.evaluate("chain => Object.keys(chain.constructor.examples)")
    assert list(said) == examples[:-1]  # the last one is the reader's own
    for example, sentences in said.items():
        chain.get_by_label("Example").select_option(example)
        for kind, sentence in zip(KINDS, sentences, strict=True):
            group = "plain" if kind == "plain" else "with shortcuts"
            paths = chain.get_by_role("group", name=f"Paths, {group}")
            paths.get_by_role("button").last.click()
            wait_for(chain, sentence)


def test_the_keyboard_is_enough(page: Page, tmp_path: Path) -> None:
    chain = open_alone(page, tmp_path, NAME)
    chain.get_by_role("button", name="ReLU").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # identity and sigmoid come first, then x
    chain.get_by_role("slider", name="w₁").focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    wait_for(chain, "The only path: ∂E/∂w₁ = 0.")
    paths = chain.get_by_role("group", name="Paths, with shortcuts")
    paths.get_by_role("button", name="past f of layer 2").focus()
    page.keyboard.press("Enter")
    wait_for(chain, "with shortcuts, past f of layer 2: −(t−y) · α · f′(net₁) · x")
    assert paths.get_by_role("button", pressed=True).count() == 1


def test_an_arrow_chooses_the_path_through_it(page: Page, tmp_path: Path) -> None:
    chain = open_alone(page, tmp_path, NAME)
    arrow = "chain => chain.take('skip', 'h y')"
    chain.evaluate(arrow)
    wait_for(chain, "with shortcuts, past f of layer 2")
    chain.evaluate("chain => chain.take('skip', 'x h')")  # leads to no weight
    wait_for(chain, "with shortcuts, past f of layer 2")
    chain.get_by_role("button", name="∂E/∂x").click()
    chain.evaluate(arrow)
    wait_for(chain, "past f of layer 2, through that of layer 1")
    chain.evaluate(arrow)
    wait_for(chain, "past f of layer 2, past that of layer 1")


def test_a_number_that_is_none_changes_nothing(page: Page, tmp_path: Path) -> None:
    chain = open_alone(page, tmp_path, NAME)
    field = chain.get_by_role("spinbutton", name="w₂, typed")
    for typed, kept in (("2.5", "2.5"), ("", "2.5"), ("1e9", "99"), ("-0.25", "-0.25")):
        field.fill(typed)
        field.blur()
        assert field.input_value() == kept
    assert chain.get_by_role("slider", name="w₂").input_value() == "-0.25"
    for state in ("nonsense", "tanh_x_1_2_3", "relu_1_1_1_1_1_E_skip_77"):
        chain.evaluate("(chain, state) => chain.restore(state)", state)
        chain.get_by_role("slider", name="w₂").wait_for()


def test_a_state_in_the_address_comes_back(page: Page, tmp_path: Path) -> None:
    chain = open_alone(page, tmp_path, NAME)
    chain.get_by_label("Example").select_option("halved")
    before = chain.evaluate("chain => chain.address()")
    chain.get_by_label("Example").select_option("zero")
    chain.evaluate("(chain, state) => chain.restore(state)", before)
    assert chain.evaluate("chain => chain.address()") == before


def test_no_example_changes_the_height(page: Page, tmp_path: Path) -> None:
    chain = open_alone(page, tmp_path, NAME)
    narrow, wide = explorables.show(NAME).heights
    widths = {320: narrow, 358: narrow, 599: narrow, 600: wide}
    examples = chain.evaluate("shown => Object.keys(shown.constructor.examples)")

    def show(name: str) -> None:
        chain.evaluate("(chain, name) => (chain.restart(name), chain.draw())", name)

    expect_height(chain, widths, examples, show)


def test_twice_in_a_page_and_in_a_sandbox(page: Page, tmp_path: Path) -> None:
    expect_two_and_a_sandbox(page, tmp_path, explorables.show(NAME))


def test_without_scripts_the_picture_stands_there(page: Page, tmp_path: Path) -> None:
    shown = explorables.show(NAME)
    expect_picture(page, tmp_path, shown, "∂E/∂w₁ is 0.554 without shortcuts")
