"""How much of a change is mix, and how much is rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.analysis import given
from qstats.errors import DataError, OptionError, one_of, text
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import decompose as formulas
from qstats.tally import keys_of

Absent = Literal["refuse", "other-end"]
Array = NDArray[np.float64]

ALL: Final = "all"
_WIDE: Final = ["estimate", "std_error", "conf_low", "conf_high", "weight"]


class _Ends(NamedTuple):
    """Both ends of a change by cell: arrays of shape (2, cells), and the keys of the cells."""

    keys: pd.DataFrame
    weight: Array
    rate: Array
    std_error: Array
    low: Array
    high: Array
    filled: NDArray[np.bool_]


def decompose(
    estimate: Estimate,
    /,
    *,
    by: str | Sequence[str],
    earlier: str,
    later: str,
    over: str = "period",
    weights: Any = None,
    method: formulas.Method = "shapley",
    absent: Absent = "refuse",
    lang: str | None = None,
) -> Estimate:
    r"""Split the change of a pooled or weighted rate into the effects of mix and of rates.

    A rate is :math:`R = \sum_k w_k p_k`. It can fall although no class gets worse, when classes
    with low rates gain weight (Simpson's paradox). With Shapley's weights, the default,

    .. math:: R_1 - R_0 = \underbrace{\sum_k (w^1_k - w^0_k)\frac{p^0_k + p^1_k}{2}}_{\text{mix}}
              + \underbrace{\sum_k \frac{w^0_k + w^1_k}{2}(p^1_k - p^0_k)}_{\text{rate}}

    By two keys, region and industry say, the weight is the share of the region times the share of the
    industry within it, and there are three effects.

    Parameters
    ----------
    estimate : Estimate
        Rates by the keys `over` and `by`; other keys are kept, one split each.
    by : str or sequence of one or two str
        The classes, or the outer and the inner ones.
    earlier, later : str
        The two values of `over`: periods, or two regions.
    over : str
        The key the change is over.
    weights : table, optional
        Columns `over`, `by` and ``weight`` (output, say). By default the column ``denominator``: the
        number of checks, which gives the pooled rate.
    method : {"shapley", "laspeyres", "paasche", "lmdi"}
        ``laspeyres`` weighs by the beginning and ``paasche`` by the end; both leave an interaction.
        ``lmdi`` needs positive rates, and the split of the failure rate is not the mirror of that of
        the pass rate. See :func:`qstats.stats.decompose.effects`.
    absent : {"refuse", "other-end"}
        A class without rate at one end: refuse, or give it weight 0 there and the rate of the other
        end, so that its coming or going is all mix.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        In points. Keys: the other keys, ``effect`` (``mix``, or ``mix:`` and each key; ``rate``;
        ``interaction`` where one is left; ``total``) and the outer key of `by`, with ``all`` for the sums.
        The part of a class in the outermost mix counts its distance from the whole: a class that grows
        adds when it is better than the whole. Columns ``share`` (of the total, in per cent; missing where
        the total is 0) and ``clear``. The error takes weights as fixed and rates as independent, or as
        the joint error of the Estimate says; limits are MOVER's, so a rate of 100 % adds its own error.

    Raises
    ------
    DataError
        A key, an end, weights or a class are missing; a zero rate with ``lmdi``.
    OptionError
        `earlier` and `later` are the same; a choice that does not exist.

    References
    ----------
    Kitagawa (1955), JASA 50, 1168–1194. Shorrocks (2013), Journal of Economic Inequality 11, 99–126.

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import inspection_pass_rate
    >>> checks = {"period": ["2022", "2022", "2023", "2023"], "size": ["large", "small"] * 2,
    ...           "inspected": [900, 100, 300, 700], "passed": [855, 60, 288, 448]}
    >>> rate = inspection_pass_rate(checks, by=["period", "size"])
    >>> found = decompose(rate, by="size", earlier="2022", later="2023")
    >>> [round(found.value(effect=e, size="all"), 2) for e in ("mix", "rate", "total")]
    [-20.1, 2.2, -17.9]
    """
    given.one(estimate, lang)
    for argument, end in (("earlier", earlier), ("later", later), ("over", over)):
        text(argument, end)
    one_of("absent", absent, ("refuse", "other-end"))
    one_of("method", method, formulas.METHOD)
    by = keys_of(by)
    if earlier == later:
        raise OptionError(say("decompose.same", lang, end=earlier))
    others = _other_keys(estimate, by, over, lang)
    table = _weighed(estimate, [over, *by], weights, lang)
    parts = []
    cov = estimate.covariance() if estimate.errors is not None else None
    for name, rows in _groups(table, others):
        ends = _ends(rows, by, over, (earlier, later), absent, lang)
        part = _split(ends, by, method, cov, rows, over, (earlier, later), estimate.level)
        parts.append(part.assign(**dict(zip(others, name, strict=True)))[[*others, *part.columns]])
    return estimate.replace(
        pd.concat(parts, ignore_index=True),
        unit="points" if estimate.unit == "%" else estimate.unit,
        method=f"{method} effects of {' and '.join(by)}, {later} on {earlier}, weights fixed; "
        f"{estimate.method}",
        notes=(*estimate.notes, say("decompose.note", lang)),
    )


def _other_keys(estimate: Estimate, by: list[str], over: str, lang: str | None) -> list[str]:
    if not 1 <= len(by) <= 2:
        raise OptionError(say("decompose.by", lang, count=len(by)))
    for key in (over, *by):
        if key not in estimate.keys:
            raise DataError(say("decompose.no_key", lang, key=key, keys=", ".join(estimate.keys) or "—"))
    return [key for key in estimate.keys if key not in (over, *by)]


def _groups(table: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    return [(n, t) for n, t in table.groupby(keys, sort=False)] if keys else [((), table)]


def _weighed(estimate: Estimate, keys: list[str], weights: Any, lang: str | None) -> pd.DataFrame:
    table = estimate.table.assign(_row=np.arange(len(estimate)))
    if weights is None:
        if "denominator" not in table:
            raise DataError(say("decompose.no_weights", lang))
        return table.assign(weight=table["denominator"].astype(float))
    try:
        given = pd.DataFrame(weights)
    except (TypeError, ValueError):
        raise OptionError(f"weights={weights!r:.200} is no table of {', '.join(keys)} and weight") from None
    lacking = [c for c in (*keys, "weight") if c not in given]
    if lacking:
        raise DataError(say("decompose.weights", lang, columns=", ".join(lacking)))
    given = given[[*keys, "weight"]].astype(dict.fromkeys(keys, str))
    if given.duplicated(keys).any():
        raise DataError(
            say("decompose.twice", lang, first=given[given.duplicated(keys)][keys].iloc[0].to_dict())
        )
    return table.drop(columns="weight", errors="ignore").merge(given, on=keys, how="left")


def _ends(
    rows: pd.DataFrame, by: list[str], over: str, ends: tuple[str, str], absent: Absent, lang: str | None
) -> _Ends:
    for end in ends:
        if not (rows[over] == end).any():
            raise DataError(
                say(
                    "decompose.no_end",
                    lang,
                    key=over,
                    end=end,
                    have=", ".join(sorted(set(rows[over]))) or "—",
                )
            )
    sides = [rows[rows[over] == end].set_index(by) for end in ends]
    cells = sides[0].index.union(sides[1].index)
    theta, se, low, high, weight = (np.stack([side.reindex(cells)[c] for side in sides]) for c in _WIDE)
    empty = np.isnan(theta) | ~(weight > 0)
    if empty.any() and absent == "refuse":
        which = [f"{ends[i]} {cells[k]}" for i, k in zip(*np.nonzero(empty), strict=True)]
        raise DataError(say("decompose.absent", lang, which="; ".join(which[:8])))
    gone = empty.all(axis=0)
    if gone.all():
        raise DataError(say("decompose.nothing", lang, ends=", ".join(ends)))
    fill = np.where(np.isnan(theta), theta[::-1], theta)
    keys = cells.to_frame(index=False)[~gone]
    weight = np.where(empty, 0.0, weight)
    found = _Ends(keys.reset_index(drop=True), weight, fill, se, low, high, np.isnan(theta))
    return found._replace(**{f: getattr(found, f)[:, ~gone] for f in found._fields[1:]})


def _factors(ends: _Ends, by: list[str]) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return the factors at both ends, shape (factors, cells), and the outer class of each cell."""
    outer = pd.factorize(ends.keys[by[0]])[0]
    sides = []
    for w, p in zip(ends.weight, ends.rate, strict=True):
        share = np.bincount(outer, w) / w.sum()
        if len(by) == 1:
            sides.append(np.stack([share[outer], p]))
            continue
        inner = np.divide(w, np.bincount(outer, w)[outer], out=np.zeros(w.size), where=w > 0)
        sides.append(np.stack([share[outer], inner, p]))
    return sides[0], sides[1], np.asarray(outer, np.intp)


def _split(
    ends: _Ends,
    by: list[str],
    method: formulas.Method,
    cov: Array | None,
    rows: pd.DataFrame,
    over: str,
    names: tuple[str, str],
    level: float,
) -> pd.DataFrame:
    x0, x1, outer = _factors(ends, by)
    found = formulas.effects(x0, x1, method=method)
    effects = ["mix"] if len(by) == 1 else [f"mix:{key}" for key in by]
    effects += ["rate", "interaction"][: len(found.value) - len(effects)]
    classes = pd.unique(ends.keys[by[0]])
    member = (outer == np.arange(len(classes))[:, None]).astype(float)
    linear, values, labels = [], [], []
    whole = np.hstack([-x0[:-1].prod(axis=0), x1[:-1].prod(axis=0)])
    for e, effect in enumerate(effects):
        c = np.hstack([found.by_earlier[e], found.by_later[e]])
        inside = np.hstack([member, member])
        linear += [c, *(inside * c - (_centre(x0, x1, outer, len(classes), method) if e == 0 else 0.0))]
        parts = member @ found.value[e]
        if e == 0:
            parts = parts - _centre(x0, x1, outer, len(classes), method) @ ends.rate.ravel()
        values += [found.value[e].sum(), *parts]
        labels += [(effect, ALL), *((effect, name) for name in classes)]
    total = float(x1.prod(axis=0).sum() - x0.prod(axis=0).sum())
    C, E = _lent(np.vstack([*linear, whole]), ends.filled), np.array([*values, total])
    labels.append(("total", ALL))
    low, high = formulas.limits(E, C, *(a.ravel() for a in (ends.rate, ends.low, ends.high)))
    se = np.sqrt(np.where(C == 0, 0.0, C**2 * ends.std_error.ravel() ** 2).sum(axis=1))
    if cov is not None:
        se = _joint_error(C, cov, ends, by, rows, over, names)
        low, high = _normal(E, se, level)
    return _result(labels, by[0], E, se, low, high, total)


def _lent(C: Array, filled: NDArray[np.bool_]) -> Array:
    """Give the coefficient of a rate that was taken from the other end to that end."""
    sides = C.reshape(len(C), 2, -1)
    taken = np.where(filled, sides, 0.0)
    return np.asarray((sides - taken + taken[:, ::-1]).reshape(C.shape))


def _centre(x0: Array, x1: Array, outer: Any, classes: int, method: formulas.Method) -> Array:
    r"""Return :math:`\Delta w_k \partial \bar R/\partial p`, shape (classes, 2 cells); 0 for LMDI."""
    first = np.array([np.flatnonzero(outer == k)[0] for k in range(classes)])
    moved = (x1[0] - x0[0])[first]
    a, b = {"shapley": (0.5, 0.5), "laspeyres": (1.0, 0.0), "paasche": (0.0, 1.0), "lmdi": (0.0, 0.0)}[method]
    return np.outer(moved, np.hstack([a * x0[:-1].prod(axis=0), b * x1[:-1].prod(axis=0)]))


def _joint_error(
    C: Array, cov: Array, ends: _Ends, by: list[str], rows: pd.DataFrame, over: str, names: tuple[str, str]
) -> Array:
    at = [
        rows[rows[over] == name]
        .set_index(by)["_row"]
        .reindex(pd.MultiIndex.from_frame(ends.keys) if len(by) > 1 else ends.keys[by[0]])
        for name in names
    ]
    place = np.concatenate([part.to_numpy(float) for part in at])
    there = ~np.isnan(place)
    picked = place[there].astype(int)
    V = cov[np.ix_(picked, picked)]
    A = C[:, there]
    used = np.where(np.isnan(V), np.inf, V)
    clean = np.where(np.isfinite(used), used, 0.0)
    unknown = (np.abs(A) @ np.isnan(np.diag(V)).astype(float)) > 0
    return np.where(unknown, np.nan, np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", A, clean, A), 0.0)))


def _normal(E: Array, se: Array, level: float) -> tuple[Array, Array]:
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    return E - z * se, E + z * se


def _result(
    labels: list[tuple[str, str]], key: str, E: Array, se: Array, low: Array, high: Array, total: float
) -> pd.DataFrame:
    known = ~np.isnan(low) & ~np.isnan(high)
    nothing = abs(total) <= 1e-12 * max(1.0, float(np.abs(E).max()))
    clear = pd.Series((low > 0) | (high < 0), dtype="boolean").where(pd.Series(known))
    return pd.DataFrame(labels, columns=["effect", key]).assign(
        estimate=E,
        std_error=se,
        conf_low=low,
        conf_high=high,
        n=np.nan,
        share=np.full(E.size, np.nan) if nothing else 100 * E / total,
        clear=clear,
    )
