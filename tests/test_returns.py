"""A folder of returns: each region taken once, and everything else named in one table."""

import zipfile
from decimal import Decimal

import openpyxl
import pandas as pd
import polars as pl
import pytest

from qstats import workbooks
from qstats.classifications import regions
from qstats.errors import DataError, OptionError
from qstats.files import Layout
from qstats.indicators import schema_of
from qstats.missing_regions import complete_regions
from qstats.returns import SOURCE, collect
from qstats.schema import Schema
from qstats.senders import expected_regions, regions_named

SPOT = schema_of("inspection_pass_rate")
PROVINCES = regions().query("level == 'province'")["name"].tolist()
TWO = ["安徽", "江苏"]


def put(folder, name, region="安徽", inspected=100, passed=90, period="2024"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"地区,统计期,检验数,合格数\n{region},{period},{inspected},{passed}\n", encoding="utf-8")
    return path


def statuses(found):
    return {(r.region, r.file): r.status for r in found.status.itertuples()}


def collected(folder, **options):
    return collect(folder, SPOT, **({"expected": TWO, "lang": "en"} | options))


def test_thirty_one_returns_become_one_table_with_the_file_and_row_of_each(tmp_path):
    for name in PROVINCES:
        put(tmp_path, f"{name}报表.csv", name)
    found = collect(tmp_path, SPOT)
    assert found.complete and found.taken == tuple(PROVINCES)
    assert found.table["region"].tolist() == PROVINCES
    assert found.table["source_file"].tolist() == [f"{name}报表.csv" for name in PROVINCES]
    assert set(found.table["source_row"]) == {2}
    assert set(found.status["status"]) == {"received"}
    assert found.violations.empty


def test_every_way_of_failing_stands_once_in_one_table(tmp_path):
    """Of 31: one missing, one twice, one wrong, one for another, one unreadable."""
    for name in PROVINCES:
        put(tmp_path, f"{name}.csv", name)
    (tmp_path / "西藏.csv").unlink()
    put(tmp_path, "北京市(改).csv", "北京", passed=80)
    put(tmp_path, "河南.csv", "河南", passed=101)
    put(tmp_path, "湖南.csv", "湖北")
    (tmp_path / "青海.csv").write_bytes(b"PK\x03\x04")
    found = collect(tmp_path, SPOT, lang="en")
    bad = {key: status for key, status in statuses(found).items() if status != "received"}
    assert bad == {
        ("北京", "北京.csv"): "duplicate",
        ("北京", "北京市(改).csv"): "duplicate",
        ("河南", "河南.csv"): "wrong",
        ("湖南", "湖南.csv"): "elsewhere",
        ("西藏", ""): "missing",
        ("青海", "青海.csv"): "wrong",
    }
    assert len(found.taken) == 26 and not found.complete
    assert set(found.table["region"]) == set(found.taken)
    named = found.violations[["file", "cell", "column", "rule"]].values.tolist()
    assert named == [
        ["北京.csv", "", "", "duplicate"],
        ["北京市(改).csv", "", "", "duplicate"],
        ["河南.csv", "D2", "passed", "passed"],
        ["湖南.csv", "A2", "region", "elsewhere"],
        ["青海.csv", "", "", "file"],
    ]
    told = found.status.set_index("file")["message"]
    assert "湖北" in told["湖南.csv"] and "北京市(改).csv" in told["北京.csv"]


def test_returns_of_cities_of_one_expected_province_are_told_to_be_expected_themselves(tmp_path):
    put(tmp_path, "合肥.csv", region="合肥")
    put(tmp_path, "芜湖.csv", region="芜湖")
    found = collected(tmp_path, expected=["安徽"])
    assert set(found.status["status"]) == {"duplicate"}
    assert found.status["message"].str.contains("expected").all()
    assert collected(tmp_path, expected=["合肥", "芜湖"]).complete


