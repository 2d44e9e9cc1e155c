"""The charts: each is a function from Estimates, or a small table, to a figure.

=====================  ==========================================  =============================
function               draws                                       from
=====================  ==========================================  =============================
:func:`trend`          lines over time with intervals              Estimates with a period
:func:`ranked`         dots from high to low with intervals        an Estimate
:func:`tile_grid`      a square for every province, or city        an Estimate by region
:func:`target_bullets` values against their targets                a table of targets
:func:`pareto`         the few causes that make up 80 %            an Estimate, or a table
:func:`contributions`  what a score is made of                     a table that adds up
=====================  ==========================================  =============================

A figure knows its alternative text (``figure.alt``) and is shown by a notebook though pyplot
does not know it. Text in names is printed as it is: ``$`` and ``_`` mean nothing.
"""

from qstats.report.bars import contributions, pareto
from qstats.report.lines import trend
from qstats.report.ranks import ranked
from qstats.report.targets import target_bullets
from qstats.report.tiles import tile_grid

__all__ = ["contributions", "pareto", "ranked", "target_bullets", "tile_grid", "trend"]
