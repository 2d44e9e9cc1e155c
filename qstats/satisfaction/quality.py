"""How well the items measure: loadings, reliability, validity, fit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import one_of, within_0_1
from qstats.satisfaction.indices import uncertain
from qstats.satisfaction.replicated import solve
from qstats.satisfaction.studies import Fitted, Study, fitted, require_study
from qstats.stats import path_fit, path_index, path_inner, path_quality
from qstats.stats.path_index import METRIC, Convention
from qstats.stats.pathmodel import Fit
from qstats.stats.satisfaction import points

Array = NDArray[np.float64]


def items(of: Study, /, *, convention: Convention = "U") -> pd.DataFrame:
    """Return what each item adds: weights and loadings with their errors.

    Parameters
    ----------
    of : Study
    convention : {"U", "S", "R", "M"}
        Of ``index_weight``.

    Returns
    -------
    DataFrame
        Keys of the groups, ``construct, item, zh, en, n, mean, std``, ``weight`` (outer weight of the
        standardised item) and ``loading``, each with ``_std_error`` (NaN without replicates),
        ``communality, vif``, and ``index_weight``, the share of the item in the index of its construct: given
        as ``weights`` to :func:`qstats.customer_satisfaction`, it holds the weights of another year fixed.
        Items that were dropped, and suppressed groups, are not listed.

    Raises
    ------
    OptionError
        `of` is no study; a choice that does not exist.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> found = items(one)
    >>> found.groupby("construct")["index_weight"].sum().round(9).unique().tolist()
    [1.0]
    """
    require_study(of)
    one_of("convention", convention, tuple(METRIC))
    p = len(of.questions.items)

    def statistic(mean: Array, S: Array, fit: Fit, own: Fitted) -> Array:
        full = np.full((len(fit.weights), 2, p), np.nan)
        full[:, 0, own.at], full[:, 1, own.at] = fit.standardised, fit.loadings
        return full.reshape(len(fit.weights), 2 * p)

    found = solve(of, METRIC[convention], statistic, 2 * p)
    error = np.full((of.groups, 2, p), np.nan)
    if of.plan is not None:
        got = uncertain(of, found, statistic, "t", 0.95, share=False)
        error = got.std_error.reshape(of.groups, 2, p)
    parts = []
    for g, own in _shown(found.fits):
        q, S = own.questions, own.moments.covariance
        u = path_index.index_weights(own.fit.weights, S, convention=convention)
        parts.append(
            of.survey.keyed([g] * len(q.items)).assign(
                construct=[q.construct_of(i) for i in q.items],
                item=q.items,
                **q.labelled(q.items),
                n=own.rows.size,
                mean=own.moments.mean,
                std=np.sqrt(np.diagonal(S)),
                weight=own.fit.standardised,
                weight_std_error=error[g, 0, own.at],
                loading=own.fit.loadings,
                loading_std_error=error[g, 1, own.at],
                communality=path_quality.communality(own.fit.loadings),
                vif=path_inner.vif(path_quality.correlations(S), own.fit.correlations, q.model).outer,
                index_weight=_shares(u, own),
            )
        )
    return _stacked(parts)


def constructs(of: Study, /) -> pd.DataFrame:
    """Return how reliable each construct is, and how much of it is explained.

    Parameters
    ----------
    of : Study

    Returns
    -------
    DataFrame
        Keys of the groups, ``construct, zh, en, items, n``, ``alpha`` (Cronbach), ``rho_a`` (Dijkstra and
        Henseler), ``rho_c`` (composite reliability), ``ave`` (average variance extracted), ``eigenvalue_1,
        eigenvalue_2`` (one-dimensional where the second is below 1), ``r2, r2_adjusted``, and
        ``fornell_larcker`` (√AVE exceeds every correlation with another construct). NaN where a measure
        is not defined: reliability of one item, R² of a construct without predictors.

    Raises
    ------
    OptionError
        `of` is no study.

    References
    ----------
    Fornell, Larcker (1981), Journal of Marketing Research 18, 39–50; Dijkstra, Henseler (2015), MIS
    Quarterly 39, 297–316, for rho_a.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> found = constructs(one)
    >>> found["items"].tolist(), bool(found["ave"].between(0.5, 1).all())
    ([4, 3, 4, 2, 3, 2], True)
    """
    require_study(of)
    parts = []
    for g, own in _shown(fitted(of, "standardised")[0]):
        q, model, fit = own.questions, own.questions.model, own.fit
        R = path_quality.correlations(own.moments.covariance)
        ave = path_quality.block_mean(path_quality.communality(fit.loadings), model)
        values = path_quality.eigenvalues(R, model)
        parts.append(
            of.survey.keyed([g] * len(q.constructs)).assign(
                construct=q.constructs,
                **q.labelled(q.constructs),
                items=np.bincount(model.blocks),
                n=own.rows.size,
                alpha=path_quality.alpha(R, model),
                rho_a=path_quality.rho_a(fit.standardised, R, model),
                rho_c=path_quality.composite_reliability(fit.loadings, model),
                ave=ave,
                eigenvalue_1=values[:, 0],
                eigenvalue_2=values[:, 1],
                r2=fit.r2,
                r2_adjusted=path_inner.adjusted_r2(fit.r2, model, own.rows.size),
                fornell_larcker=path_quality.fornell_larcker(ave, fit.correlations)[1],
            )
        )
    return _stacked(parts)


def discriminant(of: Study, /, *, level: float = 0.95) -> pd.DataFrame:
    """Return whether constructs differ: correlations and HTMT of every pair.

    Parameters
    ----------
    of : Study
    level : float
        Of the percentile interval of HTMT, where replicates are a bootstrap.

    Returns
    -------
    DataFrame
        Keys of the groups, ``a, b, correlation, htmt, htmt_low, htmt_high``; NaN where a block has one item.

    Raises
    ------
    OptionError
        `of` is no study; a choice that does not exist; `level` is not between 0 and 1.

    References
    ----------
    Henseler, Ringle, Sarstedt (2015), A new criterion for assessing discriminant validity, JAMS 43.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> found = discriminant(one)
    >>> len(found), bool((found["htmt"] < 0.9).all())
    (15, True)
    """
    require_study(of)
    within_0_1("level", level)
    C = len(of.questions.constructs)
    a, b = np.tril_indices(C, -1)

    def statistic(mean: Array, S: Array, fit: Fit, own: Fitted) -> Array:
        return path_quality.htmt(path_quality.correlations(S), own.questions.model)[:, a, b]

    found = solve(of, "standardised", statistic, a.size)
    low = high = np.full(found.estimate.size, np.nan)
    if of.plan is not None and of.plan.random:
        _, low, high, _, _ = uncertain(of, found, statistic, "percentile", level, share=False)
    names = np.array(of.questions.constructs, dtype=object)
    parts = [
        of.survey.keyed([g] * a.size).assign(
            a=names[a],
            b=names[b],
            correlation=own.fit.correlations[a, b],
            htmt=found.estimate[g],
            htmt_low=low.reshape(of.groups, -1)[g],
            htmt_high=high.reshape(of.groups, -1)[g],
        )
        for g, own in _shown(found.fits)
    ]
    return _stacked(parts)


def fit_measures(of: Study, /) -> pd.DataFrame:
    """Return how well the model as a whole explains the correlations of its items.

    Parameters
    ----------
    of : Study

    Returns
    -------
    DataFrame
        Keys of the groups, ``n, iterations, srmr, d_uls, d_g`` (of the composite model, natural logarithms),
        ``gof``.

    Raises
    ------
    OptionError
        `of` is no study.

    References
    ----------
    Hu, Bentler (1999), Structural Equation Modeling 6, 1–55, for the SRMR; Dijkstra, Henseler (2015),
    Computational Statistics and Data Analysis 81, 10–23, for the distances.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> one = study(answers, replicates=10, seed=1)
    >>> fit_measures(one)[["n", "srmr"]].round(2).values.tolist()
    [[300.0, 0.05]]
    """
    require_study(of)
    parts = []
    for g, own in _shown(fitted(of, "standardised")[0]):
        R, fit, model = path_quality.correlations(own.moments.covariance), own.fit, own.questions.model
        implied = path_fit.implied(fit.loadings, fit.paths, fit.correlations, R, model)
        far = path_fit.distance(R, implied)
        parts.append(
            of.survey.keyed([g]).assign(
                n=own.rows.size,
                iterations=int(fit.iterations),
                srmr=float(far.srmr),
                d_uls=float(far.d_uls),
                d_g=float(far.d_g),
                gof=float(path_fit.goodness_of_fit(fit.loadings, fit.r2, model)),
            )
        )
    return _stacked(parts)


def _shown(fits: list[Fitted | None]) -> Iterator[tuple[int, Fitted]]:
    yield from ((g, own) for g, own in enumerate(fits) if own is not None)


def _shares(u: Array, own: Fitted) -> Array:
    """Return the weights of an index that add up to 1 within a construct."""
    share = np.empty(len(u))
    for c in range(len(own.questions.constructs)):
        inside = own.questions.model.blocks == c
        share[inside] = points(u[inside], 0.0, 1.0) / 100
    return share


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
