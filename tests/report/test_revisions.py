"""Revisions: what moved between vintages, and how far on average."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qstats as qs
from qstats import report
from qstats.errors import DataError, OptionError
from qstats.report import page
from qstats.report.facts import Facts
from qstats.report.revisions import revised_items, revision_table
from qstats.stats import revision

NAN = float("nan")


def rates(values, reason=None):
    rows = [
        {
            "period": p,
            "region": r,
            "estimate": v,
            "std_error": NAN,
            "conf_low": NAN,
            "conf_high": NAN,
            "n": NAN,
        }
        | ({"reason": reason} if reason else {})
        for (p, r), v in values.items()
    ]
    return qs.Estimate(
        pd.DataFrame(rows), indicator="product_pass_rate", unit="%", method="as published", digits=2
    )


@pytest.fixture
def three():
    """Two periods and two regions in three vintages; 2023 appears late, 安徽 2022 is confirmed once."""
    return qs.vintages(
        {
            "2023-02": rates({("2022", "安徽"): 93.0, ("2022", "江苏"): 94.0}),
            "2023-12": rates({("2022", "安徽"): 93.0, ("2022", "江苏"): 94.5}),
            "2024-02": rates({("2022", "安徽"): 93.4, ("2022", "江苏"): 94.4, ("2023", "安徽"): 93.9}),
        }
    )


def test_a_revision_is_the_later_figure_less_the_earlier_and_a_first_figure_is_none(three):
    found = qs.revisions(three)
    rows = found[["region", "vintage", "previous_vintage", "previous", "current"]].to_numpy().tolist()
    assert rows == [
        ["安徽", "2023-12", "2023-02", 93.0, 93.0],
        ["江苏", "2023-12", "2023-02", 94.0, 94.5],
        ["安徽", "2024-02", "2023-12", 93.0, 93.4],
        ["江苏", "2024-02", "2023-12", 94.5, 94.4],
    ]
    assert found["revision"].tolist() == pytest.approx([0, 0.5, 0.4, -0.1], abs=1e-12)


def test_against_the_first_compares_with_the_first_vintage(three):
    found = qs.revisions(three, against="first")
    assert found["revision"].tolist() == pytest.approx([0, 0.5, 0.4, 0.4], abs=1e-12)
    with pytest.raises(OptionError, match="first"):
        qs.revisions(three, against="frist")


def test_successive_revisions_add_up_to_the_revision_against_the_first(three):
    steps = qs.revisions(three).groupby("region")["revision"].sum()
    whole = qs.revisions(three, against="first").groupby("region")["revision"].last()
    assert steps.to_dict() == pytest.approx(whole.to_dict(), abs=1e-12)


def test_the_order_of_rows_never_matters(three):
    shuffled = three.take([5, 1, 6, 3, 0, 4, 2])
    pd.testing.assert_frame_equal(qs.revisions(three), qs.revisions(shuffled))
    pd.testing.assert_frame_equal(qs.revision_triangle(three), qs.revision_triangle(shuffled))


def test_a_reason_belongs_to_what_was_revised_and_the_figures_own_comes_first(three):
    found = qs.revisions(three, reasons={"2023-12": "late returns"})
    assert found["reason"].tolist() == ["", "late returns", "", ""]
    own = qs.vintages(
        {
            "2022": rates({("2021", "安徽"): 1.0}, reason="first"),
            "2023": rates({("2021", "安徽"): 2.0}, reason="new frame"),
        }
    )
    assert qs.revisions(own, reasons={"2023": "late returns"})["reason"].tolist() == ["new frame"]
    with pytest.raises(DataError, match="2025"):
        qs.revisions(three, reasons={"2025": "late returns"})


def test_vintages_whose_order_is_not_known_are_refused_until_it_is_given():
    named = qs.vintages({"b": rates({("2022", "安徽"): 1.0}), "a": rates({("2022", "安徽"): 3.0})})
    with pytest.raises(DataError, match="order"):
        qs.revisions(named)
    assert qs.revisions(named, order=["b", "a"])["revision"].tolist() == [2.0]
    assert qs.revisions(named, order=["a", "b"])["revision"].tolist() == [-2.0]
    with pytest.raises(DataError, match="a, b"):
        qs.revisions(named, order=["a"])
    mixed = qs.vintages({"2023": rates({("2022", "安徽"): 1.0}), "2023-02": rates({("2022", "安徽"): 3.0})})
    with pytest.raises(DataError, match="order"):
        qs.revisions(mixed)


def test_one_vintage_or_none_and_different_units_are_refused():
    with pytest.raises(DataError, match="vintage"):
        qs.revisions(rates({("2022", "安徽"): 1.0}))
    with pytest.raises(DataError, match="2023"):
        qs.revisions(qs.vintages({"2023": rates({("2022", "安徽"): 1.0})}))
    with pytest.raises(DataError, match="unit"):
        one = rates({("2022", "安徽"): 1.0})
        qs.vintages({"2023": one, "2024": one.replace(unit="分")})
    with pytest.raises(DataError):
        qs.vintages({})


def test_the_triangle_has_a_column_a_vintage_and_nan_where_it_has_no_figure(three):
    found = qs.revision_triangle(three)
    assert list(found.columns) == ["period", "region", "2023-02", "2023-12", "2024-02"]
    late = found[found["period"] == "2023"].iloc[0]
    assert np.isnan(late["2023-02"])
    assert np.isnan(late["2023-12"])
    assert late["2024-02"] == 93.9
    assert found.loc[found["period"] == "2022", "2023-12"].tolist() == [93.0, 94.5]


def test_the_mean_absolute_revision_ignores_the_sign_and_the_mean_does_not(three):
    row = qs.revision_summary(three, against="previous").table.iloc[0]
    assert row["estimate"] == pytest.approx((0.4 - 0.1) / 2)
    assert row["mean_absolute"] == pytest.approx((0.4 + 0.1) / 2)
    assert row["relative_absolute"] == pytest.approx(100 * 0.5 / (93.4 + 94.4))
    assert row["upward"] == 50
    assert row["n"] == 2
    first = qs.revision_summary(three).table.iloc[0]
    assert first["estimate"] == pytest.approx(0.4)
    parts = qs.revision_summary(three, by="region").table
    assert parts["region"].tolist() == ["安徽", "江苏"]
    assert parts["std_error"].isna().all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12), st.integers(0, 2))
def test_the_error_of_the_mean_revision_is_that_of_a_regression_on_a_constant(values, lags):
    import statsmodels.api as sm

    R = np.array(values)
    if R.std() < 1e-3:
        return
    found = revision.summary(R, np.full(len(R), 90.0), lags=lags)
    oracle = sm.OLS(R, np.ones(len(R))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    assert found.std_error == pytest.approx(oracle.bse[0], rel=1e-9, abs=1e-12)


def test_wider_levels_give_wider_intervals_and_lags_change_the_error():
    R, L = np.array([0.1, 0.2, 0.3, -0.2, -0.3, 0.05]), np.full(6, 90.0)
    narrow, wide = revision.summary(R, L, level=0.8), revision.summary(R, L, level=0.99)
    assert wide.conf_low < narrow.conf_low < narrow.mean < narrow.conf_high < wide.conf_high
    assert revision.summary(R, L, lags=0).std_error != revision.summary(R, L, lags=2).std_error
    with pytest.raises(DataError, match="lags"):
        revision.summary(R, L, lags=6)
    with pytest.raises(DataError):
        revision.summary(np.array([]), np.array([]))


@pytest.mark.parametrize(("lang", "words"), [("zh", "未说明"), ("en", "not stated")])
def test_the_printed_table_gives_previous_current_and_reason(three, lang, words):
    html = revision_table(three, reasons={"2023-12": "补报"}, lang=lang)
    text = page.plain(html)
    assert words in text
    assert "93.40" in text
    assert "补报" not in text  # the newest vintage only
    assert {"zh": "2项数据中2项有修订", "en": "2 of 2 figures were revised"}[lang] in text
    again = revision_table(three, reasons={"2024-02": "<b>基期</b>"}, lang=lang)
    assert "&lt;b&gt;" in again
    assert words not in page.plain(again)


def test_a_report_lists_its_figures_that_dated_sources_published_again():
    found = revised_items(Facts.of(2023), lang="en").set_index(["key", "period"])
    assert found.loc[("spot_check", "2012"), ["previous", "current", "revision"]].tolist() == [89.8, 89.8, 0]
    row = found.xs("2011", level="period").query("revision != 0").iloc[0]
    assert (row["previous"], row["current"], row["vintage"]) == (99.85, 99.88, "2013-01-29")
    assert row["revision"] == pytest.approx(0.03, rel=1e-9)


def test_no_figure_later_than_the_report_is_among_them():
    assert max(revised_items(Facts.of(2011))["period"]) == "2011"
    assert revised_items(Facts.of(2008, "安徽")).empty


@pytest.mark.parametrize(("lang", "words"), [("zh", "曾先后发布两次"), ("en", "published more than once")])
def test_the_appendix_has_the_table_of_revisions_in_both_languages(lang, words):
    body = report.appendix(Facts.of(2023), lang=lang).body
    assert words in body
    assert "2013-01-29" in body
