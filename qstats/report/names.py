"""What nodes of an index and constructs of a path model are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qstats.messages import language

if TYPE_CHECKING:
    import pandas as pd

    from qstats.satisfaction.models import Questionnaire


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
