"""Tables that the tests of several indicators share."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

ENGINES = {
    "pandas": lambda table: table,
    "polars": pl.from_pandas,
    "arrow": lambda table: pa.Table.from_pandas(table, preserve_index=False),
}


@pytest.fixture(params=ENGINES)
def engine(request):
    """Turn a pandas table into one of each engine."""
    return ENGINES[request.param]


@pytest.fixture(params=["zh", "en"])
def lang(request, monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", request.param)
    return request.param


@pytest.fixture
def cells():
    """Complete cells of three regions, three divisions and two years; no rate is 0 or 1."""
    rng = np.random.default_rng(7)
    rows = [
        (period, region, "2017", industry)
        for period in ("2022", "2023")
        for region in ("安徽", "江苏", "浙江")
        for industry in ("13", "26", "39")
    ]
    table = pd.DataFrame(rows, columns=["period", "region", "edition", "industry"])
    table["inspected"] = rng.integers(20, 60, len(table))
    table["passed"] = table["inspected"] - rng.integers(1, 6, len(table))
    table["output"] = rng.lognormal(5, 1, len(table)).round(2)
    return table
