r"""Shewhart charts of rates, counts and single values; many series at once.

Arrays end in time: shape (…, T). Phase I is the first `baseline` points, from which centre and spread are
estimated; limits then hold for every point. A point without a denominator is missing: it has no value and
takes no part in the centre or in a moving range. A point signals when it lies *strictly* outside its limits.

Conventions, where texts differ: the moving range of two is divided by 1.128 (the printed table; exactly
:math:`2/\sqrt\pi = 1.12838`), and no moving range is left out as an outlier.

References
----------
Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., chapters 6 and 7. Laney (2002),
Improved control charts for attributes, Quality Engineering 14(4), 531–537.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, real_number, whole_number

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Spread = Literal["nominal", "laney"]

#: mean range of two standard normals as tables print it; 2/√π to more digits
D2: Final = 1.128
#: D₄ of two: the upper limit of a moving range over their mean
D4: Final = 3.267


class Baseline(NamedTuple):
    """What phase I says; see :func:`rate_baseline`. Every field has shape (…)."""

    centre: Array
    #: spread of the standardised values over what the counts alone would give (1: nominal)
    sigma_z: Array
    #: points that the centre rests on
    points: Array


class Chart(NamedTuple):
    """Values with their limits, each of shape (…, T)."""

    value: Array
    #: (value − centre) over the standard error of the counts alone
    z: Array
    centre: Array
    low: Array
    high: Array

    @property
    def outside(self) -> Mask:
        """Which points lie strictly outside the limits."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.value < self.low) | (self.value > self.high), bool)


def moving_range(x: ArrayLike, *, baseline: int | None = None) -> Array:
    r"""Return the mean moving range, :math:`\overline{MR} = \operatorname{mean}_t |x_t - x_{t-1}|`.

    Parameters
    ----------
    x : array_like, shape (…, T)
        A pair with a missing value has no range.
    baseline : int, optional
        Points of phase I; all by default.

    Returns
    -------
    ndarray, shape (…)
        NaN without any pair.

    Examples
    --------
    >>> float(moving_range([1.0, 3.0, 2.0, 6.0])), float(moving_range([1.0, 3.0, 2.0, 6.0], baseline=3))
    (2.3333333333333335, 1.5)
    """
    x = np.asarray(x, float)[..., :baseline]
    ranges = np.abs(np.diff(x, axis=-1))
    some = ~np.isnan(ranges)
    count = some.sum(-1)
    total = np.where(some, ranges, 0.0).sum(-1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0), float)


def rate_baseline(
    x: ArrayLike,
    n: ArrayLike,
    *,
    kind: Literal["p", "u"],
    baseline: int | None = None,
    spread: Spread = "nominal",
    divisor: float = D2,
) -> Baseline:
    r"""Estimate centre and spread of a rate in phase I.

    .. math:: \bar p = \frac{\sum x}{\sum n}, \qquad
              z_t = \frac{p_t - \bar p}{\sqrt{\bar p(1 - \bar p)/n_t}}, \qquad
              \sigma_z = \frac{\overline{MR}(z)}{1.128}

    for events over exposure (``u``) with :math:`\sqrt{\bar u/T_t}` below. `nominal` takes σ_z = 1.

    Parameters
    ----------
    x, n : array_like, shape (…, T)
        Counts, and what they are counted of: items inspected (``p``), exposure (``u``).
    kind : {"p", "u"}
        Binomial or Poisson.
    baseline : int, optional
        Points of phase I; all by default.
    spread : {"nominal", "laney"}
        ``laney``: widened (or narrowed) by what consecutive points differ beyond the counts.
    divisor : float
        d₂ of a moving range.

    Returns
    -------
    Baseline
        NaN for a series without exposure in phase I; σ_z NaN without two consecutive points.

    Raises
    ------
    DataError
        A negative count, x > n where `kind` is ``p``.
    OptionError
        A choice that does not exist, a baseline of fewer than two points, a divisor that is not positive.

    Examples
    --------
    >>> found = rate_baseline([5, 15, 10, 10], [100, 100, 100, 100], kind="p", spread="laney")
    >>> float(found.centre), round(float(found.sigma_z), 3)
    (0.1, 1.478)
    """
    one_of("spread", spread, ("nominal", "laney"))
    real_number("divisor", divisor, above=0)
    x, n = counts(x, n, kind=kind)
    _check_baseline(baseline, x.shape[-1])
    x, n = x[..., :baseline], n[..., :baseline]
    seen = n > 0
    T = np.where(seen, n, 0.0).sum(-1)
    centre = np.divide(np.where(seen, x, 0.0).sum(-1), T, out=np.full(T.shape, np.nan), where=T > 0)
    sigma_z = np.ones_like(centre)
    if spread == "laney":
        sigma_z = moving_range(standardise(x, n, centre, kind=kind)) / divisor
    return Baseline(centre, sigma_z, seen.sum(-1).astype(float))


