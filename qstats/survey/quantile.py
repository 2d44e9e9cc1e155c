"""Quantiles of any table, with intervals that know the design."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, get_args

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DesignError, OptionError, one_of, within_0_1
from qstats.estimate import Estimate, assemble
from qstats.stats import design_intervals, quantiles
from qstats.stats.design_intervals import Design as Interval
from qstats.survey import adjusting
from qstats.survey.adjustments import ONE
from qstats.survey.cells import Cells, cells_of
from qstats.survey.derived import marked
from qstats.survey.design import Design, Missing
from qstats.survey.entries import entries_of
from qstats.survey.fitting import NO_ERROR, Df, Fit, fit
from qstats.survey.plan import plan
from qstats.survey.results import notes_of
from qstats.survey.units import units_of
from qstats.tally import keys_of

Array = NDArray[np.float64]

#: the sum that counts the rows at or below a value
BELOW: Final = "at or below"
#: the key that tells the values of the column apart
VALUE: Final = "the value"
#: what that key says where there is no value
ABSENT: Final = "nan"


def quantile(
    data: Any,
    /,
    *,
    y: str,
    q: float | Sequence[float] = 0.5,
    by: str | Sequence[str] = (),
    design: Design | None = None,
    rule: quantiles.Rule = "math",
    interval: Interval = "wald",
    df: Df = "domain",
    missing: Missing | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate quantiles of a column, :math:`\hat q = \hat F^{-1}(p)`, with Woodruff's intervals.

    Parameters
    ----------
    data : table or path of Parquet or CSV files
        Records; the distinct values of the column are counted, so cells made before do not serve.
    y : str
        The column.
    q : float or sequence of float
        Shares p in [0, 1].
    rule : {"math", "school", "hf4", … "hf9"}
        Which definition; see :func:`qstats.stats.quantiles.quantile`.
    interval
        Of the share :math:`\hat F(\hat q)`, turned into values.
    by, design, df, missing, level
        As for :func:`ratio`.

    Returns
    -------
    Estimate
        With the further key ``q``. ``flag`` says where the sample bounds a quantile on one side only.

    Raises
    ------
    DataError, DesignError
        As for :func:`ratio`.

    References
    ----------
    Woodruff (1952), JASA 47, 635–646.

    Examples
    --------
    >>> rows = {"plant": [i // 2 for i in range(40)], "days": range(40)}
    >>> quantile(rows, y="days", design=Design(cluster="plant")).value()
    19.0
    """
    if isinstance(data, Cells):
        raise OptionError(
            "quantiles need the distribution of the column, which cells do not keep; give the table"
        )
    one_of("df", df, ("domain", "design"))
    one_of("rule", rule, get_args(quantiles.Rule))
    one_of("interval", interval, design_intervals.DESIGN)
    within_0_1("level", level)
    keys, probs = keys_of(by), _shares_of(q)
    what = plan([*keys, VALUE], design, (y,), missing, None)
    found = cells_of(data, what, derived={VALUE: _text(y)})
    table = pd.concat(
        _quantiles(found, keys, probs, df, rule=rule, interval=interval, level=level), ignore_index=True
    )
    return Estimate(
        table,
        indicator="quantile",
        unit="",
        method=f"{rule}, Woodruff interval ({interval})" if design else str(rule),
        basis=y,
        level=level,
        inference="design" if design else "none",
        provenance=found.provenance,
        notes=notes_of(found),
    )


def _shares_of(q: float | Sequence[float]) -> list[float]:
    """Return the shares p as numbers; each once, at least one."""
    try:
        probs = [float(p) for p in np.atleast_1d(q)]
    except (TypeError, ValueError):
        probs = []
    if not probs or len(set(probs)) < len(probs) or not all(0 <= p <= 1 for p in probs):
        raise OptionError(
            f"q={q!r:.200} must be a share in [0, 1] or a list of different ones; the median is q=0.5"
        )
    return probs


