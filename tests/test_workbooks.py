"""Workbooks as statisticians send them: what is read, what is left out, and that both are said."""

import zipfile

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstats import files, workbooks
from qstats.checking import check, examine
from qstats.errors import DataError, OptionError
from qstats.examination import header_of
from qstats.files import read_table
from qstats.indicators import schema_of
from qstats.layouts import Layout, layout_of

SPOT = schema_of("inspection_pass_rate")
LOSS = schema_of("quality_loss_rate")
KNOWN = header_of(SPOT)
HEAD = ["地区", "检验数", "合格数"]
ROWS = [["安徽", 100, 90], ["江苏", 50, 45]]


def book(tmp_path, sheets, merge=(), name="t.xlsx", change=None):
    """Write sheets (name → rows); `merge` are areas of the first, `change` is called with the book."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        page = made.create_sheet(title)
        for row in rows:
            page.append(row)
    for area in merge:
        made.worksheets[0].merge_cells(area)
    if change:
        change(made)
    path = tmp_path / name
    made.save(path)
    return path


def read(path, **rules):
    return read_table(path, layout=Layout(**rules), is_header=KNOWN, lang="en")


def whats(reading):
    return list(zip(reading.seen["row"].tolist(), reading.seen["what"], strict=True))


def test_a_whole_page_as_it_is_sent_becomes_its_rows_and_every_other_row_is_accounted_for(tmp_path):
    rows = [
        ["2023年产品质量监督抽查汇总表"],
        ["填报单位：质量司", None, None, None],
        ["地区", "规模", "检验数", "合格数"],
        ["安徽", "大", "１,２００", "1,140"],
        [None, "小", 300, 240],
        ["江苏", "大", 500, 450],
        ["华东地区小计", None, 2000, 1830],
        ["合 计", None, 2000, 1830],
        ["注：1.  抽查不含出口产品。"],
        ["2. 数字为初步统计。"],
        ["填表人：张三", "审核人：李四", None, "2024-01-05"],
    ]
    path = book(tmp_path, {"抽查": rows}, ["A1:D1", "A4:A5"])
    table, found, notes = examine(path, SPOT, lang="en")
    assert found.empty
    assert table["region"].tolist() == ["安徽", "安徽", "江苏"]
    assert table["inspected"].tolist() == [1200, 300, 500]
    seen = read(path)
    assert seen.lines == [4, 5, 6]
    assert whats(seen)[1:] == [
        (1, "title"),
        (2, "title"),
        (3, "header"),
        (4, "data"),
        (7, "total"),
        (8, "total"),
        (9, "footnote"),
        (10, "footnote"),
        (11, "footnote"),
    ]
    assert "7, 8" in " ".join(notes) and "9, 10, 11" in " ".join(notes)
    assert seen.seen.loc[seen.seen["row"] == 8, "text"].item() == "合 计 | 2000 | 1830"


@pytest.mark.parametrize("word", ["合计", "总　计", "小计", "全省合计", "Total", "ＴＯＴＡＬ", "合计："])
def test_a_total_by_any_of_its_names_is_left_out_and_said(tmp_path, word):
    path = book(tmp_path, {"s": [HEAD, *ROWS, [word, 150, 135]]})
    assert check(path, SPOT)["passed"].sum() == 135
    assert (4, "total") in whats(read(path))
    kept = read(path, totals="keep")
    assert kept.lines == [2, 3, 4]
    with pytest.raises(DataError, match="4"):
        read(path, totals="refuse")


def test_a_row_is_no_total_because_a_remark_speaks_of_one(tmp_path):
    path = book(tmp_path, {"s": [[*HEAD, "备注"], ["安徽", 100, 90, "见全省合计"], ["江苏", 50, 45, None]]})
    assert read(path).lines == [2, 3]


def test_words_for_totals_and_marks_of_notes_are_the_readers_to_choose(tmp_path):
    path = book(tmp_path, {"s": [HEAD, *ROWS, ["汇总", 150, 135], ["附：初步数"]]})
    assert read(path).lines == [2, 3, 4, 5]
    assert read(path, total_words=("汇总",), footnote_marks=("附",)).lines == [2, 3]


def test_a_total_that_the_rows_do_not_add_up_to_is_said(tmp_path):
    path = book(tmp_path, {"s": [HEAD, *ROWS, ["合计", 150, 130]]})
    reading = read(path)
    said = reading.seen[reading.seen["what"] == "sum"]
    assert said["row"].tolist() == [4]
    assert "130" in said["why"].item() and "135" in said["why"].item()
    assert any("135" in note for note in reading.notes)
    right = book(tmp_path, {"s": [HEAD, *ROWS, ["合计", 150, 135]]})
    assert "sum" not in set(read(right).seen["what"])


def test_notes_below_can_be_kept_or_refused_and_a_lone_label_in_the_table_is_data(tmp_path):
    path = book(tmp_path, {"s": [HEAD, ["安徽", None, None], *ROWS, ["资料来源：市场监管总局"]]})
    assert read(path).lines == [2, 3, 4]
    assert read(path, footnotes="keep").lines == [2, 3, 4, 5]
    with pytest.raises(DataError, match="footnotes=keep"):
        read(path, footnotes="refuse")


def test_hidden_rows_are_refused_until_a_rule_says_what_they_are(tmp_path):
    def hide(made):
        made.active.row_dimensions[2].hidden = True

    path = book(tmp_path, {"s": [HEAD, *ROWS]}, change=hide)
    with pytest.raises(DataError, match="hidden=drop"):
        check(path, SPOT, lang="en")
    assert read(path, hidden="read").lines == [2, 3]
    dropped = read(path, hidden="drop")
    assert dropped.lines == [3]
    assert (2, "hidden") in whats(dropped)
    assert check(dropped, SPOT)["region"].tolist() == ["江苏"]


def test_hidden_columns_are_refused_until_a_rule_says_what_they_are(tmp_path):
    def hide(made):
        made.active.column_dimensions["D"].hidden = True

    rows = [[*HEAD, "规模"], ["安徽", 100, 90, "大"], ["江苏", 50, 45, "小"]]
    path = book(tmp_path, {"s": rows}, change=hide)
    with pytest.raises(DataError, match="规模"):
        read(path)
    assert "规模" in read(path, hidden="read").table.columns
    assert list(read(path, hidden="drop").table.columns) == HEAD


def test_a_formula_saved_without_its_value_is_refused_or_said_to_be_empty(tmp_path):
    path = book(
        tmp_path, {"s": [HEAD, ["安徽", 100, "=B2-10"], ["江苏", 50, 45], ["合计", "=SUM(B2:B3)", 135]]}
    )
    with pytest.raises(DataError, match="C2 合格数") as caught:
        read(path)
    assert "1 cells" in str(caught.value)  # the one in the total is left out with it
    reading = read(path, formulas="empty")
    assert reading.table["合格数"].tolist() == [None, "45"]
    assert "formula" in set(reading.seen["what"])


def test_the_sheet_with_the_table_is_found_and_the_others_are_said(tmp_path):
    cover = [["填表说明"], ["1. 检验数填批次"], ["2. 合格数不大于检验数"]]
    path = book(tmp_path, {"封面": cover, "数据": [HEAD, *ROWS]})
    reading = read(path)
    assert reading.table["地区"].tolist() == ["安徽", "江苏"]
    assert reading.sheets == ["数据", "数据"]
    assert reading.seen.loc[reading.seen["what"] == "sheet", "sheet"].tolist() == ["封面"]


def test_two_sheets_that_could_be_the_table_are_refused_named_or_joined(tmp_path):
    path = book(tmp_path, {"2022": [HEAD, ROWS[0]], "2023": [HEAD, ROWS[1], ["合计", 50, 45]]})
    with pytest.raises(DataError, match="2022, 2023"):
        read(path)
    assert read(path, sheet="2023").table["地区"].tolist() == ["江苏"]
    both = read(path, sheet="*")
    assert both.table["地区"].tolist() == ["安徽", "江苏"]
    assert (both.sheets, both.lines) == (["2022", "2023"], [2, 2])
    with pytest.raises(DataError, match="2022, 2023"):
        read(path, sheet="2024")
    other = book(tmp_path, {"a": [HEAD, ROWS[0]], "b": [["地区", "检验数", "不合格数"], ["江苏", 1, 1]]})
    with pytest.raises(DataError, match="不合格数"):
        read(other, sheet="*")


def test_a_hidden_sheet_is_never_read_unasked(tmp_path):
    def hide(made):
        made["old"].sheet_state = "hidden"

    path = book(tmp_path, {"old": [HEAD, ROWS[0]], "new": [HEAD, ROWS[1]]}, change=hide)
    reading = read(path)
    assert reading.table["地区"].tolist() == ["江苏"]
    assert "hidden" in reading.seen.loc[reading.seen["sheet"] == "old", "why"].item()
    assert read(path, sheet="old").table["地区"].tolist() == ["安徽"]


@pytest.mark.parametrize("merged", [True, False])
def test_a_header_of_two_rows_is_joined_where_a_name_alone_would_repeat(tmp_path, merged):
    rows = [
        ["2023年汇总"],
        ["地区", "大型企业", None, "小型企业", None, "备注"],
        [None, "检验数", "合格数", "检验数", "合格数", None],
        ["安徽", 10, 9, 20, 15, None],
    ]
    path = book(tmp_path, {"s": rows}, ["A2:A3", "B2:C2", "D2:E2", "F2:F3"] if merged else [])
    reading = read(path)
    names = ["地区", "大型企业检验数", "大型企业合格数", "小型企业检验数", "小型企业合格数", "备注"]
    assert list(reading.table.columns) == names
    assert reading.lines == [4]


def test_a_header_of_two_rows_keeps_the_lower_name_where_it_is_enough(tmp_path):
    rows = [["地区", "监督抽查", None], [None, "检验数", "合格数"], *ROWS]
    assert check(book(tmp_path, {"s": rows}), SPOT)["passed"].tolist() == [90, 45]


def test_a_declared_header_is_taken_and_a_header_that_is_none_is_refused(tmp_path):
    path = book(tmp_path, {"s": [["地区", "检验数", "合格数"], ["甲", "乙", "丙"], *ROWS]})
    assert list(read(path).table.columns) == HEAD
    assert list(read(path, header=2).table.columns) == ["甲", "乙", "丙"]
    assert read(path, header=2, header_rows=2).seen["why"].str.contains("two rows").any()
    with pytest.raises(OptionError, match="header=99"):
        read(path, header=99)


def test_a_header_printed_again_on_the_next_page_is_left_out(tmp_path):
    path = book(tmp_path, {"s": [HEAD, ROWS[0], HEAD, ROWS[1]]})
    assert check(path, SPOT)["region"].tolist() == ["安徽", "江苏"]
    assert (3, "again") in whats(read(path))


def test_empty_cells_take_the_value_above_only_where_it_is_declared(tmp_path):
    rows = [["地区", "规模", "检验数", "合格数"], ["安徽", "大", 100, 90], [None, "小", 50, 45]]
    path = book(tmp_path, {"s": rows})
    assert read(path).table["地区"].tolist() == ["安徽", None]
    reading = read(path, fill_down=("地区",))
    assert reading.table["地区"].tolist() == ["安徽", "安徽"]
    assert "filled" in set(reading.seen["what"])
    with pytest.raises(OptionError, match="地方"):
        read(path, fill_down=("地方",))


def test_a_unit_above_the_table_is_refused_or_given_to_the_columns_it_is_for(tmp_path):
    rows = [["单位：万元"], ["地区", "内部损失", "外部损失", "总产值"], ["安徽", 1, 2, 300]]
    path = book(tmp_path, {"s": rows})
    with pytest.raises(DataError, match="万元"):
        check(path, LOSS)
    reading = read_table(
        path, layout=Layout(unit_columns=("内部损失", "外部损失", "总产值")), is_header=header_of(LOSS)
    )
    assert check(reading, LOSS)[["internal", "output"]].values.tolist() == [[10_000, 3_000_000]]


@pytest.mark.parametrize("unit", ["单位：百批", "计量单位：万元", "（单位:亿元）"])
def test_a_unit_above_the_table_is_seen_however_it_is_called_and_its_row_is_named(tmp_path, unit):
    path = book(tmp_path, {"s": [["表"], [unit], HEAD, ["安徽", 100, 90]]})
    with pytest.raises(DataError, match="row 2"):
        read_table(path, layout=Layout(), lang="en")


def test_csv_is_read_by_the_same_rules(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("汇总\n地区,检验数,合格数\n安徽,100,90\n合计,100,90\n注：初步数\n", encoding="gbk")
    assert check(path, SPOT)["passed"].tolist() == [90]
    assert whats(read(path))[-2:] == [(4, "total"), (5, "footnote")]


def test_without_known_headers_nothing_below_the_header_is_left_out(tmp_path):
    path = book(tmp_path, {"s": [["node", "weight"], ["total", 1], ["注：x", 2]]})
    assert read_table(path).table["node"].tolist() == ["total", "注：x"]


def test_rules_given_as_text_are_the_rules(tmp_path):
    said = layout_of(
        ["hidden=drop", "totals=keep", "header=3", "header_rows=2", "fill_down=地区，行业", "sheet=a"]
    )
    assert said == Layout(
        hidden="drop", totals="keep", header=3, header_rows=2, fill_down=("地区", "行业"), sheet="a"
    )
    with pytest.raises(OptionError, match="totals"):
        layout_of(["total=keep"])
    with pytest.raises(OptionError, match="refuse"):
        layout_of(["hidden=maybe"])
    with pytest.raises(OptionError, match="three"):
        layout_of(["header=three"])


cells = st.one_of(
    st.none(), st.integers(0, 999), st.sampled_from(["安徽", "合计", "注：x", "检验数", "=1", "12%"])
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(cells, min_size=3, max_size=3), max_size=7))
def test_no_row_disappears_unseen(tmp_path, rows):
    """Every row that is not empty is data or stands in the preview."""
    path = tmp_path / "t.csv"
    pd.DataFrame([HEAD, *rows]).to_csv(path, index=False, header=False)
    reading = read(path, header=1)
    seen = set(reading.lines) | {int(r) for r in reading.seen["row"].dropna()}
    assert seen == {1, *(at for at, row in enumerate(rows, start=2) if any(c is not None for c in row))}


# hostile workbooks


def packed(tmp_path, parts, method=zipfile.ZIP_DEFLATED, name="t.xlsx"):
    """Write a good workbook with these parts added or replaced."""
    good = book(tmp_path, {"s": [HEAD, *ROWS]}, name="good.xlsx")
    path = tmp_path / name
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w", method) as target:
        for item in source.infolist():
            if item.filename not in parts:
                target.writestr(item.filename, source.read(item))
        for part, data in parts.items():
            target.writestr(part, data)
    return path


def test_a_part_that_unpacks_to_too_many_times_its_size_is_refused_before_it_is_unpacked(
    tmp_path, monkeypatch
):
    path = packed(tmp_path, {"xl/media/x.bin": b"\0" * (workbooks.SMALL + 1)})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *a, **k: pytest.fail("unpacked"))
    with pytest.raises(DataError, match=r"xl/media/x\.bin"):
        read(path)


def test_a_small_part_may_be_packed_well(tmp_path):
    assert read(packed(tmp_path, {"xl/media/x.bin": b"\0" * 1_000_000})).lines == [2, 3]


def test_a_part_that_is_larger_than_it_declares_is_refused(tmp_path):
    path = packed(tmp_path, {"xl/media/x.bin": b"\0" * 3_000_000})
    raw = bytearray(path.read_bytes())
    true = (3_000_000).to_bytes(4, "little")
    at = raw.rfind(true)
    assert at > 0
    raw[at : at + 4] = (10).to_bytes(4, "little")  # the size in the central directory
    path.write_bytes(bytes(raw))
    with pytest.raises(DataError, match=r"t\.xlsx"):
        read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_no_spreadsheet_uses_is_refused(tmp_path, method):
    with pytest.raises(DataError, match="packed in a way"):
        read(packed(tmp_path, {"xl/media/x.bin": b"x" * 100}, method))


def test_too_many_parts_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_PARTS", 20)
    with pytest.raises(DataError, match="20"):
        read(packed(tmp_path, {f"xl/media/{k}": b"x" for k in range(20)}))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_entities_that_grow_are_refused_in_any_encoding(tmp_path, encoding):
    bomb = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>"
    with pytest.raises(DataError, match="sharedStrings"):
        read(packed(tmp_path, {"xl/sharedStrings.xml": bomb.encode(encoding)}))


def test_a_cell_in_the_last_corner_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_CELLS", 1000)

    def corner(made):
        made.active.cell(5_000, 3, 1)

    with pytest.raises(DataError, match="5000"):
        read(book(tmp_path, {"s": [HEAD, *ROWS]}, change=corner))


@pytest.mark.parametrize(
    "area", ["A1:XFD1048576", "$A$1:$XFD$1048576", "a1:xfd1048576", "A:XFD", "&#65;1:XFD1048576"]
)
@pytest.mark.parametrize("far", [0, (1 << 20) - 30, (1 << 20) + 5])
def test_a_merged_area_of_a_whole_sheet_is_refused_wherever_and_however_it_stands(tmp_path, area, far):
    good = book(tmp_path, {"s": [HEAD, *ROWS]}, ["A2:A3"], name="merged.xlsx")
    with zipfile.ZipFile(good) as source:
        part = source.read("xl/worksheets/sheet1.xml")
    gap = max(far - part.index(b"<mergeCell "), 1) * b" "  # inside the mark
    part = part.replace(b'<mergeCell ref="A2:A3"', b"<mergeCell" + gap + f"ref='{area}'".encode())
    with pytest.raises(DataError, match="merged"):
        read(packed(tmp_path, {"xl/worksheets/sheet1.xml": part}))


@pytest.mark.parametrize("element", ["hyperlink", "x:hyperlink", "comment"])
def test_a_link_or_comment_over_a_whole_sheet_is_refused(tmp_path, element):
    part = f"<a xmlns:x='y'><{element} ref='A1:XFD1048576' location='x'/></a>".encode()
    with pytest.raises(DataError, match="merged"):
        read(packed(tmp_path, {"xl/any/part.xml": part}))


def test_more_cells_than_memory_should_hold_are_refused_before_they_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_CELLS", 8)
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *a, **k: pytest.fail("loaded"))
    with pytest.raises(DataError, match="8 cells"):
        read(book(tmp_path, {"s": [HEAD, *ROWS]}))


def test_a_file_larger_than_memory_should_hold_is_refused_by_its_size(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("地区,检验数,合格数\n安徽,100,90\n", encoding="utf-8")
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with pytest.raises(DataError, match=r"t\.csv"):
        read(path)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "\u202e皖安\u202c",
        "长" * 10_000,
        "'); DROP TABLE x;--",
    ],
)
def test_hostile_texts_are_texts(tmp_path, text):
    path = book(tmp_path, {"s": [[*HEAD, "产品"], ["安徽", 100, 90, text], ["江苏", 50, 45, "酒"]]})
    reading = read(path)
    assert reading.table["产品"].tolist() == [text, "酒"]


def test_a_formula_with_a_saved_value_gives_the_value_and_runs_nothing(tmp_path):
    def command(made):
        made.active["D2"] = "=cmd|' /C calc'!A0"

    path = book(
        tmp_path, {"s": [[*HEAD, "产品"], ["安徽", 100, 90, None], ["江苏", 50, 45, "酒"]]}, change=command
    )
    with pytest.raises(DataError, match="D2 产品"):
        read(path)
    assert read(path, formulas="empty").table["产品"].tolist() == [None, "酒"]


def test_a_layout_takes_one_name_for_several_and_refuses_what_is_no_row_or_sheet():
    assert Layout(fill_down="地区") == Layout(fill_down=("地区",)) == Layout(fill_down=["地区"])
    for odd in (
        {"header": "3"},
        {"header": 0},
        {"header": True},
        {"sheet": 1},
        {"sheet": ""},
        {"total_words": [1]},
    ):
        with pytest.raises(OptionError, match=f"{next(iter(odd))}"):
            Layout(**odd)
