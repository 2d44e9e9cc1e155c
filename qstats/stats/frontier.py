r"""Benefit of the doubt: each unit judged under the weights that suit it best, within bounds.

References
----------
Cherchye, Moesen, Rogge and Van Puyenbroeck (2007), An introduction to "benefit of the doubt" composite
indicators, Social Indicators Research 82. OECD/JRC (2008), Handbook on Constructing Composite Indicators,
step 6, "Benefit of the doubt approach".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, numbers_of
from qstats.stats import moments

Array = NDArray[np.float64]


class Frontier(NamedTuple):
    """Scores against the frontier; see :func:`benefit_of_the_doubt`.

    Attributes
    ----------
    score : ndarray, shape (units,)
        1 on the frontier.
    weights : ndarray, shape (units, indicators)
        Of the values; 0 where a value is missing.
    shares : ndarray, shape (units, indicators)
        Parts of the score that the indicators make, :math:`w_q x_{qc} / CI_c`; they sum to 1.
    """

    score: Array
    weights: Array
    shares: Array


def benefit_of_the_doubt(x: ArrayLike, *, lower: ArrayLike = 0.0, upper: ArrayLike = 1.0) -> Frontier:
    r"""Return scores of units under their own best weights, by linear programming.

    .. math:: CI_c = \max_{w \ge 0} \sum_q w_q x_{qc} \quad\text{with}\quad \sum_q w_q x_{qd} \le 1
              \ \forall d,
              \qquad l_q \le \frac{w_q x_{qc}}{\sum_p w_p x_{pc}} \le u_q

    Parameters
    ----------
    x : array_like, shape (units, indicators)
        Not negative, higher is better. What a unit lacks has weight 0 in its own problem, the bounds being
        widened in proportion where the shares of the others could not reach 1; in the problems of others
        it counts as zero.
    lower, upper : array_like
        l and u, for all or for each indicator, 0 to 1.

    Returns
    -------
    Frontier

    Raises
    ------
    OptionError
        Bounds are out of order, or shares within them cannot sum to 1.
    DataError
        A negative value; a unit with no value above zero, or with a zero whose share must be more; more
        axes than two.

    Examples
    --------
    >>> found = benefit_of_the_doubt([[4.0, 1.0], [2.0, 4.0], [1.0, 2.0]])
    >>> found.score.round(6).tolist()
    [1.0, 1.0, 0.5]
    >>> benefit_of_the_doubt([[4.0, 1.0], [2.0, 4.0]], lower=0.5).score.round(6).tolist()
    [0.444444, 0.888889]
    """
    value = moments.indicator_array(x)
    if value.ndim != 2:
        raise DataError(f"one table of units and indicators is needed; found shape {value.shape}")
    if (wrong := value < 0).any():
        found = f"columns {moments.columns(wrong)} have values below 0, the least {np.nanmin(value):g}"
        raise DataError(f"{found}; normalise them first")
    Q = value.shape[1]
    ends = {"lower": numbers_of("lower", lower), "upper": numbers_of("upper", upper)}
    for name, end in ends.items():
        if end.shape not in ((), (1,), (Q,)):
            raise OptionError(
                f"{name} has the shape {end.shape}: one number, or one for each of {Q} indicators"
            )
    low, high = (np.broadcast_to(end, (Q,)) for end in ends.values())
    if (
        not ((low >= 0) & (low <= high) & (high <= 1)).all()
        or low.sum() > 1 + 1e-12
        or high.sum() < 1 - 1e-12
    ):
        raise OptionError(
            f"shares from lower={low.tolist()} to upper={high.tolist()} must hold 0 ≤ l ≤ u ≤ 1 and reach 1"
        )
    weights = np.stack([_best(value, c, low, high) for c in range(len(value))])
    parts = weights * np.nan_to_num(value, nan=0.0)
    score = parts.sum(1)
    return Frontier(score, weights, parts / score[:, None])


def _best(value: Array, c: int, low: Array, high: Array) -> Array:
    """Solve the problem of one unit, its values as units of measurement."""
    from scipy.optimize import linprog

    own = np.nan_to_num(value[c], nan=0.0)
    use = np.flatnonzero(own > 0)
    if not use.size or ((value[c] == 0) & (low > 0)).any():
        raise DataError(f"unit {c} with the values {value[c].tolist()} cannot have the shares asked for")
    l, u = low[use], high[use] / min(1.0, high[use].sum())  # noqa: E741 (the letters of the formula)
    peers = np.nan_to_num(value[:, use], nan=0.0) / own[use]  # in parts of the score of c
    bounds = np.vstack([-np.eye(len(use)) + l[:, None], np.eye(len(use)) - u[:, None]])
    found = linprog(
        -np.ones(len(use)),
        A_ub=np.vstack([peers, bounds]),
        b_ub=np.concatenate([np.ones(len(peers)), np.zeros(2 * len(use))]),
        bounds=(0, None),
        method="highs",
    )
    if found.status != 0:
        raise DataError(f"the weights of unit {c} have no solution: {found.message}")
    weights = np.zeros(len(own))
    weights[use] = found.x / own[use]
    return weights
