"""Where explorables are tested: alone in a page, as a notebook's output is."""

from __future__ import annotations

import json
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
