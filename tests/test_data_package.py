"""Every bundled file against its entry in datapackage.json, and the wheel that ships them."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest

from qstats.datasets import catalog, load

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
PACKAGE: dict[str, Any] = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES = {item["name"]: item for item in PACKAGE["resources"]}
PUBLISHED = [name for name, item in RESOURCES.items() if item["kind"] == "published"]
PATTERNS = {
    "number": r"-?\d+(\.\d+)?",
    "integer": r"-?\d+",
    "boolean": "true|false",
    "string": r"[\s\S]*",
}
#: an address anywhere in a text: a scheme, or a name that ends like a host
ADDRESS = re.compile(
    r"https?://([^/\s]+)|\b((?:[a-z0-9-]+\.)+(?:com|cn|net|org|gov|edu|cc|info|io|top|vip|xyz))\b"
)


def script(name: str):
    """Import a script of tools/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool():
    return script("describe_data")


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / RESOURCES[name]["path"], dtype=str, keep_default_na=False, encoding="utf-8")


def faults(table: pd.DataFrame, item: dict[str, Any]) -> list[str]:
    """What of a table breaks its entry."""
    found = []
    fields = item["schema"]["fields"]
    if [field["name"] for field in fields] != list(table.columns):
        return [f"columns {list(table.columns)}"]
    for field in fields:
        values, rules = table[field["name"]], field.get("constraints", {})
        filled = values[values != ""]
        bad = filled[~filled.str.fullmatch(PATTERNS[field["type"]])]
        if len(bad):
            found.append(f"{field['name']}: {bad.iloc[0]!r} is no {field['type']}")
        if rules.get("required") and (values == "").any():
            found.append(f"{field['name']}: empty cells")
        if "enum" in rules and not filled.isin(rules["enum"]).all():
            found.append(f"{field['name']}: not one of {rules['enum']}")
        if "pattern" in rules and not filled.str.fullmatch(rules["pattern"]).all():
            found.append(f"{field['name']}: pattern")
    key = item["schema"].get("primaryKey")
    if key and table.duplicated(key).any():
        found.append(f"repeated key {key}")
    return found


@pytest.mark.parametrize("name", RESOURCES)
def test_a_file_is_what_its_entry_says(name: str):
    assert faults(read(name), RESOURCES[name]) == []


def test_the_check_of_a_file_finds_each_kind_of_fault():
    item = RESOURCES["frameworks/bands"]
    good = read("frameworks/bands")
    assert faults(good.assign(lower="low"), item)[0].startswith("lower")
    assert any("enum" in f or "not one of" in f for f in faults(good.assign(provenance="guess"), item))
    assert any("empty" in f for f in faults(good.assign(provenance=""), item))
    assert any("repeated" in f for f in faults(pd.concat([good, good]), item))
    assert faults(good.drop(columns="note"), item)[0].startswith("columns")


def test_every_file_has_an_entry_with_titles_and_texts():
    on_disk = {str(path.relative_to(DATA)) for path in DATA.rglob("*.csv")}
    assert {item["path"] for item in RESOURCES.values()} == on_disk
    for name, item in RESOURCES.items():
        assert item["title"], name
        assert item["titleEn"], name
        assert item["description"], name
        assert item["sources"], name
        assert item["licenses"][0]["title"] == "facts, compiled from public sources"
        assert bool(item["caveat"]) == bool(item["caveatEn"]), name
        for field in item["schema"]["fields"]:
            assert field["description"], (name, field["name"])


def test_every_published_table_says_what_it_does_not_say():
    assert all(RESOURCES[name]["caveat"] for name in PUBLISHED)


def test_the_package_is_fresh(tool):
    text = (DATA / "datapackage.json").read_text(encoding="utf-8")
    assert tool.as_text(tool.refreshed(json.loads(text))) == text, "run: python tools/describe_data.py"


