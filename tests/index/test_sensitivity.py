import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, OptionError
from qstats.index.build import competitiveness_index
from qstats.index.runs import GROUPS
from qstats.index.sensitivity import sensitivity
from qstats.index.uncertainty import uncertainty

SETS = [{"level": 0.5, "trade": 0.5}, {"level": 0.9, "trade": 0.1}]
MEANS = ["arithmetic", "geometric"]


def indices(found, **keys):
    for key, value in keys.items():
        found = found[found[key] == value]
    return found.set_index("factor")


def test_one_factor_alone_is_all(tree, data):
    found = sensitivity(data, tree, of="score", alternatives={"weights": SETS})
    row = indices(found, node="all", region="安徽").loc["weights"]
    assert [row["first"], row["total"], row["first_error"], row["runs"]] == [1, 1, 0, 2]
    # of Hubei all scores are equal: nothing moves
    still = indices(found, node="all", region="湖北").loc["weights"]
    assert np.isnan(still["first"]) and np.isnan(still["total_error"])


def test_first_and_total_by_hand(tree, data):
    """Two sets of weights by two means of the root: four scores."""
    choices = {
        "weights": SETS,
        "aggregation": [{"method": m, "nodes": {"level": "arithmetic"}} for m in MEANS],
    }
    row = indices(sensitivity(data, tree, of="score", alternatives=choices), node="all", region="江苏")
    scores = competitiveness_index(data, tree).where(region="江苏")
    level, trade = scores.value(node="level"), scores.value(node="trade")
    Y = np.array([[w * level + (1 - w) * trade, level**w * trade ** (1 - w)] for w in (0.5, 0.9)])
    V = Y.var()
    assert row.loc["weights", "first"] == pytest.approx(Y.mean(1).var() / V, rel=1e-10)
    assert row.loc["aggregation", "total"] == pytest.approx(1 - Y.mean(1).var() / V, abs=1e-10)
    assert row.loc["weights", "variance"] == pytest.approx(V, rel=1e-10)


@pytest.mark.parametrize("of", ["score", "rank", "gap", "rank-shift"])
def test_every_outcome_unit_and_node_at_once(tree, data, of):
    reference = {"region": "江苏"} if of == "gap" else None
    choices = {"weights": SETS, "aggregation": MEANS}
    found = sensitivity(data, tree, of=of, reference=reference, alternatives=choices)
    rows = 1 if of == "rank-shift" else 3
    assert len(found) == rows * len(tree) * 2
    assert (found["total"].dropna() >= found["first"].dropna() - 1e-12).all()


def test_changes_over_time(tree, data):
    later = data.assign(estimate=data["estimate"] * 1.1, period="2023")
    both = pd.concat([data.assign(period="2022"), later])[["indicator", "period", "region", "estimate"]]
    found = sensitivity(both, tree, of="change", alternatives={"weights": SETS, "aggregation": MEANS})
    assert set(found["period"]) == {"2023"}
    assert indices(found, node="all", region="江苏")["first"].sum() <= 1 + 1e-12


def test_sobol_points_where_draws_cannot_be_enumerated(tree, data):
    """Weights of one node and errors of one indicator: an additive score has first = total."""
    given = data.assign(std_error=data["indicator"].map({"pass": 1e-9, "loss": 1e-9, "export": 1.0}))
    near = [{"level": 0.74, "trade": 0.26}, {"level": 0.76, "trade": 0.24}]
    found = sensitivity(
        given,
        tree,
        of="score",
        sampling="draws",
        alternatives={"weights": near},
        tolerance=0.05,
        max_runs=60_000,
    )
    assert set(found["method"]) == {"sobol"}
    row = indices(found, node="all", region="安徽")
    # ±0.01 of a gap of 22 points, and a quarter of 0.8 points
    V = np.array([0.25 * 0.8, 0.22]) ** 2
    for name in ("first", "total"):
        gap = (row.loc[["sampling", "weights"], name] - V / V.sum()).abs()
        assert (gap < 4 * row[f"{name}_error"]).all()
        assert (row[f"{name}_error"] <= 0.05).all()


def test_a_smaller_tolerance_takes_more_runs_and_never_more_than_allowed(tree, data):
    three = [*SETS, {"level": 0.6, "trade": 0.4}]
    choices = {"alternatives": {"weights": three, "aggregation": MEANS}, "of": "score", "method": "sobol"}
    coarse, fine = (sensitivity(data, tree, tolerance=t, **choices)["runs"].iloc[0] for t in (0.2, 0.001))
    assert fine > coarse
    least = sensitivity(data, tree, tolerance=1e-9, max_runs=5000, **choices)["runs"].iloc[0]
    assert least <= 5000


