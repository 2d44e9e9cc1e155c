"""What people type in a cell → a number, a period, a region, an industry; or why not."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from qstats import classifications, periods
from qstats.messages import say

#: multiples of ten that may follow a number or stand in a header; a longer one before its beginning
FACTORS: Final = {
    "万亿": 1e12,
    "千亿": 1e11,
    "百亿": 1e10,
    "十亿": 1e9,
    "亿": 1e8,
    "千万": 1e7,
    "百万": 1e6,
    "十万": 1e5,
    "万": 1e4,
    "千": 1e3,
    "billion": 1e9,
    "million": 1e6,
    "thousand": 1e3,
    "": 1.0,
}
_SPELLED: Final = (("100 ?million", "亿"), ("10,?000", "万"), ("1,?000", "千"))
_MISSING: Final = {"", "nan", "na", "n/a", "null", "none", "-", "--", "—", "——", "…", "……", "..."}
#: units that are one under several words → the word that stands for all of them
SAME_UNIT: Final = {"score": "分", "points": "分", "index points": "index", "pp": "百分点"}

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_CELL = re.compile(
    rf"(?P<number>.*?)(?P<factor>{'|'.join(filter(None, FACTORS))})?(?P<unit>[^\d.,%\s]*)(?P<percent>%?)"
)
#: no number is longer; a longer cell is not searched for one
_LONGEST: Final = 60
#: marks that cannot be seen and change nothing (those that turn digits round are kept, so refused)
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))


class Fault(NamedTuple):
    """Why a cell could not be read: a rule and a sentence with what to do."""

    rule: str
    message: str


class Number(NamedTuple):
    """A number as typed: its value, the factor it carried (万 …), and whether it needed cleaning."""

    value: float
    factor: str = ""
    cleaned: bool = False


def text_of(value: Any) -> str:
    """Return a value as short text for a message."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if is_missing(value) else str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def plain(value: Any) -> str:
    """Return text with full-width characters made ordinary, without outer spaces and invisible marks."""
    text = str(value)
    return (
        text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).translate(_INVISIBLE).strip()
    )


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty, NaN, or holds a mark that says so."""
    if isinstance(value, str):
        return len(value) < _LONGEST and plain(value).casefold() in _MISSING
    # NaN and NaT differ from themselves; pandas.NA does not say
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def read_header(header: Any) -> tuple[str, str]:
    """Return a header in comparable form and the factor of its unit.

    Examples
    --------
    >>> read_header("产值（亿元）"), read_header(" Output "), read_header("value (100 million US$)")
    (('产值', '亿'), ('output', ''), ('value', '亿'))
    """
    text = plain(str(header)[:200]).casefold()
    match = re.fullmatch(r"(.+?)\s*[(\[](.*)[)\]]", text)
    name, unit = (match[1], match[2]) if match else (text, "")
    for spelled, factor in _SPELLED:
        unit = re.sub(rf"^\s*{spelled}", factor, unit)
    factor = next((f for f in FACTORS if f and unit.strip().startswith(f)), "")
    return re.sub(r"[\s_]+", "", name), factor


def odd_unit(header: Any, kind: str) -> str:
    """Return the unit in the header of a column of numbers that cannot be meant, else an empty text.

    A multiple that is not understood (百批) would be left out without a word; a count is no percentage.

    Examples
    --------
    >>> odd_unit("检验数（百批）", "count"), odd_unit("合格数(%)", "count"), odd_unit("产值(万元)", "amount")
    ('百批', '%', '')
    """
    match = re.fullmatch(r".+?\s*[(\[](.*)[)\]]", plain(str(header)[:200]).casefold())
    unit = match[1].strip() if match and not read_header(header)[1] else ""
    share = kind in ("count", "amount") and re.match(r"[%\u2030]|百分|percent", unit)
    return unit if share or re.match(r"百(?!分)|十|\d+k\b", unit) else ""


def one_unit(unit: str) -> str:
    """Return the word that stands for a unit and all its synonyms.

    Examples
    --------
    >>> one_unit("score") == one_unit("分"), one_unit("%")
    (True, '%')
    """
    return SAME_UNIT.get(unit, unit)


def read_number(value: Any, lang: str | None = None) -> Number | Fault:
    """Return the number in a cell, or why there is none.

    Examples
    --------
    >>> read_number("１,２３４"), read_number("1.5亿").value
    (Number(value=1234.0, factor='', cleaned=True), 150000000.0)
    """
    if not isinstance(value, str):
        try:
            number = float(value)
        except OverflowError:
            return Fault("infinite", say("check.infinite", lang))
        except (TypeError, ValueError):
            return Fault("number", say("check.number", lang))
        return Number(number) if math.isfinite(number) else Fault("infinite", say("check.infinite", lang))
    if value.isascii() and value.isdigit() and len(value) < _LONGEST:
        return Number(float(value))
    if len(value) <= _LONGEST and (mark := next((c for c in value if unicodedata.category(c) == "No"), "")):
        return Fault("number", say("check.note_mark", lang, mark=mark))  # 100① is not 1001, nor 100² 1002
    text = plain(value).replace(" ", "").casefold()
    if len(text) > _LONGEST:
        return Fault("number", say("check.number", lang))
    match = _CELL.fullmatch(text)
    digits, factor = (match["number"], match["factor"] or "") if match else (text, "")
    if match and match["percent"]:
        return Fault("percent", say("check.percent", lang))
    if _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    elif "," in digits and re.fullmatch(r"[-+\d.,]+", digits):
        return Fault("grouping", say("check.grouping", lang))
    if not _NUMBER.fullmatch(digits) or (match and match["unit"] and not factor):
        return Fault("number", say("check.number", lang))
    number = float(digits)
    if not math.isfinite(number):
        return Fault("infinite", say("check.infinite", lang))
    return Number(number * FACTORS[factor], factor, cleaned=text != value.strip().casefold() or "," in text)


def read_period(value: Any, lang: str | None = None) -> str | Fault:
    """Return a canonical period, or why it is none."""
    found = periods.normalise(value)
    return found if found is not None else Fault("period", say("check.period", lang))


def read_region(value: Any, lang: str | None = None, *, hints: bool = True) -> str | Fault:
    """Return the short Chinese name of a region, or a fault (naming the nearest, with `hints`)."""
    found = classifications.region_name(_whole(value))
    if found is not None:
        return found
    near = classifications.nearest_region(value) if hints else None
    hint = say("check.near", lang, near=near) if near else say("check.region.none", lang)
    return Fault("region", say("check.region", lang, hint=hint))


def read_edition(value: Any, lang: str | None = None) -> str | Fault:
    """Return the edition of GB/T 4754 (2002, 2011, 2017), or why it is none."""
    match = re.search(r"(2002|2011|2017)$", plain(_whole(value)))
    return match[1] if match else Fault("edition", say("check.edition", lang))


def read_industry(value: Any, edition: str, lang: str | None = None, *, hints: bool = True) -> str | Fault:
    """Return the two-digit division of that edition, or a fault (naming the nearest, with `hints`)."""
    found = classifications.industry_code(edition, _whole(value))
    if found is not None:
        return found
    near = classifications.nearest_industry(edition, value) if hints else None
    hint = say("check.near", lang, near=near) if near else say("check.industry.none", lang)
    return Fault("industry", say("check.industry", lang, edition=edition, hint=hint))


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def each_distinct(values: Sequence[Any], read: Callable[[Any], Any]) -> dict[Any, Any]:
    """Return what `read` makes of every distinct value, called once for each; None for a missing one."""
    return {value: None if is_missing(value) else read(value) for value in set(values)}
