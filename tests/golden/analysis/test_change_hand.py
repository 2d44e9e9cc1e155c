"""Changes by hand: 1e-12 relative, the same arithmetic."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from qstats.stats.difference import Measured, difference, log_ratio, p_normal, ratio
from qstats.stats.linking import link

RESULTS = pd.read_csv(Path(__file__).parent / "results" / "change_targets_hand.csv")
Z = norm.ppf(0.975)


def cases(call):
    rows = RESULTS[RESULTS["call"] == call]
    return [(case, part.set_index("stat")["value"].astype(float)) for case, part in rows.groupby("case")]


def numbers(case):
    return {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", case)}


def sides(given):
    return [
        Measured(
            given[f"e{i}"],
            given[f"e{i}"] - Z * given[f"s{i}"],
            given[f"e{i}"] + Z * given[f"s{i}"],
            given[f"s{i}"],
        )
        for i in (0, 1)
    ]


@pytest.mark.parametrize(("case", "row"), cases("points and log-ratio; normal 95 %"))
def test_differences_and_log_ratios_of_covarying_estimates(case, row):
    given = numbers(case)
    earlier, later = sides(given)
    d = difference(earlier, later, covariance=given["cov"])
    found = [d.estimate, d.std_error, d.low, d.high, p_normal(d.estimate, d.std_error)]
    assert np.array(found) == pytest.approx(row[["diff", "se", "lo", "hi", "p"]].to_numpy(), rel=1e-11, abs=0)
    r = log_ratio(earlier, later, z=Z, covariance=given["cov"])
    wanted = row[["ratio", "ratio_lo", "ratio_hi"]].to_numpy()
    assert np.array([r.estimate, r.low, r.high]) == pytest.approx(wanted, rel=1e-12, abs=0)


@pytest.mark.parametrize(("case", "row"), cases("Fieller 95 %"))
def test_the_ratio_of_normal_intervals_is_fiellers(case, row):
    r = ratio(*sides(numbers(case)))
    assert [r.low, r.high] == pytest.approx([row["lo"], row["hi"]], rel=1e-11, abs=0, nan_ok=True)
    assert np.isfinite(r.low) == row["bounded"]


@pytest.mark.parametrize(
    ("rule", "call"),
    [
        ("mean-of-ratios", "mean of ratios 2013-14"),
        ("last-overlap", "last overlap 2014"),
        ("ratio-of-sums", "ratio of sums"),
        ("difference", "first differences"),
    ],
)
def test_links_by_hand(rule, call):
    ((_, row),) = cases(call)
    found = link([88, 90], [79, 81], rule=rule)
    wanted = row[["y2010", "y2011", "y2012"]].to_numpy()
    assert found.factor * np.array([80, 82, 85]) + found.shift == pytest.approx(wanted, rel=1e-14, abs=0)
    assert found.factor == pytest.approx(row.get("factor", 1.0), rel=1e-14)
