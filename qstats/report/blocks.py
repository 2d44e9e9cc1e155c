"""What sections are written with: sentences about an item, numbered tables and figures, notices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from qstats.errors import DataError, nearest
from qstats.estimate import Estimate
from qstats.messages import catalogue, language, say
from qstats.report import editorial, formats, tables
from qstats.report.facts import Facts
from qstats.report.page import Section
from qstats.report.words import change_words, unit_name

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Writer:
    """Collects the blocks of one section and numbers its tables and figures.

    Parameters
    ----------
    facts : Facts
    key : str
        The id of the section, and of its title in the message catalogue.
    place : int or str
        The number of the section, which begins the numbers of its tables and figures.
    lang : {"zh", "en"}
    book : str
        The kind of report, which begins the keys of its own messages (``special.food``: the topic's, then
        the kind's); others are those of the annual report.
    """

    facts: Facts
    key: str
    place: int | str
    lang: str
    book: str = "annual"
    blocks: list[str] = field(default_factory=list)
    simulated: bool = False
    _simulated_before: int = 0
    _tables: int = 0
    _figures: int = 0
    _under: str = ""
    _names: list[str] = field(default_factory=list)
    _said: dict[str, str] = field(default_factory=dict)

    def say(self, key: str, /, **values: object) -> str:
        """Return a message of this kind of report, or of the annual one, in the language of the section."""
        self._said |= {f"{key}.{name}": str(value) for name, value in values.items()}
        return say(self._message(key), self.lang, **values)

    def _message(self, key: str) -> str:
        """Return the key of a message: of the book, else of the kind the book belongs to, else annual."""
        books = (self.book, self.book.partition(".")[0], "annual")
        return next((f"{one}.{key}" for one in books if f"{one}.{key}" in catalogue()), f"annual.{key}")

    def heading(self, key: str) -> None:
        """Begin a part of the section."""
        self._under = key
        self.blocks.append(f"<h3>{escape(self.say(key))}</h3>")

    def text(self, *sentences: str) -> None:
        """Add a paragraph of sentences."""
        self._paragraph("p", sentences)

    def note(self, *sentences: str) -> None:
        """Add a small paragraph: what the reader must know of the numbers above."""
        self._paragraph("p", sentences, ' class="qs-note"')

    def points(self, sentences: Iterable[str]) -> None:
        """Add a list of key points."""
        items = "".join(self._worded("li", begun(sentence, self.lang)) for sentence in sentences)
        self.blocks.append(f'<ul class="qs-key">{items}</ul>')

    def numbered(self, items: Iterable[tuple[str, Iterable[tuple[str, str, str]]]]) -> None:
        """Add a numbered list; each item has a name and paragraphs: name, heading, text."""
        colon = self.say("colon")
        rows = (
            "".join(
                self._worded("p", begun(text, self.lang), name=f"{self.key}.{item}.{part}", lead=head + colon)
                for part, head, text in parts
            )
            for item, parts in items
        )
        self.blocks.append(f'<ol class="qs-numbered">{"".join(f"<li>{row}</li>" for row in rows)}</ol>')

    def _paragraph(self, tag: str, sentences: Sequence[str], more: str = "") -> None:
        gap = "" if self.lang == "zh" else " "
        if said := [begun(sentence, self.lang) for sentence in sentences if sentence]:
            self.blocks.append(self._worded(tag, gap.join(said), more))

    def _worded(self, tag: str, text: str, more: str = "", *, name: str = "", lead: str = "") -> str:
        """Return a paragraph with its name, in the words of the editor where there are any."""
        under = self._under or self.key
        if not name:
            name = f"{under}.{1 + sum(known.rpartition('.')[0] == under for known in self._names)}"
        self._names.append(name)
        begin = f"<strong>{escape(lead)}</strong>" if lead else ""
        own = editorial.paragraphs(self.facts.editorial, self.lang).get(name)
        marked = f'{tag} data-text="{escape(name, quote=True)}"{more}'
        if own is None:
            return f"<{marked}>{begin}{escape(text)}</{tag}>"
        words = editorial.resolved(own, name, self.facts, self._said, self.lang)
        return "".join(
            f"<{marked} data-edited>{begin if at == 0 else ''}{html}</{tag}>" for at, html in enumerate(words)
        )

    def _require_used(self) -> None:
        """Refuse words of the editor for a paragraph that this section does not have, or for no section."""
        for name in editorial.paragraphs(self.facts.editorial, self.lang):
            section = name.partition(".")[0]
            if section == self.key and name not in self._names:
                near = nearest(name, self._names) or ", ".join(self._names[:3])
                raise DataError(say("editorial.no_paragraph", self.lang, key=name, near=near))
            if self._message(section) not in catalogue():
                titles = [key.partition(".")[2] for key in catalogue() if key.count(".") == 1]
                near = nearest(section, titles) or "summary"
                raise DataError(say("editorial.no_paragraph", self.lang, key=name, near=near))

    def table(
        self,
        frame: pd.DataFrame,
        caption: str,
        columns: Sequence[tables.Field],
        *,
        unit: str = "",
        notes: Sequence[str] = (),
        highlight: str | Sequence[str] = (),
        simulated: bool = False,
    ) -> None:
        """Add a numbered table."""
        self._tables += 1
        self.simulated |= simulated
        self.blocks.append(
            tables.table(
                frame,
                caption=caption,
                columns=columns,
                unit=unit,
                notes=notes,
                highlight=highlight,
                number=self.say("table", section=self.place, number=self._tables),
                simulated=simulated,
                lang=self.lang,
            )
        )

    def figure(self, drawing: Any, caption: str, *, simulated: bool = False) -> None:
        """Add a numbered figure."""
        self._figures += 1
        self.simulated |= simulated
        self.blocks.append(
            tables.figure(
                drawing,
                caption=caption,
                key=f"{self.key}-figure-{self._figures}",
                number=self.say("figure", section=self.place, number=self._figures),
            )
        )

    def absent(self, *keys: str) -> None:
        """Say of each item without a figure for the year that there is none, and why; give the latest."""
        never = [key for key in keys if self.facts.history(key) is None]
        if len(never) > 1:
            names = self.say("list").join(self.facts.item(key)[self.lang] for key in never)
            period, place = formats.period(self.facts.period, lang=self.lang), self.facts.place(self.lang)
            self.text(self.say("none_ever_of", period=period, region=place, names=names))
            keys = tuple(key for key in keys if key not in never)
        for key in keys:
            if self.facts.current(key) is not None:
                continue
            history = self.facts.history(key)
            if history is None:
                self.text(self.facts.reason(key, self.lang))
                continue
            last = history.where(period=latest(history))
            name, shown = self.facts.item(key)[self.lang], value(last, self.lang)
            now, then = (
                formats.period(p, lang=self.lang) for p in (self.facts.period, last.table["period"].iloc[0])
            )
            self.text(self.say("latest", name=name, last=then, value=shown, period=now))

    def told(self, *keys: str) -> None:
        """Write a sentence on each item that has a figure, and of the others that there is none."""
        for key in keys:
            if self.facts.current(key) is not None:
                self.text(item_sentence(self.facts, key, self.lang))
        self.absent(*keys)

    def gaps(self, *histories: Estimate, key: str = "trend.gaps") -> None:
        """Say that gaps are left open where a series has one."""
        if any(gapped(one) for one in histories):
            self.note(self.say(key))

    def section(self) -> Section:
        """Return what has been written."""
        self._require_used()
        return Section(
            self.key,
            self.say(self.key),
            "\n".join(self.blocks),
            kind="summary" if self.key == "summary" else "section",
            simulated=self.simulated or len(self.facts.simulated) > self._simulated_before,
            lang=self.lang,
            sources=tuple(sorted(self.facts.datasets)),
        )


def writer(facts: Facts, key: str, place: int | str, lang: str | None, book: str = "annual") -> Writer:
    """Return a writer for a section."""
    return Writer(facts, key, place, language(lang), book, _simulated_before=len(facts.simulated))


def begun(sentence: str, lang: str) -> str:
    """Return a sentence begun with a capital; names of classes and indicators have none of their own."""
    return sentence if lang == "zh" else sentence[:1].upper() + sentence[1:]


def latest(estimate: Estimate) -> str:
    """Return the last period of an estimate."""
    from qstats.periods import sort_key

    return str(max(estimate.table["period"], key=sort_key))


def gapped(estimate: Estimate) -> bool:
    """Return whether a period is lacking between the first and the last of an estimate."""
    from qstats.periods import previous, sort_key

    there = sorted(set(estimate.table["period"]), key=sort_key)
    return any(previous(later) != earlier for earlier, later in pairwise(there))


def value(estimate: Estimate, lang: str | None) -> str:
    """Return the one number of an estimate with its unit."""
    return formats.with_unit(
        estimate.value(), unit_name(estimate.unit, lang), digits=estimate.digits, lang=lang
    )


def item_stated(facts: Facts, key: str, current: Estimate, lang: str | None) -> str:
    """Return the begin of a sentence on an item: period, region, value, interval."""
    row = current.table.iloc[0]
    place = facts.item(key)["place"]
    abroad = isinstance(place, str) and place != "" and not place.startswith(facts.region)
    sentence = say(
        "annual.value.no_region" if abroad else "annual.value",
        lang,
        period=formats.period(facts.period, lang=lang),
        region="" if facts.region == "全国" and language(lang) == "zh" else facts.place(lang),
        name=facts.item(key)[language(lang)],
        value=value(current, lang),
    )
    if not math.isnan(row["conf_low"]):
        unit = unit_name(current.unit, lang)
        shown = formats.span(row["conf_low"], row["conf_high"], unit=unit, digits=current.digits, lang=lang)
        sentence += say("annual.value.interval", lang, interval=shown)
    return sentence


def item_sentence(facts: Facts, key: str, lang: str | None) -> str:
    """Return one sentence on an item: its value, its interval, its change on the year before."""
    current = facts.current(key)
    if current is None:
        return facts.reason(key, lang)
    words = change_words(current, facts.change(key), lang)
    change = say("annual.value.change", lang, change=words) if words else say("annual.value.no_change", lang)
    return item_stated(facts, key, current, lang) + change + say("annual.stop", lang)


def card(facts: Facts, key: str, w: Writer, /) -> tables.Card:
    """Return the card of an item: value, interval, change on the year before."""
    current, change = facts.current(key), facts.change(key)
    assert current is not None
    row = current.table.iloc[0]
    shown_unit = "" if current.unit == "index" else unit_name(current.unit, w.lang)
    shown = (
        "" if math.isnan(row["conf_low"])
        else formats.span(
            row["conf_low"], row["conf_high"], unit=shown_unit, digits=current.digits, lang=w.lang
        )
    )  # fmt: skip
    words = change_words(current, change, w.lang)
    difference = None if change is None else float(change.table["estimate"].iloc[0])
    limits = () if change is None else tuple(change.table[["conf_low", "conf_high"]].iloc[0])
    known = bool(limits) and not math.isnan(limits[0])
    return tables.Card(
        label=facts.item(key)[w.lang],
        value=formats.number(float(row["estimate"]), digits=current.digits, lang=w.lang),
        unit=shown_unit,
        change=words,
        direction=formats.direction(
            difference,
            digits=current.digits,
            low=limits[0] if known else None,
            high=limits[1] if known else None,
        ),
        interval=shown,
        level=current.level,
    )
