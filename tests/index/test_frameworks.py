import math
from pathlib import Path

import pandas as pd
import pytest

from qstats.errors import DataError, FrameworkError, OptionError
from qstats.index.frameworks import framework


def faults(table, lang="en"):
    with pytest.raises(FrameworkError) as caught:
        framework(table, lang=lang)
    assert all(fault in str(caught.value) for fault in caught.value.faults)
    return list(caught.value.faults)


def changed(tree, code, /, **cells):
    """Return the tree with other cells in the row of a code."""
    tree = tree.astype(object)
    for column, cell in cells.items():
        tree.loc[tree["code"] == code, column] = cell
    return tree


def test_a_good_tree_is_typed_and_measured(tree):
    found = framework(tree).set_index("code")
    assert found["depth"].to_dict() == {"all": 0, "level": 1, "trade": 1, "pass": 2, "loss": 2, "export": 2}
    assert list(found.index[found["leaf"]]) == ["pass", "loss", "export"]
    assert found["weight_in_root"].round(12).to_dict() == {
        "all": 1,
        "level": 0.75,
        "trade": 0.25,
        "pass": 0.45,
        "loss": 0.3,
        "export": 0.25,
    }
    assert found["name_zh"].tolist() == list(found.index)


def test_a_name_is_kept_where_there_is_one(tree):
    named = tree.assign(name_zh=["总指数", None, "", "合格率", "损失率", "出口"])
    assert framework(named)["name_zh"].tolist() == ["总指数", "level", "trade", "合格率", "损失率", "出口"]


def test_the_table_passed_is_not_changed(tree):
    before = tree.copy()
    framework(tree)
    pd.testing.assert_frame_equal(tree, before)


def test_numbers_may_be_text(tree):
    pd.testing.assert_frame_equal(framework(tree.astype(str).replace(["nan", "None"], "")), framework(tree))


@pytest.mark.parametrize("name", ["qci", "ht_capability"])
def test_the_bundled_trees_have_no_fault(name):
    found = framework(name)
    leaves = found[found["leaf"]]
    assert len(leaves) == {"qci": 12, "ht_capability": 6}[name]
    assert leaves["weight_in_root"].sum() == pytest.approx(1, abs=1e-12)
    assert (leaves["depth"] == leaves["depth"].iloc[0]).all()


def test_two_roots(tree):
    (fault,) = faults(changed(tree, "trade", parent=""))[:1]
    assert "2 roots: all, trade" in fault


def test_no_root(tree):
    found = faults(changed(tree, "all", parent="level"))
    assert found[0].startswith("There is no root")


def test_a_circle_is_shown_once_and_closed(tree):
    tree = changed(changed(tree, "level", parent="pass"), "trade", weight=1)
    found = [fault for fault in faults(tree) if "circle" in fault]
    assert found == ["The parents go round in a circle: level → pass → level."]


def test_a_node_that_is_its_own_parent(tree):
    tree = changed(changed(tree, "trade", parent="trade"), "level", weight=1)
    assert any("trade → trade" in fault for fault in faults(tree))


def test_an_unknown_parent_and_the_nearest(tree):
    found = faults(changed(tree, "export", parent="trad"))
    assert "The parent 'trad' of 'export' does not exist. The nearest is 'trade'." in found


def test_weights_that_do_not_add_up_to_one(tree):
    assert faults(changed(tree, "pass", weight=0.5)) == [
        "The weights under 'level' add up to 0.9; they should add up to 1."
    ]


@pytest.mark.parametrize(("third", "good"), [("0.333333333", True), ("0.3333333", False)])
def test_a_third_as_a_spreadsheet_writes_it_is_a_third(third, good):
    source = framework("qci").drop(columns=["depth", "leaf", "weight_in_root"])
    source["weight"] = source["weight"].map(lambda w: third if 0.3 < w < 0.4 else str(w))
    if good:
        assert framework(source)["weight_in_root"].sum() == pytest.approx(4, abs=1e-7)
    else:
        assert len(faults(source)) == 2


def test_a_negative_weight_is_a_fault_even_where_the_sum_is_one(tree):
    tree = changed(changed(tree, "pass", weight=1.2), "loss", weight=-0.2)
    assert faults(tree) == ["The weight of 'loss' is -0.2. A weight is not negative."]


def test_a_weight_of_zero_is_none(tree):
    tree = changed(changed(tree, "pass", weight=1), "loss", weight=0)
    assert framework(tree).set_index("code").loc["loss", "weight_in_root"] == 0


@pytest.mark.parametrize(("lower", "upper"), [(2, 2), (3, 2)])
def test_an_upper_bound_not_above_the_lower(tree, lower, upper):
    assert faults(changed(tree, "loss", lower=lower, upper=upper)) == [
        f"The upper bound {upper} of 'loss' is not above its lower bound {lower}."
    ]


@pytest.mark.parametrize("direction", [0, 2, -0.5])
def test_a_direction_that_is_none(tree, direction):
    assert faults(changed(tree, "loss", direction=direction)) == [
        f"The direction of 'loss' should be 1 or -1; it is '{direction}'."
    ]


def test_a_code_twice(tree):
    found = faults(changed(tree, "loss", code="pass"))
    assert "The code 'pass' stands 2 times. Codes are unique." in found


