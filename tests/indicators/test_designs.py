"""An indicator of sampled records is the ratio of two totals, with the error of the design."""

from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

import qstats as qs
from qstats.errors import DataError, OptionError
from qstats.survey.cells import cells
from qstats.survey.design import Design
from qstats.survey.estimators import ratio
from qstats.survey.fitting import fit

SURVEY = Path(__file__).parents[1] / "golden" / "survey"
STRATIFIED = Design(weight="w", strata="stratum", cluster="psu")


@pytest.fixture(scope="module")
def sampled():
    rows = pd.read_csv(SURVEY / "data" / "syn_inspect.csv")
    return rows.rename(columns={"n_insp": "inspected", "n_pass": "passed", "year": "period"})


def test_a_pass_rate_is_the_ratio_that_r_survey_computes(sampled):
    want = pd.read_csv(SURVEY / "results" / "syn_taylor.csv", skipinitialspace=True)
    want = want[(want["case"] == "syn_psu") & (want["call"] == "svyratio(~n_pass,~n_insp,deff=TRUE)")].iloc[0]
    got = qs.inspection_pass_rate(sampled, design=STRATIFIED)
    row = got.table.iloc[0]
    for column, value in (
        ("estimate", 100 * want["est"]),
        ("std_error", 100 * want["se"]),
        ("df", want["df"]),
    ):
        assert abs(row[column] / value - 1) <= 1e-12
    assert got.inference == "design"
    assert got.unit == "%"
    assert row["n"] == 1002


def both(function, records, y, x, *, scale=100.0, by=("region",), **options):
    design = Design(weight="w", strata="h", cluster="plant")
    got = function(records, by=list(by), design=design, **options).table
    found = cells(records, by=list(by), design=design, sums={"y": y, "x": x})
    want = fit(found, "y", "x", by=list(by))
    np.testing.assert_allclose(got["estimate"], scale * want.estimate, rtol=1e-12)
    np.testing.assert_allclose(got["std_error"], scale * want.std_error, rtol=1e-12)
    assert (got["std_error"] > 0).all()


