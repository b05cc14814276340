"""The squashing function: its script against PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page

from cnnbook.models.lenet import scaled_tanh
from tests.explorables.stage import compute, open_alone

pytestmark = pytest.mark.browser


def test_parity(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "squash")
    a = torch.empty(500, dtype=torch.float64).uniform_(-5, 5).requires_grad_()
    values = scaled_tanh(a)
    (slopes,) = torch.autograd.grad(values.sum(), a)
    inputs = [[value] for value in a.tolist()]
    assert compute(page, "squash", "squash", inputs) == pytest.approx(values.tolist())
    assert compute(page, "squash", "slope", inputs) == pytest.approx(slopes.tolist())


def test_the_slider_moves_the_point(page: Page, tmp_path: Path) -> None:
    squash = open_alone(page, tmp_path, "squash")
    slider = squash.get_by_role("slider", name="sum a")
    slider.fill("2")
    page.wait_for_function(
        "() => document.querySelector('cnn-squash').sentence.textContent"
        ".startsWith('f(2.00) = 1.49')"
    )
    assert slider.get_attribute("aria-valuetext") == "2.00"
