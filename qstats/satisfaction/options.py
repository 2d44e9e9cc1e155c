"""What the options of a survey of satisfaction must be: each check says what was found, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, whole_number
from qstats.messages import say
from qstats.survey.design import Design

Array = NDArray[np.float64]


def check_design(value: object, /) -> None:
    """Raise OptionError unless `value` is a Design, or None."""
    if value is not None and not isinstance(value, Design):
        raise OptionError(
            f"design={value!r:.200} is not a Design; say qs.Design(weight=…, strata=…, cluster=…)",
            argument="design",
            value=value,
        )


def check_seed(value: object, /) -> None:
    """Raise OptionError unless `value` is a whole number from 0, or None."""
    if value is not None:
        whole_number("seed", value, least=0)


def check_count(argument: str, value: object, /, *, least: int) -> None:
    """Raise OptionError unless `value` is a whole number of at least `least`, or None."""
    if value is not None:
        whole_number(argument, value, least=least)


def ends(value: object, /) -> tuple[float, float] | None:
    """Return (lowest, highest) of an item, or None when `value` is not two finite numbers in this order."""
    pair = list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else []
    if len(pair) != 2 or not all(_number(end) for end in pair):
        return None
    low, high = float(pair[0]), float(pair[1])
    return (low, high) if low < high else None


def codes(value: object, /) -> Array:
    """Return codes that stand for no answer, one or several, as an array; raise OptionError for others."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        found = list(value)
    else:
        found = [value]
    if not all(_number(code) for code in found):
        raise OptionError(
            say("satisfaction.dont_know_code", value=f"{value!r:.200}"), argument="dont_know", value=value
        )
    return np.array(found, float)


def numbers(argument: str, value: ArrayLike, /, *, infinite: bool = False) -> Array:
    """Return a number or a list of numbers as an array; raise OptionError for what is none.

    `infinite`: whether a number may be infinite. Limits are the business of the formula.
    """
    listed = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    parts: list[Any] = list(value) if listed and np.ndim(value) == 1 else [value]  # type: ignore[arg-type]
    if not parts or not all(_number(part, infinite=infinite) for part in parts):
        raise OptionError(
            say("satisfaction.numbers", argument=argument, value=f"{value!r:.200}"),
            argument=argument,
            value=value,
        )
    return np.array(parts if listed else parts[0], float)


def _number(value: object, *, infinite: bool = False) -> bool:
    """Whether `value` is one finite number (or an infinite one); true and false are none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return not np.isnan(float(value)) and (infinite or bool(np.isfinite(float(value))))
