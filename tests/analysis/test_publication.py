import numpy as np
import pandas as pd
import pytest

from qstats.analysis.publication import flags
from qstats.errors import DataError, OptionError
from qstats.estimate import Estimate, assemble
from qstats.indicators.event_rate import event_rate
from qstats.stats.publication import nchs_proportion


def rates(p, se, n, *, unit="%", level=0.95, **columns):
    regions = pd.DataFrame({"region": [f"r{i}" for i in range(len(p))]})
    p, se = np.array(p, float), np.array(se, float)
    core = {"estimate": p, "std_error": se, "conf_low": p - 2 * se, "conf_high": p + 2 * se, "n": n}
    table = assemble(regions, **{k: np.broadcast_to(v, len(p)) for k, v in (core | columns).items()})
    return Estimate(table, indicator="pass_rate", unit=unit, method="given", level=level, inference="design")


def test_the_standard_for_proportions_becomes_columns():
    given = rates([93.0, 50.0, 97.0, 100.0], [1.0, 10.0, 1.7, 0.0], [700, 90, 100, 300], df=[40, 40, 40, 40])
    found = flags(given)
    p, se = given.table["estimate"] / 100, given.table["std_error"] / 100
    standard = nchs_proportion(p, se, given.table["n"], 40)
    assert found.table["publication"].tolist() == ["publish", "suppress", "footnote", "review"]
    assert found.table["publication_reason"].tolist() == standard.reason.tolist()
    names = ("n_eff_used", "width", "relative_width", "complement_width")
    for column, values in zip(names, standard[2:], strict=True):
        np.testing.assert_allclose(found.table[column], values, rtol=1e-12)
    assert found.keys == given.keys


def test_nothing_of_the_estimate_is_changed():
    given = rates([93.0], [1.0], 700, df=[40], n_eff=[650.0], flag=[""])
    kept = flags(given).table[given.table.columns]
    pd.testing.assert_frame_equal(kept, given.table)


def test_few_degrees_of_freedom_are_reviewed_and_without_the_column_they_are_n_minus_1():
    assert flags(rates([93.0], [1.0], 700, df=[5])).table["publication"].tolist() == ["review"]
    assert flags(rates([93.0], [1.0], 700)).table["publication"].tolist() == ["publish"]


def test_a_design_effect_can_be_declared_for_the_bounds():
    given = rates([100.0], [0.0], 120, df=[40])
    assert flags(given).table["publication"].tolist() == ["review"]
    assert flags(given, deff_at_bounds=5).table["publication"].tolist() == ["suppress"]


def test_the_standard_for_rates_judges_events():
    records = {"region": ["安徽", "江苏"], "events": [3, 40], "exposure": [20_000, 200_000]}
    found = flags(event_rate(records, by="region"), rules="nchs-rate")
    assert found.table["publication"].tolist() == ["suppress", "publish"]
    assert found.table["publication_reason"].iloc[0].startswith("fewer than 10 events")


def test_the_standard_for_rates_counts_effective_events_and_degrees_of_freedom():
    given = {"numerator": [15.0], "unit": "per 1,000"}
    found = [
        flags(rates([2.0], [0.3], 15, **given, **more), rules="nchs-rate").table["publication"].item()
        for more in ({}, {"deff": [2.0]}, {"df": [4]})
    ]
    assert found == ["publish", "suppress", "review"]


def test_the_standard_for_rates_needs_events_and_its_level():
    with pytest.raises(DataError, match="numerator"):
        flags(rates([2.0], [0.3], 15), rules="nchs-rate", lang="en")
    with pytest.raises(OptionError, match=r"0\.9\b"):
        flags(rates([2.0], [0.3], 15, numerator=[20], level=0.9), rules="nchs-rate", lang="en")


def test_bands_of_the_coefficient_of_variation():
    found = flags(rates([100, 100, 100, 0], [16.5, 20, 40, 1], 50, unit="t"), rules="cv").table
    assert found["publication"].tolist() == ["publish", "caution", "suppress", "unknown"]
    np.testing.assert_allclose(found["cv"][:3], [16.5, 20, 40], rtol=1e-12)
    assert found["publication_reason"].tolist()[1:3] == ["E: cv above 16.5 %", "F: cv above 33.3 %"]


OWN = pd.DataFrame(
    [
        ("n", "<", 30, "suppress"),
        ("df", "<", 8, "review"),
        ("cv", ">=", 15, "footnote"),
    ],
    columns=["metric", "operator", "threshold", "flag"],
)


def test_of_rules_of_ones_own_the_first_that_holds_gives_the_flag():
    given = rates([90, 90, 90, 90], [1, 1, 13.5, 1], [20, 100, 100, 100], df=[3, 3, 20, 20])
    found = flags(given, rules=OWN).table
    assert found["publication"].tolist() == ["suppress", "review", "footnote", "publish"]
    assert found["publication_reason"].tolist() == ["n < 30", "df < 8", "cv >= 15", ""]


def test_a_metric_that_is_not_known_is_not_passed_over():
    given = rates([90, 90], [1, np.nan], [100, 20], df=[20, 20])
    assert flags(given, rules=OWN).table["publication"].tolist() == ["publish", "suppress"]
    other = flags(rates([90], [np.nan], 100, df=[20]), rules=OWN).table
    assert other["publication"].tolist() == ["unknown"]
    assert other["publication_reason"].tolist() == ["cv not known"]


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("width", 4.0),
        ("relative_width", 4 / 90),
        ("complement_width", 0.4),
        ("n_eff_used", 100),
        ("estimate", 90),
        ("cv", 100 / 90),
    ],
)
def test_a_rule_may_name_what_is_computed(metric, value):
    def flag(sign, threshold):
        rule = pd.DataFrame([(metric, sign, threshold, "x")], columns=OWN.columns)
        return flags(rates([90.0], [1.0], 100), rules=rule).table["publication"].item()

    assert [flag(">", value * 0.999), flag(">", value * 1.001)] == ["x", "publish"]
    assert [flag("<=", value * 0.999), flag("<=", value * 1.001)] == ["publish", "x"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="flag"), "lacks the columns flag"),
        (lambda t: t.iloc[:0], "no rule"),
        (lambda t: t.assign(metric="cvv"), "'cvv'.*nearest is 'cv'"),
        (lambda t: t.assign(operator="=="), "'=='"),
        (lambda t: t.assign(threshold="many"), "'many'"),
        (lambda t: t.assign(threshold=np.nan), "nan"),
        (lambda t: t.assign(flag=""), "lacks its flag"),
    ],
)
def test_a_table_of_rules_with_a_fault_is_refused(change, said):
    with pytest.raises(DataError, match=said):
        flags(rates([90.0], [1.0], 100, df=[9]), rules=change(OWN), lang="en")


def test_an_unknown_standard_is_refused():
    with pytest.raises(OptionError, match="'nchs-rate'"):
        flags(rates([90.0], [1.0], 100), rules="nchs-rates")
