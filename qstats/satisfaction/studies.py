"""A survey under a model: what is fitted for each group, by which options, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DataError, OptionError, one_of, whole_number
from qstats.messages import say
from qstats.satisfaction import drawn as drawing
from qstats.satisfaction.answers import Survey, survey
from qstats.satisfaction.models import Questionnaire, questionnaire, scales
from qstats.satisfaction.options import check_count, check_design, check_seed
from qstats.stats import pathmodel
from qstats.stats.path_moments import Missing, Moments, moments
from qstats.stats.path_quality import correlations
from qstats.stats.pathmodel import Fit, Fitting, Metric, Mode, PathModelError, Scheme
from qstats.survey.design import Design

Array = NDArray[np.float64]
Index = NDArray[np.intp]

Outer = Literal["group", "pooled"]
Negative = Literal["raise", "drop", "keep"]
Unfit = Literal["raise", "flag"]
Error = Literal["replicates", "linearised"]
DontKnow = float | Sequence[float] | Mapping[str, float | Sequence[float]]

#: the least eigenvalue of the correlations of a block: below, an item is a sum of others
COLLINEAR: Final = 1e-10


class How(NamedTuple):
    """The options of a study; see :func:`study`."""

    scheme: Scheme
    outer: Outer
    negative: Negative
    unfit: Unfit
    error: Error
    minimum_n: int
    max_iterations: int
    workers: int

    def fitting(self, metric: Metric) -> Fitting:
        """Return the options of a fit."""
        return Fitting(self.scheme, metric, max_iterations=self.max_iterations)


class Study(NamedTuple):
    """A survey under a model; make one with :func:`study`.

    Attributes
    ----------
    questions : Questionnaire
    survey : Survey
    how : How
    plan : Plan or None
        The replicates; None: linearised errors.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> one = study(answers, replicates=10, seed=1)
    >>> one
    Study(300 respondents, 18 items, 1 groups, model ccsi, 10 replicates (bootstrap))
    """

    questions: Questionnaire
    survey: Survey
    how: How
    plan: drawing.Plan | None

    @property
    def groups(self) -> int:
        """G."""
        return len(self.survey.labels)

    def __repr__(self) -> str:
        n, p = self.survey.X.shape
        error = "linearised" if self.plan is None else f"{self.plan.B} replicates ({self.plan.method})"
        shown = f"{n} respondents, {p} items, {self.groups} groups"
        return f"Study({shown}, model {self.questions.name}, {error})"


class Fitted(NamedTuple):
    """The model of one group (or of all), as it was fitted to the whole sample.

    Attributes
    ----------
    questions : Questionnaire
        Without the items that were dropped.
    at : ndarray of int
        Columns of the answers that its items are.
    rows : ndarray of int
        Respondents.
    moments : Moments
    fit : Fit
    dropped : tuple of str
        Items of negative weight that were left out.
    """

    questions: Questionnaire
    at: Index
    rows: Index
    moments: Moments
    fit: Fit
    dropped: tuple[str, ...]

    @property
    def standardised(self) -> Array:
        """Outer weights of z-scores: where replicates start."""
        return self.fit.standardised


def study(
    responses: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    model: str | pd.DataFrame = "ccsi",
    scale: tuple[float, float] | Mapping[str, tuple[float, float]] = (1, 10),
    mode: Mode | Mapping[str, Mode] = "A",
    scheme: Scheme = "path",
    outer: Outer = "group",
    design: Design | None = None,
    error: Error = "replicates",
    replicates: int | None = None,
    seed: int | None = None,
    missing: Missing = "raise",
    dont_know: DontKnow = (),
    negative: Negative = "raise",
    unfit: Unfit = "raise",
    minimum_n: int = 30,
    max_iterations: int = 300,
    workers: int = 1,
) -> Study:
    """Check a survey and say how it is to be fitted; :func:`index` and its neighbours then ask of it.

    Parameters
    ----------
    responses : table
        One row a respondent: the items of the model and the keys, under their names or Chinese or
        English labels; a DataFrame of any engine, a mapping of columns, or a CSV or XLSX file.
    by : str or sequence of str
        Keys of the groups (brand, service, period …); none: one group.
    model : {"ccsi", "ecsi", "acsi"} or DataFrame
        See :func:`questionnaire`.
    scale : (lowest, highest), or mapping of item or construct → (lowest, highest)
        The declared answers.
    mode : {"A", "B"} or mapping of construct → mode
        Items that reflect their construct, or form it.
    scheme : {"path", "factorial", "centroid"}
        How neighbouring constructs pull; see :func:`qstats.stats.pathmodel.fit`.
    outer : {"group", "pooled"}
        Weights of the items estimated anew in every group, or once from all respondents: then groups
        differ by their answers only.
    design : Design, optional
        How respondents were drawn, with weights, strata, primary units, calibration and replicates; by
        default at random, with weight 1.
    error : {"replicates", "linearised"}
        From replicates, in which the model is fitted anew: those of the design (jackknife, BRR, bootstrap,
        given weights), else `replicates` draws of the bootstrap of Rao and Wu of its primary units. Or
        linearised, the outer weights taken as known (only for an index).
    replicates, seed : int, optional
        Draws (500) and seed (0) of the bootstrap where the design names none. Each draw has a stream of
        its own.
    missing : {"raise", "casewise", "mean", "pairwise", "em"}
        See :func:`qstats.stats.path_moments.moments`; treated again in every replicate.
    dont_know : number, sequence, or mapping of item → number or sequence
        Codes that stand for no answer (98, 99); they become gaps, and are counted.
    negative : {"raise", "drop", "keep"}
        An item of negative outer weight: refuse; leave out the most negative, fit again, and say so; or
        keep it and say so, the index of its construct no longer being bounded by 0 and 100.
    unfit : {"raise", "flag"}
        A group to which the model cannot be fitted: refuse, or give no number and the reason.
    minimum_n : int
        Groups of fewer respondents are suppressed.
    max_iterations : int
        Rounds of a fit.
    workers : int
        Threads; results do not depend on them.

    Returns
    -------
    Study

    Raises
    ------
    DataError
        Answers outside the scale, gaps, fewer answers than items, a constant item, collinear items, a
        negative weight: with item, construct and count.
    FrameworkError
        A model with faults.

    References
    ----------
    Wold (1982), in Systems under Indirect Observation II, 1–54, for the model; Rao, Wu (1988), Journal of the
    American Statistical Association 83, 231–241, for the bootstrap.

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> found = study(answers, error="linearised")
    >>> found.questions.items[:2], found.plan is None
    (('IMAG1', 'IMAG2'), True)
    """
    _check(scheme, outer, error, missing, negative, unfit)
    _check_numbers(replicates, seed, minimum_n, max_iterations, workers)
    check_design(design)
    questions = questionnaire(model, mode=mode)
    items = questions.items
    answers = survey(
        responses,
        items,
        by=by,
        scale=scales(scale, questions),
        labels=questions.labels,
        blocks={item: questions.construct_of(item) for item in items},
        design=design,
        missing=missing,
        dont_know=dont_know,
    )
    if error == "linearised" and (missing == "em" or answers.drawn.adjusted is not None):
        raise OptionError(say("satisfaction.linearised"))
    if missing == "em" and outer == "pooled":
        raise OptionError(say("satisfaction.pooled_em"))
    how = How(scheme, outer, negative, unfit, error, minimum_n, max_iterations, workers)
    plan = drawing.planned(answers.drawn, error, replicates, seed)
    return Study(questions, answers, how, plan)


def require_study(value: object, /) -> None:
    """Raise OptionError unless `value` is a Study."""
    if not isinstance(value, Study):
        raise OptionError(
            say("satisfaction.no_study", value=f"{value!r:.200}", kind=type(value).__name__), value=value
        )


def _check(scheme: Any, outer: Any, error: Any, missing: Any, negative: Any, unfit: Any) -> None:
    one_of("scheme", scheme, get_args(Scheme))
    one_of("outer", outer, get_args(Outer))
    one_of("error", error, get_args(Error))
    one_of("missing", missing, get_args(Missing))
    one_of("negative", negative, get_args(Negative))
    one_of("unfit", unfit, get_args(Unfit))


def _check_numbers(replicates: Any, seed: Any, minimum_n: Any, max_iterations: Any, workers: Any) -> None:
    check_count("replicates", replicates, least=2)
    check_seed(seed)
    whole_number("minimum_n", minimum_n, least=1)
    whole_number("max_iterations", max_iterations, least=1)
    whole_number("workers", workers, least=1)


def fitted(of: Study, metric: Metric) -> tuple[list[Fitted | None], list[str]]:
    """Fit the model to the whole sample of every group.

    Returns
    -------
    list of Fitted or None
        None where the group is suppressed or, with ``unfit="flag"``, has no fit.
    list of str
        Why.
    """
    found: list[Fitted | None] = []
    reasons: list[str] = []
    pooled = _of_rows(of, of.survey.rows(), metric, "") if of.how.outer == "pooled" else None
    for g in range(of.groups):
        rows = of.survey.rows(g)
        if rows.size < of.how.minimum_n:
            found.append(None)
            reasons.append(say("satisfaction.suppressed", minimum=of.how.minimum_n))
            continue
        try:
            name = of.survey.named(g)
            own = _of_rows(of, rows, metric, name) if pooled is None else _means(of, pooled, rows, name)
            found.append(own)
            reasons.append("")
        except DataError as error:
            if of.how.unfit == "raise":
                raise
            found.append(None)
            reasons.append(f"undefined: {error}")
    return found, reasons


def _of_rows(of: Study, rows: Index, metric: Metric, group: str) -> Fitted:
    """Fit the model to some respondents, dropping items as the policy says."""
    questions, at = of.questions, np.arange(len(of.questions.items))
    dropped: list[str] = []
    while True:
        m = _moments(of, questions, at, rows, group)
        try:
            fit = pathmodel.fit(m.covariance, questions.model, how=of.how.fitting(metric))
        except PathModelError as error:
            raise DataError(_explained(error, questions, group)) from error
        worst = int(np.argmin(fit.standardised))
        if fit.standardised[worst] >= 0 or of.how.negative == "keep":
            return Fitted(questions, at, rows, m, fit, tuple(dropped))
        item = questions.items[worst]
        place = {"item": item, "construct": questions.construct_of(item), "group": group}
        alone = np.count_nonzero(questions.model.blocks == questions.model.blocks[worst]) == 1
        if of.how.negative == "raise" or alone:
            count = int(np.count_nonzero(fit.standardised < 0))
            weight = f"{fit.standardised[worst]:.4g}"
            raise DataError(say("satisfaction.negative", **place, weight=weight, count=count))
        dropped.append(item)
        questions, at = questions.without(item), np.delete(at, worst)


def _means(of: Study, pooled: Fitted, rows: Index, group: str) -> Fitted:
    """Return the pooled fit with the item means of a group."""
    from qstats.stats.satisfaction import item_means

    own = item_means(of.survey.X[rows][:, pooled.at], of.survey.drawn.weight[rows][:, None])[:, 0]
    if np.isnan(own).any():
        item = pooled.questions.items[int(np.isnan(own).argmax())]
        raise DataError(say("satisfaction.unanswered", item=item, group=group))
    return pooled._replace(rows=rows, moments=pooled.moments._replace(mean=own, n=rows.size))


def _moments(of: Study, questions: Questionnaire, at: Index, rows: Index, group: str) -> Moments:
    """Return the moments of some respondents, or say which item stands in the way."""
    X, p = of.survey.X[rows][:, at], len(at)
    if rows.size < p:
        constructs = len(questions.constructs)
        raise DataError(say("satisfaction.few", count=rows.size, items=p, constructs=constructs, group=group))
    empty = np.isnan(X).all(0)
    if empty.any():
        raise DataError(
            say("satisfaction.unanswered", item=_listed(questions, np.flatnonzero(empty)), group=group)
        )
    fixed = np.flatnonzero(np.nanmax(X, 0) == np.nanmin(X, 0))
    if fixed.size:
        value = f"{np.nanmax(X[:, fixed[0]]):g}"
        said = _listed(questions, fixed)
        raise DataError(say("satisfaction.constant", item=said, value=value, count=rows.size, group=group))
    try:
        m = moments(X, of.survey.drawn.weight[rows], missing=of.survey.missing)
    except DataError as error:
        raise DataError(f"{group}: {error}" if group else str(error)) from error
    R = correlations(m.covariance)
    for c, construct in enumerate(questions.constructs):
        own = np.flatnonzero(questions.model.blocks == c)
        values, vectors = np.linalg.eigh(R[np.ix_(own, own)])
        if own.size > 1 and values[0] < COLLINEAR:
            items = own[np.abs(vectors[:, 0]) > 1e-6]
            said = ", ".join(questions.items[j] for j in items)
            raise DataError(
                say("satisfaction.collinear", items=said, construct=construct, count=rows.size, group=group)
            )
    return m


def _listed(questions: Questionnaire, at: Index) -> str:
    return ", ".join(f"{i} ({questions.construct_of(i)})" for i in (questions.items[j] for j in at))


def _explained(error: PathModelError, questions: Questionnaire, group: str) -> str:
    """Return the message of a fit that failed, with names."""
    constructs = ", ".join(questions.constructs[c] for c in error.constructs)
    items = ", ".join(questions.items[j] for j in error.items)
    return say(
        "satisfaction.unfit",
        reason=error.reason,
        constructs=constructs or "—",
        items=items or "—",
        group=group,
        said=str(error),
    )
