"""Values unlike the last period are flagged; a confirmation is kept, and holds for its value only."""

import itertools
from datetime import date as day

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.confirmations import (
    confirm,
    judged,
    keep_confirmations,
    no_confirmations,
    read_confirmations,
)
from qstats.errors import DataError, OptionError
from qstats.files import write_csv
from qstats.last_period import soft_edits, unit_text

REGIONS = ["安徽", "江苏", "浙江", "山东", "河南", "湖北"]
BEFORE = pd.DataFrame({"region": REGIONS, "inspected": [100.0] * 5 + [0], "passed": [90.0] * 6})
NOW = pd.DataFrame(
    {"region": REGIONS, "period": "2024", "inspected": [50.0, 100, 100, 200, 400, 7], "passed": [90.0] * 6}
)


def edits(now=NOW, before=BEFORE, **options):
    return soft_edits(now, before, **({"values": ["inspected", "passed"], "U": 1, "lang": "en"} | options))


def flags(found):
    return {(r.region, r.column): r.flag for r in found[["region", "column", "flag"]].itertuples() if r.flag}


def test_changes_unlike_the_others_are_flagged_with_both_values():
    found = edits()
    assert flags(found) == {
        ("安徽", "inspected"): "low",
        ("河南", "inspected"): "high",
        ("湖北", "inspected"): "new",
    }
    assert len(found) == 12
    low = found[(found["region"] == "安徽") & (found["column"] == "inspected")].iloc[0]
    assert (low["value"], low["previous"], low["ratio"], low["effect"]) == (50, 100, 0.5, -100)
    assert (low["low"], low["high"], low["period"]) == (0, 800, "2024")
    assert "100" in low["message"] and "50" in low["message"]


def test_every_option_changes_the_answer():
    assert ("河南", "inspected") not in flags(edits(C=10))
    assert flags(edits(values="passed")) == {}
    ratio_only = edits(U=0)
    assert ratio_only["effect"].dropna().abs().max() == 3
    assert "unlike" not in edits(lang="zh")["message"].iloc[0]
    assert "核实" in "".join(edits(lang="zh")["message"])


def test_a_unit_that_vanished_or_is_new_is_flagged_even_when_its_row_is_gone():
    found = edits(NOW[NOW["region"] != "江苏"])
    gone = found[found["region"] == "江苏"]
    assert gone["flag"].tolist() == ["gone", "gone"]
    assert gone["period"].tolist() == ["2024", "2024"]
    assert flags(edits(before=BEFORE.iloc[1:]))["安徽", "inspected"] == "new"


def test_zero_and_missing_in_both_periods_is_no_change():
    both = BEFORE.assign(inspected=[100.0] * 5 + [0])
    now = NOW.assign(inspected=[100.0] * 5 + [None])
    assert flags(edits(now, both)) == {}


def test_numbers_of_any_dtype_are_compared():
    whole = {"inspected": "Int64", "passed": "Int64"}
    now, before = NOW.astype(whole), BEFORE.astype(whole)
    now.loc[1, "inspected"] = pd.NA
    assert flags(edits(now, before))["江苏", "inspected"] == "gone"
    pd.testing.assert_frame_equal(edits(NOW.astype(whole), before), edits())


def test_with_few_units_nothing_is_judged_and_that_is_said():
    found = edits(NOW.iloc[:3], BEFORE.iloc[:3])
    assert set(found["flag"]) == {"few"}
    assert found[["low", "high"]].isna().all(axis=None)
    assert "3" in found["message"].iloc[0]


def test_groups_have_limits_of_their_own():
    now = pd.concat([NOW.assign(size="大"), NOW.assign(size="小", inspected=NOW["inspected"] * 100)])
    before = pd.concat([BEFORE.assign(size="大"), BEFORE.assign(size="小")])
    together = edits(now, before, unit=["region", "size"], values="inspected")
    apart = edits(now, before, unit=["region", "size"], values="inspected", by="size")
    assert apart["high"].nunique() == 2
    assert together["high"].nunique() == 1