def standardise(x: ArrayLike, n: ArrayLike, centre: ArrayLike, *, kind: Literal["p", "u"]) -> Array:
    r"""Return :math:`z = (x/n - c)/s`, with :math:`s^2 = c(1-c)/n` (``p``) or :math:`c/n` (``u``).

    NaN where n is not positive, or where the centre leaves no room for chance (0, or 1 of a share), unless
    the value is the centre itself, where z is 0.

    Parameters
    ----------
    x, n : array_like, shape (…, T)
        Counts, and what they are counted of.
    centre : array_like, shape (…)
        c.
    kind : {"p", "u"}

    Returns
    -------
    ndarray, shape (…, T)

    Examples
    --------
    15 of 100 about 10 % are 0.05 / 0.03 standard errors off:

    >>> standardise([10, 15], [100, 100], 0.1, kind="p").round(3).tolist()
    [0.0, 1.667]
    """
    x, n = np.asarray(x, float), np.asarray(n, float)
    c = np.asarray(centre, float)[..., None]
    s = nominal_error(n, centre, kind=kind)
    with np.errstate(invalid="ignore", divide="ignore"):
        d = x / n - c
        return np.asarray(np.where(s > 0, d / s, np.where(d == 0, 0.0, np.nan)), float)


def nominal_error(n: ArrayLike, centre: ArrayLike, *, kind: Literal["p", "u"]) -> Array:
    """Return the standard error of a rate by its counts alone, √(c(1 − c)/n) (``p``) or √(c/n) (``u``).

    Parameters
    ----------
    n : array_like, shape (…, T)
    centre : array_like, shape (…)
        c.
    kind : {"p", "u"}

    Returns
    -------
    ndarray, shape (…, T)
        NaN where n is not positive.

    Examples
    --------
    >>> nominal_error([100, 400], 0.1, kind="p").round(6).tolist()
    [0.03, 0.015]
    """
    n, c = np.asarray(n, float), np.asarray(centre, float)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(np.where(n > 0, (c * (1 - c) if kind == "p" else c) / n, np.nan)), float)


def rate_chart(
    x: ArrayLike, n: ArrayLike, base: Baseline, /, *, kind: Literal["p", "u"], width: float = 3.0
) -> Chart:
    r"""Return a p, p′, u, u′ or c chart about a baseline.

    .. math:: \bar p \pm w\,\sigma_z \sqrt{\bar p(1-\bar p)/n_t}, \qquad
              \bar u \pm w\,\sigma_z\sqrt{\bar u/T_t}

    cut to what a rate can be. A c chart is a u chart of exposure 1.

    Parameters
    ----------
    x, n : array_like, shape (…, T)
    base : Baseline
        Its fields of shape (…).
    kind : {"p", "u"}
    width : float
        w, in standard errors.

    Returns
    -------
    Chart

    Raises
    ------
    DataError
        A negative count, x > n where `kind` is ``p``.
    OptionError
        Another kind, a width that is not positive.

    Examples
    --------
    >>> x, n = [5, 15, 10, 24], [100, 100, 100, 100]
    >>> chart = rate_chart(x, n, rate_baseline(x, n, kind="p", baseline=3), kind="p")
    >>> chart.high.round(3).tolist(), chart.outside.tolist()
    ([0.19, 0.19, 0.19, 0.19], [False, False, False, True])
    """
    real_number("width", width, above=0)
    x, n = counts(x, n, kind=kind)
    s = nominal_error(n, base.centre, kind=kind)
    c = np.broadcast_to(np.asarray(base.centre, float)[..., None], s.shape)
    reach = width * np.asarray(base.sigma_z, float)[..., None] * s
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(n > 0, x / n, np.nan)
    top = 1.0 if kind == "p" else np.inf
    return Chart(
        value=value,
        z=standardise(x, n, base.centre, kind=kind),
        centre=np.array(c),
        low=np.maximum(c - reach, 0.0),
        high=np.minimum(c + reach, top),
    )


