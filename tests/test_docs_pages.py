"""What the documentation owes a reader beyond being true: both languages, all data, all terms."""

import csv
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CHINESE = sorted(path.relative_to(DOCS / "zh") for path in (DOCS / "zh").rglob("*.md"))
FIVE = ["researcher", "statistician", "reader", "survey_team", "regional_office"]


def terms():
    with (DOCS / "glossary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="|"))


def prose(path):
    """Return a page without its code and addresses."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


@pytest.fixture(scope="module")
def built(site):
    """Return a reader of the pages of the built site."""
    return lambda page: (site / f"{page}.html").read_text(encoding="utf-8")


def test_the_five_tutorials_stand_in_both_languages():
    for name in FIVE:
        assert (DOCS / "tutorials" / f"{name}.md").exists()
        assert (DOCS / "zh" / "tutorials" / f"{name}.md").exists()


def test_the_glossary_has_each_term_once_with_a_meaning_and_a_page():
    found = terms()
    assert len(found) >= 80
    for column in ("zh", "en", "meaning_zh", "meaning_en"):
        assert all(term[column].strip() for term in found)
        assert len({term[column] for term in found}) == len(found)
    assert {term["link"] for term in found if not (DOCS / f"{term['link']}.md").exists()} == set()
    assert all(re.search("[\u4e00-\u9fff]", term["zh"] + term["meaning_zh"]) for term in found)
    assert not any(re.search("[\u4e00-\u9fff]", term["en"] + term["meaning_en"]) for term in found)


@pytest.mark.parametrize("page", CHINESE, ids=str)
def test_chinese_text_has_full_width_punctuation(page):
    text = prose(DOCS / "zh" / page)
    assert re.findall("[\u4e00-\u9fff][,;:?!()]|[,;:?!(][\u4e00-\u9fff]", text) == []


@pytest.mark.parametrize("page", CHINESE, ids=str)
def test_a_chinese_page_says_so_and_leads_to_its_translation(page, built):
    name = page.with_suffix("").as_posix()
    text = built(f"zh/{name}")
    assert '<html lang="zh-CN"' in text
    assert "搜索" in text
    link = re.search(r'class="qs-language" href="([^"]+)" lang="en"', text)[1]
    assert link.endswith(f"{name}.html")
    back = re.search(r'class="qs-language" href="([^"]+)" lang="zh-CN"', built(name))[1]
    assert back.endswith(f"zh/{name}.html")
    assert '<html lang="en"' in built(name)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_catalogue_lists_every_data_set_with_its_rows(lang, built):
    text = re.sub("<[^>]+>", " ", built("data" if lang == "en" else "zh/data"))
    for resource in json.loads((ROOT / "data" / "datapackage.json").read_text("utf-8"))["resources"]:
        assert resource["titleEn" if lang == "en" else "title"] in re.sub(r"\s+", " ", text).replace(
            "&amp;", "&"
        )
        assert f"{resource['rows']:,}" in text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_glossary_page_shows_every_term(lang, built):
    text = built("glossary" if lang == "en" else "zh/glossary")
    shown = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", text)).replace("’", "'")
    for term in terms():
        assert term["zh"] in shown and term["en"] in shown


@pytest.mark.parametrize(
    "name", ["tutorials/researcher", "tutorials/survey_team", "zh/tutorials/statistician"]
)
def test_a_tutorial_shows_what_its_code_gave(name, built):
    assert built(name).count("qs-output") >= 3


def test_the_home_pages_have_a_picture_two_commands_and_five_doors(built):
    for name in ("index", "zh/index"):
        text = built(name)
        words = re.sub("<[^>]+>", "", text)
        assert "annual-2023.png" in text and "make report" in words and "make lab" in words
        doors = text[text.index("qs-doors") :]
        assert all(f"tutorials/{door}.html" in doors for door in FIVE)


def test_numbers_that_changed_stand_apart():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for version in text.split("\n## ")[1:]:
        assert "\n### Numbers\n" in version