def test_a_changed_file_makes_the_package_stale_and_a_new_one_gets_an_entry(tool, tmp_path: Path):
    (tmp_path / "published").mkdir()
    file = tmp_path / "published" / "mqr.csv"
    file.write_bytes((DATA / "published" / "mqr.csv").read_bytes())
    first = tool.refreshed({"resources": []}, tmp_path)
    assert first["resources"][0]["rows"] == 35
    assert tool.refreshed(json.loads(tool.as_text(first)), tmp_path) == first
    file.write_bytes(file.read_bytes().replace(b"93.65", b"93.66"))
    second = tool.refreshed(json.loads(tool.as_text(first)), tmp_path)
    assert second["resources"][0]["hash"] != first["resources"][0]["hash"]
    first["resources"][0]["title"] = "kept"
    assert tool.refreshed(first, tmp_path)["resources"][0]["title"] == "kept"


# --- addresses -----------------------------------------------------------------------------------


def addresses(name: str) -> pd.DataFrame:
    """Every address that any cell of a table names, with the evidence of its row."""
    table = read(name)
    found = [
        (row.get("evidence", ""), column, (match[1] or match[2]).lower())
        for row in table.to_dict("records")
        for column, text in row.items()
        for match in ADDRESS.finditer(str(text))
    ]
    return pd.DataFrame(found, columns=["evidence", "column", "host"])


@pytest.mark.parametrize("name", RESOURCES)
def test_no_row_names_an_address_outside_the_allowed_ones(name: str):
    allowed = {item["host"] for item in PACKAGE["allowedHosts"]}
    named = addresses(name)
    # a title may name the site alone: gov.cn, china.org.cn
    known = named["host"].map(
        lambda host: any(host == other or other.endswith("." + host) for other in allowed)
    )
    assert named[~known.astype(bool)].values.tolist() == []
    urls = named[named["column"] == "source_url"]
    assert set(urls["host"]) <= allowed


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_repost_has_no_address_and_an_official_row_has_one(name: str):
    table = read(name)
    assert (table.loc[table["evidence"] == "repost", "source_url"] == "").all()
    official = table.loc[table["evidence"] == "official", "source_url"]
    assert official.map(lambda url: urlsplit(url).scheme in ("http", "https")).all()
    assert "repost" not in set(addresses(name)["evidence"])


def test_every_allowed_host_has_an_owner_a_class_and_a_use():
    used = {host for name in RESOURCES for host in addresses(name)["host"]}
    hosts = [item["host"] for item in PACKAGE["allowedHosts"]]
    assert len(hosts) == len(set(hosts))
    assert set(hosts) <= used
    for item in PACKAGE["allowedHosts"]:
        assert item["owner"]
        assert item["class"] in ("official", "press")


# --- contents ------------------------------------------------------------------------------------


def test_every_series_and_unit_of_the_published_tables_has_labels():
    labels = load("labels")
    tables = [load(name) for name in PUBLISHED]
    series = {value for table in tables for value in table["series"]}
    units = {value for table in tables for value in table["unit"].str.removesuffix(" (lower bound)")}
    assert set(labels.query("kind == 'series'")["key"]) == series
    assert units <= set(labels.query("kind == 'unit'")["key"])


def test_every_column_of_a_table_has_a_label_and_it_is_what_a_schema_calls_it():
    import importlib
    import pkgutil

    import qstats.indicators as indicators

    called: dict[str, set[tuple[str, str]]] = {}
    for module in pkgutil.iter_modules(indicators.__path__):
        schema = getattr(importlib.import_module(f"qstats.indicators.{module.name}"), "SCHEMA", None)
        for column in schema.all_columns if schema else ():
            called.setdefault(column.name, set()).add((column.zh, column.en))
    labels = load("labels").query("kind == 'column'").set_index("key")
    assert {"inspected", "batches_failed", "works_fine", "exposure", "internal"} <= set(called)
    for name, pairs in called.items():
        assert (labels.loc[name, "zh"], labels.loc[name, "en"]) in pairs, name