@pytest.mark.parametrize(
    ("code", "cells", "said"),
    [
        ("loss", {"code": ""}, "Row 5 has no code"),
        ("loss", {"unit": None}, "'loss' has no unit"),
        ("loss", {"direction": None}, "direction of 'loss' should be 1 or -1; it is ''"),
        ("loss", {"lower": None}, "The lower of 'loss' should be a number; it is ''"),
        ("loss", {"upper": "high"}, "The upper of 'loss' should be a number; it is 'high'"),
        ("loss", {"weight": None}, "The weight of 'loss' should be a number; it is ''"),
        ("loss", {"weight": "two fifths"}, "The weight of 'loss' should be a number; it is 'two fifths'"),
        ("loss", {"weight": "0,5"}, "it is '0,5'. A decimal point is needed: 0.5."),
        ("loss", {"lower": "0，500"}, "A decimal point is needed: 0.500."),
        ("loss", {"weight_provenance": "guess"}, "weight_provenance of 'loss'"),
        ("loss", {"bounds_provenance": ""}, "bounds_provenance of 'loss'"),
    ],
)
def test_a_cell_that_cannot_stand_is_named(tree, code, cells, said):
    found = faults(changed(tree, code, **cells))
    assert sum(said in fault for fault in found) == 1


def test_a_misspelt_column_and_the_nearest(tree):
    found = faults(tree.rename(columns={"direction": "directoin", "lower": "lowr"}))
    assert found == [
        "The column 'direction' is missing. The nearest is 'directoin'.",
        "The column 'lower' is missing. The nearest is 'lowr'.",
    ]


def test_a_column_twice(tree):
    assert faults(pd.concat([tree, tree["unit"]], axis=1)) == [
        "The column 'unit' stands more than once. Keep one."
    ]


def test_an_empty_table(tree):
    assert faults(tree.head(0)) == ["The framework has no nodes."]


def test_all_faults_are_told_at_once_in_the_language_asked_for(tree):
    tree = changed(tree, "export", parent="trad", direction=3)
    tree = changed(tree, "loss", weight=-0.4, lower=5)
    found = faults(tree)
    for said in ("'trad'", "direction of 'export'", "weight of 'loss'", "under 'level'", "bound 2 of 'loss'"):
        assert sum(said in fault for fault in found) == 1, said
    chinese = faults(tree, lang="zh")
    assert len(chinese) == len(found)
    assert any("loss" in fault and "权重不能为负" in fault for fault in chinese)


@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), (";", "utf-8")])
def test_a_file_as_a_spreadsheet_saves_it(tree, tmp_path, separator, encoding):
    path = tmp_path / "mine.csv"
    tree.assign(name_zh=["总", "水平", "贸易", "合格率", "损失率", "出口"]).to_csv(
        path, index=False, sep=separator, encoding=encoding
    )
    for source in (path, str(path)):
        found = framework(source)
        assert found["code"].tolist() == tree["code"].tolist()
        assert found["name_zh"].tolist()[3:] == ["合格率", "损失率", "出口"]
        assert found["weight"].tolist() == tree["weight"].tolist()


def test_an_excel_file(tree, tmp_path):
    path = tmp_path / "mine.xlsx"
    tree.to_excel(path, index=False)
    found = framework(path)
    assert found["weight_in_root"].tolist() == framework(tree)["weight_in_root"].tolist()
    assert math.isnan(found["lower"].iloc[0])


def test_a_fault_names_the_file(tree, tmp_path):
    path = tmp_path / "mine.csv"
    changed(tree, "loss", direction=0).to_csv(path, index=False)
    with pytest.raises(FrameworkError, match="mine"):
        framework(path, lang="en")


def test_an_unknown_name_and_the_nearest():
    with pytest.raises(OptionError, match=r"ht_capability, qci\. The nearest is 'qci'"):
        framework("qcii", lang="en")


@pytest.mark.parametrize("name", ["bands", "acsi", "ccsi", "ecsi"])
def test_bands_and_models_of_satisfaction_are_no_frameworks(name):
    with pytest.raises(OptionError, match=r"There are: ht_capability, qci\."):
        framework(name, lang="en")


def test_a_file_that_is_not_there():
    with pytest.raises(DataError):
        framework(Path("nowhere.csv"))


@pytest.mark.parametrize(("sep", "encoding"), [(";", "utf-8-sig"), ("\t", "gb18030"), (",", "utf-16")])
def test_a_bundled_tree_may_be_saved_by_a_spreadsheet(sep, encoding, tmp_path, monkeypatch):
    (tmp_path / "frameworks").mkdir()
    table = framework("ht_capability").drop(columns=["depth", "leaf", "weight_in_root"])
    table.to_csv(tmp_path / "frameworks" / "ht_capability.csv", index=False, sep=sep, encoding=encoding)
    monkeypatch.setattr("qstats.index.frameworks.data_root", lambda: tmp_path)
    pd.testing.assert_frame_equal(framework("ht_capability"), framework(table), check_dtype=False)


def test_a_target_that_is_no_number_is_a_fault(tree):
    targets = tree.assign(target=["", "９０", "n/a", "abc", None, 12])
    with pytest.raises(
        FrameworkError, match=r"1 fault.*\n.*The target of 'pass' should be a number; it is 'abc'"
    ):
        framework(targets, lang="en")
    targets.loc[3, "target"] = 95
    assert framework(targets)["target"].fillna(-1).tolist() == [-1, 90, -1, 95, -1, 12]
