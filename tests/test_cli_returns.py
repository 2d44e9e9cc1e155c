"""`qstats check` with rules, preview and databases; `qstats collect`: what they print, write, leave with."""

import sqlite3

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

import qstats as qs
from qstats.cli import app

TWO = ("--expected", "安徽,江苏", "--lang", "en")
SCHEMA = ("-s", "inspection_pass_rate")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def put(folder, region, inspected=100, passed=90, name=None):
    folder.mkdir(exist_ok=True)
    path = folder / (name or f"{region}.csv")
    path.write_text(f"地区,统计期,检验数,合格数\n{region},2024,{inspected},{passed}\n", encoding="utf-8")
    return path


@pytest.fixture
def page(tmp_path):
    book = openpyxl.Workbook()
    for row in (["标题"], ["地区", "检验数", "合格数"], ["安徽", 100, 90], ["江苏", 7, 7], ["合计", 107, 97]):
        book.active.append(row)
    book.active.row_dimensions[4].hidden = True
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


def test_preview_says_of_each_row_what_became_of_it(page):
    result = run("check", page, *SCHEMA, "--preview", "--rule", "hidden=drop", "--lang", "en")
    assert result.exit_code == 0
    lines = [line.split("\t")[1:3] for line in result.stdout.splitlines()]
    whats = ["title", "header", "data", "hidden", "total", "sum", "sum"]  # 江苏 is in the total, and hidden
    rows = ["1", "2", "3", "4", "5", "5", "5"]
    assert lines == [["row", "what"], *map(list, zip(rows, whats, strict=True))]


def test_rules_decide_how_a_file_is_read(page):
    assert run("check", page, *SCHEMA).exit_code == 2  # hidden rows
    assert run("check", page, *SCHEMA, "-r", "hidden=read").exit_code == 0
    kept = run("check", page, *SCHEMA, "-r", "hidden=read", "-r", "totals=keep")
    assert kept.exit_code == 1 and "合计" in kept.stdout
    wrong = run("check", page, *SCHEMA, "-r", "hiden=read")
    assert wrong.exit_code == 2 and "hidden" in wrong.stderr


def test_a_database_is_checked_like_a_file(tmp_path):
    with sqlite3.connect(tmp_path / "t.db") as made:
        made.execute("CREATE TABLE spot AS SELECT '安徽' AS region, 100 AS inspected, 101 AS passed")
    made.close()
    uri = f"sqlite:{tmp_path / 't.db'}"
    result = run("check", uri, *SCHEMA, "--query", "SELECT * FROM spot")
    assert result.exit_code == 1 and "passed" in result.stdout
    assert (
        run("check", uri, *SCHEMA, "--query", "SELECT region, inspected, 9 AS passed FROM spot").exit_code
        == 0
    )
    for wrong in ([uri, *SCHEMA], [tmp_path / "t.db", *SCHEMA, "--query", "SELECT 1"]):
        assert run("check", *wrong).exit_code == 2
    said = run("check", "postgresql://me:hunter2@db/x", *SCHEMA, "--query", "SELECT 1")
    assert said.exit_code == 2 and "hunter2" not in said.output


def test_a_complete_folder_leaves_with_0_and_writes_what_was_collected(tmp_path):
    put(tmp_path / "in", "安徽")
    put(tmp_path / "in", "江苏", 50, 45)
    result = run("collect", tmp_path / "in", *SCHEMA, *TWO, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out" / "returns.csv", encoding="utf-8-sig")
    assert table[["region", "passed", "source_file", "source_row"]].values.tolist() == [
        ["安徽", 90, "安徽.csv", 2],
        ["江苏", 45, "江苏.csv", 2],
    ]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "returns.csv",
        "seen.csv",
        "status.csv",
        "violations.csv",
    ]


