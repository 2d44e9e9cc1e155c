"""Convergence clubs: which regions grow alike, and which grow apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.analysis import given
from qstats.analysis.series import series_of
from qstats.errors import DataError, one_of, real_number, yes_or_no
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import clubs as formulas

Array = NDArray[np.float64]


class ClubsFound(NamedTuple):
    """Clubs of units; see :func:`clubs`."""

    members: pd.DataFrame
    clubs: pd.DataFrame
    notes: tuple[str, ...]


def clubs(
    estimate: Estimate,
    /,
    *,
    smooth: float = 400.0,
    logs: bool = False,
    discard: float = 0.3,
    order: formulas.Order = "last",
    sieve: float = 0.0,
    merge: bool = True,
    lang: str | None = None,
) -> ClubsFound:
    r"""Sort regions into clubs whose values converge, by the log t test of Phillips and Sul.

    With :math:`H_t` the mean squared relative distance from the mean, all units converge where the slope b of
    :math:`\ln(H_1/H_t) - 2\ln\ln t` on :math:`\ln t` is not significantly below 0. Where it is, units are
    sorted from the highest down into groups that do. Formulas in :mod:`qstats.stats.clubs`.

    Parameters
    ----------
    estimate : Estimate
        Keys ``period`` and one other; every unit has every period; values above 0. With the usual `discard`
        15 periods at least: the test is one of long-run growth, and in 6 or 10 periods it rejects
        convergence that is there.
    smooth : float
        λ of the Hodrick–Prescott filter that takes out cycles; 400 for years, 0 for none.
    logs : bool
        Whether to take logarithms first (of values above 1), as is usual for incomes.
    discard : float
        Share of the periods left out at the beginning.
    order : {"last", "average"}
        By what units are ordered: the last value, or the mean of the last half.
    sieve : float
        c, how clearly a unit must fit to join.
    merge : bool
        Whether neighbouring clubs that converge together are joined.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    ClubsFound
        * ``members``: one row a unit: its key, ``club`` (1 is the highest; 0: none), ``first, last``
          (smoothed values) and ``relative`` (last value over the mean of all), by club, then by last value.
        * ``clubs``: one row a club (``all`` comes first, ``none`` last where there is one): ``club, units, b,
          std_error, t, periods, mean_first, mean_last, verdict`` (``converges``, ``does not``).
        * ``notes``: what the reader must know.

    Raises
    ------
    DataError
        Too few periods (how many are needed is said), gaps, units with other periods, values of 0 or less.
    OptionError
        A choice that does not exist or is out of range.

    References
    ----------
    Phillips & Sul (2007), Econometrica 75, 1771–1855; (2009), Journal of Applied Econometrics 24, 1153–1185.

    Examples
    --------
    >>> t = np.arange(1, 31)
    >>> rows = [
    ...     {"period": str(1990 + i), "region": f"r{k}", "estimate": level + gap / (i + 2)}
    ...     for k, (level, gap) in enumerate([(60, 5), (60, -5), (80, 6), (80, -6), (80, 2)])
    ...     for i in range(30)
    ... ]
    >>> table = pd.DataFrame(rows).assign(std_error=np.nan, conf_low=np.nan, conf_high=np.nan, n=1)
    >>> found = clubs(Estimate(table, indicator="index", unit="score", method="given"), smooth=0)
    >>> found.members[["region", "club"]].values.tolist()
    [['r2', 1], ['r4', 1], ['r3', 1], ['r0', 2], ['r1', 2]]
    """
    given.one(estimate, lang)
    yes_or_no("logs", logs)
    one_of("order", order, ("last", "average"))
    for name, value in (("smooth", smooth), ("discard", discard), ("sieve", sieve)):
        real_number(name, value)
    formulas.trend_of(np.ones((1, 3)), smooth=smooth)
    units, X, key = _panel(estimate, formulas.periods_needed(discard), lang)
    if logs:
        if not (X > 1).all():
            raise DataError(say("clubs.logs", lang, value=float(X.min())))
        X = np.log(X)
    smoothed = formulas.trend_of(X, smooth=smooth)
    if not (smoothed > 0).all():
        raise DataError(say("clubs.positive", lang, value=float(smoothed.min())))
    found = formulas.clubs(smoothed, discard=discard, order=order, sieve=sieve, merge=merge)
    whole = formulas.log_t(smoothed, discard=discard)
    return ClubsFound(
        _members(units, key, smoothed, found),
        _tests(smoothed, found, whole),
        (say("clubs.note", lang, periods=X.shape[1]), say("clubs.level", lang)),
    )


def _panel(estimate: Estimate, need: int, lang: str | None) -> tuple[list[str], Array, str]:
    keys = [k for k in estimate.keys if k != "period"]
    if len(keys) != 1 or "period" not in estimate.keys:
        raise DataError(say("clubs.keys", lang, keys=", ".join(estimate.keys) or "—"))
    parts = series_of(estimate, need=need, what="clubs()", lang=lang)
    if len(parts) < 2:
        raise DataError(say("clubs.units", lang, count=len(parts)))
    first = parts[0]
    for s in parts[1:]:
        if s.at.tolist() != first.at.tolist() or s.per_year != first.per_year:
            one, other = (f"{p.labels[0]}–{p.labels[-1]}" for p in (first, s))
            raise DataError(
                say("clubs.unlike", lang, unit=first.title, other=s.title, have=one, other_has=other)
            )
    X = np.stack([s.y for s in parts])
    if not (X > 0).all():
        raise DataError(say("clubs.positive", lang, value=float(X.min())))
    return [s.name[0] for s in parts], X, keys[0]


def _members(units: list[str], key: str, X: Array, found: formulas.Clubs) -> pd.DataFrame:
    table = pd.DataFrame({key: units, "club": found.member + 1, "first": X[:, 0], "last": X[:, -1]})
    table["relative"] = X[:, -1] / X[:, -1].mean()
    place = np.where(table["club"] == 0, len(units) + 1, table["club"])
    order = np.lexsort([-X[:, -1], place])
    return table.iloc[order].reset_index(drop=True)


def _tests(X: Array, found: formulas.Clubs, whole: formulas.LogT) -> pd.DataFrame:
    groups: list[tuple[str, NDArray[np.bool_], formulas.LogT | None]] = [
        ("all", np.ones(len(X), bool), whole),
        *((str(i + 1), found.member == i, test) for i, test in enumerate(found.tests)),
    ]
    if (found.member < 0).any():
        groups.append(("none", found.member < 0, found.rest))
    rows = []
    for name, inside, test in groups:
        t = np.nan if test is None else test.t
        verdict = "" if test is None else "converges" if t > formulas.REJECT else "does not"
        row = {"club": name, "units": int(inside.sum())}
        row |= dict.fromkeys(("b", "std_error"), np.nan) if test is None else _numbers(test)
        row |= {"t": t, "periods": 0 if test is None else test.n}
        row |= {"mean_first": X[inside, 0].mean(), "mean_last": X[inside, -1].mean()}
        rows.append(row | {"verdict": verdict})
    return pd.DataFrame(rows)


def _numbers(test: formulas.LogT) -> dict[str, float]:
    return {"b": test.b, "std_error": test.std_error}
