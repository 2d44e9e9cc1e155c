"""Like with like: peer regions by similarity, and countries only where definitions agree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qstats.analysis import given
from qstats.errors import DataError, OptionError, text, whole_number
from qstats.estimate import Estimate
from qstats.messages import say

#: what must agree before figures of two countries are held against each other
ALIKE = ("indicator", "unit", "basis", "inference")


def peers(
    features: Mapping[str, Estimate], region: str, /, *, count: int = 5, lang: str | None = None
) -> pd.DataFrame:
    r"""Return the regions that are most alike in what is given, to be compared with.

    .. math:: d_{rs} = \sqrt{\frac1J \sum_j \Bigl(\frac{x_{rj} - x_{sj}}{s_j}\Bigr)^2}

    with s the standard deviation over all regions that have every feature. Choose features that a region
    cannot help (structure of industry, size, income), not the outcome to be compared.

    Parameters
    ----------
    features : mapping of str → Estimate
        Name → estimate with the key ``region`` alone; the nation is left out.
    region : str
        The region whose peers are sought.
    count : int
        How many.
    lang : {"zh", "en"}, optional

    Returns
    -------
    DataFrame
        ``region, distance`` and the features, the nearest first.

    Raises
    ------
    DataError
        A feature with other keys or without variation; the region lacks a feature.
    OptionError
        No features, or `count` below 1.

    Examples
    --------
    >>> import pandas as pd
    >>> def one(values):
    ...     rows = pd.DataFrame({"region": list(values), "estimate": list(values.values())})
    ...     rows = rows.assign(std_error=float("nan"), conf_low=float("nan"), conf_high=float("nan"), n=1)
    ...     return Estimate(rows, indicator="x", unit="x", method="given")
    >>> income = one({"安徽": 5.0, "江西": 5.2, "江苏": 9.0, "湖北": 6.0})
    >>> peers({"income": income}, "安徽", count=2)["region"].tolist()
    ['江西', '湖北']
    """
    given.several("features", features, lang)
    text("region", region)
    whole_number("count", count, least=1)
    if not features:
        raise OptionError(say("peers.none", lang, count=count))
    columns = {}
    for name, estimate in features.items():
        if estimate.keys != ("region",):
            raise DataError(say("peers.keys", lang, feature=name, keys=", ".join(estimate.keys) or "—"))
        columns[name] = estimate.table.set_index("region")["estimate"]
    table = pd.DataFrame(columns).drop(index="全国", errors="ignore").dropna()
    if region not in table.index:
        raise DataError(say("peers.absent", lang, region=region, regions=", ".join(table.index[:8]) or "—"))
    spread = table.std(ddof=1)
    if not (spread > 0).all():
        raise DataError(say("peers.constant", lang, feature=spread.index[~(spread > 0)][0]))
    z = (table - table.loc[region]) / spread
    distance = np.sqrt((z**2).mean(axis=1))
    found = table.assign(distance=distance).drop(index=region).reset_index(names="region")
    found = found.sort_values(["distance", "region"], kind="stable").head(count).reset_index(drop=True)
    return found[["region", "distance", *columns]]


def international(countries: Mapping[str, Estimate], /, *, lang: str | None = None) -> Estimate:
    """Put the same figure of several countries into one estimate; refused where definitions differ.

    A batch stopped at a border, a notification of a dangerous product and a recall are different things, and
    satisfaction is measured by different questionnaires: only the same indicator, unit, basis, kind of
    inference, keys and periods are held against each other.

    Parameters
    ----------
    countries : mapping of str → Estimate
        Country → its figures.
    lang : {"zh", "en"}, optional

    Returns
    -------
    Estimate
        With the key ``country`` before the others.

    Raises
    ------
    DataError
        Something differs, all of which is named; or no period is in common.

    Examples
    --------
    >>> from qstats.datasets import published
    >>> rapex = published("RAPEX_notifications_monthly")
    >>> index = published("ACSI")
    >>> try:
    ...     international({"EU": rapex, "US": index}, lang="en")
    ... except DataError as refused:
    ...     print(str(refused).splitlines()[0])
    Not like with like, and not compared:
    """
    given.several("countries", countries, lang)
    if len(countries) < 2:
        raise DataError(say("international.few", lang, count=len(countries)))
    first_name, first = next(iter(countries.items()))
    faults = []
    for name, estimate in countries.items():
        for what in (*ALIKE, "keys"):
            mine, theirs = getattr(first, what), getattr(estimate, what)
            if mine != theirs:
                faults.append(
                    say("international.differs", lang, what=what, a=first_name, x=mine, b=name, y=theirs)
                )
    if faults:
        raise DataError("\n  - ".join([say("international.refused", lang), *faults]))
    if "period" in first.keys:
        common = set.intersection(*(set(e.table["period"]) for e in countries.values()))
        if not common:
            raise DataError(say("international.periods", lang))
        countries = {name: e.where(period=sorted(common)) for name, e in countries.items()}
    parts = [e.table.assign(country=name) for name, e in countries.items()]
    table = pd.concat(parts, ignore_index=True)
    table = table[["country", *(c for c in table if c != "country")]]
    return first.replace(
        table,
        provenance=tuple(dict.fromkeys(p for e in countries.values() for p in e.provenance)),
        notes=tuple(dict.fromkeys(n for e in countries.values() for n in e.notes)),
    )
