"""An error of qstats is short in a notebook; any other error is as always."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell

from qstats import errors, tally
from qstats.errors import DataError, OptionError, QStatsError
from qstats.tracebacks import FIRST, render
from qstats.wording import option_told, without_words

CHECK = """from qstats.indicators import schema_of
from qstats.checking import check
schema = schema_of("inspection_pass_rate")
rows = {"地区": ["江芬"] * 12, "检验数": [5] * 12, "合格数": [4] * 12}

check(rows, schema)
"""


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")
    monkeypatch.delenv("QSTATS_TRACEBACK", raising=False)


@pytest.fixture(scope="module")
def shell():
    """Give the IPython that notebooks run on."""
    yield InteractiveShell.instance(colors="nocolor")
    InteractiveShell.clear_instance()


def shown(shell, code):
    """Return what running a cell prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        shell.run_cell(code)
    return out.getvalue()


def test_a_bad_table_shows_its_first_violations_and_the_line_that_asked(shell):
    text = shown(shell, CHECK)
    assert "12 violations (region × 12)" in text
    assert text.count("Unknown region.") == FIRST
    assert f"{12 - FIRST} more." in text
    assert "line 6\n----> check(rows, schema)" in text
    assert "qstats/checking.py" not in text
    assert text.count("\n") < FIRST + 10


def test_a_missing_header_has_no_row_and_is_shown_all_the_same(shell):
    text = shown(shell, "import qstats as qs\nqs.inspection_pass_rate({'inspected': [5]})")
    assert "passed" in text and "Add it." in text
    assert "Traceback" not in text and "row" not in text.splitlines()[1]


def test_the_words_are_those_of_the_language(shell, monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "zh")
    text = shown(shell, CHECK)
    assert "12 处不符合要求" in text and "第 1 行 · 地区 = 江芬" in text and "未知地区。" in text


def test_a_wrong_choice_names_the_nearest(shell):
    code = "from qstats.errors import one_of\none_of('missing', 'omitt', ['fail', 'omit'])"
    text = shown(shell, code)
    assert "missing cannot be omitt. It is one of: fail, omit. Did you mean omit?" in text


def test_every_call_on_the_way_is_to_be_had(shell, monkeypatch):
    monkeypatch.setenv("QSTATS_TRACEBACK", "full")
    text = shown(shell, CHECK)
    assert "qstats/checking.py" in text and "Traceback (most recent call last)" in text


@pytest.mark.parametrize("code", ["1 / 0", "import qstats; qstats.stats.rates.nothing", "{}['missing']"])
def test_other_errors_are_shown_as_always(shell, code):
    text = shown(shell, code)
    assert "Traceback (most recent call last)" in text
    assert "QSTATS_TRACEBACK" not in text


def test_a_cause_that_is_no_error_of_ours_is_named():
    try:
        try:
            int("x")
        except ValueError as error:
            raise QStatsError("no number") from error
    except QStatsError as error:
        lines = render(error)
    assert any("Cause: ValueError: invalid literal" in line for line in lines)


def test_a_message_commands_no_terminal():
    text = "".join(render(DataError("bad \x1b[2J \u202e name")))
    assert "\x1b[2J" not in text and "\u202e" not in text
    assert "\\x1b[2J" in text


def test_an_error_without_a_traceback_is_shown_too():
    assert "QStatsError" in render(QStatsError("nothing was run"))[0]


ODD = {
    "one_of": (
        lambda: errors.one_of("missing", "omitt", ["fail", "omit"]),
        "missing 不能是 omitt。可用：fail, omit。",
    ),
    "within": (lambda: errors.within_0_1("level", 95), "level=95 不在 0 与 1 之间；95 % 写作 0.95"),
    "number": (lambda: errors.real_number("x", "a", above=0, most=1), "x='a' 不是大于 0 且不大于 1 的数"),
    "least": (lambda: errors.real_number("x", -1, least=0.5, below=3), "x=-1 不是不小于 0.5 且小于 3 的数"),
    "any": (lambda: errors.real_number("x", None), "x=None 不是数"),
    "whole": (lambda: errors.whole_number("n_draws", 0.5, least=2), "n_draws=0.5 不是不小于 2 的整数"),
    "yes": (lambda: errors.yes_or_no("simulated", 1), "simulated=1 既不是 True 也不是 False"),
    "empty": (lambda: errors.text("title", "", empty=False), "title 是空的；请写明是什么"),
    "text": (lambda: errors.text("title", 3), "title=3 是 int，不是文字；请加引号"),
    "names": (lambda: errors.names_of("by", 3), "by=3 既不是名称，也不是名称的列表"),
    "numbers": (lambda: errors.numbers_of("lower", "a"), "lower='a' 既不是数，也不是数的数组"),
    "mapping": (
        lambda: errors.mapping("groups", [], of="region to group"),
        "groups=[] 是 list，不是“地区 → 组”的字典",
    ),
    "kind": (
        lambda: errors.kind_of("sizes", 3, str, what="a table of sizes"),
        "sizes=3 是 int，不是规模的表",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_option_is_told_in_either_language(name, monkeypatch):
    ask, chinese = ODD[name]
    with pytest.raises(OptionError) as caught:
        ask()
    error = caught.value
    if name != "one_of":  # whose words list the options as a reader types them
        assert option_told(error, "en") == str(error)
    monkeypatch.setenv("QSTATS_LANG", "zh")
    assert chinese in "".join(render(error))


@pytest.mark.parametrize("odd", [pl.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}), np.arange(3), pd.NA])
def test_a_table_or_an_array_is_no_choice(odd):
    with pytest.raises(OptionError, match=r"(?s)missing=.* is not one of 1, 'omit'"):
        errors.one_of("missing", odd, [1, "omit"])


@pytest.mark.parametrize("odd", [pl.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]})])
def test_a_table_is_no_list_of_the_names_of_its_columns(odd):
    for ask in (lambda by: errors.names_of("by", by), tally.keys_of):
        assert ask(odd.columns) == ["a"]
        with pytest.raises(OptionError, match=r"(?s)by=.* is neither (a|the) name"):
            ask(odd)


def test_what_stands_for_a_kind_of_option_has_words():
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in Path(errors.__file__).parent.rglob("*.py")
    )
    said = set(
        re.findall(r'(?:mapping\(.*, of=|kind_of\(.*, what=|within_0_1\(.*, hint=)"([^"]+)"\)', source)
    )
    assert len(said) > 20
    assert [text for text in said if without_words(text)] == []


def test_an_odd_option_without_words_of_its_own_is_told_as_it_is():
    error = OptionError("'rank' has no use for 'to'", argument="to")
    assert "OptionError" in render(error)[0] and "'rank' has no use for 'to'" in render(error)[0]
    assert "cannot be" not in render(error)[0]