def test_the_order_of_rows_does_not_matter():
    mixed = edits(NOW.iloc[::-1], BEFORE.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(mixed, edits())


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(DataError, match="安徽"):
        edits(pd.concat([NOW, NOW.iloc[:1]]))
    with pytest.raises(DataError, match="last period"):
        edits(before=BEFORE.drop(columns="passed"))
    with pytest.raises(DataError, match="-5"):
        edits(NOW.assign(inspected=-5.0))


# confirmations


def test_a_confirmed_value_stays_confirmed_while_it_is_the_same(tmp_path):
    path = tmp_path / "confirmed.csv"
    found = confirm(
        edits(), path, unit={"region": "河南"}, column="inspected", comment="专项行动", date="2024-03-05"
    )
    row = found[(found["region"] == "河南") & (found["column"] == "inspected")].iloc[0]
    assert (row["status"], row["comment"], row["date"]) == ("confirmed", "专项行动", "2024-03-05")
    assert set(found["status"]) == {"", "open", "confirmed"}

    changed = edits(NOW.assign(inspected=[50.0, 100, 100, 200, 401, 7]))
    again = judged(changed, read_confirmations(path))
    row = again[(again["region"] == "河南") & (again["column"] == "inspected")].iloc[0]
    assert (row["status"], row["comment"]) == ("changed", "")
    back = judged(edits(), read_confirmations(path))
    assert (back["status"] == "confirmed").sum() == 1


def test_the_same_value_in_another_period_is_not_confirmed(tmp_path):
    path = tmp_path / "confirmed.csv"
    confirm(edits(), path, unit={"region": "河南"}, column="inspected", comment="x", date="2024-03-05")
    assert "confirmed" not in set(
        judged(edits(NOW.assign(period="2025")), read_confirmations(path))["status"]
    )


def test_the_file_waits_for_comments_and_loses_none(tmp_path):
    path = tmp_path / "confirmed.csv"
    keep_confirmations(edits(), path)
    sheet = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert sheet["comment"].tolist() == ["", "", ""]
    assert set(sheet["unit"]) == {"region=安徽", "region=河南", "region=湖北"}
    sheet.loc[sheet["unit"] == "region=安徽", ["comment", "date"]] = [
        "机构改革，抽查减少; 已核实, 无误",
        "2024/3/5",
    ]
    sheet.to_csv(path, index=False, encoding="gbk")  # as a spreadsheet saves it
    found = keep_confirmations(edits(), path)
    assert found["status"].value_counts().to_dict() == {"": 9, "open": 2, "confirmed": 1}
    assert found.loc[found["status"] == "confirmed", "date"].item() == "2024-03-05"
    assert len(read_confirmations(path)) == 3  # nothing twice
    keep_confirmations(edits(NOW.assign(inspected=[40.0, 100, 100, 200, 400, 7])), path)
    kept = read_confirmations(path)
    assert kept.loc[kept["unit"] == "region=安徽", "value"].tolist() == ["50", "40"]
    assert kept["comment"].str.contains("机构改革").sum() == 1


def test_a_file_is_not_touched_when_nothing_new_is_flagged(tmp_path):
    path = tmp_path / "confirmed.csv"
    keep_confirmations(edits(), path)
    before = path.stat().st_mtime_ns
    keep_confirmations(edits(), path)
    assert path.stat().st_mtime_ns == before
    keep_confirmations(edits(values="passed"), tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(
    "comment",
    [
        "=cmd|' /C calc'!A0",
        "<script>",
        "../x",
        "\u202e核实",
        "长" * 10_000,
        "a,b;c\nd",
        "'quoted'",
        '"',
        "-1",
    ],
)
def test_a_comment_is_kept_as_it_was_written_and_is_no_formula(tmp_path, comment):
    path = tmp_path / "confirmed.csv"
    for _ in range(2):
        found = confirm(
            edits(), path, unit={"region": "河南"}, column="inspected", comment=comment, date="2024-03-05"
        )
        assert found.loc[found["status"] == "confirmed", "comment"].tolist() == [comment]
    raw = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert len(raw) == 1
    assert comment == "-1" or not raw["comment"][0].startswith(tuple("=+-@"))


def test_a_hostile_unit_is_confirmed_like_any_other(tmp_path):
    name = "=1+1|region=河南\\"
    now, before = (t.replace({"region": {"河南": name}}) for t in (NOW, BEFORE))
    path = tmp_path / "confirmed.csv"
    found = confirm(
        edits(now, before), path, unit={"region": name}, column="inspected", comment="x", date="2024-03-05"
    )
    assert found.loc[found["status"] == "confirmed", "region"].tolist() == [name]


def test_a_confirmation_without_comment_date_or_flag_is_refused(tmp_path):
    path = tmp_path / "confirmed.csv"
    good = {"unit": {"region": "河南"}, "column": "inspected", "comment": "x", "date": "2024-03-05"}
    for wrong, said in [
        ({"comment": "  "}, "comment"),
        ({"date": "5 March"}, "5 March"),
        ({"date": "2024-02-30"}, "2024-02-30"),
        ({"unit": {"region": "江苏"}}, "江苏"),
    ]:
        with pytest.raises(DataError, match=said):
            confirm(edits(), path, lang="en", **(good | wrong))
    with pytest.raises(OptionError, match="inspected"):
        confirm(edits(), path, **(good | {"column": "inspection"}))
    assert not path.exists()


def test_a_comment_without_a_date_and_a_file_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "confirmed.csv"
    keep_confirmations(edits(), path)
    sheet = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    write_csv(sheet.assign(comment="核实"), path)
    with pytest.raises(DataError, match="∅"):
        read_confirmations(path)
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="comment"):
        read_confirmations(other)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[st.text("a|=\\", max_size=4)] * 2), min_size=2, max_size=6, unique=True))