def test_the_same_return_twice_counts_once(tmp_path):
    put(tmp_path, "安徽.csv")
    put(tmp_path, "安徽 - 副本.csv")
    found = collected(tmp_path, expected=["安徽"])
    assert sorted(found.status["status"]) == ["duplicate", "received"]
    assert len(found.table) == 1 and not found.complete


def test_a_corrected_return_beside_a_wrong_one_is_taken_and_the_wrong_one_named(tmp_path):
    put(tmp_path, "安徽1.csv", passed=101)
    put(tmp_path, "安徽2.csv")
    found = collected(tmp_path, expected=["安徽"])
    assert statuses(found) == {("安徽", "安徽1.csv"): "wrong", ("安徽", "安徽2.csv"): "received"}


@pytest.mark.parametrize(
    "name",
    [
        "安徽省2024.csv",
        "Anhui-2024.csv",
        "340000_2024.csv",
        "安徽省/2024.csv",
        "ANHUI/第一季度/a.csv",
        "安徽省合肥市.csv",
    ],
)
def test_whose_return_it_is_is_told_by_the_name_of_the_file_or_folder(tmp_path, name):
    path = put(tmp_path, name)
    path.write_text("检验数,合格数\n100,90\n", encoding="utf-8")
    found = collected(tmp_path)
    assert statuses(found)["安徽", name] == "received"
    assert found.table["region"].tolist() == ["安徽"]
    assert any(name in note and "安徽" in note for note in found.notes)


def test_a_name_without_a_region_leaves_it_to_the_rows(tmp_path):
    path = put(tmp_path, "all.csv")
    path.write_text("地区,检验数,合格数\n安徽,100,90\n江苏,50,40\n", encoding="utf-8")
    found = collected(tmp_path)
    assert statuses(found) == {("安徽", "all.csv"): "received", ("江苏", "all.csv"): "received"}
    path.write_text("检验数,合格数\n100,90\n", encoding="utf-8")
    assert statuses(collected(tmp_path))["", "all.csv"] == "wrong"


def test_a_name_with_two_regions_is_refused(tmp_path):
    put(tmp_path, "安徽和江苏.csv")
    assert statuses(collected(tmp_path))["", "安徽和江苏.csv"] == "wrong"


def test_cities_report_for_their_province_and_for_themselves_when_expected(tmp_path):
    path = put(tmp_path, "安徽.csv")
    path.write_text("地区,检验数,合格数\n合肥,100,90\n芜湖,50,40\n", encoding="utf-8")
    assert statuses(collected(tmp_path))["安徽", "安徽.csv"] == "received"
    cities = collected(tmp_path, expected=["合肥", "芜湖", "蚌埠"])
    assert cities.status["status"].tolist() == ["missing", "missing", "missing", "elsewhere"]
    path.rename(tmp_path / "cities.csv")
    assert collected(tmp_path, expected=["合肥", "芜湖", "蚌埠"]).taken == ("合肥", "芜湖")


def test_a_row_of_the_nation_in_a_provincial_return_is_for_another_region(tmp_path):
    put(tmp_path, "安徽.csv", "全国")
    assert statuses(collected(tmp_path))["安徽", "安徽.csv"] == "elsewhere"


def test_all_cities_of_a_province_are_expected_by_one_word(tmp_path):
    assert len(expected_regions(["安徽各市"])) == 16
    assert expected_regions(["Anhui cities"]) == expected_regions(["340000各市", "合肥"])
    assert expected_regions("安徽各市") == expected_regions(["安徽各市"])
    put(tmp_path, "合肥.csv", "合肥")
    found = collected(tmp_path, expected=["安徽各市", "江苏"])
    assert found.taken == ("合肥",)
    assert len(found.expected) == 17
    for lang, words in (("zh", "江苏.*安徽"), ("en", "江苏.*not known.*安徽")):
        with pytest.raises(DataError, match=words):
            collected(tmp_path, expected=["江苏各市"], lang=lang)
    with pytest.raises(DataError, match="安灰各市"):
        collected(tmp_path, expected=["安灰各市"])


