"""Files as people send them: read, and said how; or refused, with what to do. And files as we leave them."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor

import openpyxl
import pandas as pd
import pytest

from qstats import workbooks
from qstats.checking import check, examine
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate
from qstats.files import read_table, safe_name, unguarded, write_atomic, write_csv, write_xlsx
from qstats.indicators.inspection_pass_rate import SCHEMA, inspection_pass_rate
from qstats.survey.design import Design

HEADER = "地区,检验数,合格数\n"


def put(tmp_path, data, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def sheet(tmp_path, rows, merge=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for area in merge:
        book.active.merge_cells(area)
    path = tmp_path / "t.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_csv_of_any_separator_and_encoding_is_read(tmp_path, separator, encoding):
    path = put(tmp_path, (HEADER + "安徽,100,90\n").replace(",", separator).encode(encoding))
    reading = read_table(path, lang="en")
    assert check(path, SCHEMA)[["inspected", "passed"]].values.tolist() == [[100, 90]]
    assert any("GBK" in note for note in reading.notes) == (encoding == "gbk")


def test_title_rows_above_the_header_are_skipped_and_said(tmp_path):
    path = sheet(
        tmp_path, [["2023年监督抽查汇总表"], [], ["地区", "检验数", "合格数"], ["安徽", 100, 90]], ["A1:C1"]
    )
    table, found, notes = examine(path, SCHEMA, lang="zh")
    assert found.empty
    assert table["passed"].tolist() == [90]
    assert any("2023年监督抽查汇总表" in note for note in notes)


def test_a_merged_region_is_given_to_its_rows_and_said(tmp_path):
    rows = [["地区", "规模", "检验数", "合格数"], ["安徽", "大", 10, 9], [None, "小", 20, 15]]
    table, found, notes = examine(sheet(tmp_path, rows, ["A2:A3"]), SCHEMA, lang="zh")
    assert found.empty
    assert table["region"].tolist() == ["安徽", "安徽"]
    assert any("合并" in note for note in notes)


def test_a_merged_number_is_a_violation_because_it_would_count_twice(tmp_path):
    rows = [["地区", "检验数", "合格数"], ["安徽", 10, 9], ["江苏", None, 8]]
    _, found, _ = examine(sheet(tmp_path, rows, ["B2:B3"]), SCHEMA)
    assert "merged" in set(found["rule"])
    assert found.loc[found["rule"] == "merged", "row"].tolist() == [3]


def test_rows_are_numbered_as_the_spreadsheet_numbers_them(tmp_path):
    rows = [["标题"], ["地区", "检验数", "合格数"], ["安徽", 10, 9], ["江苏", 10, 99]]
    _, found, _ = examine(sheet(tmp_path, rows), SCHEMA)
    assert found["row"].tolist() == [4]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "t.csv"),
        (b"\n\n", "t.csv"),
        (b"\x00\x01\x02\x03", "t.csv"),
        (b"\xff\xff\xff", "t.csv"),
        (b"PK\x03\x04 no workbook", "t.xlsx"),
        (b"%PDF-1.4", "t.pdf"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path, data, name):
    with pytest.raises(DataError, match=name):
        check(put(tmp_path, data, name), SCHEMA)


def test_a_folder_and_an_absent_file_are_refused_by_name(tmp_path):
    with pytest.raises(DataError, match="absent"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="folder"):
        read_table(tmp_path / "folder.csv")


def test_a_truncated_workbook_is_refused(tmp_path):
    path = sheet(tmp_path, [["地区", "检验数", "合格数"], ["安徽", 10, 9]])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"t\.xlsx"):
        read_table(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused_by_its_size(tmp_path, monkeypatch):
    path = sheet(tmp_path, [["地区", "检验数", "合格数"], ["安徽", 10, 9]])
    with zipfile.ZipFile(path) as packed:
        size = sum(item.file_size for item in packed.infolist())
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", size - 1)
    with pytest.raises(DataError, match=f"{size:,}|{size}"):
        read_table(path)


def test_a_header_alone_is_an_empty_table(tmp_path):
    _, found, _ = examine(put(tmp_path, HEADER), SCHEMA)
    assert found["rule"].tolist() == ["empty"]


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "\u202e001", "长" * 10_000, "nan5"]
)
def test_hostile_text_in_a_number_is_a_violation_and_nothing_more(tmp_path, text):
    path = put(tmp_path, HEADER + f'安徽,"{text}",90\n')
    _, found, _ = examine(path, SCHEMA)
    assert "number" in set(found["rule"])
    assert found["row"].tolist()[0] == 2


def test_hostile_text_in_a_label_passes_as_text(tmp_path):
    path = put(tmp_path, "product,inspected,passed\n=1+1,10,9\n<b>,10,9\n")
    assert check(path, SCHEMA)["product"].tolist() == ["=1+1", "<b>"]


def test_a_million_rows_are_checked():
    many = pd.DataFrame({"inspected": 1, "passed": [0, 1] * 500_000})
    assert len(check(many, SCHEMA)) == 1_000_000


def test_a_file_is_whole_or_not_there(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("before", encoding="utf-8")
    with pytest.raises(RuntimeError), write_atomic(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert target.read_text(encoding="utf-8") == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]
    with write_atomic(target) as temporary:
        temporary.write_text("after", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "after"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


@pytest.mark.parametrize("path", [None, 3, b"a.csv", pd.Series([1]), {}])
def test_what_is_no_path_is_not_read(path):
    with pytest.raises(OptionError, match="path="):
        read_table(path)


def test_a_parquet_file_is_told_who_reads_it(tmp_path):
    pd.DataFrame({"inspected": [9, 1], "passed": [8, 1]}).to_parquet(path := tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"design="):
        inspection_pass_rate(path)
    assert inspection_pass_rate(path, design=Design()).value() == pytest.approx(90)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe.csv")
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_bytes)
        write_csv(pd.DataFrame({"a": [1]}), pipe)
        assert read.result() == "\ufeffa\r\n1\r\n".encode()
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_csv_that_calls_itself_a_workbook_is_read(tmp_path):
    path = put(tmp_path, HEADER + "安徽,100,90\n", "t.xlsx")
    assert check(path, SCHEMA)["passed"].tolist() == [90]


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1",
    "＝1+1",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\u202e皖安\u202c",
    "'=1+1",
    "''-x",
    "长" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_in_a_csv_is_no_formula_and_comes_back_as_it_was(tmp_path, text):
    path = write_csv(pd.DataFrame({"name": [text, "x"], "n": [-2.5, 3]}), tmp_path / "out.csv")
    back = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False)
    assert not back["name"][0].startswith(tuple("=+-@\t\r＝"))
    assert unguarded(back["name"][0]) == text
    assert back["n"].tolist() == [-2.5, 3]
    kept = pd.read_csv(
        write_csv(pd.DataFrame({"name": [text]}), tmp_path / "k.csv", formulas="keep"), dtype=str
    )
    assert kept["name"][0] == text


def test_a_header_in_a_csv_is_no_formula_and_a_number_as_text_is_left(tmp_path):
    path = write_csv(pd.DataFrame({"=1+1": ["-3", "+4.5e3", "-"]}), tmp_path / "out.csv")
    assert path.read_text(encoding="utf-8-sig").splitlines() == ["'=1+1", "-3", "+4.5e3", "'-"]


@pytest.mark.parametrize("text", [*HOSTILE, "https://example.org/x"])
def test_a_text_in_a_workbook_is_a_text(tmp_path, text):
    path = write_xlsx(
        pd.DataFrame({"name": [text], "n": [2.5], "b": [True], "gap": [None]}), tmp_path / "out.xlsx"
    )
    row = openpyxl.load_workbook(path).active[2]
    assert (row[0].data_type, row[0].hyperlink) == ("s", None)
    assert row[0].value.replace("\r\n", "\r") == text or "\r" in text
    assert [cell.value for cell in row[1:]] == [2.5, True, None]


def test_a_text_that_a_workbook_would_lose_is_refused(tmp_path):
    with pytest.raises(DataError, match="32767"):
        write_xlsx(pd.DataFrame({"name": ["x" * 32_768]}), tmp_path / "out.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_the_same_table_gives_the_same_bytes(tmp_path):
    table = pd.DataFrame({"name": ["a"], "n": [1]})
    assert (
        write_xlsx(table, tmp_path / "a.xlsx").read_bytes()
        == write_xlsx(table, tmp_path / "b.xlsx").read_bytes()
    )


@pytest.mark.parametrize(
    "text", [*HOSTILE, "CON", "con.txt", "a/b\\c:d", ".hidden", "  ", "", "..", "a\0b", "长" * 300 + ".xlsx"]
)
def test_the_name_of_a_file_stays_in_its_folder(tmp_path, text):
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 120
    target = tmp_path / name
    target.write_text("x", encoding="utf-8")
    assert target.parent == tmp_path and [p.name for p in tmp_path.iterdir()] == [name]
    assert not set(name) & set('/\\:*?"<>|\u202e\0\t\r')
    assert name.split(".")[0].upper() not in ("CON", "")
    assert safe_name(name) == name


def test_a_long_name_keeps_its_ending_and_is_cut_as_asked():
    assert safe_name("长" * 300 + ".xlsx").endswith("长.xlsx")
    assert len(safe_name("x" * 300, longest=20)) == 20


@pytest.mark.parametrize("tail", [b"x", b"\x00\xd8"])
def test_utf16_that_breaks_within_a_character_is_refused(tmp_path, tail):
    path = put(tmp_path, (HEADER + "安徽,10,9\n").encode("utf-16") + tail)
    with pytest.raises(DataError, match=r"t\.csv"):
        read_table(path)


ADDRESSES = [
    "postgresql://me:s3cr3t@db.example.org/returns",
    "POSTGRESQL://me:s3cr3t@db.example.org/returns",
    "postgresql+psycopg2://me:s3cr3t@db.example.org/returns",
    "  mysql://me:s3cr3t@db.example.org/returns",
    "jdbc:postgresql://me:s3cr3t@db.example.org/returns",
    "https://me:s3cr3t@example.org/t.csv",
    "s3://key:s3cr3t@bucket/" + "x" * 5000,
    "sqlite:me:s3cr3t@lost.db",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("read", [read_table, Estimate.load, lambda address: check(address, SCHEMA)])
def test_an_address_that_was_taken_for_a_file_is_not_repeated(address, read):
    with pytest.raises(DataError) as refused:
        read(address)
    assert "s3cr3t" not in str(refused.value)
    assert "example.org" not in str(refused.value)


def test_a_file_may_be_called_as_an_address_begins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path, HEADER + "安徽,10,9\n", "sqlite:t.csv")
    assert len(read_table("sqlite:t.csv").table) == 1
