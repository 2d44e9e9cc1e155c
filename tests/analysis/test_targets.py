import numpy as np
import pandas as pd
import pytest

from qstats.analysis.targets import targets
from qstats.datasets import load, published
from qstats.errors import DataError, OptionError


def table(operator=">=", value=94.0, unit="%", **more):
    return pd.DataFrame({"code": ["a"], "operator": [operator], "value": [value], "unit": [unit], **more})


def judge(estimate, rows, **options):
    return targets({"a": estimate}, rows, **options).iloc[0]


@pytest.mark.parametrize(
    ("operator", "value", "status", "gap"),
    [
        (">=", 94.0, "met", 0),
        (">=", 95.5, "met", 1.5),
        (">=", 93.9, "near", -0.1),
        (">=", 93.0, "near", -1),
        (">=", 92.99, "not met", -1.01),
        (">", 94.0, "near", 0),
        (">", 94.01, "met", 0.01),
        ("<=", 94.0, "met", 0),
        ("<=", 94.5, "near", -0.5),
        ("<=", 95.5, "not met", -1.5),
        ("<", 94.0, "near", 0),
        ("<", 93.0, "met", 1),
    ],
)
def test_met_near_and_not_met(given, operator, value, status, gap):
    found = judge(given([("2023", value)]), table(operator))
    assert (found["status"], found["gap"]) == (status, gap)
    assert (found["estimate"], found["target"]) == (value, 94)


@pytest.mark.parametrize(("near", "status"), [(0, "not met"), (0.1, "near"), (5, "near")])
def test_what_is_near_is_for_the_reader_to_say(given, near, status):
    assert judge(given([("2023", 93.9)]), table(), near=near)["status"] == status


@pytest.mark.parametrize(
    ("rank", "status", "gap"), [(3, "met", 7), (10, "met", 0), (11, "near", -1), (12, "not met", -2)]
)
def test_a_rank_is_better_the_lower_it_is(given, rank, status, gap):
    found = judge(given([("2023", rank)], unit="rank"), table("rank<=", 10, "rank"))
    assert (found["status"], found["gap"]) == (status, gap)


def test_without_a_value_there_is_no_verdict(given):
    found = targets({}, table()).iloc[0]
    assert found["status"] == "no data" and np.isnan(found["gap"]) and found["target"] == 94
    assert judge(given([("2023", np.nan)]), table())["status"] == "no data"


def test_a_target_may_be_a_reference(given):
    rows = table(">", np.nan, reference=["national value"])
    rate = given([("2023", 93.0)])
    unknown, known = judge(rate, rows), judge(rate, rows, references={"a": 92.5})
    assert (unknown["status"], unknown["estimate"]) == ("no data", 93)
    assert (known["status"], known["target"], known["gap"]) == ("met", 92.5, 0.5)


@pytest.mark.parametrize(
    ("operator", "low", "high", "sure"),
    [
        (">=", 94.0, 96.0, True),
        (">=", 93.9, 96.0, False),
        (">=", 92.0, 93.99, True),
        (">=", 92.0, 94.0, False),
        (">", 94.0, 96.0, False),
        (">", 92.0, 94.0, True),
        ("<=", 92.0, 94.0, True),
        ("<=", 94.0, 96.0, False),
        ("<", 94.0, 96.0, True),
        (">=", np.nan, np.nan, None),
    ],
)
def test_a_verdict_is_sure_when_the_whole_interval_is_on_one_side(given, operator, low, high, sure):
    middle = 94.0 if np.isnan(low) else (low + high) / 2
    found = judge(given([("2023", middle, low, high)]), table(operator))["sure"]
    assert (None if pd.isna(found) else bool(found)) == sure


def test_every_row_and_column_of_the_table_stays(given):
    rows = load("targets/national")
    rate = published("MQR", region="全国", period=2024)
    found = targets({"national_rpq": rate}, "national")
    kept = [c for c in rows.columns if c != "value"]
    pd.testing.assert_frame_equal(found[kept], rows[kept])
    assert found["status"].value_counts().to_dict() == {"no data": len(rows) - 1, "near": 1}
    assert found.loc[found["code"] == "national_rpq", "gap"].item() == -0.07


def test_the_decimals_are_those_of_the_estimate(given):
    assert judge(given([("2023", 93.0)], digits=4), table())["digits"] == 4


@pytest.mark.parametrize("name", ["anhui", "national"])
def test_the_bundled_targets_have_no_fault(name):
    found = targets({}, name)
    assert len(found) == len(load(f"targets/{name}"))
    assert (found["status"] == "no data").all()


def test_all_faults_of_a_table_are_told_at_once():
    rows = pd.concat([table("=>"), table(value=np.nan, reference=[""]), table()]).assign(code=["a", "b", "b"])
    with pytest.raises(DataError) as caught:
        targets({}, rows, lang="en")
    told = str(caught.value)
    assert "3 faults" in told
    for said in ("operator of the target 'a'", "'=>'", "'b' stands more than once", "'b' has neither"):
        assert said in told


def test_a_column_that_is_missing_and_the_nearest():
    with pytest.raises(DataError, match=r"'operator'\. The nearest is 'operater'"):
        targets({}, table().rename(columns={"operator": "operater"}), lang="en")


def test_a_code_that_no_target_has(given):
    for options in ({"estimates": {"aa": given([("2023", 93.0)])}}, {"references": {"aa": 3.0}}):
        with pytest.raises(DataError, match=r"code 'aa'\. The nearest is 'a'"):
            targets(options.get("estimates", {}), table(), references=options.get("references"), lang="en")


def test_several_values_for_one_target(given):
    with pytest.raises(DataError, match="2 rows for the target 'a'"):
        judge(given([("2022", 93.0), ("2023", 94.0)]), table(), lang="en")
    with pytest.raises(DataError, match=r"目标“a”给了 2 行数据"):
        judge(given([("2022", 93.0), ("2023", 94.0)]), table(), lang="zh")


def test_another_unit_than_that_of_the_target(given):
    with pytest.raises(DataError, match="The target 'a' is in % and the figures are in ‰"):
        judge(given([("2023", 93.0)], unit="‰"), table(), lang="en")


def test_a_unit_is_the_same_under_its_synonyms(given):
    for estimate, target in (("分", "score"), ("score", "points"), ("index points", "index")):
        found = judge(given([("2023", 93.0)], unit=estimate), table(unit=target, value=92.5))
        assert found["status"] == "met"
        assert found["unit"] == target
    with pytest.raises(DataError, match="is in score and the figures are in %"):
        judge(given([("2023", 93.0)], unit="%"), table(unit="score"), lang="en")


def test_an_unknown_table_and_the_nearest():
    with pytest.raises(OptionError, match="The nearest is 'anhui'"):
        targets({}, "anhoi", lang="en")


def test_near_is_not_negative():
    with pytest.raises(OptionError, match="must be zero or more"):
        targets({}, table(), near=-0.1, lang="en")
    with pytest.raises(OptionError, match="应不小于零"):
        targets({}, table(), near=-0.1, lang="zh")
    with pytest.raises(OptionError, match="near=nan is not a number"):
        targets({}, table(), near=np.nan)
