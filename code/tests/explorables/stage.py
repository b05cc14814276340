"""Where explorables are tested: alone in a page, as a notebook's output is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from cnnbook import explorables
from cnnbook.explorables._chain import Step
from cnnbook.explorables._element import Explorable

STARTED = "name => document.querySelector(`cnn-${name}`).hasAttribute('started')"


def write(folder: Path, *shown: Explorable, head: str = "") -> str:
    """Write a page that holds explorables; return its address."""
    page = folder / "page.html"
    outputs = "".join(f'<div class="output">{each.html()}</div>' for each in shown)
    text = f'<!doctype html><html lang="en"><meta charset="utf-8">{head}'
    page.write_text(f"{text}<title>Test</title><main>{outputs}</main></html>", "utf-8")
    return page.as_uri()


def open_alone(
    page: Page, folder: Path, name: str, *arguments: Any, **options: Any
) -> Locator:
    """Open a page with one explorable; return its element when it has started."""
    page.goto(write(folder, explorables.show(name, *arguments, **options)))
    page.wait_for_function(STARTED, arg=name)
    return page.locator(f"cnn-{name}")


def open_in_sandbox(page: Page, shown: Explorable) -> Locator:
    """Open an explorable in a frame like Colab's; return it when it has started.

    Such a frame may run scripts and has no origin: no storage, no address of its own.
    """
    frame = '<iframe sandbox="allow-scripts" width="700" height="1500"></iframe>'
    page.set_content(frame)
    page.locator("iframe").evaluate(
        "(frame, html) => frame.srcdoc = html", shown.html()
    )
    element = page.frame_locator("iframe").locator(f"cnn-{shown.name}[started]")
    element.wait_for()
    return element


def choose(page: Page, shown: Locator, example: str) -> None:
    """Choose one of an explorable's examples, and wait until it is drawn."""
    shown.get_by_label("Example").select_option(example)
    page.wait_for_timeout(50)


def expect_height(
    shown: Locator,
    widths: Mapping[int, int],
    examples: Iterable[str],
    show: Callable[[str], Any],
    *,
    spare: int = 60,
) -> None:
    """Expect each example to fit into the height that is kept free, and to need it.

    Args:
        shown: The explorable.
        widths: The height that is kept free, by the width that it has in the page.
        examples: The names of those that are tried.
        show: Shows an example.
        spare: So many pixels may stay empty.
    """
    for width, kept in widths.items():
        wide = "(shown, width) => (shown.parentNode.style.width = width)"
        shown.evaluate(wide, f"{width}px")
        for example in examples:
            show(example)
            height = shown.evaluate("shown => shown.live.offsetHeight")
            assert kept - spare <= height <= kept, (width, example)
            assert shown.evaluate("shown => shown.live.scrollWidth") <= width


def expect_two_and_a_sandbox(page: Page, folder: Path, shown: Explorable) -> None:
    """Expect an explorable to start twice in a page, and in a frame like Colab's."""
    page.goto(write(folder, shown, shown))
    page.locator(f"cnn-{shown.name}[started]").nth(1).wait_for()
    open_in_sandbox(page, shown)


def expect_picture(page: Page, folder: Path, shown: Explorable, words: str) -> None:
    """Expect the still picture and its sentence to stand there without scripts."""
    context = page.context.browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(write(folder, shown))
    assert still.locator(f"cnn-{shown.name} img").is_visible()
    assert still.get_by_text(words).is_visible()
    context.close()


def compute(page: Page, name: str, function: str, inputs: list[Any]) -> list[Any]:
    """Apply a function of an explorable's `static compute` to each of the inputs.

    An input is the list of the function's arguments.
    """
    call = f"""inputs => inputs.map(each =>
        customElements.get("cnn-{name}").compute[{json.dumps(function)}](...each))"""
    return page.evaluate(call, inputs)


def in_double(chain: list[Step]) -> list[Step]:
    """Return a chain whose tensors are as exact as the numbers of JavaScript."""
    return [
        replace(
            step,
            weights=None if step.weights is None else step.weights.double(),
            vectors={name: vector.double() for name, vector in step.vectors.items()},
        )
        for step in chain
    ]