def test_chinese_texts_use_full_width_punctuation():
    half = re.compile(r"[\u4e00-\u9fff][,:;?!]|[\u4e00-\u9fff]\([\u4e00-\u9fff]")
    columns = {"labels": ["zh"], "indicators": ["definition_zh", "population_zh"], "regions": ["note"]}
    columns |= {"frameworks/qci": ["bounds_note", "unit_note"], "frameworks/bands": ["note"]}
    for name, names in columns.items():
        for column in names:
            assert not read(name)[column].map(lambda text: bool(half.search(text))).any(), (name, column)


def test_the_regions_are_the_nation_its_34_units_and_the_16_cities_of_anhui():
    regions = load("regions")
    assert regions["level"].value_counts().to_dict() == {"province": 31, "city": 16, "other": 3, "nation": 1}
    assert set(regions.query("level == 'other'")["name"]) == {"台湾", "香港", "澳门"}
    provinces = regions.query("level == 'province'")
    assert provinces["area"].value_counts().to_dict() == {"西部": 12, "东部": 10, "中部": 6, "东北": 3}
    assert set(regions[regions["central6"].fillna(False)]["name"]) == {
        "山西",
        "安徽",
        "江西",
        "河南",
        "湖北",
        "湖南",
    }
    assert set(regions[regions["yangtze_delta"].fillna(False)]["name"]) == {"上海", "江苏", "浙江", "安徽"}
    coded = regions.query("level != 'nation'")["code"]
    assert coded.is_unique
    assert coded.str.fullmatch(r"\d{6}").all()
    assert regions.query("level == 'city'")["code"].str.startswith("34").all()


@pytest.mark.parametrize(("grid", "units"), [("china", 34), ("anhui", 16)])
def test_each_tile_of_a_grid_is_taken_once_and_the_grid_is_connected(grid: str, units: int):
    rows = load("regions").query("tile_grid == @grid")
    cells = set(zip(rows["tile_row"], rows["tile_col"], strict=True))
    assert len(rows) == len(cells) == units
    for r, c in cells:
        assert cells & {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} - {(r, c)}


def test_well_known_neighbours_touch_in_the_tile_grid():
    place = load("regions").set_index("name")[["tile_row", "tile_col"]].astype("float64")
    pairs = "北京-河北 北京-天津 安徽-江苏 安徽-河南 安徽-江西 安徽-浙江 安徽-湖北 安徽-山东"
    pairs += " 江苏-上海 广东-福建 吉林-辽宁 四川-重庆 甘肃-青海 云南-贵州"
    pairs += " 合肥-六安 合肥-滁州 合肥-淮南 合肥-芜湖 芜湖-马鞍山 安庆-池州 黄山-宣城"
    for pair in pairs.split():
        a, b = pair.split("-")
        assert np.abs(place.loc[a] - place.loc[b]).max() == 1, pair


def test_the_editions_of_the_industries_have_their_divisions():
    industries = load("industries")
    assert not industries.duplicated(["edition", "code"]).any()
    codes = industries.groupby("edition")["code"].agg(list).to_dict()
    whole = [str(code) for code in range(13, 44)]
    assert codes == {"2002": [c for c in whole if c != "38"], "2011": whole, "2017": whole}
    rpq = industries.query("edition == '2017'").set_index("code")["rpq"]
    assert rpq.sum() == 29
    assert set(rpq[~rpq].index) == {"42", "43"}


def test_the_crosswalk_leads_every_division_on_and_leaves_none_without_origin():
    industries = load("industries")
    for edition, following in (("2002", "2011"), ("2011", "2017")):
        rows = industries[industries["edition"] == edition]
        known = set(industries.loc[industries["edition"] == following, "code"])
        main = [code for text in rows["successors"] for code in text.split(";")]
        partial = [code for text in rows["partial_successors"] if text for code in text.split(";")]
        assert set(rows["next_edition"]) == {following}
        assert (rows["successors"] != "").all()
        assert set(main) | set(partial) == known
    assert (industries.query("edition == '2017'")["successors"] == "").all()


def test_the_crosswalk_marks_what_was_split_and_merged():
    rows = load("industries").query("edition == '2002'").set_index("code")
    assert rows.loc["29", "successors"] == rows.loc["30", "successors"] == "29"
    assert set(rows.loc[["29", "30"], "change"]) == {"merge"}
    assert (rows.loc["37", "successors"], rows.loc["37", "change"]) == ("36;37", "split")
    assert rows.loc["31", "successors"] == "30"
    for code, row in rows.iterrows():
        many = len(row["successors"].split(";")) > 1
        assert many == (row["change"] == "split"), code


