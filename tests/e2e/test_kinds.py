"""The other kinds of report, built from the bundled data and opened in Chromium."""

import pytest

from qstats import report

pytestmark = pytest.mark.chromium

EDITIONS = {
    "quarterly": {"year": 2023, "quarter": "Q3"},
    "qci-old": {"year": 2009},
    "qci": {"year": 2023},
    "special-food": {"topic": "food"},
    "special-size": {"topic": "size"},
    "special-rapex": {"topic": "rapex"},
    "region": {"year": 2023, "region": "安徽"},
}


@pytest.fixture(scope="module", params=EDITIONS, ids=str)
def pages(request, tmp_path_factory):
    kind = request.param.partition("-")[0]
    folder = tmp_path_factory.mktemp(request.param)
    return report.build(kind, lang=["zh", "en"], output=folder, in_process=True, **EDITIONS[request.param])


def test_the_page_asks_nothing_is_accessible_and_drawn_in_its_own_font(page_checks, pages):
    for result in pages:
        page_checks.all(result.path)


def test_the_page_fits_a_mail_attachment(pages):
    assert all(result.size <= 600 * 1024 and result.warnings == () for result in pages)


def test_an_english_page_speaks_english(pages):
    import re

    html = pages[1].path.read_text(encoding="utf-8")
    body = html[html.index("<main") : html.index("</main>")]
    own = re.sub(
        r'<(td|th)[^>]*><span class="qs-name">.*?</span></\1>|<pre.*?</pre>|"[^"]*"',
        "",
        body,
        flags=re.DOTALL,
    )
    assert re.findall("[\u4e00-\u9fff]+", re.sub("<[^>]*>", " ", own)) == []