def _text(y: str) -> nw.Expr:
    """Return a column of numbers as text that reads back as the same number."""
    return nw.col(y).cast(nw.Float64).cast(nw.String).fill_null(ABSENT)


def _quantiles(
    found: Cells, keys: list[str], probs: list[float], df: Df, **options: Any
) -> Iterator[pd.DataFrame]:
    """Yield the quantiles of each combination of keys."""
    placed = entries_of(found, keys)
    values, weight, count = found.table[VALUE].astype(float).to_numpy(), _weights(found), found.column("n")
    given = [_distribution(values, weight, count, placed.row == r) for r in range(placed.rows)]
    at = np.array([_at(one, probs, options["rule"]) for one in given])
    shares = [_share(found, values <= at[placed.row, j], keys, df) for j in range(len(probs))]
    for r, (one, n) in enumerate(zip(given, placed.add(count), strict=True)):
        labels = pd.concat([placed.labels.iloc[[r]]] * len(probs), ignore_index=True).assign(q=probs)
        columns = _columns(one, at[r], probs, r, shares, n, options)
        names = ("estimate", "std_error", "conf_low", "conf_high", "n", "df", "flag")
        yield assemble(labels, **dict(zip(names, columns, strict=True)))


def _columns(
    given: quantiles.Distribution | None,
    at: Array,
    probs: list[float],
    r: int,
    shares: list[Fit | None],
    n: float,
    options: dict[str, Any],
) -> list[Any]:
    """Return the quantiles of one row with their errors, limits, counts and reasons."""
    unknown, rows = np.full(len(probs), np.nan), np.full(len(probs), n)
    known = [share for share in shares if share is not None]
    if given is None or not known:
        reason = np.full(len(probs), "" if given else "undefined: no row with a weight and a value", object)
        return [at, unknown, unknown, unknown, rows, unknown, reason]
    error = np.array([share.std_error[r] for share in known])
    F = quantiles.share(given, at)
    variance = np.where((F <= 0) | (design_intervals.snap(F) >= 1), 0.0, error**2)
    degrees = np.array([share.df[r] for share in known])
    got = quantiles.woodruff(given, probs, variance, degrees[0], n=n, **options)
    census = error == 0
    reason = np.where(census, NO_ERROR, got.reason).astype(object)
    low, high = (np.where(census, at, limit) for limit in (got.low, got.high))
    std_error = np.where(census, 0.0, got.std_error)
    return [at, std_error, low, high, rows, degrees, reason]


def _weights(found: Cells) -> Array:
    """Return Σw of each cell after all adjustments."""
    if found.design is None or not found.design.calibrations:
        return found.sum(ONE)
    weight = adjusting.adjustment(found, units_of(found, found.design)).g * found.sum(ONE)
    if (weight < 0).any():
        raise DesignError(
            f"calibration makes the weight of {int((weight < 0).sum())} of {len(weight)} values negative, "
            "and these have no quantiles; say distance='raking', or bounds that keep weights positive"
        )
    return np.asarray(weight, float)


def _distribution(
    values: Array, weight: Array, count: Array, mine: NDArray[np.bool_]
) -> quantiles.Distribution | None:
    """Return the distribution of a row; None where no value has a weight."""
    mine = mine & (weight > 0)
    return quantiles.distribution(values[mine], weight[mine], count[mine]) if mine.any() else None


def _at(given: quantiles.Distribution | None, probs: list[float], rule: quantiles.Rule) -> Array:
    if given is None:
        return np.full(len(probs), np.nan)
    return quantiles.quantile(given, probs, rule=rule)


def _share(found: Cells, below: NDArray[np.bool_], keys: list[str], df: Df) -> Fit | None:
    """Return the shares of the rows whose value, a key here, is at most the quantile of their domain."""
    return fit(marked(found, BELOW, below), BELOW, ONE, by=keys, df=df) if found.design else None
