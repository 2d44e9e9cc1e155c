"""Published figures, recomputed by the public functions to the printed digit."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

import qstats
from qstats.files import data_path
from qstats.stats.rounding import to_decimal
from qstats.values import read_number

HERE = Path(__file__).parent
COLUMNS = {
    "inspection_pass_rate": {"batches": ("inspected", "passed"), "enterprises": ("inspected", "passed")},
    "export_pass_rate": {"batch": ("batches", "batches_failed"), "value": ("value", "value_failed")},
    "acceptance_rate": {"count": ("works", "works_fine"), "area": ("area", "area_fine")},
}


def rows(name):
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


RATES, HAND = rows("rates.csv"), rows("hand.csv")


def options_of(row):
    return dict(option.split("=") for option in row["options"].split(";"))


def records_of(row):
    """The counts of a row in the columns of its function, 万 and 亿 left for the function to read."""
    options = options_of(row)
    whole, part = COLUMNS[row["function"]][options["basis"]]
    given, wants = row["part"], "failed" if part.endswith("failed") else "passed"
    if given == wants:
        return {whole: [row["denominator"]], part: [row["part_value"]]}
    n, x = (read_number(row[name]).value for name in ("denominator", "part_value"))
    return {whole: [n], part: [n - x]}


@pytest.mark.parametrize("row", RATES, ids=[row["id"] for row in RATES])
def test_a_printed_rate_follows_from_the_printed_counts(row):
    estimate = getattr(qstats, row["function"])(records_of(row), **options_of(row)).value()
    found = 100 - estimate if "fail_rate" in row["printed_series"] else estimate
    digits = int(row["decimals"])
    assert to_decimal(found, digits=digits, rule=row["rule"]) == to_decimal(
        float(row["printed"]), digits=digits
    )


def test_every_value_of_the_rates_stands_in_the_published_data():
    data = {
        name: pd.read_csv(data_path(f"published/{name}.csv"), dtype=str)
        for name in {r["dataset"] for r in RATES}
    }
    known = {
        (name, *("" if pd.isna(key) else key for key in found[:4]), *found[4:6])
        for name, table in data.items()
        for found in table[["year", "period", "region", "industry", "series", "value"]].itertuples(
            index=False
        )
    }
    for row in RATES:
        key = [row[name] for name in ("dataset", "year", "period", "region", "industry")]
        for series, value in (
            (row["denominator_series"], row["denominator"]),
            (row["part_series"], row["part_value"]),
            (row["printed_series"], row["printed"]),
        ):
            plain = value.rstrip("百万亿")
            assert (*key, series, plain) in known, (row["id"], series, value)


@pytest.mark.parametrize("row", HAND, ids=[row["id"] for row in HAND])
def test_a_number_of_the_definitions_is_recomputed(row):
    result = getattr(qstats, row["function"])(json.loads(row["columns"]), **json.loads(row["options"]))
    found = result.table[row["statistic"]].iloc[0]
    found = 100 - found if row["complement"] == "yes" else found
    assert str(to_decimal(found, digits=int(row["decimals"]), rule=row["rule"])) == row["printed"]


def test_the_golden_table_is_large_and_covers_every_function_with_published_counts():
    functions = {row["function"] for row in RATES + HAND}
    assert len(RATES) + len(HAND) >= 80
    assert functions == {
        "inspection_pass_rate",
        "export_pass_rate",
        "acceptance_rate",
        "customer_satisfaction",
        "grade_rate",
        "event_rate",
    }


def pooled(dataset, denominator, part, **keys):
    table = pd.read_csv(data_path(f"published/{dataset}.csv"), dtype=str)
    for key, wanted in keys.items():
        table = table[table[key] == wanted]
    wide = table[table["series"].isin([denominator, part])].drop_duplicates(["industry", "series"])
    wide = wide.pivot(index="industry", columns="series", values="value").astype(float)
    return (
        wide.rename(columns={denominator: "inspected", part: "passed"}).rename_axis("product").reset_index()
    )


def test_the_35_classes_of_food_2019_h2_add_up_to_the_printed_total():
    table = pooled(
        "food_drug_device",
        "food_batches_sampled",
        "food_batches_passed",
        year="2019",
        period="H2",
        region="全国",
    )
    classes = table[table["product"] != "合计"]
    assert len(classes) == 35
    nation = qstats.inspection_pass_rate(classes).table.iloc[0]
    assert (nation["denominator"], nation["numerator"]) == (3_673_579, 3_591_644)
    assert nation["denominator"] - nation["numerator"] == 81_935
    assert str(to_decimal(100 - nation["estimate"], digits=1, rule="half-up")) == "2.2"


def test_the_two_layers_of_xiangtan_2017_add_up_to_the_printed_total():
    table = pooled(
        "supervision_sampling", "PSS_batches_sampled", "PSS_batches_passed", year="2017", region="湖南-湘潭"
    )
    layers = table[table["product"].isin(["省级", "市级"])]
    whole = table[table["product"] == "合计"]
    assert qstats.inspection_pass_rate(layers).value() == qstats.inspection_pass_rate(whole).value()


def provinces_2007():
    """Grade shares and loss rates of 28 provinces with their industrial value added, as amounts."""
    shares = pd.read_csv(data_path("published/grade_and_loss_by_province.csv"), dtype=str)
    shares = shares[(shares["year"] == "2007") & (shares["region"] != "全国")]
    shares = shares.pivot(index="region", columns="series", values="value").astype(float)
    weights = pd.read_csv(data_path("published/weights_and_denominators.csv"), dtype=str)
    chosen = (weights["year"] == "2007") & (weights["series"] == "industry_VA")
    output = weights[chosen].set_index("region")["value"].astype(float)
    table = shares.join(output.rename("output"), how="inner")
    for name, share in (("superior", "excellent"), ("first", "first"), ("qualified", "qualified")):
        table[name] = table[f"grade_{share}_rate"] * table["output"] / 100
    table["internal"], table["external"] = table["quality_loss_rate"] * table["output"] / 100, 0.0
    return table.reset_index()


@pytest.mark.parametrize(
    ("weights", "printed"), [((1, 0, 0), "47.87"), ((0, 1, 0), "36.20"), ((0, 0, 1), "15.94")]
)
def test_grade_shares_of_2007_weighted_by_value_added(weights, printed):
    table = provinces_2007()[["region", "superior", "first", "qualified", "output"]]
    assert len(table) == 28
    found = qstats.grade_rate(table, weights=weights).value()
    assert str(to_decimal(found, digits=2, rule="half-up")) == printed


@pytest.mark.parametrize(
    ("weights", "plain"), [((1, 0, 0), "41.28"), ((0, 1, 0), "37.17"), ((0, 0, 1), "21.56")]
)
def test_grade_shares_of_2007_with_every_province_weighing_the_same_are_others(weights, plain):
    table = provinces_2007()
    grades = ["superior", "first", "qualified"]
    equal = table[["region"]].assign(**{g: 100 * table[g] / table["output"] for g in grades}, output=100.0)
    found = qstats.grade_rate(equal, weights=weights).value()
    assert str(to_decimal(found, digits=2, rule="half-up")) == plain


def test_the_loss_rate_of_2007_weighted_by_value_added():
    table = provinces_2007()[["region", "internal", "external", "output"]].dropna()
    assert str(to_decimal(qstats.quality_loss_rate(table).value(), digits=2, rule="half-up")) == "0.30"