def test_a_region_that_is_not_expected_is_named_and_not_taken(tmp_path):
    put(tmp_path, "河南.csv", "河南")
    found = collected(tmp_path)
    assert statuses(found)["河南", "河南.csv"] == "elsewhere"
    assert found.table.empty and found.taken == ()


def test_the_period_asked_for_must_stand_in_every_row(tmp_path):
    put(tmp_path, "安徽.csv", period="2023年")
    assert statuses(collected(tmp_path))["安徽", "安徽.csv"] == "received"
    found = collected(tmp_path, period="2024")
    assert statuses(found)["安徽", "安徽.csv"] == "wrong"
    assert found.violations[["row", "value", "rule"]].values.tolist() == [[2, "2023", "period"]]
    assert statuses(collected(tmp_path, period="2023年"))["安徽", "安徽.csv"] == "received"
    with pytest.raises(DataError):
        collected(tmp_path, period="去年")


def test_columns_asked_for_are_needed_in_every_return(tmp_path):
    put(tmp_path, "安徽.csv")
    assert statuses(collected(tmp_path, need=["size"]))["安徽", "安徽.csv"] == "wrong"


def test_workbooks_are_read_by_the_layout_and_previewed_under_their_names(tmp_path):
    book = openpyxl.Workbook()
    for row in (["标题"], ["地区", "检验数", "合格数"], ["安徽", 100, 90], ["安徽", 7, 7], ["合计", 107, 97]):
        book.active.append(row)
    book.active.row_dimensions[4].hidden = True
    book.save(tmp_path / "安徽.xlsx")
    assert statuses(collected(tmp_path))["安徽", "安徽.xlsx"] == "wrong"
    found = collected(tmp_path, layout=Layout(hidden="drop"))
    assert statuses(found)["安徽", "安徽.xlsx"] == "received"
    assert found.table[["inspected", *SOURCE]].values.tolist() == [[100, "安徽.xlsx", "Sheet", 3]]
    assert set(found.seen["what"]) >= {"title", "header", "data", "hidden", "total"}
    assert set(found.seen["file"]) == {"安徽.xlsx"}


def test_what_is_no_table_is_named_and_what_spreadsheets_leave_behind_is_not(tmp_path):
    put(tmp_path, "安徽.csv")
    put(tmp_path, "江苏.csv", "江苏")
    (tmp_path / "安徽说明.pdf").write_bytes(b"%PDF")
    with zipfile.ZipFile(tmp_path / "江苏.zip", "w") as packed:
        packed.writestr("江苏.csv", "x")
    (tmp_path / "~$安徽.xlsx").write_bytes(b"x")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert statuses(collected(tmp_path)) == {
        ("安徽", "安徽.csv"): "received",
        ("安徽", "安徽说明.pdf"): "wrong",
        ("江苏", "江苏.csv"): "received",
        ("江苏", "江苏.zip"): "wrong",
    }


def test_what_cannot_be_collected_is_refused(tmp_path):
    with pytest.raises(DataError, match="absent"):
        collected(tmp_path / "absent")
    with pytest.raises(DataError, match="no region"):
        collect(tmp_path, Schema("x", "x", "x", columns=()), lang="en")
    with pytest.raises(DataError, match="安灰"):
        collected(tmp_path, expected=["安灰"])
    with pytest.raises(DataError, match="at least one"):
        collected(tmp_path, expected=[])


@pytest.mark.parametrize(
    ("option", "wrong", "said"),
    [
        ("need", None, "need=None is neither a name nor a list"),
        ("need", [["passed"]], "neither a name nor a list"),
        ("layout", pd.DataFrame({"row": [1]}), "is a DataFrame, not a Layout"),
        ("layout", {}, "is a dict, not a Layout"),
    ],
)
def test_an_option_of_another_kind_is_told(tmp_path, option, wrong, said):
    put(tmp_path, "安徽.csv")
    with pytest.raises(OptionError, match=said):
        collected(tmp_path, **{option: wrong})
    with pytest.raises(OptionError, match="folder=3 is a int, not the path of a folder"):
        collected(3)


