"""The documentation is true: its code runs, its pages are complete, its pages load nothing."""

import ast
import doctest
import importlib
import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import qstats
from qstats import report
from qstats.indicators import names

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "README.en.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
)
PAGES = [page for page in PAGES if "_build" not in page.parts]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "qstats").rglob("*.py")
)
HEADINGS = ["Formula", "Unit", "Source", "Worked example", "Options", "What it does not correct for"]


def blocks(page: Path) -> str:
    """Return the Python blocks of a page as one module, every line where it stands on the page."""
    lines, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = line.startswith("```")
        lines.append(line if inside and not fence else "")
        inside = line == "```python" if fence and not inside else inside and not fence
    return "\n".join(lines)


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def run_in_the_build() -> tuple[str, ...]:
    """Return where the pages stand whose code the build of the documentation runs, failing with it."""
    source = (ROOT / "docs" / "_ext" / "executed.py").read_text(encoding="utf-8")
    return ast.literal_eval(re.search(r"^PLACES = (\(.*\))$", source, re.MULTILINE)[1])


def runs_here(page: Path) -> bool:
    """Return whether a page has code that the build does not run."""
    built = page.is_relative_to(ROOT / "docs") and str(page.relative_to(ROOT / "docs")).startswith(
        run_in_the_build()
    )
    return not built and "```python" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if runs_here(page)], ids=relative)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QSTATS_LANG", raising=False)
    exec(compile(blocks(page), str(page), "exec"), {"__name__": "page"})


def test_the_readmes_have_code_and_the_two_commands():
    for name in ("README.md", "README.en.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "import qstats" in blocks(ROOT / name)
        assert "make report" in text
        assert "make test" in text


def test_both_readmes_run_the_same_calls():
    calls = [re.findall(r"qs\.(\w+)\(", blocks(ROOT / name)) for name in ("README.md", "README.en.md")]
    assert calls[0] == calls[1]
    assert len(calls[0]) >= 4


@pytest.mark.parametrize("name", [*names(), "index"])
def test_every_indicator_and_the_index_have_a_method_page(name):
    page = ROOT / "docs" / "methods" / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    example = text.split("## Worked example")[1].split("\n## ")[0]
    function = "competitiveness_index" if name == "index" else name
    assert f"qs.{function}(" in example
    assert "assert " in example
    assert f"methods/{name}\n" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*names(), "competitiveness_index"])
def test_a_method_page_names_every_option_and_no_other(name):
    page = "index" if name == "competitiveness_index" else name
    text = (ROOT / "docs" / "methods" / f"{page}.md").read_text(encoding="utf-8")
    options = text.split("## Options")[1].split("\n## ")[0]
    parameters = list(inspect.signature(getattr(qstats, name)).parameters)[1:]
    assert re.findall(r"^\| `(\w+)` \|", options, re.MULTILINE) == parameters


SECTIONS = {f"report.{name}" for name in ("summary", "main_indicators", *report.ANNUAL)}
PUBLIC = [
    *qstats.__all__,
    *(f"{part}.{name}" for part in ("satisfaction", "plot") for name in getattr(qstats, part).__all__),
    *(f"report.{name}" for name in report.__all__ if callable(getattr(report, name))),
    "indicators.names",
    "indicators.schema_of",
]
#: what has no part of a docstring, and why
WITHOUT = {
    "Returns": SECTIONS,  # said once for all sections, in the package
    "Parameters": SECTIONS,
    "Raises": SECTIONS | {"catalog", "indicators.names"},  # nothing is asked of these that could be wrong
}


def part_of(name: str) -> object:
    """Return a public name, by its path below the package."""
    found: object = qstats
    for step in name.split("."):
        found = getattr(found, step)
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_of_a_public_name_has_every_part(name):
    named = part_of(name)
    doc = inspect.getdoc(named) or ""
    parts = set(re.findall(r"^([A-Z]\w+)\n-{4,}$", doc, re.MULTILINE))
    assert re.match(r"[^\n]{10,109}[.:…]\n", doc), "one line says what it is"
    wanted = {"Examples"}
    if not inspect.isclass(named):
        wanted |= {"Returns", "Raises"} | ({"Parameters"} if inspect.signature(named).parameters else set())
    absent = {part for part in wanted if name in WITHOUT.get(part, ())}
    parts |= {"Returns"} if "Yields" in parts else set()
    assert wanted - parts == absent, "a part is absent, or an exception is not needed any more"
    assert "Examples" in absent or ">>> " in doc.split("\nExamples\n--------\n")[1]


def test_pages_use_public_names_alone():
    """What a page shows can be found by completion, without knowing which file it lies in."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not re.findall(
        r"^from qstats\.(?:index|analysis|survey|indicators|databases).*", text, re.MULTILINE
    )
    assert not re.findall(r"qstats\.(?:index|analysis|survey)\.\w+\.[a-z]\w+", text)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_of_a_public_name_tells_of_every_parameter(name):
    named = part_of(name)
    if inspect.isclass(named) or name in SECTIONS:
        return
    told = re.split(r"^[A-Z]\w+\n-{4,}$", inspect.getdoc(named), flags=re.MULTILINE)
    said = set(
        re.findall(
            r"\w+", " ".join(re.findall(r"^(\w[\w, ]*?)(?: : .*)?$", "\n".join(told[1:]), re.MULTILINE))
        )
    )
    assert [p for p in inspect.signature(named).parameters if p not in said] == []


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_every_section_takes_facts_and_a_language(name):
    signature = inspect.signature(part_of(name))
    assert str(signature) == "(facts: 'Facts', /, *, lang: 'str | None' = None) -> 'Section'"
    assert "lang" in report.__doc__ and "Section" in report.__doc__


@pytest.mark.parametrize("name", qstats.__all__)
def test_every_public_name_is_in_the_reference(name):
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert re.search(rf"^\.\. auto(function|class):: {name}$", text, re.MULTILINE)
    assert re.search(rf"^   {name}$", text, re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QSTATS_LANG", raising=False)
    module = importlib.import_module(name)
    told = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for example in doctest.DocTestFinder().find(
        module, name, extraglobs={"getfixture": request.getfixturevalue}
    ):
        runner.run(example, out=told.append)
    assert runner.failures == 0, "".join(told)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


class _Loaded(HTMLParser):
    """Collects what a browser would fetch by itself."""

    def __init__(self):
        super().__init__()
        self.urls = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "link" and attributes.get("rel") not in ("canonical", "next", "prev", "author", "license"):
            self.urls.append(attributes.get("href") or "")
        if tag not in ("a", "link"):
            self.urls += [v for k, v in attrs if k in ("src", "srcset", "data", "poster", "href") and v]
        self.urls += re.findall(r"url\(\s*['\"]?([^'\")]+)", attributes.get("style") or "")


def test_the_documentation_builds_and_has_every_page(site):
    for page in ROOT.glob("docs/**/*.md"):
        if not {"_build", "benchmarks"} & set(page.parts):  # tables of benchmarks stand in their page
            assert (site / page.relative_to(ROOT / "docs").with_suffix(".html")).exists()


def test_formulas_are_mathml(site):
    text = (site / "methods" / "product_pass_rate.html").read_text(encoding="utf-8")
    assert text.count("<math") >= 4
    assert "<mfrac>" in text
    assert r"\frac" not in text


def test_the_documentation_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        parser = _Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.urls
        assert [url for url in parser.urls if re.match(r"(https?:)?//", url)] == []
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//[^)'\"]*", text) == []
