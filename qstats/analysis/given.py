"""What every question asks of what it is given: Estimates, and a language there is."""

from __future__ import annotations

from math import inf
from typing import Any

from qstats.errors import DataError, mapping, whole_number, within_0_1
from qstats.estimate import require_estimate
from qstats.messages import language, say


def one(estimate: Any, lang: str | None, /, *, argument: str = "estimate") -> None:
    """Raise unless this is an Estimate of finite values (or missing ones), and the language one there is."""
    require_estimate(estimate, argument)
    language(lang)
    table = estimate.table
    infinite = table["estimate"].abs() == inf
    if infinite.any():
        first = table.loc[infinite, list(estimate.keys)].iloc[0].to_dict()
        raise DataError(
            say("given.infinite", lang, argument=argument, count=int(infinite.sum()), first=first)
        )


def several(argument: str, estimates: Any, lang: str | None, /) -> None:
    """Raise OptionError unless this is a mapping of names to Estimates, and the language one there is."""
    mapping(argument, estimates, of="names to Estimates")
    for name, estimate in estimates.items():
        one(estimate, lang, argument=f"{argument}[{name!r}]")
    language(lang)


def draws(
    n_draws: Any, seed: Any, /, *, level: Any = 0.95, least: int = 1, argument: str = "n_draws"
) -> None:
    """Raise OptionError unless these are a number of draws, a seed, and the level of limits."""
    whole_number(argument, n_draws, least=least)
    whole_number("seed", seed, least=0)
    within_0_1("level", level)