class Individuals(NamedTuple):
    """Centre, spread and limits of single values; every field has shape (…)."""

    centre: Array
    sigma: Array
    low: Array
    high: Array
    moving_range: Array
    #: upper limit of the moving range, 3.267 times its mean
    range_high: Array


def individuals(
    x: ArrayLike, *, baseline: int | None = None, width: float = 3.0, divisor: float = D2
) -> Individuals:
    r"""Return the limits of a chart of single values.

    .. math:: \bar x \pm w\,\hat\sigma, \qquad \hat\sigma = \overline{MR}/1.128

    Parameters
    ----------
    x : array_like, shape (…, T)
    baseline : int, optional
        Points of phase I; all by default.
    width, divisor : float
        w, and d₂.

    Returns
    -------
    Individuals

    Raises
    ------
    OptionError
        A baseline of fewer than two points, a width or a divisor that is not positive.

    Examples
    --------
    >>> found = individuals([10.0, 12.0, 11.0, 13.0])
    >>> round(float(found.sigma), 4), round(float(found.high), 3)
    (1.4775, 15.933)
    """
    real_number("width", width, above=0)
    real_number("divisor", divisor, above=0)
    x = np.asarray(x, float)
    _check_baseline(baseline, x.shape[-1])
    first = x[..., :baseline]
    some = ~np.isnan(first)
    count = some.sum(-1)
    total = np.where(some, first, 0.0).sum(-1)
    centre = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    ranges = moving_range(first)
    sigma = ranges / divisor
    return Individuals(
        centre, sigma, centre - width * sigma, centre + width * sigma, ranges, np.asarray(D4 * ranges)
    )


def dispersion(x: ArrayLike, n: ArrayLike, base: Baseline, /, *, kind: Literal["p", "u"]) -> Array:
    r"""Return Pearson's dispersion :math:`\phi = \sum z_t^2/(m - 1)` about the baseline.

    About 1 when the counts alone explain the spread; with φ = 4 nominal limits are half as wide as needed.

    Parameters
    ----------
    x, n, base, kind
        As for :func:`rate_chart`.

    Returns
    -------
    ndarray, shape (…)
        NaN of fewer than two points.

    Examples
    --------
    z of −5/3, 5/3, 0 and 0, so φ = 50/9 / 3:

    >>> x, n = [5, 15, 10, 10], [100, 100, 100, 100]
    >>> round(float(dispersion(x, n, rate_baseline(x, n, kind="p"), kind="p")), 4)
    1.8519
    """
    z = standardise(x, n, base.centre, kind=kind)
    m = (~np.isnan(z)).sum(-1)
    total = np.nansum(z**2, axis=-1)
    return np.asarray(np.divide(total, m - 1, out=np.full(total.shape, np.nan), where=m > 1), float)


def counts(x: ArrayLike, n: ArrayLike, *, kind: Literal["p", "u"]) -> tuple[Array, Array]:
    """Return counts and denominators of one shape, NaN where either is.

    Parameters
    ----------
    x, n : array_like, shape (…, T)
    kind : {"p", "u"}

    Returns
    -------
    x, n : ndarray, shape (…, T)

    Raises
    ------
    DataError
        A single value, a negative count, x > n where `kind` is ``p``.

    Examples
    --------
    >>> [part.tolist() for part in counts([1, 2], [10, float("nan")], kind="p")]
    [[1.0, nan], [10.0, nan]]
    """
    one_of("kind", kind, ("p", "u"))
    x, n = np.broadcast_arrays(np.asarray(x, float), np.asarray(n, float))
    if x.ndim == 0:
        raise DataError("a chart needs a series: found a single value; give arrays that end in time")
    bad = (x < 0) | (n < 0) | ((x > n) if kind == "p" else False)
    if bad.any():
        at = np.unravel_index(int(np.argmax(bad)), bad.shape)
        rule = "0 ≤ x ≤ n" if kind == "p" else "x ≥ 0 and n ≥ 0"
        raise DataError(f"counts need {rule}; found x={x[at]:g} of n={n[at]:g} at {tuple(map(int, at))}")
    gone = np.isnan(x) | np.isnan(n)
    return np.where(gone, np.nan, x), np.where(gone, np.nan, n)


def _check_baseline(baseline: int | None, T: int) -> None:
    if baseline is None:
        return
    whole_number("baseline", baseline, least=2)
    if baseline > T:
        raise OptionError(f"baseline={baseline!r}: phase I takes from 2 to all {T} points of the series")
