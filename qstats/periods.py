"""Periods as strings: ``2023``, ``2023H1``, ``2023Q1``, ``2023M05``.

Strings sort, join and print the same in every engine and never shift with a time zone.
A named batch keeps its own text after the year (``2024 batch1(5-6月)``).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: periods in a year, by the letter of the period
PER_YEAR: Final = {"": 1, "H": 2, "Q": 4, "M": 12}
_CANONICAL = re.compile(r"([0-9]{4})(?:(H)([12])|(Q)([1-4])|(M)(0[1-9]|1[0-2]))?")
_CHINESE_DIGITS = str.maketrans("一二三四", "1234")
_FORMS = (
    (re.compile(r"([0-9]{4})(?:\.0+)?年?(?:度)?(?: ?annual)?"), "{0}"),
    (re.compile(r"([0-9]{4})年?[-/ ]?[Hh]([12])"), "{0}H{1}"),
    (re.compile(r"([0-9]{4})年?[-/ ]?[Qq]([1-4])"), "{0}Q{1}"),
    (re.compile(r"([0-9]{4})年?第?([1-4])季度?"), "{0}Q{1}"),
    (re.compile(r"([0-9]{4})(?:年|[-/.]|[Mm])([0-9]{1,2})月?"), "{0}M{1:0>2}"),
    (re.compile(r"([0-9]{4})(?:[-/.])?M([0-9]{2})"), "{0}M{1}"),
)
#: a spreadsheet makes 2023.1 of 2023.10
_OCTOBER_OR_JANUARY = re.compile(r"[0-9]{4}\.1")
_HALVES = {"上半年": "H1", "下半年": "H2"}


def normalise(value: object) -> str | None:
    """Return `value` as a canonical period, or None when it is not one.

    Examples
    --------
    >>> normalise(2023), normalise("2023年第一季度"), normalise("２０２３年5月"), normalise("2023上半年")
    ('2023', '2023Q1', '2023M05', '2023H1')
    """
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if _OCTOBER_OR_JANUARY.fullmatch(text):
        return None
    known = re.sub(r"\s+", "", text)
    if re.fullmatch(r"[0-9]{4}年?第?[一二三四]季度?", known):
        known = known.translate(_CHINESE_DIGITS)
    for name, code in _HALVES.items():
        known = re.sub(rf"^([0-9]{{4}})年?{name}$", rf"\1{code}", known)
    for pattern, form in _FORMS:
        if match := pattern.fullmatch(known):
            found = form.format(*match.groups())
            return found if _CANONICAL.fullmatch(found) else None
    return text if re.match(r"[0-9]{4} \S", text) else None


def _parts(period: str) -> tuple[int, str, int] | None:
    match = _CANONICAL.fullmatch(period)
    if match is None:
        return None
    kind = next((k for k in (match[2], match[4], match[6]) if k), "")
    number = next((int(n) for n in (match[3], match[5], match[7]) if n), 1)
    return int(match[1]), kind, number


def previous(period: str) -> str | None:
    """Return the period before: ``2023Q1`` → ``2022Q4``; None for a named batch."""
    parts = _parts(period)
    if parts is None:
        return None
    year, kind, number = parts
    year, number = (year, number - 1) if number > 1 else (year - 1, PER_YEAR[kind])
    width = 2 if kind == "M" else 1
    return f"{year}{kind}{number:0{width}}" if kind else str(year)


def year_before(period: str) -> str | None:
    """Return the same period of the year before: ``2023Q1`` → ``2022Q1``."""
    parts = _parts(period)
    return None if parts is None else f"{parts[0] - 1}{period[4:]}"


def sort_key(period: str) -> tuple[int, str, int, str]:
    """Return a key that puts periods in order of time, annual before its parts."""
    parts = _parts(period)
    if parts is None:
        year = int(period[:4]) if period[:4].isdigit() else 0
        return year, "~", 0, period
    return *parts, ""


def containing(period: str) -> tuple[str, ...]:
    """Return the periods that contain this one, shortest first; none for a named batch.

    Examples
    --------
    >>> containing("2023M05"), containing("2023Q3"), containing("2023")
    (('2023Q2', '2023H1', '2023'), ('2023H2', '2023'), ())
    """
    parts = _parts(period)
    if parts is None:
        return ()
    year, kind, number = parts
    months = {"": 12, "H": 6, "Q": 3, "M": 1}
    last = number * months[kind]
    longer = [k for k in ("Q", "H") if months[k] > months[kind]]
    return (*(f"{year}{k}{-(-last // months[k])}" for k in longer), *([str(year)] if kind else []))
