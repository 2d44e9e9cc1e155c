"""Attainment of targets: the verdict by an interval, the pace that is needed, the chance of arriving."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import one_of, real_number, yes_or_no

Array = NDArray[np.float64]
Path = Literal["linear", "geometric", "complement"]
PATHS: Final = ("linear", "geometric", "complement")
Scale = Literal["identity", "logit"]
SCALES: Final = ("identity", "logit")


def verdict(low: ArrayLike, high: ArrayLike, *, near: float, equal: bool = True) -> NDArray[np.object_]:
    r"""Return what an interval of the gap says of a target.

    The gap g is measured in the direction of the target, :math:`g \ge 0` meets it; the interval is
    :math:`[l, u]`. With n for `near`:

    * ``met``: :math:`l \ge 0`; ``undecided``: :math:`l < 0 \le u`, the target lies inside;
    * ``near``: :math:`-n \le l \le u < 0`; ``not met``: :math:`u < 0` and :math:`l < -n`;
    * ``no data``: a limit is not known.

    Parameters
    ----------
    low, high : array_like
        Limits of the gap.
    near : float
        How far below the target is near.
    equal : bool
        Whether a gap of exactly 0 meets the target.

    Returns
    -------
    ndarray of str

    Raises
    ------
    OptionError
        `near` is below 0, or no number.

    Examples
    --------
    >>> verdict([0.1, -0.1, -0.9, -3.0], [0.3, 0.1, -0.2, -0.2], near=1.0).tolist()
    ['met', 'undecided', 'near', 'not met']
    """
    real_number("near", near, least=0)
    yes_or_no("equal", equal)
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    unknown = np.isnan(low) | np.isnan(high)
    sure, possible = (low >= 0, high >= 0) if equal else (low > 0, high > 0)
    chosen = np.select(
        [unknown, sure, possible, low >= -near], ["no data", "met", "undecided", "near"], default="not met"
    )
    return np.asarray(chosen, dtype=object)


def required_pace(
    value: ArrayLike, target: ArrayLike, years: ArrayLike, *, path: Path = "linear", whole: float = 100.0
) -> Array:
    r"""Return the yearly progress that leads from x to T in h years.

    .. math:: \text{linear}: \frac{T - x}{h}, \qquad
              \text{geometric}: \Bigl(\frac{T}{x}\Bigr)^{1/h} - 1, \qquad
              \text{complement}: \Bigl(\frac{W - T}{W - x}\Bigr)^{1/h} - 1

    The complement is what is missing to the whole W: the failure rate of a pass rate.

    Parameters
    ----------
    value, target : array_like
        x and T, in one unit.
    years : array_like
        h; the pace is NaN where no time is left.
    path : {"linear", "geometric", "complement"}
        In the unit per year; a share of the value per year; a share of the complement per year.
    whole : float
        W, for ``complement``.

    Returns
    -------
    ndarray
        Signed: negative where the value has to fall. NaN where a value, or for the last two paths
        a base, is missing or not positive.

    Raises
    ------
    OptionError
        Another path, a whole that is not above 0.

    Examples
    --------
    >>> pace = [float(required_pace(93.2, 95.0, 4, path=path)) for path in PATHS]
    >>> [round(p, 4) for p in pace]
    [0.45, 0.0048, -0.074]
    """
    one_of("path", path, PATHS)
    real_number("whole", whole, above=0)
    x, T, h = np.broadcast_arrays(*(np.asarray(a, float) for a in (value, target, years)))
    time = np.where(h > 0, h, np.nan)
    if path == "linear":
        return np.asarray((T - x) / time)
    a, b = (x, T) if path == "geometric" else (whole - x, whole - T)
    positive = (a > 0) & ((b > 0) | ((b == 0) & (path == "complement")))
    quotient = np.divide(b, a, out=np.full(a.shape, np.nan), where=positive)
    return np.asarray(quotient ** (1 / time) - 1)


def probability(
    forecast: ArrayLike,
    std_error: ArrayLike,
    target: ArrayLike,
    *,
    sign: int = 1,
    df: ArrayLike = np.inf,
    scale: Scale = "identity",
    whole: float = 100.0,
) -> Array:
    r"""Return the probability that a forecast quantity reaches its target.

    .. math:: P = F_\nu\Bigl(\pm\frac{\hat x - T}{s}\Bigr), \qquad
              \text{logit}: P = F_\nu\Bigl(\pm\frac{\operatorname{logit}(\hat x/W) -
              \operatorname{logit}(T/W)}{s}\,\frac{\hat x (W - \hat x)}{W}\Bigr)

    with the t distribution of ν degrees of freedom (normal by default) and + where more is better.

    Parameters
    ----------
    forecast, std_error : array_like
        :math:`\hat x` and the standard error s of the forecast itself (not of its mean).
    target : array_like
        T.
    sign : {1, -1}
        1: the target is to be reached from below; −1: from above.
    df : array_like
        ν.
    scale : {"identity", "logit"}
        Where the forecast error is symmetric. With ``logit`` the quantity stays inside 0 to W.
    whole : float
        W, for ``logit``.

    Returns
    -------
    ndarray
        NaN without a standard error, and on the logit scale where the forecast or the target is not strictly
        inside 0 to W: a continuous forecast gives no chance of exactly 0 or exactly W.

    Raises
    ------
    OptionError
        Another scale, a sign that is neither 1 nor −1, a whole that is not above 0.

    Examples
    --------
    >>> float(probability(94.6, 0.5, 95.0).round(4)), float(probability(99.5, 0.5, 100, scale="logit"))
    (0.2119, nan)
    """
    from scipy.special import logit, stdtr

    one_of("scale", scale, SCALES)
    real_number("whole", whole, above=0)
    one_of("sign", sign, (1, -1))
    x, s, T, nu = np.broadcast_arrays(*(np.asarray(a, float) for a in (forecast, std_error, target, df)))
    s = np.where(s > 0, s, np.nan)
    if scale == "identity":
        z = (x - T) / s
    else:
        inside = (np.minimum(x, T) > 0) & (np.maximum(x, T) < whole)
        p, q = np.where(inside, x, whole / 2) / whole, np.where(inside, T, whole / 2) / whole
        z = np.where(inside, (logit(p) - logit(q)) * whole * p * (1 - p) / s, np.nan)
    return np.asarray(np.where(np.isnan(z), np.nan, stdtr(nu, sign * z)))
