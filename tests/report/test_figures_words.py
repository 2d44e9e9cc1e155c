"""What a figure says in words: names whole, numbers clear of lines, units, sources, and errors in Chinese."""

import re

import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.errors import DataError, OptionError
from qstats.report import drawing as draw
from qstats.report import formats, words
from tests.report.drawn import NAN, estimate, outside, overlaps, texts

LONG = "新疆维吾尔自治区生产建设兵团第十三师新星市产品质量监督检验所"
OTHER = "新疆维吾尔自治区生产建设兵团第十四师昆玉市产品质量监督检验所"


def by_region(*names, **more):
    return estimate([(name, 93 + 0.7 * i) for i, name in enumerate(names)], ["region"], **more)


ROWS = {
    "ranked": qs.plot.ranked,
    "forest": qs.plot.forest,
    "bars": qs.plot.bars,
    "contributions": qs.plot.contributions,
    "waterfall": qs.plot.waterfall,
}


@pytest.mark.parametrize("kind", ROWS)
def test_names_too_long_for_a_line_stand_whole_on_two(kind):
    figure = ROWS[kind](by_region(LONG, OTHER, "安徽"), lang="zh")
    shown = [text.replace("\n", "") for text, _ in texts(figure)]
    assert {LONG, OTHER} <= set(shown)
    assert not overlaps(figure) and not outside(figure)
    short = ROWS[kind](by_region("江苏", "浙江", "安徽"), lang="zh")
    assert figure.get_figheight() > short.get_figheight()


def test_names_take_the_room_they_need_up_to_the_most():
    short, long = draw.names_of_rows(["安徽"]), draw.names_of_rows(["安徽", LONG], most=40)
    assert (short.lines, long.lines, long.mm) == (1, 2, 40)
    assert short.mm == pytest.approx(draw.width_mm("安徽", 8.5) + 6)


def test_small_multiples_are_wider_where_names_are_long():
    rows = [(str(y), name, 90.0 + y % 3) for name in (LONG[:20], OTHER[:20]) for y in (2021, 2022, 2023)]
    shown = [text for text, _ in texts(qs.plot.multiples(estimate(rows, ["period", "region"]), lang="zh"))]
    assert {LONG[:20], OTHER[:20]} <= set(shown)


def test_no_number_of_a_line_lies_on_its_target():
    rows = [(str(2015 + i), v) for i, v in enumerate((90.9, 91.0, 92.3, 90.9, 91.6, 90.4, 91.5, 91.9))]
    figure = qs.plot.lines(estimate(rows, ["period"]), reference=93, lang="zh")
    axes = figure.axes[0]
    at = axes.transData.transform((0, 93))[1]
    inside = [(t, box) for t, box in texts(figure) if re.fullmatch(r"9\d\.\d\d", t)]
    assert len(inside) == len(rows)
    assert [t for t, box in inside if box.y0 + 1 < at < box.y1 - 1] == []


def test_a_fan_names_all_of_its_limits():
    table = pd.DataFrame({"period": ["2024", "2025"], "estimate": [94.0, 94.2]})
    table = table.assign(std_error=0.3, conf_low=93.4, conf_high=94.8, n=5)
    for level, half in (("95", 1.2), ("80", 0.8), ("50", 0.4)):
        table[f"low_{level}"], table[f"high_{level}"] = table["estimate"] - half, table["estimate"] + half
    shown = " ".join(t for t, _ in texts(qs.plot.fan(estimate_of(table), lang="en")))
    assert [shown.count(f"{level}%") for level in (95, 80, 50)] == [2, 2, 2]


def estimate_of(table):
    return qs.Estimate(table, indicator="合格率", unit="%", method="forecast")


def test_an_english_range_with_a_minus_sign_has_no_dash():
    assert formats.span(-2.25, -0.25, lang="en") == "−2.25 to −0.25"
    assert formats.span(2.25, 3.25, lang="en") == "2.25–3.25"
    assert formats.span(-2.25, -0.25, lang="zh") == "−2.25~−0.25"


@pytest.mark.parametrize("kind", ["waterfall", "contributions", "bars", "pareto"])
def test_the_unit_of_amounts_is_printed(kind):
    figure = getattr(qs.plot, kind)(by_region("安徽", "江苏", unit="批"), lang="zh")
    assert any("批" in text for text, _ in texts(figure))


