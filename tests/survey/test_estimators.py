"""Every option of ratio, mean, total, proportion and quantile changes what it says, and nothing else.

References are computed here from the rows, by the plainest means: no cells, no labels.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats.errors import DataError, DesignError, OptionError
from qstats.stats.design_intervals import DESIGN, design_proportion
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

PLAN = Design(weight="w", strata="h", cluster="psu")


def sample(n=240, seed=11):
    rng = np.random.default_rng(seed)
    psu = np.sort(rng.permutation(np.arange(n) % 24))
    table = pd.DataFrame(
        {
            "h": psu // 8,
            "psu": psu,
            "ssu": rng.integers(0, 3, n),
            "d": rng.choice(["皖", "苏", "浙"], n),
            "e": rng.choice([1, 2], n),
            "w": rng.uniform(2, 9, n),
            "y": (rng.random(n) < 0.7).astype(int),
            "x": rng.uniform(1, 5, n),
            "N": 10 + 5 * (psu // 8),
            "M": 4 + psu % 3,
        }
    )
    return table[~((table["d"] == "皖") & (table["psu"] >= 18))].reset_index(drop=True)


ROWS = sample()


def influence(rows, y, x, inside):
    """w (y − θx)/X of each row, zero outside the domain; of a total w y."""
    w, v = rows["w"].to_numpy() * inside, rows[y].to_numpy(float)
    if x is None:
        return w @ v, w * v
    u = rows[x].to_numpy(float) if x != "1" else np.ones(len(rows))
    theta = (w @ v) / (w @ u)
    return theta, w * (v - theta * u) / (w @ u)


def scatter(z, h, psu, f=None):
    """Σ_h (1 − f) n/(n − 1) Σ (z_i − z̄)² over primary units."""
    found = 0.0
    for number, stratum in enumerate(np.unique(h)):
        units = np.unique(psu[h == stratum])
        t = np.array([z[(h == stratum) & (psu == u)].sum() for u in units])
        rate = 0.0 if f is None else f[number]
        found += (1 - rate) * len(t) / (len(t) - 1) * ((t - t.mean()) ** 2).sum()
    return found


def by_hand(y, x=None, key=None, value=None, rows=ROWS):
    inside = np.ones(len(rows), bool) if key is None else (rows[key] == value).to_numpy()
    theta, z = influence(rows, y, x, inside)
    return theta, np.sqrt(scatter(z, rows["h"].to_numpy(), rows["psu"].to_numpy()))


def close(a, b, tolerance=1e-12):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=0)


CALLS = {
    "ratio": (lambda t, **o: ratio(t, numerator="y", denominator="x", **o), ("y", "x"), 1),
    "mean": (lambda t, **o: mean(t, y="x", **o), ("x", "1"), 1),
    "total": (lambda t, **o: total(t, y="x", **o), ("x", None), 1),
    "proportion": (lambda t, **o: proportion(t, y="y", **o), ("y", "1"), 100),
}


@pytest.fixture(params=CALLS)
def call(request):
    return CALLS[request.param]


# the estimate and its error


def test_estimates_and_errors_are_those_of_the_rows(call):
    function, (y, x), scale = call
    found = function(ROWS, by="d", design=PLAN).table.set_index("d")
    for value in ("皖", "苏", "浙"):
        theta, se = by_hand(y, x, "d", value)
        close(found.loc[value, ["estimate", "std_error"]].astype(float), [scale * theta, scale * se])
        assert found.loc[value, "n"] == (ROWS["d"] == value).sum()
        close(found.loc[value, "cv"], 100 * se / theta)


def test_the_size_of_a_population_is_the_total_of_the_constant():
    found = total(ROWS, y="1", by="d", design=PLAN)
    theta, se = by_hand("one", None, "d", "苏", ROWS.assign(one=1))
    close(found.where(d="苏").table[["estimate", "std_error"]].iloc[0].astype(float), [theta, se])
    assert found.basis == "size of the population"


def test_without_a_design_the_error_is_not_known(call):
    found = call[0](ROWS, by="d")
    assert found.inference == "none"
    assert found.table[["std_error", "conf_low", "conf_high", "df", "deff"]].isna().all(axis=None)
    _, (y, x), scale = call
    plain = ROWS.assign(w=1.0)
    theta = by_hand(y, x, "d", "苏", plain)[0]
    close(found.value(d="苏"), scale * theta)


# margins


def test_margins_are_the_estimates_by_fewer_keys(call):
    function = call[0]
    found = function(ROWS, by=["d", "e"], margins=True, design=PLAN)
    assert len(found) == 3 * 2 + 3 + 2 + 1
    assert len(function(ROWS, by=["d", "e"], design=PLAN)) == 6
    for by, wanted in ((["d"], {"e": "*"}), (["e"], {"d": "*"}), ([], {"d": "*", "e": "*"})):
        rows = found.table
        for key, value in wanted.items():
            rows = rows[rows[key] == value]
        for key in by:
            rows = rows[rows[key] != "*"]
        direct = function(ROWS, by=by, design=PLAN).table
        assert rows[by].to_numpy().tolist() == direct[by].to_numpy().tolist()
        for column in ("estimate", "std_error", "conf_low", "conf_high", "n", "df", "deff", "cv"):
            close(rows[column], direct[column])


def margin_matrix(labels):
    """A margin row is the sum of the full crossings that it covers."""
    inner = labels[(labels != "*").all(axis=1)]
    covers = [
        [all(m in ("*", v) for m, v in zip(r, i, strict=True)) for i in inner.to_numpy()]
        for r in labels.to_numpy()
    ]
    return np.array(covers, float)


def test_the_total_of_a_margin_is_the_sum_of_its_parts_and_so_is_its_variance():
    found = total(ROWS, y="x", by=["d", "e"], margins=True, design=PLAN)
    A, V = margin_matrix(found.table[["d", "e"]]), found.covariance()
    close(found.table["estimate"], A @ found.table["estimate"][:6])
    close(np.diag(V), found.table["std_error"] ** 2)
    np.testing.assert_allclose(V, A @ V[:6, :6] @ A.T, rtol=1e-11, atol=1e-12 * V.max())
    one = np.ones(6)
    close(V[-1, -1], one @ V[:6, :6] @ one)
    assert abs(V[-1, -1] / np.diag(V)[:6].sum() - 1) > 1e-3  # the parts share units, so they covary


def test_a_ratio_covaries_with_its_margins():
    found = ratio(ROWS, numerator="y", denominator="x", by="d", margins=True, design=PLAN)
    z = {}
    for value in ("皖", "苏", "浙", "*"):
        inside = np.ones(len(ROWS), bool) if value == "*" else (ROWS["d"] == value).to_numpy()
        z[value] = influence(ROWS, "y", "x", inside)[1]
    h, psu = ROWS["h"].to_numpy(), ROWS["psu"].to_numpy()
    names = found.table["d"].tolist()
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            both = (scatter(z[a] + z[b], h, psu) - scatter(z[a] - z[b], h, psu)) / 4
            np.testing.assert_allclose(found.covariance()[i, j], both, rtol=1e-9)


# df, deff, level


def test_degrees_of_freedom_are_those_of_the_domain_or_of_the_design(call):
    domain = call[0](ROWS, by="d", design=PLAN).table.set_index("d")
    design = call[0](ROWS, by="d", df="design", design=PLAN).table.set_index("d")
    assert domain.loc["皖", "df"] == ROWS[ROWS["d"] == "皖"]["psu"].nunique() - 3 < 21
    assert (design["df"] == 24 - 3).all()
    close(domain["std_error"], design["std_error"])
    assert domain.loc["皖", "conf_high"] > design.loc["皖", "conf_high"]
    close(domain["estimate"], design["estimate"])


def test_the_interval_is_that_of_t_at_the_level():
    for level in (0.8, 0.95):
        row = mean(ROWS, y="x", level=level, design=PLAN).table.iloc[0]
        reach = stats.t.ppf((1 + level) / 2, 21) * row["std_error"]
        close([row["conf_low"], row["conf_high"]], [row["estimate"] - reach, row["estimate"] + reach])
    assert mean(ROWS, y="x", level=0.8, design=PLAN).level == 0.8


def test_another_level_is_another_interval(call):
    wide, narrow = (call[0](ROWS, level=level, design=PLAN).table.iloc[0] for level in (0.99, 0.5))
    assert (
        wide["conf_low"] < narrow["conf_low"] < narrow["estimate"] < narrow["conf_high"] < wide["conf_high"]
    )
    assert wide["std_error"] == narrow["std_error"]
    for level in (0, 1, 95):
        with pytest.raises(OptionError, match="level"):
            call[0](ROWS, level=level, design=PLAN)


def test_the_design_effect_compares_with_simple_random_sampling_of_as_many_elements(call):
    function, (y, x), scale = call
    for against, fraction in (
        ("without-replacement", len(ROWS) / ROWS["w"].sum()),
        ("with-replacement", 0.0),
    ):
        row = function(ROWS, deff=against, design=PLAN).table.iloc[0]
        w, n = ROWS["w"].to_numpy(), len(ROWS)
        v = ROWS[y].to_numpy(float)
        if x is None:
            e, X = v, 1.0
        else:
            u = ROWS[x].to_numpy(float) if x != "1" else np.ones(n)
            e, X = v - row["estimate"] / scale * u, w @ u
        spread = n / (n - 1) * (w @ (e - w @ e / w.sum()) ** 2) / w.sum()
        srs = (1 - fraction) * w.sum() ** 2 * spread / n / X**2
        close(row["deff"], (row["std_error"] / scale) ** 2 / srs)
        close(row["n_eff"], n / row["deff"])


# missing values


def test_rows_without_a_value_are_refused_or_left_out_as_said(call):
    function, (y, _), _ = call
    gone = (ROWS["psu"] == 3) | (ROWS.index % 9 == 0)
    table = ROWS.astype({y: float}).assign(**{y: lambda d: d[y].where(~gone)})
    with pytest.raises(DataError, match=y) as caught:
        function(table, by="d", design=PLAN)
    assert len(caught.value.violations) == gone.sum()
    with pytest.raises(DataError):
        function(table, by="d", design=PLAN, missing="fail")
    kept = ROWS.assign(kept=(~gone).astype(int))
    domain = function(kept, by=["d", "kept"], design=PLAN).where(kept="1").table
    for found in (
        function(table, by="d", design=PLAN, missing="omit"),
        function(table, by="d", design=Design(**PLAN.to_dict() | {"missing": "omit"})),
    ):
        for column in ("estimate", "std_error", "n", "df", "deff"):
            close(found.table[column], domain[column])  # leaving out is a domain, not another sample
        assert any(str(gone.sum()) in note for note in found.notes)
    dropped = function(table.dropna(), by="d", design=PLAN).table
    assert (abs(dropped["std_error"] / domain["std_error"].to_numpy() - 1) > 1e-6).any()


def test_cells_keep_their_policy_and_their_design():
    made = cells(ROWS, by="d", design=PLAN, sums=["y", "x"])
    close(mean(made, y="x", design=PLAN, missing="fail").value(), mean(ROWS, y="x", design=PLAN).value())
    with pytest.raises(OptionError, match="missing"):
        mean(made, y="x", missing="omit")
    with pytest.raises(DesignError, match="another design"):
        mean(made, y="x", design=Design(weight="w"))


# intervals of proportions


@pytest.mark.parametrize("method", DESIGN)
def test_the_interval_of_a_proportion_is_the_one_named(method):
    found = proportion(ROWS, y="y", by="d", interval=method, design=PLAN)
    t = found.table
    want = design_proportion(
        t["estimate"] / 100, t["std_error"] / 100, t["n"], t["df"], method=method, level=0.95
    )
    close(t["conf_low"], 100 * want.low)
    close(t["conf_high"], 100 * want.high)
    assert method in found.method
    assert found.unit == "%"


def test_no_two_intervals_of_a_proportion_are_alike():
    found = [proportion(ROWS, y="y", interval=m, design=PLAN).table["conf_low"][0] for m in DESIGN]
    assert len(set(found)) == len(DESIGN) >= 7
    assert proportion(ROWS, y="y", design=PLAN).table["conf_low"][0] == found[DESIGN.index("logit")]


@pytest.mark.parametrize(
    ("option", "value"),
    [("df", "domian"), ("deff", "replacement"), ("interval", "wilsom"), ("missing", "drop")],
)
def test_a_choice_that_does_not_exist_is_answered_with_the_list(option, value):
    with pytest.raises(OptionError, match=option):
        proportion(ROWS, y="y", design=PLAN, **{option: value})


# quantiles


def test_quantiles_invert_the_weighted_distribution():
    found = quantile(ROWS, y="x", q=[0.1, 0.5, 0.9], by="d", design=PLAN)
    for value in ("皖", "苏"):
        part = ROWS[ROWS["d"] == value].sort_values("x")
        share = part["w"].cumsum() / part["w"].sum()
        for q in (0.1, 0.5, 0.9):
            assert found.value(d=value, q=str(q)) == part["x"][share >= q].iloc[0]


def test_the_interval_of_a_quantile_is_woodruff_s():
    row = quantile(ROWS, y="x", design=PLAN).table.iloc[0]
    below = mean(ROWS.assign(b=(ROWS["x"] <= row["estimate"]).astype(int)), y="b", design=PLAN).table.iloc[0]
    ordered = ROWS.sort_values("x")
    share = (ordered["w"].cumsum() / ordered["w"].sum()).to_numpy()
    reach = stats.t.ppf(0.975, 21) * below["std_error"]
    for limit, at in (("conf_low", below["estimate"] - reach), ("conf_high", below["estimate"] + reach)):
        close(row[limit], ordered["x"].to_numpy()[np.searchsorted(share, at)])
    close(row["std_error"], (row["conf_high"] - row["conf_low"]) / (2 * stats.t.ppf(0.975, 21)))


def test_every_option_of_quantiles_changes_the_answer():
    usual = {"y": "x", "q": 0.4, "by": "d", "design": PLAN}
    base = quantile(ROWS, **usual).table
    even = {"x": [1.0, 2.0, 4.0, 8.0]}
    assert [quantile(even, y="x", rule=r).value() for r in ("math", "school", "hf6")] == [2.0, 3.0, 3.0]
    assert [quantile(even, y="x", q=0.3, rule=r).value() for r in ("hf6", "hf7")] == [1.5, 1.9]
    assert (
        quantile(ROWS, **{**usual, "interval": "clopper-pearson"}).table["conf_low"] != base["conf_low"]
    ).any()
    assert (quantile(ROWS, **{**usual, "level": 0.5}).table["conf_high"] < base["conf_high"]).all()
    assert quantile(ROWS, **{**usual, "df": "design"}).table["df"].tolist() == [21.0] * 3
    assert base["df"].max() <= 21
    assert base["df"].min() == ROWS[ROWS["d"] == "皖"]["psu"].nunique() - 3


def test_quantiles_leave_missing_values_out_when_that_is_said():
    gone = ROWS.index % 7 == 0
    table = ROWS.assign(x=ROWS["x"].where(~gone))
    with pytest.raises(DataError, match="x"):
        quantile(table, y="x", design=PLAN)
    found = quantile(table, y="x", design=PLAN, missing="omit")
    kept = quantile(ROWS.assign(k=(~gone).astype(int)), y="x", by="k", design=PLAN).where(k="1").table
    for column in ("estimate", "std_error", "conf_low", "conf_high", "n", "df"):
        close(found.table[column], kept[column])
    assert any(str(gone.sum()) in note for note in found.notes)


def test_quantiles_have_calibrated_weights():
    plan = PLAN.calibrate({"d": {"皖": 900, "苏": 100, "浙": 50}})
    g = ROWS["d"].map({"皖": 900, "苏": 100, "浙": 50}) / ROWS.groupby("d")["w"].transform("sum")
    ordered = ROWS.assign(v=ROWS["w"] * g).sort_values("x")
    share = ordered["v"].cumsum() / ordered["v"].sum()
    for q in (0.2, 0.5, 0.8):
        assert quantile(ROWS, y="x", q=q, design=plan).value() == ordered["x"][share >= q].iloc[0]
    assert (
        quantile(ROWS, y="x", q=0.2, design=plan).value() != quantile(ROWS, y="x", q=0.2, design=PLAN).value()
    )


def test_quantiles_know_a_regression_on_what_varies():
    plan = PLAN.calibrate({"1": 1350.0, "z": 6200.0})
    table = ROWS.assign(z=ROWS["x"] + ROWS["e"])
    row = quantile(table, y="x", design=plan).table.iloc[0]
    below = mean(table.assign(b=(table["x"] <= row["estimate"]).astype(int)), y="b", design=plan).table.iloc[
        0
    ]
    assert below["estimate"] >= 0.5
    assert below["estimate"] - 0.5 < 0.02
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_cells_do_not_have_quantiles():
    with pytest.raises(OptionError, match="table"):
        quantile(cells(ROWS, design=PLAN, sums="x"), y="x")


# finite populations


def test_the_finite_population_takes_its_share_off_the_variance():
    plan = Design(**PLAN.to_dict() | {"fpc": "N"})
    _, z = influence(ROWS, "y", "x", np.ones(len(ROWS)))
    want = scatter(z, ROWS["h"].to_numpy(), ROWS["psu"].to_numpy(), [8 / 10, 8 / 15, 8 / 20])
    close(ratio(ROWS, numerator="y", denominator="x", design=plan).table["std_error"], [np.sqrt(want)])


def test_the_second_stage_adds_what_the_first_leaves_to_it():
    plan = Design(weight="w", strata="h", cluster=["psu", "ssu"], fpc=["N", "M"])
    _, z = influence(ROWS, "x", "1", np.ones(len(ROWS)))
    first = scatter(z, ROWS["h"].to_numpy(), ROWS["psu"].to_numpy(), [8 / 10, 8 / 15, 8 / 20])
    second = 0.0
    for psu, rows in ROWS.assign(z=z).groupby("psu"):
        t = rows.groupby("ssu")["z"].sum().to_numpy()
        f2 = len(t) / (4 + psu % 3)
        second += (
            [8 / 10, 8 / 15, 8 / 20][psu // 8]
            * (1 - f2)
            * len(t)
            / (len(t) - 1)
            * ((t - t.mean()) ** 2).sum()
        )
    assert second > 0.01 * first
    close(mean(ROWS, y="x", design=plan).table["std_error"], [np.sqrt(first + second)])


# strata with one unit

LONE = ROWS[(ROWS["h"] > 0) | (ROWS["psu"] == 3)]


def lone(policy, **more):
    return Design(**PLAN.to_dict() | {"singleton": policy} | more)


def test_a_stratum_with_one_unit_is_refused_by_name(call):
    with pytest.raises(DesignError, match="h: 0"):
        call[0](LONE, by="d", design=PLAN)


def test_every_policy_for_strata_with_one_unit_has_its_own_answer():
    found = {}
    for policy in ("remove", "certainty", "adjust", "average"):
        got = total(LONE, y="x", design=lone(policy))
        found[policy] = got.table["std_error"][0]
        assert policy in got.method
    h, psu = LONE["h"].to_numpy(), LONE["psu"].to_numpy()
    z = (LONE["w"] * LONE["x"]).to_numpy()
    others = scatter(z[h > 0], h[h > 0], psu[h > 0])
    units = LONE.assign(z=z).groupby("psu")["z"].sum()
    close(found["remove"], np.sqrt(others))
    close(found["certainty"], np.sqrt(others))
    close(found["average"], np.sqrt(others * 3 / 2))
    close(found["adjust"], np.sqrt(others + (units[3] - units.mean()) ** 2))


def test_certainty_and_removal_differ_where_there_is_nothing_else():
    only = LONE[LONE["h"] == 0]
    removed, certain = (mean(only, y="x", design=lone(p)).table.iloc[0] for p in ("remove", "certainty"))
    assert np.isnan(removed["std_error"])
    assert certain["std_error"] == 0.0  # declared: it was taken for certain


def test_declared_strata_collapse_into_one():
    plan = lone("collapse", collapse={0: "a", 1: "a"})
    joined = LONE.assign(h=LONE["h"].where(LONE["h"] > 1, 1))
    for table in (mean(LONE, y="x", by="d", design=plan).table,):
        want = mean(joined, y="x", by="d", design=PLAN).table
        for column in ("estimate", "std_error", "df"):
            close(table[column], want[column])
    with pytest.raises(DesignError, match="7"):
        mean(LONE, y="x", design=lone("collapse", collapse={7: "a", 1: "a"}))
    with pytest.raises(DesignError, match="h: 0"):
        mean(LONE, y="x", design=lone("collapse", collapse={1: "a", 2: "a"}))


def test_joined_strata_have_their_populations_together():
    plan = lone("collapse", collapse={0: "a", 1: "a"}, fpc="N")
    joined = LONE.assign(N=LONE["N"].where(LONE["h"] > 1, 25), h=LONE["h"].where(LONE["h"] > 1, 1))
    want = mean(joined, y="x", design=Design(**PLAN.to_dict() | {"fpc": "N"})).table
    close(mean(LONE, y="x", design=plan).table["std_error"], want["std_error"])


def test_the_domain_switch_treats_strata_seen_in_one_unit():
    table = ROWS.assign(k=np.where((ROWS["h"] > 0) | (ROWS["psu"] == 3), "seen", "other"))
    for policy in ("adjust", "average"):
        off, on = (
            mean(table, y="x", by="k", design=lone(policy, singleton_domain=s))
            .where(k="seen")
            .table["std_error"][0]
            for s in (False, True)
        )
        assert abs(off / on - 1) > 1e-4
    plain = mean(table, y="x", by="k", design=PLAN).where(k="seen").table["std_error"][0]
    close(mean(table, y="x", by="k", design=lone("adjust")).where(k="seen").table["std_error"][0], plain)


# replicates


def jackknife(rows, function, strata):
    """Leave each unit out, weigh up the others of its stratum, look at what changes."""
    full, found = function(rows), []
    for h in np.unique(rows["h"]) if strata else [None]:
        inside = rows["h"] == h if strata else np.ones(len(rows), bool)
        units = np.unique(rows["psu"][inside])
        n = len(units)
        for u in units:
            w = np.where(inside, rows["w"] * n / (n - 1), rows["w"]) * (rows["psu"] != u)
            found.append(((n - 1) / n, function(rows.assign(w=w))))
    return full, np.array(found)


def share(rows):
    return (rows["w"] * rows["y"]).sum() / (rows["w"] * rows["x"]).sum()


@pytest.mark.parametrize("method", ["jk1", "jkn"])
@pytest.mark.parametrize("mse", [False, True])
def test_the_jackknife_leaves_units_out(method, mse):
    plan = PLAN if method == "jkn" else Design(weight="w", cluster="psu")
    got = ratio(ROWS, numerator="y", denominator="x", design=plan.replicate(method, mse=mse))
    full, made = jackknife(ROWS, share, method == "jkn")
    centre = full if mse else made[:, 1].mean()
    close(got.value(), full)
    close(got.table["std_error"], [np.sqrt((made[:, 0] * (made[:, 1] - centre) ** 2).sum())], 1e-10)
    assert f"replicates ({method})" in got.method
    linear = ratio(ROWS, numerator="y", denominator="x", design=plan).table["std_error"]
    assert abs(got.table["std_error"][0] / linear[0] - 1) > 1e-9


def test_the_jackknife_of_a_total_is_linear():
    got = total(ROWS, y="x", by="d", margins=True, design=PLAN.replicate("jkn"))
    want = total(ROWS, y="x", by="d", margins=True, design=PLAN)
    close(got.table["std_error"], want.table["std_error"], 1e-11)
    np.testing.assert_allclose(
        got.covariance(), want.covariance(), rtol=1e-9, atol=1e-9 * want.covariance().max()
    )


PAIRS = ROWS.assign(h=ROWS["psu"] // 2)


def test_half_samples_of_pairs_give_the_variance_of_a_total():
    want = total(PAIRS, y="x", design=PLAN).table["std_error"]
    for plan in (PLAN.replicate("brr"), PLAN.replicate("fay", fay=0.4)):
        close(total(PAIRS, y="x", design=plan).table["std_error"], want, 1e-11)


def test_half_samples_and_fay_s_factor_differ_for_ratios():
    plans = [PLAN, PLAN.replicate("brr"), PLAN.replicate("fay", fay=0.3), PLAN.replicate("fay", fay=0.6)]
    found = [ratio(PAIRS, numerator="y", denominator="x", design=p).table["std_error"][0] for p in plans]
    assert len(set(np.round(found, 12))) == 4
    close(found, found[0], 0.2)


def test_the_bootstrap_knows_its_seed_and_its_size():
    def se(**options):
        return mean(ROWS, y="x", design=PLAN.replicate("bootstrap", **options)).table["std_error"][0]

    assert se(n=80, seed=0) == se(n=80, seed=0)
    assert len({se(n=80, seed=0), se(n=80, seed=1), se(n=81, seed=0)}) == 3
    close(se(n=4000, seed=5), mean(ROWS, y="x", design=PLAN).table["std_error"][0], 0.1)


def test_given_replicates_are_weights_of_their_own():
    rng = np.random.default_rng(3)
    B = 12
    weights = ROWS["w"].to_numpy()[:, None] * rng.uniform(0.5, 1.5, (len(ROWS), B))
    names = [f"r{b}" for b in range(B)]
    table = pd.concat([ROWS, pd.DataFrame(weights, columns=names)], axis=1)
    values = np.array([(r @ ROWS["y"]) / (r @ ROWS["x"]) for r in weights.T])
    rscales = np.linspace(0.5, 1.5, B)
    for options, want in (
        ({"scale": 0.3}, 0.3 * ((values - values.mean()) ** 2).sum()),
        ({"scale": 0.3, "mse": True}, 0.3 * ((values - share(ROWS)) ** 2).sum()),
        (
            {"scale": 0.3, "mse": True, "rscales": rscales},
            0.3 * (rscales * (values - share(ROWS)) ** 2).sum(),
        ),
    ):
        plan = Design(weight="w").replicate(columns=names, **options)
        got = ratio(table, numerator="y", denominator="x", design=plan)
        close(got.table["std_error"], [np.sqrt(want)], 1e-11)
        close(got.table["df"], [B - 1.0])
        assert any(str(B) in note for note in got.notes)


def test_given_replicates_are_not_calibrated_again():
    table = ROWS.assign(r1=ROWS["w"] * 1.1, r2=ROWS["w"] * 0.9)
    plan = Design(weight="w").calibrate({"d": {"皖": 1, "苏": 1, "浙": 1}})
    with pytest.raises(DesignError, match="calibrat"):
        mean(table, y="x", design=plan.replicate(columns=["r1", "r2"], scale=1))


def test_a_stratum_with_one_unit_has_no_replicates():
    for method in ("jkn", "brr"):
        with pytest.raises(DesignError):
            mean(LONE, y="x", design=PLAN.replicate(method))
