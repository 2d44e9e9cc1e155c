import numpy as np
import pandas as pd
import pytest

from qstats.analysis.change import change
from qstats.analysis.scorecard import grade_ranks, scorecard
from qstats.datasets import load
from qstats.errors import DataError, FrameworkError, OptionError
from qstats.estimate import Estimate
from qstats.wording import unit_told


def tree(**columns):
    table = pd.DataFrame(
        {
            "code": ["all", "targets", "measures", "rate", "loss"],
            "parent": ["", "all", "all", "targets", "targets"],
            "direction": [None, None, 1, 1, -1],
            "weight": [1, 0.4, 0.6, 0.75, 0.25],
            "weight_provenance": ["official", "official", "official", "user", "user"],
            "lower": [None, None, 0, 90, 0.2],
            "upper": [None, None, 60, 95, 0.7],
            "bounds_provenance": "user",
            "unit": ["", "", "score", "%", "%"],
        }
    )
    return table.assign(**columns)


@pytest.fixture
def marks(given):
    def make(rate=(95.0, 92.5), loss=(0.2, 0.45), measures=(54.0, 48.0), se=np.nan, regions=("合肥", "芜湖")):
        units = {"rate": "%", "loss": "%", "measures": "score"}
        columns = {"rate": rate, "loss": loss, "measures": measures}
        return {
            code: given(
                [
                    (r, x, np.nan, np.nan, se if code != "measures" else np.nan)
                    for r, x in zip(regions, xs, strict=True)
                ],
                keys=("region",),
                unit=units[code],
                indicator=code,
            )
            for code, xs in columns.items()
        }

    return make


def root(card):
    return card.where(node="all").table.set_index("region")


def given_years(card):
    """Return the score of one city in two years."""
    rows = card.where(node="all", region="合肥").table
    years = pd.concat([rows.assign(period=year) for year in ("2022", "2023")])
    return Estimate(
        years[["period", "estimate", "std_error", "conf_low", "conf_high", "n"]],
        indicator="scorecard",
        unit=card.unit,
        method="given",
    )


def test_forty_points_for_targets_and_sixty_for_measures(marks):
    card = scorecard(marks(), tree(), rounding="half-up")
    points = card.table.pivot(index="node", columns="region", values="estimate")
    assert points["合肥"].to_dict() == pytest.approx(
        {"all": 94, "targets": 40, "measures": 54, "rate": 30, "loss": 10}
    )
    assert points["芜湖"].to_dict() == pytest.approx(
        {"all": 68, "targets": 20, "measures": 48, "rate": 15, "loss": 5}
    )
    maxima = card.table.drop_duplicates("node").set_index("node")["maximum"].to_dict()
    assert maxima == pytest.approx({"all": 100, "targets": 40, "measures": 60, "rate": 30, "loss": 10})
    assert root(card)["grade"].to_dict() == {"合肥": "A", "芜湖": "C"}
    assert root(card)["rank"].to_dict() == {"合肥": 1, "芜湖": 2}
    assert (card.table.loc[card.table["node"] != "all", "grade"] == "").all()


def test_a_score_is_in_points_and_not_in_percentage_points(marks):
    card = scorecard(marks(), tree(), rounding="half-up")
    assert card.unit == "score" and change(given_years(card)).unit == "score"
    assert [unit_told(card.unit, lang) for lang in ("zh", "en")] == ["分", "points"]
    assert [unit_told("points", lang) for lang in ("zh", "en")] == ["百分点", "percentage points"]


@pytest.mark.parametrize(
    ("rounding", "grade", "shown"),
    [("half-up", "A", 90), ("half-even", "A", 90), ("down", "B", 89), ("none", "B", 89.5)],
)
def test_eighty_nine_and_a_half_is_graded_as_said(marks, rounding, grade, shown):
    found = root(scorecard(marks(measures=(49.5, 48)), tree(), rounding=rounding)).loc["合肥"]
    assert (found["estimate"], found["grade"], found["rounded"]) == (pytest.approx(89.5), grade, shown)


def test_without_a_rounding_there_is_no_grade(marks):
    with pytest.raises(OptionError, match=r"half-up, half-even, down, none"):
        scorecard(marks(), tree(), lang="en")
    with pytest.raises(OptionError, match=r"89\.5 分属于哪一级"):
        scorecard(marks(), tree(), lang="zh")


