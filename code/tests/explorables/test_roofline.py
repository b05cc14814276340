"""The roofline: its script against the chapter's functions."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page
from torch import nn

from cnnbook import cost, explorables, records
from tests.explorables.stage import (
    choose,
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)
from tools.notebooks.definitions import definitions

pytestmark = pytest.mark.browser
NAME = "roofline"
chapter = definitions("07-comparing-complexity")


@pytest.fixture(scope="module")
def layers() -> pd.DataFrame:
    """Return the chapter's six layers."""
    made = {
        "fully connected": (nn.Linear(7056, 4096, bias=False, device="meta"), (7056,)),
        "depthwise 3×3, 1024": chapter.convolution(1024, 1024, 3, 56, groups=1024),
        "3×3, 256, 7×7 pixels": chapter.convolution(256, 256, 3, 7),
        "1×1, 192": chapter.convolution(192, 192, 1, 28),
        "3×3, 32": chapter.convolution(32, 32, 3, 56),
        "3×3, 64": chapter.convolution(64, 64, 3, 28),
    }
    table = pd.concat([cost.layer_table(*layer) for layer in made.values()])
    table.index = list(made)
    return table


@pytest.fixture
def shown(page: Page, tmp_path: Path, layers: pd.DataFrame) -> Locator:
    return open_alone(page, tmp_path, NAME, layers)


def test_the_least_time_is_the_chapters(page: Page, shown: Locator) -> None:
    generator = random.Random(0)

    def draw(most: float) -> int:
        return round(10 ** generator.uniform(0, most))

    inputs, expected = [], []
    for _ in range(300):
        rows = [
            [generator.randint(1, 5), draw(9), draw(7), draw(7)]
            for _ in range(generator.randint(1, 9))
        ]
        batch, rate, bandwidth = generator.randint(1, 300), draw(14), draw(12)
        inputs.append([rows, batch, {"rate": rate, "bandwidth": bandwidth}])
        pairs = [
            (batch * macs, 4 * (batch * moved + weights))
            for count, macs, moved, weights in rows
            for _ in range(count)
        ]
        expected.append(chapter.least_time_solution(pairs, rate, bandwidth))
    found = compute(page, NAME, "least", inputs)
    assert [each["seconds"] for each in found] == pytest.approx(expected)


def test_the_intensity_is_the_chapters(
    page: Page, shown: Locator, layers: pd.DataFrame
) -> None:
    items = {
        item["name"]: item for item in explorables.show(NAME, layers).data["items"]
    }
    machine = {"rate": 1e9, "bandwidth": 1e9}
    for name, row in layers.iterrows():
        for batch in (1, 8, 32):
            given = [items[name]["rows"], batch, machine]
            [found] = compute(page, NAME, "least", [given])
            assert found["intensity"] == pytest.approx(chapter.intensity(row, batch))


def test_its_networks_are_those_of_the_record(layers: pd.DataFrame) -> None:
    recorded = records.load("evidence-costs-cpu")["results"]["networks"]
    items = explorables.show(NAME, layers).data["items"]
    networks = [item for item in items if item["group"] == "networks"]
    for item, each in zip(networks, recorded.values(), strict=True):
        macs = sum(count * macs for count, macs, _, _ in item["rows"])
        assert macs == each["macs"]
        took = each["seconds"]["float32, batch of 1"]["least"]
        assert math.isclose(item["recorded"]["1"], took, rel_tol=1e-3)


def wait_for(shown: Locator, text: str) -> None:
    shown.get_by_text(text).first.wait_for(timeout=5000)


def test_what_a_reader_can_do(page: Page, shown: Locator, layers: pd.DataFrame) -> None:
    """The comments are true, the fields make a device, a link brings a state back."""
    said = {
        "layers": "0.25 MACs per byte (0.5 FLOPs), left of the balance of 2.53; it",
        "batch": "7.9 MACs per byte (15.8 FLOPs), right of the balance",
        "h100": "left of the balance of 73.8",
        "networks": "MobileNetV2, batch of 1",
        "loaded": "35 of its 54 layers wait for memory",
    }
    narrow, wide = explorables.show(NAME, layers).heights

    def show(example: str) -> None:
        choose(page, shown, example)
        wait_for(shown, said[example])

    expect_height(shown, {358: narrow, 688: wide}, said, show)
    choose(page, shown, "h100")
    left = shown.evaluate(
        "shown => shown.shown.every(one => one.waiting === one.layers)"
    )
    assert left
    choose(page, shown, "loaded")
    rates = (
        "({ shown }) => Object.fromEntries(shown.map(one => [one.name, one.reached]))"
    )
    gains = shown.evaluate(rates)
    choose(page, shown, "networks")
    shown.get_by_label("Device").select_option("h100")
    page.wait_for_timeout(50)
    alone = shown.evaluate(rates)
    assert max(gains, key=lambda name: gains[name] / alone[name]) == "AlexNet"
    shown.get_by_label("GB per second").fill("100")
    shown.get_by_label("GB per second").press("Tab")
    shown.get_by_role("button", name="more batch").click()
    wait_for(shown, "batch of 2:")
    state = "shown => [shown.address(), shown.setting, shown.devices.own]"
    before = shown.evaluate(state)
    assert before[1]["device"] == "own"
    assert before[2]["bandwidth"] == 100e9
    choose(page, shown, "layers")
    for address in ("nonsense", "cpu~layers~0~1", before[0]):
        shown.evaluate("(shown, state) => shown.restore(state)", address)
    assert shown.evaluate(state) == before


def test_the_readers_stack_is_a_point(page: Page, shown: Locator) -> None:
    shown.locator("details.own").evaluate("fold => (fold.open = true)")
    text = "nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)"
    shown.get_by_label("A link from the stack builder").fill(text)
    shown.get_by_role("button", name="read this").click()
    wait_for(shown, "Yours, batch of 1")
    [row] = cost.layer_table(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), (3, 224, 224)
    ).itertuples()
    found = shown.evaluate("shown => shown.chosen")
    assert found["macs"] == row.macs
    assert found["intensity"] == pytest.approx(chapter.intensity(row))


def test_its_script_is_small() -> None:
    assert len(gzip.compress(explorables.script(NAME).encode(), 9)) < 15_000


def test_it_runs_in_a_sandbox_and_twice_in_a_page(
    page: Page, tmp_path: Path, layers: pd.DataFrame
) -> None:
    expect_two_and_a_sandbox(page, tmp_path, explorables.show(NAME, layers))


def test_without_scripts_the_picture_stands_there(
    page: Page, tmp_path: Path, layers: pd.DataFrame
) -> None:
    shown = explorables.show(NAME, layers)
    expect_picture(page, tmp_path, shown, "Six layers with the same number of MACs")