def test_different_units_have_different_texts(units):
    texts = [unit_text({"a": a, "b": b}) for a, b in units]
    assert all(x != y for x, y in itertools.combinations(texts, 2))


@pytest.mark.parametrize("argument", ["current", "previous"])
def test_what_is_no_table_to_edit_is_told_with_what_is_odd_in_it(argument):
    def asked(odd, **options):
        now, before = (odd, BEFORE) if argument == "current" else (NOW, odd)
        return edits(now, before, **options)

    for odd in (None, "2024.csv", [NOW], NOW.to_dict("list"), pl.from_pandas(NOW)):
        with pytest.raises(OptionError, match=rf"(?s){argument}=.* is a .*, not a pandas DataFrame"):
            asked(odd)
    with pytest.raises(DataError, match="column passed has 'ninety', which is no number"):
        asked(NOW.assign(passed=["ninety", *[90] * 5]))
    with pytest.raises(DataError, match=r"column region has \['安徽'\], which is no name"):
        asked(NOW.assign(region=[["安徽"], *REGIONS[1:]]))
    with pytest.raises(DataError, match="region are of other kinds"):
        asked(NOW.assign(region=range(6)))
    with pytest.raises(DataError, match=r"one name.*passed"):
        asked(pd.concat([NOW, NOW["passed"]], axis=1))


def test_without_rows_or_columns_there_is_nothing_to_compare():
    assert flags(edits(NOW.iloc[:0], values="passed")) == {(name, "passed"): "gone" for name in REGIONS}
    with pytest.raises(DataError, match="has no rows"):
        edits(NOW.iloc[:0], BEFORE.iloc[:0])
    for option in ("values", "unit"):
        with pytest.raises(OptionError, match=f"{option} is empty"):
            edits(**{option: []})


def test_a_column_is_a_label_or_a_value_and_counts_once():
    for options in ({"values": "region"}, {"by": "passed"}, {"unit": ["region", "inspected"]}):
        with pytest.raises(OptionError, match="is added up and cannot be a key"):
            edits(**options)
    pd.testing.assert_frame_equal(edits(values=["passed", "passed"]), edits(values="passed"))
    pd.testing.assert_frame_equal(edits(by=["period", "period"]), edits())


def test_what_is_no_table_of_edits_is_told(tmp_path):
    path, unit = tmp_path / "kept.csv", {"region": "河南"}
    askers = [
        lambda odd: keep_confirmations(odd, path, lang="en"),
        lambda odd: confirm(odd, path, unit=unit, column="inspected", comment="A campaign.", lang="en"),
        lambda odd: judged(odd, no_confirmations()),
    ]
    for ask in askers:
        for odd in (None, "edits.csv", [edits()], {"column": ["a"]}, pl.from_pandas(edits())):
            with pytest.raises(OptionError, match=r"(?s)edits=.* is a .*, not a pandas DataFrame"):
                ask(odd)
        with pytest.raises(DataError, match=r"flag"):
            ask(edits().drop(columns="flag"))
        with pytest.raises(DataError, match=r"value"):
            ask(edits().astype({"value": object}).replace({"value": {50: "fifty"}}))
    with pytest.raises(OptionError, match=r"confirmations='kept\.csv' is a str"):
        judged(edits(), "kept.csv")
    with pytest.raises(DataError, match="comment"):
        judged(edits(), no_confirmations().drop(columns="comment"))
    assert not path.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"unit": "河南"}, "unit='河南' is a str, not a mapping of column to name"),
        ({"comment": None}, "comment=None is a NoneType, not a text"),
        ({"date": day(2024, 3, 5)}, "is a date, not a text; write it in quotes"),
        ({"path": None}, "path=None is a NoneType, not the path of a file"),
        ({"column": pl.DataFrame({"a": [1]})}, "is not one of 'inspected', 'passed'"),
    ],
)
def test_a_confirmation_of_odd_parts_is_refused_and_nothing_is_written(wrong, said, tmp_path):
    right = {"unit": {"region": "河南"}, "column": "inspected", "comment": "x", "path": tmp_path / "kept.csv"}
    path, options = (given := right | wrong).pop("path"), given
    with pytest.raises(OptionError, match=said):
        confirm(edits(), path, **options)
    assert list(tmp_path.iterdir()) == []