def test_a_veto_gives_the_lowest_grade_and_leaves_the_score(marks):
    found = root(scorecard(marks(), tree(), rounding="none", veto={"合肥": "系统性事件"}))
    assert found.loc["合肥", ["grade", "grade_by_score", "veto"]].tolist() == ["D", "A", "系统性事件"]
    assert found.loc["合肥", "estimate"] == pytest.approx(94) and found.loc["芜湖", "veto"] == ""
    with pytest.raises(DataError, match="'六安' of the veto has 0 rows"):
        scorecard(marks(), tree(), rounding="none", veto={"六安": "x"}, lang="en")


def test_all_or_nothing_where_the_framework_says_so(marks):
    found = scorecard(marks(rate=(94.9, 95)), tree(scoring=["", "", "", "met", ""]), rounding="none")
    assert found.where(node="rate").table["estimate"].tolist() == pytest.approx([0, 30])
    with pytest.raises(DataError, match="scoring of 'rate'"):
        scorecard(marks(), tree(scoring=["", "", "", "all", ""]), rounding="none", lang="en")


def test_other_grades_and_another_whole(marks):
    found = root(scorecard(marks(), tree(), rounding="none", grades={"good": 700, "bad": 0}, whole=1000))
    assert found["grade"].to_dict() == {"合肥": "good", "芜湖": "bad"}
    assert found["estimate"].tolist() == pytest.approx([940, 680])
    for wrong in ({"good": 70}, {"good": 70, "bad": 10}, {"a": 0, "b": 70, "c": 70}):
        with pytest.raises(OptionError, match="at least two"):
            scorecard(marks(), tree(), rounding="none", grades=wrong, lang="en")
    with pytest.raises(OptionError, match="2013"):
        scorecard(marks(), tree(), rounding="none", grades="2014")


def test_missing_values_are_refused_or_treated_as_said(marks):
    some = marks(rate=(np.nan, 92.5))
    with pytest.raises(DataError, match="1 indicators are missing: rate: 合肥"):
        scorecard(some, tree(), rounding="none", lang="en")
    zero, others = (
        root(scorecard(some, tree(), rounding="none", missing=m)) for m in ("zero", "renormalise")
    )
    assert zero["estimate"].tolist() == pytest.approx([64, 68])
    assert others["estimate"].tolist() == pytest.approx([94, 68])
    del some["rate"]
    assert root(scorecard(some, tree(), rounding="none", missing="zero"))[
        "estimate"
    ].tolist() == pytest.approx([64, 53])


def test_errors_are_known_only_where_all_of_them_are(marks):
    some = marks(rate=(93.0, 92.5), se=0.1)
    card = scorecard(some, tree(), rounding="none").table.set_index(["node", "region"])["std_error"]
    assert card.loc["targets"].notna().all() and card.loc["rate"].notna().all()
    assert card.loc["measures"].isna().all() and card.loc["all"].isna().all()
    fixed = scorecard(some, tree(), rounding="none", unknown="fixed")
    se = fixed.table.set_index(["node", "region"])["std_error"]
    assert se.loc["measures"].isna().all()
    assert se.loc["all"].tolist() == pytest.approx(card.loc["targets"].tolist(), rel=1e-9)
    assert "held fixed" in fixed.method


def test_the_error_of_points_is_that_of_the_sum(marks):
    """Linear in the middle: 30/5 points a point of the rate and 10/0.5 of the loss, independent."""
    some = marks(rate=(92.5, 92.5), loss=(0.45, 0.45), se=0.02)
    card = scorecard(some, tree(), rounding="none", n_draws=20000)
    se = card.where(node="targets").table["std_error"]
    assert se.tolist() == pytest.approx([0.02 * np.hypot(6, 20)] * 2, rel=0.03)
    limits = card.where(node="targets").table[["conf_low", "conf_high"]].to_numpy()
    assert np.diff(limits).ravel() == pytest.approx(2 * 1.96 * se.to_numpy(), rel=0.05)
    narrow = scorecard(some, tree(), rounding="none", level=0.5).where(node="targets").table
    assert (narrow["conf_high"] - narrow["conf_low"] < np.diff(limits).ravel()).all()


