"""The figures of a report as SDMX-CSV 2.0, for other statistical offices.

Dimensions REF_AREA, INDICATOR, ACTIVITY, UNIT_MEASURE, TIME_PERIOD; measure OBS_VALUE; of each
observation its OBS_STATUS (code list CL_OBS_STATUS of SDMX), standard error, interval and comment.
SDMX holds the status to be an attribute of the observation: as a dimension it would be part of the key, and a
figure confirmed later would stand beside itself as a second one. It is there in every row all the same.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qstats import classifications
from qstats.errors import DataError
from qstats.files import guarded, write_atomic
from qstats.messages import say
from qstats.report import formats
from qstats.report.editions import Edition

if TYPE_CHECKING:
    import pandas as pd

    from qstats.estimate import Estimate

DIMENSIONS: Final = ("REF_AREA", "INDICATOR", "ACTIVITY", "UNIT_MEASURE", "TIME_PERIOD")
ATTRIBUTES: Final = ("OBS_STATUS", "STD_ERROR", "CONF_LOW", "CONF_HIGH", "COMMENT_OBS")
_AGENCY, _ID, _VERSION = "QSTATS", "QUALITY", "1.0"
#: sections of GB/T 4754 for the populations of sources; everything else is the whole of its indicator
_ACTIVITIES: Final = {"制造业": "C", "建筑业企业": "E"}
_UNITS: Final = {"%": "PT", "分": "POINTS", "index": "IX", "万元": "CNY_10000", "亿元": "CNY_100000000"}
_AREAS: Final = {"全国": "CN", "全国(100城市)": "CN", "EU": "EU"}
_PARTS: Final = {"H": "-S", "Q": "-Q", "M": "-"}
#: how a figure came about, where it is not simply printed
_COMMENTS: Final = {
    "series": "",
    "counts": "recomputed from published counts",
    "complement": "100 minus the published failing rate",
    "derived": "follows from printed figures by arithmetic",
}


def write(edition: Edition, path: Path, /) -> Path:
    """Write the figures that an edition rests on: every item, up to the period of the report."""
    from pysdmx.io.csv.sdmx20.writer import write as to_csv
    from pysdmx.io.pd import PandasDataset

    table = observations(edition)
    text = to_csv([PandasDataset(structure=structure(), data=table)])
    with write_atomic(path) as temporary:
        temporary.write_text(str(text), encoding="utf-8", newline="")
    return path


def observations(edition: Edition, /) -> pd.DataFrame:
    """Return one row an observation.

    Raises
    ------
    DataError
        The report has no figure at all.
    """
    import pandas as pd

    facts = edition.facts()
    rows: list[dict[str, Any]] = []
    for item in facts.items().to_dict("records"):
        estimate = facts.history(str(item["key"]))
        if estimate is not None:
            rows += _rows(item, estimate, facts.region)
    if not rows:
        raise DataError(say("publish.no_observation", edition.lang, name=edition.name))
    return pd.DataFrame(rows)[[*DIMENSIONS, "OBS_VALUE", *ATTRIBUTES]]


def _rows(item: dict[Any, Any], estimate: Estimate, region: str) -> list[dict[str, Any]]:
    place = item["place"] if isinstance(item["place"], str) and item["place"] else region
    industry = item["industry"] if isinstance(item["industry"], str) else ""
    fixed = {
        "REF_AREA": area(place),
        "INDICATOR": str(item["key"]).upper(),
        "ACTIVITY": _ACTIVITIES.get(industry.split("|")[0], "_T"),
        "UNIT_MEASURE": unit(estimate.unit),
    }
    marks = "; ".join(mark for mark in estimate.provenance if mark.startswith("simulated"))
    return [
        {
            **fixed,
            "TIME_PERIOD": period(str(row["period"])),
            "OBS_VALUE": row["estimate"],
            "OBS_STATUS": _status(row, simulated=bool(marks)),
            "STD_ERROR": row["std_error"],
            "CONF_LOW": row["conf_low"],
            "CONF_HIGH": row["conf_high"],
            "COMMENT_OBS": marks or _comment(str(row["flag"] or "")),
        }
        for row in estimate.table.to_dict("records")
    ]


def _comment(flag: str) -> str:
    """Return a flag as a comment: on one line, and no formula where the file is opened in a spreadsheet."""
    return str(guarded(formats.clean(_COMMENTS.get(flag, flag))))


def _status(row: dict[Any, Any], *, simulated: bool) -> str:
    """Return the code of CL_OBS_STATUS: missing, estimated (derived or simulated), or normal.

    ``O`` is a missing value; ``M`` would say that there can be none.
    """
    if row["estimate"] != row["estimate"]:
        return "O"
    return "E" if simulated or row["flag"] == "derived" else "A"


def area(name: str, /) -> str:
    """Return the code of a region: CN, or its six digits of GB/T 2260.

    Examples
    --------
    >>> area("全国"), area("安徽")
    ('CN', '340000')
    """
    if name in _AREAS:
        return _AREAS[name]
    table = classifications.regions().set_index("name")["code"]
    if name not in table.index:
        raise DataError(say("publish.no_code", kind="REF_AREA", name=name))
    return str(table[name])


def unit(name: str, /) -> str:
    """Return the code of a unit: that of the table above, or its Latin letters in capitals.

    Examples
    --------
    >>> unit("%"), unit("notifications")
    ('PT', 'NOTIFICATIONS')
    """
    code = _UNITS.get(name) or re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    if not code:
        raise DataError(say("publish.no_code", kind="UNIT_MEASURE", name=name))
    return code


def period(text: str, /) -> str:
    """Return a period as SDMX writes it.

    Examples
    --------
    >>> period("2023"), period("2023Q1"), period("2023H2"), period("2023M05")
    ('2023', '2023-Q1', '2023-S2', '2023-05')
    """
    return re.sub(r"(?<=^\d{4})([HQM])", lambda match: _PARTS[match[1]], text)


def structure() -> Any:
    """Return the structure of the data: what each column is."""
    from pysdmx.model import Component, Components, Concept, DataType, Role, Schema

    numbers = ("OBS_VALUE", "STD_ERROR", "CONF_LOW", "CONF_HIGH")

    def component(name: str, role: Any, required: bool) -> Any:
        kind = DataType.DOUBLE if name in numbers else DataType.STRING
        kind = DataType.PERIOD if name == "TIME_PERIOD" else kind
        level = "O" if role == Role.ATTRIBUTE else None
        return Component(name, required, role, Concept(name, dtype=kind), kind, attachment_level=level)

    parts = [component(name, Role.DIMENSION, True) for name in DIMENSIONS]
    parts += [component("OBS_VALUE", Role.MEASURE, False)]
    parts += [component(name, Role.ATTRIBUTE, name == "OBS_STATUS") for name in ATTRIBUTES]
    return Schema("datastructure", _AGENCY, _ID, Components(parts), _VERSION)
