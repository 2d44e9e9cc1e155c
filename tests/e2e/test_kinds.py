"""Every kind of report in both languages, built from the bundled data and opened in Chromium."""

import re

import pytest

from qstats.report import batch

pytestmark = pytest.mark.chromium

EDITIONS = {
    "annual": {"year": 2023},
    "quarterly": {"year": 2023, "quarter": "Q3"},
    "qci-old": {"year": 2009},
    "qci": {"year": 2023},
    "special-food": {"topic": "food"},
    "special-size": {"topic": "size"},
    "special-rapex": {"topic": "rapex"},
    "special-inspections": {"topic": "inspections"},
    "region": {"year": 2023, "region": "安徽"},
}


@pytest.fixture(params=EDITIONS, ids=str)
def edition(request):
    return request.param


@pytest.fixture(params=["zh", "en"])
def lang(request):
    return request.param


@pytest.fixture
def made(pages, edition, lang):
    return pages(edition.partition("-")[0], **EDITIONS[edition])[lang]


def test_the_page_asks_nothing_is_accessible_and_drawn_in_its_own_font(page_checks, made):
    page_checks.all(made.path)


def test_the_page_fits_a_mail_attachment(made):
    assert made.size <= 600 * 1024
    assert made.warnings == ()


@pytest.mark.parametrize("lang", ["en"], indirect=True)
def test_an_english_page_speaks_english(made):
    html = made.path.read_text(encoding="utf-8")
    body = html[html.index("<main") : html.index("</main>")]
    own = re.sub(
        r'<(td|th)[^>]*><span class="qs-name">.*?</span></\1>|<pre.*?</pre>|"[^"]*"',
        "",
        body,
        flags=re.DOTALL,
    )
    assert re.findall("[\u4e00-\u9fff]+", re.sub("<[^>]*>", " ", own)) == []


@pytest.fixture(scope="module")
def contents(once):
    """Give the folder of a batch of which one report cannot be made."""

    def fill(folder):
        batch.batch("region", year=2007, region=["安徽", "甘肃", "全国"], lang=["zh", "en"], output=folder)

    return once("contents", fill)


@pytest.mark.parametrize("name", ["index.html", "index.en.html"])
def test_the_list_of_a_batch_is_held_to_the_same_bar(page_checks, contents, name):
    html = (contents / name).read_text(encoding="utf-8")
    assert 'id="failed"' in html and html.count("region-2007-") >= 4
    page_checks.all(contents / name)
