"""Quantiles of any table, with intervals that know the design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd

from qstats.errors import DataError, OptionError, nearest
from qstats.estimate import Estimate, assemble
from qstats.stats import quantiles
from qstats.stats.design_intervals import Design as Interval
from qstats.survey import duck
from qstats.survey.cells import Cells, cells
from qstats.survey.derived import marked
from qstats.survey.design import Design, Missing
from qstats.survey.fitting import ONE, Df, entries_of, fit
from qstats.tally import keys_of

#: the sum that counts the rows at or below a value
BELOW: Final = "at or below"
#: the key that tells the values of the column apart
VALUE: Final = "the value"


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
    keys, probs = keys_of(by), [float(p) for p in np.atleast_1d(q)]
    with _told_apart(data, y) as frame:
        found = cells(frame, by=[*keys, VALUE], design=design, sums=(y,), missing=missing)
    table = pd.concat(
        _quantiles(found, keys, y, probs, df, rule=rule, interval=interval, level=level), ignore_index=True
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
    )


@contextmanager
def _told_apart(data: Any, y: str) -> Iterator[Any]:
    """Yield the table with a further key: the column as text that reads back as the same number."""
    if duck.is_files(data):
        with duck.opened(data, memory_limit=None, temp_directory=None) as source:
            yield _keyed(source.relation(), y)
    else:
        yield _keyed(pd.DataFrame(data) if isinstance(data, Mapping) else data, y)


def _keyed(table: Any, y: str) -> Any:
    frame = nw.from_native(table)
    columns = frame.collect_schema().names()
    if y not in columns:
        raise DataError(f"no column {y!r}; nearest: {nearest(y, columns)!r}")
    return frame.with_columns(nw.col(y).cast(nw.Float64).cast(nw.String).alias(VALUE)).to_native()


def _quantiles(
    found: Cells, keys: list[str], y: str, probs: list[float], df: Df, **options: Any
) -> Iterator[pd.DataFrame]:
    """Yield the quantiles of each combination of keys."""
    placed = entries_of(found, keys)
    values, weight, count = found.table[VALUE].astype(float).to_numpy(), found.sum(ONE), found.column("n")
    for r in range(placed.rows):
        mine = placed.cell[placed.row == r]
        given = quantiles.distribution(values[mine], weight[mine], count[mine])
        labels = pd.concat([placed.labels.iloc[[r]]] * len(probs), ignore_index=True).assign(q=probs)
        at = quantiles.quantile(given, probs, rule=options["rule"])
        unknown = np.full(len(probs), np.nan)
        n = np.full(len(probs), count[mine].sum())
        if found.design is None:
            reason = np.full(len(probs), "", object)
            columns = [at, unknown, unknown, unknown, n, unknown, reason]
        else:
            shares = [fit(_below(found, values, q), BELOW, ONE, by=keys, df=df) for q in at]
            variance = [np.nan_to_num(share.std_error[r] ** 2) for share in shares]
            got = quantiles.woodruff(given, probs, variance, shares[0].df[r], n=n[0], **options)
            degrees = np.array([share.df[r] for share in shares])
            columns = [got.estimate, got.std_error, got.low, got.high, n, degrees, got.reason]
        names = ("estimate", "std_error", "conf_low", "conf_high", "n", "df", "flag")
        yield assemble(labels, **dict(zip(names, columns, strict=True)))


def _below(found: Cells, values: Any, point: float) -> Cells:
    """Return the cells with a further sum: of the rows whose value, a key here, is at most `point`."""
    return marked(found, BELOW, values <= point)
