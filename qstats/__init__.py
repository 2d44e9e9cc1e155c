"""qstats: macro-quality statistics.

An indicator is a function from a checked table to an `Estimate`. The index is a function
from Estimates to an `Estimate`. A report section is a function from Estimates to a page.
"""

from importlib import import_module
from typing import Any

from qstats.errors import NOTEBOOK

__version__ = "0.1.0"

_PUBLIC = {
    # data
    "catalog": "datasets",
    "load": "datasets",
    "published": "datasets",
    "simulate": "simulation",
    # nouns
    "Schema": "schema",
    "check": "checking",
    "Design": "survey.design",
    "Cells": "survey.cells",
    "cells": "survey.cells",
    "Estimate": "estimate",
    # tables in
    "Layout": "layouts",
    "read_table": "files",
    "read_database": "databases",
    "database_batches": "databases",
    "schema_of": "indicators",
    "entry_form": "forms",
    "collect": "returns",
    "complete_regions": "missing_regions",
    "soft_edits": "last_period",
    "keep_confirmations": "confirmations",
    "confirm": "confirmations",
    # any column of any table
    "ratio": "survey.estimators",
    "mean": "survey.estimators",
    "total": "survey.estimators",
    "proportion": "survey.estimators",
    "quantile": "survey.quantile",
    # indicators
    "product_pass_rate": "indicators.product_pass_rate",
    "inspection_pass_rate": "indicators.inspection_pass_rate",
    "export_pass_rate": "indicators.export_pass_rate",
    "acceptance_rate": "indicators.acceptance_rate",
    "customer_satisfaction": "indicators.customer_satisfaction",
    "quality_loss_rate": "indicators.quality_loss_rate",
    "grade_rate": "indicators.grade_rate",
    "event_rate": "indicators.event_rate",
    # index
    "framework": "index.frameworks",
    "competitiveness_index": "index.build",
    "specified_index": "index.specified",
    "published_indicators": "index.inputs",
    "contributions": "index.contributions",
    "change_contributions": "index.contributions",
    "add_up": "index.hierarchy",
    "change_effects": "index.hierarchy",
    "uncertainty": "index.uncertainty",
    "sensitivity": "index.sensitivity",
    "index_runs": "index.repeated",
    "run_summary": "index.uncertainty",
    "outranking": "index.ranks",
    "rank_groups": "index.ranks",
    "rank_acceptability": "index.ranks",
    "significant_changes": "index.ranks",
    "audit": "index.audit",
    "compare_specifications": "index.audit",
    "admissible_weights": "index.admissible",
    "bands": "index.bands",
    # steps of an index, each alone
    "screen": "index.steps",
    "denominate": "index.steps",
    "impute": "index.steps",
    "treat": "index.steps",
    "normalise": "index.steps",
    "weigh": "index.steps",
    "benefit_of_the_doubt": "index.steps",
    "aggregate": "index.steps",
    # questions
    "change": "analysis.change",
    "decompose": "analysis.decompose",
    "trend": "analysis.trend",
    "breaks": "analysis.breaks",
    "smooth": "analysis.smooth",
    "seasonal": "analysis.smooth",
    "linked": "analysis.linked",
    "forecast": "analysis.forecast",
    "backtest": "analysis.forecast",
    "targets": "analysis.targets",
    "scorecard": "analysis.scorecard",
    "grade_ranks": "analysis.scorecard",
    "macro": "analysis.macro",
    "granger": "analysis.granger",
    "panel_regression": "analysis.panel_regression",
    "errors_in_variables": "analysis.panel_regression",
    "compare": "analysis.compare",
    "position_name": "analysis.compare",
    "peers": "analysis.peers",
    "international": "analysis.peers",
    "inequality": "analysis.inequality",
    "convergence": "analysis.inequality",
    "clubs": "analysis.clubs",
    "funnel": "analysis.funnel",
    "monitor": "analysis.monitor",
    "episodes": "analysis.signals",
    "outbreaks": "analysis.outbreaks",
    "seasonal_cusum": "analysis.seasonal_cusum",
    "accept": "analysis.acceptance",
    "sample_size": "analysis.acceptance",
    "flags": "analysis.publication",
    "small_area": "analysis.small_area",
    "vintages": "analysis.revisions",
    "published_vintages": "analysis.published_vintages",
    "revisions": "analysis.revisions",
    "revision_triangle": "analysis.revisions",
    "revision_summary": "analysis.revisions",
    "suppress": "analysis.suppress",
}
_MODULES = ("report", "stats", "indicators", "index", "satisfaction", "analysis", "errors", "plot")

__all__ = list(_PUBLIC)

NOTEBOOK["lines"] = lambda error: import_module("qstats.tracebacks").render(error)
NOTEBOOK["html"] = lambda error: import_module("qstats.display").violations(error)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"qstats.{_PUBLIC[name]}"), name)
    if name in _MODULES:
        return import_module(f"qstats.{name}")
    near = import_module("qstats.errors").nearest(name, __dir__())
    hint = f"did you mean {near!r}?" if near else f"it has {', '.join(__all__)}"
    raise AttributeError(f"qstats has no {name!r}; {hint}")


def __dir__() -> list[str]:
    return [*__all__, *_MODULES, "__version__"]
