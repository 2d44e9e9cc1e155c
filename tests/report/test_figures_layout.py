"""Every figure: both languages, hostile names, nothing overlaps, nothing leaves the page, the same bytes."""

import io
import re
from functools import cache

import matplotlib
import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.analysis.funnel import funnel as judged
from qstats.errors import DataError, OptionError
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.messages import catalogue
from qstats.report.svg import svg
from tests.report.drawn import HOSTILE, NAN, estimate, outside, overlaps, texts

REGIONS = ["安徽", "江苏", "浙江", "内蒙古", "黑龙江", "新疆", "北京", "上海"]


def by_region(names, **more):
    return estimate([(name, 93 + 0.7 * i) for i, name in enumerate(names)], ["region"], **more)


def over_time(names):
    rows = [(str(y), n, 90 + i + 0.3 * y % 7) for i, n in enumerate(names) for y in (2021, 2022, 2023)]
    return estimate(rows, ["period", "region"])


def nodes(names):
    """Return an index of one unit: a root with two halves, and leaves with these names."""
    half = len(names) // 2
    rows = [("root", "", 0, 1.0, 80.0), ("a", "root", 1, 0.5, 82.0), ("b", "root", 1, 0.5, 78.0)]
    for i, name in enumerate(names):
        parent, count = ("a", half) if i < half else ("b", len(names) - half)
        rows.append((name, parent, 2, 0.5 / count, 82.0 if parent == "a" else 78.0))
    table = pd.DataFrame(rows, columns=["node", "parent", "depth", "weight", "estimate"])
    more = {"parent": table["parent"], "depth": table["depth"], "weight": table["weight"]}
    return estimate(list(zip(table["node"], table["estimate"], strict=True)), ["node"], unit="index", **more)


def points():
    rng = np.random.default_rng(3)
    value = 20 + rng.normal(0, 1, 30)
    value[27] = 26
    table = pd.DataFrame({"period": [f"{y}M{m:02}" for y in (2021, 2022, 2023) for m in range(1, 13)][:30]})
    table = table.assign(phase=["I"] * 20 + ["II"] * 10, value=value, centre=20.0, low=17.0, high=23.0)
    table = table.assign(ewma=[NAN] * 20 + [0.1 * i for i in range(10)], ewma_limit=0.95)
    return table.assign(outside=value > 23, signal=value > 23)


def limits(names):
    n = np.linspace(60, 900, len(names)).round().astype(int)
    passed = [round(k * (0.8 if i == 1 else 0.93)) for i, k in enumerate(n)]
    return judged(inspection_pass_rate({"product": names, "inspected": n, "passed": passed}, by="product"))


def ahead():
    table = pd.DataFrame({"period": ["2024", "2025"], "estimate": [94.0, 94.2]})
    table = table.assign(std_error=0.3, conf_low=93.4, conf_high=94.8, n=5)
    for level, half in (("95", 1.2), ("80", 0.8), ("50", 0.4)):
        table[f"low_{level}"], table[f"high_{level}"] = table["estimate"] - half, table["estimate"] + half
    return qs.Estimate(table, indicator="合格率", unit="%", method="forecast")


def effects(names):
    edges = [(names[j], names[i]) for j in range(1, len(names)) for i in range(j) if (i + j) % 2 or j - i < 2]
    rows = [(to, of, "direct", 0.1 + 0.05 * k) for k, (to, of) in enumerate(edges)]
    return estimate(rows, ["to", "from", "effect"], unit="", indicator="path")


def levers(names):
    rows = [(name, 0.2 + 0.08 * i) for i, name in enumerate(names)]
    more = {"performance": 70.0 + 2 * np.arange(len(names)) % 5, "performance_std_error": 0.5}
    found = estimate(rows, ["construct"], unit="points per point", **more)
    table = found.table.assign(conf_low=lambda t: t.estimate - 0.03, conf_high=lambda t: t.estimate + 0.03)
    return found.replace(table)


def goals(names):
    rows = [(n, 93.0 + i, 94.0, ">=", "%", "met" if i else "near") for i, n in enumerate(names)]
    return pd.DataFrame(rows, columns=["indicator", "value", "target", "operator", "unit", "status"])


