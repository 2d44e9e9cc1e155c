"""What regions, populations, nodes of an index and constructs of a path model are called."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qstats import classifications
from qstats.datasets import load
from qstats.errors import DataError, nearest
from qstats.messages import language, say

if TYPE_CHECKING:
    import pandas as pd

    from qstats.satisfaction.models import Questionnaire

#: the province that a report of the nation sets off unless another is asked for
HIGHLIGHT: Final = "安徽"


def province(given: str, /) -> str:
    """Return the short name of one of the 31 provincial units, given by any of its names or its code.

    Raises
    ------
    DataError
        It is none of them; the nearest is named.

    Examples
    --------
    >>> province("Jiangsu"), province("340000")
    ('江苏', '安徽')
    """
    table = classifications.regions()
    names = table.loc[table["level"] == "province", "name"].tolist()
    name = classifications.region_name(given)
    if name not in names:
        near = nearest(str(classifications.nearest_region(given)), names) or HIGHLIGHT
        raise DataError(say("report.no_province", given=given, near=near))
    return str(name)


def place_name(region: str, lang: str | None = None) -> str:
    """Return the name of a region in a language."""
    if language(lang) == "zh":
        return region
    names = classifications.regions().set_index("name")["name_en"]
    return str(names.get(region, region))


@cache
def _populations() -> dict[str, dict[str, str]]:
    """Return the names, by language, of divisions and of the classes that sources report by."""
    labels = load("labels")
    named = labels[labels["kind"] == "population"].set_index("key")
    divisions = classifications.industries()
    english = dict(zip(divisions["name_zh"], divisions["name_en"], strict=True))
    return {"zh": named["zh"].to_dict(), "en": english | named["en"].to_dict()}


def population_name(text: str, lang: str | None = None) -> str:
    """Return the name of an industry, size, channel or class in a language; its own where none is known."""
    return _populations()[language(lang)].get(text, text)


def node_names(framework: str | Path | pd.DataFrame | None, lang: str | None, /) -> dict[str, str]:
    """Return code → name of the nodes of a framework, and none without one.

    Examples
    --------
    >>> node_names("qci", "zh")["quality_level"], node_names(None, "zh")
    ('质量水平', {})
    """
    if framework is None:
        return {}
    from qstats.index.frameworks import framework as checked

    table = checked(framework, lang=lang)
    return dict(zip(table["code"], table[f"name_{language(lang)}"].astype(str), strict=True))


def construct_names(model: str | pd.DataFrame | Questionnaire | None, lang: str | None, /) -> dict[str, str]:
    """Return code → name of the constructs of a model of satisfaction, and none without one.

    Examples
    --------
    >>> construct_names("acsi", "en")["SAT"]
    'customer satisfaction'
    """
    if model is None:
        return {}
    from qstats.satisfaction.models import Questionnaire, questionnaire

    found = model if isinstance(model, Questionnaire) else questionnaire(model)
    return {construct: found.label(construct, lang) for construct in found.constructs}
