"""Whether an estimate is precise enough to be published."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError
from qstats.stats.design_intervals import design_proportion, effective_size, snap

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Text = NDArray[np.object_]


class ProportionStandard(NamedTuple):
    """What the standard for proportions looks at, and what it says; all of one shape."""

    #: ``publish``, ``footnote``, ``review`` or ``suppress``, and why it is not ``publish``
    verdict: Text
    reason: Text
    #: effective sample size, at most n
    n_eff: Array
    #: length of the interval of Korn and Graubard at 95 %, and relative to p and to 1 − p
    width: Array
    relative: Array
    complement: Array


class RateStandard(NamedTuple):
    """What the standard for rates looks at, and what it says; all of one shape."""

    #: ``publish``, ``review`` or ``suppress``, and why it is not ``publish``
    verdict: Text
    reason: Text
    #: length of the interval, relative to the rate
    relative: Array


def nchs_proportion(
    p: ArrayLike, se: ArrayLike, n: ArrayLike, df: ArrayLike, *, deff_at_bounds: ArrayLike = 1.0
) -> ProportionStandard:
    r"""Apply the presentation standards of the NCHS for proportions, 2017.

    With w the length of the 95 % interval of Korn and Graubard, adjusted to the degrees of freedom and
    with the effective size cut to n, in this order:

    1. n or :math:`n_{eff}` below 30: ``suppress``.
    2. :math:`w \ge 0.30`: ``suppress``. :math:`w \le 0.05`: ``publish``.
    3. Between them: :math:`w/p > 1.30`: ``suppress``; :math:`w/(1-p) > 1.30`: ``footnote``, since the
       complement could not be published by itself.
    4. What is not suppressed and has fewer than 8 degrees of freedom, or is 0 or 100 %: ``review`` by a
       statistician.

    Where no interval exists the verdict is ``suppress``.

    Parameters
    ----------
    p, se, n, df, deff_at_bounds : array_like
        As in :func:`qstats.stats.design_intervals.design_proportion`.

    Returns
    -------
    ProportionStandard

    References
    ----------
    Parker et al. (2017), National Center for Health Statistics Data Presentation Standards for
    Proportions, Vital and Health Statistics 2(175).

    Examples
    --------
    >>> nchs_proportion([0.93, 0.93], [0.01, 0.01], [700, 20], 40).verdict
    array(['publish', 'suppress'], dtype=object)
    """
    p, se, n, df, deff = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (snap(p), se, n, df, deff_at_bounds))
    )
    low, high, impossible = design_proportion(p, se, n, df, deff_at_bounds=deff)
    m = effective_size(p, se, n, deff_at_bounds=deff)
    width = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        relative, complement = width / p, width / (1 - p)
    between = (width > 0.05) & (width < 0.30)
    tests = (
        (impossible != "", "suppress", ""),
        (~(np.minimum(n, m) >= 30), "suppress", "n or n_eff below 30"),
        (width >= 0.30, "suppress", "interval 0.30 or longer"),
        (between & (relative > 1.30), "suppress", "interval longer than 130 % of p"),
        (df < 8, "review", "fewer than 8 degrees of freedom"),
        ((p == 0) | (p == 1), "review", "0 or 100 %"),
        (between & (complement > 1.30), "footnote", "interval longer than 130 % of 1 - p"),
    )
    verdict, reason = _verdicts(tests)
    reason = np.where(impossible != "", impossible, reason).astype(object)
    return ProportionStandard(verdict, reason, m, width, relative, complement)


def nchs_rate(
    rate: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    events: ArrayLike,
    *,
    denominator: ArrayLike = np.inf,
    df: ArrayLike = np.inf,
) -> RateStandard:
    r"""Apply the presentation standards of the NCHS for rates, 2023.

    1. Fewer than 10 events, or a denominator estimated from a sample of fewer than 10: ``suppress``
       (effective numbers, when they come from a sample).
    2. The 95 % interval longer than 160 % of the rate: ``suppress``.
    3. What is not suppressed and has fewer than 8 degrees of freedom: ``review``.

    Parameters
    ----------
    rate, low, high : array_like
        Rates and the limits of their 95 % intervals, in one unit.
    events : array_like
        Number of events, or of effective events.
    denominator : array_like
        Effective sample size of the denominator; ``inf`` when it is known without sampling.
    df : array_like
        Degrees of freedom; ``inf`` when they do not apply.

    Returns
    -------
    RateStandard

    References
    ----------
    Parker et al. (2023), National Center for Health Statistics Data Presentation Standards for Rates
    and Counts, Vital and Health Statistics 2(200).

    Examples
    --------
    >>> nchs_rate([1.5, 1.5], [0.31, 1.1], [4.38, 2.0], [3, 40]).verdict
    array(['suppress', 'publish'], dtype=object)
    """
    given = (rate, low, high, events, denominator, df)
    rate, low, high, events, base, df = np.broadcast_arrays(*(np.asarray(a, float) for a in given))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(rate > 0, (high - low) / rate, np.nan)
    verdict, reason = _verdicts(
        (
            (~(events >= 10), "suppress", "fewer than 10 events"),
            (~(base >= 10), "suppress", "denominator of fewer than 10"),
            (~(relative <= 1.60), "suppress", "interval longer than 160 % of the rate"),
            (df < 8, "review", "fewer than 8 degrees of freedom"),
        )
    )
    return RateStandard(verdict, reason, np.asarray(relative))


def variation(estimate: ArrayLike, std_error: ArrayLike) -> Array:
    r"""Return the coefficient of variation in per cent, :math:`100\,se/|\hat\theta|`.

    Parameters
    ----------
    estimate, std_error : array_like, same shape
        In one unit.

    Returns
    -------
    ndarray
        NaN where the error is unknown or the estimate is 0.

    Examples
    --------
    >>> variation([2.0, -4.0, 0.0], 0.1).tolist()
    [5.0, 2.5, nan]
    """
    x, s = np.broadcast_arrays(np.asarray(estimate, float), np.asarray(std_error, float))
    return np.asarray(np.divide(100 * s, np.abs(x), out=np.full(x.shape, np.nan), where=x != 0))


def bands(values: ArrayLike, limits: ArrayLike, labels: tuple[str, ...], *, unknown: str) -> Text:
    """Return the band of each value: the first whose upper limit is not exceeded.

    Parameters
    ----------
    values : array_like
        Coefficients of variation, say.
    limits : array_like, (K,)
        Upper limits, rising; each belongs to its band.
    labels : tuple of str, (K + 1,)
        Names of the bands; the last has no limit.
    unknown
        Name of what is NaN.

    Returns
    -------
    ndarray of str

    Raises
    ------
    OptionError
        Limits that do not rise, or not one label more than limits.

    Examples
    --------
    >>> bands([16.5, 16.6, 40], [16.5, 33.3], ("publish", "caution", "suppress"), unknown="").tolist()
    ['publish', 'caution', 'suppress']
    """
    x, edges = np.asarray(values, float), np.asarray(limits, float)
    if not (np.diff(edges) > 0).all():
        raise OptionError(f"limits={edges.tolist()} do not rise")
    if len(labels) != len(edges) + 1:
        raise OptionError(f"labels={labels!r}: {len(edges)} limits make {len(edges) + 1} bands")
    names = np.array([*labels, unknown], object)
    place = np.where(np.isnan(x), len(labels), np.searchsorted(edges, x, side="left"))
    return np.asarray(names[place])


def _verdicts(tests: tuple[tuple[Mask, str, str], ...]) -> tuple[Text, Text]:
    """Return the first verdict that holds, and every reason of that verdict's kind."""
    shape = tests[0][0].shape
    verdict = np.full(shape, "publish", object)
    reason = np.full(shape, "", object)
    for where, said, why in tests:
        fresh = where & (verdict == "publish")
        more = where & (verdict == said)
        verdict[fresh], reason[fresh] = said, why
        reason[more] = reason[more] + f"; {why}"
    return verdict, reason