def test_a_unit_is_printed_in_the_language_of_the_figure():
    amount = by_region("安徽", "江苏", unit="批")
    assert any("batches" in t for t, _ in texts(qs.plot.bars(amount, lang="en")))
    assert any("批" in t for t, _ in texts(qs.plot.bars(amount, lang="zh")))


def test_a_notebook_writes_indicator_unit_and_source_below_a_figure():
    rate = by_region("安徽", "江苏", indicator="product_pass_rate")
    figure = qs.plot.ranked(rate, lang="zh")
    assert figure.caption == "制造业产品质量合格率（%） · 来源：公布数据 mqr"
    assert f'<figcaption style="font-size:.85em">{figure.caption}<' in figure._repr_html_()
    assert "product_pass_rate" not in figure.alt
    sim = qs.plot.ranked(by_region("安徽", "江苏", simulated=True), lang="en")
    assert "simulated:inspections" in sim.caption and "From: " in sim.caption


WRONG = {
    "no number": lambda: qs.plot.bars(by_region("安徽").replace(nothing())),
    "two keys": lambda: qs.plot.ranked(estimate([("a", "b", 1.0), ("c", "d", 2.0)], ["region", "size"])),
    "too many": lambda: qs.plot.ranked(by_region(*map(str, range(60)))),
    "no period": lambda: qs.plot.lines(by_region("安徽")),
    "units": lambda: qs.plot.lines([by_region("安徽"), by_region("安徽", unit="批")]),
    "no estimate": lambda: qs.plot.lines([1]),
    "no tile": lambda: qs.plot.tiles(by_region("火星", "金星")),
    "tile to highlight": lambda: qs.plot.tiles(by_region("安徽", "江苏"), highlight="火星"),
    "not regions": lambda: qs.plot.tiles(estimate([("a", 1.0), ("b", 2.0)], ["size"])),
    "negative": lambda: qs.plot.pareto(estimate([("a", -1.0), ("b", 2.0)], ["cause"])),
    "most": lambda: qs.plot.pareto(estimate([("a", 1.0), ("b", 2.0)], ["cause"]), most=99),
    "lost part": lambda: qs.plot.contributions(estimate([("a", NAN), ("b", 2.0)], ["part"])),
    "total": lambda: qs.plot.contributions(estimate([("a", 1.0), ("b", 2.0)], ["part"]), total=9),
    "twice": lambda: qs.plot.pareto(pd.DataFrame({"name": ["a", "a"], "value": [1, 2]})),
    "column": lambda: qs.plot.pareto(pd.DataFrame({"n": ["a"], "value": [1]})),
    "targets": lambda: qs.plot.targets(pd.DataFrame({"indicator": ["a"]})),
    "highlight": lambda: qs.plot.bars(by_region("安徽", "江苏"), highlight="火星"),
    "lengths": lambda: qs.plot.lines(estimate([("2020", 1.0), ("2020Q1", 2.0)], ["period"])),
    "lines": lambda: qs.plot.lines(
        estimate([(p, str(i), 1.0 + i) for i in range(8) for p in ("2020", "2021")], ["period", "size"])
    ),
}


def nothing():
    return by_region("安徽").table.assign(estimate=NAN, conf_low=np.nan, conf_high=np.nan)


@pytest.mark.parametrize("what", WRONG)
def test_what_a_figure_refuses_it_refuses_in_the_readers_language(what, monkeypatch):
    said = {}
    for lang in ("zh", "en"):
        monkeypatch.setenv("QSTATS_LANG", lang)
        with pytest.raises((DataError, OptionError)) as error:
            WRONG[what]()
        said[lang] = str(error.value)
    assert re.search(r"[\u4e00-\u9fff]{3}", said["zh"]) and said["zh"][-1] in "。…"
    assert not re.search(r"[，。：；（）]", said["en"])


@pytest.mark.parametrize(
    ("unit", "zh", "en"),
    [
        ("百分点", "百分点", "percentage points"),
        ("points", "百分点", "percentage points"),
        ("score", "分", "points"),
        ("notifications", "起", "alerts"),
        ("index", "", ""),
    ],
)
def test_a_unit_is_the_same_in_figures_and_sentences(unit, zh, en):
    for lang, word in (("zh", zh), ("en", en)):
        drawn = qs.plot.bars(by_region("安徽", "江苏", unit=unit), lang=lang)
        assert words.unit_name(unit, lang) == word
        assert word in drawn.alt and any(word in text for text, _ in texts(drawn))
        assert lang == "zh" or "百分点" not in drawn.alt
