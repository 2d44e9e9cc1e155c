"""What every question asks of what it is given: Estimates, and a language there is."""

from __future__ import annotations

from typing import Any

from qstats.errors import mapping, whole_number, within_0_1
from qstats.estimate import require_estimate
from qstats.messages import language


def one(estimate: Any, lang: str | None, /, *, argument: str = "estimate") -> None:
    """Raise OptionError unless this is an Estimate, and the language one of those there are."""
    require_estimate(estimate, argument)
    language(lang)


def several(argument: str, estimates: Any, lang: str | None, /) -> None:
    """Raise OptionError unless this is a mapping of names to Estimates, and the language one there is."""
    mapping(argument, estimates, of="names to Estimates")
    for name, estimate in estimates.items():
        require_estimate(estimate, f"{argument}[{name!r}]")
    language(lang)


def draws(
    n_draws: Any, seed: Any, /, *, level: Any = 0.95, least: int = 1, argument: str = "n_draws"
) -> None:
    """Raise OptionError unless these are a number of draws, a seed, and the level of limits."""
    whole_number(argument, n_draws, least=least)
    whole_number("seed", seed, least=0)
    within_0_1("level", level)
