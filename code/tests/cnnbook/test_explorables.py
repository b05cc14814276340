"""The Python side of explorables: one output, the same each time, with all it needs."""

from __future__ import annotations

import gzip

import matplotlib.pyplot as plt
import pytest
import torch

from cnnbook import explorables
from cnnbook.explorables._element import FOLDER, Explorable, packed, script, unpacked

CORE_BUDGET, BUDGET = 6_000, 15_000  # bytes, compressed


def example(**options) -> Explorable:
    settings = {
        "name": "squash",
        "alt": 'a "curve"',
        "sentence": "It bends.",
        "heights": (1, 2),
    }
    return Explorable(figure=plt.figure(), **settings | options)


def test_an_unknown_name_is_met_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match="unknown explorable 'squish': did you mean 'squash'"
    ):
        explorables.show("squish")


@pytest.mark.parametrize("name", explorables.names())
def test_each_has_its_script_and_keeps_to_its_budget(name: str) -> None:
    assert len(gzip.compress(script(name).encode())) <= BUDGET
    assert f'define("{name}"' in script(name)


def test_the_core_keeps_to_its_budget() -> None:
    assert len(gzip.compress(script("core").encode())) <= CORE_BUDGET


def test_a_script_loses_its_comments_and_nothing_else() -> None:
    text = script("core")
    assert "//" not in text.replace("http://www.w3.org", "")
    assert "/**" not in text
    code = (FOLDER / "core.js").read_text("utf-8")
    for line in ("  function isDark() {", "  globalThis.cnnbook = {"):
        assert line in code
        assert line.strip() in text


def test_the_output_is_the_same_each_time() -> None:
    first, second = (explorables.show("squash")._repr_mimebundle_() for _ in range(2))
    assert first == second
    assert first["text/plain"].startswith("squash: The curve")


def test_what_is_said_may_hold_any_characters() -> None:
    html = example(data={"text": "</script><b>"}).html()
    assert 'alt="a &quot;curve&quot;"' in html
    assert r'{"text":"<\/script><b>"}' in html


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        example(data={"loss": float("nan")}).html()
    with pytest.raises(ValueError, match="not finite"):
        packed(torch.tensor([1.0, torch.inf]))


@pytest.mark.parametrize("numbers", [torch.randn(7, 5), torch.zeros(3), torch.empty(0)])
@pytest.mark.parametrize(("fine", "bound"), [(False, 1 / 253), (True, 1 / 253**2)])
def test_packed_numbers_are_off_by_little(
    numbers: torch.Tensor, fine: bool, bound: float
) -> None:
    off = (unpacked(numbers, fine) - numbers).abs()
    assert off.shape == numbers.shape
    if numbers.numel():
        assert off.max() <= bound * numbers.abs().max()


def test_scripts_that_must_run_before_stand_before() -> None:
    html = example(needs=("squash",)).html()
    assert html.index('data-script="core"') < html.index('data-script="squash"')
