"""A page with everything a report may hold, opened in Chromium."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from qstats.report import execute, render

pytestmark = pytest.mark.chromium

SETUP = '''
import io

from matplotlib.figure import Figure

from qstats.report.page import Section, math
from qstats.report.theme import theme

TEXT = {
    "zh": {"points": "要点", "main": "一、主要指标", "export": "三、出口商品质量", "method": "附录 方法"},
    "en": {"points": "Key points", "main": "1 Indicators", "export": "3 Exports", "method": "Annex"},
}[lang]


def t(zh, en):
    return zh if lang == "zh" else en


def line(name, label):
    """Draw a line with its band, text left as text for the embedded font."""
    with theme():
        figure = Figure(figsize=(7, 3), layout="constrained")
        axes = figure.subplots()
        years = list(range(2017, 2025))
        values = [93.29, 93.83, 93.86, 93.39, 93.08, 93.29, 93.65, 93.93]
        axes.plot(years, values, color="#12436D", marker="o")
        low, high = [v - 0.4 for v in values], [v + 0.4 for v in values]
        axes.fill_between(years, low, high, color="#12436D", alpha=0.15)
        axes.set_title(t("产品质量合格率", "Pass rate of products"), fontweight="bold", loc="left")
        axes.set_ylabel("%")
        axes.spines[["top", "right"]].set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
'''

POINTS = """
Section("points", TEXT["points"], '<ul class="qs-key">' + "".join(f"<li>{p}</li>" for p in [
    t("制造业产品质量合格率为 <strong>93.65%</strong>，比上年提高 0.36 个百分点，接近目标。",
      "The pass rate of manufactured products is <strong>93.65%</strong>, up 0.36 points on the year."),
    t("国家监督抽查不合格率为 <strong>12.8%</strong>，与上年相比无明显变化。",
      "Spot checks failed <strong>12.8%</strong> of products; no clear change on the year."),
    t("出口商品批次合格率为 <strong>99.80%</strong>，连续五年稳定在 99.7% 以上。",
      "Of export batches <strong>99.80%</strong> passed, above 99.7% for the fifth year."),
    t("质量竞争力指数为 <strong>85.23</strong>，升至“较强竞争力”区间，发展能力贡献最大。",
      "The competitiveness index is <strong>85.23</strong>; the capability half contributed most."),
]) + "</ul>", kind="summary", lang=lang)
"""

MAIN = """
cards = [
    (t("产品质量合格率", "Product pass rate"), "93.65", "%", t("▲ 0.36 个百分点", "▲ 0.36 points up")),
    (t("抽查不合格率", "Spot-check failures"), "12.8", "%", t("无明显变化", "no clear change")),
    (t("出口批次合格率", "Export batches passed"), "99.80", "%", t("▲ +0.02 个百分点", "▲ +0.02 points")),
    (t("竞争力指数", "Competitiveness index"), "85.23", "", t("▼ 第 4 位，降 1 位", "▼ 4th, one place down")),
]
body = '<div class="qs-cards">' + "".join(
    f'<div class="qs-card"><p class="qs-card-label">{name}</p>'
    f'<p class="qs-card-value">{value}<span class="qs-card-unit">{unit}</span></p>'
    f'<p class="qs-card-change">{note}</p></div>' for name, value, unit, note in cards) + "</div>"
heads = t("指标 本期 上期 变化 区间（95%） 位次", "Indicator Now Before Change Interval(95%) Rank").split()
names = t("产品质量合格率 监督抽查合格率 出口批次合格率 工程一次验收合格率 顾客满意度 质量损失率",
          "Products Spot-checks Exports Works Satisfaction Losses").split()
rows = "".join(
    f'<tr><th scope="row">{name}</th><td>{93.65 - i}</td><td>{93.29 - i:.2f}</td><td>▲ 0.36</td>'
    f'<td>93.31~93.99</td><td>{i + 1}</td><td class="qs-text">{t("接近", "near")}</td></tr>'
    for i, name in enumerate(names))
body += (
    f'<table class="qs-table"><caption>{t("表 1 主要指标", "Table 1 Main indicators")}'
    f'<span class="qs-unit">{t("单位：%", "Unit: %")}</span></caption><thead><tr>'
    + "".join(f'<th scope="col">{head}</th>' for head in heads)
    + f'<th scope="col" class="qs-text">{t("目标", "Target")}</th></tr></thead><tbody>{rows}</tbody></table>'
    f'<p class="qs-notes">{t("注：变化由未修约的数值计算。", "Changes are from unrounded values.")}</p>')
