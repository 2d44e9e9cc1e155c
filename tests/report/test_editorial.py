"""The words of editors: what replaces what, references, and what is refused."""

import pytest

from qstats import report
from qstats.errors import DataError, QStatsWarning
from qstats.report import editorial, render
from qstats.report.facts import Facts


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Give a function that writes the words of an editor and returns facts that know them."""
    monkeypatch.setenv(editorial.FOLDERS, "")

    def write(text, name="words.zh.md", **more):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return Facts.of(2023, editorial=editorial.shown(path), **more)

    return write


def test_a_paragraph_is_replaced_and_its_numbers_are_those_of_the_table(written):
    facts = written("## product.rpq.1\n合格率**{rpq}**，比上年{rpq.change}。\n")
    body = report.products(facts, lang="zh").body
    now = facts.current("rpq").value()
    assert f'<strong><span data-ref="rpq">{now:.2f}%</span></strong>' in body
    assert '<span data-ref="rpq.change">上升0.36个百分点</span>' in body
    plain = report.products(Facts.of(2023), lang="zh").body
    assert 'data-text="product.rpq.1"' in plain and "data-edited" not in plain
    assert body.count("data-edited") == 1


def test_other_paragraphs_and_the_other_language_stay_as_generated(written):
    facts = written("## product.rpq.1\n合格率{rpq}。\n")
    plain = Facts.of(2023)
    assert report.exports(facts, lang="zh").body == report.exports(plain, lang="zh").body
    assert report.products(facts, lang="en").body == report.products(plain, lang="en").body


def test_a_file_without_a_language_in_its_name_speaks_for_both(written):
    facts = written("## summary.1\n{rpq.name}: {rpq}\n", name="words.md")
    assert "Manufacturing product quality pass rate" in report.summary(facts, lang="en").body
    assert "制造业产品质量合格率</span>: " in report.summary(facts, lang="zh").body


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("rpq", "93.65%"),
        ("rpq.before", "93.29%"),
        ("rpq@2022", "93.29%"),
        ("rpq.change", "上升0.36个百分点"),
        ("spot_check.low", "87.3%"),
        ("spot_check.high", "88.1%"),
        ("spot_check.interval", "87.3%~88.1%"),
        ("spot_check.n", "28,265"),
        ("qci.name", "制造业质量竞争力指数"),
        ("NSS_fail_rate[小型企业]", "13.2%"),
        ("food@2023Q3.change_previous", "下降0.11个百分点"),
        ("year", "2023"),
        ("period", "2023年"),
        ("region", "全国"),
    ],
)
def test_a_reference_is_what_the_facts_say(reference, said):
    assert editorial.lookup(reference, Facts.of(2023), {}, "zh") == said


def test_a_value_of_the_generated_text_of_the_section_can_be_cited(written):
    facts = written("## index.half.1\n安徽第{index.text.rank}位，得分{index.text.score}。\n")
    body = report.competitiveness(facts, lang="zh").body
    assert '<span data-ref="index.text.rank">9</span>' in body
    assert '<span data-ref="index.text.score">80.52</span>' in body


@pytest.mark.parametrize(
    ("reference", "near"),
    [("rqp", "rpq"), ("rpq.chnage", "rpq.change"), ("rpq@2022.lo", "rpq@2022.low"), ("perod", "period")],
)
def test_an_unknown_reference_names_the_nearest(written, reference, near):
    facts = written(f"## product.rpq.1\n{{{reference}}}\n")
    with pytest.raises(DataError) as error:
        report.products(facts, lang="zh")
    assert f"“{{{reference}}}”" in str(error.value) and f"“{{{near}}}”" in str(error.value)


@pytest.mark.parametrize("reference", ["export_batch", "rpq.low", "rpq@1999", "NSS_fail_rate[火星企业]"])
def test_a_figure_that_was_not_published_cannot_be_cited(reference):
    with pytest.raises(DataError, match="没有公布数据"):
        editorial.lookup(reference, Facts.of(2023), {}, "zh")


@pytest.mark.parametrize(
    ("key", "near"),
    [("product.rpq.9", r"product\.rpq\.\d"), ("produkt.rpq.1", "product"), ("product.rqp.1", "rpq")],
)
def test_an_unknown_paragraph_names_the_nearest(written, key, near):
    facts = written(f"## {key}\n文字。\n")
    with pytest.raises(DataError, match=near):
        report.products(facts, lang="zh")


def test_a_number_typed_by_hand_is_a_warning_that_names_it(written):
    facts = written("## product.rpq.1\n按GB/T 8170修约，合格率{rpq}，目标94.00%，共29个大类。\n")
    with pytest.warns(QStatsWarning, match=r"product\.rpq\.1.*94\.00%, 29"):
        report.products(facts, lang="zh")


def test_the_page_itself_tells_of_numbers_typed_by_hand(tmp_path):
    edited = (
        '<p data-text="a.1" data-edited>共<span data-ref="rpq">93.65%</span>和<em>7</em>家</p><p>8</p>'
        '<li data-text="b.2" data-edited>第<span data-ref="rank">9</span>位</li>'
    )
    said = editorial.typed_on(edited, "en")
    assert len(said) == 1 and "a.1" in said[0] and said[0].count("7") == 1 and "93.65" not in said[0]
    assert said == list(render.write(edited, tmp_path / "page.html", lang="en").warnings)


def test_words_are_escaped_and_carry_no_markup_of_their_own(written):
    facts = written("## product.rpq.1\n<script>x</script> [link](javascript:y) {rpq}\n")
    body = report.products(facts, lang="zh").body
    assert "<script" not in body and "<a href" not in body.split("qs-download")[0]
    assert "&lt;script&gt;" in body


def test_two_paragraphs_may_replace_one(written):
    facts = written("## export.1\n第一段。\n\n第二段，\n接着写。\n")
    body = report.exports(facts, lang="zh").body
    assert body.count("data-edited") == 2 and "第二段，接着写。" in body


@pytest.mark.parametrize(
    ("text", "said"),
    [("## a.1\n\n## b.1\n字\n", "a.1"), ("## a.1\n字\n## a.1\n字\n", "a.1")],
)
def test_an_empty_or_repeated_paragraph_is_refused(written, text, said):
    facts = written(text)
    with pytest.raises(DataError, match=said):
        editorial.paragraphs(facts.editorial, "zh")


def test_a_file_that_is_not_there_is_refused_and_a_notebook_may_have_none(tmp_path, monkeypatch):
    monkeypatch.setenv(editorial.FOLDERS, "")
    with pytest.raises(DataError, match=r"lost\.zh\.md"):
        editorial.shown(tmp_path / "lost.zh.md")
    with pytest.raises(DataError, match=r"lost\.md"):
        editorial.located("lost.md", "zh")
    assert editorial.located("annual_report", "zh") is None
    assert editorial.paragraphs("", "zh") == {}


def test_words_beside_the_notebook_are_found_from_where_one_works(tmp_path, monkeypatch):
    monkeypatch.setenv(editorial.FOLDERS, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "annual_report.en.md").write_text("## export.1\nNothing to report.\n", encoding="utf-8")
    facts = Facts.of(2023, editorial="annual_report")
    assert "Nothing to report." in report.exports(facts, lang="en").body
    assert "data-edited" not in report.exports(facts, lang="zh").body


def test_a_draft_has_every_paragraph_under_its_name():
    section = report.problems(Facts.of(2023), lang="zh")
    draft = editorial.draft([section])
    assert draft.count("## ") == section.body.count("data-text=")
    assert "## problems.small.NSS_fail_rate.problem\n问题：小型企业" in draft


def test_the_option_reaches_the_page_and_its_colophon(tmp_path, monkeypatch):
    monkeypatch.setenv(editorial.FOLDERS, "")
    path = tmp_path / "mine.zh.md"
    path.write_text("## summary.1\n指数为{qci}。\n", encoding="utf-8")
    built = report.build("qci", year=2009, editorial=path, output=tmp_path, in_process=True)[0]
    html = built.path.read_text(encoding="utf-8")
    assert '<span data-ref="qci">82.14</span>' in html and built.warnings == ()
    assert built.path.name == "qci-2009-全国.zh.html"
    assert "编辑文字 mine.zh.md" in html and str(tmp_path) not in html


def test_the_hash_of_the_words_is_among_the_inputs_of_a_page(tmp_path, monkeypatch):
    monkeypatch.setenv(editorial.FOLDERS, "")
    path = tmp_path / "mine.zh.md"
    path.write_text("## summary.1\n一。\n", encoding="utf-8")
    first = editorial.described(editorial.shown(path))
    path.write_text("## summary.1\n二。\n", encoding="utf-8")
    assert list(first) == ["mine.zh.md"] and first != editorial.described("mine.zh.md")


@pytest.mark.parametrize("mark", ["\u202e", "&#x202e;", "&#8238;", "\u200f", "\x1b", "&#27;"])
def test_marks_that_cannot_be_seen_do_not_reach_the_page(written, mark):
    facts = written(f"## product.rpq.1\n合格率{mark}{{rpq}}。\n")
    body = report.products(facts, lang="zh").body
    assert '合格率<span data-ref="rpq">93.65%</span>。' in body


@pytest.mark.parametrize("entity", ["&#xe000;", "&#xe0ff;", "&#57344;", "&amp;#xe000;"])
def test_an_entity_cannot_stand_for_a_reference(written, entity):
    facts = written(f"## product.rpq.1\n甲{entity}乙{{rpq}}\n")
    body = report.products(facts, lang="zh").body
    assert body.count('data-ref="rpq"') == 1
    assert "&amp;#xe000;" not in entity or "甲&amp;#xe000;乙" in body


def test_an_entity_is_the_letter_it_means(written):
    facts = written("## product.rpq.1\nR&amp;D &lt;b&gt; {rpq}\n")
    assert "R&amp;D &lt;b&gt; <span" in report.products(facts, lang="zh").body


def test_words_in_another_encoding_or_under_another_name_are_refused(written, tmp_path):
    (tmp_path / "gbk.zh.md").write_bytes("## product.rpq.1\n合格率{rpq}。\n".encode("gbk"))
    facts = Facts.of(2023, editorial=editorial.shown(tmp_path / "gbk.zh.md"))
    with pytest.raises(DataError, match=r"gbk\.zh\.md.*UTF-8"):
        report.products(facts, lang="zh")
    (tmp_path / "words.txt").write_text("## product.rpq.1\n合格率{rpq}。\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"words\.txt"):
        editorial.shown(tmp_path / "words.txt")
