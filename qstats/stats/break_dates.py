"""When a series broke: limits of a break's date, and the segments between breaks with their errors.

References
----------
Bai (1997), Review of Economics and Statistics 79, 551–563. Bai & Perron (2003), Journal of Applied
Econometrics 18, 1–22.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, kind_of, whole_number, within_0_1
from qstats.stats.break_laws import argmax_quantile
from qstats.stats.breaks import Model, growing_rss, regressors, smallest_segment

Array = NDArray[np.float64]


class Segment(NamedTuple):
    """Least squares in one segment.

    Attributes
    ----------
    coef : ndarray, shape (k,)
        Level; and change a period, of a line.
    covariance : ndarray, shape (k, k)
        With the variance of the residuals of this segment; NaN where it has no degree of freedom.
    variance : float
        Of the residuals, RSS/n of the segment.
    first, last : tuple of float
        Fitted value at the first and last period of the segment, each with its standard error.
    """

    coef: Array
    covariance: Array
    variance: float
    first: tuple[float, float]
    last: tuple[float, float]


class Segments(NamedTuple):
    """The best division into segments; see :func:`several`."""

    after: tuple[int, ...]
    rss: float
    bic: float


class DateLimits(NamedTuple):
    """Limits of the number of values before a break; they may lie beyond the series."""

    low: int
    after: int
    high: int


def segments(y: ArrayLike, after: tuple[int, ...], /, *, model: Model = "level") -> list[Segment]:
    """Return the fits between breaks.

    Parameters
    ----------
    y : array_like, shape (n,)
    after : tuple of int
        Numbers of values before each break, rising; empty for the whole series.
    model : {"level", "trend"}

    Returns
    -------
    list of Segment

    Raises
    ------
    DataError
        A segment has fewer values than coefficients.

    Examples
    --------
    Of 1 and 3 the mean is 2, with the error √(2/1) / √2 (one degree of freedom):

    >>> before, behind = segments([1, 3, 6, 8], (2,))
    >>> before.coef.tolist(), [round(value, 9) for value in before.last], behind.coef.tolist()
    ([2.0], [2.0, 1.0], [7.0])
    """
    kind_of("after", after, (Sequence, np.ndarray), what="numbers of values before each break")
    for one in after:
        whole_number("after", one, least=1)
    y = np.asarray(y, float)
    X = regressors(y.size, model)
    ends = [0, *after, y.size]
    if (np.diff(ends) < X.shape[1]).any():
        raise DataError(
            f"a segment of a {model} needs {X.shape[1]} values; the breaks are after {list(after)}"
        )
    return [_fit(X[a:b], y[a:b]) for a, b in pairwise(ends)]


def _fit(X: Array, y: Array) -> Segment:
    n, k = X.shape
    inverse = np.linalg.inv(X.T @ X)
    b = inverse @ X.T @ y
    rss = float(np.sum((y - X @ b) ** 2))
    cov = inverse * (rss / (n - k) if n > k else np.nan)
    ends = [(float(x @ b), float(np.sqrt(x @ cov @ x))) for x in (X[0], X[-1])]
    return Segment(b, cov, rss / n, ends[0], ends[1])


def jumps(y: ArrayLike, after: tuple[int, ...], /, *, model: Model = "level") -> list[tuple[float, float]]:
    r"""Return the change at each break, :math:`x_{k+1}'(b_2 - b_1)`, with its standard error.

    Of a line: how far the one behind the break lies above the one before, at the first period behind. The
    error takes the date as known.

    Parameters
    ----------
    y, after, model
        As for :func:`segments`.

    Returns
    -------
    list of (change, standard error)
        One a break.

    Raises
    ------
    DataError
        As for :func:`segments`.

    Examples
    --------
    From a level of 2 ± 1 to one of 7 ± 1:

    >>> [(round(change, 3), round(error, 3)) for change, error in jumps([1, 3, 6, 8], (2,))]
    [(5.0, 1.414)]
    """
    X = regressors(np.asarray(y).size, model)
    parts = segments(y, after, model=model)
    found = []
    for i, k in enumerate(after):
        change = float(X[k] @ (parts[i + 1].coef - parts[i].coef))
        both = parts[i].covariance + parts[i + 1].covariance
        found.append((change, float(np.sqrt(X[k] @ both @ X[k]))))
    return found


def date_limits(
    y: ArrayLike, after: tuple[int, ...], /, *, model: Model = "level", level: float = 0.95
) -> list[DateLimits]:
    r"""Return limits of the dates of breaks found by least squares.

    With δ the change of the coefficients, :math:`Q_i` the mean of :math:`x_tx_t'` and :math:`\sigma_i^2` the
    mean squared residual on either side of the break,

    .. math:: \frac{\delta'Q_1\delta}{\sigma_1^2}\,(\hat k - k) \to \arg\max_s V(s), \qquad
              V(s) = \begin{cases} W_1(-s) - |s|/2 & s \le 0 \\
              \sqrt\phi\,W_2(s) - \xi s/2 & s > 0 \end{cases}

    .. math:: \xi = \frac{\delta'Q_2\delta}{\delta'Q_1\delta}, \qquad \phi = \xi\,\sigma_2^2/\sigma_1^2

    for errors that do not depend on each other. The limits are widened to whole periods.

    Parameters
    ----------
    y : array_like, shape (n,)
    after : tuple of int
        Numbers of values before each break, rising.
    model : {"level", "trend"}
    level : float
        Between 0 and 1.

    Returns
    -------
    list of DateLimits
        One a break. Of a small change they are wider than the series.

    Raises
    ------
    DataError
        As for :func:`segments`.
    OptionError
        The level is not between 0 and 1.

    Examples
    --------
    >>> y = [9.1, 8.8, 9.3, 9.0, 8.9, 9.2, 10.1, 9.7, 10.3, 9.9, 10.2, 9.8]
    >>> date_limits(y, (6,))
    [DateLimits(low=5, after=6, high=7)]
    """
    within_0_1("level", level)
    y = np.asarray(y, float)
    X, parts, ends = regressors(y.size, model), segments(y, after, model=model), [0, *after, y.size]
    found = []
    for i, k in enumerate(after):
        delta = parts[i + 1].coef - parts[i].coef
        before, behind = X[ends[i] : k] @ delta, X[k : ends[i + 2]] @ delta
        q1, q2 = float(np.mean(before**2)), float(np.mean(behind**2))
        s1, s2 = parts[i].variance, parts[i + 1].variance
        if not (q1 > 0 and q2 > 0 and s1 > 0 and s2 > 0):
            found.append(DateLimits(k, k, k) if q1 > 0 and s1 == s2 == 0 else DateLimits(0, k, y.size))
            continue
        low, high = (
            argmax_quantile(q, drift=q2 / q1, spread=q2 / q1 * s2 / s1) * s1 / q1
            for q in ((1 - level) / 2, (1 + level) / 2)
        )
        found.append(DateLimits(int(np.floor(k - high)), k, int(np.ceil(k - low))))
    return found


def several(y: ArrayLike, /, *, model: Model = "level", trim: float = 0.15, most: int = 5) -> list[Segments]:
    r"""Return the best division with 0, 1, … breaks, by dynamic programming.

    .. math:: \mathrm{BIC}(m) = n\bigl(\ln(\mathrm{RSS}/n) + \ln 2\pi + 1\bigr) + \ln n\,((m+1)k + m + 1)

    Parameters
    ----------
    y : array_like, shape (n,)
    model : {"level", "trend"}
    trim : float
        Smallest share of the series in a segment.
    most : int
        Largest number of breaks.

    Returns
    -------
    list of Segments
        One a number of breaks; the one with the smallest BIC is chosen. Autocorrelation makes BIC find
        breaks that are none.

    Raises
    ------
    OptionError
        `trim` or `most` is out of range.

    Examples
    --------
    Levels of 1 and 5, RSS 40 about their mean of 3 and 8 about themselves:

    >>> found = several([0, 2, 0, 2, 4, 6, 4, 6], most=1)
    >>> [(d.after, round(d.rss, 9), round(d.bic, 1)) for d in found]
    [((), 40.0, 39.7), ((4,), 8.0, 31.0)]
    """
    y = np.asarray(y, float)
    X = regressors(y.size, model)
    n, k = X.shape
    h = smallest_segment(n, trim, k + 1)
    whole_number("most", most, least=0)
    cost = np.full((n + 1, n + 1), np.inf)
    for i in range(n - h + 1):
        cost[i, i + h :] = growing_rss(y[i:], model)[h - 1 :]
    best, came, found = cost[0].copy(), [], []
    for m in range(min(most, n // h - 1) + 1):
        if m:
            through = best[:, None] + cost
            came.append(np.argmin(through, axis=0))
            best = through.min(axis=0)
        at, cuts = n, []
        for back in reversed(came):
            at = int(back[at])
            cuts.append(at)
        rss = float(best[n]) if best[n] > 1e-14 * cost[0, n] else 0.0
        with np.errstate(divide="ignore"):
            bic = n * (np.log(rss / n) + np.log(2 * np.pi) + 1) + np.log(n) * ((m + 1) * k + m + 1)
        found.append(Segments(tuple(reversed(cuts)), rss, float(bic)))
    return found


def best(divisions: list[Segments]) -> Segments:
    """Return the division with the least BIC; the one with fewer breaks of equal ones.

    Parameters
    ----------
    divisions : list of Segments
        With 0, 1, … breaks, as :func:`several` gives them.

    Returns
    -------
    Segments

    Examples
    --------
    >>> best(several([0, 2, 0, 2, 4, 6, 4, 6])).after
    (4,)
    """
    return divisions[int(np.argmin([d.bic for d in divisions]))]
