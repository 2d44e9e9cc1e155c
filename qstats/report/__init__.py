"""The only layer that formats or draws: facts, sections, figures, tables, pages.

``report.Facts.of(2023, "全国")`` gathers the figures; each section is a function of them;
``report.build("annual", year=2023)`` makes the page.

A section takes ``facts`` by position (those of the year and region) and ``lang`` by name ("zh" or "en"; by
default that of ``QSTATS_LANG``), and returns a :class:`Section`. What was not published for the year is
named there as missing; it is no error. ``OptionError`` answers another language.
"""

from importlib import import_module
from typing import Any

_PUBLIC = (
    {
        "Facts": "facts",
        "Section": "page",
        "build": "publish",
        "table": "tables",
        "figure": "tables",
        "cards": "tables",
        "math": "page",
    }
    | dict.fromkeys(
        (
            "ANNUAL",
            "summary",
            "main_indicators",
            "products",
            "exports",
            "engineering",
            "services",
            "loss",
            "targets_met",
            "trends",
            "risk",
            "problems",
            "appendix",
        ),
        "sections",
    )
    | {"competitiveness": "sections"}
)

#: the sections of the other kinds of report, a module each; the words of editors
_MODULES = ("editorial", "qci", "quarterly", "region", "special")

__all__ = list(_PUBLIC)
__all__ += list(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"qstats.report.{_PUBLIC[name]}"), name)
    if name in _MODULES:
        return import_module(f"qstats.report.{name}")
    raise AttributeError(f"qstats.report has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