def test_one_name_of_a_column_needed_is_one_column(tmp_path):
    put(tmp_path, "安徽.csv")
    assert collected(tmp_path, need="passed").taken == ("安徽",)
    assert collected(tmp_path, need="industry").taken == ()


def test_a_folder_of_nothing_is_all_missing(tmp_path):
    found = collect(tmp_path, SPOT)
    assert found.status["status"].tolist() == ["missing"] * 31
    assert found.table.empty and "region" in found.table.columns


# hostile returns


def test_a_bomb_among_the_returns_is_refused_and_stops_no_other(tmp_path):
    put(tmp_path, "江苏.csv", "江苏")
    with zipfile.ZipFile(tmp_path / "安徽.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", b"\0" * (workbooks.SMALL + 1))
    assert statuses(collected(tmp_path)) == {("安徽", "安徽.xlsx"): "wrong", ("江苏", "江苏.csv"): "received"}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    outside = put(tmp_path, "outside/安徽.csv")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "安徽.csv").symlink_to(outside)
    found = collected(folder)
    assert statuses(found)["安徽", "安徽.csv"] == "wrong"
    assert found.table.empty


@pytest.mark.parametrize(
    "text", ["<script>安徽</script>", "=cmd|安徽", "..\\安徽", "安徽\u202e", "安徽" + "长" * 60]
)
def test_hostile_names_of_files_are_texts(tmp_path, text):
    name = f"{text.replace('/', '_')}.csv"
    put(tmp_path, name)
    found = collected(tmp_path)
    assert found.table["source_file"].tolist() == [name]


def test_a_collection_shows_who_sent_what_and_runs_nothing(tmp_path, monkeypatch):
    put(tmp_path, "<script>安徽<_script>.csv")
    monkeypatch.setenv("QSTATS_LANG", "en")
    found = collected(tmp_path)
    assert repr(found).startswith("1 of 2 regions taken, 1 rows.")
    assert "江苏" in repr(found)
    page = found._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;安徽" in page


@pytest.mark.parametrize("text", ["<script>", "=cmd|' /C calc'!A0", "../../x", "\u202e徽安", "长" * 10_000])
def test_hostile_regions_are_violations(tmp_path, text):
    put(tmp_path, "安徽.csv", f'"{text}"')
    found = collected(tmp_path)
    assert found.violations["rule"].tolist() == ["region"]


def test_a_return_that_has_a_column_of_provenance_is_refused(tmp_path):
    path = put(tmp_path, "安徽.csv")
    path.write_text("地区,检验数,合格数,source_row\n安徽,100,90,7\n", encoding="utf-8")
    assert "source_row" in collected(tmp_path).status.set_index("file").loc["安徽.csv", "message"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("陕西与山西", ("山西", "陕西")),
        ("shaanxi", ("陕西",)),
        ("Shanxi.2024", ("山西",)),
        ("1340000", ()),
        ("上海", ("上海",)),
        ("内蒙古自治区", ("内蒙古",)),
        ("无", ()),
    ],
)
def test_regions_are_found_in_a_text_by_whole_names(text, named):
    assert set(regions_named(text)) == set(named)


# what becomes of a missing region

NOW = pd.DataFrame(
    {"region": ["安徽", "江苏"], "period": "2024", "inspected": [100.0, 50], "passed": [95.0, 45]}
)
BEFORE = pd.DataFrame(
    {
        "region": ["安徽", "江苏", "浙江"],
        "period": "2023",
        "inspected": [100.0, 100, 200],
        "passed": [90.0, 90, 150],
    }
)
THREE = ["安徽", "江苏", "浙江"]


def test_a_missing_region_is_refused_by_name_unless_a_policy_is_named():
    with pytest.raises(DataError, match="浙江"):
        complete_regions(NOW, expected=THREE)
    with pytest.raises(OptionError, match="renormalise"):
        complete_regions(NOW, expected=THREE, missing="renormalize")
    assert complete_regions(NOW, expected=TWO).coverage == 1


