"""From brands to industries, sectors and the nation: weighted means of indices, with their joint error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qstats.errors import DataError, OptionError, one_of, text
from qstats.estimate import Estimate, assemble, require_estimate
from qstats.messages import say
from qstats.stats import covariance, intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Gaps = Literal["raise", "renormalise"]


class _Placed(NamedTuple):
    """Which row enters which aggregate with what share."""

    labels: pd.DataFrame
    row: Index
    share: Array
    coverage: Array


def roll_up(
    estimate: Estimate,
    /,
    *,
    over: str,
    weights: Mapping[str, float] | pd.DataFrame,
    missing: Gaps = "raise",
) -> Estimate:
    r"""Add indices up over one key: brands to industries, industries to sectors, sectors to the nation.

    .. math:: I_g = \sum_{k \in g} a_k I_k, \qquad a_k = W_k \Big/ \sum_{l \in g} W_l, \qquad
              \operatorname{var} I_g = a' \Sigma\, a

    One step a call, so that every level has weights of its own (sales of brands, value added of
    industries). Estimates of one sample covary, and the errors of the result still do.

    Parameters
    ----------
    estimate : Estimate
    over : str
        The key that goes, its values being added up.
    weights : mapping of value → weight, or DataFrame
        Not negative. A table has the column `over`, ``weight``, and those other keys that weights differ by.
        There are no official ones.
    missing : {"raise", "renormalise"}
        What has a weight and no index (absent, suppressed): refuse, or share out its weight and say in
        ``coverage`` how much is covered.

    Returns
    -------
    Estimate
        The other keys, with ``df`` (Satterthwaite), ``coverage`` and ``parts`` (indices added up).

    Raises
    ------
    DataError
        A row without a weight; a weight without an index, unless renormalised.

    References
    ----------
    Fornell et al. (1996), Journal of Marketing 60(4), 7–18; Satterthwaite (1946), Biometrics 2, for df.

    Examples
    --------
    >>> rows = {"brand": ["a", "b"], "estimate": [80.0, 70.0], "std_error": [3.0, 4.0],
    ...         "conf_low": [74.0, 62.0], "conf_high": [86.0, 78.0], "n": [99, 99]}
    >>> brands = Estimate(pd.DataFrame(rows), indicator="customer_satisfaction", unit="分", method="given")
    >>> whole = roll_up(brands, over="brand", weights={"a": 3, "b": 1})
    >>> whole.value(), whole.table["std_error"].round(4).item()
    (77.5, 2.4622)
    """
    placed = _placed(estimate, over, weights, missing)
    table, Q = estimate.table, len(placed.labels)
    kept = placed.share > 0
    shape = (Q, len(table))
    A = csr_array((placed.share[kept], (placed.row[kept], np.flatnonzero(kept))), shape=shape)
    value = A @ np.nan_to_num(table["estimate"].to_numpy(float))
    se, errors = _error(estimate, A)
    df = _df(estimate, A, se)
    value, se = (np.where(placed.coverage > 0, x, np.nan) for x in (value, se))
    low, high = intervals.mean(value / 100, se / 100, df, method="t", level=estimate.level)
    n = np.bincount(placed.row[kept], table["n"].to_numpy(float)[kept], minlength=Q)
    return estimate.replace(
        assemble(
            placed.labels,
            estimate=value,
            std_error=se,
            conf_low=100 * low,
            conf_high=100 * high,
            n=n,
            df=df,
            coverage=placed.coverage,
            parts=np.bincount(placed.row[kept], minlength=Q),
        ),
        method=f"weighted over {over}; {estimate.method}",
        errors=errors,
    )


def contributions(
    estimate: Estimate,
    /,
    *,
    over: str,
    weights: Mapping[str, float] | pd.DataFrame,
    missing: Gaps = "raise",
) -> Estimate:
    """Return what each part of an aggregate adds to it, in points; they add up to the aggregate.

    Parameters are those of :func:`roll_up`.

    Parameters
    ----------
    estimate, over, weights, missing
        As of :func:`roll_up`.

    Returns
    -------
    Estimate
        The rows of `estimate`: points with their errors, ``share`` (a), ``value`` (the index), ``aggregate``,
        and ``pull``, the share times the index less the aggregate: who lifts it, who holds it back.

    Raises
    ------
    DataError, OptionError
        As of :func:`roll_up`.

    Examples
    --------
    >>> rows = {"brand": ["a", "b"], "estimate": [80.0, 70.0], "std_error": [3.0, 4.0],
    ...         "conf_low": [74.0, 62.0], "conf_high": [86.0, 78.0], "n": [99, 99]}
    >>> brands = Estimate(pd.DataFrame(rows), indicator="customer_satisfaction", unit="分", method="given")
    >>> found = contributions(brands, over="brand", weights={"a": 3, "b": 1}).table
    >>> found["estimate"].tolist(), found["pull"].tolist()
    ([60.0, 17.5], [1.875, -1.875])
    """
    placed = _placed(estimate, over, weights, missing)
    table = estimate.table
    A = csr_array((placed.share, (np.arange(len(table)), np.arange(len(table)))))
    A.eliminate_zeros()
    value = table["estimate"].to_numpy(float)
    points = placed.share * np.nan_to_num(value)
    whole = np.bincount(placed.row, points, minlength=len(placed.labels))[placed.row]
    limits = [placed.share * table[c].to_numpy(float) for c in ("std_error", "conf_low", "conf_high")]
    errors = None if estimate.errors is None else covariance.combine(estimate.errors, A)
    return estimate.replace(
        assemble(
            table[list(estimate.keys)],
            estimate=np.where(np.isnan(value), np.nan, points),
            std_error=limits[0],
            conf_low=limits[1],
            conf_high=limits[2],
            n=table["n"].to_numpy(float),
            share=placed.share,
            value=value,
            aggregate=whole,
            pull=placed.share * (value - whole),
        ),
        indicator=f"{estimate.indicator}_contribution",
        method=f"contributions over {over}; {estimate.method}",
        errors=errors,
    )


def _placed(estimate: Estimate, over: str, weights: Any, missing: Gaps) -> _Placed:
    """Return the share of every row in its aggregate."""
    require_estimate(estimate)
    one_of("missing", missing, ("raise", "renormalise"))
    text("over", over)
    if over not in estimate.keys:
        raise OptionError(say("satisfaction.over", over=over, keys=", ".join(estimate.keys) or "—"))
    others = [key for key in estimate.keys if key != over]
    given = _weights(weights, over, others)
    table = estimate.table
    by = [c for c in given.columns if c != "weight"]
    both = table[list(estimate.keys)].merge(given, on=by, how="left")
    w = both["weight"].to_numpy(float)
    if np.isnan(w).any():
        first = dict(table.loc[np.isnan(w).argmax(), list(estimate.keys)])
        raise DataError(say("satisfaction.no_weight", count=int(np.isnan(w).sum()), first=first))
    labels = table[others].drop_duplicates().reset_index(drop=True) if others else pd.DataFrame(index=[0])
    row = _numbers(table, labels, others)
    there = ~table["estimate"].isna().to_numpy()
    whole = _whole(given, table, labels, over)
    own = np.bincount(row, np.where(there, w, 0.0), minlength=len(labels))
    coverage = np.divide(own, whole, out=np.zeros(len(labels)), where=whole > 0)
    if missing == "raise" and (coverage < 1 - 1e-12).any():
        g = int((coverage < 1 - 1e-12).argmax())
        said = dict(labels.iloc[g]) if others else say("satisfaction.all")
        raise DataError(say("satisfaction.uncovered", group=said, share=f"{100 * (1 - coverage[g]):.4g}"))
    share = np.divide(w, own[row], out=np.zeros(len(w)), where=there & (own[row] > 0))
    return _Placed(labels, row, share, coverage)


def _weights(weights: Any, over: str, others: Sequence[str]) -> pd.DataFrame:
    """Return the weights as a table: the key that goes, keys they differ by, ``weight``."""
    if isinstance(weights, Mapping):
        weights = pd.DataFrame({over: list(weights), "weight": list(weights.values())})
    if not isinstance(weights, pd.DataFrame):
        said = say("satisfaction.weights_kind", value=f"{weights!r:.200}", over=over)
        raise OptionError(said, argument="weights", value=weights)
    lacking = [c for c in (over, "weight") if c not in weights]
    if lacking:
        raise DataError(say("satisfaction.weights_columns", lacking=", ".join(lacking)))
    by = [over, *(key for key in others if key in weights)]
    found = weights[[*by, "weight"]].copy()
    found[by] = found[by].astype(str)
    w = pd.to_numeric(found["weight"], errors="coerce").to_numpy(float)
    found["weight"] = w
    if found.duplicated(by).any() or not (np.isfinite(w) & (w >= 0)).all():
        raise DataError(say("satisfaction.weights_bad", by=", ".join(by)))
    return pd.DataFrame(found)


def _whole(given: pd.DataFrame, table: pd.DataFrame, labels: pd.DataFrame, over: str) -> Array:
    """Return the weight that each aggregate should have, that of parts without an index included.

    A key that weights do not name either crosses with `over` (every period has every brand) or contains it
    (a brand is in one sector); the rows tell which.
    """
    by = [c for c in given.columns if c != "weight"]
    free = [key for key in labels if key not in by and table[key].nunique() > 1]
    nested = [key for key in free if (table.groupby(by)[key].nunique() == 1).all()]
    placed = given.merge(table[[*by, *nested]].drop_duplicates(), on=by, how="left")
    lost = placed[placed[nested].isna().any(axis=1)] if nested else placed.iloc[:0]
    if len(lost):
        keys = ", ".join(nested)
        raise DataError(say("satisfaction.no_home", over=over, part=lost[over].iloc[0], keys=keys))
    keys_of = [key for key in labels if key in by] + nested
    if not keys_of:
        return np.full(len(labels), float(given["weight"].sum()))
    sums = placed.groupby(keys_of, as_index=False)["weight"].sum()
    return np.asarray(labels.merge(sums, on=keys_of, how="left")["weight"].to_numpy(float))


def _numbers(table: pd.DataFrame, labels: pd.DataFrame, others: list[str]) -> Index:
    if not others:
        return np.zeros(len(table), np.intp)
    place = {key: g for g, key in enumerate(labels.itertuples(index=False, name=None))}
    return np.array([place[key] for key in table[others].itertuples(index=False, name=None)], np.intp)


def _error(estimate: Estimate, A: csr_array) -> tuple[Array, covariance.Errors | None]:
    """Return standard errors of A times the estimates, NaN where one is not known."""
    own = estimate.table["std_error"].to_numpy(float)
    unknown = (A != 0).astype(float) @ np.isnan(own).astype(float) > 0
    if estimate.errors is None:
        variance, errors = A.power(2) @ np.nan_to_num(own) ** 2, None
    else:
        errors = covariance.combine(estimate.errors, A)
        variance = covariance.variance(errors)
    return np.where(unknown, np.nan, np.sqrt(np.maximum(variance, 0.0))), errors


def _df(estimate: Estimate, A: csr_array, se: Array) -> Array:
    """Return Satterthwaite's degrees of freedom; infinity where the parts do not tell theirs."""
    table = estimate.table
    own = table["std_error"].to_numpy(float)
    df = table["df"].to_numpy(float) if "df" in table else np.full(len(table), np.inf)
    squares = A.power(4) @ (np.nan_to_num(own) ** 4 / np.where(df > 0, df, np.inf))
    independent = A.power(2) @ np.nan_to_num(own) ** 2
    found = np.divide(independent**2, squares, out=np.full(len(se), np.inf), where=squares > 0)
    return np.where(np.isnan(se), np.nan, found)