def test_the_grade_has_a_probability(marks):
    some = marks(rate=(94.0, 92.5), loss=(0.25, 0.3), measures=(57, 48), se=0.1)
    card = root(scorecard(some, tree(), rounding="none", unknown="fixed", n_draws=4000))
    assert card.loc["合肥", "estimate"] == pytest.approx(90)
    assert card.loc["合肥", "grade_probability"] == pytest.approx(0.5, abs=0.1)
    assert card.loc["芜湖", "grade_probability"] > 0.95
    assert root(scorecard(some, tree(), rounding="none"))["grade_probability"].isna().all()
    other = root(scorecard(some, tree(), rounding="none", unknown="fixed", n_draws=4000, seed=1))
    assert other.loc["合肥", "std_error"] != card.loc["合肥", "std_error"]


def test_the_order_of_rows_does_not_matter(marks):
    one = scorecard(marks(), tree(), rounding="none")
    turned = {code: e.take([1, 0]) for code, e in marks().items()}
    pd.testing.assert_frame_equal(one.table, scorecard(turned, tree(), rounding="none").table)


def test_what_does_not_fit(marks, given):
    with pytest.raises(DataError, match=r"no leaf 'rates'\. The nearest is 'rate'"):
        scorecard({"rates": marks()["rate"]}, tree(), rounding="none", lang="en")
    with pytest.raises(DataError, match="in % and the figures are in score"):
        scorecard({"rate": marks()["measures"]}, tree(), rounding="none", lang="en")
    with pytest.raises(DataError, match="keys of 'loss'"):
        scorecard({**marks(), "loss": given([("2020", 0.3)])}, tree(), rounding="none", lang="en")
    with pytest.raises(DataError, match="No indicator"):
        scorecard({}, tree(), rounding="none", lang="en")
    with pytest.raises(FrameworkError):
        scorecard(marks(), tree(weight=[1, 0.4, 0.5, 0.75, 0.25]), rounding="none")
    for options in ({"missing": "drop"}, {"unknown": "raise"}, {"rounding": "half"}):
        with pytest.raises(OptionError):
            scorecard(marks(), tree(), **{"rounding": "none", **options})


def test_the_published_grades_of_31_provinces():
    rows = load("government_quality_assessment")
    rows = rows[(rows["industry"] == "省级政府质量工作考核") & (rows["year"] == "2019")]
    found = grade_ranks(dict(zip(rows["region"], rows["printed"], strict=True))).set_index("region")
    assert found["grade"].value_counts().to_dict() == {"B": 22, "C": 5, "A": 4}
    assert found.loc["安徽", ["score_low", "score_high", "rank_best", "rank_worst"]].tolist() == [
        80,
        90,
        5,
        26,
    ]
    assert found.loc["上海", ["score_low", "score_high", "rank_best", "rank_worst"]].tolist() == [
        90,
        100,
        1,
        4,
    ]
    assert found.loc["青海", ["rank_best", "rank_worst", "of"]].tolist() == [27, 31, 31]


def test_a_letter_outside_the_scheme():
    with pytest.raises(DataError, match="grade 'E' of '安徽'"):
        grade_ranks({"安徽": "E"}, lang="en")
    assert grade_ranks({"安徽": "E"}, grades={"E": 50, "F": 0}).loc[0, "score_high"] == 100


def test_sixteen_cities_on_simulated_inspections():
    from qstats.classifications import regions
    from qstats.indicators.inspection_pass_rate import inspection_pass_rate

    cities = regions().query("level == 'city'")["name"].tolist()
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"region": cities, "period": "2023", "inspected": 400})
    table["passed"] = rng.binomial(400, np.linspace(0.88, 0.97, 16))
    rate = inspection_pass_rate(table.assign(provenance="simulated:cities seed=4"), by="region")
    framework = (
        tree()
        .query("code in ('all', 'targets', 'measures')")
        .assign(direction=[None, 1, 1], lower=[None, 80, 0], upper=[None, 95, 60], unit=["", "%", "score"])
    )
    core = dict.fromkeys(("std_error", "conf_low", "conf_high", "n"), np.nan)
    measures = rate.replace(
        pd.DataFrame({"region": cities, "estimate": rng.uniform(45, 60, 16), **core}), unit="score"
    )
    card = scorecard(
        {"targets": rate, "measures": measures},
        framework,
        rounding="half-up",
        unknown="fixed",
        veto={"亳州": "x"},
    )
    found = root(card)
    assert len(found) == 16 and card.simulated
    assert found["std_error"].notna().all()
    assert found.loc["亳州", "grade"] == "D" and set(found["grade"]) <= set("ABCD")
    assert sorted(found["rank"]) == list(range(1, 17))
