"""Soft edits: values unlike those of the last period, by the method of Hidiroglou and Berthelot."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qstats.errors import DataError, OptionError, kind_of, names_of
from qstats.messages import say
from qstats.stats.edits import hidiroglou_berthelot

if TYPE_CHECKING:
    import pandas as pd

#: with fewer units to compare a median says nothing
LEAST: Final = 5


def soft_edits(
    current: pd.DataFrame,
    previous: pd.DataFrame,
    /,
    *,
    values: str | Sequence[str],
    unit: str | Sequence[str] = "region",
    by: str | Sequence[str] = (),
    U: float = 0.5,
    A: float = 0.05,
    C: float = 4.0,
    lang: str | None = None,
) -> pd.DataFrame:
    """Hold each value against the last period, and flag changes unlike those of the other units.

    Parameters
    ----------
    current, previous : pandas.DataFrame
        Checked tables of this period and the last, one row a unit.
    values : str or sequence of str
        Columns of numbers ≥ 0 to compare.
    unit : str or sequence of str
        Columns that name a unit in both tables.
    by : str or sequence of str
        Columns of `current` within which units are alike: each group has limits of its own.
    U, A, C : float
        See :func:`qstats.stats.edits.hidiroglou_berthelot`.
    lang : {"zh", "en"}, optional
        Language of the messages.

    Returns
    -------
    pandas.DataFrame
        One row a unit and column: the unit, ``period`` (if `current` has it), ``column, value, previous,
        ratio, effect, low, high, flag, message``. ``flag`` is ``high`` | ``low`` (outside the limits),
        ``new`` | ``gone`` (none or zero in one of the periods), ``few`` (fewer than 5 units to compare),
        or empty.

    Raises
    ------
    DataError
        A column is missing, a unit stands twice, a value is negative or no number, neither table has rows.

    References
    ----------
    Hidiroglou, M. A. and Berthelot, J.-M. (1986). Survey Methodology 12(1), 73–83.

    Examples
    --------
    >>> import pandas as pd
    >>> regions = ["安徽", "江苏", "浙江", "山东", "河南"]
    >>> before = pd.DataFrame({"region": regions, "inspected": [100] * 5})
    >>> now = pd.DataFrame({"region": regions, "inspected": [50, 100, 100, 200, 400]})
    >>> found = soft_edits(now, before, values="inspected", U=1)
    >>> found.loc[found["flag"] != "", ["region", "value", "flag"]].values.tolist()
    [['安徽', 50.0, 'low'], ['河南', 400.0, 'high']]
    """
    import pandas as pd

    values, unit = (
        list(dict.fromkeys(names_of(name, given, empty=False)))
        for name, given in (("values", values), ("unit", unit))
    )
    by = list(dict.fromkeys(names_of("by", by)))
    for name in values:
        if name in [*unit, *by, "period"]:
            raise OptionError(say("cells.key_summed", lang, name=name))
    require_columns("current", current, lang, which="soft.current", keys=[*unit, *by], numbers=values)
    require_columns("previous", previous, lang, which="soft.previous", keys=unit, numbers=values)
    period = ["period"] if "period" in current.columns and "period" not in unit else []
    now = _one_row_each(current, unit, say("soft.current", lang), lang)
    before = _one_row_each(previous, unit, say("soft.previous", lang), lang)
    if not len(now) + len(before):
        raise DataError(say("check.empty", lang))
    labels = list(dict.fromkeys([*unit, *period, *by]))
    merged = _merged(now[[*labels, *values]], before[[*unit, *values]], unit, lang)
    codes = merged.groupby(by, dropna=False).ngroup() if by else merged.index * 0
    groups = [merged.index[codes == code] for code in sorted(set(codes))]
    parts = [_compared(merged.loc[g], c, (U, A, C), lang) for c in values for g in groups]
    found = pd.concat(parts).sort_index(kind="stable")
    shown = merged[[*unit, *period]].loc[found.index]
    if period:
        shown = shown.fillna({"period": next(iter(now["period"]), "")})
    return pd.concat([shown, found], axis=1).reset_index(drop=True)


def require_columns(
    argument: str,
    table: Any,
    lang: str | None,
    /,
    *,
    which: str,
    keys: Sequence[str] = (),
    numbers: Sequence[str] = (),
) -> None:
    """Raise unless this is a pandas DataFrame with columns of names (`keys`) and of `numbers`.

    `which` is the key of the message that says which table it is: ``"soft.previous"``.
    """
    import pandas as pd

    kind_of(argument, table, pd.DataFrame, what="a pandas DataFrame")
    for name in (*keys, *numbers):
        told: dict[str, Any] = {"name": name, "which": say(which, lang)}
        if name not in table.columns:
            have = ", ".join(map(str, table.columns[:30]))
            raise DataError(say("soft.no_column", lang, **told, names=have))
        if table.columns.tolist().count(name) > 1:
            raise DataError(say("check.names_twice", lang, error=name))
        kind: Any = (Real, Decimal) if name in numbers else Hashable
        odd = [cell for cell in table[name] if not isinstance(cell, kind) and not _none(cell)]
        if odd:
            key = "soft.no_number" if name in numbers else "soft.no_name"
            raise DataError(say(key, lang, **told, value=f"{odd[0]!r:.200}"))


def _none(cell: Any) -> bool:
    """Whether a cell is empty."""
    import pandas as pd

    return cell is None or cell is pd.NA


def _merged(now: pd.DataFrame, before: pd.DataFrame, unit: list[str], lang: str | None) -> pd.DataFrame:
    """Return the units of both tables; those of one may be numbers where those of the other are texts."""
    try:
        return now.merge(before, on=unit, how="outer", suffixes=("", "@previous"), sort=True)
    except ValueError as error:
        raise DataError(say("soft.unlike", lang, names=", ".join(unit))) from error


def _one_row_each(table: pd.DataFrame, unit: list[str], which: str, lang: str | None) -> pd.DataFrame:
    twice = table[table.duplicated(unit)]
    if len(twice):
        key = unit_text(twice.iloc[0][unit].to_dict())
        raise DataError(say("soft.twice", lang, which=which, key=key))
    return table


def _compared(
    rows: pd.DataFrame, column: str, options: tuple[float, float, float], lang: str | None
) -> pd.DataFrame:
    """Return the edits of one column within one group, under the index of the rows."""
    import pandas as pd

    x, x0 = (rows[name].to_numpy(np.float64, na_value=np.nan) for name in (column, f"{column}@previous"))
    if (negative := (x < 0) | (x0 < 0)).any():
        value = np.where(x < 0, x, x0)[negative][0]
        raise DataError(say("soft.negative", lang, column=column, value=f"{value:g}"))
    U, A, C = options
    edit = hidiroglou_berthelot(x, x0, U=U, A=A, C=C)
    here, before = x > 0, x0 > 0
    few = edit.compared < LEAST
    with np.errstate(invalid="ignore"):
        flags = np.select(
            [
                here & ~before,
                before & ~here,
                here & before & few,
                edit.effect > edit.high,
                edit.effect < edit.low,
            ],
            ["new", "gone", "few", "high", "low"],
            "",
        )
    told = [
        say(f"soft.{f}", lang, value=f"{a:,.15g}", previous=f"{b:,.15g}", count=edit.compared, least=LEAST)
        if f
        else ""
        for f, a, b in zip(flags, x, x0, strict=True)
    ]
    low, high = (np.nan, np.nan) if few else (edit.low, edit.high)
    found: dict[str, Any] = {
        "column": column,
        "value": x,
        "previous": x0,
        "ratio": edit.ratio,
        "effect": edit.effect,
    }
    found |= {"low": low, "high": high, "flag": flags, "message": told}
    return pd.DataFrame(found, index=rows.index)


def unit_text(unit: Mapping[str, object], /) -> str:
    r"""Return the name of a unit as one text, different for different units.

    Examples
    --------
    >>> unit_text({"region": "安徽", "product": "a|b"})
    'region=安徽|product=a\\|b'
    """

    def escaped(value: object) -> str:
        return str(value).strip().replace("\\", "\\\\").replace("|", "\\|")

    return "|".join(f"{name}={escaped(value)}" for name, value in unit.items())
