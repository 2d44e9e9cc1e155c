import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats.analysis.acceptance import accept, sample_size
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate, assemble
from qstats.indicators.inspection_pass_rate import inspection_pass_rate
from qstats.stats.acceptance import decide


def rates(p, se, n, *, df=None, unit="%", inference="design"):
    regions = pd.DataFrame({"region": [f"r{i}" for i in range(len(p))]})
    columns = {"estimate": p, "std_error": se, "conf_low": np.nan, "conf_high": np.nan, "n": n}
    columns |= {} if df is None else {"df": df}
    table = assemble(regions, **{name: np.broadcast_to(v, len(p)) for name, v in columns.items()})
    return Estimate(table, indicator="pass_rate", unit=unit, method="given", inference=inference)


def test_a_table_of_decisions_has_the_bounds_they_rest_on():
    found = accept(rates([99.0, 95.0, 85.0], [1.0, 2.0, 2.5], 200, df=[40, 40, 40]), 93)
    said = decide([0.99, 0.95, 0.85], [0.01, 0.02, 0.025], 200, 40, 0.93)
    assert found["decision"].tolist() == ["accept", "cannot say", "reject"]
    np.testing.assert_allclose(found["bound_low"], 100 * said.low, rtol=1e-12)
    np.testing.assert_allclose(found["bound_high"], 100 * said.high, rtol=1e-12)
    np.testing.assert_allclose(found["n_eff"], said.n_eff, rtol=1e-12)
    columns = [
        "region",
        "estimate",
        "p0",
        "bound_low",
        "bound_high",
        "n",
        "n_eff",
        "df",
        "decision",
        "reason",
    ]
    assert found.columns.tolist() == columns


def test_counts_are_decided_by_the_exact_binomial():
    checks = {"region": ["安徽", "江苏"], "inspected": [200, 200], "passed": [197, 196]}
    found = accept(inspection_pass_rate(checks, by="region"), 96)
    for low, x in zip(found["bound_low"], (197, 196), strict=True):
        assert low == pytest.approx(100 * stats.beta.ppf(0.05, x, 201 - x), rel=1e-10)
    assert found["n_eff"].tolist() == pytest.approx([200, 200], rel=1e-12)
    assert found["decision"].tolist() == ["accept", "cannot say"]


def test_rates_between_0_and_1_have_their_p0_there():
    per_cent = accept(rates([98.0], [0.8], 300), 95)
    fraction = accept(rates([0.98], [0.008], 300, unit="1"), 0.95)
    assert fraction["decision"].tolist() == per_cent["decision"].tolist() == ["accept"]
    np.testing.assert_allclose(fraction["bound_low"], per_cent["bound_low"] / 100, rtol=1e-12)


def test_every_option_changes_the_answer():
    given = rates([97.0, 100.0], [1.0, 0.0], 80, df=[30, 30])
    assert accept(given, 95)["decision"].tolist() == ["cannot say", "accept"]
    assert accept(given, 95, confidence=0.6)["decision"].tolist() == ["accept", "accept"]
    assert accept(given, 95, deff_at_bounds=2)["decision"].tolist() == ["cannot say", "cannot say"]
    assert accept(given, 95, side="at most")["decision"].tolist() == ["cannot say", "reject"]
    by_df = [accept(rates([97.0], [2.0], 80, df=[d]), 94)["bound_low"].item() for d in (2, 30)]
    assert by_df[0] < by_df[1]


def test_what_has_no_error_is_not_decided():
    found = accept(rates([99.0, 100.0], [0.1, 0.0], 500, inference="none"), 90)
    assert found["decision"].tolist() == ["cannot say", "cannot say"]
    assert found["reason"].str.contains("inference: none").all()
    unknown = accept(rates([99.0], [np.nan], 500), 90)
    assert unknown["reason"].tolist() == ["not estimable: the standard error is unknown"]
    assert accept(rates([99.0], [0.1], 500, df=[0]), 90)["decision"].tolist() == ["cannot say"]


def test_a_p0_of_another_scale_is_refused():
    with pytest.raises(OptionError, match="p0=95"):
        accept(rates([99.0], [0.1], 500), 0.95, lang="en")
    with pytest.raises(OptionError, match="百分数"):
        accept(rates([99.0], [0.1], 500), 0.95, lang="zh")
    assert accept(rates([0.2], [0.1], 500), 0.95, side="at most")["p0"].tolist() == [0.95]
    with pytest.raises(OptionError, match="950"):
        accept(rates([99.0], [0.1], 500), 950, lang="en")
    with pytest.raises(DataError, match="no rate"):
        accept(rates([113.0], [0.1], 500), 95, lang="en")


def test_a_sample_to_estimate_has_its_closed_form():
    table = sample_size(90, half_width=2, deff=[1, 1.5], population=5000)
    simple = 1.959963984540054**2 * 0.09 / 0.02**2
    for deff, n in zip(table["deff"], table["n"], strict=True):
        assert n == np.ceil(deff * simple / (1 + (deff * simple - 1) / 5000))
    assert table["n_simple"].tolist() == [np.ceil(simple)] * 2
    assert table["purpose"].tolist() == ["estimate"] * 2


def test_every_combination_has_its_row():
    table = sample_size([90, 97], half_width=[1, 2, 3], deff=[1, 2])
    assert len(table) == 12
    assert not table.duplicated(["rate", "half_width", "deff"]).any()
    assert "power" not in table


def test_a_sample_to_test_states_its_plan():
    row = sample_size(97, p0=90).iloc[0]
    assert (row["n"], row["failures_allowed"]) == (76, 3)
    assert row["power_achieved"] == pytest.approx(stats.binom.cdf(3, 76, 0.03), rel=1e-12)
    assert row["size_achieved"] == pytest.approx(stats.binom.cdf(3, 76, 0.10), rel=1e-12)


def test_every_option_of_the_sample_size_changes_it():
    usual = sample_size(97, p0=90)["n"].item()
    for options in (
        {"power": 0.95},
        {"confidence": 0.99},
        {"deff": 2},
        {"population": 200},
        {"method": "normal"},
    ):
        assert sample_size(97, p0=90, **options)["n"].item() != usual
    wald = sample_size(97, half_width=1)["n"].item()
    exact = sample_size(97, half_width=1, method="clopper-pearson")["n"].item()
    assert exact > wald


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sample_size(90, lang="en"), "either half_width"),
        (lambda: sample_size(90, half_width=1, p0=80, lang="en"), "only one"),
        (lambda: sample_size(90, half_width=1, power=0.9, lang="en"), "power belongs to tests"),
        (lambda: sample_size(190, half_width=1, lang="en"), "rate=190"),
        (lambda: sample_size(90, p0=0, lang="en"), "p0=0"),
        (lambda: sample_size(90, p0=95, lang="en"), "not above"),
        (lambda: sample_size(90, p0=80, method="wald"), "'exact'"),
        (lambda: sample_size(90, half_width=1, method="exact"), "'wald'"),
    ],
)
def test_wrong_questions_are_refused(call, said):
    with pytest.raises(OptionError, match=said):
        call()
