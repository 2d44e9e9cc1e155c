"""The bundled data: what there is, any of it as a table, published figures as estimates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from qstats import classifications, periods
from qstats.conflicts import KEYS, Conflict, settled
from qstats.errors import DataError, OptionError, nearest, one_of, text
from qstats.estimate import Estimate, assemble
from qstats.files import data_path

if TYPE_CHECKING:
    import pandas as pd

Evidence = Literal["official", "repost"]

_CARRIED: Final = ["printed", "derived", "evidence", "source_title", "source_url", "note", "dataset"]
_BOUND: Final = " (lower bound)"
_WHOLE_YEAR: Final = ("annual", "year-end", "")
_PART: Final = r"H[12]|Q[1-4]|M(?:0[1-9]|1[0-2])"
_DTYPES: Final = {"number": "float64", "integer": "Int64", "boolean": "boolean"}


def catalog() -> pd.DataFrame:
    """List the bundled data sets, one row each.

    Returns
    -------
    pandas.DataFrame
        Columns ``name`` (what :func:`load` takes), ``kind`` (published, classification,
        standard, labels, framework, target, report), ``title_zh, title_en, rows,
        first_period, last_period`` (years; empty where time has no part), ``vintage`` (the newest
        date or edition that its sources name, else empty), ``official, repost`` (rows by evidence; missing
        where not recorded), ``sha256`` of the CSV, ``caveat_zh, caveat_en`` (what the numbers do not say).

    Examples
    --------
    >>> table = catalog()
    >>> table.loc[table["name"] == "mqr", ["kind", "rows"]].values.tolist()
    [['published', 35]]
    """
    import pandas as pd

    rows = [
        {
            "name": item["name"],
            "kind": item["kind"],
            "title_zh": item["title"],
            "title_en": item["titleEn"],
            "rows": item["rows"],
            "first_period": item.get("periods", ["", ""])[0],
            "last_period": item.get("periods", ["", ""])[1],
            "vintage": item.get("vintage", ""),
            "official": item.get("evidence", {}).get("official"),
            "repost": item.get("evidence", {}).get("repost"),
            "sha256": item["hash"].removeprefix("sha256:"),
            "caveat_zh": item.get("caveat", ""),
            "caveat_en": item.get("caveatEn", ""),
        }
        for item in _resources().values()
    ]
    return pd.DataFrame(rows).astype({"rows": "int64", "official": "Int64", "repost": "Int64"})


def load(name: str, /) -> pd.DataFrame:
    """Return a bundled data set as a table.

    Parameters
    ----------
    name : str
        A name of :func:`catalog`: ``"mqr"``, ``"regions"``, ``"frameworks/qci"``,
        ``"targets/anhui"`` …

    Returns
    -------
    pandas.DataFrame
        Typed as its entry in the catalogue says; an empty text is ``""``, an empty number
        is missing. In a published table ``value`` is a float (NaN for a grade such as A)
        and ``printed`` is the text as printed, trailing zeros kept. It is a copy: do with
        it what you like.

    Raises
    ------
    OptionError
        There is no such data set; the nearest is named.

    Examples
    --------
    >>> table = load("mqr")
    >>> table.query("series == 'MQR' and region == '全国' and year == '2023'")["printed"].item()
    '93.65'
    """
    if not isinstance(name, str):
        raise OptionError(f"{name!r:.200} is not the name of a data set; catalog() lists them")
    return _typed(name).copy()


@cache
def _resources() -> dict[str, dict[str, Any]]:
    package = json.loads(data_path("datapackage.json").read_text(encoding="utf-8"))
    return {item["name"]: item for item in package["resources"]}


def _text(path: str) -> pd.DataFrame:
    """Read a bundled file with every cell as text, from CSV or from its lossless Parquet."""
    import pandas as pd

    file = data_path(path)
    if file.suffix == ".parquet":
        return pd.read_parquet(file)
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")


@cache
def _typed(name: str) -> pd.DataFrame:
    import pandas as pd

    if name not in _resources():
        near = nearest(name, _resources())
        hint = f" Did you mean {near!r}?" if near else ""
        raise OptionError(f"no data set {name!r}; catalog() lists the {len(_resources())} there are.{hint}")
    item = _resources()[name]
    table = _text(item["path"])
    if item["kind"] == "published":
        table.insert(list(table.columns).index("value") + 1, "printed", table["value"])
        table["value"] = pd.to_numeric(table["value"], errors="coerce").astype("float64")
        return table
    for field in item["schema"]["fields"]:
        column = field["name"]
        if field["type"] == "boolean":
            table[column] = table[column].map({"true": True, "false": False}).astype("boolean")
        elif field["type"] in _DTYPES:
            table[column] = pd.to_numeric(table[column].replace("", None)).astype(_DTYPES[field["type"]])
    return table


def published(
    series: str,
    /,
    *,
    region: str | Sequence[str] | None = None,
    period: str | int | Sequence[str | int] | None = None,
    industry: str | Sequence[str] | None = None,
    unit: str | None = None,
    dataset: str | Sequence[str] | None = None,
    evidence: Evidence | None = None,
    conflict: Conflict = "raise",
) -> Estimate:
    """Return published figures of one series as an Estimate.

    A published figure comes without its error, so ``std_error`` and the interval are NaN:
    unknown is not zero. Nothing is interpolated, converted or rounded.

    Parameters
    ----------
    series : str
        Name of the series, e.g. ``"MQR"`` (the labels of kind ``series`` explain them all).
    region : str or sequence of str, optional
        Any name or code of a region (``"安徽"``, ``"Anhui"``, ``"340000"``, ``"合肥"``), or the
        text of the source for other areas (``"长三角"``).
    period : str, int or sequence, optional
        ``"2023"``, ``"2023H1"``, ``"2023Q1"``, ``"2023M05"``. Annual and year-end figures carry the
        year alone; a named batch keeps its name (``"2024 batch1(5-6月)"``), a target is
        ``"2025 target"``.
    industry : str or sequence of str, optional
        The population as the source names it (``"制造业"``, ``"合计"``).
    unit : str, optional
        Needed where the rows asked for are in several units.
    dataset : str or sequence of str, optional
        Only rows of these published data sets.
    evidence : {"official", "repost"}, optional
        Only rows with an official address, or only rows seen in a re-post.
    conflict : {"raise", "official", "first", "all"}
        What to do where sources disagree about the same key: refuse and list them; prefer
        official ones, and refuse if they disagree among themselves; take the first in the
        order of the catalogue; or keep all, with a further key ``source``. Sources that
        agree are one row under every policy.

    Returns
    -------
    Estimate
        Keys ``period, region, industry``; further columns ``flag`` (``"lower bound"`` where
        the source says "more than"), ``printed``, ``derived`` (``"yes"``: follows from printed
        figures, see ``note``), ``evidence, source_title, source_url, note, dataset``. The unit
        is that of the source; ``digits`` is the most decimals printed.

    Raises
    ------
    OptionError
        There is no such series, data set or unit; the nearest is named.
    DataError
        No row is left; the rows are in several units; sources disagree; the series is not
        numeric (use :func:`load`).

    Examples
    --------
    >>> rate = published("MQR", region="全国", period=[2023, 2024])
    >>> rate.table[["period", "estimate", "std_error"]].values.tolist()
    [['2023', 93.65, nan], ['2024', 93.93, nan]]
    """
    one_of("conflict", conflict, ("raise", "official", "first", "all"))
    rows = selected(
        rows_of(series), region=region, period=period, industry=industry, dataset=dataset, evidence=evidence
    )
    if rows.empty:
        raise DataError(_nothing(series, region=region, period=period, industry=industry))
    rows = in_one_unit(series, rows, unit)
    if rows["number"].isna().any():
        odd = rows.loc[rows["number"].isna(), "printed"].iloc[0]
        name = rows["dataset"].iloc[0]
        raise DataError(f"series {series!r} is not numeric ({odd!r}, say): read it with load({name!r})")
    rows = settled(series, rows, conflict)
    keys = [*KEYS, "source"] if conflict == "all" else KEYS
    return Estimate(
        _as_table(rows, keys),
        indicator=series,
        unit=str(rows["base_unit"].iloc[0]),
        method="as published",
        inference="none",
        provenance=[f"published:{name}" for name in dict.fromkeys(rows["dataset"])],
        digits=int(rows["printed"].str.extract(r"\.(\d+)$")[0].fillna("").str.len().max()),
    )


@cache
def _observations() -> pd.DataFrame:
    """Every published row, in the order of the catalogue, with canonical keys."""
    import pandas as pd

    names = _published_names()
    table = pd.concat([_typed(name).assign(dataset=name) for name in names], ignore_index=True)
    table["number"] = table["value"]
    table["base_unit"] = table["unit"].str.removesuffix(_BOUND)
    table["flag"] = table["unit"].str.endswith(_BOUND).map({True: "lower bound", False: ""})
    table["region"] = table["region"].map({text: _canonical_region(text) for text in set(table["region"])})
    pairs = {pair: _canonical_period(*pair) for pair in set(zip(table["year"], table["period"], strict=True))}
    table["period"] = [pairs[pair] for pair in zip(table["year"], table["period"], strict=True)]
    return table


@cache
def _places() -> dict[str, Any]:
    return {str(name): rows for name, rows in _observations().groupby("series").indices.items()}


def _published_names() -> list[str]:
    return [name for name, item in _resources().items() if item["kind"] == "published"]


def _canonical_period(year: str, part: str) -> str:
    """Return the period of a row: the year, its half, quarter or month, or a named batch.

    >>> _canonical_period("2023", "annual"), _canonical_period("2023", "Q1"), _canonical_period("", "batch")
    ('2023', '2023Q1', 'unknown batch')
    """
    import re

    if not year:
        return "unknown" if part in (*_WHOLE_YEAR, "unknown") else f"unknown {part}"
    if part in _WHOLE_YEAR:
        return year
    return f"{year}{part}" if re.fullmatch(_PART, part) else f"{year} {part}"


def _canonical_region(text: str) -> str:
    """Return the short name; a city of a province (安徽-合肥) is known by its own."""
    return (
        classifications.region_name(text) or classifications.region_name(text.removeprefix("安徽-")) or text
    )


def rows_of(series: str, /) -> pd.DataFrame:
    """Return all published figures of a series, every source of each; raise OptionError for no series."""
    text("series", series)
    if series in _places():
        rows: pd.DataFrame = _observations().iloc[_places()[series]]
        return rows
    labels = _typed("labels").query("kind == 'series'")
    names = dict(zip(labels["zh"], labels["key"], strict=True)) | {name: name for name in _places()}
    near = nearest(series, names)
    hint = f" Did you mean {names[near]!r}?" if near else ""
    raise OptionError(f"no series {series!r} among the {len(_places())} published.{hint}")


def _listed(value: Any) -> list[str]:
    return (
        [str(value)] if isinstance(value, str) or not isinstance(value, Iterable) else list(map(str, value))
    )


def selected(
    rows: pd.DataFrame,
    /,
    *,
    region: Any = None,
    period: Any = None,
    industry: Any = None,
    dataset: Any = None,
    evidence: Any = None,
) -> pd.DataFrame:
    """Return the rows of :func:`rows_of` that :func:`published` is asked for, in any spelling of the keys."""
    if evidence is not None:
        one_of("evidence", evidence, ("official", "repost"))
        rows = rows[rows["evidence"] == evidence]
    if dataset is not None:
        for name in _listed(dataset):
            one_of("dataset", name, _published_names())
        rows = rows[rows["dataset"].isin(_listed(dataset))]
    if region is not None:
        rows = rows[rows["region"].isin([_canonical_region(name) for name in _listed(region)])]
    if period is not None:
        rows = rows[rows["period"].isin([periods.normalise(name) or name for name in _listed(period)])]
    if industry is not None:
        rows = rows[rows["industry"].isin(_listed(industry))]
    return rows


def _nothing(series: str, /, **asked: Any) -> str:
    """Say what the series has instead of what was asked."""
    rows = rows_of(series)
    said = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value is not None)
    parts = [f"no published figure of {series!r} with {said or 'these options'}"]
    for name in ("region", "industry"):
        if asked[name] is not None:
            have = sorted(set(rows[name]))
            near = [nearest(value, have) for value in _listed(asked[name]) if value not in have]
            parts += [f"nearest {name}: {value!r}" for value in near if value]
    if asked["region"] is not None:
        wanted = [_canonical_region(name) for name in _listed(asked["region"])]
        rows = rows[rows["region"].isin(wanted)] if rows["region"].isin(wanted).any() else rows
    have = sorted(set(rows["period"]), key=periods.sort_key)
    shown = have if len(have) <= 12 else [*have[:3], "…", *have[-8:]]
    where = " there" if asked["region"] is not None else ""
    return "; ".join([*parts, f"periods{where}: {', '.join(shown)}"])


def in_one_unit(series: str, rows: pd.DataFrame, unit: str | None, /) -> pd.DataFrame:
    """Return the rows in this unit; without one raise DataError where they are in several."""
    units = sorted(set(rows["base_unit"]))
    if unit is not None:
        one_of("unit", unit, units)
        return rows[rows["base_unit"] == unit]
    if len(units) > 1:
        raise DataError(
            f"{series!r} is published here in several units, {', '.join(units)}: choose one (unit=)"
        )
    return rows


def _as_table(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the columns of an Estimate, in order of time, region and industry."""
    places = {name: at for at, name in enumerate(classifications.regions()["name"])}
    period, region, industry = ([str(text) for text in rows[key]] for key in KEYS)
    order = sorted(
        range(len(rows)),
        key=lambda i: (
            periods.sort_key(period[i]),
            places.get(region[i], len(places)),
            region[i],
            industry[i],
        ),
    )
    rows = rows.iloc[order]
    return assemble(
        rows[keys],
        estimate=rows["number"].to_numpy(),
        **dict.fromkeys(["std_error", "conf_low", "conf_high", "n"], float("nan")),
        **{name: rows[name].to_numpy(dtype=object) for name in ["flag", *_CARRIED]},
    )
