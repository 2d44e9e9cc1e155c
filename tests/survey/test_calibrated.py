"""Calibrated estimates are those of a computation by rows, which knows nothing of cells."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from qstats.errors import DesignError
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.survey.estimators import mean, proportion, ratio, total
from qstats.survey.quantile import quantile

PLAN = Design(weight="w", strata="h", cluster="psu")
ELEMENTS = Design(weight="w", strata="h")
D = {"皖": 520.0, "苏": 610.0, "浙": 480.0}
E_ = {1: 900.0, 2: 710.0}


def sample(n=240, seed=8):
    rng = np.random.default_rng(seed)
    psu = np.sort(np.arange(n) % 18)
    size = rng.uniform(1, 5, n)
    return pd.DataFrame(
        {
            "h": psu // 6,
            "psu": psu,
            "row": range(n),
            "d": rng.choice(["皖", "苏", "浙"], n),
            "e": rng.choice([1, 2], n),
            "k": rng.choice(["甲", "乙"], n),
            "w": rng.uniform(2, 9, n),
            "y": (rng.random(n) < 0.6).astype(int),
            "x": size + rng.normal(0, 0.5, n),
            "z": size,
            "u": rng.uniform(10, 50, n),
        }
    )


ROWS = sample()
WEIGHT = ROWS["w"].to_numpy()


def indicators(rows, column, categories):
    return np.column_stack([(rows[column] == c).to_numpy(float) for c in categories])


def scatter(z, h, psu):
    found = 0.0
    for stratum in np.unique(h):
        units = np.unique(psu[h == stratum])
        t = np.array([z[(h == stratum) & (psu == u)].sum() for u in units])
        found += len(t) / (len(t) - 1) * ((t - t.mean()) ** 2).sum()
    return np.sqrt(found)


def by_rows(rows, C, g, y, x=None, inside=None, unit="psu", kept=None):
    """Σ w g y / Σ w g x with the g-weighted residuals of its linearised variable."""
    w, inside = rows["w"].to_numpy(), np.ones(len(rows)) if inside is None else inside
    inside = inside if kept is None else inside * kept
    v = np.nan_to_num(rows[y].to_numpy(float)) * inside
    if x is None:
        theta = w * g @ v
    else:
        u = (np.ones(len(rows)) if x == "1" else np.nan_to_num(rows[x].to_numpy(float))) * inside
        theta, X = (w * g @ v) / (w * g @ u), w * g @ u
        v = (v - theta * u) / X
    B = np.linalg.lstsq((C * w[:, None]).T @ C, C.T @ (w * v), rcond=None)[0]
    return theta, scatter(w * g * (v - C @ B), rows["h"].to_numpy(), rows[unit].to_numpy())


def linear(C, totals, w=WEIGHT):
    return 1 + C @ np.linalg.lstsq((C * w[:, None]).T @ C, totals - C.T @ w, rcond=None)[0]


def raked(margins, w=WEIGHT):
    g = np.ones(len(w))
    for _ in range(2000):
        for C, totals in margins:
            g = g * (C @ (totals / (C.T @ (w * g))))
    return g


def compare(plan, C, g, tolerance=1e-10, rows=ROWS, **options):
    for by, inside in (((), None), (("k",), (rows["k"] == "甲").to_numpy(float))):
        found = {
            "ratio": ratio(rows, numerator="y", denominator="x", by=by, design=plan),
            "mean": mean(rows, y="x", by=by, design=plan),
            "total": total(rows, y="x", by=by, design=plan),
            "proportion": proportion(rows, y="y", by=by, design=plan),
        }
        asked = {"ratio": ("y", "x"), "mean": ("x", "1"), "total": ("x", None), "proportion": ("y", "1")}
        for name, got in found.items():
            want = by_rows(rows, C, g, *asked[name], inside=inside, **options)
            row = got.where(k="甲").table.iloc[0] if by else got.table.iloc[0]
            scale = 100 if name == "proportion" else 1
            np.testing.assert_allclose(
                [row["estimate"], row["std_error"]], scale * np.array(want), rtol=tolerance, err_msg=name
            )


TOTALS = np.array(list(D.values()))
IN_D, IN_E = indicators(ROWS, "d", D), indicators(ROWS, "e", E_)


def test_post_stratification_is_that_of_the_rows():
    compare(PLAN.calibrate({"d": D}), IN_D, linear(IN_D, TOTALS))


def test_linear_calibration_to_two_margins_is_that_of_the_rows():
    C = np.hstack([IN_D, IN_E])
    T = np.array([*D.values(), *E_.values()])
    compare(PLAN.calibrate({"d": D, "e": E_}), C, linear(C, T))
    compare(PLAN.calibrate({"1": 1610.0, "d": D, "e": E_}), C, linear(C, T))  # what follows adds nothing


def test_raking_is_proportional_fitting():
    C = np.hstack([IN_D, IN_E])
    g = raked([(IN_D, TOTALS), (IN_E, np.array(list(E_.values())))])
    compare(PLAN.calibrate({"d": D, "e": E_}, distance="raking"), C, g, 1e-9)


def test_crossed_margins_are_post_strata():
    cross = ROWS.assign(c=ROWS["d"] + ROWS["e"].astype(str))
    totals = {(d, e): 150.0 + 40 * i for i, (d, e) in enumerate((d, e) for d in D for e in E_)}
    one = {f"{d}{e}": t for (d, e), t in totals.items()}
    C = indicators(cross, "c", one)
    compare(PLAN.calibrate({("d", "e"): totals}), C, linear(C, np.array(list(one.values()))))


def test_the_regression_estimator_with_continuous_auxiliaries_is_that_of_the_rows():
    for auxiliaries, C in (
        ({"1": 1610.0, "z": 5000.0}, np.column_stack([np.ones(240), ROWS["z"]])),
        ({"z": 5000.0}, ROWS[["z"]].to_numpy()),
        ({"1": 1610.0, "z": 5000.0, "u": 47000.0}, np.column_stack([np.ones(240), ROWS["z"], ROWS["u"]])),
        ({"d": D, "z": 5000.0}, np.column_stack([IN_D, ROWS["z"]])),
        ({"d": D, "e": E_, "z": 5000.0, "u": 47000.0}, np.column_stack([IN_D, IN_E, ROWS["z"], ROWS["u"]])),
    ):
        T = [
            v
            for total_ in auxiliaries.values()
            for v in (total_.values() if isinstance(total_, dict) else [total_])
        ]
        compare(PLAN.calibrate(auxiliaries), C, linear(C, np.array(T)))


def test_what_is_calibrated_to_comes_out_as_it_was_given_without_error_known():
    plan = PLAN.calibrate({"1": 1610.0, "z": 5000.0})
    got = total(ROWS, y="z", design=plan).table.iloc[0]
    np.testing.assert_allclose(got["estimate"], 5000, rtol=1e-12)
    assert not got["std_error"] > 1e-8
    size = total(ROWS, y="1", design=plan).table.iloc[0]
    np.testing.assert_allclose(size["estimate"], 1610, rtol=1e-12)
    assert size["std_error"] == 0.0


def test_a_regression_on_a_related_variable_pays():
    plan = PLAN.calibrate({"1": 1300.0, "z": 4000.0})
    assert (
        total(ROWS, y="x", design=plan).table["std_error"][0]
        < 0.4 * total(ROWS, y="x", design=PLAN).table["std_error"][0]
    )


def test_logit_weights_stay_within_their_bounds_and_meet_the_total():
    bounds = (0.7, 1.6)
    plan = PLAN.calibrate({"d": D}, distance="logit", bounds=bounds)
    held = IN_D.T @ WEIGHT
    g = IN_D @ (TOTALS / held)
    assert ((g > bounds[0]) & (g < bounds[1])).all()
    compare(plan, IN_D, g, 1e-9)
    with pytest.raises(DesignError):
        mean(
            ROWS,
            y="x",
            design=PLAN.calibrate({"d": {"皖": 5200, "苏": 610, "浙": 480}}, distance="logit", bounds=bounds),
        )


def test_bounds_change_two_margins_and_are_kept():
    strong = {"d": {"皖": 800.0, "苏": 450.0, "浙": 360.0}, "e": {1: 1000.0, 2: 610.0}}
    free = PLAN.calibrate(strong)
    tight = PLAN.calibrate(strong, bounds=(0.5, 1.8))
    cross = [total(ROWS, y="1", by=["d", "e"], design=p).table for p in (free, tight)]
    raw = ROWS.groupby(["d", "e"])["w"].sum()
    factors = [t["estimate"] / [raw[d, int(e)] for d, e in zip(t["d"], t["e"], strict=True)] for t in cross]
    assert factors[0].max() > 1.8
    assert factors[1].max() <= 1.8 + 1e-9
    assert factors[1].min() >= 0.5 - 1e-9
    for column in ("d", "e"):
        sums = total(ROWS, y="1", by=column, design=tight)
        for value, wanted in strong[column].items():
            np.testing.assert_allclose(sums.value(**{column: str(value)}), wanted, rtol=1e-8)


def test_trimming_cuts_the_mean_weight_of_a_cell_and_keeps_the_sum():
    plan, trimmed = PLAN.calibrate({"d": D}), PLAN.calibrate({"d": D}, trim=(None, 6.8))
    counts = ROWS.groupby("d").size()
    weights = {d: D[d] / counts[d] for d in D}
    assert max(weights.values()) > 6.8
    got = total(ROWS, y="1", by="d", design=trimmed)
    means = {d: got.value(d=d) / counts[d] for d in D}
    assert max(means.values()) <= 6.8 * (1 + 1e-9)
    np.testing.assert_allclose(got.table["estimate"].sum(), sum(D.values()), rtol=1e-9)
    assert abs(mean(ROWS, y="x", design=plan).value() / mean(ROWS, y="x", design=trimmed).value() - 1) > 1e-6
    cut = {d: min(w, 6.8) for d, w in weights.items()}
    free = [d for d, w in weights.items() if w <= 6.8]
    factor = brentq(
        lambda f: sum(counts[d] * (min(cut[d] * f, 6.8) if d in free else 6.8) for d in D) - sum(D.values()),
        1,
        9,
    )
    np.testing.assert_allclose([means[d] for d in free], [min(cut[d] * factor, 6.8) for d in free], rtol=1e-9)


def test_a_chain_of_calibrations_ends_at_the_last():
    plan = PLAN.calibrate({"d": D}).calibrate({"e": E_})
    g1 = linear(IN_D, TOTALS)
    g = g1 * linear(IN_E, np.array(list(E_.values())), WEIGHT * g1)
    row = mean(ROWS, y="x", design=plan).table.iloc[0]
    np.testing.assert_allclose(row["estimate"], WEIGHT * g @ ROWS["x"] / (WEIGHT @ g), rtol=1e-12)
    np.testing.assert_allclose(
        total(ROWS, y="1", by="e", design=plan).table["estimate"], [900, 710], rtol=1e-12
    )
    once = mean(ROWS, y="x", design=PLAN.calibrate({"e": E_})).table.iloc[0]
    assert abs(row["std_error"] / once["std_error"] - 1) > 1e-4


STEPS = {
    "post-strata": {"totals": {"d": D}},
    "raking": {"totals": {"d": D, "e": E_}, "distance": "raking"},
    "linear": {"totals": {"d": D, "e": E_}},
    "logit": {"totals": {"d": D, "e": E_}, "distance": "logit", "bounds": (0.4, 2.5)},
    "bounded": {"totals": {"d": D, "e": E_}, "bounds": (0.6, 1.8)},
    "trimmed": {"totals": {"d": D}, "trim": (None, 6.8)},
}


def alike(a, b, tolerance=1e-10):
    for column in ("estimate", "std_error", "conf_low", "conf_high", "n", "df", "deff"):
        np.testing.assert_allclose(a.table[column], b.table[column], rtol=tolerance, atol=0, err_msg=column)
    np.testing.assert_allclose(
        a.covariance(), b.covariance(), rtol=1e-7, atol=1e-10 * np.nanmax(b.covariance())
    )


@pytest.mark.parametrize("weight", ["w", None])
@pytest.mark.parametrize("name", STEPS)
def test_calibrated_elements_are_a_unit_a_row(name, weight):
    step = dict(STEPS[name])
    if weight is None:
        scale = 1.2 * len(ROWS) / sum(D.values())
        step["totals"] = {v: {c: t * scale for c, t in ts.items()} for v, ts in step["totals"].items()}
        step |= {"trim": (None, 1.25)} if "trim" in step else {}
    none = Design(weight=weight, strata="h").calibrate(**step)
    each = Design(weight=weight, strata="h", cluster="row").calibrate(**step)
    for by in ("k", "d"):
        options = {"by": by, "margins": True}
        alike(
            ratio(ROWS, numerator="y", denominator="x", design=none, **options),
            ratio(ROWS, numerator="y", denominator="x", design=each, **options),
        )
        alike(mean(ROWS, y="x", design=none, **options), mean(ROWS, y="x", design=each, **options))
        alike(total(ROWS, y="x", design=none, **options), total(ROWS, y="x", design=each, **options))


GONE = (ROWS.index % 6 == 0).astype(bool)
HOLES = ROWS.assign(x=ROWS["x"].where(~GONE))


def test_rows_left_out_are_still_calibrated():
    kept = (~GONE).astype(float)
    plan = Design(**PLAN.to_dict() | {"missing": "omit"})
    full = PLAN.calibrate({"d": D})
    for step, C, T in (
        ({"d": D}, IN_D, TOTALS),
        ({"1": 1610.0, "z": 5000.0}, np.column_stack([np.ones(240), ROWS["z"]]), np.array([1610.0, 5000.0])),
        ({"d": D, "z": 5000.0}, np.column_stack([IN_D, ROWS["z"]]), np.array([*TOTALS, 5000.0])),
    ):
        g = linear(C, T)  # of all rows: who did not answer was sampled
        for y, x, got in (
            ("x", "1", mean(HOLES, y="x", design=plan.calibrate(step))),
            ("x", None, total(HOLES, y="x", design=plan.calibrate(step))),
            ("y", "x", ratio(HOLES, numerator="y", denominator="x", design=plan.calibrate(step))),
        ):
            want = by_rows(HOLES, C, g, y, x, kept=kept)
            row = got.table.iloc[0]
            np.testing.assert_allclose([row["estimate"], row["std_error"]], want, rtol=1e-10)
            assert row["n"] == kept.sum()
            assert any(str(GONE.sum()) in note for note in got.notes)
    assert mean(ROWS, y="y", design=full).value() != mean(HOLES.dropna(), y="y", design=full).value()


@pytest.mark.parametrize("weight", ["w", None])
def test_rows_left_out_of_calibrated_elements_are_units_too(weight):
    step = {"d": {c: t * (1 if weight else 0.15) for c, t in D.items()}}
    none = Design(weight=weight, strata="h", missing="omit").calibrate(step)
    each = Design(weight=weight, strata="h", cluster="row", missing="omit").calibrate(step)
    for by in ("k", "d"):
        alike(mean(HOLES, y="x", by=by, design=none), mean(HOLES, y="x", by=by, design=each))
        alike(total(HOLES, y="x", by=by, design=none), total(HOLES, y="x", by=by, design=each))
    shards = [cells(part, by="k", design=none, sums="x") for part in (HOLES[:100], HOLES[100:])]
    alike(mean(sum(shards), y="x", by="k"), mean(HOLES, y="x", by="k", design=each))


def test_replicates_are_calibrated_each_anew():
    plan = PLAN.calibrate({"d": D})
    got = mean(ROWS, y="x", design=plan.replicate("jkn")).table.iloc[0]
    found = []
    for h in (0, 1, 2):
        for u in range(6 * h, 6 * h + 6):
            w = np.where(ROWS["h"] == h, WEIGHT * 6 / 5, WEIGHT) * (ROWS["psu"] != u)
            g = IN_D @ (TOTALS / (IN_D.T @ w))
            found.append(w * g @ ROWS["x"] / (w @ g))
    found = np.array(found)
    np.testing.assert_allclose(
        got["std_error"], np.sqrt(5 / 6 * ((found - found.mean()) ** 2).sum()), rtol=1e-10
    )
    linear_ = mean(ROWS, y="x", design=plan).table["std_error"][0]
    assert 0 < abs(got["std_error"] / linear_ - 1) < 0.1


def test_a_category_without_a_total_and_a_total_without_sample_are_refused():
    with pytest.raises(DesignError, match="苏"):
        mean(ROWS, y="x", design=PLAN.calibrate({"d": {"皖": 1, "浙": 1}}))
    with pytest.raises(DesignError, match="沪"):
        mean(ROWS, y="x", design=PLAN.calibrate({"d": D | {"沪": 100}}))


def test_totals_that_contradict_each_other_are_refused_by_name():
    with pytest.raises(DesignError, match="contradict"):
        mean(ROWS, y="x", design=PLAN.calibrate({"d": D, "e": {1: 900.0, 2: 900.0}}))
    twice = ROWS.assign(double=2 * ROWS["z"])
    with pytest.raises(DesignError, match=r"'z'|'double'"):
        mean(twice, y="x", design=PLAN.calibrate({"z": 5000.0, "double": 9000.0}))
    same = mean(twice, y="x", design=PLAN.calibrate({"z": 5000.0, "double": 10000.0})).table.iloc[0]
    one = mean(ROWS, y="x", design=PLAN.calibrate({"z": 5000.0})).table.iloc[0]
    np.testing.assert_allclose(
        same[["estimate", "std_error"]].astype(float), one[["estimate", "std_error"]].astype(float), rtol=1e-9
    )
    with pytest.raises(DesignError, match="'none'"):
        mean(ROWS.assign(none=0.0), y="x", design=PLAN.calibrate({"none": 5.0}))


def test_a_continuous_calibration_stands_alone():
    plan = PLAN.calibrate({"z": 5000.0})
    for chained in (plan.calibrate({"d": D}), plan.replicate("jkn")):
        with pytest.raises(DesignError, match="'z' is continuous"):
            mean(ROWS, y="x", design=chained)


def test_weights_made_negative_have_no_quantiles():
    plan = PLAN.calibrate({"1": 1610.0, "z": 2500.0})
    with pytest.raises(DesignError, match="negative"):
        quantile(ROWS, y="x", design=plan)
    assert quantile(ROWS, y="x", design=PLAN.calibrate({"1": 1300.0, "z": 4000.0})).value() > 0
