"""Confidence intervals of a proportion, of a Poisson rate, of a bounded mean, and of any estimate by t.

Those from counts are defined at 0 and at 100 % and have positive width for n > 0; n = 0
gives NaN. Counts may be fractional (an effective sample size).

References
----------
Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, one_of, within_0_1

Array = NDArray[np.float64]
Proportion = Literal["clopper-pearson", "wilson", "jeffreys", "agresti-coull"]
PROPORTION: Final = ("clopper-pearson", "wilson", "jeffreys", "agresti-coull")
Mean = Literal["t", "logit"]
MEAN: Final = ("t", "logit")
_STATSMODELS = {
    "clopper-pearson": "beta",
    "wilson": "wilson",
    "jeffreys": "jeffreys",
    "agresti-coull": "agresti_coull",
}


def proportion(
    successes: ArrayLike, n: ArrayLike, *, method: Proportion = "wilson", level: float = 0.95
) -> tuple[Array, Array]:
    r"""Return the two-sided interval of a proportion p = x/n.

    * ``clopper-pearson``: :math:`[B_{\alpha/2}(x, n-x+1),\; B_{1-\alpha/2}(x+1, n-x)]`, exact:
      coverage at least the level.
    * ``wilson``: the score interval, :math:`\{p: |\hat p - p| \le z\sqrt{p(1-p)/n}\}`.
    * ``jeffreys``: :math:`[B_{\alpha/2}(x+½, n-x+½),\; B_{1-\alpha/2}(x+½, n-x+½)]`, with the limit 0
      at x = 0 and 1 at x = n.
    * ``agresti-coull``: Wald about :math:`\tilde p=(x+z²/2)/(n+z²)`, cut to [0, 1].

    Parameters
    ----------
    successes, n : array_like, same shape
        Counts, 0 ≤ x ≤ n.
    method, level
        Which interval, and its confidence level in (0, 1).

    Returns
    -------
    low, high : ndarray
        Limits in [0, 1]; NaN where n = 0 or a count is NaN.

    Raises
    ------
    OptionError
        No such method; a level that is not between 0 and 1.

    References
    ----------
    Brown, Cai & DasGupta (2001), Statistical Science 16(2), 101–133.

    Examples
    --------
    >>> low, high = proportion([95, 100], [100, 100])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.888, 0.963], [0.978, 1.0])
    """
    one_of("interval", method, PROPORTION)
    _check_level(level)
    from statsmodels.stats.proportion import proportion_confint

    x, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    low, high = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    ok = n > 0
    if ok.any():
        low[ok], high[ok] = proportion_confint(x[ok], n[ok], alpha=1 - level, method=_STATSMODELS[method])
    if method != "agresti-coull":  # theirs are 0 and 1 exactly, but for rounding
        low, high = np.where(ok & (x == 0), 0.0, low), np.where(ok & (x == n), 1.0, high)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def lower_bound(successes: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> Array:
    r"""Return the exact one-sided lower bound of a proportion, :math:`B_{\alpha}(x, n-x+1)`.

    Parameters
    ----------
    successes, n : array_like, same shape
        Counts, 0 ≤ x ≤ n.
    level : float
        Confidence 1 − α, in (0, 1).

    Returns
    -------
    ndarray
        In [0, 1]; 0 where x = 0, NaN where n = 0.

    Raises
    ------
    OptionError
        A level that is not between 0 and 1.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404–413.

    Examples
    --------
    Of x = n it is the n-th root of α:

    >>> lower_bound([213, 10], [213, 10]).round(4).tolist(), round(0.05 ** (1 / 10), 4)
    ([0.986, 0.7411], 0.7411)
    """
    _check_level(level)
    from scipy.stats import beta

    x, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    with np.errstate(invalid="ignore"):
        bound = beta.ppf(1 - level, x, n - x + 1)
    bound = np.where(x == 0, 0.0, bound)
    return np.asarray(np.where(n > 0, bound, np.nan), float)


def poisson(events: ArrayLike, exposure: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    r"""Return the exact interval of a Poisson rate λ = d/T.

    .. math:: [\chi^2_{\alpha/2;\,2d}/(2T),\; \chi^2_{1-\alpha/2;\,2d+2}/(2T)]

    Parameters
    ----------
    events, exposure : array_like, same shape
        Count d ≥ 0, and exposure T in any unit.
    level : float
        Confidence 1 − α, in (0, 1).

    Returns
    -------
    low, high : ndarray
        Events per unit of exposure. Zero events give the lower limit 0 and a positive upper one; NaN where T
        is not positive.

    Raises
    ------
    OptionError
        A level that is not between 0 and 1.

    References
    ----------
    Garwood (1936), Biometrika 28, 437–442.

    Examples
    --------
    >>> low, high = poisson([0, 4], [2, 2])
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 0.54], [1.84, 5.12])
    """
    _check_level(level)
    from scipy.stats import chi2

    d, T = np.broadcast_arrays(np.asarray(events, float), np.asarray(exposure, float))
    alpha = 1 - level
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(d == 0, 0.0, chi2.ppf(alpha / 2, 2 * d)) / (2 * T)
        high = chi2.ppf(1 - alpha / 2, 2 * d + 2) / (2 * T)
    ok = T > 0
    return np.where(ok, low, np.nan), np.where(ok, high, np.nan)


def mean(
    estimate: ArrayLike, std_error: ArrayLike, df: ArrayLike, *, method: Mean = "t", level: float = 0.95
) -> tuple[Array, Array]:
    r"""Return the two-sided interval of a mean known to lie in [0, 1].

    * ``t``: :math:`m \pm t_{df}\,s`, cut to [0, 1].
    * ``logit``: the same about :math:`\ln\frac{m}{1-m}` with error :math:`s/(m(1-m))`, turned back;
      it stays inside by itself and is longer towards ½.

    Parameters
    ----------
    estimate, std_error, df : array_like, same shape
        Means m, their standard errors s, and degrees of freedom.
    method, level
        Which interval, and its confidence level in (0, 1).

    Returns
    -------
    low, high : ndarray
        NaN where the error is unknown, or m is 0 or 1 and the method is ``logit``.

    Raises
    ------
    OptionError
        No such method; a level that is not between 0 and 1.

    Examples
    --------
    >>> [limit.round(3).item() for limit in mean(0.9, 0.08, 10)]
    [0.722, 1.0]
    >>> [limit.round(3).item() for limit in mean(0.9, 0.08, 10, method="logit")]
    [0.554, 0.985]
    """
    one_of("interval", method, MEAN)
    _check_level(level)
    from scipy.special import expit
    from scipy.stats import t

    m, s, df = np.broadcast_arrays(*(np.asarray(a, float) for a in (estimate, std_error, df)))
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = t.ppf((1 + level) / 2, df)
        if method == "t":
            return np.clip(m - reach * s, 0, 1), np.clip(m + reach * s, 0, 1)
        centre, reach = np.log(m / (1 - m)), reach * s / (m * (1 - m))
        low, high = expit(centre - reach), expit(centre + reach)
    known = (m > 0) & (m < 1)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def t_interval(
    estimate: ArrayLike, std_error: ArrayLike, df: ArrayLike, *, level: float = 0.95
) -> tuple[Array, Array]:
    r"""Return :math:`\hat\theta \pm t_{(1+level)/2;\,df}\, se`.

    Parameters
    ----------
    estimate, std_error, df : array_like, same shape
        With 0 degrees of freedom there is no t.
    level : float
        Confidence, in (0, 1).

    Returns
    -------
    low, high : ndarray
        NaN where the error is unknown; both at the estimate where it is zero (a census).

    Raises
    ------
    OptionError
        A level that is not between 0 and 1.

    Examples
    --------
    >>> low, high = t_interval([10, 10], [1, 0], [4, 0])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([7.224, 10.0], [12.776, 10.0])
    """
    _check_level(level)
    from scipy.special import stdtrit  # the quantile of t, without all of scipy.stats

    theta, se, df = np.broadcast_arrays(*(np.asarray(a, float) for a in (estimate, std_error, df)))
    with np.errstate(invalid="ignore"):
        reach = np.where(se == 0, 0.0, stdtrit(np.where(df > 0, df, np.nan), (1 + level) / 2) * se)
    return np.asarray(theta - reach, float), np.asarray(theta + reach, float)


def refuse(method: str | None, what: str) -> None:
    """Raise when an interval is named for totals that carry no error.

    Parameters
    ----------
    method : str or None
        The interval that was named.
    what : str
        What the totals are of, for the message.

    Raises
    ------
    OptionError
        An interval is named.

    Examples
    --------
    >>> refuse(None, "values")
    """
    if method is not None:
        raise OptionError(
            f"interval={method!r} does not apply: {what} are totals without records, whose error is "
            "unknown; leave interval out"
        )


def _check_level(level: float) -> None:
    within_0_1("level", level)
