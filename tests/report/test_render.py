"""An executed notebook becomes one page that needs nothing else, or an error that lists every fault."""

import base64
import io
import re

import nbformat
import pytest
from fontTools.ttLib import TTFont
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from qstats.errors import OptionError
from qstats.report import execute, fonts, render
from qstats.report.audit import audit
from qstats.report.page import MIME, Section, math, plain, scrollable

DIGEST = "0a1b2c3d4e5f" * 5 + "0123"
TABLE = (
    '<table class="qs-table"><caption>表 1 合格率<span class="qs-unit">%</span></caption>'
    '<thead><tr><th scope="col">年</th>'
    '<th scope="col">值</th></tr></thead><tbody><tr><th scope="row">甲</th><td>9.65</td></tr></tbody></table>'
)
FIGURE = (
    '<figure class="qs-figure"><svg role="img" aria-label="合格率上升" viewBox="0 0 9 9"><defs>'
    '<path id="m" d="M0 0"/></defs>'
    '<use xlink:href="#m"/><text style="font: 700 9px \'QStats Sans SC\'">趋势</text></svg>'
    "<figcaption>图 1 合格率</figcaption></figure>"
)


def book(*sections, cells=()):
    """Make an executed notebook whose cells displayed these sections."""
    shown = [
        new_code_cell("show()", outputs=[new_output("display_data", data=section._repr_mimebundle_())])
        for section in sections
    ]
    return new_notebook(cells=[*shown, *cells])


def section(body="<p>合格率为 93.65%。</p>", key="main", title="一、主要指标", **options):
    return Section(key, title, body, lang="zh", **options)


def rendered(notebook, **options):
    options = {
        "title": "质量状况分析报告",
        "subtitle": "全国",
        "lang": "zh",
        "provenance": {},
        "parameters": {},
    } | options
    return render.page(notebook, **options)


def problems(body):
    with pytest.raises(render.RenderError) as caught:
        rendered(book(section(body)), lang="en")
    return caught.value.problems


def embedded(html, weight):
    data = re.search(rf"font-weight:{weight};[^}}]*base64,([^)]*)\)", html)[1]
    return {chr(code) for code in TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()}


# --- the page ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """Give a small real notebook: parameters, two sections, text for the page and for its readers."""
    cells = [
        new_code_cell('region = "全国"', id="p", metadata={"tags": ["parameters"]}),
        new_markdown_cell("给笔记本读者的话", id="reader"),
        new_code_cell("from qstats.report.page import Section\n1 + 41", id="a"),
        new_code_cell(
            f"Section('main', '一、主要指标', f'<p>{{region}}</p>' + {TABLE!r} + {FIGURE!r}, lang='zh')",
            id="b",
        ),
        new_markdown_cell(
            "### 说明\n\n此处 **可改**。<script>alert(1)</script>", id="page", metadata={"tags": ["page"]}
        ),
        new_code_cell("Section('export', '二、出口', '<p>稳定。</p>', simulated=True, lang='zh')", id="c"),
    ]
    path = tmp_path_factory.mktemp("book") / "small.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_kernel_and_process_give_the_same_bytes_twice(notebook):
    pages = [
        rendered(
            execute.run(notebook, {"region": "安徽"}, in_process=in_process), parameters={"region": "安徽"}
        )
        for in_process in (True, False, True)
    ]
    fonts._subset.cache_clear()
    pages.append(
        rendered(execute.run(notebook, {"region": "安徽"}, in_process=True), parameters={"region": "安徽"})
    )
    assert len(set(pages)) == 1
    assert "<p>安徽</p>" in pages[0]


def test_sections_stand_in_the_order_of_the_cells_and_other_displays_stay_out(notebook):
    html = rendered(execute.run(notebook, {}, in_process=True))
    main = html[html.index("<main") : html.index('<details class="qs-code"')]
    order = [
        main.index(text) for text in ('id="main"', "9.65", "说明", "<strong>可改</strong>", 'id="export"')
    ]
    assert order == sorted(order)
    assert "42" not in main and "笔记本读者" not in html
    assert "<script" not in html and "&lt;script&gt;" in main


def test_code_is_kept_once_closed_at_the_end(notebook):
    html = rendered(execute.run(notebook, {"region": "安徽"}, in_process=True))
    assert html.count("<details") == 1 and "<details open" not in html
    details = html[html.index("<details") : html.index("</details>")]
    assert details.count("<pre>") == 5
    assert "region = &#39;安徽&#39;" in details and "1 + 41" in details


