"""What a report can say: the published series of its items, brought to Estimates.

Which series feed an item is data: ``data/report_items.csv``, one row an item. Counts come first,
because a rate recomputed from counts has an interval; else the printed rate; else 100 minus the
printed failing rate. Nothing is filled in: an item without a figure has a reason instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from qstats import classifications, periods
from qstats.analysis.change import change
from qstats.datasets import load
from qstats.errors import DataError, nearest, one_of
from qstats.estimate import CORE, Estimate
from qstats.messages import language, say
from qstats.report import formats, microdata, printed
from qstats.report.names import HIGHLIGHT, place_name, province

if TYPE_CHECKING:
    import pandas as pd

#: for each indicator that can be recomputed from counts: total, and good or bad, of its table
_COUNTS = {
    "inspection_pass_rate": ("inspected", "passed", "passed"),
    "export_pass_rate": ("batches", "batches_failed", "failed"),
    "acceptance_rate": ("works", "works_fine", "passed"),
}
#: the year in the title or number of the document that set a target
_YEAR = r"((?:19|20)\d{2})"
_OPTIONS: dict[str, dict[str, Any]] = {"acceptance_rate": {"outcome": "fine"}}


@dataclass(frozen=True)
class Facts:
    """The period and region of a report, and the figures there are.

    Parameters
    ----------
    year : int
    region : str
        Short Chinese name.
    cells : tuple of (str, str)
        Items whose figures come from micro-data, each with the file of its cells or of its estimate.
    part : str
        Part of the year: ``Q1`` … ``Q4``, ``H1``, ``H2``; empty for the whole year.
    editorial : str
        Where the words of editors are looked for; see :mod:`qstats.report.editorial`.
    highlight : str
        The province that a report of the nation sets off; empty for the usual one.
    datasets : set of str
        Names of the data sets that have been read so far, for the provenance of the page.
    simulated : list of str
        An entry for every use so far of a figure that descends from simulated data.

    Examples
    --------
    >>> facts = Facts.of(2023)
    >>> round(facts.current("rpq").value(), 2), facts.current("rpq").unit
    (93.65, '%')
    """

    year: int
    region: str
    cells: tuple[tuple[str, str], ...] = ()
    part: str = ""
    editorial: str = ""
    highlight: str = ""
    datasets: set[str] = field(default_factory=set, compare=False)
    simulated: list[str] = field(default_factory=list, compare=False)

    @classmethod
    def of(
        cls,
        year: int | None = None,
        region: str = "全国",
        *,
        part: str = "",
        cells: Mapping[str, str] | None = None,
        editorial: str = "",
        highlight: str = "",
    ) -> Facts:
        """Return the facts of a region, by default of the newest year that has a headline figure, else any.

        Items in `cells` take their figures from micro-data: from the cells, or the estimates, in that file.
        A `part` of the year (``Q3``) makes every figure one of that quarter or half. `highlight` is the
        province that a report of the nation sets off, by any of its names or its code.

        Raises
        ------
        DataError
            The region is unknown, or has no annual figure at all; what is to be set off is no province.
        """
        name = classifications.region_name(region)
        if name is None:
            near = classifications.nearest_region(region) or "全国"
            raise DataError(say("annual.unknown_region", region=region, near=near))
        given = tuple(sorted((key, str(path)) for key, path in (cells or {}).items()))
        marked = province(highlight) if highlight else ""
        if year is None:
            whole = cls(9999, name, given, part)
            years = whole.years(headline=True) or whole.years()
            if not years:
                raise DataError(say("annual.no_figure", region=name))
            year = years[-1]
        facts = cls(int(year), name, given, part, editorial, marked)
        for key, _ in given:
            facts.item(key)
            facts.history(key)
        return facts

    def years(self, *, headline: bool | None = None) -> list[int]:
        """Return the years up to that of the report in which the region has a figure for such a period.

        With `headline` only such items count, or only the others.
        """
        found = [self.history(key) for key in self.items(headline=headline)["key"]]
        periods = [period for known in found if known for period in known.table["period"]]
        return sorted({int(period[:4]) for period in periods if period[4:] == self.part})

    @property
    def period(self) -> str:
        """The period of the report: ``2023``, ``2023Q3``."""
        return f"{self.year}{self.part}"

    @property
    def focus(self) -> str:
        """The province to set off: of the nation the one asked for, else that of the region."""
        if self.region == "全国":
            return self.highlight or HIGHLIGHT
        return ("", self.region, *classifications.containing_regions(self.region))[-2] or self.region

    def set_off(self, names: Iterable[str], /) -> str:
        """Return the province to set off if it is among these, else nothing."""
        return self.focus if self.focus in set(names) else ""

    def place(self, lang: str | None = None) -> str:
        """Return the name of the region in a language."""
        return place_name(self.region, lang)

    def items(self, section: str | None = None, *, headline: bool | None = None) -> pd.DataFrame:
        """Return the items of a section (or of all) that the region can have, in their order."""
        table = load("report_items")
        scopes = ["both", "nation" if self.region == "全国" else "region"]
        if self.part:
            scopes.append("part" if self.region == "全国" else "part-region")
        table = table[table["scope"].isin(scopes)]
        table = microdata.named(table, self.cells)
        if section is not None:
            table = table[table["section"] == section]
        if headline is not None:
            table = table[(table["headline"].astype(int) > 0) == headline]
        return table.reset_index(drop=True)

    def item(self, key: str) -> pd.Series[Any]:
        """Return one item."""
        table = load("report_items").set_index("key")
        if key not in table.index:
            near = nearest(key, table.index) or table.index[0]
            raise DataError(say("annual.unknown_item", key=key, near=near))
        return microdata.named(table.loc[[key]].reset_index(), self.cells).set_index("key").loc[key]

    def history(self, key: str) -> Estimate | None:
        """Return the figures of an item up to the period, of periods of its length: one row a period."""
        whole = _history(key, self.region, dict(self.cells).get(key, ""), self.part[:1])
        if whole is None:
            return None
        last = periods.sort_key(self.period)
        kept = [p for p in whole.table["period"] if periods.sort_key(p) <= last]
        return self.use(whole.where(period=kept)) if kept else None

    def current(self, key: str) -> Estimate | None:
        """Return the figure of the year of the report: one row."""
        history = self.history(key)
        if history is None or self.period not in set(history.table["period"]):
            return None
        return history.where(period=self.period)

    def change(self, key: str, *, on: Literal["year", "previous"] = "year") -> Estimate | None:
        """Return the change on the year before (同比), or on the period before (环比).

        One row, or None when either figure is absent.
        """
        one_of("on", on, ("year", "previous"))
        history = self.history(key)
        if history is None:
            return None
        before = periods.year_before(self.period) if on == "year" else periods.previous(self.period)
        both = {self.period, str(before)}
        if not both <= set(history.table["period"]):
            return None
        return change(history.where(period=sorted(both, key=periods.sort_key)), on=on)

    def reason(self, key: str, lang: str | None = None) -> str:
        """Return, in one sentence, why there is no figure for the year."""
        name = self.item(key)[language(lang)]
        history = self.history(key)
        if history is None:
            now = formats.period(self.period, lang=lang)
            return say("annual.none_ever", lang, name=name, region=self.place(lang), period=now)
        last = max(history.table["period"], key=periods.sort_key)
        shown = {"period": self.period, "last": last}
        return say(
            "annual.none_now", lang, name=name, **{k: formats.period(p, lang=lang) for k, p in shown.items()}
        )

    def figures(self, series: str, **more: Any) -> Estimate | None:
        """Return any published series of the year and region, or None when there is none."""
        chosen = {"region": self.region, "period": self.period} | more
        keys = {k: printed.frozen(v) for k, v in chosen.items() if v is not None}
        found = printed.figures(series, tuple(sorted(keys.items())))
        return None if found is None else self.use(found)

    def targets(self) -> pd.DataFrame:
        """Return the targets that apply to the region in the year of the report, with their status.

        A target applies from the year of the document that set it to the year it is for. It is judged by
        the item that names its code; one that no item names has no data. Of several years the earliest
        that is not past applies.
        """
        import pandas as pd

        from qstats.analysis.targets import targets

        tables = {"全国": "national", "安徽": "anhui"}
        if self.region not in tables:
            return pd.DataFrame()
        table = load(f"targets/{tables[self.region]}")
        since = table["source"].str.extract(_YEAR, expand=False).astype(int)
        in_force = (since <= self.year) & (table["by_year"].astype(int) >= self.year)
        table = table[in_force & (table["scope"] == self.region)]
        if table.empty:
            return table
        items = self.items().dropna(subset="target")
        named = {t: row for _, row in items.iterrows() for t in str(row["target"]).split("|") if t}
        current = {code: self.current(named[code]["key"]) for code in table["code"] if code in named}
        judged = targets({code: e for code, e in current.items() if e is not None}, table)
        judged["item"] = [named[code]["key"] if code in named else "" for code in judged["code"]]
        return judged

    def source_rows(self, key: str) -> pd.DataFrame:
        """Return title and evidence of the sources of an item's figure for the year."""
        import pandas as pd

        item = self.item(key)
        place = _place(item, self.region)
        series = [item[c] for c in ("series", "complement", "sampled", "failed", "passed") if _text(item[c])]
        rows = []
        for name in series:
            keys = {"region": place, "period": self.period}
            found = printed.figures(name, tuple(sorted(keys.items())))
            if found is not None:
                wanted = str(item["industry"]).split("|") if _text(item["industry"]) else None
                table = found.table
                rows.append(table if wanted is None else table[table["industry"].isin(wanted)])
        columns = ["source_title", "evidence"]
        return pd.concat(rows)[columns].drop_duplicates() if rows else pd.DataFrame(columns=columns)

    def use(self, estimate: Estimate) -> Estimate:
        """Note the data sets that an estimate rests on, and return it."""
        self.datasets.update(sources(estimate))
        if estimate.simulated:
            self.simulated.append(estimate.indicator)
        return estimate