def test_a_note_that_several_returns_share_is_said_once_with_their_number(tmp_path):
    for region in ("安徽", "江苏", "浙江"):
        path = put(tmp_path / "in", region)
        path.write_text(f"标题\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    lines = run("collect", tmp_path / "in", *SCHEMA, "--lang", "en").stderr.splitlines()
    notes = [line for line in lines if "title" in line.lower()]
    assert len(notes) == 1 and "3 returns: " in notes[0]


def test_of_many_different_notes_the_first_are_said_and_the_others_counted(tmp_path):
    for at, region in enumerate(qs.load("regions").query("level == 'province'")["name"]):
        path = put(tmp_path / "in", region)
        path.write_text(f"标题{at}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    lines = run("collect", tmp_path / "in", *SCHEMA, "--lang", "en").stderr.splitlines()
    assert sum("标题" in line for line in lines) == 12
    assert any("19 more notes" in line for line in lines)


def test_an_incomplete_folder_leaves_with_1_and_names_the_region(tmp_path):
    put(tmp_path / "in", "安徽")
    result = run("collect", tmp_path / "in", *SCHEMA, *TWO, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert [line.split("\t")[:2] for line in result.stdout.splitlines()[1:]] == [
        ["安徽", "received"],
        ["江苏", "missing"],
    ]
    assert not (tmp_path / "out" / "returns.csv").exists()
    assert (tmp_path / "out" / "status.csv").exists()


def test_a_missing_region_is_renormalised_or_carried_forward_when_that_is_asked(tmp_path):
    put(tmp_path / "in", "安徽")
    before = tmp_path / "before.csv"
    before.write_text("地区,统计期,检验数,合格数\n安徽,2023,100,90\n江苏,2023,300,270\n", encoding="utf-8")
    arguments = ("collect", tmp_path / "in", *SCHEMA, *TWO, "-o", tmp_path / "out", "--missing")
    assert run(*arguments, "carry-forward").exit_code == 1
    done = run(*arguments, "renormalise")
    assert done.exit_code == 0 and "50.0%" in done.stderr
    done = run(*arguments, "carry-forward", "--previous", before, "--weight", "inspected")
    assert done.exit_code == 0 and "25.0%" in done.stderr
    table = pd.read_csv(tmp_path / "out" / "returns.csv", encoding="utf-8-sig", keep_default_na=False)
    assert table[["region", "period", "flag"]].values.tolist() == [
        ["安徽", 2024, ""],
        ["江苏", 2024, "carried"],
    ]


def test_a_value_unlike_the_last_period_waits_for_a_comment_and_no_longer(tmp_path):
    names = ["安徽", "江苏", "浙江", "山东", "河南", "湖北"]
    for name in names:
        put(tmp_path / "in", name, 5000 if name == "河南" else 100)
    before = tmp_path / "before.csv"
    lines = [f"{name},2023,{100 + at},90" for at, name in enumerate(names)]
    before.write_text("\n".join(["地区,统计期,检验数,合格数", *lines]), encoding="utf-8")
    arguments = ["collect", tmp_path / "in", *SCHEMA, "--expected", ",".join(names), "--previous", before]
    assert run(*arguments).exit_code == 0  # nobody asked to compare
    kept = tmp_path / "confirmed.csv"
    result = run(*arguments, "--confirmations", kept)
    assert result.exit_code == 1
    assert [line.split("\t")[0] for line in result.stdout.splitlines()[8:]] == ["region=河南"]
    sheet = pd.read_csv(kept, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert sheet["unit"].tolist() == ["region=河南"]
    sheet.assign(comment="专项抽查", date="2024-05-06").to_csv(kept, index=False, encoding="gbk")
    assert run(*arguments, "--confirmations", kept).exit_code == 0
    assert run(*arguments, "--confirmations", kept, "--value", "passed").exit_code == 0
    put(tmp_path / "in", "河南", 5001)
    assert run(*arguments, "--confirmations", kept).exit_code == 1
    assert run(*arguments, "--confirmations", kept, "--value", "passed").exit_code == 0


def test_options_that_would_do_nothing_or_harm_are_refused(tmp_path):
    put(tmp_path / "in", "安徽")
    start = ("collect", tmp_path / "in", *SCHEMA, *TWO)
    assert run(*start, "--value", "passed").exit_code == 2
    assert run(*start, "--weight", "passed").exit_code == 2
    assert run(*start, "-o", tmp_path / "in" / "out").exit_code == 2
    assert run(*start, "--missing", "ignore").exit_code == 2
    assert run("collect", tmp_path / "absent", *SCHEMA).exit_code == 2
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["安徽.csv"]


def test_hostile_names_reach_neither_the_terminal_nor_a_spreadsheet(tmp_path):
    put(tmp_path / "in", "安徽", name="=cmd|' 安徽\u202e\x1b[31m.csv")
    result = run("collect", tmp_path / "in", *SCHEMA, "--expected", "安徽", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert "\u202e" not in result.output and "\x1b" not in result.output
    written = pd.read_csv(tmp_path / "out" / "returns.csv", encoding="utf-8-sig")["source_file"][0]
    assert written.startswith("'=cmd|")


def test_cities_are_expected_by_their_province_and_an_empty_list_is_no_default(tmp_path):
    put(tmp_path / "in", "合肥")
    result = run("collect", tmp_path / "in", *SCHEMA, "--expected", "安徽各市", "--lang", "en")
    assert result.exit_code == 1
    assert result.stdout.count("missing") == 15
    result = run("collect", tmp_path / "in", *SCHEMA, "--expected", ",", "--lang", "en")
    assert result.exit_code == 2
    assert "No region is expected" in result.stderr


def test_columns_are_needed_by_any_of_their_headers(tmp_path):
    path = put(tmp_path / "in", "安徽")
    assert run("check", path, *SCHEMA, "--need", "省份,统计期").exit_code == 0
    result = run("check", path, *SCHEMA, "--need", "企业规模", "--lang", "en")
    assert result.exit_code == 1 and "size" in result.stdout
