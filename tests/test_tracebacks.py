"""An error of qstats is short in a notebook; any other error is as always."""

import contextlib
import io

import pytest
from IPython.core.interactiveshell import InteractiveShell

from qstats.errors import DataError, QStatsError
from qstats.tracebacks import FIRST, render

CHECK = """from qstats.indicators import schema_of
from qstats.schema import check
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
    assert "qstats/schema.py" not in text
    assert text.count("\n") < FIRST + 10


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
    assert "qstats/schema.py" in text and "Traceback (most recent call last)" in text


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
