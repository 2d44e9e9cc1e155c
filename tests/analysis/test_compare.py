import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import norm

from qstats.analysis.compare import GROUPS, compare, position_name
from qstats.classifications import regions
from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats.covariance import Errors, Level

ROWS = [("全国", 99.0), ("安徽", 93.0), ("江苏", 95.0), ("湖北", 93.0), ("河南", 90.0), ("合肥", 98.0)]


def ranks(found):
    return {
        r["region"]: None if r["rank"] is None or r["rank"] != r["rank"] else int(r["rank"])
        for r in found.table.astype({"rank": "float64"}).to_dict("records")
    }


@pytest.fixture
def rate(given):
    return given(ROWS, keys=("region",))


def test_ties_share_the_best_rank_and_the_nation_is_never_ranked(rate):
    found = compare(rate)
    assert ranks(found) == {"安徽": 2, "江苏": 1, "湖北": 2, "河南": 4}
    assert found.table["of"].tolist() == [4] * 4


def test_the_lowest_is_first_where_less_is_better(given, rate):
    assert ranks(compare(rate, direction=-1)) == {"河南": 1, "安徽": 2, "湖北": 2, "江苏": 4}
    loss = given(ROWS, keys=("region",), indicator="quality_loss_rate")
    assert ranks(compare(loss)) == ranks(compare(rate, direction=-1))
    assert ranks(compare(loss, direction=1)) == ranks(compare(rate))
    assert (compare(loss).table["best"] == 90).all()
    assert "lowest ranks first" in compare(loss, lang="en").notes[0]
    assert "highest ranks first" in compare(rate, lang="en").notes[0]


@pytest.mark.parametrize(
    ("within", "members", "some"),
    [
        ("provinces", 31, {"西藏", "安徽", "上海"}),
        ("cities", 16, {"合肥", "黄山"}),
        ("central6", 6, {"山西", "安徽", "江西", "河南", "湖北", "湖南"}),
        ("yangtze_delta", 4, {"上海", "江苏", "浙江", "安徽"}),
        ("东部", 10, {"北京", "海南"}),
        ("中部", 6, {"安徽", "湖南"}),
        ("西部", 12, {"重庆", "新疆"}),
        ("东北", 3, {"辽宁", "吉林", "黑龙江"}),
    ],
)
def test_a_group_has_its_members(given, within, members, some):
    known = regions()["name"]
    found = compare(
        given([(name, float(i)) for i, name in enumerate(known)], keys=("region",)), within=within
    )
    assert len(found) == members == found.table["of"].iloc[0]
    assert some <= set(found.table["region"])
    assert "全国" not in set(found.table["region"])


def test_all_groups_are_tested():
    assert set(GROUPS) == {"provinces", "cities", "central6", "yangtze_delta", "东部", "中部", "西部", "东北"}


def test_a_group_may_be_named_in_any_spelling(rate):
    assert ranks(compare(rate, within=["Anhui", "江苏省", "合肥"])) == {"安徽": 3, "江苏": 2, "合肥": 1}


def test_gaps_are_the_value_minus_the_other_whatever_the_direction(rate):
    for direction in (1, -1):
        row = compare(rate, direction=direction).where(region="安徽").table.iloc[0]
        assert (row["reference"], row["gap_reference"]) == (99, -6)
        assert (row["mean"], row["gap_mean"]) == (92.75, 0.25)
        assert (row["best"], row["gap_best"]) == {1: (95, -2), -1: (90, 3)}[direction]


def test_another_reference(rate):
    assert compare(rate, reference="江苏").where(region="安徽").table["gap_reference"].tolist() == [-2]
    assert compare(rate, reference="Jiangsu").where(region="安徽").table["gap_reference"].tolist() == [-2]


def test_a_reference_may_be_an_area_of_the_table(given):
    found = compare(given([*ROWS, ("长三角", 94.0)], keys=("region",)), reference="长三角")
    assert found.where(region="安徽").table["gap_reference"].tolist() == [-1]


def test_without_the_reference_the_gap_is_not_known_and_said_to_be(given):
    found = compare(given(ROWS[1:], keys=("region",)), lang="en")
    assert found.table["gap_reference"].isna().all()
    assert found.notes[-1] == "全国 has no value; the gap to it is not known."


