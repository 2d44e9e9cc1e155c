"""catalog, load, published."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from qstats import datasets
from qstats.conflicts import KEYS
from qstats.datasets import catalog, load, published
from qstats.errors import DataError, OptionError


def test_the_catalogue_has_one_row_a_data_set_and_says_what_it_holds():
    table = catalog()
    assert table["name"].is_unique
    mqr = table.set_index("name").loc["mqr"]
    assert (mqr["kind"], mqr["rows"], mqr["first_period"]) == ("published", 35, "2013")
    assert mqr["official"] + mqr["repost"] == 35
    assert len(mqr["sha256"]) == 64
    for kind in ("published", "classification", "standard", "labels", "framework", "target"):
        assert kind in set(table["kind"])


def test_every_data_set_of_the_catalogue_loads_with_its_rows():
    for name, rows in catalog()[["name", "rows"]].itertuples(index=False):
        assert len(load(name)) == rows, name


def test_a_loaded_table_is_a_copy():
    table = load("mqr")
    table["value"] = -1.0
    assert load("mqr")["value"].min() > -1


def test_a_published_table_keeps_the_text_as_printed_beside_the_number():
    table = load("satisfaction")
    assert table["value"].dtype == "float64"
    again = pd.to_numeric(table["printed"], errors="coerce").to_numpy()
    np.testing.assert_array_equal(table["value"].to_numpy(), again)
    assert table["printed"].str.endswith("0").any()


def test_grades_are_missing_numbers_and_kept_as_text():
    table = load("government_quality_assessment").query("series == 'quality_work_assessment_grade'")
    assert table["value"].isna().all()
    assert set(table["printed"]) <= {"A", "B", "C", "D"}


def test_other_tables_are_typed_as_the_catalogue_says():
    regions, framework = load("regions"), load("frameworks/qci")
    assert regions["tile_row"].dtype == "Int64"
    assert regions["central6"].sum() == 6
    assert framework["lower"].dtype == "float64"
    assert framework.query("code == 'qci'")["parent"].item() == ""


def test_an_unknown_data_set_is_answered_with_the_nearest():
    with pytest.raises(OptionError, match="'frameworks/qci'"):
        load("framework/qci")


def test_published_figures_have_no_known_error():
    rate = published("MQR", region="全国", period=["2020", 2023, "2024"], industry="制造业")
    assert rate.keys == ("period", "region", "industry")
    assert rate.table["estimate"].tolist() == [93.39, 93.65, 93.93]
    assert rate.table[["std_error", "conf_low", "conf_high", "n"]].isna().all(axis=None)
    assert (rate.inference, rate.unit, rate.digits) == ("none", "%", 2)
    assert rate.provenance == ("published:mqr",)
    assert not rate.simulated
    assert rate.table["printed"].tolist() == ["93.39", "93.65", "93.93"]


@pytest.mark.parametrize("name", ["安徽", "安徽省", "Anhui", "340000"])
def test_a_region_is_known_by_all_its_names(name: str):
    assert published("ht_revenue", region=name, period=2023).value() == 6753


def test_a_city_of_anhui_is_known_by_its_own_name():
    rows = published("PSS_pass_rate", region="合肥", conflict="all")
    assert set(rows.table["region"]) == {"合肥"}


def test_several_regions_and_periods_are_lists():
    some = published("ht_revenue", region=["安徽", "河南"], period=[2022, 2023])
    assert some.table[["period", "region"]].values.tolist() == [
        ["2022", "安徽"],
        ["2022", "河南"],
        ["2023", "安徽"],
        ["2023", "河南"],
    ]


def test_periods_are_canonical_and_year_end_figures_carry_the_year():
    assert "2023" in set(published("patents_in_force_total").table["period"])
    assert "2013M05" in set(published("RAPEX_notifications_monthly").table["period"])
    quarters = published("NSS_pass_rate", conflict="all").table["period"]
    assert quarters.str.fullmatch(r"\d{4}Q[1-4]").any()
    every = {period for name in datasets._places() for period in datasets.rows_of(name)["period"]}
    assert not {p for p in every if p.endswith(("annual", "year-end"))}
    assert all(p[:4].isdigit() or p.startswith("unknown") for p in every)


def test_a_target_and_a_named_batch_keep_their_names():
    assert published("target_service_csi", period="2015 target").table["estimate"].tolist()
    batch = published("NSS_batches_failed", period="2015 batch4(6-9月)")
    assert set(batch.table["period"]) == {"2015 batch4(6-9月)"}


def test_the_industry_selects_the_population():
    everything = published("QCI", region="全国", period=2007)
    one = published("QCI", region="全国", period=2007, industry="制造业")
    assert len(one) == 1 < len(everything)
    assert one.value() == 80.99


def test_a_data_set_and_the_evidence_can_be_asked_for():
    both = published("QCI", region="全国", industry="制造业")
    one = published("QCI", region="全国", industry="制造业", dataset="qci_rpq_regions")
    assert len(one) < len(both)
    assert one.provenance == ("published:qci_rpq_regions",)
    official = published("QCI", region="全国", industry="制造业", evidence="official")
    assert set(official.table["evidence"]) == {"official"}
    with pytest.raises(OptionError, match="'mqr'"):
        published("MQR", dataset="mqrr")
    with pytest.raises(OptionError, match="'official'"):
        published("MQR", evidence="oficial")  # type: ignore[arg-type]


def test_sources_that_agree_are_one_row_and_the_official_one_is_shown():
    rows = datasets.rows_of("NSS_pass_rate")
    same = [*KEYS, "number", "flag"]
    assert rows.duplicated(same).any()
    mixed = rows.groupby(same)["evidence"].transform("nunique") > 1
    table = published("NSS_pass_rate").table
    assert len(table) == len(rows.drop_duplicates(same))
    shown = table.set_index(KEYS)["evidence"]
    assert mixed.any()
    assert {shown[key] for key in rows.loc[mixed, KEYS].itertuples(index=False, name=None)} == {"official"}


def test_sources_that_disagree_are_refused_and_listed():
    with pytest.raises(DataError) as caught:
        published("export_batch_fail_rate")
    message = str(caught.value)
    assert "0.12" in message
    assert "0.15" in message
    assert "质检总局通报2011年产品质量基本状况" in message


def test_each_policy_for_disagreeing_sources_gives_another_answer():
    asked = {"region": "全国", "period": 2011, "industry": "出口商品"}
    assert published("export_batch_fail_rate", **asked, conflict="official").value() == 0.12
    assert published("export_batch_fail_rate", **asked, conflict="first").value() == 0.12
    every = published("export_batch_fail_rate", **asked, conflict="all")
    assert every.keys == ("period", "region", "industry", "source")
    assert sorted(every.table["estimate"]) == [0.12, 0.15]


def test_official_sources_that_disagree_are_still_refused_but_the_first_can_be_taken():
    with pytest.raises(DataError, match=r"0\.77[\s\S]*0\.76"):
        published("RD_to_sales", period=2006, conflict="official")
    assert published("RD_to_sales", period=2006, conflict="first").value() == 0.77


def test_a_wrong_policy_is_answered_with_the_list():
    with pytest.raises(OptionError, match="'first'"):
        published("MQR", conflict="firs")  # type: ignore[arg-type]


def test_mixed_units_are_refused_until_one_is_chosen():
    with pytest.raises(DataError, match=r"万元.*亿元"):
        published("ind_RD_expenditure")
    assert published("ind_RD_expenditure", unit="亿元").unit == "亿元"
    with pytest.raises(OptionError, match="万元"):
        published("ind_RD_expenditure", unit="元")


def test_a_lower_bound_is_flagged_and_its_unit_is_the_plain_one():
    rates = published("MQR_lower_bound")
    assert rates.unit == "%"
    assert set(rates.table["flag"]) == {"lower bound"}
    assert set(published("ht_revenue").table["flag"]) == {""}


def test_an_unknown_series_is_answered_with_the_nearest_also_from_chinese():
    with pytest.raises(OptionError, match="'ht_revenue'"):
        published("ht_revenu")
    with pytest.raises(OptionError, match="'MQR'"):
        published("制造业产品质量合格率")


@pytest.mark.parametrize("odd", [["MQR"], {"MQR": 1}, pd.DataFrame({"MQR": [1]}), None])
def test_a_series_is_one_name(odd):
    with pytest.raises(OptionError, match=r"(?s)series=.*not a text"):
        published(odd)


def test_an_empty_answer_says_which_periods_there_are_and_the_nearest_region():
    with pytest.raises(DataError, match=r"periods there: 2010.*2023"):
        published("ht_revenue", region="安徽", period=1999)
    with pytest.raises(DataError, match="nearest region: '安徽'"):
        published("ht_revenue", region="安徽徽")


def test_grades_are_refused_as_an_estimate_and_load_is_named():
    with pytest.raises(DataError, match=r"load\('government_quality_assessment'\)"):
        published("quality_work_assessment_grade", period=2019)


def test_the_digits_are_the_most_that_were_printed():
    assert published("NSS_pass_rate", region="全国", period=2010, industry="合计").digits == 1
    assert published("ht_firms", region="安徽").digits == 0


def test_the_caller_cannot_change_the_data():
    table = published("ht_revenue").table
    table["estimate"] = 0.0
    assert published("ht_revenue", region="安徽", period=2023).value() == 6753


def test_importing_the_data_sets_imports_nothing_heavy():
    code = (
        "import sys, qstats.datasets;"
        "bad = {'pandas', 'matplotlib', 'statsmodels', 'scipy', 'duckdb'} & set(sys.modules);"
        "sys.exit(repr(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
