"""What a figure asks of its data, and what it says when that is not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from qstats.errors import DataError, OptionError, nearest
from qstats.estimate import Estimate
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd


def keys(estimate: Estimate, wanted: Sequence[str], lang: str | None, /, *, figure: str) -> None:
    """Raise DataError unless it is an Estimate that has these keys."""
    if not isinstance(estimate, Estimate):
        raise DataError(say("figure.estimate", lang, figure=figure, found=type(estimate).__name__))
    for key in wanted:
        if key not in estimate.keys:
            have = ", ".join(estimate.keys) or "—"
            raise DataError(say("figure.key", lang, figure=figure, key=key, keys=have))


def columns(
    table: pd.DataFrame, wanted: Sequence[str], lang: str | None, /, *, figure: str, source: str
) -> None:
    """Raise DataError unless the table has these columns; `source` is the call that makes such a table."""
    if lost := [name for name in wanted if name not in table.columns]:
        said = {"columns": ", ".join(wanted), "lost": ", ".join(lost), "source": source}
        raise DataError(say("figure.columns", lang, figure=figure, **said))


def one_a_mark(
    table: pd.DataFrame, by: Iterable[str], lang: str | None, /, *, figure: str, shown: Sequence[str] = ()
) -> None:
    """Raise DataError when rows differ by a key that the figure does not show."""
    for key in by:
        values = list(dict.fromkeys(map(str, table[key])))
        if key not in shown and len(values) > 1:
            said = {"count": len(values), "values": ", ".join(values[:4]) + (" …" if len(values) > 4 else "")}
            raise DataError(say("figure.several", lang, figure=figure, key=key, **said))


def at_most(count: int, most: int, lang: str | None, /, *, figure: str) -> None:
    """Raise DataError when there is nothing to draw, or more marks than fit on a page."""
    if not count:
        raise DataError(say("figure.empty", lang, figure=figure))
    if count > most:
        raise DataError(say("figure.most", lang, figure=figure, count=count, most=most))


def known(names: Sequence[str], have: Sequence[str], lang: str | None, /, *, option: str) -> None:
    """Raise OptionError for a name that is not among those there are."""
    for name in names:
        if name not in have:
            near = nearest(name, have) or "—"
            raise OptionError(say("figure.unknown", lang, option=option, name=name, near=near))


def marked(highlight: str | Sequence[str], have: Sequence[str], lang: str | None, /) -> list[str]:
    """Return what is to be set off, as a list of names that there are."""
    names = ([highlight] if highlight else []) if isinstance(highlight, str) else list(highlight)
    known(names, have, lang, option="highlight")
    return names


def in_order(names: Sequence[str], key: str, /) -> list[str]:
    """Return the names once each: regions as the classification lists them, the nation first, else as given.

    Examples
    --------
    >>> in_order(["安徽", "全国", "北京", "安徽"], "region"), in_order(["b", "a", "b"], "node")
    (['全国', '北京', '安徽'], ['b', 'a'])
    """
    once = list(dict.fromkeys(names))
    if key != "region":
        return once
    from qstats.classifications import regions

    place = {name: i for i, name in enumerate(regions()["name"])}
    return sorted(once, key=lambda name: -1 if name == "全国" else place.get(name, len(place)))
