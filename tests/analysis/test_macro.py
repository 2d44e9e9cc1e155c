import numpy as np
import pandas as pd
import pytest

from qstats.analysis.macro import macro
from qstats.datasets import published
from qstats.errors import DataError, OptionError
from qstats.stats.correlation import correlate, treated

Q = [79.0, 80.1, 80.9, 81.3, 82.1, 82.6, 82.9, 83.0]
E = [100.0, 127, 160, 188, 158, 207, 249, 270]


@pytest.fixture
def series(given):
    def make(values, first=2005, unit="index", periods=None):
        periods = periods or [str(first + i) for i in range(len(values))]
        return given([(p, float(v)) for p, v in zip(periods, values, strict=True)], unit=unit)

    return make


def test_three_correlations_stand_side_by_side(series):
    found = macro(series(Q), {"exports": series(E)})
    assert found.table["treatment"].tolist() == ["levels", "detrended", "differences"]
    for treatment, n in (("levels", 8), ("detrended", 8), ("differences", 7)):
        pair = [treated(y, treatment=treatment) for y in (Q, E)]
        options = {"null": "t", "removed": 1} if treatment == "detrended" else {}
        want = correlate(*pair, **options)
        row = found.where(treatment=treatment).table.iloc[0]
        assert (row["estimate"], row["p"], row["n"]) == pytest.approx((want.r, want.p, n), rel=1e-12)
        assert (row["conf_low"], row["conf_high"]) == pytest.approx((want.low, want.high), rel=1e-12)
    assert found.table["std_error"].isna().all()


def test_two_rising_series_are_related_until_the_trend_is_out(series):
    rng = np.random.default_rng(0)
    found = macro(
        series(80 + 0.5 * np.arange(8) + rng.normal(0, 0.1, 8)),
        {"other": series(100 + 9 * np.arange(8) + rng.normal(0, 2, 8))},
    )
    verdicts = found.table.set_index("treatment")["verdict"]
    assert verdicts["levels"] == "related"
    assert verdicts["detrended"] == verdicts["differences"] == "no clear relation"
    levels = found.where(treatment="levels").table.iloc[0]
    assert levels["n_effective"] < 6 < levels["n"]


def test_at_a_positive_lag_the_economy_moves_first(series):
    e = np.array([1, 4, 2, 6, 3, 5, 9, 2, 7, 1.0])
    q = np.concatenate([[3, 3], e[:-2]])
    found = macro(series(q), {"e": series(e)}, max_lag=3, treatments=["levels"])
    r = found.table.set_index("lag")["estimate"]
    assert r.idxmax() == "2" and r["2"] == pytest.approx(1)
    assert found.table.set_index("lag")["n"].to_dict() == {str(k): 10 - abs(k) for k in range(-3, 4)}
    back = macro(series(e), {"q": series(q)}, max_lag=3, treatments=["levels"]).table.set_index("lag")[
        "estimate"
    ]
    np.testing.assert_allclose(back.to_numpy(), r.to_numpy()[::-1], rtol=1e-12)


def test_p_values_are_adjusted_over_the_series_and_lags_of_a_treatment(series):
    economy = {"exports": series(E), "noise": series([3, 1, 2, 5, 4, 2, 1, 3])}
    holm, none, bonferroni = (
        macro(series(Q), economy, adjust=a, treatments=["levels"]).table
        for a in ("holm", "none", "bonferroni")
    )
    p = none["p"].to_numpy()
    assert none["p_adjusted"].tolist() == p.tolist()
    assert holm["p_adjusted"].tolist() == pytest.approx([2 * p[0], p[1]])
    assert bonferroni["p_adjusted"].tolist() == pytest.approx(np.minimum(1, 2 * p))


def test_what_cannot_be_small_cannot_be_said(series):
    found = macro(series(Q), {"e": series(E)}, null="shift", treatments=["levels"]).table.iloc[0]
    assert found["smallest_p"] == 1 / 8 and found["verdict"] == "cannot say"
    many = {f"e{i}": series(E[:5]) for i in range(7)}
    assert set(macro(series(Q[:5]), many, treatments=["levels"]).table["verdict"]) == {"cannot say"}
    lax = macro(series(Q), {"e": series(E)}, null="shift", treatments=["levels"], level=0.8).table.iloc[0]
    assert lax["verdict"] == "related"


def test_a_constant_series_has_no_correlation(series):
    found = macro(series([80.0] * 8), {"e": series(E)}).table
    assert found["estimate"].isna().all() and set(found["verdict"]) == {"cannot say"}


