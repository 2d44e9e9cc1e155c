"""Whatever is given, the answer is right or an error says what was found, and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import qstats as qs
from qstats.errors import DataError, OptionError, one_of

ROWS = {"g": ["a", "b", "a", "b"], "y": [1.0, 0.0, 1.0, 1.0], "w": [1.0, 2.0, 3.0, 4.0]}
DRAWN = qs.Design(weight="w")


@pytest.mark.parametrize(
    "by", [{"g"}, b"g", None, 0, True, [1], [["g"]], {"g": 1}, (name for name in ["g"])], ids=repr
)
def test_keys_without_order_or_name_are_refused(by: Any) -> None:
    with pytest.raises(OptionError, match="by="):
        qs.mean(ROWS, y="y", by=by, design=DRAWN)
    with pytest.raises(OptionError, match="by="):
        qs.inspection_pass_rate({"region": ["安徽"], "inspected": [2], "passed": [1]}, by=by)


@pytest.mark.parametrize("value", [np.array(["domain", "design"]), pd.Series(["domain"] * 2), pd.NA])
def test_an_array_is_no_choice(value: Any) -> None:
    with pytest.raises(OptionError, match="is not one of 'domain', 'design'"):
        one_of("df", value, ("domain", "design"))


@pytest.mark.parametrize("level", ["0.95", None, [0.9], True, np.nan, 95])
def test_a_level_is_one_number_between_0_and_1(level: Any) -> None:
    with pytest.raises(OptionError, match="level="):
        qs.mean(ROWS, y="y", by="g", design=DRAWN, level=level)
    with pytest.raises(OptionError, match="level="):
        qs.inspection_pass_rate({"region": ["安徽"], "inspected": [2], "passed": [1]}, level=level)


@pytest.mark.parametrize(
    "options",
    [
        {"y": None},
        {"y": 1},
        {"y": ["y"]},
        {"design": "w"},
        {"design": {}},
        {"design": qs.Design},
    ],
)
def test_names_and_designs_are_what_they_must_be(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"name of a column|is not a Design"):
        qs.mean(ROWS, **{"y": "y", "design": DRAWN, **options})


@pytest.mark.parametrize("q", ["a", None, [], [0.5, 0.5], {0.5}, np.nan])
def test_shares_of_quantiles_are_numbers_each_once(q: Any) -> None:
    with pytest.raises(OptionError, match="share"):
        qs.quantile(ROWS, y="y", q=q, design=DRAWN)


@pytest.mark.parametrize(
    "options", [{"cluster": 1}, {"cluster": {"a", "b"}}, {"calibrations": "x"}, {"replication": 1}]
)
def test_a_design_is_made_of_names(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        qs.Design(**options)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({**ROWS, "y": [1, 2]}, "length"),
        ([1, 2], "called by text"),
        (pd.concat({"A": pd.DataFrame(ROWS)}, axis=1), "called by text"),
        (pd.DataFrame(ROWS).assign(y=[1j, 0, 1, 1]), "complex"),
        (pd.DataFrame(ROWS).assign(g=[[1], [2], [1], [2]]), "whole numbers, text or dates"),
        (
            pd.DataFrame(ROWS).assign(g=pd.Series(["\ud800", "a", "b", "b"], dtype=object)),
            "whole numbers, text or dates",
        ),
        (pd.DataFrame(ROWS).assign(g=pd.period_range("2020", periods=4, freq="M")), "text or dates"),
        (pd.DataFrame(ROWS).assign(g=pd.to_timedelta([1, 2, 1, 2], unit="D")), "text or dates"),
        (pl.DataFrame(ROWS).with_columns(g=pl.duration(days=pl.col("w"))), "text or dates"),
    ],
)
def test_what_cannot_be_added_up_or_told_apart_is_refused(
    table: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QSTATS_LANG", "en")
    with pytest.raises(DataError, match=said):
        qs.mean(table, y="y", by="g", design=DRAWN)


@pytest.mark.parametrize("name", ["[z]", "x*y", "x?y", "中文 [1]", "it's", "~t", "{a,b}", "#%41"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_file_that_is_named_is_the_file_that_is_read(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame(ROWS)
    for other in ("z", "xay", "xaay", "中文 1"):  # which the name would match as a pattern
        write = getattr(rows.assign(y=7.0), f"to_{kind}")
        write(f"{other}.{kind}", index=False)
    getattr(rows, f"to_{kind}")(f"{name}.{kind}", index=False)
    for path in (f"{name}.{kind}", Path(f"{name}.{kind}"), str(tmp_path / f"{name}.{kind}")):
        assert qs.cells(path, by="g", sums="y").sum("y").tolist() == [2.0, 1.0]


def test_a_pattern_still_names_several_files(tmp_path: Path) -> None:
    for name in ("a[1].csv", "b.csv"):
        pd.DataFrame(ROWS).to_csv(tmp_path / name, index=False)
    assert qs.cells(tmp_path / "*.csv", by="g", sums="y").sum("y").tolist() == [4.0, 2.0]


@pytest.mark.parametrize("name", ["", "\0.csv", "a.csv\0", "x" * 10_000 + ".csv"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(DataError) as told:
        qs.cells(name, by="g", sums="y")
    assert len(str(told.value)) < 1_000
    with pytest.raises(DataError):
        qs.inspection_pass_rate(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError):
        qs.cells(tmp_path / "pipe.csv", by="g", sums="y")
    with pytest.raises(DataError):
        qs.inspection_pass_rate(tmp_path / "pipe.csv")
