"""Where the numbers live: its script against the book's counts, for every model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Locator, Page
from torch import nn

from cnnbook import cost, explorables, models
from cnnbook.explorables.costs import FREE, NETWORKS, packed
from tests.explorables.stage import (
    choose,
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)

pytestmark = pytest.mark.browser
NAME = "costs"
COSTS = ["parameters", "macs", "activations"]
HEADS = {"Linear", "AdaptiveAvgPool2d"}
OPTIMISERS = {"sgd": 0, "momentum": 1, "adam": 2}


def counted(name: str, side: int) -> pd.DataFrame:
    network = models.build(name, device="meta")
    table = cost.layer_table(
        network, (models.architecture(name).input_size[0], side, side)
    )
    return table[~table.kind.isin(FREE)].reset_index(drop=True)


def trunk(table: pd.DataFrame) -> pd.DataFrame:
    end = len(table)
    while end and table.kind[end - 1] in HEADS:
        end -= 1
    return table[:end]


def sums(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in COSTS}


@pytest.mark.slow
def test_every_model_of_the_book(page: Page, tmp_path: Path) -> None:
    """At its own side, with its own head, each has all that `cost` counts."""
    open_alone(page, tmp_path, NAME, "vgg11")
    for name in models.names():
        network = packed(name)
        units = network["widths"][0] if len(network["widths"]) > 1 else 4096
        setting = {"side": network["side"], "head": network["head"], "units": units}
        [rows] = compute(page, NAME, "table", [[network, setting]])
        table = trunk(counted(name, network["side"]))
        found = rows[1 : len(table) + 1]
        assert [[row[each] for each in COSTS] for row in found] == (
            table[COSTS].to_numpy().tolist()
        ), name
        parameters = models.build(name, device="meta").parameters()
        expected = sum(each.numel() for each in parameters)
        if len({*network["widths"][:-1], units}) == 1 or not network["widths"][:-1]:
            assert sums(rows)["parameters"] == expected, name


@pytest.mark.slow
def test_parity_at_any_side_and_with_either_head(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, NAME, "vgg11")
    for name in NETWORKS:
        network = packed(name)
        for side in (96, 161, 224, 320):
            table = trunk(counted(name, side))
            maps, last, _ = table.output_shape.iloc[-1]
            flat = maps * last**2
            heads = (
                {
                    "dense": [
                        nn.Linear(flat, 512),
                        nn.Linear(512, 512),
                        nn.Linear(512, 1000),
                    ],
                    "average": [nn.Linear(maps, 1000)],
                }
                if flat < 100_000
                else {"average": [nn.Linear(maps, 1000)]}
            )
            for head, layers in heads.items():
                setting = {"side": side, "head": head, "units": 512}
                [rows] = compute(page, NAME, "table", [[network, setting]])
                count = sum(p.numel() for layer in layers for p in layer.parameters())
                found = rows[1 : len(table) + 1]
                assert sums(found) == table[COSTS].sum().to_dict(), (name, side)
                ended = sums(rows[len(table) + 1 :])
                assert ended["parameters"] == count
                assert ended["macs"] == sum(layer.weight.numel() for layer in layers)


def kept(name: str, side: int) -> int:
    """Measure the bytes that the forward pass of one more image keeps."""
    network = models.build(name, device="meta").train()
    own = {
        id(each.untyped_storage())
        for each in [*network.parameters(), *network.buffers()]
    }
    measured = []
    for batch in (2, 4):
        seen: dict[int, Any] = {}

        def pack(tensor: torch.Tensor, seen: dict[int, Any] = seen) -> None:
            storage = tensor.untyped_storage()
            if id(storage) not in own:
                seen.setdefault(id(storage), storage)

        images = torch.zeros(batch, 3, side, side, device="meta")
        labels = torch.zeros(batch, dtype=torch.long, device="meta")
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed):
            F.cross_entropy(network(images), labels)
        measured.append(sum(storage.nbytes() for storage in seen.values()))
    return (measured[1] - measured[0]) // 2


@pytest.mark.parametrize("name", ["vgg16", "alexnet-owt", "resnet18", "resnet50"])
def test_what_is_kept_is_what_autograd_keeps(
    page: Page, tmp_path: Path, name: str
) -> None:
    open_alone(page, tmp_path, NAME, "vgg11")
    network = packed(name)
    setting = {"side": 224, "head": network["head"], "units": 4096}
    [rows] = compute(page, NAME, "table", [[network, setting]])
    budget = {"optimiser": "adam", "batch": 7, "card": 16}
    [found] = compute(page, NAME, "memory", [[rows, budget]])
    assert found["image"] == pytest.approx(kept(name, 224), rel=0.05)
    parameters = 4 * sums(rows)["parameters"]
    assert found["parts"] == {
        "weights": parameters,
        "gradients": parameters,
        "state": 2 * parameters,
        "activations": 7 * found["image"],
    }
    assert found["fits"] == (16 * 2**30 - 4 * parameters) // found["image"]


def wait_for(costs: Locator, text: str) -> None:
    costs.get_by_text(text).first.wait_for(timeout=5000)


def test_what_a_reader_can_do(page: Page, tmp_path: Path) -> None:
    """The comments are true, the keyboard is enough, a link brings a state back."""
    costs = open_alone(page, tmp_path, NAME, "vgg16", "resnet50")
    said = {
        "published": "Most parameters: fc6 (74.3\u00a0%)",
        "large": "fc6: 536,875,008 parameters",
        "average": "Most parameters: conv",
        "small": "Most parameters: fc6",
        "residual": "fc6: 411,045,888 parameters",
        "card": "Not one image fits on it.",
    }
    narrow, wide = explorables.show(NAME, "vgg11").heights

    def show(example: str) -> None:
        choose(page, costs, example)
        wait_for(costs, said[example])

    expect_height(costs, {358: narrow, 688: wide}, said, show)
    choose(page, costs, "published")
    costs.get_by_role("slider", name="layer").focus()
    page.keyboard.press("Home")
    wait_for(costs, "input: 0 parameters")
    costs.get_by_role("slider", name="image side").fill("448")
    state = "costs => [costs.address(), costs.setting]"
    page.wait_for_timeout(50)
    before = costs.evaluate(state)
    choose(page, costs, "residual")
    for address in ("nonsense", "vgg16_9_9_9_9_9_9", before[0]):
        costs.evaluate("(costs, state) => costs.restore(state)", address)
    assert costs.evaluate(state) == before


def test_it_runs_in_a_sandbox_and_twice_in_a_page(page: Page, tmp_path: Path) -> None:
    expect_two_and_a_sandbox(page, tmp_path, explorables.show(NAME, "vgg11"))


def test_without_scripts_the_picture_stands_there(page: Page, tmp_path: Path) -> None:
    shown = explorables.show(NAME, "vgg16")
    expect_picture(page, tmp_path, shown, "One layer holds 74.3")
