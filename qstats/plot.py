"""Figures in one line: ``qs.plot.ranked(estimate)``.

Each is a function of an Estimate, or of the table that another function of the library returns, and
returns a matplotlib figure that knows its alternative text (``figure.alt``), shows itself in a notebook, and
is saved with its font by ``figure.savefig("name.png")`` (or ``.svg``, ``.pdf``).

=================  ==========================================  ===========================================
function           draws                                       from
=================  ==========================================  ===========================================
``lines``          lines over time with intervals              Estimates with a period
``multiples``      a small line chart for each region          an Estimate by period and region
``ranked``         dots from high to low with intervals        an Estimate
``forest``         intervals of estimates or ranks in figures  an Estimate; ``qs.compare``
``bars``           bars from zero                              an Estimate
``tiles``          a square for every province, or city        an Estimate by region
``heat``           a shaded table, region × indicator          an Estimate with two keys; several
``slopes``         ranks in two periods                        an Estimate by period and region
``targets``        values against their targets                ``qs.targets``
``pareto``         the few causes that make up 80 %            an Estimate, or a table
``contributions``  bars that add up                            ``qs.contributions``, or a table
``waterfall``      how parts lead to a whole, or to a change   ``qs.contributions``, ``qs.decompose``
``tree``           an index with its weights and scores        a framework; ``qs.competitiveness_index``
``control``        points, limits and signals; EWMA, CUSUM     ``qs.monitor``; ``qs.seasonal_cusum``
``funnel``         rates against limits by size                ``qs.funnel``
``fan``            a forecast and its limits                   ``qs.forecast``
``importance``     what to improve first                       ``satisfaction.importance_performance``
``paths``          what acts on what                           ``satisfaction.paths``
=================  ==========================================  ===========================================

``with qs.plot.theme(): …`` gives one's own plots the same look; ``theme(palette="grey")`` is for print
without colour. Text in names is printed as it is: ``$`` and ``_`` mean nothing.
"""

from qstats.report.amounts import bars
from qstats.report.bars import contributions, pareto
from qstats.report.control import control
from qstats.report.fans import fan
from qstats.report.framework_tree import framework_tree as tree
from qstats.report.funnel_chart import funnel
from qstats.report.heat import heat
from qstats.report.importance import importance
from qstats.report.intervals import forest
from qstats.report.lines import trend as lines
from qstats.report.multiples import multiples
from qstats.report.path_diagram import paths
from qstats.report.ranks import ranked
from qstats.report.slopes import slopes
from qstats.report.targets import target_bullets as targets
from qstats.report.theme import theme
from qstats.report.tiles import tile_grid as tiles
from qstats.report.waterfall import waterfall

__all__ = [
    "bars",
    "contributions",
    "control",
    "fan",
    "forest",
    "funnel",
    "heat",
    "importance",
    "lines",
    "multiples",
    "pareto",
    "paths",
    "ranked",
    "slopes",
    "targets",
    "theme",
    "tiles",
    "tree",
    "waterfall",
]
