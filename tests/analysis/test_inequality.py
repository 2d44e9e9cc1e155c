import numpy as np
import pytest

from qstats.analysis.inequality import convergence, inequality
from qstats.analysis.peers import international, peers
from qstats.errors import DataError, OptionError
from qstats.stats import inequality as formulas

ROWS = [("全国", 50.0), ("安徽", 20.0), ("江苏", 60.0), ("浙江", 50.0), ("湖北", 30.0)]


def test_inequality_is_that_of_the_formulas_without_the_nation(given):
    found = inequality(given(ROWS, keys=("region",))).iloc[0]
    y, areas = [20.0, 60.0, 50.0, 30.0], ["中部", "东部", "东部", "中部"]
    theil, gini = formulas.theil(y, groups=areas), formulas.gini(y, groups=areas)
    assert found["theil"] == pytest.approx(theil.total) and found["gini"] == pytest.approx(gini.total)
    assert found["theil_between"] == pytest.approx(theil.between)
    assert found["gini_overlap"] == pytest.approx(gini.overlap, abs=1e-15)
    assert found["regions"] == 4 and found["sd"] == pytest.approx(np.std(y, ddof=1))
    other = dict(zip(("安徽", "江苏", "浙江", "湖北"), "aabb", strict=True))
    assert inequality(given(ROWS, keys=("region",)), groups=other)["theil_between"].iloc[0] < theil.between
    people = {"安徽": 60, "江苏": 80, "浙江": 60, "湖北": 58}
    weighted = inequality(given(ROWS, keys=("region",)), weights=people)["theil"].iloc[0]
    assert weighted == pytest.approx(formulas.theil(y, [60, 80, 60, 58]).total)


def panel(given, years, values):
    rows = [
        (str(y), r, v)
        for y, row in zip(years, values, strict=True)
        for (r, _), v in zip(ROWS[1:], row, strict=True)
    ]
    return given(rows, keys=("period", "region"))


def test_every_period_has_its_row(given):
    found = inequality(panel(given, (2019, 2020), [[20, 60, 50, 30], [25, 58, 50, 33]]))
    assert found["period"].tolist() == ["2019", "2020"] and found["gini"].diff().iloc[1] < 0


def test_convergence_takes_the_ends_and_the_trend_of_the_spread(given):
    values = [[20, 60, 50, 30], [25, 58, 50, 33], [31, 60, 52, 38]]
    found = convergence(panel(given, (2018, 2020, 2023), values)).iloc[0]
    want = formulas.beta(values[0], values[2], 5)
    assert (found["slope"], found["p"]) == (want.slope, want.p)
    assert (found["first"], found["last"], found["years"], found["regions"]) == ("2018", "2023", 5, 4)
    assert found["sigma_slope"] < 0 and found["sigma_last"] == pytest.approx(formulas.sigma(values[2])[0])
    two = convergence(panel(given, (2018, 2023), values[::2])).iloc[0]
    assert np.isnan(two["sigma_p"])


def test_what_has_no_inequality_is_refused(given):
    with pytest.raises(DataError, match="period"):
        inequality(given([("2023", 1.0)]))
    with pytest.raises(DataError, match="安徽"):
        inequality(given(ROWS, keys=("region",)), weights={"江苏": 1})
    with pytest.raises(DataError):
        inequality(given(ROWS[:2], keys=("region",)))
    with pytest.raises(DataError, match="region"):
        convergence(given(ROWS, keys=("region",)))
    with pytest.raises(DataError):
        convergence(panel(given, (2018,), [[20, 60, 50, 30]]))


def test_peers_are_the_nearest_in_units_of_spread(given):
    size = given(ROWS, keys=("region",))
    income = given([(r, 2.0 if r in ("安徽", "浙江") else 1.0) for r, _ in ROWS], keys=("region",))
    assert peers({"size": size}, "安徽")["region"].tolist() == ["湖北", "浙江", "江苏"]
    both = peers({"size": size, "income": income}, "安徽", count=2)
    assert both["region"].tolist() == ["湖北", "浙江"] or both["region"].tolist() == ["浙江", "湖北"]
    y = np.array([20.0, 60, 50, 30])
    assert peers({"size": size}, "安徽")["distance"].iloc[0] == pytest.approx(10 / y.std(ddof=1))
    assert "全国" not in set(peers({"size": size}, "安徽", count=9)["region"])
    for bad in ({}, {"x": given([("2023", "安徽", 1.0)], keys=("period", "region"))}):
        with pytest.raises((DataError, OptionError)):
            peers(bad, "安徽")
    with pytest.raises(DataError, match="西藏"):
        peers({"size": size}, "西藏")
    with pytest.raises(DataError, match="flat"):
        peers({"flat": given([(r, 1.0) for r, _ in ROWS], keys=("region",))}, "安徽")
    with pytest.raises(OptionError):
        peers({"size": size}, "安徽", count=0)


def test_countries_are_compared_only_like_with_like(given):
    a = given([("2022", 80.0), ("2023", 81.0)], indicator="satisfaction", basis="ACSI", unit="score")
    b = given([("2023", 79.0), ("2024", 78.0)], indicator="satisfaction", basis="ACSI", unit="score")
    found = international({"US": a, "CN": b})
    assert found.keys == ("country", "period") and found.value(country="CN") == 79 and len(found) == 2
    other = given([("2023", 79.0)], indicator="satisfaction", basis="C-CSI", unit="%")
    with pytest.raises(DataError, match=r"(?s)unit.*basis"):
        international({"US": a, "CN": other})
    with pytest.raises(DataError):
        international({"US": a})
    late = given([("2029", 79.0)], indicator="satisfaction", basis="ACSI", unit="score")
    with pytest.raises(DataError):
        international({"US": a, "CN": late})