KINDS = {
    "lines": lambda names, lang: qs.plot.lines(over_time(names[:6]), lang=lang),
    "multiples": lambda names, lang: qs.plot.multiples(over_time(names), lang=lang),
    "ranked": lambda names, lang: qs.plot.ranked(
        by_region(names), highlight=names[0], reference=94, lang=lang
    ),
    "forest": lambda names, lang: qs.plot.forest(
        by_region(names), highlight=names[1], reference=94, lang=lang
    ),
    "bars": lambda names, lang: qs.plot.bars(by_region(names), highlight=names[0], lang=lang),
    "tiles": lambda names, lang: qs.plot.tiles(
        by_region(REGIONS), labels=dict(zip(REGIONS, names, strict=False)), lang=lang
    ),
    "heat": lambda names, lang: qs.plot.heat(over_time(names), lang=lang),
    "slopes": lambda names, lang: qs.plot.slopes(over_time(names), highlight=names[0], lang=lang),
    "targets": lambda names, lang: qs.plot.targets(goals(names), lang=lang),
    "pareto": lambda names, lang: qs.plot.pareto(by_region(names), lang=lang),
    "contributions": lambda names, lang: qs.plot.contributions(by_region(names), lang=lang),
    "waterfall": lambda names, lang: qs.plot.waterfall(by_region(names), start=10, lang=lang),
    "tree": lambda names, lang: qs.plot.tree(nodes(names), lang=lang),
    "control": lambda names, lang: qs.plot.control(points(), title=names[0], unit=names[0], lang=lang),
    "funnel": lambda names, lang: qs.plot.funnel(limits(names), highlight=[names[0], names[4]], lang=lang),
    "fan": lambda names, lang: qs.plot.fan(ahead(), reference=95, reference_label=names[0], lang=lang),
    "importance": lambda names, lang: qs.plot.importance(levers(names[:5]), lang=lang),
    "paths": lambda names, lang: qs.plot.paths(effects(names[:6]), lang=lang),
}
EVERY = pytest.mark.parametrize("kind", KINDS)
BOTH = pytest.mark.parametrize("lang", ["zh", "en"])


@cache
def drawn(kind, lang, hostile=False):
    names = [*HOSTILE, "d", "e", "f"] if hostile else REGIONS
    return KINDS[kind](names, lang)


def test_every_public_figure_is_tested_here():
    assert set(KINDS) | {"theme"} == set(qs.plot.__all__)


@EVERY
@BOTH
@pytest.mark.parametrize("hostile", [False, True], ids=["plain", "hostile"])
@pytest.mark.filterwarnings("ignore:Glyph .* missing from:UserWarning")
def test_no_text_lies_on_another_or_leaves_the_figure(kind, lang, hostile):
    figure = drawn(kind, lang, hostile)
    assert overlaps(figure) == []
    assert outside(figure) == []


@BOTH
@pytest.mark.parametrize("chart", ["ewma", "cusum", "memory"])
def test_charts_with_a_memory_keep_their_texts_apart_and_speak_a_whole_sentence(chart, lang):
    sums = {"cusum_up": [0.7 * i for i in range(30)], "cusum_down": [0.1] * 30, "cusum_limit": 4.77}
    figure = qs.plot.control(points().assign(**sums), chart=chart, title=REGIONS[0], lang=lang)
    assert overlaps(figure) == []
    assert outside(figure) == []
    assert figure.alt[-1] in ("。" if lang == "zh" else ".")
    assert not re.search(r"\{\w+\}|  ", figure.alt)


@EVERY
@BOTH
def test_the_alternative_text_is_a_sentence_in_its_language(kind, lang):
    alt = drawn(kind, lang).alt
    assert alt == alt.strip()
    assert alt[-1] in ("。" if lang == "zh" else ".")
    assert len(alt) > 20
    assert not re.search(r"\{\w+\}", alt)
    assert bool(re.search(r"[，。：；（）、]", alt)) == (lang == "zh")


@EVERY
def test_names_are_printed_as_they_are_and_cannot_end_the_markup(kind):
    figure = drawn(kind, "zh", True)
    found = svg(figure, key="f1", title="t", alt=figure.alt)
    assert "<script" not in found
    assert "\u202e" not in found + figure.alt
    shown = " ".join(text for text, _ in texts(figure))
    if kind not in ("control", "fan", "importance", "tiles", "multiples", "pareto", "paths"):  # no room
        assert r"$\frac{1}{2}$" in shown.replace("\n", " ")


