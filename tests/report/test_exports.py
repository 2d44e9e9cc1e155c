"""A page in other forms: the numbers are those of the page, and texts are texts."""

import io
import shutil
import zipfile

import pandas as pd
import pytest

from qstats.errors import DataError, QStatsError
from qstats.estimate import Estimate
from qstats.report import contents, export_files, publish, sdmx
from qstats.report.contents import Contents, Part, Table
from qstats.report.editions import editions

EVIL = ["=1+1", "+cmd|' /C calc'!A0", "-2-3", "@SUM(A1)", "http://x.y/z", "<script>", "\u202eabc"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return publish.build("annual", year=2023, in_process=True, output=tmp_path_factory.mktemp("page"))[0].path


@pytest.fixture
def evil():
    table = Table("表1 =危险", "单位：%", header=["=地区", "值", "值"], rows=[[t, 1.5, None] for t in EVIL])
    return Contents("zh-CN", "报告", "安徽", parts=[Part("main", "一", [], [table])])


def test_the_page_gives_back_the_unrounded_numbers_of_its_tables(page):
    read = contents.read(page)
    assert len(read.tables) > 5
    main = read.tables[0]
    rate = next(row for row in main.rows if row[0] == "制造业产品质量合格率")
    assert rate[main.header.index("变动")] == 93.65 - 93.29
    assert read.title == "质量状况分析报告"
    assert dict(read.facts)["软件版本"].startswith("qstats")


def same(row, other):
    """Return whether rows agree; a workbook keeps sixteen digits."""
    numbers = [isinstance(b, float) for b in other]
    return all(
        a == pytest.approx(b, rel=1e-15) if number else a == b
        for a, b, number in zip(row, other, numbers, strict=True)
    )


def test_the_workbook_has_cover_contents_notes_and_one_named_table_a_sheet(page, tmp_path):
    import openpyxl

    read = contents.read(page)
    book = openpyxl.load_workbook(export_files.workbook(read, tmp_path / "a.xlsx"))
    names = [f"T{n:02d}" for n in range(1, len(read.tables) + 1)]
    assert book.sheetnames == ["封面", "目录", "说明", *names]
    for name, table in zip(names, read.tables, strict=True):
        sheet = book[name]
        assert list(sheet.tables) == [f"table_{name}"]
        assert not sheet.merged_cells.ranges
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        assert [same(a, b) for a, b in zip(rows[1:], table.rows, strict=True)] == [True] * len(table.rows)
        assert len(set(rows[0])) == len(rows[0])
    assert book["目录"]["B2"].value == read.tables[0].caption


def test_texts_in_a_workbook_are_never_formulas_or_links(evil, tmp_path):
    import openpyxl

    path = export_files.workbook(evil, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(path)["T01"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == EVIL
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert not any(cell.hyperlink for row in sheet.iter_rows() for cell in row)
    with zipfile.ZipFile(path) as packed:
        assert b"<f>" not in b"".join(packed.read(n) for n in packed.namelist() if "sheet" in n)


def test_columns_of_chinese_are_wide_enough(evil, tmp_path):
    import openpyxl

    evil.tables[0].rows = [["广西壮族自治区", 1, 2]]
    sheet = openpyxl.load_workbook(export_files.workbook(evil, tmp_path / "a.xlsx"))["T01"]
    assert sheet.column_dimensions["A"].width >= 2 * 7 + 2


def test_the_same_page_gives_the_same_bytes(page, tmp_path):
    read = contents.read(page)
    for make, ending in ((export_files.workbook, "xlsx"), (export_files.archive, "zip")):
        assert (
            make(read, tmp_path / f"a.{ending}").read_bytes()
            == make(read, tmp_path / f"b.{ending}").read_bytes()
        )


def test_the_archive_has_a_csv_a_table_and_guards_what_begins_like_a_formula(page, evil, tmp_path):
    with zipfile.ZipFile(export_files.archive(evil, tmp_path / "a.zip")) as packed:
        name = packed.namelist()[0]
        raw = packed.read(name)
    assert name == "01 表1 =危险.csv"
    assert raw.startswith(b"\xef\xbb\xbf'=")
    cells = pd.read_csv(io.BytesIO(raw), encoding="utf-8-sig", header=None)[0].tolist()[1:]
    assert all(cell.startswith("'") for cell, text in zip(cells, EVIL, strict=True) if text[0] in "=+-@")
    read = contents.read(page)
    with zipfile.ZipFile(export_files.archive(read, tmp_path / "b.zip")) as packed:
        assert len(packed.namelist()) == len(read.tables) + 1
        assert not any("/" in n or "\\" in n for n in packed.namelist())


def test_sdmx_csv_is_read_back_by_pysdmx_with_the_numbers_and_codes(tmp_path):
    pytest.importorskip("pysdmx")
    from pysdmx.io.csv.sdmx20.reader import read as from_csv

    edition = editions("annual", year=2023).editions[0]
    path = sdmx.write(edition, tmp_path / "a.csv")
    data = from_csv(path.read_text(encoding="utf-8"))[0].data
    columns = {"REF_AREA", "TIME_PERIOD", "INDICATOR", "ACTIVITY", "UNIT_MEASURE", "OBS_STATUS", "OBS_VALUE"}
    assert columns <= set(data.columns)
    data = data.astype(str)
    rate = data[(data["INDICATOR"] == "RPQ") & (data["TIME_PERIOD"] == "2023")].iloc[0]
    assert float(rate["OBS_VALUE"]) == 93.65
    assert (rate["REF_AREA"], rate["UNIT_MEASURE"], rate["ACTIVITY"], rate["OBS_STATUS"]) == (
        "CN",
        "PT",
        "C",
        "A",
    )
    assert data["TIME_PERIOD"].max() == "2023"
    assert not data.duplicated(list(sdmx.DIMENSIONS)).any()
    check = data[(data["INDICATOR"] == "SPOT_CHECK") & (data["TIME_PERIOD"] == "2023")].iloc[0]
    assert float(check["CONF_LOW"]) < float(check["OBS_VALUE"]) < float(check["CONF_HIGH"])
    assert sdmx.write(edition, tmp_path / "b.csv").read_bytes() == path.read_bytes()


def test_every_row_of_sdmx_has_a_status_of_the_code_list_and_it_is_an_attribute_as_pysdmx_has_it(tmp_path):
    pytest.importorskip("pysdmx")
    from pysdmx.io import read_sdmx
    from pysdmx.model import Role

    edition = editions("annual", year=2023).editions[0]
    path = sdmx.write(edition, tmp_path / "a.csv")
    (dataset,) = read_sdmx(path, validate=False).data
    assert dataset.structure == "DataStructure=QSTATS:QUALITY(1.0)"
    made = sdmx.observations(edition)
    numbers = ["OBS_VALUE", "STD_ERROR", "CONF_LOW", "CONF_HIGH"]
    read = dataset.data.assign(**{name: pd.to_numeric(dataset.data[name]) for name in numbers})
    assert len(read) == len(made)
    pd.testing.assert_frame_equal(
        read[numbers].astype(float), made[numbers].astype(float), rtol=1e-12, atol=0
    )
    for name in (*sdmx.DIMENSIONS, "OBS_STATUS"):
        assert read[name].astype(str).tolist() == made[name].astype(str).tolist(), name
    assert set(read["OBS_STATUS"]) <= set("ABDEFGIKLMNOPQSUVW")
    roles = {part.id: part.role for part in sdmx.structure().components}
    assert roles["OBS_STATUS"] == Role.ATTRIBUTE
    assert {name for name, role in roles.items() if role == Role.DIMENSION} == set(sdmx.DIMENSIONS)


def test_a_missing_figure_is_missing_and_a_derived_one_estimated():
    nan, one = float("nan"), {"flag": "series"}
    assert sdmx._status({"estimate": nan, **one}, simulated=False) == "O"
    assert sdmx._status({"estimate": 1.0, **one}, simulated=False) == "A"
    assert sdmx._status({"estimate": 1.0, **one}, simulated=True) == "E"
    assert sdmx._status({"estimate": 1.0, "flag": "derived"}, simulated=False) == "E"


def test_a_region_or_unit_without_a_code_is_refused():
    with pytest.raises(DataError, match="长三角"):
        sdmx.area("长三角")
    with pytest.raises(DataError, match="斤"):
        sdmx.unit("斤")


def test_a_format_whose_tool_is_absent_is_refused_before_any_work(monkeypatch):
    export_files.require(["html", "csv"])
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(QStatsError, match="Chromium"):
        export_files.require(["html", "pdf"])
    monkeypatch.setattr(export_files, "find_spec", lambda name: None)
    with pytest.raises(QStatsError, match="pysdmx"):
        export_files.require(["sdmx"])


@pytest.mark.chromium
def test_the_pdf_is_tagged_a4_and_the_same_every_time_wherever_the_page_lies(page, tmp_path):
    if export_files.chromium() is None:
        pytest.skip("Chromium was not found")
    first = export_files.pdf(page, tmp_path / "a.pdf").read_bytes()
    other = tmp_path / "another folder" / page.name
    other.parent.mkdir()
    shutil.copy(page, other)
    assert export_files.pdf(other, tmp_path / "b.pdf").read_bytes() == first
    assert b"/StructTreeRoot" in first
    assert b"/Outlines" in first
    assert b"(D:20200101000000" in first
    assert str(tmp_path).encode() not in first


@pytest.mark.parametrize(
    ("flag", "comment"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("甲\u202e乙\n丙", "甲乙 丙"),
        ("\u200b@SUM(1)", "'@SUM(1)"),
    ],
)
def test_a_flag_from_the_data_is_neither_a_formula_nor_a_second_line_of_sdmx(flag, comment):
    row = {
        "period": "2023",
        "estimate": 93.1,
        "std_error": 0.2,
        "conf_low": 92.5,
        "conf_high": 97.0,
        "n": 900,
    }
    estimate = Estimate(pd.DataFrame([{**row, "flag": flag}]), indicator="a", unit="%", method="m")
    (found,) = sdmx._rows({"key": "rpq", "place": "", "industry": ""}, estimate, "全国")
    assert found["COMMENT_OBS"] == comment
