"""Tables, figures and cards as HTML."""

import base64
import csv
import html
import io
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from qstats.errors import DataError, OptionError
from qstats.report.audit import audit
from qstats.report.tables import Card, Field, cards, figure, table

NAN = float("nan")


def frame(**more):
    base = {"region": ["安徽", "江苏"], "rate": [93.646, NAN], "low": [93.2, NAN], "high": [94.04, NAN]}
    return pd.DataFrame(base | more)


COLUMNS = (
    Field("region", "地区"),
    Field("rate", "合格率", digits=2),
    Field("low", "95%区间", digits=1, upper="high"),
)


def made(data=None, columns=COLUMNS, **options):
    return table(
        frame() if data is None else data, **{"caption": "合格率", "columns": columns, "lang": "zh"} | options
    )


def cells(text):
    body = re.search(r"<tbody>(.*)</tbody>", text)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body)
    return [
        [html.unescape(re.sub("<[^>]*>", "", c)) for c in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", r)]
        for r in rows
    ]


def downloaded(text):
    data = base64.b64decode(re.search(r"data:text/csv;charset=utf-8;base64,([^\"]+)", text)[1])
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_numbers_are_rounded_on_the_page_and_whole_in_the_csv():
    text = made(number="表1", unit="%")
    assert cells(text) == [["安徽", "93.65", "93.2~94.0"], ["江苏", "", ""]]
    assert downloaded(text) == [
        ["地区", "合格率", "95%区间（下限）", "95%区间（上限）"],
        ["安徽", "93.646", "93.2", "94.04"],
        ["江苏", "", "", ""],
    ]
    assert "单位：%" in text and "<caption>表1 合格率" in text


def test_every_mark_that_occurs_is_explained_below_and_no_other():
    text = made(frame(mark=["p", ""]), [COLUMNS[0], Field("rate", "合格率", digits=2, status="mark")])
    assert cells(text)[0][1] == "① 93.65"
    assert "空格表示" in text and "① 初步数。" in text and "修订" not in text
    english = made(
        frame(mark=["r", "c"]), [COLUMNS[0], Field("rate", "Rate", digits=2, status="mark")], lang="en"
    )
    assert [row[1] for row in cells(english)] == ["[r] 93.65", "[c]"]
    assert "[c] confidential." in english and "[x]" not in english


def test_a_number_that_would_print_as_zero_is_marked_instead():
    data = pd.DataFrame({"k": ["a", "b", "c"], "v": [0.004, 0.0, 0.006]})
    text = table(data, caption="c", columns=[Field("k", "K"), Field("v", "V", digits=2)], lang="zh")
    assert [row[1] for row in cells(text)] == ["…", "0.00", "0.01"]


def test_names_from_the_data_cannot_become_markup_or_turn_the_line():
    data = frame(region=["<script>alert(1)</script>", "a\u202e\u200fb$x_1$&\"'"])
    text = made(data, caption='<b>"x"</b>', notes=["<i>n</i>"], unit="<u>")
    assert "<script" not in text and "<b>" not in text and "<i>" not in text and "<u>" not in text
    assert "\u202e" not in text and "\u200f" not in text
    assert cells(text)[1][0] == "ab$x_1$&\"'"
    assert '<span class="qs-name">' in text


def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_and_numbers_do_not():
    risky = ["=cmd()", "+1", "-x", "@sum", "\t=1", " =1", "＝1", "\u200f=1"]
    data = pd.DataFrame({"k": risky, "v": [-1.5] * len(risky)})
    rows = downloaded(
        table(data, caption="c", columns=[Field("k", "K"), Field("v", "V", digits=1)], lang="en")
    )
    assert [row[0] for row in rows[1:]] == [f"'{text}" for text in risky]
    assert {row[1] for row in rows[1:]} == {"-1.5"}


def test_alignment_scope_and_our_own_words():
    text = made(
        frame(words=["上升", "下降"]),
        [
            COLUMNS[0],
            Field("rate", "率", digits=2),
            Field("words", "变化", words=True),
            Field("low", "低", digits=1, align="left"),
        ],
    )
    heads = re.findall(r'<th scope="col" class="([\w-]+)">', text)
    assert heads == ["qs-text", "qs-num", "qs-text", "qs-text"]
    assert text.count('<th scope="row"') == 2 and '<td class="qs-text qs-short">上升</td>' in text


def test_decimals_may_differ_by_row_and_ties_follow_the_rule():
    data = pd.DataFrame({"k": ["a", "b"], "v": [80.985, 80.985], "d": [2, 0]})
    columns = [Field("k", "K"), Field("v", "V", digits="d")]
    assert [r[1] for r in cells(table(data, caption="c", columns=columns, lang="zh"))] == ["80.98", "81"]
    half_up = table(data, caption="c", columns=columns, lang="zh", rule="half-up")
    assert [r[1] for r in cells(half_up)] == ["80.99", "81"]


def test_highlight_and_simulated_are_shown():
    text = made(highlight="安徽", simulated=True)
    assert (
        text.count("<strong>") == 3 and "模拟数据" in text and "SIMULATED" in made(simulated=True, lang="en")
    )
    with pytest.raises(OptionError, match="安灰"):
        made(highlight=["安灰"])


def test_a_table_without_rows_or_columns_is_refused():
    with pytest.raises(DataError, match="one row"):
        made(frame().iloc[:0])
    with pytest.raises(DataError, match="no column 'nope'"):
        made(columns=[COLUMNS[0], Field("nope", "N")])
    with pytest.raises(OptionError, match="align"):
        made(columns=[Field("region", "R", align="centre")])


def test_the_file_name_of_the_download_is_safe():
    text = made(caption='a/b\\c:d*?"<>|' + "长" * 100, number="表1")
    name = html.unescape(re.search(r'download="([^"]*)"', text)[1])
    assert re.fullmatch(r'[^\\/:*?"<>|]{1,70}\.csv', name)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_html_passes_the_audit_of_the_page(lang):
    drawing = Figure()
    drawing.add_subplot().plot([1, 2], [3, 4])
    body = (
        cards([Card("A", "1", "%", "up", "up", "(1, 2)")], lang=lang)
        + made(
            frame(mark=["p e", "r"]), [COLUMNS[0], Field("rate", "率", digits=2, status="mark")], lang=lang
        )
        + figure(drawing, caption="c", key="one", alt="line")
        + figure(drawing, caption="c", key="two", alt="line")
    )
    assert audit(f'<html lang="{lang}"><h1>T</h1>{body}</html>').problems == ()


def test_the_same_figure_gives_the_same_bytes_and_its_ids_begin_with_its_key():
    def draw():
        drawing = Figure()
        axes = drawing.add_subplot()
        axes.fill_between([0, 1], [0, 1], [1, 2])
        axes.plot([0, 1, 2], [1, 3, 2], marker="o")
        axes.set_title("a <b> & $x_1$", parse_math=False)
        return figure(drawing, caption="c", key="rpq", number="图1", alt='says "so"')

    text = draw()
    assert text == draw()
    assert all(i.startswith("rpq-") for i in re.findall(r'\bid="([^"]*)"', text))
    assert set(re.findall(r"(?:href=\"|url\()#([\w-]+)[\")]", text)) <= set(
        re.findall(r'\bid="([^"]*)"', text)
    )
    assert "a &lt;b&gt; &amp; $x_1$" in text and "<style" not in text and "http" not in text
    assert not re.search(r"\d\.\d{3}", text) and "says &quot;so&quot;" in text
    assert text.index("</svg>") < text.index("<figcaption>图1 c")


def test_a_figure_without_words_or_with_a_wrong_key_is_refused():
    with pytest.raises(OptionError, match="alt"):
        figure(Figure(), caption="c", key="a")
    with pytest.raises(OptionError, match="key='1 a'"):
        figure(Figure(), caption="c", key="1 a", alt="x")


def test_cards_say_what_is_missing_and_what_is_provisional():
    text = cards(
        [
            Card("合格率", "93.65", "%", "上升0.36个百分点", "up", "93.4~93.9", 0.9, "p", "29个大类"),
            Card("损失率", "", "%"),
        ],
        lang="zh",
    )
    assert (
        text.count("<li") == 2 and "90%区间：93.4~93.9" in text and "初步数。" in text and "29个大类" in text
    )
    assert '<p class="qs-card-value qs-missing">无数据</p>' in text
    assert text.count("qs-missing") == 1 and text.count("qs-card-unit") == 1
    assert "no data" in cards([Card("a", "[x]")], lang="en")
    assert "&lt;b&gt;" in cards([Card("<b>", "1")], lang="en")
    with pytest.raises(DataError):
        cards([], lang="zh")


def test_numpy_and_pandas_missing_values_are_blank_in_the_csv():
    data = pd.DataFrame(
        {"k": ["a", None, "c"], "v": pd.array([1, pd.NA, 3], dtype="Int64"), "w": np.float32([0.5, NAN, 1])}
    )
    rows = downloaded(
        table(
            data,
            caption="c",
            columns=[Field("k", "K"), Field("v", "V", digits=0), Field("w", "W", digits=1)],
            lang="en",
        )
    )
    assert rows[1:] == [["a", "1", "0.5"], ["", "", ""], ["c", "3", "1.0"]]


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("2016—2023", " qs-short"),
        ("大型企业", " qs-short"),
        ("按风险选取的产品", ""),
        ("字" * 12, " qs-long"),
    ],
)
def test_short_words_stay_on_one_line_and_long_ones_ask_for_room(words, size):
    text = made(frame(told=words), [COLUMNS[0], Field("told", "说明", words=True)])
    assert f'<td class="qs-text{size}">{words}</td>' in text


@pytest.mark.parametrize("words", [True, False])
def test_names_that_head_rows_begin_with_a_capital_in_english(words):
    data = frame(k=["export pass rate", "R&D"])
    named = [Field("k", "K", words=words), Field("rate", "R", digits=2)]
    assert [row[0] for row in cells(table(data, caption="c", columns=named, lang="en"))] == [
        "Export pass rate",
        "R&D",
    ]
    assert cells(table(data, caption="c", columns=named, lang="zh"))[0][0] == "export pass rate"


def test_an_abbreviation_with_a_hyphen_is_not_broken():
    data = frame(k=["满意度（C-CSI）", "ISO 9001-2015"])
    html = table(data, caption="c", columns=[Field("k", "K"), Field("rate", "R", digits=2)], lang="zh")
    assert '满意度（<span class="qs-whole">C-CSI</span>）' in html
    assert html.count("qs-whole") == 1
