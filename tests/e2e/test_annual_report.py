"""The annual report itself, built from the bundled data and opened in Chromium."""

import pytest

from qstats import report

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("annual")
    built = report.build("annual", year=2023, lang=["zh", "en"], output=folder, in_process=True)
    return {result.path.suffixes[-2].removeprefix("."): result for result in built}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_asks_nothing_is_accessible_and_drawn_in_its_own_font(page_checks, pages, lang):
    page_checks.all(pages[lang].path)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_fits_a_mail_attachment(pages, lang):
    assert pages[lang].size <= 600 * 1024
    assert pages[lang].warnings == ()
