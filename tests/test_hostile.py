"""Whatever is given, the answer is right or an error says what was found, and what to do."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import qstats as qs
from qstats.errors import DataError, OptionError, one_of
from qstats.forms import entry_form
from qstats.indicators import schema_of
from qstats.returns import collect

ROWS = {"g": ["a", "b", "a", "b"], "y": [1.0, 0.0, 1.0, 1.0], "w": [1.0, 2.0, 3.0, 4.0]}
DRAWN = qs.Design(weight="w")


@pytest.mark.parametrize(
    "by",
    [{"g"}, b"g", None, 0, True, [1], [["g"]], {"g": 1}, (name for name in ["g"])],
    ids=lambda by: type(by).__name__,
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


CHECKS: dict[str, list[Any]] = {"region": ["安徽", "江苏"], "inspected": [10, 20], "passed": [9, 18]}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({**CHECKS, "passed": [1]}, "one length"),
        (pd.concat({"A": pd.DataFrame(CHECKS)}, axis=1), "called by text"),
        (pd.DataFrame(np.ones((2, 3))), "called by text"),
        ({**CHECKS, "inspected": [10**400, 20]}, "infinite"),
        ({**CHECKS, "inspected": [1e308, 1e308]}, "no count is"),
        ({**CHECKS, "passed": [[1], [2]]}, "passed"),
        ({**CHECKS, "region": [["安徽"], {"江苏"}]}, "region"),
        (pd.DataFrame(CHECKS).assign(region=pd.Series(["\ud800", "安徽"], dtype=object)), "region"),
        (3, "int is not a table"),
    ],
)
def test_a_table_that_is_none_is_refused(table: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QSTATS_LANG", "en")
    with pytest.raises(DataError, match=said) as told:
        qs.inspection_pass_rate(table)
    str(told.value).encode()
    told.value.violations.to_csv(index=False, columns=["row", "column", "rule", "message"])


def test_what_is_added_up_is_no_key() -> None:
    with pytest.raises(DataError, match="passed"):
        qs.inspection_pass_rate(CHECKS, by="passed")


def test_check_names_what_it_was_given_wrongly() -> None:
    schema = schema_of("inspection_pass_rate")
    with pytest.raises(OptionError, match=r"schema='inspection_pass_rate' .*schema_of"):
        qs.check(CHECKS, "inspection_pass_rate")  # type: ignore[arg-type]
    for need in (1, None, [1]):
        with pytest.raises(OptionError, match="need="):
            qs.check(CHECKS, schema, need=need)  # type: ignore[arg-type]
    with pytest.raises(DataError) as told:
        qs.check(CHECKS, schema, need="period")
    assert told.value.violations["column"].tolist() == ["period"]


SPOT = {"period": ["2022", "2023"], "region": ["安徽", "安徽"], "inspected": [90, 99], "passed": [80, 90]}


def row(**changes: Any) -> pd.DataFrame:
    """Return the table of an Estimate of two regions, changed."""
    core = {"estimate": [1.0, 2.0], "std_error": 1.0, "conf_low": 0.0, "conf_high": 3.0, "n": 9}
    return pd.DataFrame({"region": ["a", "b"], **core, **changes})


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "missing: estimate"),
        (row(std_error=[-1, 1]), "negative"),
        (row(conf_low=[5, 1]), "above"),
        (row(estimate=["x", 1]), "number"),
        (row(region=[None, "a"]), "empty"),
        (pd.concat([row(), row()], axis=1), "missing: estimate"),
    ],
)
def test_an_estimate_is_a_sound_table(table: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        qs.Estimate(table, indicator="x", unit="%", method="m")


@pytest.mark.parametrize("given", [None, 3, "x", {}, row()], ids=lambda given: type(given).__name__)
def test_a_question_is_asked_of_an_estimate(given: Any) -> None:
    asked: list[Any] = [qs.change, qs.trend, qs.forecast, qs.compare, qs.funnel, qs.flags, qs.contributions]
    asked += [partial(qs.decompose, by="region", earlier="2022", later="2023")]
    asked += [lambda x: qs.accept(x, 90), lambda x: qs.small_area(x, auxiliary=row(), covariates=["n"])]
    asked += [lambda x: qs.errors_in_variables(x, x), lambda x: qs.targets({"national_rpq": x}, "national")]
    for ask in asked:
        with pytest.raises(OptionError, match="not an Estimate"):
            ask(given)


def test_a_series_without_values_is_refused() -> None:
    empty = qs.Estimate(
        row().iloc[:0].rename(columns={"region": "period"}), indicator="x", unit="%", method="m"
    )
    for ask in (qs.trend, qs.forecast):
        with pytest.raises(DataError, match="no rows"):
            ask(empty)


@pytest.mark.parametrize(
    ("ask", "more", "options", "said"),
    [
        (qs.Estimate.draws, (0,), {"seed": 1}, "n_draws=0"),
        (qs.Estimate.draws, (1.5,), {"seed": 1}, "n_draws=1.5"),
        (qs.Estimate.draws, (True,), {"seed": 1}, "n_draws=True"),
        (qs.Estimate.draws, (3,), {"seed": -1}, "seed=-1"),
        (qs.Estimate.draws, (3,), {"seed": None}, "seed=None"),
        (qs.forecast, (), {"horizon": "3"}, "horizon="),
        (qs.forecast, (), {"horizon": None}, "horizon="),
        (qs.forecast, (), {"horizon": True}, "horizon|True"),
        (qs.compare, (), {"within": ["安徽"], "draws": "x"}, "draws="),
        (qs.funnel, (), {"target": "x"}, "target="),
        (qs.funnel, (), {"winsorise": "x"}, "winsorise="),
        (qs.accept, ("x",), {}, "p0="),
        (qs.accept, (None,), {}, "p0="),
        (qs.decompose, (), {"by": None, "earlier": "2022", "later": "2023"}, "by="),
        (qs.decompose, (), {"by": "region", "earlier": "2022", "later": "2023", "weights": "n"}, "weights="),
        (qs.suppress, (), {"minimum_n": 5, "protection": "x"}, "protection="),
    ],
)
def test_options_of_a_question_are_named_when_wrong(
    ask: Any, more: tuple[Any, ...], options: dict[str, Any], said: str
) -> None:
    rate = qs.inspection_pass_rate(SPOT, by=["period", "region"])
    with pytest.raises(OptionError, match=said):
        ask(rate, *more, **options)


def test_a_whole_number_of_numpy_is_a_period() -> None:
    for period in (np.int64(2023), [np.int64(2023)], pd.Period("2023")):
        assert qs.published("MQR", region="全国", period=period).value() == 93.65  # type: ignore[arg-type]


def test_what_names_no_data_is_refused() -> None:
    for name in (["mqr"], None, 3, "../mqr", "mqr\0", "/etc/passwd"):
        with pytest.raises(OptionError):
            qs.load(name)  # type: ignore[arg-type]


@pytest.mark.parametrize("table", [None, {}, 3, row().iloc[:0], pd.concat([row(), row()], axis=1)])
def test_only_a_table_with_rows_can_be_suppressed(table: Any) -> None:
    with pytest.raises(DataError):
        qs.suppress(table, keys=["region"], minimum_n=5)


def test_sizes_of_samples_are_numbers() -> None:
    for options in ({"half_width": "x"}, {"half_width": []}):
        with pytest.raises(OptionError, match="number"):
            qs.sample_size(0.9, **options)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="number"):
        qs.sample_size([], half_width=0.01)


@pytest.mark.parametrize("name", [".", "", "x" * 300 + ".xlsx", "\0.xlsx", "form.csv", "form"])
def test_a_form_is_written_to_a_workbook_or_not_at_all(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        entry_form(schema_of("inspection_pass_rate"), name)
    assert not list(tmp_path.iterdir())


def test_only_a_folder_can_be_collected() -> None:
    schema = schema_of("inspection_pass_rate")
    for folder in (None, 3):
        with pytest.raises(OptionError, match="folder="):
            collect(folder, schema)  # type: ignore[arg-type]


@pytest.mark.parametrize("sums", [None, 3, {"a": None}, {"a": 3}, {1: "y"}, [1]])
def test_sums_are_columns_or_expressions(sums: Any) -> None:
    with pytest.raises(OptionError):
        qs.cells(ROWS, by="g", sums=sums)


def test_options_of_indicators_are_numbers() -> None:
    for per in ("x", None, 0, np.nan):
        with pytest.raises(OptionError, match="per="):
            qs.event_rate({"events": [1], "exposure": [10]}, per=per)  # type: ignore[arg-type]
    grades = {"superior": [1], "first": [2], "qualified": [3], "output": [9]}
    for weights in ("abc", None, (1, "x", 2), (1, 2)):
        with pytest.raises(OptionError, match="weights="):
            qs.grade_rate(grades, weights=weights)  # type: ignore[arg-type]
