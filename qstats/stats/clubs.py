"""Convergence clubs: whether panels grow together, and which units do (Phillips and Sul)."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, one_of, real_number, yes_or_no

Array = NDArray[np.float64]
Order = Literal["last", "average"]
#: one-sided 5 % point: a t below it rejects convergence
REJECT: Final = -1.65
#: the test uses at least so many periods
LEAST: Final = 10
#: c* rises by this step, and up to this value
_STEP: Final = 0.1
_MOST: Final = 10.0


class LogT(NamedTuple):
    """The regression of log t; see :func:`log_t`."""

    b: float
    std_error: float
    t: float
    #: periods in the regression
    n: int


class Clubs(NamedTuple):
    """Clubs of units.

    Attributes
    ----------
    member : ndarray of int, shape (N,)
        Club of each unit, from 0; −1 of those that belong to none.
    tests : tuple of LogT
        Of each club.
    rest : LogT or None
        Of those that belong to none, where they are two or more.
    """

    member: NDArray[np.intp]
    tests: tuple[LogT, ...]
    rest: LogT | None


def trend_of(X: ArrayLike, /, *, smooth: float = 400.0) -> Array:
    r"""Return the smooth part of each series (Hodrick and Prescott).

    .. math:: \min_\tau \sum_t (x_t - \tau_t)^2 + \lambda \sum_t (\tau_{t+1} - 2\tau_t + \tau_{t-1})^2,
              \qquad \tau = (I + \lambda D'D)^{-1} x

    Parameters
    ----------
    X : array_like, shape (N, T)
    smooth : float
        λ; 0 leaves the series as they are. Phillips and Sul take 400 for years.

    Returns
    -------
    ndarray, shape (N, T)

    Raises
    ------
    OptionError
        λ is below 0.

    References
    ----------
    Phillips & Sul (2007), Econometrica 75, 1771–1855.

    Examples
    --------
    A peak is spread out, and a straight line kept:

    >>> trend_of([[0, 0, 3, 0, 0], [1, 2, 3, 4, 5]], smooth=1).round(3).tolist()
    [[0.125, 0.75, 1.25, 0.75, 0.125], [1.0, 2.0, 3.0, 4.0, 5.0]]
    """
    real_number("smooth", smooth, least=0)
    X = np.asarray(X, float)
    T = X.shape[-1]
    if smooth == 0 or T < 3:
        return X.copy()
    D = np.diff(np.eye(T), n=2, axis=0)
    return np.asarray(np.linalg.solve(np.eye(T) + smooth * D.T @ D, X.T).T)


def log_t(X: ArrayLike, /, *, discard: float = 0.3) -> LogT:
    r"""Test whether all units of a panel converge.

    .. math:: h_{it} = \frac{x_{it}}{N^{-1}\sum_j x_{jt}}, \qquad H_t = \frac1N\sum_i (h_{it} - 1)^2, \qquad
              \ln\frac{H_1}{H_t} - 2\ln\ln t = a + b\ln t + u_t, \quad t = [rT], \dots, T

    Under convergence :math:`b = 2\alpha \ge 0`; below −1.65 the t of b rejects it at 5 %, one-sided. Its
    standard error allows for autocorrelation, by the quadratic spectral kernel:

    .. math:: \operatorname{var}(\hat b) = \frac{\sum_{|j|<n} k(j/S)\sum_t v_t v_{t-|j|}}
              {(\sum_t z_t^2)^2}, \qquad v_t = z_t\hat u_t, \quad z_t = \ln t - \overline{\ln t}

    with the bandwidth S of :func:`bandwidth`.

    Parameters
    ----------
    X : array_like, shape (N, T)
        Smooth and positive, N ≥ 2.
    discard : float
        r, share of the periods left out at the beginning: 0.3 for T up to 50, 0.2 from 100 on.

    Returns
    -------
    LogT
        With b = ∞ where all units are alike throughout.

    Raises
    ------
    DataError
        Fewer than two units, too few periods, a value that is missing or not positive.
    OptionError
        `discard` is not above 0 and below 0.7.

    References
    ----------
    Phillips & Sul (2007), Econometrica 75, 1771–1855. Andrews (1991), Econometrica 59, 817–858.

    Examples
    --------
    >>> t = np.arange(1, 31)
    >>> X = 10 + np.outer([-2, -1, 0, 1, 2], 1 / np.log(t + 1) / t**0.4)
    >>> found = log_t(X)
    >>> round(found.b, 1), found.t > -1.65
    (0.7, True)
    """
    X = _panel(X, discard)
    h = X / X.mean(0)
    H = np.mean((h - 1) ** 2, axis=0)
    T = H.size
    t = np.arange(max(int(discard * T), 2), T + 1)
    if not H.any() or H[0] == 0 or (H[t - 1] <= 0).any():
        return LogT(np.inf, np.nan, np.inf if not H[t - 1].any() else -np.inf, t.size)
    y = np.log(H[0] / H[t - 1]) - 2 * np.log(np.log(t))
    z = np.log(t) - np.log(t).mean()
    b = float(z @ y / (z @ z))
    v = z * (y - y.mean() - b * z)
    S = bandwidth(v)
    se = float(np.sqrt(max(_long_run(v, S), 0.0))) / float(z @ z)
    return LogT(b, se, b / se if se > 0 else np.copysign(np.inf, b), t.size)


def bandwidth(v: Array) -> float:
    r"""Return Andrews' bandwidth of the quadratic spectral kernel, by a first-order autoregression.

    .. math:: S = 1.3221\,(\hat a n)^{1/5}, \qquad \hat a = \frac{4\rho^2}{(1-\rho)^4}

    with ρ cut to ±0.97, beyond which the formula has no use.

    Parameters
    ----------
    v : ndarray, shape (n,)

    Returns
    -------
    float
        In periods.

    References
    ----------
    Andrews (1991), Econometrica 59, 817–858.

    Examples
    --------
    Neighbours of 1, 1, −1, −1 give ρ = 1/3, so a = 4 · (1/9) / (16/81) = 2.25:

    >>> round(bandwidth(np.array([1.0, 1.0, -1.0, -1.0])), 4), round(1.3221 * (2.25 * 4) ** 0.2, 4)
    (2.0517, 2.0517)
    """
    before, now = v[:-1], v[1:]
    rho = float(before @ now / (before @ before)) if before.any() else 0.0
    rho = float(np.clip(rho, -0.97, 0.97))
    return float(1.3221 * (4 * rho**2 / (1 - rho) ** 4 * v.size) ** 0.2)


def _long_run(v: Array, S: float) -> float:
    r"""Return Σ k(j/S) Σ v_t v_{t-j}, :math:`k(x) = \frac{3}{q^2}(\frac{\sin q}{q} - \cos q)`, q = 6πx/5."""
    j = np.arange(1, v.size)
    products = np.array([v[k:] @ v[:-k] for k in j])
    if S <= 1e-8:
        return float(v @ v)
    q = 6 * np.pi * j / (5 * S)
    k = 3 / q**2 * (np.sin(q) / q - np.cos(q))
    return float(v @ v + 2 * k @ products)


def clubs(
    X: ArrayLike,
    /,
    *,
    discard: float = 0.3,
    order: Order = "last",
    sieve: float = 0.0,
    merge: bool = True,
) -> Clubs:
    r"""Sort the units of a panel into clubs that converge.

    1. *Order* the units by their last value, the highest first.
    2. *Core*: from the first pair of neighbours whose log t does not reject, take in the next unit as long
       as the t of all stays above −1.65; the core is the group of that run with the highest t.
    3. *Sieve*: every other unit alone is added to the core; it joins where the t is above c. If the club so
       made rejects, c rises until it does not (the c* rule), or the club is its core.
    4. *Again*: if those left converge all together they are a club; otherwise steps 1 to 3 for them. Where
       no pair is left that converges, the rest belongs to none.
    5. *Merge* neighbouring clubs while they converge together: a sieve that is strict leaves too many.

    Parameters
    ----------
    X : array_like, shape (N, T)
        Smooth and positive.
    discard : float
        As for :func:`log_t`.
    order : {"last", "average"}
        By the last value, or by the mean of the last half, for series that swing.
    sieve : float
        c at the start; 0 is what Phillips and Sul advise for short panels.
    merge : bool
        Step 5.

    Returns
    -------
    Clubs
        Numbered by their highest unit. Every test follows many others on the same data: its t is a
        description, not a test at 5 %.

    Raises
    ------
    DataError, OptionError
        As for :func:`log_t`; an order that does not exist, a sieve out of range.

    References
    ----------
    Phillips & Sul (2007); Phillips & Sul (2009), Journal of Applied Econometrics 24, 1153–1185.

    Examples
    --------
    Two units go to 60 and two to 40:

    >>> t = np.arange(1, 31)
    >>> clubs(np.array([60 + 20 / t, 60 - 20 / t, 40 + 15 / t, 40 - 15 / t])).member.tolist()
    [0, 0, 1, 1]
    """
    one_of("order", order, ("last", "average"))
    yes_or_no("merge", merge)
    real_number("sieve", sieve, above=-_MOST, below=_MOST)
    X = _panel(X, discard)
    height = X[:, -1] if order == "last" else X[:, X.shape[1] // 2 :].mean(1)
    left = [int(i) for i in np.argsort(-height, kind="stable")]
    found: list[list[int]] = []
    while len(left) > 1:
        if _t(X, left, discard) > REJECT:
            found.append(left)
            left = []
            break
        core = _core(X, left, discard)
        if not core:
            break
        club = _sieved(X, left, core, discard, sieve)
        found.append(club)
        left = [i for i in left if i not in set(club)]
    if merge:
        found = _merged(X, found, discard)
    member = np.full(len(X), -1, np.intp)
    for number, club in enumerate(found):
        member[club] = number
    rest = log_t(X[left], discard=discard) if len(left) > 1 else None
    return Clubs(member, tuple(log_t(X[club], discard=discard) for club in found), rest)


def _core(X: Array, left: list[int], discard: float) -> list[int]:
    """Return step 2, or nothing where no pair of neighbours converges."""
    for start in range(len(left) - 1):
        if _t(X, left[start : start + 2], discard) <= REJECT:
            continue
        best, size = -np.inf, 2
        for k in range(2, len(left) - start + 1):
            t = _t(X, left[start : start + k], discard)
            if t <= REJECT:
                break
            best, size = (t, k) if t > best else (best, size)
        return left[start : start + size]
    return []


def _sieved(X: Array, left: list[int], core: list[int], discard: float, c: float) -> list[int]:
    """Return step 3."""
    others = [i for i in left if i not in set(core)]
    alone = {i: _t(X, [*core, i], discard) for i in others}
    for cut in np.arange(c, _MOST + _STEP, _STEP):
        joined = {i for i, t in alone.items() if t > cut}
        club = [i for i in left if i in joined or i in set(core)]
        if not joined or _t(X, club, discard) > REJECT:
            return club
    return core


def _merged(X: Array, found: list[list[int]], discard: float) -> list[list[int]]:
    """Return step 5: from the top, join the next club as long as both converge together."""
    at = 0
    while at < len(found) - 1:
        both = found[at] + found[at + 1]
        if _t(X, both, discard) > REJECT:
            found = [*found[:at], both, *found[at + 2 :]]
        else:
            at += 1
    return found


def _t(X: Array, units: list[int], discard: float) -> float:
    return log_t(X[units], discard=discard).t


def periods_needed(discard: float = 0.3) -> int:
    """Return the fewest periods of a panel: 10 after those left out.

    With fewer the test rejects convergence that is there. For 31 units with α = 0.1 it did so in 25 % of
    panels of 10 periods, 11 % of 15, 5 % of 20 (nominal 5 %).

    Parameters
    ----------
    discard : float
        As for :func:`log_t`.

    Returns
    -------
    int

    Raises
    ------
    OptionError
        `discard` is not above 0 and below 0.7.

    Examples
    --------
    >>> periods_needed(), periods_needed(0.5)  # 10 / 0.7 and 10 / 0.5
    (15, 20)
    """
    real_number("discard", discard, above=0, below=0.7)
    return int(np.ceil(round(LEAST / (1 - discard), 9)))


def _panel(X: ArrayLike, discard: float) -> Array:
    least = periods_needed(discard)
    X = np.atleast_2d(np.asarray(X, float))
    if len(X) < 2 or X.shape[1] < least:
        raise DataError(
            f"convergence needs 2 units and {least} periods, {LEAST} of them after the first "
            f"{discard:.0%}; found {len(X)} and {X.shape[1]}"
        )
    if not (X > 0).all():
        raise DataError("values are above 0 and none is missing: they are held against their mean")
    return X