Section("main", TEXT["main"], body, lang=lang)
"""

FIGURE = """
label = t("2017 年至 2024 年合格率在 93% 与 94% 之间。", "From 2017 to 2024 the rate stays near 93%.")
caption = t("图 1 产品质量合格率（2017—2024 年）", "Figure 1 Pass rate, 2017–2024")
body = f'<h3>{t("（一）趋势", "3.1 Trend")}</h3><p>{label}</p><figure class="qs-figure">'
body += f'{line("trend", label)}<figcaption>{caption}</figcaption></figure>'
body += f'<p>{t("受检企业", "Inspected")}: <span class="qs-name">合肥镕堃机械有限公司</span></p>'
Section("export", TEXT["export"], body, simulated=True, lang=lang)
"""

METHOD = r"""
body = f'<p>{t("合格率按产值加权：", "The pass rate is weighted by output:")}</p>'
body += math(r"Q = \frac{\sum_{h} W_h \hat{p}_h}{\sum_{h} W_h} \times 100")
body += f'<p>{t("其中", "where")} {math("W_h", display="inline")} {t("为产值。", "is the output.")}</p>'
Section("method", TEXT["method"], body, lang=lang)
"""


@pytest.fixture(scope="module", params=["zh", "en"])
def sample(request, tmp_path_factory):
    """Give the path of a rendered page in one language."""
    lang, folder = request.param, tmp_path_factory.mktemp("page")
    cells = [
        new_code_cell('lang = "zh"', id="parameters", metadata={"tags": ["parameters"]}),
        *(
            new_code_cell(source.strip(), id=f"cell-{i}")
            for i, source in enumerate((SETUP, POINTS, MAIN, FIGURE))
        ),
        new_markdown_cell("### 附注 Note\n\n本段文字写在笔记本中。", id="words", metadata={"tags": ["page"]}),
        new_code_cell(METHOD.strip(), id="method"),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "sample.ipynb")
    parameters = {"lang": lang}
    html = render.page(
        execute.run(folder / "sample.ipynb", parameters, in_process=True),
        lang=lang,
        title={"zh": "质量状况分析报告", "en": "The state of quality"}[lang],
        subtitle={"zh": "全国 · 2023 年", "en": "China, 2023"}[lang],
        note={"zh": "根据已公布数据编制", "en": "Compiled from published figures"}[lang],
        provenance={
            "datasets": [{"name": "published/mqr.csv", "rows": 35, "sha256": "0a1b2c3d4e5f" * 5 + "0123"}],
            "seed": 20,
        },
        parameters=parameters,
    )
    built = render.write(html, folder / "sample.html", lang=lang)
    assert built.size < render.LIMIT_KB * 1024
    assert len(built.warnings) == 1 and "堃" in built.warnings[0] and "镕" in built.warnings[0]
    return built.path


def test_the_page_asks_for_nothing_but_itself(page_checks, sample):
    page_checks.requests(sample)


def test_axe_finds_no_violation(page_checks, sample):
    page_checks.axe(sample)


def test_the_page_is_read_without_javascript(page_checks, sample):
    page_checks.readable_without_scripts(sample)


def test_every_text_is_drawn_by_the_embedded_font_in_its_weight(page_checks, sample):
    page_checks.glyphs(sample)


def test_a_phone_shows_the_page_without_sideways_scrolling(page_checks, sample):
    page_checks.phone(sample)


def test_it_prints_on_a4(page_checks, sample):
    page_checks.prints(sample)


def broken(sample, tmp_path, old, new):
    """Write the sample with one thing changed; give its path."""
    html = sample.read_text(encoding="utf-8")
    assert old in html
    path = tmp_path / "broken.html"
    path.write_text(html.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize("sample", ["zh"], indirect=True)
@pytest.mark.parametrize(
    ("check", "old", "new"),
    [
        ("requests", "</main>", '<img alt="x" src="https://example.org/a.png"></main>'),
        ("requests", "</main>", '<img alt="x" src="beside.png"></main>'),
        ("axe", ' lang="', ' data-lang="'),
        ("axe", "</main>", '<p style="color:#ccc">pale</p></main>'),
        ("readable_without_scripts", "</main>", "<script>1</script></main>"),
        ("glyphs", "</main>", "<p>\u9555</p></main>"),
        ("glyphs", "font-weight:700;font-style", "font-weight:400;font-style"),
        ("phone", "</main>", '<p style="width:40rem">wide</p></main>'),
        ("prints", "size: A4", "size: A5"),
        ("prints", ".qs-skip, .qs-code { display: none; }", ""),
    ],
)
def test_the_checks_catch_a_broken_page(page_checks, sample, tmp_path, check, old, new):
    path = broken(sample, tmp_path, old, new)
    if check == "requests":
        html = path.read_text(encoding="utf-8")
        path.write_text(html.replace('http-equiv="Content-Security-Policy"', 'name="none"'), encoding="utf-8")
    with pytest.raises(AssertionError):
        getattr(page_checks, check)(path)
