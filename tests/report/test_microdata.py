"""An item of a report can come from cells of micro-data; what is simulated says so wherever it stands."""

import re

import pandas as pd
import pytest

import qstats as qs
from qstats import report
from qstats.errors import DataError
from qstats.report import microdata

PLAN = qs.Design(weight="weight", strata="stratum", cluster="enterprise", singleton="average")
KEYS = ["period", "region", "edition", "industry"]


@pytest.fixture(scope="module")
def checks():
    return qs.simulate("inspections", year=[2022, 2023], seed=3, size=6_000)


@pytest.fixture(scope="module")
def cells(checks, tmp_path_factory):
    path = tmp_path_factory.mktemp("cells") / "checks.parquet"
    qs.cells(checks, by=KEYS, design=PLAN, sums=["inspected", "passed", "output"]).save(path)
    return path


@pytest.fixture(scope="module")
def page(cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    made = report.build("annual", year=2023, cells={"rpq": cells}, in_process=True, output=folder)
    return made[0].path.read_text(encoding="utf-8")


def text(html):
    return re.sub(r"<[^>]+>", "", html)


def test_the_figure_is_that_of_the_micro_data_with_its_interval(checks, cells, page):
    want = qs.product_pass_rate(checks, by="period", design=PLAN).where(period="2023")
    facts = report.Facts.of(2023, cells={"rpq": str(cells)})
    got = facts.current("rpq")
    assert got.value() == pytest.approx(want.value(), rel=1e-12)
    assert got.table["std_error"].iloc[0] == pytest.approx(want.table["std_error"].iloc[0], rel=1e-12)
    low, high = want.table[["conf_low", "conf_high"]].iloc[0]
    assert f"{want.value():.2f}%" in text(page)
    assert f"{low:.2f}%~{high:.2f}%" in text(page)


def test_years_without_micro_data_keep_their_published_figure(cells):
    plain, mixed = report.Facts.of(2023), report.Facts.of(2023, cells={"rpq": str(cells)})
    for period in ("2017", "2021"):
        assert mixed.history("rpq").value(period=period) == plain.history("rpq").value(period=period)
    assert plain.history("rpq").value(period="2023") == 93.65


def test_everything_simulated_is_called_so(page):
    assert "本报告含模拟数据" in page
    for key in ("summary", "main", "product"):
        section = re.search(rf'<section[^>]*id="{key}".*?</section>', page, re.S).group()
        assert "qs-badge" in section
    export = re.search(r'<section[^>]*id="export".*?</section>', page, re.S).group()
    assert "模拟" not in export
    assert "制造业产品质量合格率（模拟数据）" in text(page)


def test_a_region_takes_its_own_rows(checks, cells):
    want = qs.product_pass_rate(checks, by=["period", "region"], design=PLAN)
    got = report.Facts.of(2023, "安徽", cells={"rpq": str(cells)}).current("rpq")
    assert got.value() == pytest.approx(want.value(period="2023", region="安徽"), rel=1e-12)


def test_the_page_names_the_file_with_its_checksum_and_not_its_folder(cells, page):
    described = microdata.described(str(cells))
    assert described["rows"] == 12_000
    assert described["name"] == "cells:checks.parquet"
    assert described["sha256"] in page
    assert str(cells.parent) not in page


def test_what_cannot_feed_an_item_is_refused(checks, cells, tmp_path):
    with pytest.raises(DataError, match="rpq"):
        report.Facts.of(2023, cells={"rqp": str(cells)})
    with pytest.raises(DataError, match="nowhere"):
        report.build("annual", year=2023, cells={"rpq": tmp_path / "nowhere.parquet"}, output=tmp_path)
    timeless = tmp_path / "timeless.parquet"
    one = checks[checks["period"] == "2023"]
    qs.cells(one, by=KEYS[1:], design=PLAN, sums=["inspected", "passed", "output"]).save(timeless)
    with pytest.raises(DataError, match="period"):
        report.build("annual", year=2023, cells={"rpq": timeless}, output=tmp_path)


@pytest.fixture(scope="module")
def answers():
    before = qs.simulate("satisfaction", year=2022, seed=3, size=1_500, target=79.0)
    return pd.concat([before, qs.simulate("satisfaction", year=2023, seed=3, size=1_500)], ignore_index=True)


@pytest.fixture(scope="module")
def scores(answers):
    consumer = answers[answers["service"] == "consumer"]
    return qs.customer_satisfaction(consumer, by="period", model="ccsi", replicates=100)


@pytest.fixture(scope="module")
def saved(scores, tmp_path_factory):
    path = tmp_path_factory.mktemp("estimates") / "consumer.parquet"
    scores.save(path)
    return path


def test_an_item_can_be_a_saved_estimate(scores, saved):
    facts = report.Facts.of(2023, cells={"life_service": str(saved)})
    columns = ["estimate", "std_error", "conf_low", "conf_high", "n"]
    got, want = facts.current("life_service"), scores.where(period="2023")
    assert got.table[columns].iloc[0].tolist() == want.table[columns].iloc[0].tolist()
    assert got.simulated
    assert facts.history("life_service").table["period"].tolist() == ["2022", "2023"]
    rise = facts.change("life_service")
    assert rise.value() == pytest.approx(got.value() - scores.value(period="2022"), rel=1e-12)
    assert rise.table["std_error"].iloc[0] > 0


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_section_on_services_is_fed_by_it(scores, saved, tmp_path, lang):
    files = {"life_service": saved}
    made = report.build("annual", year=2023, cells=files, in_process=True, output=tmp_path, lang=lang)
    html = made[0].path.read_text(encoding="utf-8")
    section = re.search(r'<section[^>]*id="service".*?</section>', html, re.S).group()
    row = scores.where(period="2023").table.iloc[0]
    low, high = f"{row['conf_low']:.2f}", f"{row['conf_high']:.2f}"
    assert re.search(rf"95%[^\d]+{low}\D{{1,10}}{high}", text(section))
    asked = f"{row['n']:.0f}"
    assert (f"由{asked}份问卷估计" if lang == "zh" else f"from {asked} questionnaires") in text(section)
    assert "qs-badge" in section
    assert microdata.described(str(saved))["sha256"] in html
    assert "estimate:consumer.parquet" in html
    assert str(saved.parent) not in html


def test_without_a_survey_no_interval_is_printed_of_services():
    facts = report.Facts.of(2023)
    page = report.services(facts, lang="en").body
    assert "95% interval" not in page
    assert "questionnaires;" not in page


def test_a_region_takes_its_own_row_of_an_estimate_and_the_nation_the_rest(scores, tmp_path):
    kept = scores.where(period="2023").table
    rows = [kept.assign(region=name, estimate=value) for name, value in (("安徽省", 70.0), ("全国", 80.0))]
    table = pd.concat(rows)
    keys = ["period", "region", *[c for c in kept.columns if c != "period"]]
    path = tmp_path / "regions.parquet"
    limits = {"conf_low": 60.0, "conf_high": 90.0}
    scores.replace(table[keys].assign(**limits)).save(path)
    files = {"life_service": str(path)}
    assert report.Facts.of(2023, "安徽", cells=files).current("life_service").value() == 70
    assert report.Facts.of(2023, cells=files).current("life_service").value() == 80
    assert report.Facts.of(2023, "浙江", cells=files).current("life_service") is None


def test_an_estimate_that_does_not_fit_the_item_is_refused(answers, scores, saved, tmp_path, monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")

    def refused(estimate, message, key="life_service"):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        estimate.save(path)
        with pytest.raises(DataError, match=message):
            report.Facts.of(2023, cells={key: str(path)})

    refused(scores, "estimates of customer_satisfaction, and the item of the report takes product", "rpq")
    refused(scores.replace(level=0.9), "are of 90%")
    by = ["period", "service"]
    items = ["SAT1", "SAT2", "SAT3"]
    refused(
        qs.customer_satisfaction(answers, by=by, method="mean", items=items),
        r"4 values for 2022 \(keys: period, service",
    )
    refused(
        qs.customer_satisfaction(answers.assign(period="2023"), method="mean", items=items),
        "does not know the year",
    )