def test_a_summary_stands_before_the_contents_and_not_in_them():
    html = rendered(
        book(section(key="points", title="要点", kind="summary"), section(), section(key="end", title="附录"))
    )
    assert html.index('id="points"') < html.index("<nav") < html.index('id="main"') < html.index('id="end"')
    nav = html[html.index("<nav") : html.index("</nav>")]
    assert re.findall(r'href="#([a-z]+)">([^<]*)', nav) == [("main", "一、主要指标"), ("end", "附录")]


def test_only_a_page_with_simulated_data_says_so():
    real, simulated = rendered(book(section())), rendered(book(section(), section(key="x", simulated=True)))
    assert "模拟数据" not in real
    assert simulated.count('class="qs-badge"') == 2
    assert '@top-right { content: "模拟数据"' in simulated


def test_the_language_of_the_page_is_its_own():
    chinese = rendered(book(section()))
    english = rendered(
        book(Section("main", "1 Main", "<p>Fine.</p>", lang="en")),
        title="Report",
        subtitle="China",
        lang="en",
    )
    assert '<html lang="zh-CN">' in chinese and "目录" in chinese
    assert '<html lang="en">' in english and "Contents" in english
    assert not re.search(r"[\u4e00-\u9fff]", english)


def test_provenance_names_data_rows_digest_parameters_and_seed():
    datasets = [{"name": "published/mqr.csv", "rows": 11926, "sha256": DIGEST}]
    html = rendered(
        book(section()), provenance={"datasets": datasets, "seed": 0}, parameters={"year": 2023, "lang": "zh"}
    )
    footer = plain(html[html.index("<footer") :])
    for text in (
        "published/mqr.csv",
        "11,926",
        DIGEST[:12],
        "年份 2023；语言 中文",
        "qstats 0.",
        "2014-2021 Adobe",
    ):
        assert text in footer
    assert f'title="{DIGEST}"' in html and DIGEST not in footer
    assert re.search(r"随机种子</dt><dd>0</dd>", html)
    assert "未使用随机数" in rendered(book(section()))


@pytest.mark.parametrize(
    ("found", "zh", "en"),
    [
        ("0123456789ab", "0123456789ab", "0123456789ab"),
        ("0123456789ab (modified)", "0123456789ab（有改动）", "0123456789ab (modified)"),
        ("release", "发行版", "release"),
    ],
)
def test_the_commit_is_told_in_the_language_of_the_page(monkeypatch, found, zh, en):
    monkeypatch.setattr(render, "commit", lambda: found)
    for lang, word, told in (("zh", "代码版本", zh), ("en", "Commit", en)):
        assert f"<dt>{word}</dt><dd>{told}</dd>" in rendered(book(section()), lang=lang)


def test_parameters_are_told_in_words_and_what_was_not_given_is_not():
    given = {
        "year": 2023,
        "quarter": "Q3",
        "region": "安徽",
        "cells": {},
        "topic": "food",
        "lang": "zh",
        "k": 1,
    }
    zh, en = (rendered(book(section()), lang=lang, parameters=given) for lang in ("zh", "en"))
    assert "年份 2023；时期 第三季度；地区 安徽；专题 食品安全监督抽检分类分析；语言 中文；k = 1" in zh
    assert "year 2023; part of the year Q3; region Anhui; topic" in en
    assert "cells" not in zh
    assert "微观数据 rpq = a.cells" in rendered(book(section()), parameters={"cells": {"rpq": "a.cells"}})


def test_a_data_set_is_called_by_its_title_beside_its_name():
    known = {"name": "mqr", "title": "制造业产品质量合格率", "rows": 1, "sha256": DIGEST}
    html = rendered(book(section()), provenance={"datasets": [known]})
    assert 'class="qs-name">制造业产品质量合格率 <code>mqr</code></th>' in html


def test_a_date_appears_only_when_it_is_given(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert "编制日期" not in rendered(book(section()))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert "<dt>编制日期</dt><dd>2023-11-14</dd>" in rendered(book(section()))


def test_the_commit_is_the_checkouts_or_a_release(tmp_path, monkeypatch):
    import subprocess

    monkeypatch.setattr(render, "__file__", str(tmp_path / "qstats" / "report" / "render.py"))
    assert render.commit() == "release"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert render.commit() == "unknown"  # no commit yet
    (tmp_path / "a").write_text("1")
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "a"], check=True)
    assert re.fullmatch("[0-9a-f]{12}", render.commit())
    (tmp_path / "a").write_text("2")
    assert re.fullmatch(r"[0-9a-f]{12} \(modified\)", render.commit())


def test_fonts_hold_what_is_drawn_and_bold_only_what_is_bold():
    html = rendered(book(section(f"<p>常<strong>粗</strong></p>{TABLE}{FIGURE}")))
    regular, bold = embedded(html, 400), embedded(html, 700)
    assert set("常粗趋势合格率质量状况") <= regular
    assert set("粗趋势一主要指标质") <= bold
    assert "常" not in bold and "镕" not in regular
    drawn = set(audit(html).text) | set("质量状况分析报告全国模拟数据·/")
    assert regular <= drawn | set("0123456789 ")


