"""Estimation from probability samples: designs, cells of any engine, and what is estimated from them.

Doors: :mod:`~qstats.survey.design`, :mod:`~qstats.survey.cells`, :mod:`~qstats.survey.estimators`,
:mod:`~qstats.survey.quantile`, and :mod:`~qstats.survey.designed` for the indicators. Behind cells: a
plan of sums (plan), how an engine makes them (engines, duck, query, onepass, pushdown) and whether they
are sound (soundness, faults, schema_pass, keys). Behind estimates: which cell enters which row
(fitting), which unit is whose (units), what was done to weights (adjusting, replicating), and the
`Estimate` in the end (results).
"""