def test_the_seed_matters_to_sobol_points_and_not_to_enumeration(tree, data):
    choices = {"alternatives": {"weights": SETS, "aggregation": MEANS}, "of": "score"}
    exact = [sensitivity(data, tree, seed=s, **choices) for s in (0, 1)]
    pd.testing.assert_frame_equal(*exact)
    zero, same, one = (
        sensitivity(data, tree, seed=s, method="sobol", tolerance=0.2, **choices) for s in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(zero, same)
    assert (zero["first"] != one["first"]).any()


def test_random_weights_are_a_factor(tree, data):
    found = sensitivity(
        data, tree, of="score", weight_spread=0.3, alternatives={"aggregation": MEANS}, tolerance=0.1
    )
    row = indices(found, node="all", region="江苏")
    assert row.loc["weights", "total"] > 0.5
    pd.testing.assert_frame_equal(
        found,
        sensitivity(
            data,
            tree,
            of="score",
            weight_spread=0.3,
            alternatives={"aggregation": MEANS},
            tolerance=0.1,
            workers=2,
        ),
    )


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"weight_spread": 0.3, "method": "exact"}, "cannot be enumerated"),
        (
            {"alternatives": {"weights": SETS, "aggregation": MEANS}, "method": "exact", "max_runs": 3},
            "take 4 runs",
        ),
        ({"weight_spread": 0.3, "max_runs": 700}, "768"),
        ({"alternatives": {"weights": SETS}, "method": "saltelli"}, "sobol"),
        ({"alternatives": {"weights": SETS}, "of": "scores"}, "score"),
    ],
)
def test_what_cannot_be_done_is_refused(tree, data, options, match):
    with pytest.raises(OptionError, match=match):
        sensitivity(data, tree, lang="en", **options)


def test_nothing_that_varies_and_a_run_without_result_are_refused(tree, data):
    with pytest.raises(DataError, match="Nothing varies"):
        sensitivity(data, tree, lang="en")
    steps = {"normalisation": {"method": "zscore"}}
    with pytest.raises(DataError, match="1 of 2 runs failed"):
        sensitivity(data, tree, steps=steps, alternatives={"aggregation": MEANS}, lang="en")


@pytest.fixture
def holed(tree, data):
    """Twenty provinces with one value missing."""
    rng = np.random.default_rng(1)
    means = {"pass": (85, 3), "loss": (0.5, 0.1), "export": (20, 5)}
    rows = [(f"r{i}", code, rng.normal(*at)) for i in range(20) for code, at in means.items()]
    made = pd.DataFrame(rows, columns=["region", "indicator", "estimate"])
    return made[~((made["region"] == "r0") & (made["indicator"] == "pass"))]


@pytest.mark.parametrize("others", [{}, {"weights": SETS}])
def test_the_draws_of_the_only_imputation_are_a_factor(tree, holed, others):
    """Below the root one factor is all; of two, totals add up to no less than 1."""
    given = {"of": "score", "steps": {"imputation": "multiple"}, "alternatives": others, "lang": "en"}
    found = sensitivity(holed, tree, tolerance=0.1, n_imputations=8, **given)
    row = indices(found, node="level", region="r0")
    assert row.index.tolist() == ["imputation", *others]
    assert row.loc["imputation", "total"] == pytest.approx(1, abs=4 * row.loc["imputation", "total_error"])
    top = indices(found, node="all", region="r0")
    assert top["total"].sum() > 1 - 4 * top["total_error"].sum() and (top["total"] > 0.01).all()
    assert not indices(found, node="all", region="r1").loc["imputation", "total"] > 0
    with pytest.raises(OptionError, match="cannot be enumerated"):
        sensitivity(holed, tree, method="exact", **given)


def test_sampling_imputation_and_method_add_up(tree, holed):
    found = uncertainty(
        holed.assign(std_error=0.1 * holed["estimate"].abs()),
        tree,
        steps={"imputation": "multiple"},
        alternatives={"weights": SETS},
        n_runs=60,
        split_runs=30,
        unknown="fixed",
    )
    shares = found.where(region="r0", node="all").table.iloc[0][[f"share_{s}" for s in GROUPS]].astype(float)
    assert (shares > 0.001).all() and shares.sum() == pytest.approx(1, rel=1e-12)
    assert "varied: sampling, imputation, weights" in found.method