def test_the_licence_of_the_font_is_on_the_page():
    assert fonts.COPYRIGHT.replace("'", "&#39;") in rendered(book(section()))


def test_text_given_by_the_caller_cannot_break_out():
    html = rendered(book(section()), title='A"</style><b>', subtitle="<i>x", note="<u>")
    assert "</style><b>" not in html.replace("</style>\n</head>", "")
    assert "<i>x" not in html and "<u>" not in html
    assert "&lt;i&gt;x" in html


def test_unknown_provenance_and_language_are_refused():
    with pytest.raises(OptionError, match="Did you mean 'datasets'"):
        rendered(book(section()), provenance={"dataset": []})
    with pytest.raises(OptionError, match="lang='fr'"):
        rendered(book(section()), lang="fr")


# --- what fails a build ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<img alt="图" src="https://example.org/a.png">', "<img src> fetches 'https://example.org/a.png'"),
        ('<img alt="图" src="a.png">', "<img src> fetches 'a.png'"),
        ('<img alt="图" src="data:," srcset="//example.org/a.png 2x">', "<img srcset> fetches"),
        (
            '<p style="background: url(http://example.org/a)">字</p>',
            "<p style> fetches 'http://example.org/a'",
        ),
        ("<style>p { background: url('https://example.org/a') }</style><p>字</p>", "the style sheet fetches"),
        ('<style>@import "https://example.org/a.css";</style><p>字</p>', "the style sheet fetches"),
        (
            '<svg role="img" aria-label="图"><image xlink:href="http://example.org/a.png"/></svg>',
            "<image xlink:href> fetches",
        ),
        ('<link rel="stylesheet" href="https://example.org/a.css"><p>字</p>', "<link href> fetches"),
        ('<p><a href="tables.html">表</a></p>', "<a href> fetches 'tables.html'"),
        ('<p><a href="javascript:alert(1)">表</a></p>', "<a href> fetches"),
        ("<script>1</script><p>字</p>", "<script> is not allowed"),
        ('<p onclick="f()">字</p>', "<p onclick> runs a script"),
        ('<iframe src="data:,"></iframe><p>字</p>', "<iframe> is not allowed"),
        ('<img src="data:,">', "<img> has no alternative text"),
        ('<img src="data:," alt=" ">', "<img> has no alternative text"),
        ("<figure class='qs-figure'><svg><text>字</text></svg></figure>", "<svg> has no aria-label"),
        ("<p>朱镕基</p>", "the font lacks '镕' (U+9555), used in 'main'"),
        ('<p id="a">字</p><p id="a">字</p>', "the id 'a' is used twice"),
        ('<p id="main">字</p>', "the id 'main' is used twice"),
        ('<p><a href="#nowhere">字</a></p>', "<a href> points at #nowhere"),
        ('<p aria-describedby="nowhere">字</p>', "<p aria-describedby> points at #nowhere"),
        ('<svg role="img" aria-label="图"><path clip-path="url(#nowhere)"/></svg>', "points at #nowhere"),
        ("<h4>小节</h4><p>字</p>", "heading h4 follows h2: a level is skipped"),
        ("<h1>大</h1><p>字</p>", "the page has 2 h1, not one"),
        ("", "it is empty"),
        ("<p> </p><h3>只有标题</h3>", "it is empty"),
        ("<table class='qs-table'><tr><th>头</th></tr></table>", "<th> has no scope"),
        ("<p>字<div>字</p></div>", "</p> does not close <div>"),
    ],
)
def test_a_fault_fails_the_build(body, fault):
    assert any(fault in problem for problem in problems(body)), problems(body)


def test_every_fault_is_listed_at_once_with_its_section():
    found = problems('<img src="http://example.org/a"><h4>镕</h4>')
    assert len(found) == 4
    assert sum("section 'main'" in problem for problem in found) == 3


def test_two_sections_with_one_key_fail_the_build():
    with pytest.raises(render.RenderError, match="id“main”用了两次"):
        rendered(book(section(), section()))


def test_a_notebook_without_sections_fails_the_build():
    with pytest.raises(render.RenderError, match="没有一个单元格给出章节"):
        rendered(new_notebook(cells=[new_code_cell("1")]))


def test_a_document_without_language_is_a_fault():
    assert audit("<html><h1>A</h1></html>", lang="en").problems == ("the document has no lang",)


