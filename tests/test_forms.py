"""Entry forms: headers, checks on cells, and bytes that do not change."""

import openpyxl
import pytest

from qstats.checking import examine
from qstats.errors import DataError, OptionError
from qstats.forms import entry_form
from qstats.indicators import schema_of

NAMES = (
    "product_pass_rate",
    "inspection_pass_rate",
    "export_pass_rate",
    "acceptance_rate",
    "quality_loss_rate",
    "grade_rate",
    "customer_satisfaction",
    "event_rate",
)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_every_header_of_a_form_is_understood(tmp_path, name, lang):
    schema = schema_of(name)
    path = entry_form(schema, tmp_path / "form.xlsx", lang=lang)
    _, found, _ = examine(path, schema, lang=lang)
    assert list(found["rule"]) == ["empty"]  # no header is missing, only rows


@pytest.mark.parametrize("name", NAMES)
def test_a_form_has_one_header_row_checks_on_cells_notes_and_no_merged_cell(tmp_path, name):
    book = openpyxl.load_workbook(entry_form(schema_of(name), tmp_path / "form.xlsx", lang="zh"))
    sheet = book.worksheets[0]
    assert sheet.freeze_panes is not None
    assert sheet.data_validations.dataValidation
    assert len(book.worksheets) >= 2
    assert all(not s.merged_cells.ranges for s in book.worksheets)


def test_the_same_schema_gives_the_same_bytes(tmp_path):
    schema = schema_of("export_pass_rate")
    one, two = (entry_form(schema, tmp_path / n, lang="zh").read_bytes() for n in ("1.xlsx", "2.xlsx"))
    assert one == two
    assert one != entry_form(schema, tmp_path / "3.xlsx", lang="en").read_bytes()


def test_regions_are_offered_as_a_list(tmp_path):
    book = openpyxl.load_workbook(entry_form(schema_of("event_rate"), tmp_path / "form.xlsx", lang="zh"))
    cells = {str(c.value) for s in book.worksheets for row in s.iter_rows() for c in row if c.value}
    assert {"安徽", "全国", "合肥"} <= cells


def test_an_unknown_schema_is_answered_with_the_nearest():
    with pytest.raises(OptionError, match="export_pass_rate"):
        schema_of("export_rate")


def test_a_form_is_made_before_anything_is_written(tmp_path, monkeypatch):
    path = entry_form(schema_of("inspection_pass_rate"), tmp_path / "form.xlsx")
    before = path.read_bytes()

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(DataError, match="No space left"):
        entry_form(schema_of("inspection_pass_rate"), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["form.xlsx"]


def test_a_form_needs_the_path_of_a_file():
    with pytest.raises(OptionError, match="path=None is a NoneType, not the path of a file"):
        entry_form(schema_of("inspection_pass_rate"), None)