@pytest.mark.parametrize("name", ["qci", "ht_capability"])
def test_a_framework_is_one_tree_whose_weights_add_up(name: str):
    tree = load(f"frameworks/{name}")
    assert (tree["parent"] == "").sum() == 1
    assert set(tree["parent"]) - {""} <= set(tree["code"])
    for parent, weights in tree[tree["parent"] != ""].groupby("parent")["weight"]:
        assert weights.sum() == pytest.approx(1, abs=1e-15), parent
    leaves = tree[~tree["code"].isin(tree["parent"])]
    assert (leaves["upper"] > leaves["lower"]).all()
    assert set(leaves.loc[leaves["direction"] == -1, "code"]) <= {"quality_loss_rate"}
    assert (leaves["bounds_provenance"] != "").all()
    assert (tree["weight_provenance"] != "official").all()


def test_the_index_has_two_halves_six_groups_and_twelve_indicators():
    tree = load("frameworks/qci").set_index("code")
    depth = {code: 0 if parent == "" else None for code, parent in tree["parent"].items()}
    for code in tree.index:
        depth[code] = 0 if tree.loc[code, "parent"] == "" else depth[tree.loc[code, "parent"]] + 1
    counts = pd.Series(depth).value_counts().sort_index().tolist()
    assert counts == [1, 2, 6, 12]
    assert set(tree.index) - set(load("indicators")["code"]) == set(tree.index[pd.Series(depth).isin([1, 2])])


@pytest.mark.parametrize("name", ["qci", "ht_capability"])
def test_bounds_that_rest_on_data_are_recomputed(tool, name: str):
    table = read(f"frameworks/{name}").set_index("code")
    bounds = tool.framework_bounds(name)
    assert set(bounds) == set(table.index[table["bounds_provenance"] == "user"])
    for code, pair in bounds.items():
        assert tuple(table.loc[code, ["lower", "upper"]]) == pair, code


def test_the_development_capability_is_computed_from_published_series_in_their_units():
    tree = load("frameworks/ht_capability").query("numerator != ''").set_index("code")
    figures = (
        load("qci_inputs_by_province")
        .query("region == '安徽' and year == '2023'")
        .set_index("series")["value"]
    )
    got = (
        figures[tree["numerator"]].to_numpy()
        / figures[tree["denominator"]].to_numpy()
        * tree["scale"].to_numpy()
    )
    want = {
        "rd_intensity": 2486968 / 67530000 * 100,
        "renovation_intensity": 196422 / 67530000 * 100,
        "patents_per_million": 22091 / 675300,
        "new_product_share": 33025015 / 67530000 * 100,
        "average_revenue": 6753 / 2372,
        "export_share": 6957950 / 33025015 * 100,
    }
    assert dict(zip(tree.index, got, strict=True)) == pytest.approx(want, rel=1e-12)
    units = load("qci_inputs_by_province").query("series.str.startswith('ht_') and year >= '2018'")
    assert (units.groupby("series")["unit"].nunique() == 1).all()


def test_the_schemes_of_bands_have_neither_gaps_nor_overlaps():
    bands = load("frameworks/bands")
    assert list(dict.fromkeys(bands["scheme"])) == ["2008", "2011", "stages", "csi"]
    for _, scheme in bands.groupby("scheme"):
        scheme = scheme.sort_values("position")
        assert scheme["lower"].tolist()[1:] == scheme["upper"].tolist()[:-1]
        assert np.isnan(scheme["upper"].iloc[-1])
    assert bands.query("scheme == 'stages'")["lower"].tolist()[1:] == [80, 84, 90]


def test_the_targets_keep_their_provenance():
    anhui, national = load("targets/anhui"), load("targets/national")
    assert set(national["scope"]) == {"全国"}
    assert anhui["scope"].str.startswith("安徽").all()
    assert (anhui.loc[anhui["operator"] == "rank<=", "provenance"] == "hypothesis").all()
    assert national.set_index("code").loc["national_rpq", "value"] == 94


