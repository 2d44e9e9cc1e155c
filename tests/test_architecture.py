"""The shape of the project: layers, the public face, sizes, and words that do not belong."""

import ast
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import qstats

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "qstats").rglob("*.py"))


def test_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_layers_are_those_of_the_documentation_and_hold_every_module():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    meant = [re.findall(r"qstats\.(\w+)", layer) for layer in layers]
    text = (ROOT / "docs" / "how_it_works.md").read_text(encoding="utf-8")
    told = re.search(r"`(cli[^`]*errors)`", text)[1]
    assert [re.findall(r"\w+", layer) for layer in told.split("→")] == meant
    there = {
        path.stem
        for path in (ROOT / "qstats").iterdir()
        if (path / "__init__.py").is_file() or path.suffix == ".py"
    }
    assert there - {"__init__", "commands"} == {name for layer in meant for name in layer}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_in_the_package_is_named_like_a_test(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = [node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    assert not [name for name in defined if re.match("Test|test", name)]


def test_importing_qstats_loads_nothing_heavy():
    heavy = ("pandas", "numpy", "matplotlib", "statsmodels", "scipy", "duckdb", "narwhals", "seaborn")
    code = f"import sys, qstats; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_listed():
    for name in qstats.__all__:
        assert getattr(qstats, name) is not None
    assert set(qstats.__all__) <= set(dir(qstats))
    with pytest.raises(AttributeError, match="did you mean 'catalog'"):
        _ = qstats.catalogue
    with pytest.raises(AttributeError, match="catalog, load"):
        _ = qstats.zzz


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 400, "split it by idea"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body else 0
            assert 0 < lines <= 40, f"{node.name}: {lines} lines"


def sections_missing(function):
    """Return the sections of a public docstring that its signature asks for and that it has not."""
    arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    gives = not (isinstance(function.returns, ast.Constant) and function.returns.value is None)
    asked = [*(["Parameters"] if arguments else []), *(["Returns|Yields"] if gives else []), "Examples"]
    text = ast.get_docstring(function) or ""
    return [section for section in asked if not re.search(rf"^({section})\n-+$", text, re.MULTILINE)]


def test_a_docstring_without_its_sections_is_found():
    (function,) = ast.parse(
        'def f(x) -> float:\n    """Return x.\n\n    Examples\n    --------\n    """'
    ).body
    assert sections_missing(function) == ["Parameters", "Returns|Yields"]


@pytest.mark.parametrize("path", sorted((ROOT / "qstats" / "stats").glob("*.py")), ids=lambda p: p.name)
def test_every_formula_says_what_it_takes_and_gives_and_shows_it(path):
    functions = [
        f for f in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(f, ast.FunctionDef)
    ]
    missing = {f.name: sections_missing(f) for f in functions if not f.name.startswith("_")}
    assert {name: sections for name, sections in missing.items() if sections} == {}


def test_nobody_imports_the_package_root_from_inside():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert all(alias.name != "qstats" for alias in node.names), path


def test_there_is_no_module_of_odds_and_ends():
    assert not [path for path in MODULES if path.stem in ("utils", "helpers", "misc", "common")]


def test_the_lock_names_versions_and_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text
    assert "index-url" not in text


def _imported(path, known):
    """Return the modules of the package that a file names in an import, at its top, inside or for a type."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qstats."):
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known
            yield from inner or {node.module} & known
        elif isinstance(node, ast.ImportFrom) and node.module == "qstats":
            yield from {f"qstats.{alias.name}" for alias in node.names} & known


def test_no_module_needs_one_that_needs_it():
    """Not even inside a function or for the name of a type: each can be read with what is below it alone."""
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in MODULES}
    below = {name: set(_imported(path, set(known))) - {name} for name, path in known.items()}
    assert sum(map(len, below.values())) > 1_000
    order = list(TopologicalSorter(below).static_order())
    assert order.index("qstats.errors") < order.index("qstats.display") < order.index("qstats.estimate")
