"""The words for what results hold: names of columns, indicators and units, and short technical texts.

``Estimate.method``, ``basis`` and the texts of its columns (flags, verdicts) are codes in plain English: they
are the same whatever the language, so a program can compare them. :func:`told` is what a reader sees of them;
its words stand in ``assets/messages/told.csv``, where a field in braces stands for any text.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import Final

from qstats.errors import OptionError, nearest
from qstats.files import data_path
from qstats.messages import catalogue, language, say

_FIELD: Final = re.compile(r"\\\{(\w+)\\\}")
#: between the parts of a text; the first that stands outside brackets divides it
_BETWEEN: Final = (("; ", "；"), (": ", "："), (", ", "，"))
#: a space that a template leaves between two Chinese words
_GAP: Final = re.compile(
    r"(?<=[\u4e00-\u9fff）]) (?=[\u4e00-\u9fff])|(?<=[，。：；（）]) | (?=[，。：；（）])"
)
_BRACKETED: Final = re.compile(r"(?P<whole>[^()]+) \((?P<part>.+)\)")


@cache
def _labels() -> dict[str, dict[str, str]]:
    """Return the words for columns, indicators, regions and units, by their names."""
    found: dict[str, dict[str, str]] = {}
    with data_path("indicators.csv").open(encoding="utf-8-sig", newline="") as file:
        found |= {row["code"]: {"zh": row["name_zh"], "en": row["name_en"]} for row in csv.DictReader(file)}
    with data_path("frameworks/qci.csv").open(encoding="utf-8-sig", newline="") as file:
        found |= {row["code"]: {"zh": row["name_zh"], "en": row["name_en"]} for row in csv.DictReader(file)}
    with data_path("regions.csv").open(encoding="utf-8-sig", newline="") as file:
        found |= {row["name"]: {"zh": row["name"], "en": row["name_en"]} for row in csv.DictReader(file)}
    with data_path("labels.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["kind"] == "column")
    return found | {row["key"]: {"zh": row["zh"], "en": row["en"]} for row in rows} | _texts("display.col.")


def _texts(start: str) -> dict[str, dict[str, str]]:
    """Return the messages whose keys begin so, by the rest of their keys."""
    return {key.removeprefix(start): texts for key, texts in catalogue().items() if key.startswith(start)}


def label(name: str, lang: str | None = None, /) -> str:
    """Return the words for a column, an indicator, a region or a unit, or its name when it has none."""
    return _labels().get(name, {}).get(language(lang)) or name


def told(text: str, lang: str | None = None, /) -> str:
    """Return a technical text of a result in words for readers; what has no words stays as it is.

    Parameters
    ----------
    text : str
        ``Estimate.method``, ``basis`` or ``unit``, or a text of a column such as ``flag`` or ``verdict``.
    lang : {"zh", "en"}, optional
        Language; by default that of ``QSTATS_LANG``. English is the text itself, with the names of
        columns and indicators in words.

    Returns
    -------
    str

    Examples
    --------
    >>> told("pooled counts, wilson interval", "zh")
    '计数合并计算，Wilson 区间'
    >>> told("undefined: inspected = 0", "zh")
    '无法计算：检验数为 0'
    """
    return label(text, "en") if language(lang) == "en" else _GAP.sub("", _read(text)[0])


def unit_told(unit: str, lang: str | None = None, /) -> str:
    """Return a unit in words; those that are more than their code in a language have a message of their own.

    Examples
    --------
    >>> unit_told("points", "zh"), unit_told("score", "zh"), unit_told("批次", "en")
    ('百分点', '分', 'batches')
    """
    key = f"unit.{unit.replace(' ', '_')}"
    return catalogue()[key][language(lang)] if key in catalogue() else told(unit, lang)


def option_told(error: OptionError, lang: str | None = None, /) -> str:
    """Return what an odd option is told by, in a language where the error says enough for that.

    Examples
    --------
    >>> from qstats.errors import whole_number
    >>> try:
    ...     whole_number("n_draws", 0.5, least=2)
    ... except OptionError as error:
    ...     print(option_told(error, "zh"))
    n_draws=0.5 不是不小于 2 的整数
    """
    if error.options:
        near = nearest(error.value, error.options)
        hint = say("cli.near", lang, near=near) if near else ""
        options = ", ".join(map(str, error.options))
        given = {"argument": error.argument, "value": error.value, "options": options, "hint": hint}
        return say("cli.option", lang, **given).strip()
    if not error.key:
        return str(error)
    words = {
        name: word if name in ("kind", "least", "limits") else told(word, lang)
        for name, word in error.words.items()
    }
    if limits := error.words.get("limits"):
        each = (say(f"option.limit.{w.replace(' ', '_')}", lang, limit=x) for w, x in limits.items())
        words["limits"] = say("option.limit.and", lang).join(each)
    return say(error.key, lang, argument=error.argument, found=f"{error.value!r:.200}", **words)


def without_words(text: str, /) -> list[str]:
    """Return the parts of a technical text that :func:`told` has no Chinese words for.

    Examples
    --------
    >>> without_words("pooled counts, my own interval")
    ['my own']
    """
    return _read(text)[1]


@cache
def _exact() -> dict[str, str]:
    return {texts["en"]: texts["zh"] for texts in _texts("told.").values() if "{" not in texts["en"]}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the texts with fields, those that say most first."""
    fielded = [texts for texts in _texts("told.").values() if "{" in texts["en"]]
    ordered = sorted(fielded, key=lambda texts: -len(_FIELD.sub("", re.escape(texts["en"]))))
    return [
        (re.compile(_FIELD.sub(r"(?P<\1>.+?)", re.escape(texts["en"]))), texts["zh"]) for texts in ordered
    ]


def _read(text: str) -> tuple[str, list[str]]:
    """Return a text in Chinese, and its parts that have no words."""
    known = _exact().get(text) or _labels().get(text, {}).get("zh")
    if known:
        return known, []
    for mark, said in _BETWEEN:
        if len(parts := _parts(text, mark)) > 1:
            return _joined(text, parts, said)
    for pattern, template in _patterns():
        if found := pattern.fullmatch(text):
            read = {name: _read(value) for name, value in found.groupdict().items()}
            return template.format(**{name: words for name, (words, _) in read.items()}), [
                part for _, left in read.values() for part in left
            ]
    if found := _BRACKETED.fullmatch(text):
        words, left = _joined(text, [found["whole"], found["part"]], "（")
        return (f"{words}）", left) if words != text else (text, left)
    if len(parts := _parts(text, " and ")) > 1:
        return _joined(text, parts, "与")
    return text, [text] if any(c.isalpha() and c.isascii() for c in text) else []


def _joined(text: str, parts: list[str], between: str) -> tuple[str, list[str]]:
    """Return the parts in Chinese with a mark between them; the text itself where none has words."""
    read = [_read(part) for part in parts]
    left = [part for _, more in read for part in more]
    if [words for words, _ in read] == parts:
        return text, left
    return between.join(words for words, _ in read), left


def _parts(text: str, mark: str) -> list[str]:
    """Return the parts between marks that stand outside brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and text.startswith(mark, at):
            parts.append(text[start:at])
            start = at + len(mark)
    return [*parts, text[start:]]
