"""The stack builder: its script against the book's counts, and what a reader can do."""

from __future__ import annotations

import math
import random
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch import nn

from cnnbook import cost, explorables, models, receptive_field
from cnnbook.receptive_field import path_counts
from tests.explorables.stage import (
    choose,
    compute,
    expect_height,
    expect_picture,
    expect_two_and_a_sandbox,
    open_alone,
)

pytestmark = pytest.mark.browser
NAME = "stack"
COSTS = ["parameters", "macs", "activations"]
SLIDING = {"conv": "Conv2d", "max": "MaxPool2d", "average": "AvgPool2d"}
KINDS = {
    **{name: kind for kind, name in SLIDING.items()},
    "BatchNorm2d": "norm",
    "AdaptiveAvgPool2d": "global",
    "Linear": "dense",
}
# Layers that the builder does not know, or that it does not count.
LEFT_OUT = {"ReLU", "Dropout", "LocalResponseNorm", "Identity"}
CHAINS = [
    *("alexnet", "alexnet-owt", "zfnet", "nin"),
    *(name for name in models.names() if name.startswith(("vgg", "plain"))),
]


def layer(kind: str, **changes: Any) -> dict[str, Any]:
    usual = {"k": 1, "s": 1, "p": 0, "d": 1, "g": 1, "maps": 1}
    return {"kind": kind, **usual, "bias": False, "act": "", "ceil": False, **changes}


def settings(count: int) -> list[dict[str, Any]]:
    """Draw stacks at random, also such that PyTorch refuses."""
    generator = random.Random(0)
    draw, choose = generator.randint, generator.choice
    drawn = []
    for _ in range(count):
        layers = []
        for _ in range(draw(1, 5)):
            kind = choose(
                ["conv"] * 6 + ["max", "average", "norm"] * 2 + ["global", "dense"]
            )
            window = {"k": draw(1, 5), "s": draw(1, 3), "p": draw(0, 2)}
            layers.append(
                layer(
                    kind,
                    **window if kind in SLIDING else {},
                    d=draw(1, 3) if kind in ("conv", "max") else 1,
                    g=choose([1, 1, 1, 1, 2, 4]) if kind == "conv" else 1,
                    maps=draw(1, 6) * choose([1, 4, 4]),
                    bias=choose([True, False]),
                    ceil=kind in ("max", "average") and choose([True, False]),
                    act=choose(["", "ReLU", "Tanh", "GELU"]),
                )
            )
        drawn.append({"maps": draw(1, 4) * 4, "side": draw(5, 40), "layers": layers})
    return drawn


def run(text: str) -> nn.Sequential:
    with torch.device("meta"):
        return eval(text, {"nn": nn})  # what the script wrote


@pytest.mark.slow
def test_parity(page: Page, tmp_path: Path) -> None:
    """The text that it writes is run by PyTorch: rows, refusals, and read again."""
    open_alone(page, tmp_path, NAME)
    drawn = settings(420)
    measured = compute(page, NAME, "measure", [[each] for each in drawn])
    texts = compute(page, NAME, "write", [[each] for each in drawn])
    arguments = zip(texts, drawn, strict=True)
    parsed = compute(
        page, NAME, "parse", [[text, d["side"], d["maps"]] for text, d in arguments]
    )
    again = compute(
        page,
        NAME,
        "measure",
        [[{**d, **p}] for d, p in zip(drawn, parsed, strict=True)],
    )
    compared = 0
    for setting, found, text, read, from_text in zip(
        drawn, measured, texts, parsed, again, strict=True
    ):
        shape = (setting["maps"], setting["side"], setting["side"])
        try:
            network = run(text)
            table = cost.layer_table(network, shape)
        except (ValueError, RuntimeError):
            assert found["problem"], text
            continue
        assert not found["problem"], text
        assert from_text == found, text
        assert [each["act"] for each in read["layers"]] == [
            each["act"] for each in setting["layers"]
        ]
        table = table[~table.kind.isin(["Flatten", "Tanh", "GELU", *LEFT_OUT])]
        rows = found["rows"][1:]
        assert table[COSTS].to_dict("records") == [
            {name: row[name] for name in COSTS} for row in rows
        ]
        try:
            trace = receptive_field.trace(network, shape)
        except ValueError:  # units that see nothing but padding
            continue
        trace = trace[trace.layer.isin(table.layer)]
        fields = [(row["size"], row["jump"], row["start"]) for row in rows]
        assert fields == list(zip(trace["size"], trace.jump, trace.start, strict=True))
        compared += 1
    assert compared >= 200
    assert sum(bool(found["problem"]) for found in measured) >= 60