def sources(estimate: Estimate) -> set[str]:
    """Return what an estimate rests on: published data sets by name, files, simulations with their seed."""
    named = {mark.split(":", 1)[1] for mark in estimate.provenance if mark.startswith("published:")}
    own = (*microdata.MARKS, "simulated:")
    return named | {mark for mark in estimate.provenance if mark.startswith(own)}


@cache
def _history(key: str, region: str, file: str = "", kind: str = "") -> Estimate | None:
    import pandas as pd

    item = load("report_items").set_index("key").loc[key]
    place = _place(item, region)
    if place != region and region != "全国":
        return None  # a figure of another place is not a figure of this region
    parts = [
        part
        for part in (
            microdata.history(str(item["function"]), file, place) if file and not kind else None,
            _from_counts(item, place, kind),
            _printed(item, place, "series", kind),
            _printed(item, place, "complement", kind),
        )
        if part
    ]
    if not parts:
        return None
    tables = [part.table[["period", *CORE, "flag"]] for part in parts]
    table = pd.concat(tables, ignore_index=True).drop_duplicates("period")
    table = table.sort_values("period", key=lambda p: p.map(periods.sort_key), ignore_index=True)
    return parts[0].replace(
        table,
        indicator=str(item["function"]),
        unit=str(item["unit"]),
        digits=int(item["digits"]),
        provenance=sorted({mark for part in parts for mark in part.provenance}),
    )


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""