def test_a_missing_value_has_no_rank_and_is_named(given):
    found = compare(given([*ROWS, ("湖南", np.nan)], keys=("region",)), within="central6", lang="en")
    assert ranks(found) == {"安徽": 1, "湖北": 1, "河南": 3, "湖南": None}
    assert set(found.table["of"]) == {3}
    assert found.notes[1] == "Without a value and not ranked: 山西, 江西, 湖南."
    assert found.where(region="湖南").table[["gap_best", "gap_mean", "gap_reference"]].isna().all(axis=None)


def test_ranks_are_given_anew_for_every_other_key(given):
    rows = [(p, r, x + (9 if p == "2023" and r == "河南" else 0)) for p in ("2022", "2023") for r, x in ROWS]
    rows.append(("2023", "上海", np.nan))
    found = compare(given(rows[::-1], keys=("period", "region")))
    assert ranks(found.where(period="2022")) == {"江苏": 1, "安徽": 2, "湖北": 2, "河南": 4}
    assert ranks(found.where(period="2023")) == {"河南": 1, "江苏": 2, "安徽": 3, "湖北": 3, "上海": None}
    assert found.table["region"].tolist()[0] == "上海"


def test_the_reference_is_matched_on_the_other_keys(given):
    rows = [("2022", "安徽", 90.0), ("2023", "安徽", 90.0), ("2023", "全国", 95.0), ("2022", "全国", 91.0)]
    found = compare(given(rows, keys=("period", "region")))
    assert found.table.set_index("period")["gap_reference"].to_dict() == {"2022": -1, "2023": -5}


def test_a_period_without_any_value_has_no_ranks(given):
    rows = [("2022", "安徽", np.nan), ("2022", "江苏", np.nan), ("2023", "安徽", 1.0)]
    found = compare(given(rows, keys=("period", "region"))).where(period="2022").table
    assert found["rank"].isna().all() and (found["of"] == 0).all()
    assert found[["best", "mean"]].isna().all(axis=None)


def test_the_errors_of_the_values_stay(given):
    found = compare(given([("安徽", 93.0, 92.0, 94.0, 0.5), ("江苏", 95.0)], keys=("region",)))
    row = found.where(region="安徽").table.iloc[0]
    assert row[["conf_low", "conf_high", "std_error"]].tolist() == [92, 94, 0.5]


def test_losses_of_2007_rank_anhui_last_of_the_central_provinces_that_have_one():
    loss = published("quality_loss_rate", period=2007)
    row = compare(loss, within="central6").where(region="安徽").table.iloc[0]
    own = loss.table.set_index("region")["estimate"]
    six = own[own.index.isin(["山西", "安徽", "江西", "河南", "湖北", "湖南"])]
    assert (row["rank"], row["of"]) == (six.rank(method="min")["安徽"], len(six))
    assert row["gap_reference"] == pytest.approx(0.88 - 0.25)


def test_without_regions_or_any_of_the_group_it_is_refused(given, rate):
    with pytest.raises(DataError, match="period"):
        compare(given([("2023", 1.0)]))
    with pytest.raises(DataError, match="东北"):
        compare(rate, within="东北")


@pytest.mark.parametrize(
    "options",
    [{"within": "central"}, {"within": ["Anhuii"]}, {"reference": "安惠"}, {"direction": 0}],
)
def test_an_option_that_does_not_exist_is_refused(rate, options):
    with pytest.raises(OptionError):
        compare(rate, **options)


def known(rows, **meta):
    return [(name, x, x - 1.96 * s, x + 1.96 * s, s) for name, x, s in rows], meta


@pytest.fixture
def measured(given):
    rows = [
        ("全国", 94.0, 0.01),
        ("安徽", 93.0, 0.2),
        ("江苏", 95.0, 0.2),
        ("湖北", 92.9, 0.2),
        ("河南", 90.0, 0.2),
    ]
    return given(known(rows)[0], keys=("region",), inference="superpopulation")