@EVERY
def test_a_figure_is_the_same_bytes_each_time_and_leaves_no_setting_behind(kind):
    def saved(figure):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg")
        return buffer.getvalue()

    before = dict(matplotlib.rcParams)
    again = KINDS[kind](REGIONS, "zh")
    assert dict(matplotlib.rcParams) == before
    assert saved(again) == saved(drawn(kind, "zh"))


@BOTH
def test_simulated_data_are_marked_in_the_figure_and_in_words(lang):
    mark = {"zh": "模拟数据", "en": "SIMULATED"}[lang]
    figure = qs.plot.forest(by_region(REGIONS, simulated=True), lang=lang)
    assert mark in [text for text, _ in texts(figure)]
    assert figure.alt.startswith({"zh": "（模拟数据）", "en": "(Simulated data.)"}[lang])
    assert mark not in [text for text, _ in texts(drawn("forest", lang))]


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: qs.plot.multiples(by_region(REGIONS)), "'period'"),
        (lambda: qs.plot.fan(by_region(REGIONS)), "'period'"),
        (lambda: qs.plot.fan(estimate([("2023", 1.0)], ["period"])), "qs.forecast"),
        (lambda: qs.plot.slopes(by_region(REGIONS)), "'period'"),
        (
            lambda: qs.plot.slopes(estimate([("2023", "a", 1.0), ("2023", "b", 2.0)], ["period", "region"])),
            "two periods",
        ),
        (lambda: qs.plot.heat(by_region(REGIONS)), "columns="),
        (lambda: qs.plot.heat([]), "nothing to draw"),
        (lambda: qs.plot.funnel(by_region(REGIONS)), "qs.funnel"),
        (lambda: qs.plot.forest(by_region(REGIONS), of="rank"), "qs.compare"),
        (lambda: qs.plot.importance(by_region(REGIONS)), "'construct'"),
        (lambda: qs.plot.paths(by_region(REGIONS)), "'to'"),
        (lambda: qs.plot.control(pd.DataFrame({"period": ["2023"]})), "qs.monitor"),
        (lambda: qs.plot.tree(by_region(REGIONS)), "'node'"),
        (lambda: qs.plot.tree(estimate([("a", 1.0)], ["node"])), "qs.competitiveness_index"),
        (lambda: qs.plot.waterfall(pd.DataFrame({"name": ["a"], "value": [NAN]})), "no number"),
        (lambda: qs.plot.bars("rate"), "given a str"),
        (lambda: qs.plot.forest(by_region([f"r{i}" for i in range(49)])), "at most 48"),
        (lambda: qs.plot.tree(nodes([f"n{i}" for i in range(40)])), "at most 28"),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(draw, says, monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")
    with pytest.raises(DataError, match=re.escape(says)):
        draw()


@pytest.mark.parametrize("kind", ["multiples", "fan", "heat", "tree", "importance", "paths", "waterfall"])
def test_several_rows_a_mark_are_refused_and_the_key_is_named(kind, monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")
    made = {
        "multiples": over_time(REGIONS),
        "fan": ahead(),
        "heat": over_time(REGIONS),
        "tree": nodes(REGIONS),
        "importance": levers(REGIONS),
        "paths": effects(REGIONS[:4]),
        "waterfall": nodes(REGIONS),
    }[kind]
    twice = pd.concat([made.table.assign(wave=w) for w in ("A", "B")])
    twice = twice[["wave", *[c for c in twice if c != "wave"]]]
    options = {"columns": "period"} if kind == "heat" else {}
    with pytest.raises(DataError, match=r"2 values of 'wave' \(A, B\).*\.where\(wave=…\)"):
        getattr(qs.plot, kind)(made.replace(twice), **options)


@pytest.mark.parametrize("kind", ["forest", "bars", "slopes", "funnel"])
def test_a_row_to_highlight_must_exist_and_the_nearest_is_named(kind):
    made = {"slopes": over_time, "funnel": limits}.get(kind, by_region)(REGIONS)
    with pytest.raises(OptionError, match="黑龙江"):
        getattr(qs.plot, kind)(made, highlight="黑龙", lang="en")


def test_every_message_of_the_figures_stands_in_both_languages():
    found = {key: text for key, text in catalogue().items() if key.startswith("figure.")}
    assert len(found) > 60
    for key, text in found.items():
        assert text["zh"], key
        assert text["en"], key
        fields = [set(re.findall(r"\{(\w+)", text[lang])) for lang in ("zh", "en")]
        assert fields[0] == fields[1], key