def test_renormalising_goes_on_with_the_others_and_says_the_share_of_the_weight():
    done = complete_regions(NOW, expected=THREE, missing="renormalise", previous=BEFORE, weight="inspected")
    assert done.table["region"].tolist() == TWO
    assert (done.coverage, done.missing, done.policy) == (0.5, ("浙江",), "renormalise")
    assert complete_regions(NOW, expected=THREE, missing="renormalise").coverage == pytest.approx(
        2 / 3, rel=1e-15
    )


def test_carrying_forward_takes_the_rows_of_the_last_period_flagged_and_covers_no_more():
    done = complete_regions(NOW, expected=THREE, missing="carry-forward", previous=BEFORE, weight="inspected")
    assert done.table[["region", "period", "passed", "flag"]].values.tolist() == [
        ["安徽", "2024", 95, ""],
        ["江苏", "2024", 45, ""],
        ["浙江", "2024", 150, "carried"],
    ]
    assert done.coverage == 0.5


def test_with_all_regions_every_policy_gives_the_same_table():
    done = [
        complete_regions(NOW, expected=TWO, missing=policy, previous=BEFORE)
        for policy in ("refuse", "renormalise", "carry-forward")
    ]
    for other in done[1:]:
        pd.testing.assert_frame_equal(other.table, done[0].table)


def test_cities_carried_forward_belong_to_their_province():
    cities = pd.DataFrame(
        {"region": ["合肥", "芜湖"], "period": "2023", "inspected": [30.0, 20], "passed": [3.0, 2]}
    )
    done = complete_regions(
        NOW[NOW["region"] == "江苏"], expected=TWO, missing="carry-forward", previous=cities
    )
    assert done.table["region"].tolist() == ["江苏", "合肥", "芜湖"]


def test_what_is_not_known_is_nan_or_refused():
    new = ["安徽", "江苏", "河南"]
    done = complete_regions(NOW, expected=new, missing="renormalise", previous=BEFORE, weight="inspected")
    assert done.coverage != done.coverage
    for wrong, said in [
        ({"missing": "carry-forward", "previous": BEFORE}, "河南"),
        ({"missing": "carry-forward"}, "previous"),
        ({"missing": "renormalise", "previous": BEFORE, "weight": "output"}, "output"),
        (
            {"missing": "renormalise", "previous": BEFORE.assign(inspected=-1.0), "weight": "inspected"},
            "inspected",
        ),
    ]:
        with pytest.raises(DataError, match=said):
            complete_regions(NOW, expected=new, lang="en", **wrong)
    two = pd.concat([NOW, NOW.assign(period="2025")])
    with pytest.raises(DataError, match="2025"):
        complete_regions(two, expected=THREE, missing="carry-forward", previous=BEFORE, lang="en")


@pytest.mark.parametrize("argument", ["table", "previous"])
def test_what_is_no_table_of_regions_is_told_with_what_is_odd_in_it(argument):
    def asked(odd):
        table, previous = (odd, BEFORE) if argument == "table" else (NOW, odd)
        return complete_regions(
            table, expected=THREE, missing="carry-forward", previous=previous, weight="inspected", lang="en"
        )

    for odd in ("安徽", [NOW], NOW.to_dict("list"), pl.from_pandas(NOW)):
        with pytest.raises(OptionError, match=rf"(?s){argument}=.* is a .*, not a pandas DataFrame"):
            asked(odd)
    period = "current" if argument == "table" else "last"
    with pytest.raises(DataError, match=rf"no column region \({period} period\)\. It has period"):
        asked(NOW.drop(columns="region"))
    for cell in (["安徽"], {"name": "安徽"}, None, 340000):
        odd = NOW.assign(region=pd.Series([cell, "江苏"], dtype=object))
        with pytest.raises(DataError, match=rf"{period} period, the column region has .*no name"):
            asked(odd)
    with pytest.raises(DataError, match="region"):
        asked(pd.concat([NOW, NOW["region"]], axis=1))


