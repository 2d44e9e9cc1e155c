"""Small cells of tables, hidden so that what is shown does not give them away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from qstats.analysis.suppress_audit import Options, closest, first_of, protect
from qstats.errors import DataError, OptionError, mapping, names_of, one_of, real_number, text, whole_number
from qstats.estimate import Estimate
from qstats.messages import language, say
from qstats.stats import disclosure
from qstats.stats.disclosure import Array, Mask

T = TypeVar("T", Estimate, pd.DataFrame)


def suppress(
    table: T,
    /,
    *,
    minimum_n: int,
    keys: Sequence[str] | None = None,
    margins: str | Mapping[str, str] = "*",
    cost: Literal["n", "cells"] = "n",
    reasons: Literal["told", "withheld"] = "told",
    protection: float = 0.2,
    contributors: pd.DataFrame | None = None,
    value: str | None = None,
    dominance: tuple[int, float] | None = None,
    p_percent: float | None = None,
    lang: str | None = None,
) -> T:
    r"""Hide small cells, and others with them, so that no hidden cell can be worked out.

    Primary: :math:`0 < n < minimum_n`, and where contributors are given the rules of dominance and of
    p %. Complementary: the cells whose hiding costs least such that from all margins and cells that are
    shown, and from what the flags say, no primary cell follows more closely than allowed. That is verified
    by linear programming for ``n`` and for each of ``numerator, denominator, estimate`` and estimate × n that
    adds up to the margins.

    Parameters
    ----------
    table : Estimate or DataFrame
        One row a cell with its ``n``; a margin has the value `margins` in the key it adds up. An n of 0 is
        shown: it discloses nobody.
    minimum_n : int
        The least n that may be shown; 1 for none.
    keys : sequence of str, optional
        The one or two keys with margins, by default those that have any; for a DataFrame all its keys. Each
        combination of the other keys is a table of its own.
    margins : str or mapping of key → str
        How a margin is written (``"全国"`` in ``region``).
    cost : {"n", "cells"}
        What is lost by hiding a cell: its n, or one.
    reasons : {"told", "withheld"}
        Whether flags say why a row is hidden. Then they say that n is below the minimum (or not), which
        leaves fewer possibilities: n must remain open to two values at least. Withheld, every hidden row
        has the flag ``suppressed``, and n must remain open by `minimum_n`.
    protection : float
        Share of the value (or of what n contributors have on average) by which other columns must
        remain open; whole numbers at least by 1.
    contributors : DataFrame, optional
        One row a contributor: the keys, and `value`.
    value : str, optional
        Column of `contributors`.
    dominance : (int, float), optional
        (n, k): hide where the n largest have more than k % of the cell.
    p_percent : float, optional
        Hide where the second largest could estimate the largest within p %.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate or DataFrame
        As given, with ``flag`` and, in hidden rows, ``n_low, n_high``: what can be inferred of n. All
        other numbers of hidden rows are NaN. Notes of an Estimate say how many are hidden, and the
        narrowest interval of a primary cell that was verified.

    Raises
    ------
    DataError
        n unknown, margins that do not add up or over more than two keys, or a table that cannot be protected.
    OptionError
        An unknown choice or key.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control; Fischetti & Salazar-González (2001),
    Management Science 47.

    Examples
    --------
    >>> table = pd.DataFrame({"region": ["a", "b", "c", "*"], "n": [3, 40, 12, 55]})
    >>> suppress(table, keys=["region"], minimum_n=5)[["region", "n", "flag"]].values.tolist()
    [['a', nan, 'suppressed: n < 5'], ['b', 40.0, ''],
     ['c', nan, 'suppressed: complementary'], ['*', 55.0, '']]
    """
    if not isinstance(table, Estimate | pd.DataFrame):
        raise DataError(f"{type(table).__name__} is not a table; give an Estimate or a pandas DataFrame")
    if not len(table) or (isinstance(table, pd.DataFrame) and not table.columns.is_unique):
        raise DataError("the table has no rows, or two columns of one name")
    one_of("cost", cost, ("n", "cells"))
    one_of("reasons", reasons, ("told", "withheld"))
    percent = isinstance(table, Estimate) and table.unit == "%"
    options = Options(minimum_n, reasons == "told", cost, protection, percent, lang)
    language(lang)
    _refuse(options, contributors, value, dominance, p_percent)
    if not isinstance(margins, str):
        mapping("margins", margins, of="key to mark")
    keys = None if keys is None else names_of("keys", keys)
    rows = table.table if isinstance(table, Estimate) else table.reset_index(drop=True).copy()
    names = list(table.keys) if isinstance(table, Estimate) else _plain_keys(keys, lang)
    marks = {name: margins if isinstance(margins, str) else margins.get(name, "*") for name in names}
    text = _key_text(rows, names, lang)
    within = _within(text, names, keys, marks, lang)
    primary = {f"suppressed: n < {minimum_n}": disclosure.count_rule(_n(rows, text, lang), minimum_n)}
    if contributors is not None and value is not None:
        primary |= _by_contributors(text, marks, contributors, value, dominance, p_percent, lang)
    flag, low, high = _start_flag(primary), np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    widths: dict[str, tuple[float, float]] = {}
    for part in _parts(text, names, within):
        done = protect(rows.iloc[part], text.iloc[part], flag[part], within, marks, options)
        flag[part], low[part], high[part] = done.flag, done.low, done.high
        widths = closest(widths, done.widths)
    shown = _blank(rows, names, flag, low, high, told=options.told)
    notes = _notes(flag, widths, options)
    return shown if isinstance(table, pd.DataFrame) else _returned(table, shown, notes)


def _refuse(options: Options, contributors: Any, value: Any, dominance: Any, p_percent: Any) -> None:
    """Refuse options out of range, or that do not go together."""
    lang = options.lang
    n: Any = options.minimum_n
    if isinstance(n, bool) or not isinstance(n, Integral) or int(n) < 1:
        raise OptionError(say("suppress.minimum", lang, value=options.minimum_n))
    real_number("protection", options.protection)
    if not 0 <= options.protection <= 1:
        raise OptionError(say("suppress.protection", lang, value=options.protection))
    _refuse_rules(dominance, p_percent, lang)
    if value is not None:
        text("value", value)
    if contributors is not None and not isinstance(contributors, pd.DataFrame):
        raise OptionError(f"contributors is a {type(contributors).__name__}, not a DataFrame")
    ruled = dominance is not None or p_percent is not None
    if not ruled == (contributors is not None) == (value is not None):
        raise OptionError(say("suppress.contributors", lang))


def _refuse_rules(dominance: Any, p_percent: Any, lang: str | None) -> None:
    if p_percent is not None:
        real_number("p_percent", p_percent)
        if not p_percent > 0:
            raise OptionError(say("suppress.rule", lang, rule="p_percent", value=p_percent))
    if dominance is None:
        return
    if not isinstance(dominance, Sequence) or isinstance(dominance, str) or len(dominance) != 2:
        raise OptionError(say("suppress.rule", lang, rule="dominance", value=dominance))
    whole_number("dominance[0]", dominance[0], least=1)
    real_number("dominance[1]", dominance[1], above=0, most=100)


def _plain_keys(keys: Sequence[str] | None, lang: str | None) -> list[str]:
    if keys is None:
        raise OptionError(say("suppress.no_keys", lang))
    return [keys] if isinstance(keys, str) else list(keys)


def _key_text(rows: pd.DataFrame, names: list[str], lang: str | None) -> pd.DataFrame:
    for name in [*names, "n"]:
        if name not in rows.columns:
            raise DataError(say("suppress.no_column", lang, column=name))
    text = rows[names].astype(str)
    repeated = text.duplicated().to_numpy() if names else np.arange(len(rows)) > 0
    if repeated.any():
        first = first_of(text, repeated)
        raise DataError(say("suppress.repeated", lang, count=int(repeated.sum()), first=first))
    return text


def _within(
    text: pd.DataFrame, names: list[str], keys: Sequence[str] | None, marks: dict[str, str], lang: str | None
) -> list[str]:
    """Return the keys that the margins run over."""
    open_ = [name for name in names if (text[name] == marks[name]).any()]
    chosen = open_ if keys is None else [keys] if isinstance(keys, str) else list(keys)
    for key in chosen:
        if key not in names:
            raise OptionError(say("suppress.key", lang, key=key, keys=", ".join(names)))
    over = [name for name in chosen if name in open_]
    if len(over) > 2:
        raise DataError(say("suppress.too_many", lang, count=len(over), keys=", ".join(over)))
    for key in open_:
        if key not in chosen:
            raise DataError(say("suppress.third", lang, key=key))
    return over


def _n(rows: pd.DataFrame, text: pd.DataFrame, lang: str | None) -> Array:
    n = pd.to_numeric(rows["n"], errors="coerce").to_numpy(float, na_value=np.nan)
    bad = ~(n >= 0)
    if bad.any():
        raise DataError(say("suppress.n_unknown", lang, count=int(bad.sum()), first=first_of(text, bad)))
    return np.asarray(n)


def _by_contributors(
    text: pd.DataFrame,
    marks: dict[str, str],
    contributors: pd.DataFrame,
    value: str,
    dominance: tuple[int, float] | None,
    p_percent: float | None,
    lang: str | None,
) -> dict[str, Mask]:
    """Return what the rules of contributors hide; a margin has the contributors of all its cells."""
    for column in [*text.columns, value]:
        if column not in contributors.columns:
            raise DataError(say("suppress.no_column", lang, column=column))
    theirs = contributors[list(text.columns)].astype(str).reset_index(drop=True)
    amount = contributors[value].to_numpy(float)
    person, cell = [], []
    for row in range(len(text)):
        same = np.ones(len(theirs), bool)
        for name in text.columns:
            if text[name].iloc[row] != marks[name]:
                same &= (theirs[name] == text[name].iloc[row]).to_numpy()
        person.append(np.flatnonzero(same))
        cell.append(np.full(same.sum(), row))
    who, where = np.concatenate(person), np.concatenate(cell)
    alone = ~np.isin(np.arange(len(theirs)), who)
    if alone.any():
        first = first_of(theirs, alone)
        raise DataError(say("suppress.unmatched", lang, count=int(alone.sum()), first=first))
    found = {}
    if dominance is not None:
        largest, percent = dominance
        found["suppressed: dominance"] = disclosure.dominance_rule(
            amount[who], where, len(text), largest=largest, percent=percent
        )
    if p_percent is not None:
        found["suppressed: p %"] = disclosure.p_percent_rule(amount[who], where, len(text), p=p_percent)
    return found


def _start_flag(primary: dict[str, Mask]) -> Any:
    """Return the reason of every primary cell, of several the first."""
    return np.select(list(primary.values()), list(primary), default="").astype(object)


def _parts(text: pd.DataFrame, names: list[str], within: list[str]) -> Iterator[Any]:
    """Return the rows of each table: one for each combination of the keys without margins."""
    others = [name for name in names if name not in within]
    if not others:
        yield np.arange(len(text))
        return
    number = text.groupby(others, sort=False).ngroup().to_numpy()
    for group in range(number.max() + 1):
        yield np.flatnonzero(number == group)


def _blank(
    rows: pd.DataFrame, names: list[str], flag: Any, low: Array, high: Array, *, told: bool
) -> pd.DataFrame:
    """Return the rows with every number of a hidden one taken out."""
    hidden = flag != ""
    shown = rows.copy()
    for column in [c for c in rows.columns if c not in (*names, "flag")] if hidden.any() else []:
        number = pd.api.types.is_numeric_dtype(rows[column]) and not pd.api.types.is_bool_dtype(rows[column])
        values = rows[column].astype("float64" if number else object)
        shown[column] = values.where(~hidden, np.nan if number else None)
    before = rows["flag"].to_numpy(object) if "flag" in rows.columns else np.full(len(rows), "", object)
    said = flag if told else np.where(hidden, "suppressed", "")
    return shown.assign(flag=np.where(hidden, said, before).astype(object), n_low=low, n_high=high)


def _notes(flag: Any, widths: dict[str, tuple[float, float]], options: Options) -> list[str]:
    lang = options.lang
    hidden = [str(reason).removeprefix("suppressed: ") for reason in flag if reason]
    if not hidden:
        return [say("suppress.none", lang)]
    reasons = ", ".join(f"{reason}: {hidden.count(reason)}" for reason in dict.fromkeys(hidden))
    reasons = reasons if options.told else "suppressed"
    notes = [say("suppress.done", lang, count=len(hidden), reasons=reasons)]
    if widths:
        found = ", ".join(f"{name}: {width:g}" for name, (width, _) in widths.items())
        needs = ", ".join(f"{name}: {need:g}" for name, (_, need) in widths.items())
        notes.append(say("suppress.verified", lang, widths=found, needs=needs))
    return notes


def _returned(table: Estimate, shown: pd.DataFrame, notes: list[str]) -> Estimate:
    """Return an Estimate made anew, so that nothing hidden comes along."""
    return Estimate(
        shown,
        indicator=table.indicator,
        unit=table.unit,
        method=table.method,
        basis=table.basis,
        level=table.level,
        inference=table.inference,
        provenance=table.provenance,
        notes=(*table.notes, *notes),
        digits=table.digits,
    )
