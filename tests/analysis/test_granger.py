"""What foretells what: both directions, enough periods, what each option changes."""

import numpy as np
import pytest

import qstats as qs
from qstats.analysis.granger import granger
from qstats.errors import DataError, OptionError
from qstats.stats.granger import choose_lags, precedes

RNG = np.random.default_rng(6)
E = RNG.normal(size=(3, 60))
X, Y, Z = E[0].cumsum(), (E[1] + np.r_[0, 0.8 * E[0, :-1]]).cumsum(), E[2].cumsum()
QUARTERS = [f"{2005 + i // 4}Q{i % 4 + 1}" for i in range(60)]


@pytest.fixture
def series(given):
    return lambda values, when=QUARTERS: given([(p, float(v)) for p, v in zip(when, values, strict=False)])


def test_both_directions_are_tested_as_the_formula_has_it(series):
    found = granger(series(Y), {"orders": series(X), "other": series(Z)}, lang="en")
    table = found.table
    assert table["series"].tolist() == ["orders", "orders", "other", "other"]
    assert table["direction"].tolist() == ["economy first", "quality first"] * 2
    want = precedes(X, Y, lags=choose_lags(X, Y, most=4, trend=True), added=1, trend=True)
    assert table.loc[0, ["statistic", "p", "df"]].tolist() == pytest.approx(
        [want.statistic, want.p, want.df], rel=1e-9
    )
    assert table["verdict"].tolist()[:2] == ["helps predict", "no clear sign"]
    assert table.loc[0, "p_adjusted"] == pytest.approx(4 * table.loc[0, "p"], rel=1e-9)
    assert len(found.notes) == 3 and "not to cause" in found.notes[0]


def test_options_change_the_answer(series):
    usual = granger(series(Y), {"orders": series(X)}).table
    for option in ({"integrated": 0}, {"integrated": 2}, {"trend": False}, {"adjust": "none"}):
        other = granger(series(Y), {"orders": series(X)}, **option).table
        assert not np.allclose(other[["statistic", "p_adjusted"]], usual[["statistic", "p_adjusted"]])
    wave = np.r_[np.zeros(3), 0.9 * E[0, :-3]] + E[1]
    one, two = (granger(series(wave), {"x": series(E[0])}, max_lag=m).table for m in (1, 4))
    assert one["lags"][0] == 1 and two["lags"][0] == 3
    assert len(granger(series(Y), {"orders": series(X)}, integrated=0).notes) == 4
    weak = {"x": series(Z)}
    p = granger(series(Y), weak, adjust="none").table["p"].min()
    for level, word in ((1 - p - 1e-6, True), (1 - p + 1e-6, False)):
        words = granger(series(Y), weak, adjust="none", level=level).table["verdict"].tolist()
        assert ("helps predict" in words) == word


def test_too_few_periods_are_refused_and_the_number_is_said(series):
    with pytest.raises(DataError, match=r"39 periods.*needs 40"):
        granger(series(Y[:39]), {"orders": series(X)}, lang="en")
    with pytest.raises(DataError, match="needs 80"):
        granger(series(Y), {"orders": series(X)}, max_lag=8, lang="en")
    years = [str(y) for y in range(2005, 2012)]
    index = qs.published("QCI", region="全国", industry="制造业", period=list(range(2005, 2012)))
    with pytest.raises(DataError, match="needs 40"):
        qs.granger(index, {"calendar": series(np.arange(7.0), years)}, lang="en")


def test_periods_in_common_are_used_and_frequencies_must_be_one(series, given):
    later = granger(series(Y), {"orders": series(X[5:], QUARTERS[5:])}).table
    assert later["n"].tolist() == [55, 55]
    months = [f"{2005 + i // 12}M{i % 12 + 1:02}" for i in range(60)]
    with pytest.raises(DataError, match="frequency"):
        granger(series(Y), {"orders": series(X, months)}, lang="en")
    two = given(
        [(p, r, float(v)) for r in "ab" for p, v in zip(QUARTERS, X, strict=True)], keys=("period", "region")
    )
    with pytest.raises(DataError, match="one series"):
        granger(series(Y), {"orders": two}, lang="en")


@pytest.mark.parametrize("value", [None, "x", -1, 0, float("nan"), float("inf"), []])
def test_every_option_out_of_range_is_refused(series, value):
    fine = {None: ("lang",), 0: ("integrated", "trend")}
    for option in ("max_lag", "integrated", "trend", "adjust", "level", "lang"):
        if not isinstance(value, list) and value in fine and option in fine[value]:
            continue
        with pytest.raises(OptionError):
            granger(series(Y), {"orders": series(X)}, **{option: value})
            pytest.fail(f"{option}={value!r} was taken")
    with pytest.raises(OptionError):
        granger(series(Y), value)
