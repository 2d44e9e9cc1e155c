"""The charts: each is a function from Estimates, or a small table, to a figure.

======================  ==========================================  =============================
function                draws                                       from
======================  ==========================================  =============================
:func:`trend`           lines over time with intervals              Estimates with a period
:func:`multiples`       a small line chart for each region          an Estimate by period, region
:func:`ranked`          dots from high to low with intervals        an Estimate
:func:`forest`          intervals of estimates or of ranks          an Estimate; ``compare``
:func:`bars`            bars from zero                              an Estimate
:func:`tile_grid`       a square for every province, or city        an Estimate by region
:func:`heat`            a shaded table                              an Estimate with two keys
:func:`slopes`          ranks in two periods                        an Estimate by period, region
:func:`target_bullets`  values against their targets                a table of targets
:func:`pareto`          the few causes that make up 80 %            an Estimate, or a table
:func:`contributions`   what a score is made of                     a table that adds up
:func:`waterfall`       how parts lead to a whole, or to a change   ``contributions, decompose``
:func:`framework_tree`  an index with its weights and scores        a framework, an index
:func:`control`         points, limits and signals                  ``monitor``
:func:`funnel`          rates against limits by size                ``funnel``
:func:`fan`             a forecast and its limits                   ``forecast``
:func:`importance`      what to improve first                       ``importance_performance``
:func:`paths`           what acts on what                           ``paths``
======================  ==========================================  =============================

A figure knows its alternative text (``figure.alt``) and is shown by a notebook though pyplot
does not know it. Text in names is printed as it is: ``$`` and ``_`` mean nothing. In a notebook they have
shorter names: :mod:`qstats.plot`.
"""

from qstats.report.amounts import bars
from qstats.report.bars import contributions, pareto
from qstats.report.control import control
from qstats.report.fans import fan
from qstats.report.framework_tree import framework_tree
from qstats.report.funnel_chart import funnel
from qstats.report.heat import heat
from qstats.report.importance import importance
from qstats.report.intervals import forest
from qstats.report.lines import trend
from qstats.report.multiples import multiples
from qstats.report.path_diagram import paths
from qstats.report.ranks import ranked
from qstats.report.slopes import slopes
from qstats.report.targets import target_bullets
from qstats.report.tiles import tile_grid
from qstats.report.waterfall import waterfall

__all__ = [
    "bars",
    "contributions",
    "control",
    "fan",
    "forest",
    "framework_tree",
    "funnel",
    "heat",
    "importance",
    "multiples",
    "pareto",
    "paths",
    "ranked",
    "slopes",
    "target_bullets",
    "tile_grid",
    "trend",
    "waterfall",
]