@pytest.fixture(scope="module")
def plants():
    rng = np.random.default_rng(20)
    n = 240
    frame = pd.DataFrame(
        {
            "region": rng.choice(["安徽", "江苏"], n),
            "h": np.repeat(["a", "b", "c"], n // 3),
            "plant": np.arange(n) // 4,
            "w": rng.uniform(1, 5, n),
            "whole": rng.integers(5, 50, n),
        }
    )
    return frame.assign(part=lambda d: (d["whole"] * rng.uniform(0.5, 1, n)).astype(int))


HEADERS = {
    "product_pass_rate": {
        "行业": [13, 13],
        "版本": [2017] * 2,
        "检验数": [9, 8],
        "合格数": [8, 7],
        "产值": [5, 6],
    },
    "inspection_pass_rate": {"检验数": [9, 8], "合格数": [8, 7]},
    "export_pass_rate": {"检验批次": [9, 8], "不合格批次": [1, 2]},
    "acceptance_rate": {"单位工程数": [9, 8], "验收合格工程数": [8, 7]},
    "event_rate": {"事件数": [3, 2], "基数": [900, 800]},
    "quality_loss_rate": {"内部损失": [1, 2], "外部损失": [2, 2], "总产值": [90, 80]},
    "grade_rate": {"优等品": [1, 2], "一等品": [3, 3], "合格品": [5, 3], "总产值": [9, 8]},
    "customer_satisfaction": {"总体满意": [9, 8], "与预期相比": [7, 7], "与理想相比": [6, 8]},
}


@pytest.mark.parametrize("name", HEADERS)
def test_keys_are_read_like_headers_by_every_indicator(name):
    table = {"省份": ["安徽省", "江苏"], "车间": ["甲", "乙"]} | HEADERS[name]
    function = getattr(qs, name)
    options = {"method": "mean"} if name == "customer_satisfaction" else {}
    want = function(table, by=["region", "车间"], **options).table
    assert want["region"].tolist() == ["安徽", "江苏"]
    for by in (["省份", "车间"], ["地区", "车间", "region"]):
        pd.testing.assert_frame_equal(function(table, by=by, **options).table, want)
    with pytest.raises(DataError, match="period"):
        function(table, by="年份", **options)


def test_cells_keep_the_keys_they_have_whichever_header_is_asked_for(plants):
    rows = plants.rename(columns={"region": "地区", "whole": "inspected", "part": "passed"})
    made = cells(rows, by="地区", design=Design(cluster="plant"), sums=["inspected", "passed"])
    for by in ("地区", "region", ["省份", "地区"]):
        assert qs.inspection_pass_rate(made, by=by).table["地区"].tolist() == ["安徽", "江苏"]


def test_every_indicator_takes_a_design(plants):
    whole, part = plants["whole"], plants["part"]
    c = nw.col
    both(
        qs.export_pass_rate,
        plants.assign(batches=whole, batches_failed=whole - part),
        c("batches") - c("batches_failed"),
        c("batches"),
    )
    both(
        qs.export_pass_rate,
        plants.assign(value=whole * 1e4, value_failed=(whole - part) * 1e3),
        c("value") - c("value_failed"),
        c("value"),
        basis="value",
    )
    for basis, column in (("count", "works"), ("area", "area"), ("value", "value")):
        both(
            qs.acceptance_rate,
            plants.assign(**{column: whole, f"{column}_first_time": part}),
            c(f"{column}_first_time"),
            c(column),
            basis=basis,
            outcome="first-time",
        )
    both(
        qs.quality_loss_rate,
        plants.assign(internal=part, external=whole / 7, output=whole * 30),
        c("internal") + c("external"),
        c("output"),
    )
    graded = plants.assign(superior=part / 3, first=part / 3, qualified=(whole - part) / 2, output=whole)
    score = 1.5 * c("superior") + c("first") + 0.5 * c("qualified")
    both(qs.grade_rate, graded, score, c("output"))
    both(
        qs.grade_rate,
        graded.assign(first=part / 4),
        score,
        c("superior") + c("first") + c("qualified"),
        denominator="graded",
    )
    both(
        qs.event_rate,
        plants.assign(events=part, exposure=whole * 100),
        c("events"),
        c("exposure"),
        per=1000,
        scale=1000,
    )


def test_a_pass_rate_weighted_by_output_carries_the_covariances_of_its_cells():
    rng = np.random.default_rng(8)
    n = 600
    frame = pd.DataFrame(
        {
            "region": rng.choice(["安徽", "江苏", "浙江"], n),
            "edition": 2017,
            "industry": rng.choice([13, 36], n),
            "h": np.repeat([1, 2, 3], n // 3),
            "plant": np.arange(n) // 5,
            "w": rng.uniform(1, 4, n),
            "inspected": 1,
            "passed": (rng.random(n) < 0.9).astype(int),
        }
    )
    size = {
        key: 10.0 * (i + 1)
        for i, key in enumerate(sorted(set(zip(frame["region"], frame["industry"], strict=True))))
    }
    frame["output"] = [size[key] for key in zip(frame["region"], frame["industry"], strict=True)]
    design = Design(weight="w", strata="h", cluster="plant")
    got = qs.product_pass_rate(frame, design=design)
    each = ratio(frame, numerator="passed", denominator="inspected", by=["region", "industry"], design=design)
    W = np.array([size[r, int(i)] for r, i in zip(each.table["region"], each.table["industry"], strict=True)])
    W /= W.sum()
    row = got.table.iloc[0]
    np.testing.assert_allclose(row["estimate"], 100 * W @ each.table["estimate"], rtol=1e-12)
    np.testing.assert_allclose(row["std_error"], 100 * np.sqrt(W @ each.covariance() @ W), rtol=1e-12)
    independent = 100 * np.sqrt(W**2 @ each.table["std_error"] ** 2)
    assert abs(row["std_error"] / independent - 1) > 1e-4  # the cells share plants, so they covary
    assert row["df"] == frame["plant"].nunique() - 3
    regions = qs.product_pass_rate(frame, by="region", design=design)
    share = pd.Series(size).groupby(level=0).sum()
    np.testing.assert_allclose(
        regions.table["estimate"] @ (share / share.sum()).to_numpy(), row["estimate"], rtol=1e-12
    )
    assert regions.draws(10, seed=1).shape == (10, 3)


def test_files_and_lazy_frames_are_read_in_one_pass(sampled, tmp_path):
    path = tmp_path / "checks.parquet"
    sampled.to_parquet(path)
    want = qs.inspection_pass_rate(sampled, by="prod", design=STRATIFIED).table
    lazy = nw.from_native(pytest.importorskip("polars").from_pandas(sampled)).lazy().to_native()
    for source in (path, lazy):
        got = qs.inspection_pass_rate(source, by="prod", design=STRATIFIED).table
        pd.testing.assert_frame_equal(got, want, rtol=1e-12)


def test_rules_of_the_schema_hold_for_sampled_records_too(sampled, tmp_path):
    wrong = sampled.assign(passed=sampled["passed"].where(sampled.index != 7, 999))
    path = tmp_path / "wrong.parquet"
    wrong.to_parquet(path)
    for source in (wrong, path):
        with pytest.raises(DataError, match="passed") as caught:
            qs.inspection_pass_rate(source, design=STRATIFIED)
        assert len(caught.value.violations) == 1


def test_an_interval_of_a_design_needs_one():
    with pytest.raises(OptionError, match="design"):
        qs.inspection_pass_rate({"inspected": [9], "passed": [8]}, interval="korn-graubard")


def test_the_interval_asked_for_is_the_one_made(sampled):
    limits = {
        name: qs.inspection_pass_rate(sampled, design=STRATIFIED, interval=name).table["conf_low"].iloc[0]
        for name in ("logit", "korn-graubard", "wilson", "wald")
    }
    assert len(set(limits.values())) == 4