def _place(item: pd.Series[Any], region: str) -> str:
    """Return the region whose figures an item takes: its own, or that of the report."""
    return _text(item["place"]) or region


def _series(item: pd.Series[Any], column: str, place: str, kind: str) -> Estimate | None:
    """Return one series of an item by year (quarter, half), of the first industry that has figures."""
    series = _text(item[column])
    if not series:
        return None
    industries: list[str | None] = (
        [*_text(item["industry"]).split("|")] if _text(item["industry"]) else [None]
    )
    for industry in industries:
        keys = {"region": place, "industry": industry}
        chosen = tuple(sorted((k, v) for k, v in keys.items() if v is not None))
        counted = column in ("sampled", "failed", "passed")
        unit = _counted_in(str(item["function"])) if counted else str(item["unit"])
        found = printed.in_unit(series, chosen, unit)
        if found is None:
            continue
        alike = found.table[found.table["period"].str.fullmatch(rf"\d{{4}}{kind and kind + '[1-4]'}")]
        if len(alike) and not alike["period"].duplicated().any():
            return found.replace(alike)
    return None


def _printed(item: pd.Series[Any], place: str, column: str, kind: str) -> Estimate | None:
    found = _series(item, column, place, kind)
    if found is None:
        return None
    table = found.table
    if column == "complement":
        table["estimate"] = 100 - table["estimate"]
    table["flag"] = ["derived" if d == "yes" else column for d in table["derived"]]
    return found.replace(table)


def _from_counts(item: pd.Series[Any], place: str, kind: str) -> Estimate | None:
    """Recompute a rate from published counts with the indicator's own function."""
    import pandas as pd

    if item["function"] not in _COUNTS:
        return None
    total_name, part_name, needs = _COUNTS[item["function"]]
    total = _series(item, "sampled", place, kind)
    parts = {outcome: _series(item, outcome, place, kind) for outcome in ("passed", "failed")}
    given = next(((outcome, part) for outcome, part in parts.items() if part is not None), None)
    if total is None or given is None:
        return None
    outcome, part = given
    counts = pd.concat({"total": _counts(total), "part": _counts(part)}, axis=1, join="inner").round()
    counts = counts[counts["part"] <= counts["total"]]
    if counts.empty:
        return None
    if outcome != needs:
        counts["part"] = counts["total"] - counts["part"]
    marks = sorted({*total.provenance, *part.provenance})
    records = pd.DataFrame(
        {"period": counts.index, total_name: counts["total"].to_numpy(), part_name: counts["part"].to_numpy()}
    ).assign(provenance=";".join(marks))
    name = str(item["function"])
    function = getattr(import_module(f"qstats.indicators.{name}"), name)
    found: Estimate = function(records, by="period", **_OPTIONS.get(name, {}))
    return found.replace(found.table.assign(flag="counts"), provenance=marks)


def _counts(estimate: Estimate) -> pd.Series[float]:
    """Return counts by period."""
    return estimate.table.set_index("period")["estimate"]


def _counted_in(function: str) -> str:
    """Return what an indicator counts, in the words of the sources."""
    return "项" if function == "acceptance_rate" else "批次"