def test_a_weight_is_the_name_of_a_column_of_numbers():
    def asked(**options):
        return complete_regions(NOW, expected=THREE, missing="renormalise", lang="en", **options)

    for odd in (["inspected"], BEFORE):
        with pytest.raises(OptionError, match=r"(?s)weight=.*not a text"):
            asked(previous=BEFORE, weight=odd)
    with pytest.raises(DataError, match="column inspected has 'many', which is no number"):
        asked(previous=BEFORE.astype({"inspected": object}).replace(200, "many"), weight="inspected")
    exact = BEFORE.assign(inspected=list(map(Decimal, ["100", "100", "200"])))
    assert asked(previous=exact, weight="inspected").coverage == 0.5


def test_a_table_of_odd_periods_is_refused_and_not_sorted():
    odd = NOW.assign(period=["2024", 2024])
    with pytest.raises(DataError, match="several periods"):
        complete_regions(odd, expected=THREE, missing="carry-forward", previous=BEFORE, lang="en")


def wrongs(found):
    return found.violations[["sheet", "cell", "rule"]].values.tolist()


def put_book(folder, name, rows, sheet="汇总"):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(folder / name)


def test_each_fault_is_named_by_its_sheet_and_cell_below_titles_and_beside_other_columns(tmp_path):
    rows = [
        ["2024年汇总表"],
        ["序号", "地区", "统计期", "检验数", "合格数"],
        [1, "安徽", "2024", 100, 120],
        [2, "安灰", "2024", 50, -6],
    ]
    put_book(tmp_path, "安徽.xlsx", rows)
    found = collected(tmp_path)
    assert wrongs(found) == [["汇总", "E3", "passed"], ["汇总", "B4", "region"], ["汇总", "E4", "minimum"]]
    assert "E3" in found.status.set_index("file").loc["安徽.xlsx", "message"]


def test_a_wrong_header_is_named_by_its_cell(tmp_path):
    put_book(
        tmp_path, "安徽.xlsx", [["表"], ["地区", "统计期", "检验数量", "合格数"], ["安徽", "2024", 100, 90]]
    )
    assert wrongs(collected(tmp_path)) == [["汇总", "C2", "header"]]


@pytest.mark.parametrize("header", ["检验数(百批)", "检验数(%)", "检验数（十批）"])
def test_a_unit_in_a_header_that_is_not_understood_is_refused_and_not_left_out(tmp_path, header):
    (tmp_path / "安徽.csv").write_text(f"地区,{header},合格数\n安徽,100,90\n", encoding="utf-8")
    assert wrongs(collected(tmp_path)) == [["", "B1", "header"]]


def test_a_comma_within_a_number_does_not_move_the_cells_after_it(tmp_path):
    """12,000 and 11,000 without quotes would be 12 checks, of which 0 passed."""
    (tmp_path / "安徽.csv").write_text("地区,检验数,合格数\n安徽,12,000,11,000\n", encoding="utf-8")
    found = collected(tmp_path)
    assert wrongs(found) == [["", "", "file"]]
    assert "Row 2" in found.violations["message"].item()


def test_a_file_without_a_header_has_one_fault(tmp_path):
    (tmp_path / "安徽.csv").write_text("安徽,100,90\n安徽,50,40\n", encoding="utf-8")
    found = collected(tmp_path)
    assert wrongs(found) == [["", "", "file"]]
    assert "header" in found.violations["message"].item()


def test_no_message_names_a_folder_of_this_machine(tmp_path):
    (tmp_path / "安徽.csv").write_bytes(b"")
    (tmp_path / "江苏.xlsx").write_bytes(b"PK\x03\x04 not whole")
    found = collected(tmp_path)
    assert len(found.violations) == 2
    assert not found.status["message"].str.contains(str(tmp_path), regex=False).any()
    assert not found.violations["message"].str.contains(str(tmp_path), regex=False).any()
