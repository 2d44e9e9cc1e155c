"""顾客满意度: the index of a construct, from 0 to 100, by a path model or by weighted item means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from qstats.errors import DataError, OptionError, one_of
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.satisfaction import means
from qstats.satisfaction.indices import Interval, check_interval, index
from qstats.satisfaction.models import questionnaire
from qstats.satisfaction.options import check_count, check_design, check_seed, codes
from qstats.satisfaction.studies import DontKnow, Error, Negative, Outer, Study, Unfit, study
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
        Column("sat1", "number", "总体满意", "overall satisfaction", ("总体满意度",), minimum=1, maximum=10),
        Column(
            "sat2",
            "number",
            "与预期相比",
            "compared with expectations",
            ("与期望相比",),
            minimum=1,
            maximum=10,
        ),
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
    model: str | pd.DataFrame = "ccsi",
    index_of: str = "SAT",
    method: Method = "pls",
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

    over the items j of a construct, answered from a to b. With ``method="pls"`` u comes from the outer
    weights of a path model, which needs the items of all its constructs; with ``method="mean"`` u is given
    (equal by default), for any columns. All answers at the bottom give 0, all at the top 100; a common
    factor of u cancels.

    Parameters
    ----------
    responses : table
        One row a respondent, one column an item, and keys (``period, region, brand`` …): any engine, a
        mapping of columns, or a CSV or XLSX file. Headers may be the labels of the model. With
        ``method="mean"`` and no design, a table of item means works too: its index is exact, its error NaN.
    by : str or sequence of str
        Keys of the result; none: one index for all. They are read like headers: ``"地区"`` is ``region``.
    model : {"ccsi", "ecsi", "acsi"} or DataFrame
        See :func:`qstats.satisfaction.questionnaire`. The paths of ``ccsi`` are a hypothesis, and say so.
    index_of : str
        The construct of the model.
    method : {"pls", "mean"}
        Weights of the items by the path model, or given.
    items, weights
        Of ``mean``: columns (by default the items of the construct), and a positive number each, by name or
        in their order. With `items` no model and no construct are looked at.
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
        In 分, with ``df`` and ``flag``, and of ``pls`` or with a design ``deff, n_eff``. ``n`` counts the
        respondents used. An error that is not known is NaN.

    Raises
    ------
    DataError
        Items that are not there, answers outside the scale, gaps under ``raise``; of ``pls`` also
        constant or collinear items, fewer answers than items, a negative outer weight: with item,
        construct and count.
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
    >>> found = customer_satisfaction(means, method="mean", items=["a", "b", "c"], weights=[0.4, 0.3, 0.3])
    >>> round(found.value(), 2)
    67.78
    >>> from qstats.simulation import simulate
    >>> survey = simulate("satisfaction", year=2023, seed=4)
    >>> customer_satisfaction(survey, by="service").table["estimate"].round(1).tolist()
    [81.3, 81.3, 81.3, 81.4]
    """
    _refuse(method, design, level, interval, error, replicates, seed, minimum_n)
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
    if method == "mean":
        _refuse_unused("mean", convention=(convention, "U"), metric=(metric, None), **fitting)
        return _of_means(
            responses,
            model,
            index_of,
            items,
            weights,
            scale,
            minimum_n or 1,
            interval,
            level,
            common | drawing,
        )
    _refuse_unused("pls", items=(items, None), weights=(weights, None))
    _refuse_metric(metric, convention)
    options = common | drawing | {"error": error or "replicates", "scale": scale}
    options |= {name: value for name, (value, _) in fitting.items()}
    found = _studied(responses, model, 30 if minimum_n is None else minimum_n, options)
    return index(found, index_of=index_of, convention=convention, interval=interval, level=level)


def _refuse(
    method: Any,
    design: Any,
    level: Any,
    interval: Any,
    error: Any,
    replicates: Any,
    seed: Any,
    minimum_n: Any,
) -> None:
    """Raise for an option that is none, whatever the method does with it."""
    one_of("method", method, get_args(Method))
    check_design(design)
    check_interval(interval, level)
    one_of("error", error, (None, *get_args(Error)))
    check_count("replicates", replicates, least=2)
    check_seed(seed)
    check_count("minimum_n", minimum_n, least=1)


def _studied(responses: Any, model: Any, minimum_n: int, options: dict[str, Any]) -> Study:
    """Return the study; where the table lacks items of the model, say what else there is."""
    try:
        return study(responses, model=model, minimum_n=minimum_n, **options)
    except DataError as error:
        absent = error.violations["rule"].eq("header")
        if not absent.any():
            raise
        name = model if isinstance(model, str) else "user"
        said = say("satisfaction.no_columns", said=error, model=name)
        raise DataError(said, error.violations) from error


def _of_means(
    responses: Any,
    model: str | pd.DataFrame,
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
    if items is None:
        questions = questionnaire(model)
        c = questions.position(index_of)
        own = [i for i, block in zip(questions.items, questions.model.blocks, strict=True) if block == c]
        labels = questions.labels
    else:
        _refuse_unused(
            "mean", say("satisfaction.unused.items"), index_of=(index_of, "SAT"), model=(model, "ccsi")
        )
        own = means.checked_items(items)
        labels = {c.name: (c.zh, c.en) for c in SCHEMA.columns if c.name in ITEMS}
    w, end = means.checked_weights(weights, own), means.checked_scale(scale, own)
    shared: dict[str, Any] = {"scale": end, "labels": labels, "interval": interval, "level": level}
    plain = not (_any(options["dont_know"]) or interval in ("percentile", "bca") or minimum_n > 1)
    if plain and all(options[name] is None for name in ("design", "error", "replicates", "seed")):
        by, missing = options["by"], options["missing"]
        return means.summed(responses, SCHEMA, own, w, by=by, missing=missing, **shared)
    return means.designed(responses, own, w, minimum_n=minimum_n, **shared, **options)


def _any(known: DontKnow) -> bool:
    """Whether any code is declared; raise for one that is none."""
    if isinstance(known, Mapping):
        return bool(known)
    return codes(known).size > 0


def _refuse_metric(metric: Metric | None, convention: Convention) -> None:
    one_of("convention", convention, tuple(METRIC))
    one_of("metric", metric, (None, "standardised", "raw"))
    needs = METRIC[convention]
    if metric not in (None, needs):
        raise OptionError(say("satisfaction.metric", convention=convention, needs=needs, metric=metric))


def _refuse_unused(method: Method, hint: str = "", /, **given: tuple[object, object]) -> None:
    """Raise for an argument that the method does not look at and that is not its default."""
    for argument, (value, default) in given.items():
        if type(value) is not type(default) or value != default:
            instead = say("satisfaction.unused.mean" if method == "pls" else "satisfaction.unused.pls")
            said = say(
                "satisfaction.unused", argument=argument, value=value, method=method, hint=hint or instead
            )
            raise OptionError(said, argument=argument, value=value)
