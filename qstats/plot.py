"""Figures in one line: ``qs.plot.ranked(estimate)``; see :mod:`qstats.report.charts`."""

from qstats.report.charts import contributions, pareto, ranked, target_bullets, tile_grid, trend

__all__ = ["contributions", "pareto", "ranked", "target_bullets", "tile_grid", "trend"]
