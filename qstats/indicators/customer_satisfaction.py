"""顾客满意度: the index of a construct, from 0 to 100, by a path model or by weighted item means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from qstats.errors import OptionError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.satisfaction import means
from qstats.satisfaction.indices import Interval, index
from qstats.satisfaction.models import questionnaire
from qstats.satisfaction.studies import DontKnow, Error, Negative, Outer, Unfit, study
from qstats.schema import EDITION, INDUSTRY, PERIOD, REGION, Column, Schema
from qstats.stats.path_index import METRIC, Convention
from qstats.stats.path_moments import Missing
from qstats.stats.pathmodel import Metric, Mode, Scheme

if TYPE_CHECKING:
    import pandas as pd

    from qstats.survey.design import Design

SCHEMA: Final = Schema(
    name="customer_satisfaction",
    zh="顾客满意度调查",
    en="customer satisfaction survey",
    columns=(
        PERIOD,
        REGION,
        EDITION,
        INDUSTRY,
        Column("sector", "text", "调查领域", "sector", ("服务行业", "领域"), required=False),
        Column("brand", "text", "品牌", "brand", required=False),
        Column("sat1", "number", "总体满意度", "overall satisfaction", minimum=1, maximum=10),
        Column("sat2", "number", "与期望相比", "compared with expectations", minimum=1, maximum=10),
        Column("sat3", "number", "与理想相比", "compared with the ideal", minimum=1, maximum=10),
    ),
)

ITEMS: Final = ("sat1", "sat2", "sat3")
Method = Literal["pls", "mean"]


def customer_satisfaction(
    responses: Any,
    /,
    *,
    by: str | Sequence[str] = (),
    model: str | pd.DataFrame | None = None,
    index_of: str = "SAT",
    method: Method | None = None,
    items: Sequence[str] | None = None,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    scale: tuple[float, float] | Mapping[str, tuple[float, float]] = (1, 10),
    convention: Convention = "U",
    mode: Mode | Mapping[str, Mode] = "A",
    scheme: Scheme = "path",
    metric: Metric | None = None,
    outer: Outer = "group",
    design: Design | None = None,
    error: Error | None = None,
    replicates: int | None = None,
    seed: int | None = None,
    interval: Interval | None = None,
    level: float = 0.95,
    minimum_n: int | None = None,
    dont_know: DontKnow = (),
    negative: Negative = "raise",
    unfit: Unfit = "raise",
    missing: Missing = "raise",
    max_iterations: int = 300,
    workers: int = 1,
) -> Estimate:
    r"""Estimate customer satisfaction on a scale from 0 to 100.

    .. math:: CSI = 100\,\frac{\sum_j u_j (\bar x_j - a_j)}{\sum_j u_j (b_j - a_j)}

    over the items j of a construct, answered from a to b. With a `model`, u comes from the outer
    weights of its path model (``method="pls"``); without one, u is given (``method="mean"``; equal by
    default). All answers at the bottom give 0, all at the top 100; a common factor of u cancels.

    Parameters
    ----------
    responses : table
        One row a respondent, one column an item, and keys (``period, region, brand`` …): any engine, a
        mapping of columns, or a CSV or XLSX file. Headers may be the labels of the model. Without a
        model and a design, a table of item means works too: its index is exact and its error NaN.
    by : str or sequence of str
        Keys of the result; none: one index for all.
    model : {"ccsi", "ecsi", "acsi"} or DataFrame, optional
        See :func:`qstats.satisfaction.questionnaire`.
    index_of : str
        The construct of the model.
    method : {"pls", "mean"}, optional
        By default ``pls`` with a model, ``mean`` without.
    items, weights
        Of ``mean``: columns (by default those of the construct, else ``sat1, sat2, sat3``), and a positive
        number each, by name or in their order.
    scale : (lowest, highest), or mapping of item (or construct of the model) → (lowest, highest)
        The declared answers.
    convention : {"U", "S", "R", "M"}
        What u is in ``pls``; see :func:`qstats.satisfaction.index`.
    metric : {"standardised", "raw"}, optional
        Of the fit. The convention settles it: raw for R, else standardised; another is refused.
    mode, scheme, outer, negative, unfit, max_iterations, workers
        Of ``pls``; see :func:`qstats.satisfaction.study`.
    design : Design, optional
        How respondents were drawn; by default at random.
    error : {"replicates", "linearised"}, optional
        By default replicates for ``pls`` and for designs that make them or calibrate, else linearised
        (of ``pls``: the outer weights taken as known).
    replicates, seed : int, optional
        Draws (500) and seed (0) of the bootstrap of Rao and Wu, where the design names no replicates.
    interval : {"t", "logit", "percentile", "bca"}, optional
        By default t, cut to 0 and 100; the last two are quantiles of bootstrap replicates.
    level : float
        Confidence level.
    minimum_n : int, optional
        Groups of fewer respondents are suppressed; by default 30 for ``pls``, 1 for ``mean``.
    dont_know : number, sequence, or mapping of item → number or sequence
        Codes that stand for no answer.
    missing : {"raise", "casewise", "mean", "pairwise", "em"}
        An item without answer: refuse; leave the respondent out; take item means over those who
        answered; of ``pls`` only, pairwise covariances or maximum likelihood. The notes count.

    Returns
    -------
    Estimate
        In 分, with ``df`` and ``flag``, and with a model or a design ``deff, n_eff``. ``n`` counts the
        respondents used. An error that is not known is NaN.

    Raises
    ------
    DataError
        Answers outside the scale, gaps under ``raise``; of ``pls`` also constant or collinear items, fewer
        answers than items, a negative outer weight: with item, construct and count.
    OptionError
        Weights that do not fit the items or are not positive, a scale that does not ascend, an argument
        that has no effect on the method.
    FrameworkError
        A model with faults.

    References
    ----------
    GB/T 19038-2009; Fornell et al. (1996), Journal of Marketing 60(4), 7–18, for the index.

    Examples
    --------
    >>> means = {"a": [8], "b": [7], "c": [6]}
    >>> round(customer_satisfaction(means, items=["a", "b", "c"], weights=[0.4, 0.3, 0.3]).value(), 2)
    67.78
    >>> from qstats.simulation import simulate
    >>> survey = simulate("satisfaction", year=2023, seed=4)
    >>> customer_satisfaction(survey, by="service", model="ccsi").table["estimate"].round(1).tolist()
    [81.3, 81.3, 81.3, 81.4]
    """
    one_of("method", method, (None, "pls", "mean"))
    chosen = method or ("mean" if model is None else "pls")
    common: dict[str, Any] = {"by": by, "missing": missing, "dont_know": dont_know, "design": design}
    drawing: dict[str, Any] = {"error": error, "replicates": replicates, "seed": seed}
    fitting: dict[str, tuple[Any, Any]] = {
        "mode": (mode, "A"),
        "scheme": (scheme, "path"),
        "outer": (outer, "group"),
        "negative": (negative, "raise"),
        "unfit": (unfit, "raise"),
        "max_iterations": (max_iterations, 300),
        "workers": (workers, 1),
    }
    if chosen == "mean":
        _refuse_unused("mean", convention=(convention, "U"), metric=(metric, None), **fitting)
        options = common | drawing
        return _of_means(
            responses, model, index_of, items, weights, scale, minimum_n or 1, interval, level, options
        )
    _refuse_unused("pls", items=(items, None), weights=(weights, None))
    _refuse_metric(metric, convention)
    found = study(
        responses,
        model="ccsi" if model is None else model,
        scale=scale,
        minimum_n=30 if minimum_n is None else minimum_n,
        **(common | drawing | {"error": error or "replicates"}),
        **{name: value for name, (value, _) in fitting.items()},
    )
    return index(found, index_of=index_of, convention=convention, interval=interval, level=level)


def _of_means(
    responses: Any,
    model: str | pd.DataFrame | None,
    index_of: str,
    items: Sequence[str] | None,
    weights: Mapping[str, float] | Sequence[float] | None,
    scale: Any,
    minimum_n: int,
    interval: Any,
    level: float,
    options: dict[str, Any],
) -> Estimate:
    """Return the index of weighted item means, by sums where nothing asks for more."""
    one_of("missing", options["missing"], ("raise", "casewise", "mean"))
    labels: dict[str, tuple[str, str]] = {c.name: (c.zh, c.en) for c in SCHEMA.columns if c.name in ITEMS}
    if model is not None:
        _refuse_unused("mean", items=(items, None))
        questions = questionnaire(model)
        c = questions.position(index_of)
        own = [i for i, block in zip(questions.items, questions.model.blocks, strict=True) if block == c]
        labels = questions.labels
    else:
        _refuse_unused("mean", index_of=(index_of, "SAT"))
        own = means.checked_items(ITEMS if items is None else items)
    w, ends = means.checked_weights(weights, own), means.checked_scale(scale, own)
    plain = options["design"] is None and options["error"] is None and not _any(options["dont_know"])
    if plain and minimum_n == 1 and model is None and interval not in ("percentile", "bca"):
        by, missing = options["by"], options["missing"]
        return means.summed(
            responses, SCHEMA, own, w, by=by, scale=ends, missing=missing, interval=interval, level=level
        )
    return means.designed(
        responses,
        own,
        w,
        scale=ends,
        labels=labels,
        minimum_n=minimum_n,
        interval=interval,
        level=level,
        **options,
    )


def _any(codes: Any) -> bool:
    return not isinstance(codes, Sequence | Mapping) or len(codes) > 0


def _refuse_metric(metric: Metric | None, convention: Convention) -> None:
    one_of("convention", convention, tuple(METRIC))
    one_of("metric", metric, (None, "standardised", "raw"))
    needs = METRIC[convention]
    if metric not in (None, needs):
        raise OptionError(say("satisfaction.metric", convention=convention, needs=needs, metric=metric))


def _refuse_unused(method: Method, **given: tuple[object, object]) -> None:
    """Raise for an argument that the method does not look at and that is not its default."""
    for argument, (value, default) in given.items():
        if value is not default and value != default:
            hint = say("satisfaction.unused.mean" if method == "pls" else "satisfaction.unused.pls")
            said = say("satisfaction.unused", argument=argument, value=value, method=method, hint=hint)
            raise OptionError(said, argument=argument, value=value)
