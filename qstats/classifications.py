"""Regions (GB/T 2260) and manufacturing divisions (GB/T 4754), by code and by name."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from qstats.errors import nearest
from qstats.files import data_path

if TYPE_CHECKING:
    import pandas as pd

EDITIONS = ("2002", "2011", "2017")


@cache
def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(data_path(name), dtype=str, encoding="utf-8")


def regions() -> pd.DataFrame:
    """Return nation, provinces and Anhui's cities: codes, names, groups, tile positions (all text)."""
    return _read("regions.csv").copy()


def industries() -> pd.DataFrame:
    """Return the manufacturing divisions of the three editions of GB/T 4754 (all text)."""
    return _read("industries.csv").copy()


def _plain(text: object) -> str:
    return unicodedata.normalize("NFKC", str(text)).strip().casefold().replace(" ", "")


@cache
def _region_names() -> dict[str, str]:
    names: dict[str, str] = {}
    table = _read("regions.csv")
    for column in ("code", "name_en", "full_name", "name"):  # a short Chinese name wins
        known = table[["name", column]].dropna()
        names |= {_plain(other): name for name, other in known.itertuples(index=False)}
    return names


@cache
def _industry_names() -> dict[tuple[str, str], str]:
    names: dict[tuple[str, str], str] = {}
    table = _read("industries.csv")
    for column in ("name_en", "name_zh", "code"):
        known = table[["edition", "code", column]].dropna()
        names |= {(edition, _plain(other)): code for edition, code, other in known.itertuples(index=False)}
    return names


def region_name(text: object) -> str | None:
    """Return the short Chinese name of a region given by any of its names or its code.

    Examples
    --------
    >>> region_name("安徽省"), region_name("Anhui"), region_name(340000), region_name("安灰")
    ('安徽', '安徽', '安徽', None)
    """
    return _region_names().get(_plain(text))


@cache
def containing_regions(name: str) -> tuple[str, ...]:
    """Return the regions that contain this one, nearest first.

    Examples
    --------
    >>> containing_regions("合肥"), containing_regions("全国")
    (('安徽', '全国'), ())
    """
    table = _read("regions.csv")
    parents: dict[str, str] = dict(table[["name", "parent"]].dropna().itertuples(index=False))
    found: list[str] = []
    while (name := parents.get(name, "")) and name not in found:
        found.append(name)
    return tuple(found)


def nearest_region(text: object) -> str | None:
    """Return the known region whose name is most like `text`."""
    near = nearest(_plain(text), _region_names())
    return _region_names()[near] if near else None


def industry_code(edition: str, text: object) -> str | None:
    """Return the two-digit division of an edition given by code (C13, 13) or name."""
    plain = _plain(text).removeprefix("c")
    return _industry_names().get((edition, plain)) or _industry_names().get((edition, _plain(text)))


def nearest_industry(edition: str, text: object) -> str | None:
    """Return the Chinese name of that edition's division that is most like `text`."""
    known = _read("industries.csv")
    return nearest(_plain(text), known.loc[known["edition"] == edition, "name_zh"])
