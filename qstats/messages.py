"""Sentences for people, in Chinese and English, from one catalogue.

The catalogue is ``assets/messages/*.csv`` with the columns ``key, zh, en``; a field in
braces is filled in by :func:`say`.
"""

from __future__ import annotations

import csv
import os
from functools import cache
from importlib.resources import files
from typing import Literal

from qstats.errors import QStatsError, nearest, one_of

Lang = Literal["zh", "en"]


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return every message as ``{key: {"zh": …, "en": …}}``."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((files("qstats") / "assets" / "messages").iterdir(), key=lambda p: p.name):
        if not path.name.endswith(".csv"):
            continue
        for row in csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()):
            if row["key"] in found:
                raise QStatsError(f"message {row['key']!r} stands twice in the catalogue ({path.name})")
            found[row["key"]] = {"zh": row["zh"], "en": row["en"]}
    return found


def language(lang: str | None = None, /) -> Lang:
    """Return the language to speak: the argument, else ``QSTATS_LANG``, else Chinese."""
    chosen = lang if lang is not None else os.environ.get("QSTATS_LANG") or "zh"
    one_of("lang" if lang is not None else "QSTATS_LANG", chosen, ("zh", "en"))
    return "en" if chosen == "en" else "zh"


def say(key: str, lang: str | None = None, /, **values: object) -> str:
    """Return the message `key` in `lang` with its fields filled in."""
    texts = catalogue().get(key)
    if texts is None:
        raise QStatsError(f"no message {key!r}; nearest: {nearest(key, catalogue())!r}")
    return texts[language(lang)].format(**values)