def test_an_unclosed_element_is_a_fault():
    assert audit('<html lang="en"><h1>A</h1><div></html>', lang="en").problems == (
        "</html> does not close <div>",
    )
    assert audit('<html lang="en"><h1>A</h1><div>', lang="en").problems == (
        "<html> is never closed",
        "<div> is never closed",
    )


@pytest.mark.parametrize(
    "body",
    [
        f"<p>字</p>{TABLE}{FIGURE}",
        '<p><a href="https://www.samr.gov.cn/">来源</a> <a href="#main">上</a></p>',
        '<p><a download="a.csv" href="data:text/csv,a">下载</a></p>',
        '<p>字<img src="data:," alt="" role="presentation"></p>',
        '<p>字</p><svg aria-hidden="true"><text>字</text></svg>',
        '<p>字 <b class="qs-name">朱镕基</b> <i data-from="data"><b>堃</b></i> <code>₂</code></p>',
        "<h3>小节</h3><p>字</p><h4>小小节</h4><p>字</p><h3>小节</h3><p>字</p>",
        '<p>字</p><svg role="img" aria-label="图"><title>镕</title><metadata>堃</metadata></svg>',
    ],
)
def test_what_is_no_fault_passes(body):
    assert audit(rendered(book(section(body)))).problems == ()


# --- writing -----------------------------------------------------------------------------


def test_rare_characters_of_names_are_listed_when_the_page_is_written(tmp_path):
    html = rendered(book(section('<p>字 <span class="qs-name">朱镕基</span><i data-from="data">堃</i></p>')))
    built = render.write(html, tmp_path / "out" / "a.html", lang="zh")
    assert built.path.read_bytes() == html.encode() and built.size == len(html.encode())
    assert len(built.warnings) == 1 and "堃镕" in built.warnings[0]
    assert [path.name for path in built.path.parent.iterdir()] == ["a.html"]


def test_a_heavy_page_is_warned_of(tmp_path):
    light, heavy = rendered(book(section())), rendered(book(section(f"<p>{'字' * 250_000}</p>")))
    assert render.write(light, tmp_path / "a.html", lang="en").warnings == ()
    (warning,) = render.write(heavy, tmp_path / "b.html", lang="en").warnings
    assert "more than 600 KB" in warning


# --- sections ----------------------------------------------------------------------------


def test_a_section_displays_with_its_style_in_a_notebook():
    html = section()._repr_html_()
    assert html.startswith("<style>") and '<div class="qs" lang="zh-CN"><section' in html
    assert section()._repr_mimebundle_()[MIME]["title"] == "一、主要指标"


def test_a_title_is_text():
    assert '<h2 id="main-title">A &lt;b&gt; &amp; C</h2>' in section(title="A <b> & C").html()


@pytest.mark.parametrize("key", ["Main", "1a", "a b", "", "a_b"])
def test_a_key_that_cannot_be_an_id_is_refused(key):
    with pytest.raises(OptionError, match="cannot be an id"):
        section(key=key)


def test_an_unknown_kind_is_refused():
    with pytest.raises(OptionError, match="Did you mean 'summary'"):
        section(kind="sumary")


def test_tables_and_drawings_scroll_in_a_region_named_by_the_caption():
    html = scrollable(f"<p>字</p>{TABLE}<p>字</p>{FIGURE}")
    assert html.count('<div class="qs-scroll"') == 2
    assert '<div class="qs-scroll" tabindex="0" role="region" aria-label="表 1 合格率"><table' in html
    assert '<div class="qs-scroll" tabindex="0" role="region" aria-label="图 1 合格率"><svg' in html
    assert "</svg></div><figcaption>" in html
    assert scrollable(html) == html


def test_every_rule_of_the_style_sheet_is_scoped():
    from qstats.report.page import stylesheet

    css = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", stylesheet(), flags=re.DOTALL)
    selectors = [one.strip() for rule in re.findall(r"([^{}]+)\{", css) for one in rule.split(",")]
    assert len(selectors) > 50
    assert [one for one in selectors if not one.startswith((".qs ", ".qs-")) and one != ".qs"] == []


def test_a_formula_is_mathml_with_letters_slanted_and_signs_not():
    html = math(r"\hat p = \log x \%")
    assert html.startswith('<math aria-label="\\hat p = \\log x \\%"') and 'display="block"' in html
    assert (
        '<mi class="qs-variable">x</mi>' in html and "<mi>log</mi>" in html and "<mi>&#x00025;</mi>" in html
    )
    assert 'display="inline"' in math("x", display="inline")


def test_a_formula_with_an_environment_is_refused():
    with pytest.raises(OptionError, match="'aligned'"):
        math(r"\begin{aligned} a &= b \end{aligned}")
    with pytest.raises(OptionError, match="display='line'"):
        math("x", display="line")
