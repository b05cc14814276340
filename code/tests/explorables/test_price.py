"""Accuracy against a cost: its script against the chapter's functions."""

from __future__ import annotations

import gzip
import random
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torchvision.models as tv
from playwright.sync_api import Locator, Page
from torch import nn

from cnnbook import cost, explorables, pretrained
from cnnbook.explorables import price
from tests.explorables.stage import (
    choose,
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)
from tools.experiments import torchvision_costs
from tools.notebooks.definitions import definitions

pytestmark = pytest.mark.browser
NAME = "price"
chapter = definitions("07-comparing-complexity")


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    """Return what the chapter reads from torchvision, all of one year."""
    counts = pretrained.torchvision_counts()
    rows = []
    for row in counts.itertuples():
        for weights in tv.get_model_weights(row.model):
            fits = weights.transforms.keywords["crop_size"] == row.crop
            if not fits or "SWAG" in weights.name:
                continue
            meta = weights.meta
            docs = " ".join(meta["_docs"].split())
            rows.append(
                {
                    "model": row.model,
                    "weights": weights.name.removeprefix("IMAGENET1K_"),
                    "year": 2014,
                    "recipe": "new" if "new training" in docs else "other",
                    "accuracy": meta["_metrics"]["ImageNet-1K"]["acc@1"],
                    "parameters": meta["num_params"] / 1e6,
                    "macs": meta["_ops"],
                    "crop": row.crop,
                }
            )
    return pd.DataFrame(rows).dropna(subset="accuracy", ignore_index=True)


@pytest.fixture
def shown(page: Page, tmp_path: Path, published: pd.DataFrame) -> Locator:
    return open_alone(page, tmp_path, NAME, published)


def drawn(count: int, most: int) -> list[pd.DataFrame]:
    """Draw networks at random, many of them alike or close together."""
    generator = random.Random(0)
    return [
        pd.DataFrame(
            {
                "macs": [float(generator.randint(1, 12)) for _ in range(size)],
                "accuracy": [generator.randint(700, 720) / 10 for _ in range(size)],
            }
        )
        for size in (generator.randint(1, most) for _ in range(count))
    ]


def networks(table: pd.DataFrame, images: int = 50_000) -> list[dict[str, Any]]:
    return [
        {**row, "images": images}
        for row in table[["macs", "accuracy"]].to_dict("records")
    ]


def test_the_front_is_the_chapters(page: Page, shown: Locator, published) -> None:
    tables = [*drawn(300, 30), published]
    found = compute(
        page, NAME, "front", [[networks(table), "macs"] for table in tables]
    )
    for table, places in zip(tables, found, strict=True):
        expected = chapter.pareto_front(table)[["macs", "accuracy"]]
        got = table.iloc[places][["macs", "accuracy"]]
        assert got.to_numpy().tolist() == expected.to_numpy().tolist()


def test_clearly_dominated_is_the_chapters(
    page: Page, shown: Locator, published
) -> None:
    for table in [*drawn(60, 20), published]:
        rows = networks(table)
        found = compute(page, NAME, "beaten", [[row, rows, "macs"] for row in rows])
        expected = [chapter.is_dominated(row, table, 2) for row in table.itertuples()]
        assert [place >= 0 for place in found] == expected
        for row, place in zip(rows, found, strict=True):
            assert place < 0 or rows[place]["macs"] <= row["macs"]


def test_the_band_is_the_chapters(page: Page, shown: Locator) -> None:
    accuracies = [50.0, 69.758, 85.808]
    found = compute(
        page,
        NAME,
        "deviation",
        [[{"accuracy": accuracy, "images": 50_000}] for accuracy in accuracies],
    )
    assert found == pytest.approx([chapter.deviation(each) for each in accuracies])


def test_the_record_holds_all_weights_and_is_what_is_counted() -> None:
    counts = pretrained.torchvision_counts()
    assert [*zip(counts.model, counts.crop, strict=True)] == torchvision_costs.wanted()
    for name, kind in {
        "alexnet": "plain",
        "squeezenet1_0": "concatenated",
        "resnet18": "residual",
        "shufflenet_v2_x0_5": "depthwise",
        "vit_b_32": "attention",
    }.items():
        [row] = counts[counts.model == name].to_dict("records")
        assert row == torchvision_costs.count(name, row["crop"])
        assert row["kind"] == kind


def test_a_title_has_the_letters_of_torchvisions_name() -> None:
    letters = re.compile("[^a-z0-9]")
    for name in pretrained.torchvision_counts().model:
        assert letters.sub("", price.title(name).lower()) == letters.sub("", name)
    assert price.title("regnet_y_1_6gf") == "RegNetY-1.6GF"
    assert price.title("wide_resnet50_2") == "Wide ResNet-50-2"


