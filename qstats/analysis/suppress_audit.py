"""What a table of estimates gives away, and the cells to hide besides the small ones."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import DataError
from qstats.messages import say
from qstats.stats import disclosure
from qstats.stats.disclosure import Array, Mask, Table

COMPLEMENTARY: Final = "suppressed: complementary"


class Options(NamedTuple):
    """What was asked for, checked."""

    minimum_n: int
    told: bool
    cost: str
    protection: float
    percent: bool
    lang: str | None


class Protected(NamedTuple):
    """Flags and intervals of the rows of one table, and by column the least width found and needed."""

    flag: Any
    low: Array
    high: Array
    widths: dict[str, tuple[float, float]]


def protect(
    rows: pd.DataFrame,
    text: pd.DataFrame,
    flag: Any,
    within: list[str],
    marks: dict[str, str],
    options: Options,
) -> Protected:
    """Add the complementary cells of one table, and audit it."""
    primary, n = flag != "", rows["n"].to_numpy(float)
    low, high = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if not primary.any():
        return Protected(flag, low, high, {})
    codes = [np.where(text[k] == marks[k], -1, pd.factorize(text[k])[0]) for k in within]
    M = disclosure.equations(np.column_stack(codes) if codes else np.zeros((len(rows), 0), np.int64))
    _refuse_gaps(M, n, text, options.lang)
    columns = _additive(rows, M, n, options)
    small = np.array([str(reason).startswith("suppressed: n <") for reason in flag])
    table = _table(M, columns, small, options)
    need = np.where(primary[:, None], _need(columns, table, options), 0.0)
    loss = n + 1 if options.cost == "n" else np.ones(len(n))
    try:
        hidden = disclosure.complement(table, primary, need, loss, n > 0)
    except DataError as error:
        raise DataError(say("suppress.impossible", options.lang, why=str(error))) from error
    widths: dict[str, tuple[float, float]] = {}
    for c in np.flatnonzero(hidden):
        for k, name in enumerate(columns):
            if k > 0 and not need[c, k] > 0:
                continue
            found = disclosure.infer(table, hidden, int(c), k)
            if k == 0:
                low[c], high[c] = found.low, found.high
            if need[c, k] > 0:
                widths = closest(widths, {name: (disclosure.width(table, k, found), need[c, k])})
    return Protected(np.where(hidden & ~primary, COMPLEMENTARY, flag), low, high, widths)


def _refuse_gaps(M: Array, n: Array, text: pd.DataFrame, lang: str | None) -> None:
    gap = M @ n
    off = np.abs(gap) > 1e-9 * (np.abs(M) @ n)
    if off.any():
        worst = int(np.argmax(off))
        margin = M[worst] < 0
        first = first_of(text, margin)
        raise DataError(say("suppress.not_additive", lang, first=first, gap=f"{abs(gap[worst]):g}"))


def _additive(rows: pd.DataFrame, M: Array, n: Array, options: Options) -> dict[str, Array]:
    """Return n and every column a reader can add up: those whose margins are the sums of their cells."""
    found = {"n": n}
    tried = {k: rows[k] for k in ("denominator", "numerator", "estimate") if k in rows.columns}
    if "estimate" in tried and "numerator" not in tried:
        tried["estimate × n"] = rows["estimate"] * n / (100 if options.percent else 1)
    for name, column in tried.items():
        x = np.where(n > 0, pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan), 0.0)
        whole = np.rint(x)
        x = whole if np.allclose(x, whole, rtol=0, atol=1e-7) else x
        adds = len(M) > 0 and bool((np.abs(M @ x) <= 1e-9 * (np.abs(M) @ np.abs(x))).all())
        if not adds or any(np.allclose(x, other, rtol=1e-12, atol=0) for other in found.values()):
            continue
        if (x < 0).any():
            raise DataError(say("suppress.negative", options.lang, column=name))
        found[name] = x
    return found


def _table(M: Array, columns: dict[str, Array], small: Mask, options: Options) -> Table:
    """Return the table of independent blocks: a part and the rest, where one column is part of another."""
    names = list(columns)
    S, blocks = np.eye(len(names)), np.column_stack(list(columns.values()))
    part = next((k for k in ("numerator", "estimate × n") if k in columns), None)
    of = "denominator" if "denominator" in columns else "n"
    if part and (part == "numerator" or options.percent) and (columns[part] <= columns[of]).all():
        S[names.index(of), names.index(part)] = 1
        blocks[:, names.index(of)] -= columns[part]
    n, most = columns["n"], np.full(len(blocks), np.inf)
    low = np.where(n > 0, 1.0, 0.0)  # an n of 0 would be shown
    if options.told:
        low = np.where(small | (n == 0), low, float(options.minimum_n))
        most = np.where(small, options.minimum_n - 1.0, np.inf)
    whole = np.array([bool((x == np.rint(x)).all()) for x in columns.values()])
    return Table(M, blocks, S, low, most, whole)


def _need(columns: dict[str, Array], table: Table, options: Options) -> Array:
    """Return the width that every column of every cell must keep, were it primary."""
    n = columns["n"]
    need = []
    for k, x in enumerate(columns.values()):
        share = options.protection * np.maximum(x, n * x.sum() / max(n.sum(), 1.0))
        need.append(np.maximum(share, 1.0) if table.whole[k] else share)
    told = 1.0 if options.minimum_n != 2 else 0.0  # below 2 is 1: the flag itself says so
    need[0] = np.full(len(n), told if options.told else float(options.minimum_n))
    return np.column_stack(need)


def closest(
    one: dict[str, tuple[float, float]], other: dict[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return by column the pair with the least width beyond its need."""
    return {
        name: min(
            (pairs[name] for pairs in (one, other) if name in pairs), key=lambda pair: pair[0] - pair[1]
        )
        for name in one | other
    }


def first_of(keys: pd.DataFrame, where: Any) -> str:
    """Return the keys of the first row where something holds, to be named in a message."""
    row = keys.iloc[int(np.argmax(np.asarray(where)))]
    return ", ".join(f"{key}={value}" for key, value in row.items())
