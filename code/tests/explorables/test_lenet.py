"""Draw a digit: its networks against PyTorch, and what a reader can do with it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect
from torch import Tensor, nn

from cnnbook import data, pretrained
from cnnbook.explorables import _chain, lenet
from cnnbook.explorables._element import Explorable, script
from tests.explorables.stage import (
    STARTED,
    compute,
    in_double,
    open_alone,
    open_in_sandbox,
    write,
)

NAMES = ("lenet5", "lenet5-modern", "one-hidden-layer")
DRAWN = torch.stack([lenet.drawn(strokes) for strokes in lenet.DIGITS.values()])


@pytest.fixture(scope="module")
def shown() -> Explorable:
    return lenet.view()


@pytest.fixture(scope="module")
def images() -> Tensor:
    """Return 720 handwritten digits, 200 of noise, and our ten."""
    digits = data.load("digits")
    noise = torch.rand(200, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    real = torch.cat([digits.test.images, digits.train.images[:360]])
    return torch.cat([real, noise * 1.275 - 0.1, DRAWN])


@pytest.fixture
def element(page: Page, tmp_path: Path) -> Locator:
    return open_alone(page, tmp_path, "lenet")


def rounded_network(name: str) -> nn.Module:
    """Return the book's network with the page's weights in its own modules."""
    network = pretrained.load_own(name, "mnist")
    chain, _ = lenet.rounded(name, DRAWN)
    for step in chain:
        if step.weights is None:
            continue
        layer: Any = network.get_submodule(step.name)
        weights = step.weights
        if name == "lenet5" and step.name == "c3":
            weights = weights[layer.output_map, layer.input_map]
        layer.weight.data = weights.view_as(layer.weight)
    return network


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_parity(
    page: Page, element: Locator, shown: Explorable, images: Tensor, name: str
) -> None:
    packed = shown.data if name == "lenet5" else shown.parts[name]
    images = images[::2]  # still hundreds, and of each kind
    (found,) = compute(page, "lenet", "results", [[packed, images.flatten(1).tolist()]])
    with torch.no_grad():
        expected = rounded_network(name).double()(images.double())
    expected = -expected if name == "lenet5" else expected
    assert torch.allclose(torch.tensor(found).double(), expected, atol=1e-3)
    chain = in_double(lenet.rounded(name, DRAWN)[0])
    some = [*range(0, len(images), 40), len(images) - 1]
    layers = _chain.compute(chain, images[some].double())
    for i, image in enumerate(some):
        one = [[packed, images[image].flatten().tolist()]]
        (outputs,) = compute(page, "lenet", "outputs", one)
        for output, layer in zip(outputs, layers, strict=True):
            expected = layer[i].flatten()
            assert torch.allclose(torch.tensor(output).double(), expected, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_rounding_changes_little(images: Tensor, name: str) -> None:
    with torch.no_grad():
        exact = pretrained.load_own(name, "mnist")(images[:720])
    chain, fine = lenet.rounded(name, DRAWN)
    rounded = _chain.compute(chain, images[:720])[-1].flatten(1)
    rounded = -rounded if name == "lenet5" else rounded
    assert not fine
    same = (rounded.argmax(1) == exact.argmax(1)).float().mean()
    # These digits are not MNIST's: the network misreads many, and those lie near a
    # border between classes.
    assert same >= (0.98 if name == "lenet5-modern" else 0.99)
    # Distances go up to some 150; scores to some 10.
    assert (rounded - exact).abs().max() < (6 if name == "lenet5" else 0.3)


@pytest.mark.browser
def test_the_share_of_none_of_these(page: Page, element: Locator) -> None:
    distances = torch.rand(200, 10) * 20
    found = compute(page, "lenet", "judged", [[d.tolist(), True] for d in distances])
    scores = torch.cat([-distances, torch.full((200, 1), -1.0)], dim=1)
    shares = scores.softmax(dim=1)
    for one, share in zip(found, shares, strict=True):
        assert one["digit"] == share[:10].argmax()
        assert one["none"] == pytest.approx(share[10].item(), abs=1e-5)
        assert one["shares"] == pytest.approx(share[:10].tolist(), abs=1e-5)


@pytest.mark.browser
def test_a_digit_settles_as_mnist_was_made(page: Page, element: Locator) -> None:
    strokes = [[[3.0, 2.0], [9.0, 2.0], [9.0, 2.0], [5.0, 14.0]]]
    (ink,) = compute(page, "lenet", "settled", [[strokes]])
    ink = torch.tensor(ink).view(32, 32)
    rows, columns = ink.sum(1).nonzero(), ink.sum(0).nonzero()
    high = (rows.max() - rows.min() + 1).item()
    assert 19 <= high <= 21
    assert high > (columns.max() - columns.min() + 1).item()
    place = torch.arange(32) + 0.5
    for axis in (0, 1):
        centre = (ink.sum(1 - axis) * place).sum() / ink.sum()
        assert abs(centre - 16) <= 0.51


@pytest.mark.browser
def test_strokes_survive_the_address(page: Page, element: Locator) -> None:
    strokes = (torch.rand(50, 2) * 64 - 16).tolist()
    (found,) = compute(page, "lenet", "readBack", [[[strokes, strokes[:1]]]])
    assert found[0] == [pytest.approx(point, abs=0.13) for point in strokes]
    assert found[1] == [pytest.approx(strokes[0], abs=0.13)]


def verdict(element: Locator) -> Locator:
    return element.locator(".verdict b")


@pytest.mark.browser
def test_each_digit_is_read_by_all_three(element: Locator) -> None:
    for name in ("today’s LeNet-5", "no convolution", "LeNet-5, 1998"):
        element.get_by_role("button", name=name).click()
    for digit in range(10):
        element.get_by_role("button", name=f"Draw a {digit}").click()
        expect(element.locator(".networks .known")).to_have_text([f"reads {digit}"] * 3)


@pytest.mark.browser
def test_a_digit_is_drawn_with_the_mouse(page: Page, element: Locator) -> None:
    element.get_by_role("button", name="clear").click()
    expect(element.locator(".verdict")).to_have_text("Draw a digit.")
    draw(page, element, [(0.2, 0.15), (0.55, 0.13), (0.35, 0.6)])
    expect(verdict(element)).to_have_text("7")


def draw(page: Page, element: Locator, points: list[tuple[float, float]]) -> None:
    box = element.locator(".pad").bounding_box()
    assert box
    placed = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points
    ]
    page.mouse.move(*placed[0])
    page.mouse.down()
    for place in placed[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


@pytest.mark.browser
def test_a_finger_draws_and_two_fingers_do_not(
    browser: Browser, tmp_path: Path, shown: Explorable
) -> None:
    context = browser.new_context(
        has_touch=True, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto(write(tmp_path, shown))
    page.wait_for_function(STARTED, arg="lenet")
    element = page.locator("cnn-lenet")
    element.get_by_role("button", name="clear").click()
    box = element.locator(".pad").bounding_box()
    assert box
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [
            {
                "x": box["x"] + x * box["width"],
                "y": box["y"] + y * box["height"],
                "id": i,
            }
            for i, (x, y) in enumerate(places)
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (0.5, 0.2))
    fingers("touchStart", (0.5, 0.2), (0.2, 0.8))
    fingers("touchEnd")
    expect(element.locator(".verdict")).to_have_text("Draw a digit.")
    fingers("touchStart", (0.52, 0.15))
    for step in range(1, 9):
        fingers("touchMove", (0.52 - 0.01 * step, 0.15 + 0.08 * step))
    fingers("touchEnd")
    expect(verdict(element)).to_have_text("1")
    context.close()


@pytest.mark.browser
def test_by_keyboard_alone(page: Page, element: Locator) -> None:
    element.locator(".pad").focus()
    before = page.evaluate("[...document.querySelector('cnn-lenet').x]")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('cnn-lenet').x[33] === before[32]", arg=before
    )
    after = page.evaluate("[...document.querySelector('cnn-lenet').x]")
    before, after = (torch.tensor(x).view(32, 32) for x in (before, after))
    assert torch.equal(before[:, :-1], after[:, 1:])
    sheet = element.get_by_role("grid", name="C3")
    sheet.focus()
    panel = element.locator(".panel")
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(panel.locator("h3")).to_contain_text("C3, map 1, row 2, column 2")
    expect(panel).to_contain_text("It sees 14×14 pixels of the image.")
    page.keyboard.press("Enter")
    # Table I: the first map of C3 reads the first three of S2.
    options = panel.locator("select option")
    expect(options).to_have_count(3)
    panel.locator("select").select_option(index=2)
    expect(panel.locator(".cells span")).to_have_count(75)
    assert element.get_by_role("grid", name="S2").locator(".mark").count() == 3
    sheet.focus()
    page.keyboard.press("Escape")
    expect(panel.locator("h3")).to_have_text("One unit")


# What the comments say: each network's digit, and whether none of these gets more.
SAID: dict[str, tuple[tuple[int, int, int], bool]] = {
    "a 7 with a bar": ((7, 7, 7), True),
    "an 8 with an open loop": ((3, 3, 3), True),
    "a 3 under a little noise": ((3, 3, 3), True),
    "the letter A": ((4, 4, 8), True),
    "a heart": ((0, 0, 0), False),
}


@pytest.mark.browser
def test_the_comments_are_true(page: Page, element: Locator) -> None:
    state = """async () => {
      const shown = document.querySelector("cnn-lenet");
      const { judged } = customElements.get("cnn-lenet").compute;
      const { forward } = globalThis.cnnbook.network;
      const chosen = shown.kind;
      for (const kind of ["lenet5-modern", "one-hidden-layer", chosen]) {
        await shown.take(kind);
      }
      return Object.entries(shown.chains).sort().map(([kind, chain]) =>
        judged(forward(chain, shown.x).at(-1), kind === "lenet5"));
    }"""
    found = {}
    for preset in lenet.PRESETS:
        element.get_by_label("Examples with a comment").select_option(preset["name"])
        expect(element.locator(".comment")).to_have_text(preset["comment"])
        expect(
            element.locator(f"[data-kind={preset.get('network', 'lenet5')}]")
        ).to_have_attribute("aria-pressed", "true")
        found[preset["name"]] = page.evaluate(state)
    for name, (digits, doubted) in SAID.items():
        assert tuple(result["digit"] for result in found[name]) == digits, name
        assert (found[name][0]["none"] > max(found[name][0]["shares"])) == doubted, name
    old, modern, hidden = (found["a 7 with a bar"][i] for i in range(3))
    assert 0.4 < old["none"] < 0.65
    assert max(modern["shares"]) > 0.85
    moved = found["a 3, moved by 8 pixels"]
    assert all(result["digit"] != 3 for result in moved)
    assert found["a 3 under a little noise"][0]["none"] > 0.95
    old, modern, hidden = found["pure noise"]
    assert (modern["digit"], round(old["none"], 2)) == (8, 1)
    assert max(found["the letter A"][1]["shares"]) > 0.5
    assert found["the letter A"][0]["none"] > 0.95
    old, modern, hidden = found["ink and paper exchanged"]
    assert (hidden["digit"], round(old["none"], 2)) == (1, 1)
    assert max(hidden["shares"]) > 0.95


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 358, 599, 600, 688])
def test_it_keeps_its_height(
    page: Page, tmp_path: Path, shown: Explorable, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(write(tmp_path, shown, head="<style>body{margin:0}</style>"))
    page.wait_for_function(STARTED, arg="lenet")
    reserve = shown.heights[width >= 600]
    for kind in NAMES:
        for preset in ("", *range(len(lenet.PRESETS))):
            used, kept, beyond = page.evaluate(
                """async ([kind, preset]) => {
                  const shown = document.querySelector("cnn-lenet");
                  if (preset !== "") await shown.show(shown.presets[preset]);
                  await shown.take(kind);
                  shown.point(0, { map: 0, row: 3, column: 3, pinned: true });
                  const beyond = document.documentElement.scrollWidth - innerWidth;
                  return [shown.live.offsetHeight, shown.offsetHeight, beyond];
                }""",
                [kind, preset],
            )
            assert reserve - 60 <= used <= reserve == kept
            assert beyond <= 0


@pytest.mark.browser
def test_twice_in_a_page(page: Page, tmp_path: Path, shown: Explorable) -> None:
    page.goto(write(tmp_path, shown, shown))
    page.wait_for_function(
        "document.querySelectorAll('cnn-lenet[started]').length === 2"
    )
    first, second = (page.locator("cnn-lenet").nth(i) for i in range(2))
    second.get_by_role("button", name="Draw a 5").click()
    expect(verdict(second)).to_have_text("5")
    expect(verdict(first)).to_have_text("3")


@pytest.mark.browser
def test_in_a_sandboxed_frame(page: Page, shown: Explorable) -> None:
    element = open_in_sandbox(page, shown)
    element.get_by_role("button", name="Draw a 8").click()
    element.get_by_role("button", name="today’s LeNet-5").click()
    expect(verdict(element)).to_have_text("8")


@pytest.mark.browser
def test_a_link_shows_what_one_sees(
    page: Page, tmp_path: Path, shown: Explorable
) -> None:
    address = write(tmp_path, shown)
    file = Path(address.removeprefix("file://"))
    text = file.read_text("utf-8").replace("<html ", '<html data-content_root="." ', 1)
    file.write_text(text, "utf-8")
    page.goto(address)
    page.wait_for_function(STARTED, arg="lenet")
    element = page.locator("cnn-lenet")
    element.get_by_role("button", name="Draw a 6").click()
    element.get_by_role("button", name="Shift up by a pixel").click()
    element.get_by_role("button", name="no convolution").click()
    before = page.evaluate("[...document.querySelector('cnn-lenet').x]")
    page.wait_for_function("location.hash.includes('one-hidden-layer')")
    link = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_function(
        "document.querySelector('cnn-lenet')?.kind === 'one-hidden-layer'"
    )
    after = page.evaluate("[...document.querySelector('cnn-lenet').x]")
    assert after == pytest.approx(before, abs=0.25)
    for damaged in ("lenet5", "lenet5.x.y.z.2.!!", "nobody.0.0.0.0.0a"):
        page.goto("about:blank")
        page.goto(f"{address}#lenet={damaged}")
        page.wait_for_function(STARTED, arg="lenet")


@pytest.mark.browser
def test_a_picture_stands_there_without_scripts(
    browser: Browser, tmp_path: Path, shown: Explorable
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(write(tmp_path, shown))
    image = page.locator("cnn-lenet img")
    assert image.is_visible()
    assert "F6" in (image.get_attribute("alt") or "")
    context.close()


def test_its_weights_are_small(shown: Explorable) -> None:
    sizes = {
        name: len(gzip.compress(script(name).encode(), 9))
        for name in ("core", "network", "lenet")
    }
    weights = len(gzip.compress(json.dumps(shown.data).encode(), 9))
    assert sizes["core"] < 6_000
    assert max(sizes.values()) < 15_000
    assert sum(sizes.values()) + weights < 70_000