# --- the wheel -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    where = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(where)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = where.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(where / "site")
    return where / "site"


def test_the_wheel_ships_large_tables_as_parquet_with_the_hash_of_the_csv(unpacked: Path):
    from pyarrow import parquet

    for name, item in RESOURCES.items():
        shipped = unpacked / "qstats" / "_data" / item["path"]
        if item["bytes"] > 1_000_000:
            assert not shipped.exists(), name
            table = parquet.read_table(shipped.with_suffix(".parquet"))
            assert table.schema.metadata[b"sha256"].decode() == item["hash"].removeprefix("sha256:")
            assert {str(field.type) for field in table.schema} == {"string"}
            pd.testing.assert_frame_equal(table.to_pandas(), read(name), check_dtype=False)
        else:
            assert shipped.read_bytes() == (DATA / item["path"]).read_bytes(), name
    assert any(item["bytes"] > 1_000_000 for item in RESOURCES.values())


def test_the_wheel_ships_the_notebooks(unpacked: Path):
    found = {path.name for path in (unpacked / "qstats" / "_notebooks").glob("*.ipynb")}
    assert found == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_an_editable_install_copies_nothing_because_the_checkout_has_the_data(tmp_path: Path):
    pytest.importorskip("hatchling")
    hook = script("build_data").CustomBuildHook(str(ROOT), {}, None, None, str(tmp_path), "wheel")
    for version, copies in (("editable", False), ("standard", True)):
        build_data: dict[str, Any] = {"force_include": {}}
        hook.initialize(version, build_data)
        hook.finalize(version, build_data, "")
        assert bool(build_data["force_include"]) == copies


def test_the_data_of_an_installed_copy_equal_those_of_the_checkout(unpacked: Path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import pandas as pd, qstats, qstats.datasets as d, qstats.files as f\n"
        "assert qstats.__file__.startswith(sys.argv[1]), qstats.__file__\n"
        "assert str(f.data_root()).startswith(sys.argv[1])\n"
        "print({n: int(pd.util.hash_pandas_object(d.load(n).astype(str)).sum())"
        " for n in d.catalog()['name']})\n"
        "print(len(d.published('ht_revenue')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(unpacked)],
        check=True,
        capture_output=True,
        text=True,
        cwd=unpacked,
    )
    here = {name: int(pd.util.hash_pandas_object(load(name).astype(str)).sum()) for name in catalog()["name"]}
    lines = run.stdout.splitlines()
    assert lines[0] == str(here)
    assert lines[1] == "416"


def test_every_published_table_has_the_vintage_that_its_sources_name(tool):
    for name in PUBLISHED:
        item = RESOURCES[name]
        dates = [day for day in tool.dates(read(name)) if day]
        assert item["vintage"] == max(dates), name
        assert item["dated"] == len(dates) <= item["rows"]
        assert re.fullmatch(r"\d{4}(-\d{2}-\d{2})?", item["vintage"])


def test_a_vintage_is_the_newest_date_and_no_table_has_one_that_no_source_names(tool):
    rows = {"source_title": ["报 2012-02-29", "年鉴2013", "公报 2020年"], "source_url": ["", "", ""]}
    assert tool.vintage({}, pd.DataFrame(rows)) == {"vintage": "2013", "dated": 2}
    plain = pd.DataFrame({"code": ["1"]})
    assert tool.vintage({"sources": [{"title": "GB/T 4754-2011, GB/T 4754-2017"}]}, plain) == {
        "vintage": "2017"
    }
    assert tool.vintage({"sources": [{"title": "This project"}]}, plain) == {}
    assert "vintage" not in RESOURCES["labels"]


def test_the_catalogue_names_the_vintage():
    table = catalog().set_index("name")
    assert table.loc["mqr", "vintage"] == RESOURCES["mqr"]["vintage"] == "2025-01-24"
    assert table.loc["labels", "vintage"] == ""