def wait_for(shown: Locator, text: str) -> None:
    shown.get_by_text(text).first.wait_for(timeout=5000)


def test_what_the_examples_say_is_so(
    page: Page, shown: Locator, published: pd.DataFrame
) -> None:
    said = {
        "macs": "Of the 102 shown, 16 are on the front by MACs for one image, 3 of",
        "parameters": "17 are on the front by parameters",
        "seconds": "are on the front by measured time",
        "recipe": "Beside ResNet-50 (other recipe): 4.73 points better (more",
        "chance": "Beside GoogLeNet (other recipe): 0.02 points worse (it may",
        "plain": "SqueezeNet-1.1 (other recipe",
    }
    narrow, wide = explorables.show(NAME, published).heights

    def show(example: str) -> None:
        choose(page, shown, example)
        wait_for(shown, said[example])

    expect_height(shown, {358: narrow, 688: wide}, said, show)
    choose(page, shown, "seconds")
    wait_for(shown, "Of the 13 shown")
    wait_for(shown, "0.896 times the ms")


def test_what_its_comments_claim_is_so(published: pd.DataFrame) -> None:
    counted = published.merge(pretrained.torchvision_counts(), on=["model", "crop"])
    rest = counted[counted.kind.isin(["plain", "concatenated", "residual"])]
    assert {*rest.model[rest.macs < 0.4]} == {"squeezenet1_1"}
    lost = [
        row.accuracy - rest.accuracy[rest.macs <= row.macs].max()
        for row in chapter.pareto_front(counted).itertuples()
        if row.macs > 1
    ]
    assert 2 < max(lost) < 2.5


def test_search_pin_and_a_link(page: Page, shown: Locator) -> None:
    shown.get_by_label("Search a network").fill("mobilenet_v2")
    wait_for(shown, "MobileNetV2 (")
    shown.get_by_role("button", name="pin this").click()
    shown.get_by_role("slider", name="network").focus()
    page.keyboard.press("End")
    wait_for(shown, "Beside MobileNetV2")
    shown.get_by_role("button", name="attention").click()
    shown.get_by_label("Cost").select_option("activations")
    page.wait_for_timeout(50)
    state = "shown => [shown.address(), shown.setting]"
    before = shown.evaluate(state)
    choose(page, shown, "macs")
    for address in ("nonsense", "macs~all~1900~plain~resnet50.V2~", before[0]):
        shown.evaluate("(shown, state) => shown.restore(state)", address)
    assert shown.evaluate(state) == before


def read_own(shown: Locator, text: str) -> None:
    fold = shown.locator("details.own")
    fold.evaluate("fold => (fold.open = true)")
    shown.get_by_label("A link from the stack builder").fill(text)
    shown.get_by_role("button", name="read this").click()


def test_the_readers_network_lands_on_the_chart(page: Page, shown: Locator) -> None:
    """From PyTorch's text, from a link of the stack builder, or from numbers."""
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, groups=4),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    table = cost.layer_table(network, (3, 224, 224))
    text = str(network)
    read_own(shown, text)
    wait_for(shown, "Read: 6 layers.")
    page.wait_for_timeout(50)
    assert shown.evaluate("shown => shown.mine") == pytest.approx(
        {
            "parameters": table.parameters.sum() / 1e6,
            "macs": table.macs.sum() / 1e9,
            "activations": table.activations[table.macs > 0].sum() / 1e6,
        }
    )
    wait_for(shown, "Nothing that is shown costs so little.")
    read_own(shown, "https://a.book/03.html#stack=vgg&hide=numbers")
    wait_for(shown, "Read: 18 layers.")
    page.wait_for_timeout(50)
    assert shown.evaluate("shown => shown.mine.parameters") == pytest.approx(14.714688)
    shown.get_by_label("accuracy, %").fill("85")
    shown.get_by_label("accuracy, %").press("Tab")
    wait_for(shown, "Yours: 15.3 G MACs, 85 ± 0.32")
    assert shown.locator("path.mine").count() == 1
    read_own(shown, "nn.Conv3d(3, 4, 5)")
    wait_for(shown, "Not read: Conv3d is not known here.")


def test_its_scripts_are_small() -> None:
    for name in (NAME, "scatter"):
        script = explorables.script(name)
        assert len(gzip.compress(script.encode(), 9)) < 15_000


def test_it_runs_in_a_sandbox_and_twice_in_a_page(
    page: Page, tmp_path: Path, published: pd.DataFrame
) -> None:
    expect_two_and_a_sandbox(page, tmp_path, explorables.show(NAME, published))


def test_without_scripts_the_picture_stands_there(
    page: Page, tmp_path: Path, published: pd.DataFrame
) -> None:
    shown = explorables.show(NAME, published)
    expect_picture(page, tmp_path, shown, "16 are on the front by MACs")