def as_layer(module: nn.Module) -> dict[str, Any]:
    """Return a module as the script has it."""

    def first(value: int | tuple[int, ...]) -> int:
        return value if isinstance(value, int) else value[0]

    kind = KINDS[type(module).__name__]
    changes = {
        short: first(getattr(module, name))
        for short, name in {
            "k": "kernel_size",
            "s": "stride",
            "p": "padding",
            "d": "dilation",
            "g": "groups",
        }.items()
        if hasattr(module, name)
    }
    maps = getattr(module, "out_channels", getattr(module, "out_features", 1))
    bias = getattr(module, "bias", None) is not None
    ceil = getattr(module, "ceil_mode", False)
    return layer(kind, **changes, maps=maps, bias=bias, ceil=ceil)


@pytest.mark.parametrize("name", CHAINS)
def test_every_chain_of_the_book(page: Page, tmp_path: Path, name: str) -> None:
    """Field and costs of each layer, of those models that do not branch."""
    open_alone(page, tmp_path, NAME)
    network = models.build(name, device="meta")
    input_size = models.architecture(name).input_size
    table = cost.layer_table(network, input_size)
    named = dict(network.named_modules())
    # At its own size an adaptive pooling of more than one unit changes nothing.
    known = table[
        table.kind.isin(KINDS)
        & (
            (table.kind != "AdaptiveAvgPool2d")
            | (table.input_shape != table.output_shape)
        )
    ]
    layers = [as_layer(named[name]) for name in known.layer]
    setting = {"maps": input_size[0], "side": input_size[1], "layers": layers}
    [found] = compute(page, NAME, "measure", [[setting]])
    assert not found["problem"]
    rows = found["rows"][1:]
    assert known[COSTS].to_dict("records") == [
        {name: row[name] for name in COSTS} for row in rows
    ]
    trace = receptive_field.trace(network, input_size).set_index("layer")
    trace = trace.loc[list(known.layer)]
    fields = [(row["size"], row["jump"], row["start"]) for row in rows]
    assert fields == list(zip(trace["size"], trace.jump, trace.start, strict=True))


def test_every_layer_of_every_model(page: Page, tmp_path: Path) -> None:
    """What a layer costs where it stands, in networks that branch, too."""
    open_alone(page, tmp_path, NAME)
    inputs, expected = [], []
    for name in models.names():
        network = models.build(name, device="meta")
        named = dict(network.named_modules())
        table = cost.layer_table(network, models.architecture(name).input_size)
        plain = {"Conv2d", "MaxPool2d", "AvgPool2d", "BatchNorm2d", "Linear"}
        for row in table[table.kind.isin(plain)].itertuples():
            module = named[row.layer]
            maps, side, *_ = (*row.input_shape, 1)
            one = {"maps": maps, "side": side, "layers": [as_layer(module)]}
            inputs.append([one])
            expected.append([getattr(row, cost_name) for cost_name in COSTS])
    found = compute(page, NAME, "measure", inputs)
    assert len(found) > 5000
    assert expected == [[one["rows"][1][name] for name in COSTS] for one in found]


