"""Bring simulated outcomes to a national figure by moving one level, the random draws unchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from qstats.errors import OptionError

#: figures to meet, one or several
Goals = tuple[float, ...]

#: how near, in points, a figure must be met
TOLERANCE: Final = 0.1


def logit(p: np.ndarray) -> np.ndarray:
    """Return log p/(1 − p)."""
    odds: np.ndarray = np.log(p) - np.log1p(-p)
    return odds


def met(found: float, goal: float, size: int) -> None:
    """Raise when too few records were drawn to come near the figure they are to meet."""
    if not abs(found - goal) <= TOLERANCE:
        raise OptionError(
            f"size={size!r} records give {found:.4g} at best where {goal:.6g} is to be met within "
            f"{TOLERANCE}: ask for more records"
        )


def lowest(t: np.ndarray, a: np.ndarray, goal: float) -> np.ndarray:
    """Mark the records whose threshold lies below the shift at which `goal` per cent of `a` do.

    A record is positive when its uniform draw u < expit(η + s), that is when
    t = logit(u) − η < s. The weighted share of positives grows with s, so the s that meets the
    goal is a weighted quantile of t: the draws stay, only the level moves.
    """
    order = np.argsort(t, kind="stable")
    reached = np.concatenate([[0.0], np.cumsum(a[order])]) * (100 / a.sum())
    mask = np.zeros(len(t), dtype=bool)
    mask[order[: np.abs(reached - goal).argmin()]] = True
    met(100 * float(a[mask].sum() / a.sum()), goal, len(t))
    return mask


def slope_to(t: np.ndarray, amount: np.ndarray, goals: Goals) -> np.ndarray:
    """Return thresholds t − βz that meet a rate of counts and one of amounts, z = log amount standardised.

    β is found by bisection: the more large amounts are favoured, the larger their share.
    """
    z = np.log(amount)
    z, ones, (low, high), tried = (z - z.mean()) / z.std(), np.ones(len(t)), (-4.0, 4.0), []
    for _ in range(24):
        beta = (low + high) / 2
        found = 100 * amount[lowest(t - beta * z, ones, goals[0])].sum() / amount.sum()
        tried.append((abs(found - goals[1]), beta, found))
        low, high = (beta, high) if found < goals[1] else (low, beta)
    _, beta, found = min(tried)
    met(found, goals[1], len(t))
    sloped: np.ndarray = t - beta * z
    return sloped


def bisect(value: Callable[[float], float], goal: float, low: float, high: float, size: int) -> float:
    """Return the shift at which a function that does not fall meets `goal`."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if value(middle) < goal else (low, middle)
    best: float = min((low, high), key=lambda shift: abs(value(shift) - goal))
    met(value(best), goal, size)
    return best
