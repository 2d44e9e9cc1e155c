"""Numbers as they are printed, in Chinese and English.

Every function takes the unrounded number and rounds once, by GB/T 8170 (half-even) or by
``rule="half-up"``; see :mod:`qstats.stats.rounding`. A missing number prints as nothing in
Chinese and as ``[x]`` in English, never as zero.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal

from qstats.errors import one_of
from qstats.messages import language, say
from qstats.periods import sort_key
from qstats.stats.rounding import Rule, to_decimal

Direction = Literal["up", "down", "flat", "unclear", "unknown"]
Status = Literal["x", "z", "c", "p", "r", "e"]

#: what may be said of a number: not available, below half the last digit, confidential,
#: provisional, revised, derived; the first three stand in place of the number
STATUSES: Final = ("x", "z", "c", "p", "r", "e")
INSTEAD: Final = ("x", "z", "c")
#: units of what rises and falls: rates, scores, indices; a number of things grows or shrinks
_RATED: Final = ("", "%", "index", "points", "score", "分", "百分点", "指数点")
DIRECTIONS: Final = ("up", "down", "flat", "unclear", "unknown")

_CIRCLED: Final = "①②③④⑤⑥⑦⑧⑨⑩"
_ARROWS: Final = {"up": "▲", "down": "▼", "flat": "–", "unclear": "–", "unknown": ""}


def known(x: float | None, /) -> bool:
    """Return whether there is a finite number to print."""
    return x is not None and math.isfinite(x)


def rounds_to_zero(x: float, /, *, digits: int, rule: Rule = "half-even") -> bool:
    """Return whether a number that is not zero would print as zero."""
    return x != 0 and to_decimal(float(x), digits=digits, rule=rule) == 0


def number(
    x: float | None,
    /,
    *,
    digits: int = 2,
    lang: str | None = None,
    group: bool = True,
    rule: Rule = "half-even",
) -> str:
    """Return a number with exactly `digits` decimals.

    Parameters
    ----------
    x : float or None
        The unrounded number.
    digits : int
        Decimals to print, 0 to 9.
    lang : {"zh", "en"}, optional
        Language.
    group : bool
        Thousands separated by commas: from five digits on in Chinese (GB/T 15835 leaves
        four together), from four in English.
    rule : {"half-even", "half-up"}
        What a tie does.

    Examples
    --------
    >>> number(93.646, lang="zh"), number(-1234567, digits=0, lang="en"), number(None, lang="en")
    ('93.65', '−1,234,567', '[x]')
    """
    speech = language(lang)
    if x is None or not math.isfinite(x):
        return missing("x", lang=speech)
    rounded = to_decimal(float(x), digits=digits, rule=rule)
    long = abs(rounded) >= (10_000 if speech == "zh" else 1_000)
    text = f"{abs(rounded):,f}" if group and long else f"{abs(rounded):f}"
    return f"−{text}" if rounded < 0 else text


def percent(x: float | None, /, *, digits: int = 2, lang: str | None = None, rule: Rule = "half-even") -> str:
    """Return a rate that is already in percent, with its sign.

    Examples
    --------
    >>> percent(93.65, lang="zh"), percent(0.1489, digits=1, lang="en")
    ('93.65%', '0.1%')
    """
    return number(x, digits=digits, lang=lang, rule=rule) + ("%" if known(x) else "")


def with_unit(
    x: float | None, unit: str, /, *, digits: int = 2, lang: str | None = None, rule: Rule = "half-even"
) -> str:
    """Return a number followed by its unit; per cent signs and Chinese units touch it.

    Examples
    --------
    >>> with_unit(93.65, "%", lang="zh"), with_unit(12, "批", digits=0, lang="zh")
    ('93.65%', '12批')
    >>> with_unit(85.21, "index", lang="zh"), with_unit(12, "batches", digits=0, lang="en")
    ('85.21', '12 batches')
    """
    text = number(x, digits=digits, lang=lang, rule=rule)
    if not known(x) or unit in ("", "index", "points"):
        return text
    return f"{text}{unit}" if unit[0] in "%‰" or ord(unit[0]) > 0x2E80 else f"{text} {unit}"


def direction(
    x: float | None,
    /,
    *,
    digits: int = 2,
    low: float | None = None,
    high: float | None = None,
    rule: Rule = "half-even",
) -> Direction:
    """Return which way a change goes.

    ``unknown`` without a number; ``unclear`` when its interval covers zero; ``flat`` when
    it rounds to zero; else ``up`` or ``down``. `x` is the change of the unrounded values.

    Examples
    --------
    >>> direction(0.36), direction(0.36, low=-0.1, high=0.82), direction(-0.004)
    ('up', 'unclear', 'flat')
    """
    if x is None or not math.isfinite(x):
        return "unknown"
    if low is not None and high is not None and low <= 0 <= high:
        return "unclear"
    rounded = to_decimal(float(x), digits=digits, rule=rule)
    return "flat" if rounded == 0 else "up" if rounded > 0 else "down"


def arrow(way: Direction, /) -> str:
    """Return ▲, ▼ or – for a direction; words always stand beside it."""
    one_of("direction", way, DIRECTIONS)
    return _ARROWS[way]


def change(
    x: float | None,
    /,
    *,
    unit: str = "%",
    digits: int = 2,
    lang: str | None = None,
    low: float | None = None,
    high: float | None = None,
    rule: Rule = "half-even",
) -> str:
    """Return a change in words.

    Parameters
    ----------
    x : float or None
        The change of the unrounded values, in the unit of the indicator.
    unit : str
        Unit of the indicator; the difference of two percentages is in percentage points.
    low, high : float, optional
        Interval of the change; when it covers zero the words say so.

    Examples
    --------
    >>> change(0.36, lang="zh"), change(-0.1, lang="en"), change(0.39, unit="index", lang="zh")
    ('上升0.36个百分点', 'down 0.10 percentage points', '上升0.39')
    >>> change(12, unit="起", digits=0, lang="zh")
    '增加12起'
    >>> change(0.001, lang="zh"), change(0.36, low=-0.1, high=0.8, lang="zh")
    ('持平', '无明显变化')
    """
    way = direction(x, digits=digits, low=low, high=high, rule=rule)
    if x is None or way in ("flat", "unclear", "unknown"):
        return say(f"format.{way}", lang)
    size = with_unit(abs(x), "" if unit == "%" else unit, digits=digits, lang=lang, rule=rule)
    told = way if unit in _RATED else {"up": "more", "down": "fewer"}[way]
    return say(f"format.{told}", lang, size=size + (say("format.points", lang) if unit == "%" else ""))


def span(
    low: float | None,
    high: float | None,
    /,
    *,
    unit: str = "",
    digits: int = 2,
    lang: str | None = None,
    rule: Rule = "half-even",
) -> str:
    """Return a range: ``63%~68%`` in Chinese, ``63–68%`` in English.

    Examples
    --------
    >>> span(63, 68, unit="%", digits=0, lang="zh"), span(63, 68, unit="%", digits=0, lang="en")
    ('63%~68%', '63–68%')
    >>> span(-2, 1, digits=0, lang="en")  # a dash before a minus sign would be misread
    '−2 to 1'
    """
    if not (known(low) and known(high)):
        return missing("x", lang=lang)
    upper = with_unit(high, unit, digits=digits, lang=lang, rule=rule)
    if language(lang) == "zh":
        return f"{with_unit(low, unit, digits=digits, lang=lang, rule=rule)}~{upper}"
    lower = number(low, digits=digits, lang=lang, rule=rule)
    return f"{lower} to {upper}" if "−" in lower + upper else f"{lower}–{upper}"


def interval(
    low: float | None,
    high: float | None,
    /,
    *,
    digits: int = 2,
    lang: str | None = None,
    rule: Rule = "half-even",
) -> str:
    """Return a confidence interval, ``93.21~94.02``, in English ``(93.21, 94.02)``; missing when a limit is.

    Examples
    --------
    >>> interval(93.214, 94.021, lang="zh"), interval(93.214, 94.021, lang="en")
    ('93.21~94.02', '(93.21, 94.02)')
    """
    if not (known(low) and known(high)):
        return missing("x", lang=lang)
    ends = [number(x, digits=digits, lang=lang, rule=rule) for x in (low, high)]
    return "~".join(ends) if language(lang) == "zh" else f"({', '.join(ends)})"


def years(first: int | str, last: int | str, /, *, lang: str | None = None) -> str:
    """Return a span of years: ``2016—2020年``, ``2016–2020``; one year when they agree.

    Examples
    --------
    >>> years(2016, 2020, lang="zh"), years(2016, 2020, lang="en"), years(2016, 2016, lang="zh")
    ('2016—2020年', '2016–2020', '2016年')
    """
    if str(first) == str(last):
        return period(str(first), lang=lang)
    return f"{first}—{last}年" if language(lang) == "zh" else f"{first}–{last}"


def period(text: str, /, *, lang: str | None = None) -> str:
    """Return a period in words; a named batch keeps its own text.

    Examples
    --------
    >>> period("2023", lang="zh"), period("2023Q1", lang="zh"), period("2023M05", lang="en")
    ('2023年', '2023年第一季度', 'May 2023')
    """
    match = re.fullmatch(r"(\d{4})(?:([HQM])(\d{1,2}))?", text)
    if match is None:
        return text
    key = f"format.period.{match[2]}{int(match[3])}" if match[2] else "format.period.year"
    return say(key, lang, year=sort_key(text)[0])


def rank(
    place: float | None,
    /,
    *,
    of: int | None = None,
    low: float | None = None,
    high: float | None = None,
    lang: str | None = None,
) -> str:
    """Return a place in a ranking, with the range it may lie in when one is given.

    Examples
    --------
    >>> rank(11, of=31, lang="zh"), rank(11, of=31, lang="en"), rank(2, low=1, high=4, lang="zh")
    ('第11位（共31个）', '11th of 31', '第2位（第1~4位）')
    """
    if place is None or not math.isfinite(place):
        return missing("x", lang=lang)
    text = say("format.rank", lang, place=_ordinal(place, lang))
    if of is not None:
        text += say("format.rank.of", lang, of=of)
    if low is not None and high is not None and known(low) and known(high):
        text += say("format.rank.range", lang, low=f"{low:.0f}", high=f"{high:.0f}")
    return text


def _ordinal(place: float, lang: str | None) -> str:
    whole = f"{place:.0f}"
    if language(lang) == "zh":
        return whole
    teen = whole[-2:] in ("11", "12", "13")
    return whole + ("th" if teen else {"1": "st", "2": "nd", "3": "rd"}.get(whole[-1], "th"))


def scaled(
    x: float | None,
    /,
    *,
    unit: str = "",
    digits: int = 2,
    lang: str | None = None,
    rule: Rule = "half-even",
) -> str:
    """Return a large number in 万 or 亿, in English in thousand separators, million or billion.

    Examples
    --------
    >>> scaled(13_423_100, unit="批", lang="zh"), scaled(651_520_000_000, unit="US$", digits=1, lang="en")
    ('1342.31万批', '651.5 billion US$')
    >>> scaled(2476, unit="批", lang="zh"), scaled(20_000, unit="batches", lang="en")
    ('2476批', '20,000 batches')
    """
    if x is None or not math.isfinite(x):
        return missing("x", lang=lang)
    speech = language(lang)
    steps = ((1e8, "亿"), (1e4, "万")) if speech == "zh" else ((1e9, " billion"), (1e6, " million"))
    factor, word = next(((f, w) for f, w in steps if abs(x) >= f), (1.0, ""))
    plain = 0 if factor == 1 and float(x).is_integer() else digits
    text = number(x / factor, digits=plain, lang=speech, group=not word, rule=rule) + word
    if unit and speech == "en":
        return f"{text} {unit}"
    return text + unit


def missing(status: Status = "x", /, *, lang: str | None = None) -> str:
    """Return what stands in place of a number that cannot be printed.

    Examples
    --------
    >>> missing("z", lang="zh"), missing("x", lang="zh"), missing("x", lang="en")
    ('…', '', '[x]')
    """
    one_of("status", status, INSTEAD)
    return {"x": "", "z": "…", "c": "—"}[status] if language(lang) == "zh" else f"[{status}]"


def marks(statuses: Iterable[str], /, *, lang: str | None = None) -> dict[str, str]:
    """Return the mark of each status that occurs, in the fixed order of ``STATUSES``.

    English marks are letters in brackets. Chinese tables leave a missing number blank,
    print … for one below half the last digit, — for a confidential one, and number the
    other remarks ①, ② … in each table.

    Parameters
    ----------
    statuses : iterable of str
        Codes of a column; a cell may carry several, ``"p e"``; empty ones are skipped.

    Raises
    ------
    OptionError
        A code does not exist.

    Examples
    --------
    >>> marks(["r", "", "p"], lang="zh"), marks(["r", "x"], lang="en")
    ({'p': '①', 'r': '②'}, {'x': '[x]', 'r': '[r]'})
    """
    found = {code for cell in statuses for code in str(cell).split()}
    for code in sorted(found):
        one_of("status", code, STATUSES)
    present = [code for code in STATUSES if code in found]
    if language(lang) == "en":
        return {code: f"[{code}]" for code in present}
    circled = iter(_CIRCLED)
    return {c: missing(c, lang="zh") if c in INSTEAD else next(circled) for c in present}


def explain(marked: dict[str, str], /, *, lang: str | None = None) -> list[str]:
    """Return one line for each mark, as printed below a table.

    Examples
    --------
    >>> explain({"p": "①"}, lang="zh"), explain({"x": "[x]"}, lang="en")
    (['① 初步数。'], ['[x] not available.'])
    """
    lines = []
    for code, mark in marked.items():
        text = say(f"format.status.{code}", lang)
        lines.append(f"{mark} {text}" if mark else say("format.blank", lang) + text)
    return lines


def clean(text: object, /, *, limit: int | None = None) -> str:
    r"""Return a name from the data as one line that is safe to print.

    Line breaks become spaces; control characters and marks that turn the direction of
    writing are removed; what exceeds `limit` characters ends in ``…``.

    Examples
    --------
    >>> clean("安徽\u202e省\n", limit=None), clean("很长很长的名字", limit=4)
    ('安徽省', '很长很…')
    """
    spaced = " ".join(str(text).split())
    kept = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return kept if limit is None or len(kept) <= limit else kept[: max(limit - 1, 0)] + "…"
