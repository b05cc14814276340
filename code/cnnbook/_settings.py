"""What dataclasses of settings share: checks of their values, and a short text."""

from __future__ import annotations

import math
from dataclasses import fields
from numbers import Integral, Real
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def check_count(name: str, value: object, least: int = 1) -> None:
    """Refuse what is not a whole number from `least`.

    Raises:
        ValueError: The message names the setting.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")


def check_number(name: str, value: object, most: float = math.inf) -> None:
    """Refuse what is not a finite number from 0 to `most`.

    Raises:
        ValueError: The message names the setting.
    """
    if (
        not isinstance(value, Real)
        or not 0 <= float(value) <= most
        or math.isinf(value)
    ):
        until = "" if math.isinf(most) else f" to {most:g}"
        raise ValueError(f"{name} must be a number from 0{until}, got {value!r}")


def short_text(settings: DataclassInstance) -> str:
    """Return the call that makes a dataclass, without what is as by default."""
    given = (
        f"{field.name}={getattr(value, '__name__', repr(value))}"
        for field in fields(settings)
        for value in [getattr(settings, field.name)]
        if value != field.default
    )
    return f"{type(settings).__name__}({', '.join(given)})"