def test_paths_are_gradients(page: Page, tmp_path: Path) -> None:
    """With weights of one, a gradient counts paths; and a bell's middle is found."""
    open_alone(page, tmp_path, NAME)
    drawn = [
        [each for each in setting["layers"] if each["kind"] in SLIDING]
        for setting in settings(300)
    ]
    drawn = [layers for layers in drawn if layers]
    levels = compute(page, NAME, "paths", [[layers] for layers in drawn])
    for layers, [*_, counts] in zip(drawn, levels, strict=True):
        pixels = torch.zeros(1, 1, len(counts), requires_grad=True)
        units = pixels
        for each in layers:
            kernel = torch.ones(1, 1, each["k"])
            units = torch.conv1d(units, kernel, stride=each["s"], dilation=each["d"])
        assert units.numel() == 1
        [gradient] = torch.autograd.grad(units.sum(), pixels)
        assert counts == gradient.flatten().int().tolist()
    bells = [path_counts([3] * n)[-1].tolist() for n in (3, 9, 15)]
    assert bells[0] == [1, 3, 6, 7, 6, 3, 1]
    for counts, size in zip(
        bells, compute(page, NAME, "inner", [[each] for each in bells]), strict=True
    ):
        shares = torch.tensor(counts, dtype=torch.float64) / sum(counts)
        within = [
            shares[margin : len(shares) - margin].sum().item()
            for margin in range(len(shares) // 2 + 1)
        ]
        wanted = max(m for m, share in enumerate(within) if share >= math.sqrt(0.9))
        assert size == len(counts) - 2 * wanted


def test_texts_that_pytorch_prints_are_read(page: Page, tmp_path: Path) -> None:
    """The text of a network as PyTorch prints it, nested, is as good as its code."""
    open_alone(page, tmp_path, NAME)
    features = models.build("vgg16", device="meta").features
    [found] = compute(page, NAME, "parse", [[str(features), 224, 1]])
    assert found["maps"] == 3
    assert len(found["layers"]) == 18
    nested = """from torch import nn
    net = nn.Sequential(  # mine
        nn.Sequential(torch.nn.Conv2d(3, 8, (3, 3), padding="same"), nn.ReLU(True)),
        nn.MaxPool2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(512, 10),
    )"""
    [found] = compute(page, NAME, "parse", [[nested, 16, 1]])
    assert [each["kind"] for each in found["layers"]] == ["conv", "max", "dense"]
    assert found["layers"][0] == layer("conv", k=3, p=1, maps=8, bias=True, act="ReLU")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no layer"),
        ("import os; os.remove('x')", "there is no layer"),
        ("print(1)", "print is not known here"),
        ("nn.ConvTranspose2d(3, 4, 3)", "ConvTranspose2d is not known here"),
        ("nn.Conv2d(3, 4, 3)(x)", "“x” is no number"),
        ("nn.Conv2d(3, 4, (1, 3))", "differs between the axes"),
        ("nn.Conv2d(3, 4)", "needs kernel_size"),
        ("nn.Conv2d(3, 4, k)", "“k” is no number"),
        ("nn.Conv2d(3, 4, 3", "is not closed"),
        ("nn.Conv2d(3, 4, 0)", "it goes from 1 to 31"),
        ("nn.Conv2d(3, 4, 3, padding_mode='reflect')", "padding_mode is not known"),
        ("nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)", "layer 2 reads 3 maps, but gets 4"),
        ("nn.Conv2d(3, 4, 3, padding='same', stride=2)", "odd kernels of stride 1"),
        ("nn.MaxPool2d(2, return_indices=True)", "return_indices is not known"),
        ("nn.ReLU()", "stands before all layers"),
        ("nn.Flatten(), nn.Linear(5, 2)", "of side 8 it gets 192"),
        ("nn.AdaptiveAvgPool2d(7)", "only an output of 1"),
        ("x = [nn.ReLU() for _ in range(3)]", "is not a list of layers"),
        ("nn.MaxPool2d(2)," * 50, "50 layers; here there is room for 40"),
    ],
)
def test_what_it_does_not_know_it_refuses(
    page: Page, tmp_path: Path, text: str, why: str
) -> None:
    open_alone(page, tmp_path, NAME)
    [found] = compute(page, NAME, "parse", [[text, 8, 3]])
    assert why in found["problem"]


def wait_for(stack: Locator, text: str) -> None:
    stack.get_by_text(text).first.wait_for(timeout=5000)


def test_the_comments_are_true(page: Page, tmp_path: Path) -> None:
    stack = open_alone(page, tmp_path, NAME)
    said = {
        "seven": ["Both see 7 pixels.", "44.9\u00a0% fewer", "81.5\u00a0% more"],
        "five": ["Both see 5 pixels.", "28.0\u00a0% fewer"],
        "widths": ["8.0\u00a0% more parameters"],
        "depthwise": ["Both see 5 pixels.", "more parameters"],
        "walk": ["Both see 31 pixels.", "90\u00a0% of paths: middle 13"],
        "gridding": ["Both see 13 pixels.", "6 of 13 pixels unread"],
        "vanish": ["PyTorch refuses yours at layer 6: the window spans 2 units"],
        "vgg": ["Yours sees 212 pixels, the rival 195.", "start −90"],
        "far": ["Now with fewer than 552,960."],
        "dear": ["Not yet: the pair is still the cheaper one."],
    }
    examples = stack.evaluate("stack => Object.keys(stack.constructor.examples)")
    assert said.keys() == set(examples) - {"own"}
    for example, sentences in said.items():
        choose(page, stack, example)
        for sentence in sentences:
            wait_for(stack, sentence)


