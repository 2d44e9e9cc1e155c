"""The sections of a special report: one topic, from what it is made of to what should be done.

A topic is a module: the facts it rests on, the sentences of its summary, three sections, its rules.
A new topic is such a module, its messages, and a line of :data:`TOPICS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, Literal

from qstats.errors import DataError, one_of
from qstats.messages import say
from qstats.report import findings
from qstats.report.blocks import Writer, writer
from qstats.report.facts import Facts
from qstats.report.page import Section
from qstats.report.sections_outlook import write_appendix

Topic = Literal["food", "size", "rapex", "inspections"]
#: the module of each topic: ``facts, said, overview, parts, causes``, ``RULES, TOLD, USED, KEYS``
TOPICS: Final = {
    "food": "special_food",
    "size": "special_size",
    "rapex": "special_rapex",
    "inspections": "special_inspections",
}
#: in the order of the report
SECTIONS = ("summary", "overview", "parts", "causes", "problems", "appendix")


def _topic(topic: str) -> Any:
    one_of("topic", topic, list(TOPICS))
    return import_module(f"qstats.report.{TOPICS[topic]}")


def facts(
    topic: Topic = "food", /, *, year: int | None = None, region: str = "全国", editorial: str = ""
) -> Facts:
    """Return the facts of a topic, by default of the newest year that it was published for.

    Raises
    ------
    OptionError, DataError
        An unknown topic; a region that is not the nation; a year without figures of the topic.
    """
    if Facts.of(0, region).region != "全国":
        raise DataError(say("report.nation_only", kind="special", region=region))
    found: Facts = _topic(topic).facts(year, editorial)
    return found


def _writer(facts: Facts, topic: str, key: str, place: int | str, lang: str | None) -> Writer:
    one_of("topic", topic, list(TOPICS))
    return writer(facts, key, place, lang, f"special.{topic}")


def summary(facts: Facts, topic: Topic, /, *, lang: str | None = None) -> Section:
    """要点: at most six sentences."""
    w = _writer(facts, topic, "summary", 0, lang)
    said = [*_topic(topic).said(w)]
    said += [
        one.problem
        for one in findings.found(facts, w.lang, rules=_topic(topic).RULES)
        if one.rule not in _topic(topic).TOLD
    ]
    w.points(said[:6])
    return w.section()


def overview(facts: Facts, topic: Topic, /, *, lang: str | None = None) -> Section:
    """一: the whole of the topic."""
    return _written(facts, topic, "overview", 1, lang)


def parts(facts: Facts, topic: Topic, /, *, lang: str | None = None) -> Section:
    """二: by class, size or product."""
    return _written(facts, topic, "parts", 2, lang)


def causes(facts: Facts, topic: Topic, /, *, lang: str | None = None) -> Section:
    """三: what makes up the failures, the change, or the signals."""
    return _written(facts, topic, "causes", 3, lang)


def _written(facts: Facts, topic: str, key: str, place: int, lang: str | None) -> Section:
    w = _writer(facts, topic, key, place, lang)
    getattr(_topic(topic), key)(w)
    return w.section()


def problems(facts: Facts, topic: Topic, /, *, lang: str | None = None) -> Section:
    """四、问题与建议: what the rules of the topic find."""
    w = _writer(facts, topic, "problems", 4, lang)
    findings.write(w, findings.found(facts, w.lang, rules=_topic(topic).RULES))
    return w.section()


def appendix(facts: Facts, topic: Topic, /, *, lang: str | None = None) -> Section:
    """附录: definitions and sources."""
    w = _writer(facts, topic, "appendix", "", lang)
    write_appendix(w, _topic(topic).USED, keys=dict.fromkeys(_topic(topic).KEYS, facts.period), scored=False)
    return w.section()
