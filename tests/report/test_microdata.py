"""An item of a report can come from cells of micro-data; what is simulated says so wherever it stands."""

import re

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