def test_widths_and_padding_mend_what_the_comments_say(
    page: Page, tmp_path: Path
) -> None:
    stack = open_alone(page, tmp_path, NAME)
    choose(page, stack, "widths")
    maps = stack.get_by_role("spinbutton", name="maps out")
    maps.fill("118")
    maps.blur()
    wait_for(stack, "0.4\u00a0% fewer parameters")
    choose(page, stack, "vanish")
    stack.get_by_role("button", name="more padding p").click()
    wait_for(stack, "Yours sees 22 pixels")


def test_the_challenges_can_be_met(page: Page, tmp_path: Path) -> None:
    stack = open_alone(page, tmp_path, NAME)
    choose(page, stack, "dear")
    maps = stack.get_by_role("spinbutton", name="maps out")
    for width, answer in (
        ("88", "still the cheaper"),
        ("90", "fewer"),
        ("89", "89 is"),
    ):
        maps.fill(width)
        maps.blur()
        wait_for(stack, answer)
    dilated = "_".join(f"conv.3.1.{d}.{d}.1.64.0." for d in (1, 2, 4, 8))
    separate = "_".join(f"conv.3.1.{d}.{d}.64.64.0." for d in (1, 2, 4, 8))
    holes = "_".join(f"conv.3.1.{d}.{d}.1.64.0." for d in (5, 5, 5))
    for layers, answer in (
        (dilated, "Well done."),
        (f"{separate}_conv.1.1.0.1.1.64.0.", "Excellent"),
        (holes, "some of the pixels are read by no path"),
    ):
        state = f"64.56.far~{layers}~conv.3.1.1.1.1.64.0."
        stack.evaluate("(stack, state) => stack.restore(state)", state)
        wait_for(stack, answer)


def test_the_keyboard_is_enough(page: Page, tmp_path: Path) -> None:
    stack = open_alone(page, tmp_path, NAME)
    for name in ("add", "earlier", "remove"):
        stack.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_timeout(50)
    stack.get_by_role("button", name="layer 1: convolution 3 by 3, ReLU").focus()
    page.keyboard.press("Space")
    stack.get_by_label("Kind of layer").select_option("max")
    wait_for(stack, "max 2/2")
    text = stack.get_by_text("In PyTorch: take it along")
    text.focus()
    page.keyboard.press("Enter")
    field = stack.get_by_role("textbox", name="The stack in PyTorch")
    expect(field).to_have_value(re.compile(r"nn\.Sequential\(\s+nn\.MaxPool2d\(2\),"))
    field.fill("nn.Conv2d(64, 64, 5), nn.Hardswish()")
    stack.get_by_role("button", name="read this text").click()
    wait_for(stack, "Not read: Hardswish is not known here.")
    field.fill("nn.Conv2d(8, 64, 5, bias=False)")
    stack.get_by_role("button", name="read this text").click()
    wait_for(stack, "Yours sees 5 pixels, the rival 7.")


def test_a_state_in_the_address_comes_back(page: Page, tmp_path: Path) -> None:
    stack = open_alone(page, tmp_path, NAME)
    choose(page, stack, "vgg")
    stack.get_by_role("button", name="more stride").click()
    state = "stack => [stack.address(), stack.stacks, stack.maps, stack.side]"
    before = stack.evaluate(state)
    choose(page, stack, "five")
    stack.evaluate("(stack, state) => stack.restore(state)", before[0])
    assert stack.evaluate(state) == before
    for nonsense in ("nonsense", "1~2", "0.0.x~conv~x.99.99.-1", "a~b~c~d"):
        stack.evaluate("(stack, state) => stack.restore(state)", nonsense)
        stack.get_by_role("button", name="add", exact=True).wait_for()


def test_no_example_changes_the_height(page: Page, tmp_path: Path) -> None:
    stack = open_alone(page, tmp_path, NAME)
    narrow, wide = explorables.show(NAME).heights
    widths = {320: narrow, 358: narrow, 599: narrow, 600: wide}
    examples = stack.evaluate("shown => Object.keys(shown.constructor.examples)")
    expect_height(stack, widths, examples, partial(choose, page, stack))


def test_twice_in_a_page_and_in_a_sandbox(page: Page, tmp_path: Path) -> None:
    expect_two_and_a_sandbox(page, tmp_path, explorables.show(NAME))


def test_without_scripts_the_picture_stands_there(page: Page, tmp_path: Path) -> None:
    shown = explorables.show(NAME)
    expect_picture(page, tmp_path, shown, "one 7×7 with 200,704")
