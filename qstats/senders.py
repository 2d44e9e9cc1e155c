"""Whose return a file is: regions named in a file name, and the regions that are to report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from qstats import classifications, values
from qstats.errors import DataError, names_of
from qstats.messages import say

#: what stands behind the name of a province to mean all of its cities
_ALL_CITIES: Final = re.compile(r"\s*(?:各市|所有市|全部市|\bcities)\s*$", re.IGNORECASE)


def expected_regions(expected: Sequence[str] | None, /, lang: str | None = None) -> tuple[str, ...]:
    """Return the short names of the regions that are to report; by default the 31 provinces.

    ``"安徽各市"`` or ``"Anhui cities"`` stands for all cities of a province, where they are known: the
    classification has those of Anhui.

    Raises
    ------
    DataError
        A region is not known, or its cities are not.

    Examples
    --------
    >>> len(expected_regions(None)), expected_regions(["安徽省", "320000"])
    (31, ('安徽', '江苏'))
    >>> len(expected_regions(["安徽各市"]))
    16
    """
    if expected is None:
        table = classifications.regions()
        return tuple(table.loc[table["level"] == "province", "name"])
    names, found = names_of("expected", expected), list[str]()
    if not names:
        raise DataError(say("returns.nobody_expected", lang))
    for name in names:
        all_cities = _ALL_CITIES.search(name)
        known = classifications.region_name(_ALL_CITIES.sub("", name))
        if known is None:
            raise DataError(say("returns.expected", lang, name=name))
        found += _cities(known, lang) if all_cities else [known]
    return tuple(dict.fromkeys(found))


def _cities(province: str, lang: str | None) -> list[str]:
    """Return the cities of a province, or raise where the classification has none."""
    table = classifications.regions()
    cities = table[table["level"] == "city"]
    found: list[str] = cities.loc[cities["parent"] == province, "name"].tolist()
    if not found:
        known = ", ".join(cities["parent"].unique())
        raise DataError(say("returns.no_cities", lang, name=province, known=known))
    return found


def owner(region: str, expected: tuple[str, ...], /) -> str:
    """Return the expected region that a region is, or lies in; itself when there is none.

    Examples
    --------
    >>> owner("合肥", ("安徽", "江苏")), owner("全国", ("安徽",))
    ('安徽', '全国')
    """
    chain = (region, *classifications.containing_regions(region))
    return next((name for name in chain if name in expected), region)


@cache
def _spellings() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return patterns of the names and codes of regions, the longest first."""
    table = classifications.regions()
    pairs = {
        str(text): name
        for column in ("full_name", "name", "name_en", "code")
        for name, text in table[["name", column]].dropna().itertuples(index=False)
    }
    ordered = sorted(pairs.items(), key=lambda pair: -len(pair[0]))
    return tuple(
        (
            re.compile(
                rf"(?<![a-z0-9]){re.escape(t.casefold())}(?![a-z0-9])" if t.isascii() else re.escape(t)
            ),
            name,
        )
        for t, name in ordered
    )


def regions_named(text: str, /) -> tuple[str, ...]:
    """Return the regions that a text names, by any of their names or codes.

    Examples
    --------
    >>> regions_named("2023年安徽省合肥市报表"), regions_named("Shaanxi_2023"), regions_named("340000-a")
    (('合肥', '安徽'), ('陕西',), ('安徽',))
    """
    left, found = values.plain(text[:500]).casefold(), []
    for pattern, name in _spellings():
        left, times = pattern.subn("\0", left)
        found += [name] if times else []
    return tuple(sorted(set(found)))


def sender_of(path: Path, expected: tuple[str, ...], /) -> tuple[str, ...]:
    """Return whose return a file is by its name, else by the folders it lies in, the nearest first."""
    for text in (path.stem, *(part for part in reversed(path.parts[:-1]))):
        named = {name for name in regions_named(text) if name != "全国" or name in expected}
        # of a city and its province the city; both may belong to one expected region
        inner = {n for n in named if not any(n in classifications.containing_regions(m) for m in named)}
        if inner:
            return tuple(sorted({owner(name, expected) for name in inner}))
    return ()
