"""Refresh data/datapackage.json, and the bounds that are computed from the published figures.

    python tools/describe_data.py            refresh what is counted (hash, rows, bytes, years, evidence) and
                                             the vintage that the sources say
    python tools/describe_data.py --check    change nothing; fail when something is stale
    python tools/describe_data.py --bounds   also recompute the bounds of the frameworks

Titles, descriptions and caveats are written by hand in datapackage.json and kept. A new file
gets an entry with guessed types; its title and the descriptions of its fields are then yours to
write, and the tests ask for them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qstats.publication_dates import edition_of, published_on

DATA = Path(__file__).resolve().parent.parent / "data"
PACKAGE = "datapackage.json"
KINDS = {"published": "published", "frameworks": "framework", "targets": "target"}

# the same in every published table
FIELDS = {
    "series": "name of the series; labels.csv has it in Chinese and English",
    "year": "year of the figure; empty where the source does not say, a span where it covers several",
    "period": "part of the year: annual, H1, Q1, M05, year-end, target, rule, or a named batch",
    "region": "region as the source names it; provinces by their short Chinese name",
    "industry": "population as the source names it",
    "value": "the figure as printed, trailing zeros kept; a few series are grades",
    "unit": 'unit as printed; "(lower bound)" where the source says "more than"',
    "derived": "yes: not printed, follows from printed figures (arithmetic in note), or its year is inferred",
    "evidence": "official: an official or established press address is given; repost: seen in a re-post",
    "source_title": "title of the source; for a re-post it names the issuing authority",
    "source_url": "address of an official source; empty for a re-post",
    "note": "what else the source says about the figure",
}
CONSTRAINTS: dict[str, dict[str, Any]] = {
    "series": {"required": True},
    "year": {"pattern": r"(\d{4}(-\d{4})?)?"},
    "value": {"required": True},
    "unit": {"required": True},
    "derived": {"required": True, "enum": ["yes", "no"]},
    "evidence": {"required": True, "enum": ["official", "repost"]},
    "source_title": {"required": True},
}


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")


def files(data: Path = DATA) -> list[str]:
    """Every CSV of the data folder, published ones first, by name."""
    found = [str(path.relative_to(data)) for path in data.rglob("*.csv")]
    return sorted(found, key=lambda path: (not path.startswith("published/"), path))


def name_of(path: str) -> str:
    """Published tables are known by their bare name, others by their path."""
    return path.removesuffix(".csv").removeprefix("published/")


def guessed_type(column: str, values: pd.Series) -> str:
    filled = values[values != ""]
    if column in ("year", "by_year", "code", "edition", "key") or filled.empty:
        return "string"
    if filled.isin(["true", "false"]).all():
        return "boolean"
    if filled.str.fullmatch(r"-?(0|[1-9]\d*)").all() and column != "value":
        return "integer"
    return "number" if filled.str.fullmatch(r"-?\d+(\.\d+)?").all() else "string"


def new_entry(path: str, table: pd.DataFrame) -> dict[str, Any]:
    folder = path.split("/")[0] if "/" in path else ""
    return {
        "name": name_of(path),
        "path": path,
        "kind": KINDS.get(folder, "standard"),
        "title": "",
        "titleEn": "",
        "description": "",
        "schema": {"fields": [new_field(path, column, table[column]) for column in table.columns]},
    }


def new_field(path: str, column: str, values: pd.Series) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column, "type": guessed_type(column, values)}
    if path.startswith("published/"):
        field["description"] = FIELDS[column]
        if column in CONSTRAINTS:
            field["constraints"] = CONSTRAINTS[column]
    else:
        field["description"] = ""
    return field


def counted(path: Path, table: pd.DataFrame) -> dict[str, Any]:
    """What the file itself says: hash, size, rows, years, evidence."""
    raw = path.read_bytes()
    facts: dict[str, Any] = {
        "hash": "sha256:" + hashlib.sha256(raw).hexdigest(),
        "bytes": len(raw),
        "rows": len(table),
    }
    column = next((name for name in ("year", "by_year") if name in table.columns), None)
    if column is not None:
        years = sorted({year for text in table[column] for year in re.findall(r"\d{4}", text)})
        facts["periods"] = [years[0], years[-1]]
    if "evidence" in table.columns:
        counts = table["evidence"].value_counts()
        facts["evidence"] = {kind: int(counts.get(kind, 0)) for kind in ("official", "repost")}
    return facts


def dates(table: pd.DataFrame) -> list[str]:
    """When the source of each row was published; empty where the row does not say."""
    titles = next((table[name] for name in ("source_title", "source") if name in table.columns), None)
    if titles is None:
        return []
    addresses = table["source_url"] if "source_url" in table.columns else [""] * len(table)
    return [published_on(title, address) for title, address in zip(titles, addresses, strict=True)]


def vintage(item: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """The vintage of a table: the newest date that a source of its rows names, and how many rows name one.

    A table without such rows has the edition of the standard or document that it renders, if its sources
    name one. Nothing else is taken for a vintage: a table that no source dates has none.
    """
    known = [day for day in dates(table) if day]
    if known:
        return {"vintage": max(known), "dated": len(known)}
    edition = max((edition_of(source["title"]) for source in item.get("sources", ())), default="")
    return {"vintage": edition} if edition else {}


def refreshed(package: dict[str, Any], data: Path = DATA) -> dict[str, Any]:
    """The package with every file described: kept texts, fresh counts, fields as the file has them."""
    known = {item["path"]: item for item in package["resources"]}
    resources = []
    for path in files(data):
        table = read(data / path)
        item = known.get(path) or new_entry(path, table)
        fields = {field["name"]: field for field in item["schema"]["fields"]}
        item["schema"]["fields"] = [
            fields.get(column) or new_field(path, column, table[column]) for column in table.columns
        ]
        kept = {name: value for name, value in item.items() if name not in ("vintage", "dated")}
        resources.append(
            {
                **kept,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                **counted(data / path, table),
                **vintage(item, table),
            }
        )
    return {**package, "resources": resources}


def as_text(package: dict[str, Any]) -> str:
    return json.dumps(package, ensure_ascii=False, indent=1) + "\n"


# --- bounds computed from the published figures ------------------------------------------------


def pooled_bounds(values: pd.Series) -> tuple[str, str]:
    """5th and 95th percentile (linear interpolation) of all values, to six significant digits."""
    low, high = np.percentile(values.dropna().to_numpy(), [5, 95])
    return f"{low:.6g}", f"{high:.6g}"


def provinces(data: Path = DATA) -> list[str]:
    table = read(data / "regions.csv")
    return table.loc[table["level"] == "province", "name"].tolist()


def wide(name: str, years: list[str], data: Path = DATA) -> pd.DataFrame:
    """The annual figures of a published table: a row a province and year, a column a series."""
    table = read(data / "published" / f"{name}.csv")
    rows = table["year"].isin(years) & table["region"].isin(provinces(data)) & (table["period"] == "annual")
    table = table[rows].assign(value=lambda rows: pd.to_numeric(rows["value"], errors="coerce"))
    return table.pivot(index=["year", "region"], columns=["industry", "series"], values="value").droplevel(
        0, axis=1
    )


def framework_bounds(name: str, data: Path = DATA) -> dict[str, tuple[str, str]]:
    """The bounds of a framework that rest on data (provenance ``user``), by indicator."""
    if name == "ht_capability":
        figures = wide("qci_inputs_by_province", [str(year) for year in range(2018, 2024)], data)
        leaves = read(data / "frameworks" / "ht_capability.csv").query("numerator != ''")
        return {
            leaf.code: pooled_bounds(figures[leaf.numerator] / figures[leaf.denominator] * float(leaf.scale))
            for leaf in leaves.itertuples()
        }
    figures = wide("grade_and_loss_by_province", ["1998", "2003", "2007"], data)
    grade = (
        figures["grade_excellent_rate"] * 1.5
        + figures["grade_first_rate"]
        + figures["grade_qualified_rate"] * 0.5
    )
    return {
        "grade_rate": pooled_bounds(grade),
        "quality_loss_rate": pooled_bounds(figures["quality_loss_rate"]),
    }


def write_bounds(name: str, data: Path = DATA) -> None:
    path = data / "frameworks" / f"{name}.csv"
    table = read(path)
    for code, bounds in framework_bounds(name, data).items():
        table.loc[table["code"] == code, ["lower", "upper"]] = list(bounds)
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Refresh data/datapackage.json")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something is stale")
    parser.add_argument("--bounds", action="store_true", help="also recompute the bounds of the frameworks")
    chosen = parser.parse_args(arguments)
    if chosen.bounds:
        for name in ("qci", "ht_capability"):
            write_bounds(name)
    path = DATA / PACKAGE
    text = path.read_text(encoding="utf-8")
    fresh = as_text(refreshed(json.loads(text)))
    if chosen.check:
        if fresh != text:
            print(f"{path} is stale: run python tools/describe_data.py", file=sys.stderr)
        return int(fresh != text)
    path.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
