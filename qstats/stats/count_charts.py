"""Charts of counts against a seasonal expectation: CUSUM that begins anew, GLR, and run lengths.

References
----------
Höhle & Paul (2008), Count data regression charts for the monitoring of surveillance time series,
Computational Statistics & Data Analysis 52, 4357–4368.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, real_number, whole_number
from qstats.stats.count_law import at_least, rise_weights

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_ROUNDS = 50


class CountChart(NamedTuple):
    """A chart of one series; every field has shape (T,)."""

    #: the statistic, before it begins anew
    sums: Array
    #: where it reaches the decision interval
    signal: Mask
    #: the period in which the shift began, as the likelihood has it; −1 where there is no sign of one
    began: NDArray[np.intp]
    #: how many times as frequent events have been since then; of the CUSUM the count over the expectation
    ratio: Array
    #: the count that would have signalled; NaN for GLR
    upper: Array


def ratio_cusum(
    counts: ArrayLike,
    expected: ArrayLike,
    /,
    *,
    decision: float,
    ratio: float = 1.5,
    dispersion: float = 0.0,
) -> CountChart:
    r"""Return the likelihood-ratio CUSUM that begins anew after a signal.

    .. math:: S_t = \max(0,\ S_{t-1} + \ell_t) \ge h

    with the steps ℓ of :func:`qstats.stats.count_law.rise_weights`, as in
    :func:`qstats.stats.outbreak.count_cusum`, which runs on.

    Parameters
    ----------
    counts, expected : array_like, shape (T,)
        y and μ.
    decision : float
        h, above 0.
    ratio : float
        κ, above 1.
    dispersion : float
        α, 0 or more.

    Returns
    -------
    CountChart

    Raises
    ------
    DataError
        A count that is missing or below 0, an expectation that is not above 0.
    OptionError
        A number out of range.

    References
    ----------
    Höhle & Paul (2008), Computational Statistics & Data Analysis 52, 4357–4368.

    Examples
    --------
    >>> found = ratio_cusum([10, 14, 18, 20, 9], [10.0] * 5, decision=5)
    >>> found.sums.round(2).tolist(), found.began.tolist()
    ([0.0, 0.68, 2.97, 6.08, 0.0], [-1, 1, 1, 1, -1])
    """
    y, mu = _series(counts, expected, dispersion)
    weight, charge = rise_weights(mu, ratio=ratio, dispersion=dispersion)
    real_number("decision", decision, above=0)
    sums, upper = np.empty(y.size), np.empty(y.size)
    began = np.full(y.size, -1, np.intp)
    S, start = 0.0, -1
    for t in range(y.size):
        upper[t] = (decision - S + charge[t]) / weight[t]
        start = t if S == 0 else start
        S = max(0.0, S + y[t] * weight[t] - charge[t])
        sums[t], began[t] = S, start if S > 0 else -1
        S = 0.0 if decision <= S else S
    since = [y[a : t + 1].sum() / mu[a : t + 1].sum() if a >= 0 else 1.0 for t, a in enumerate(began)]
    return CountChart(sums, np.asarray(sums >= decision), began, np.asarray(since, float), upper)


def glr_chart(
    counts: ArrayLike,
    expected: ArrayLike,
    /,
    *,
    decision: float,
    dispersion: float = 0.0,
    window: int | None = None,
) -> CountChart:
    r"""Return the generalised likelihood ratio: over all onsets k and all rises κ ≥ 1.

    .. math:: G_t = \max_{k \le t}\ \sup_{\kappa \ge 1} \sum_{i=k}^{t} y_i\ln\kappa
              - \bigl(y_i + \tfrac1\alpha\bigr)\ln\frac{1 + \alpha\kappa\mu_i}{1 + \alpha\mu_i}

    The size of the shift need not be known; after a signal the chart begins anew. Where the rise of an onset
    does not settle, sum and ratio of the period are NaN and there is no signal.

    Parameters
    ----------
    counts, expected : array_like, shape (T,)
        y and μ.
    decision : float
        h, above 0.
    dispersion : float
        α, 0 or more.
    window : int, optional
        Only the last so many onsets; all by default.

    Returns
    -------
    CountChart

    Raises
    ------
    DataError
        A count that is missing or below 0, an expectation that is not above 0.
    OptionError
        A number out of range.

    References
    ----------
    Höhle & Paul (2008). Lorden (1971), Annals of Mathematical Statistics 42, 1897–1908.

    Examples
    --------
    >>> found = glr_chart([10, 14, 18, 20, 9], [10.0] * 5, decision=5)
    >>> found.sums.round(2).tolist(), found.ratio.round(2).tolist()
    ([0.0, 0.71, 3.04, 6.6, 0.0], [1.0, 1.4, 1.6, 1.73, 1.0])
    """
    y, mu = _series(counts, expected, dispersion)
    real_number("decision", decision, above=0)
    if window is not None:
        whole_number("window", window, least=1)
    sums, ratio = np.zeros(y.size), np.ones(y.size)
    began, first = np.full(y.size, -1, np.intp), 0
    for t in range(y.size):
        low = first if window is None else max(first, t - window + 1)
        kappa, gain = _rises(y[low : t + 1], mu[low : t + 1], dispersion)
        best = int(np.argmax(gain))  # the first that is NaN, if there is one
        if np.isnan(gain[best]):
            sums[t] = ratio[t] = np.nan
        elif gain[best] > 0:
            sums[t], ratio[t], began[t] = gain[best], kappa[best], low + best
        first = t + 1 if sums[t] >= decision else first
    return CountChart(sums, np.asarray(sums >= decision), began, ratio, np.full(y.size, np.nan))


def _rises(y: Array, mu: Array, alpha: float) -> tuple[Array, Array]:
    """Return the likeliest rise, and its gain, for every onset: Newton's method in ln κ for all at once."""
    later = np.triu(np.ones((y.size, y.size)))  # row k: periods k … t
    total, base = later @ y, later @ mu
    k, step = np.log(np.maximum(total, 1e-12) / base), np.zeros(y.size)
    for _ in range(_ROUNDS if alpha > 0 else 0):
        p = alpha * mu * np.exp(k)[:, None]
        slope = later * (y - (y + 1 / alpha) * p / (1 + p))
        bend = later * (y + 1 / alpha) * p / (1 + p) ** 2
        step = np.clip(slope.sum(1) / np.maximum(bend.sum(1), 1e-300), -1.0, 1.0)
        k = np.clip(k + step, -5.0, 50.0)
        if np.abs(step[k > -5]).max(initial=0.0) < 1e-13:
            break
    lost = (total > 0) & (k > -5) & ~(np.abs(step) < 1e-6)
    k = np.where(lost, np.nan, np.where(total > 0, np.maximum(k, 0.0), 0.0))
    grown = np.exp(k)[:, None]
    if alpha > 0:
        cost = (y + 1 / alpha) * np.log1p(alpha * mu * (grown - 1) / (1 + alpha * mu))
    else:
        cost = (grown - 1) * mu
    return grown[:, 0], (later * (y * k[:, None] - cost)).sum(1)