def test_logarithms_rank_measures_and_tests(series):
    economy = {"e": series(E)}
    log = macro(series(Q), economy, logs=["e"], treatments=["levels"])
    assert log.value() == pytest.approx(correlate(Q, np.log(E)).r, rel=1e-12)
    spearman = macro(series(Q), economy, measure="spearman", treatments=["levels"])
    assert spearman.value() == pytest.approx(correlate(Q, E, measure="spearman").r)
    t = macro(series(Q), economy, null="t", treatments=["levels"]).table["p"].item()
    assert t == pytest.approx(correlate(Q, E, null="t").p, rel=1e-12)


def test_without_a_trend_permutations_are_used_where_asked_for_or_for_ranks(series):
    pair = [treated(y, treatment="detrended") for y in (Q, E)]
    for options in ({"null": "permutation"}, {"measure": "spearman"}):
        found = macro(series(Q), {"e": series(E)}, treatments=["detrended"], **options).table.iloc[0]
        assert found["p"] == pytest.approx(correlate(*pair, **options).p, rel=1e-12)


def test_only_periods_in_common_count_and_their_order_does_not(series):
    found = macro(series(Q, 2005), {"e": series(E, 2007)}, treatments=["levels"])
    assert found.value() == pytest.approx(correlate(Q[2:], E[:6]).r, rel=1e-12)
    turned = series(Q).take(range(7, -1, -1))
    one, other = (macro(q, {"e": series(E)}, max_lag=1).table for q in (series(Q), turned))
    pd.testing.assert_frame_equal(one, other)


def test_draws_are_used_beyond_ten(series):
    rng = np.random.default_rng(1)
    q, e = series(rng.normal(size=14)), {"e": series(rng.normal(size=14))}
    p = [macro(q, e, treatments=["levels"], n_draws=199, seed=s).table["p"].item() for s in (0, 0, 1)]
    assert p[0] == p[1] != p[2]


def test_gaps_are_refused_or_taken_as_said(series):
    some = [str(y) for y in (2005, 2006, 2007, 2009, 2010, 2011)]
    q, e = series(Q[:6], periods=some), {"e": series(E[:6], periods=some)}
    with pytest.raises(DataError, match="without the one before: 2009"):
        macro(q, e, lang="en")
    assert macro(q, e, gaps="ignore", treatments=["levels"]).value() == pytest.approx(
        correlate(Q[:6], E[:6]).r
    )


def test_series_that_do_not_go_together(series, given):
    quarters = [f"20{y}Q{k}" for y in (10, 11) for k in (1, 2, 3, 4)]
    with pytest.raises(DataError, match="frequencies of 'e'"):
        macro(series(Q), {"e": series(E, periods=quarters)}, lang="en")
    with pytest.raises(DataError, match=r"3 periods in common with 'e'; levels .* need at least 4"):
        macro(series(Q), {"e": series(E, 2010)}, treatments=["levels"], lang="en")
    with pytest.raises(DataError, match="need at least 7"):
        macro(series(Q[:6]), {"e": series(E[:6])}, treatments=["differences"], max_lag=2, lang="en")
    with pytest.raises(DataError, match=r"several values for 2005"):
        macro(
            given([("2005", "a", 1.0), ("2005", "b", 2.0)], keys=("period", "region")),
            {"e": series(E)},
            lang="en",
        )
    with pytest.raises(DataError, match="'e' has no key period"):
        macro(series(Q), {"e": given([("a", 1.0)], keys=("region",))}, lang="en")
    with pytest.raises(DataError, match="not positive"):
        macro(series(Q), {"e": series([0, *E[1:]])}, logs=["e"], lang="en")
    with pytest.raises(DataError, match="共有 0 个时期"):
        macro(series(Q), {"e": series(E, 2050)}, lang="zh")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"treatments": ["level"]}, "'levels'"),
        ({"treatments": []}, "At least one"),
        ({"max_lag": -1}, "max_lag=-1"),
        ({"logs": ["export"]}, "nearest is 'exports'"),
        ({"gaps": "fill"}, "'ignore'"),
        ({"measure": "r"}, "'pearson'"),
        ({"null": "f"}, "'permutation'"),
        ({"adjust": "fdr"}, "'bh'"),
    ],
)
def test_choices_that_do_not_exist(series, options, said):
    with pytest.raises(OptionError, match=said):
        macro(series(Q), {"exports": series(E)}, lang="en", **options)


def test_the_published_index_is_as_correlated_with_the_calendar_as_with_anything():
    """2005–2010 the index rises every year: so does the year, and the correlation is higher than 91.0 %."""
    quality = published("QCI", region="全国", industry="制造业", period=list(range(2005, 2011)))
    calendar = quality.replace(
        quality.table.assign(estimate=quality.table["period"].astype(float)), unit="year"
    )
    found = macro(quality, {"calendar": calendar}, treatments=["levels", "detrended"]).table.set_index(
        "treatment"
    )
    assert found.loc["levels", "estimate"] > 0.98
    assert np.isnan(found.loc["detrended", "estimate"])