def test_ranks_have_intervals_where_errors_are_known(measured):
    found = compare(measured).table.set_index("region")
    assert found.loc["江苏", ["rank_low", "rank_high"]].tolist() == [1, 1]
    assert found.loc["安徽", ["rank_low", "rank_high"]].tolist() == [2, 3]
    assert found.loc["湖北", ["rank_low", "rank_high"]].tolist() == [2, 3]
    assert found.loc["河南", ["rank_low", "rank_high"]].tolist() == [4, 4]
    assert (found["rank_low"] <= found["rank"]).all() and (found["rank"] <= found["rank_high"]).all()
    mirrored = compare(measured, direction=-1).table.set_index("region")
    assert mirrored.loc["江苏", ["rank_low", "rank_high"]].tolist() == [4, 4]


def test_one_unknown_error_leaves_the_ranks_without_intervals(given, rate):
    rows = [("安徽", 93.0, 92.0, 94.0, 0.5), ("江苏", 95.0)]
    found = compare(given(rows, keys=("region",), inference="superpopulation")).table
    assert found[["rank_low", "rank_high", "position_sure"]].isna().all(axis=None)
    assert compare(rate).table["versus_reference"].eq("").all()


def test_draws_and_seed_move_intervals_of_close_ranks(given):
    rows, _ = known([(name, 90 + i / 9, 0.3) for i, name in enumerate(regions()["name"][1:32])])
    many = given(rows, keys=("region",), inference="superpopulation")
    usual = compare(many).table
    assert usual.equals(compare(many).table)
    assert not usual["rank_low"].equals(compare(many, seed=1).table["rank_low"])
    assert not usual["rank_low"].equals(compare(many, draws=50).table["rank_low"])
    assert compare(many, draws=0).table["rank_low"].isna().all()


def test_positions_are_thirds_of_the_group(given):
    rows, _ = known([(name, 90 + i / 9, 0.001) for i, name in enumerate(regions()["name"][1:32])])
    found = compare(given(rows, keys=("region",), inference="superpopulation")).table
    by = found.groupby("position")["rank"]
    assert (by.max()["upper"], by.min()["middle"], by.max()["middle"], by.min()["lower"]) == (10, 11, 20, 21)
    assert found["position_sure"].all()
    assert position_name("upper", lang="zh") == "全国上游"
    assert position_name("lower", within="central6", lang="zh") == "中部靠后"
    assert position_name("middle", within="东部", lang="zh") == "位居中游"
    with pytest.raises(OptionError):
        position_name("top")


def test_what_is_clear_of_the_reference(measured):
    found = compare(measured).table.set_index("region")
    assert found["versus_reference"].to_dict() == {
        "安徽": "worse",
        "江苏": "better",
        "湖北": "worse",
        "河南": "worse",
    }
    z = -1 / np.hypot(0.2, 0.01)
    assert found.loc["安徽", "p_reference"] == pytest.approx(2 * norm.cdf(z))
    assert compare(measured, direction=-1).table["versus_reference"].tolist()[0] == "better"
    assert compare(measured, reference="湖北").where(region="安徽").table["versus_reference"].tolist() == [
        "no clear difference"
    ]
    own = compare(measured, reference="湖北").where(region="湖北").table
    assert own["versus_reference"].tolist() == [""]


def test_many_comparisons_can_be_adjusted(measured):
    plain, holm = (compare(measured, adjust=a).table["p_reference"] for a in ("none", "holm"))
    assert (holm >= plain).all() and holm.max() > plain.max() * 0.999 and not holm.equals(plain)
    with pytest.raises(OptionError):
        compare(measured, adjust="tukey")


def test_the_joint_error_of_a_part_and_its_whole_is_used():
    records = {"region": ["全国", "安徽"], "inspected": [1000, 400], "passed": [900, 340]}
    rate = inspection_pass_rate(records, by="region")
    Z = csr_array(np.array([[1.0, 0.5], [1.0, 0.0]]))
    one = np.ones(2)
    joint = rate.replace(errors=Errors((Level(Z, np.full(2, -1), one, one),), "s"))
    p = compare(joint).table["p_reference"].iloc[0]
    assert p == pytest.approx(2 * norm.cdf(-5 / 0.5))


def test_the_gap_to_neighbours_is_from_their_mean(rate):
    near = {"安徽": ["江苏", "Hubei"], "江苏": ["上海"]}
    found = compare(rate, neighbours=near).table.set_index("region")["gap_neighbours"]
    assert found["安徽"] == 93 - 94 and np.isnan(found["江苏"]) and np.isnan(found["湖北"])
