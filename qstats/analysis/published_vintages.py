"""Published figures as they stood when each source came out: vintages that the sources themselves date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qstats import datasets
from qstats.analysis.revisions import VINTAGE
from qstats.conflicts import KEYS
from qstats.errors import DataError, one_of
from qstats.estimate import Estimate, assemble
from qstats.messages import say
from qstats.publication_dates import published_on

Undated = Literal["refuse", "drop"]


def published_vintages(
    series: str,
    /,
    *,
    region: str | Sequence[str] | None = None,
    period: str | int | Sequence[str | int] | None = None,
    industry: str | Sequence[str] | None = None,
    unit: str | None = None,
    undated: Undated = "refuse",
) -> Estimate:
    """Return every figure of a series by the date on which its source was published.

    For :func:`revisions`, :func:`revision_triangle` and :func:`revision_summary`. The date is that which
    the title or the address of a source names (:func:`qstats.publication_dates.published_on`). Where one of
    them is the edition of a yearbook, of which only the year is known, all are given by year.

    Parameters
    ----------
    series, region, period, industry, unit
        As for :func:`qstats.published`.
    undated : {"refuse", "drop"}
        What becomes of figures whose source names no date: refuse, or leave them out.

    Returns
    -------
    Estimate
        Keys ``vintage, period, region, industry``; further columns ``printed, source_title, dataset``.
        No error is known: ``std_error`` is NaN.

    Raises
    ------
    OptionError
        There is no such series or unit.
    DataError
        No figure is left; sources are undated; two of one date disagree; the series is not numeric.

    Examples
    --------
    >>> import qstats as qs
    >>> found = published_vintages("export_batch_fail_rate", period=2011)
    >>> qs.revisions(found)[["period", "previous", "current", "vintage"]].values.tolist()
    [['2011', 0.15, 0.12, '2013-01-29']]
    """
    one_of("undated", undated, ("refuse", "drop"))
    rows = datasets.selected(datasets.rows_of(series), region=region, period=period, industry=industry)
    rows = datasets.in_one_unit(series, rows, unit).dropna(subset=["number"])
    dates = [published_on(*pair) for pair in zip(rows["source_title"], rows["source_url"], strict=True)]
    without = sum(not day for day in dates)
    if without and undated == "refuse":
        raise DataError(say("revision.no_date", series=series, count=without, of=len(rows)))
    rows = rows.assign(**{VINTAGE: dates})[[bool(day) for day in dates]]
    if rows.empty:
        raise DataError(say("revision.no_dated", series=series, count=without))
    if rows[VINTAGE].str.len().nunique() > 1:
        rows = rows.assign(**{VINTAGE: rows[VINTAGE].str[:4]})
    keys = [VINTAGE, *KEYS]
    rows = rows.drop_duplicates([*keys, "number"])
    clash = rows[rows.duplicated(keys, keep=False)]
    if len(clash):
        one = clash.iloc[0]
        told = {"series": series, "vintage": one[VINTAGE], "period": one["period"], "region": one["region"]}
        values = ", ".join(clash.loc[clash[keys].eq(one[keys]).all(axis=1), "printed"])
        raise DataError(say("revision.clash", **told, values=values))
    rows = rows.sort_values(keys, kind="stable")
    table = assemble(
        rows[keys].astype(str),
        estimate=rows["number"].to_numpy(float),
        **dict.fromkeys(["std_error", "conf_low", "conf_high", "n"], float("nan")),
        **{name: rows[name].to_numpy(dtype=object) for name in ("printed", "source_title", "dataset")},
    )
    return Estimate(
        table,
        indicator=series,
        unit=str(rows["base_unit"].iloc[0]),
        method="as published",
        inference="none",
        provenance=[f"published:{name}" for name in dict.fromkeys(rows["dataset"])],
        digits=int(rows["printed"].str.extract(r"\.(\d+)$")[0].fillna("").str.len().max()),
    )