def average_run_length(
    expected: ArrayLike,
    /,
    *,
    decision: float,
    ratio: float = 1.5,
    dispersion: float = 0.0,
    shift: float = 1.0,
    states: int = 60,
) -> float:
    r"""Return the mean number of periods to the first signal of a CUSUM that begins at 0.

    A Markov chain on `states` classes of :math:`[0, h)`, with transitions :math:`Q_j` in each period j of the
    year: the vectors of run lengths obey :math:`L_j = 1 + Q_j L_{j+1}`, the last followed by the first.

    Parameters
    ----------
    expected : array_like, shape (season,)
        μ in control, over one year; the mean over all periods to begin in is returned.
    decision : float
        h, above 0.
    ratio : float
        κ, above 1.
    dispersion : float
        α, 0 or more.
    shift : float
        How many times as frequent events really are; 1 in control.
    states : int
        Classes of the sum, at least 5.

    Returns
    -------
    float
        In periods.

    Raises
    ------
    DataError
        An expectation that is not known or not above 0.
    OptionError
        A number out of range.

    References
    ----------
    Brook & Evans (1972), Biometrika 59, 539–549.

    Examples
    --------
    >>> [round(average_run_length([20.0] * 12, decision=4, shift=s), 1) for s in (1, 1.5)]
    [284.1, 2.6]
    """
    mu = np.asarray(expected, float)
    if np.isnan(mu).any():
        raise DataError("what is expected is known in every period of the year; one is NaN")
    weight, charge = rise_weights(mu, ratio=ratio, dispersion=dispersion)
    for name, value in (("decision", decision), ("shift", shift)):
        real_number(name, value, above=0)
    whole_number("states", states, least=5)
    width = decision / (states - 0.5)  # the first class is half as wide, about 0
    move = np.arange(1 - states, states)  # classes up or down
    place = np.arange(states)[None, :] - np.arange(states)[:, None] + states - 1
    ones, product, collected = np.ones(states), np.eye(states), np.zeros(states)
    steps = []
    for m, a, b in zip(mu * shift, weight, charge, strict=True):
        most = np.maximum(((move + 0.5) * width + b) / a, 0.0)  # counts below it stay under the edge
        below = 1 - at_least(np.ceil(most), m, 1 + dispersion * m)
        steps.append(np.diff(below[place], axis=1, prepend=0.0))
    for Q in steps:
        collected = collected + product @ ones
        product = product @ Q
    L = np.linalg.solve(np.eye(states) - product, collected)
    found = []
    for Q in reversed(steps):
        L = ones + Q @ L
        found.append(L[0])
    return float(np.mean(found))


def decision_for(
    expected: ArrayLike, /, *, run_length: float, ratio: float = 1.5, dispersion: float = 0.0
) -> float:
    """Return the decision interval with this average run length in control.

    Parameters
    ----------
    expected : array_like, shape (season,)
        μ in control, over one year.
    run_length : float
        In periods, above 2 and below a million.
    ratio, dispersion : float
        κ and α, as for :func:`ratio_cusum`.

    Returns
    -------
    float
        h; 0.01 where runs are longer even then.

    Raises
    ------
    DataError
        An expectation that is not known or not above 0.
    OptionError
        A number out of range.

    Examples
    --------
    >>> round(decision_for([20.0] * 12, run_length=370), 2)
    4.28
    """
    from scipy.optimize import brentq

    real_number("run_length", run_length, above=2, below=1e6)

    def excess(h: float) -> float:
        found = average_run_length(expected, decision=h, ratio=ratio, dispersion=dispersion, states=40)
        return float(np.log(found / run_length))

    low, high = 0.01, 2.0
    if excess(low) > 0:
        return low
    while excess(high) < 0:
        low, high = high, 1.5 * high
    return float(brentq(excess, low, high, xtol=2e-3))


def _series(counts: ArrayLike, expected: ArrayLike, alpha: float) -> tuple[Array, Array]:
    y, mu = np.broadcast_arrays(np.asarray(counts, float), np.asarray(expected, float))
    real_number("dispersion", alpha, least=0)
    if y.ndim != 1 or not (y >= 0).all() or not (mu > 0).all():
        raise DataError(
            "counts of one series are 0 or more, none is missing, and what is expected is above 0"
        )
    return y, mu
