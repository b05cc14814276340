"""Checks of settings: each names the setting, and what it may be."""

import math
from dataclasses import dataclass

import pytest

from cnnbook._settings import check_count, check_number, short_text


@pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, True, "2", None, math.nan])
def test_a_count_is_a_whole_number(value):
    with pytest.raises(ValueError, match=f"steps must be a whole number .*{value!r}"):
        check_count("steps", value)


def test_a_count_may_begin_elsewhere():
    check_count("steps", 1)
    check_count("steps", 0, least=0)
    with pytest.raises(ValueError, match="from 3, got 2"):
        check_count("steps", 2, least=3)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "1", None, 1j])
def test_a_number_is_finite_and_not_negative(value):
    with pytest.raises(ValueError, match="rate must be a number from 0, got"):
        check_number("rate", value)


def test_a_number_may_have_a_limit():
    for value in (0, 1, 0.5):
        check_number("share", value, most=1)
    with pytest.raises(ValueError, match=r"share must .* from 0 to 1, got 1\.5"):
        check_number("share", 1.5, most=1)


def test_settings_are_written_without_what_is_as_by_default():
    @dataclass
    class Settings:
        steps: int
        function: object = math.sin
        rate: float = 0.1

    assert short_text(Settings(3)) == "Settings(steps=3)"
    changed = Settings(3, math.cos, 0.2)
    assert short_text(changed) == "Settings(steps=3, function=cos, rate=0.2)"
