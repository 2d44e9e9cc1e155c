"""The command line: what it prints, what it writes, and its exit codes."""

import pytest
from typer.testing import CliRunner

from qstats import __version__
from qstats.cli import app
from qstats.errors import OptionError
from qstats.indicators import schema_of

runner = CliRunner()


def run(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture
def faulty(tmp_path):
    path = tmp_path / "报表.csv"
    path.write_bytes("地区,检验数,合格数\n安灰,１００,90\n安徽,50,60\n".encode("gbk"))
    return path


def test_help_lists_the_commands_and_version_says_which():
    said = run("--help").output
    assert all(name in said for name in ("report", "datasets", "check", "template"))
    assert __version__ in run("--version").output


def test_check_lists_every_violation_says_how_the_file_was_read_and_writes_nothing(faulty):
    before = sorted(faulty.parent.iterdir()), faulty.read_bytes()
    result = run("check", faulty, "--schema", "inspection_pass_rate")
    assert result.exit_code == 1
    assert "安灰" in result.output
    assert "安徽" in result.output
    assert "60" in result.output
    assert "GBK" in result.output
    assert (sorted(faulty.parent.iterdir()), faulty.read_bytes()) == before


def test_check_speaks_the_language_asked_for(faulty, monkeypatch):
    assert "Unknown region" in run("check", faulty, "-s", "inspection_pass_rate", "--lang", "en").output
    monkeypatch.setenv("QSTATS_LANG", "en")
    assert "Unknown region" in run("check", faulty, "-s", "inspection_pass_rate").output


def test_check_of_a_clean_file_leaves_with_0_and_of_an_unreadable_one_with_2(tmp_path):
    good = tmp_path / "good.csv"
    good.write_text("inspected,passed\n100,90\n", encoding="utf-8")
    assert run("check", good, "-s", "inspection_pass_rate").exit_code == 0
    assert run("check", tmp_path / "absent.csv", "-s", "inspection_pass_rate").exit_code == 2


def test_a_column_asked_for_with_need_is_missed(tmp_path):
    good = tmp_path / "good.csv"
    good.write_text("inspected,passed\n100,90\n", encoding="utf-8")
    result = run("check", good, "-s", "inspection_pass_rate", "--need", "region")
    assert result.exit_code == 1
    assert "region" in result.output


def test_a_wrong_schema_is_answered_with_the_nearest(faulty):
    result = run("check", faulty, "-s", "inspection_rate")
    assert result.exit_code != 0
    assert "inspection_pass_rate" in result.output + str(result.stderr)


def test_datasets_gives_one_line_a_data_set():
    lines = run("datasets").output.splitlines()
    assert len(lines) >= 27
    assert any(line.startswith("mqr") for line in lines)
    one = run("datasets", "--name", "mqr", "--lang", "en").output
    assert "sha256" in one.casefold() or "SHA" in one


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_template_makes_a_form_that_check_reads_back(tmp_path, lang):
    import openpyxl

    form = tmp_path / "form.xlsx"
    assert run("template", "product_pass_rate", "-o", form, "--lang", lang).exit_code == 0
    assert run("check", form, "-s", "product_pass_rate").exit_code == 1  # no rows yet
    book = openpyxl.load_workbook(form)
    sheet = book.worksheets[0]
    names = {c.zh: c.name for c in schema_of("product_pass_rate").columns}
    names |= {c.en: c.name for c in schema_of("product_pass_rate").columns}
    filled = {
        "period": 2023,
        "region": "安徽",
        "edition": 2017,
        "industry": "13",
        "inspected": 100,
        "passed": 95,
    }
    for cell in sheet[1]:
        name = names.get(str(cell.value).split("(")[0].split("（")[0].strip())
        if name in filled or name == "output":
            sheet.cell(2, cell.column, filled.get(name, 1000))
    book.save(form)
    result = run("check", form, "-s", "product_pass_rate", "--lang", lang)
    assert result.exit_code == 0, result.output


def test_template_never_replaces_a_file_unasked(tmp_path):
    form = tmp_path / "form.xlsx"
    form.write_bytes(b"mine")
    assert run("template", "export_pass_rate", "-o", form).exit_code != 0
    assert form.read_bytes() == b"mine"
    assert run("template", "export_pass_rate", "-o", form, "--force").exit_code == 0


def test_report_writes_one_file_a_language_and_says_where(tmp_path):
    result = run(
        "report",
        "annual",
        "--year",
        2000,
        "--region",
        "安徽",
        "--lang",
        "zh,en",
        "-o",
        tmp_path,
        "--in-process",
    )
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["annual-2000-安徽.en.html", "annual-2000-安徽.zh.html", "manifest.json"]
    assert "annual-2000-" in result.output.replace("\n", "")


def test_an_error_is_one_sentence_and_no_traceback(tmp_path):
    result = run("report", "annual", "--region", "安灰", "-o", tmp_path)
    assert result.exit_code == 1
    assert "安徽" in result.output + result.stderr
    assert "Traceback" not in result.output + result.stderr
    assert list(tmp_path.iterdir()) == []


COMMANDS = ["", "report", "diff", "rebuild", "check", "collect", "template", "datasets"]


@pytest.mark.parametrize("columns", ["80", "100", "120"])
def test_no_line_of_any_help_is_cut_off_or_too_long(columns, monkeypatch):
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERMINAL_WIDTH", columns)
    for command in COMMANDS:
        said = run(*([command] if command else []), "--help").output
        assert "Usage" in said
        assert "…" not in said, said
        assert max(cell_len(line) for line in said.splitlines()) <= int(columns)


def test_every_command_documents_its_exit_codes():
    for command in COMMANDS:
        said = run(*([command] if command else []), "--help").output
        assert "结果码" in said
        assert "exit code" in said.casefold()


@pytest.mark.parametrize(
    ("line", "zh", "en"),
    [
        (["repot"], "没有命令 repot。是不是要写 report？", "There is no command repot. Did you mean report?"),
        (["report", "annual", "--yeer", "3"], "没有选项 --yeer。是不是要写 --year？", "Did you mean --year?"),
        (["check", "a.csv"], "缺少 --schema / -s。", "--schema / -s is missing."),
        (["report", "annual", "--year"], "选项 --year 后面缺少它的值。", "The option --year needs a value."),
        (["report", "annual", "--year", "x"], "--year 应为整数。", "--year must be a whole number."),
        (["report", "annual", "安徽"], "多出了 安徽。", "Too many words: 安徽."),
        (
            ["check", "a.csv", "-s", "inspection_pass_rate", "-r", "header=x"],
            "header=x 不是整数",
            "header=x is not a whole number",
        ),
        (
            ["collect", ".", "-s", "inspection_pass_rate", "--missing", "renormalize"],
            "是不是要写 renormalise？",
            "Did you mean renormalise?",
        ),
        (["--foo"], "没有选项 --foo。", "There is no option --foo."),
    ],
)
def test_a_line_that_is_not_understood_is_answered_in_the_users_language_and_leaves_with_2(
    line, zh, en, monkeypatch
):
    monkeypatch.delenv("QSTATS_LANG", raising=False)
    chinese = run(*line)
    assert (chinese.exit_code, zh in chinese.stderr) == (2, True), chinese.stderr
    monkeypatch.setenv("QSTATS_LANG", "en")
    english = run(*line)
    assert (english.exit_code, en in english.stderr) == (2, True), english.stderr
    assert "zh" not in english.stderr


def test_the_language_of_a_line_that_is_not_understood_is_that_which_it_asks_for(monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "en")
    assert "没有选项" in run("report", "annual", "--yeer", "3", "--lang", "zh,en").stderr
    monkeypatch.setenv("QSTATS_LANG", "zh")
    assert "no option" in run("report", "annual", "--yeer", "3", "--lang=en").stderr


def test_what_a_command_says_itself_is_said_once(tmp_path):
    result = run("diff", tmp_path / "a", tmp_path / "b")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_language_of_the_environment_that_is_none_is_said_and_an_empty_one_is_none_set(monkeypatch):
    monkeypatch.setenv("QSTATS_LANG", "xx")
    result = run("datasets")
    assert result.exit_code == 1
    assert "QSTATS_LANG" in result.stderr
    assert "Traceback" not in result.output + result.stderr
    assert not isinstance(result.exception, OptionError)
    assert run("datasets", "--lang", "en").exit_code == 0
    monkeypatch.setenv("QSTATS_LANG", "")
    assert run("datasets").exit_code == 0


def test_a_name_that_the_system_cannot_write_is_told_with_the_remedy(monkeypatch, tmp_path):
    def refuse(*args, **options):
        raise UnicodeEncodeError("ascii", "全国.html", 0, 2, "ordinal not in range(128)")

    monkeypatch.setattr("qstats.forms.entry_form", refuse)
    result = run("template", "inspection_pass_rate", "-o", tmp_path / "a.xlsx")
    assert result.exit_code == 1
    assert "PYTHONUTF8=1" in result.stderr
    assert "全国.html" in result.stderr


@pytest.mark.parametrize("query", [[], ["--query", "select 1"]])
@pytest.mark.parametrize("kind", ["mysql", "POSTGRESQL", "postgresql+psycopg2", "https", "postgresql"])
def test_a_password_in_an_address_is_never_repeated(kind, query):
    result = run("check", f"{kind}://me:s3cr3t@db.example.org/returns", "-s", "inspection_pass_rate", *query)
    assert result.exit_code == 2
    assert "s3cr3t" not in result.output + result.stderr
