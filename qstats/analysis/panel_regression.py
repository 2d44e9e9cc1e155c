"""Regression of regions over time, and a line through points with known errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from qstats.analysis import given
from qstats.errors import DataError, OptionError, QStatsError, one_of, real_number, within_0_1
from qstats.estimate import Estimate, assemble
from qstats.messages import language, say
from qstats.stats import errors_in_variables as lines
from qstats.stats import panel

Array = NDArray[np.float64]
Effects = Literal["region", "two-way"]
Errors = Literal["cluster", "cr2", "driscoll-kraay", "classical"]
ERRORS: Final = ("cluster", "cr2", "driscoll-kraay", "classical")
Correction = Literal["stata", "hc1", "none"]
CORRECTIONS: Final = ("stata", "hc1", "none")
_KEYS: Final = ["region", "period"]


class Fit(NamedTuple):
    """Coefficients with their errors; arrays of shape (regressors,)."""

    b: Array
    std_error: Array
    df: Array
    p: Array
    r2_within: float
    rss: float


def fixed_effects(
    y: ArrayLike,
    X: ArrayLike,
    region: ArrayLike,
    period: ArrayLike,
    *,
    effects: Effects = "region",
    errors: Errors = "cluster",
    correction: Correction | None = None,
    lang: str | None = None,
) -> Fit:
    r"""Fit :math:`y_{rt} = x_{rt}'\beta + \alpha_r\,(+\,\gamma_t) + u_{rt}` by least squares.

    Parameters
    ----------
    y : array_like, shape (n,)
    X : array_like, shape (n, k)
    region, period : array_like, shape (n,)
        Labels; periods sort in order of time.
    effects : {"region", "two-way"}
        With :math:`\alpha_r` only, or with :math:`\gamma_t` too.
    errors : {"cluster", "cr2", "driscoll-kraay", "classical"}
        Clustered by region, t with G − 1 degrees of freedom; the same with the bias taken out and
        Satterthwaite's degrees of freedom (:func:`qstats.stats.panel.cr2`); robust to dependence between
        regions and over time, Bartlett weights up to lag :math:`\lfloor 4 (T/100)^{2/9} \rfloor`, t with
        T − 1; independent errors of one variance.
    correction : {"stata", "hc1", "none"}, optional
        Of the variance by cluster: :math:`\frac{G}{G-1}\frac{n-1}{n-k}`, :math:`\frac{n}{n-k}`, 1; k counts
        the slopes, not the effects. By default ``stata``. Refused with other errors: theirs is fixed.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    Fit
        ``r2_within``: the share of what is left without the effects.

    Raises
    ------
    DataError
        A regressor without variation once the effects are out; too few regions or periods.
    OptionError
        A choice that does not exist.
    QStatsError
        linearmodels is not installed.

    References
    ----------
    Arellano (1987), Oxford Bulletin of Economics and Statistics 49, 431–434. Driscoll & Kraay (1998), Review
    of Economics and Statistics 80, 549–560.
    """
    one_of("effects", effects, ("region", "two-way"))
    one_of("errors", errors, ERRORS)
    one_of("correction", correction, (None, *CORRECTIONS))
    if correction is not None and errors != "cluster":
        raise OptionError(say("panel.correction", lang, correction=correction, errors=errors))
    language(lang)
    y, X = _arrays(y, X, region, period)
    G, T = (len(np.unique(np.asarray(labels))) for labels in (region, period))
    if G < 3 or T < 2:
        raise DataError(say("panel.small", lang, regions=G, periods=T))
    dummies = panel.dummies(region) if effects == "region" else panel.dummies(region, period)
    if _squares(y, dummies) <= 1e-20 * float(y @ y):
        raise DataError(say("panel.flat", lang, effects=effects))
    exact = [
        panel.cr2(y, X, dummies, region, column=k) for k in range(X.shape[1])
    ]  # refuses what is absorbed
    if errors == "cr2":
        rss, tss = (_squares(y, Z) for Z in (np.concatenate([X, dummies], axis=1), dummies))
        b, se, freedom, p = np.array(exact).T
        return Fit(b, se, freedom, p, 1 - rss / tss, rss)
    model = _model(y, X, region, period, effects == "two-way", lang)
    fit = model.fit(**_covariance(errors, correction or "stata", T))
    b, se = fit.params.to_numpy(), fit.std_errors.to_numpy()
    df = {"cluster": G - 1.0, "driscoll-kraay": T - 1.0, "classical": float(fit.df_resid)}[errors]
    from scipy.special import stdtr

    p = 2 * stdtr(df, -np.abs(b / se))
    return Fit(b, se, np.full(len(b), df), np.asarray(p), float(fit.rsquared), float(fit.resid_ss))


def _arrays(y: Any, X: Any, *labels: Any) -> tuple[Array, Array]:
    """Return outcome and regressors as arrays of one length, which `labels` must have too."""
    try:
        y, X = np.asarray(y, float), np.asarray(X, float)
    except (TypeError, ValueError):
        raise DataError(
            "y and X must be numbers: one value, and one row, for each region and period"
        ) from None
    shapes = [np.shape(one) for one in (y, X, *labels)]
    if y.ndim != 1 or X.ndim != 2 or any(shape[:1] != y.shape for shape in shapes):
        raise DataError(f"y must have the shape (n,), X (n, k), region and period (n,); found {shapes}")
    return y, X


def _squares(y: Array, Z: Array) -> float:
    """Return the sum of squares that the columns of Z leave of y."""
    rest = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
    return float(rest @ rest)


def _model(y: Array, X: Array, region: ArrayLike, period: ArrayLike, two_way: bool, lang: str | None) -> Any:
    try:
        from linearmodels.panel import PanelOLS
    except ImportError:
        raise QStatsError(say("panel.needs", lang)) from None
    codes = [np.unique(np.asarray(labels), return_inverse=True)[1] for labels in (region, period)]
    index = pd.MultiIndex.from_arrays(codes, names=_KEYS)
    data = pd.DataFrame(X, index=index, columns=[f"x{k}" for k in range(X.shape[1])])
    return PanelOLS(pd.Series(y, index=index, name="y"), data, entity_effects=True, time_effects=two_way)


def _covariance(errors: Errors, correction: Correction, T: int) -> dict[str, Any]:
    if errors == "classical":
        return {"cov_type": "unadjusted", "auto_df": False, "count_effects": True, "debiased": True}
    plain = {"auto_df": False, "count_effects": False}
    if errors == "driscoll-kraay":
        lag = int(np.floor(4 * (T / 100) ** (2 / 9)))
        return {"cov_type": "kernel", "kernel": "bartlett", "bandwidth": lag, "debiased": False, **plain}
    factors = {"debiased": correction != "none", "group_debias": correction == "stata"}
    return {"cov_type": "clustered", "cluster_entity": True, **factors, **plain}


def panel_regression(
    outcome: Estimate,
    regressors: Mapping[str, Estimate],
    /,
    *,
    effects: Effects = "region",
    errors: Errors = "cluster",
    correction: Correction | None = None,
    wild: panel.Weights | None = None,
    missing: Literal["raise", "drop"] = "raise",
    level: float = 0.95,
    n_draws: int = 9999,
    seed: int = 0,
    lang: str | None = None,
) -> Estimate:
    """Regress a figure of regions over time on others, each region compared with itself.

    What is constant in a region (and with two-way effects what moves all regions alike) is taken out. What is
    left is association: it has no direction, and what changes in a region with a regressor counts for it.

    Parameters
    ----------
    outcome : Estimate
        Keys ``region`` and ``period``; others must have one value.
    regressors : mapping of str → Estimate
        Name → Estimate of the same regions and periods.
    effects, errors, correction
        As in :func:`fixed_effects`.
    wild : {"rademacher", "webb"}, optional
        Add the wild cluster bootstrap p-value of each coefficient (:func:`qstats.stats.panel.wild_cluster`).
    missing : {"raise", "drop"}
        A region and period that not all series have: refuse, or leave out (the note says how many).
    level : float
        Of the limits.
    n_draws, seed : int
        Of the bootstrap, where not all vectors are gone through.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        Key ``term``: coefficients with ``df, p``, with `wild` also ``p_wild`` and ``smallest_p`` (the least p
        so few clusters can give), ``n`` (region-periods), ``regions, periods, r2_within``. The errors of the
        figures themselves are not used: those of regressors draw coefficients to 0.

    Raises
    ------
    DataError
        Keys that do not fit, values that are missing, too few regions or periods, or a regressor without
        variation once the effects are out.
    OptionError
        A choice that does not exist.
    QStatsError
        linearmodels is not installed (``pip install 'qstats[panel]'``); only ``cr2`` does without it.

    References
    ----------
    Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 2nd ed., ch. 10. Cameron & Miller
    (2015), Journal of Human Resources 50, 317–372.

    Examples
    --------
    Share of new products in sales on R&D intensity, high-tech manufacturing of 31 provinces:

    >>> from qstats.index.inputs import published_indicators
    >>> from qstats.classifications import regions
    >>> provinces = regions().query("level == 'province'")["name"].tolist()
    >>> series = published_indicators("ht_capability", period=list(range(2018, 2024)))
    >>> sales, rd = (series[c].where(region=provinces) for c in ("new_product_share", "rd_intensity"))
    >>> fit = panel_regression(sales, {"rd": rd}, errors="cr2", effects="two-way", missing="drop")
    >>> fit.table[["estimate", "std_error", "df"]].round(1).values.tolist()
    [[7.3, 2.4, 9.8]]
    """
    given.one(outcome, lang, argument="outcome")
    given.several("regressors", regressors, lang)
    given.draws(n_draws, seed, level=level)
    one_of("wild", wild, (None, *panel.WEIGHTS))
    one_of("missing", missing, ("raise", "drop"))
    if not regressors:
        raise DataError(say("panel.none", lang))
    table, left_out = _joined(outcome, regressors, missing, lang)
    y, X = table["outcome"].to_numpy(float), table[list(regressors)].to_numpy(float)
    options: Any = {"effects": effects, "errors": errors, "correction": correction, "lang": lang}
    fit = fixed_effects(y, X, table["region"], table["period"], **options)
    boot = {} if wild is None else _bootstrapped(table, y, X, effects, wild, n_draws, seed)
    from scipy.special import stdtrit

    half = stdtrit(fit.df, (1 + level) / 2) * fit.std_error
    G, T = (table[key].nunique() for key in _KEYS)
    sources = [p for e in (outcome, *regressors.values()) for p in e.provenance]
    rows = assemble(
        pd.DataFrame({"term": list(regressors)}),
        estimate=fit.b,
        std_error=fit.std_error,
        conf_low=fit.b - half,
        conf_high=fit.b + half,
        n=np.full(len(fit.b), len(table)),
        df=fit.df,
        p=fit.p,
        **boot,
    ).assign(regions=G, periods=T, r2_within=fit.r2_within)
    return Estimate(
        rows,
        indicator=f"{outcome.indicator} on {', '.join(regressors)}",
        unit=f"{outcome.unit} per unit",
        method=f"least squares with {effects} effects, {errors} errors, {G} regions, {T} periods",
        level=level,
        inference="superpopulation",
        provenance=list(dict.fromkeys(sources)),
        notes=[say("panel.left_out", lang, count=left_out)] if left_out else [],
        digits=4,
    )


def _joined(
    outcome: Estimate, regressors: Mapping[str, Estimate], missing: str, lang: str | None
) -> tuple[pd.DataFrame, int]:
    """Return one row a region and period with all series, and how many rows were left out."""
    table = _column(outcome, "outcome", lang)
    for name, series in regressors.items():
        if name in ("outcome", *_KEYS):
            raise DataError(say("panel.name", lang, name=name))
        table = table.merge(_column(series, name, lang), on=_KEYS, how="outer")
    there = table.notna().all(axis=1)
    if missing == "raise" and not there.all():
        first = table.loc[~there].iloc[0]
        said = {"region": first["region"], "period": first["period"], "count": int((~there).sum())}
        raise DataError(say("panel.missing", lang, **said))
    return table[there].sort_values(_KEYS, ignore_index=True), int((~there).sum())


def _column(estimate: Estimate, name: str, lang: str | None) -> pd.DataFrame:
    table = estimate.table
    if not set(_KEYS) <= set(estimate.keys) or table.duplicated(_KEYS).any():
        raise DataError(say("panel.keys", lang, name=name, keys=", ".join(estimate.keys) or "—"))
    return table[[*_KEYS, "estimate"]].rename(columns={"estimate": name})


def _bootstrapped(
    table: pd.DataFrame, y: Array, X: Array, effects: str, wild: panel.Weights, n_draws: int, seed: int
) -> dict[str, Array]:
    codes = _KEYS if effects == "two-way" else _KEYS[:1]
    dummies = panel.dummies(*(table[key].to_numpy() for key in codes))
    options: Any = {"weights": wild, "n_draws": n_draws, "seed": seed}
    found = [
        panel.wild_cluster(y, X, dummies, table["region"].to_numpy(), column=k, **options)
        for k in range(X.shape[1])
    ]
    return {"p_wild": np.array([f.p for f in found]), "smallest_p": np.array([f.smallest_p for f in found])}


def errors_in_variables(
    outcome: Estimate,
    regressor: Estimate,
    /,
    *,
    correlation: float = 0.0,
    level: float = 0.95,
    lang: str | None = None,
) -> Estimate:
    """Fit a line to figures of which both have a known standard error.

    Parameters
    ----------
    outcome, regressor : Estimate
        With the same keys and rows; every row with its standard error.
    correlation : float
        Of the two errors of a row (figures from one sample covary).
    level : float
        Of the limits, normal.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    Estimate
        Key ``term`` (``intercept``, ``slope``), with ``S, df, p_fit`` of the whole line: a small `p_fit` says
        that the points scatter more than their errors, so that the standard errors here are too small.

    Raises
    ------
    DataError
        Keys that do not match, or an error that is not known.

    See Also
    --------
    qstats.stats.errors_in_variables.york : the formulas.

    Examples
    --------
    >>> def given(x, se):
    ...     core = {"estimate": x, "std_error": se, "conf_low": np.nan, "conf_high": np.nan, "n": 9}
    ...     table = pd.DataFrame({"region": list("abcd"), **core})
    ...     return Estimate(table, indicator="x", unit="%", method="given")
    >>> line = errors_in_variables(given([2.1, 3.9, 6.2, 7.8], 0.2), given([1.0, 2.0, 3.0, 4.0], 0.1))
    >>> line.table[["term", "estimate", "std_error"]].round(3).values.tolist()
    [['intercept', 0.14, 0.342], ['slope', 1.944, 0.125]]
    """
    given.one(outcome, lang, argument="outcome")
    given.one(regressor, lang, argument="regressor")
    real_number("correlation", correlation, above=-1, below=1)
    within_0_1("level", level)
    keys = list(outcome.keys)
    columns = ["estimate", "std_error"]
    both = outcome.table[[*keys, *columns]]
    if set(regressor.keys) != set(keys) or len(outcome) != len(regressor):
        raise DataError(say("panel.match", lang, keys=", ".join(keys), other=", ".join(regressor.keys)))
    both = both.merge(regressor.table[[*keys, *columns]], on=keys, suffixes=("", "_x"))
    if len(both) != len(outcome):
        raise DataError(say("panel.match", lang, keys=", ".join(keys), other=", ".join(regressor.keys)))
    y, sy, x, sx = (both[c].to_numpy() for c in ("estimate", "std_error", "estimate_x", "std_error_x"))
    line = lines.york(x, y, sx, sy, correlation=correlation)
    from scipy.special import ndtri

    b, se = np.array([line.intercept, line.slope]), np.array([line.se_intercept, line.se_slope])
    half = ndtri((1 + level) / 2) * se
    core = {
        "estimate": b,
        "std_error": se,
        "conf_low": b - half,
        "conf_high": b + half,
        "n": np.full(2, len(both)),
    }
    fit = {name: np.full(2, getattr(line, name)) for name in ("S", "df", "p_fit")}
    return Estimate(
        assemble(pd.DataFrame({"term": ["intercept", "slope"]}), **core, **fit),
        indicator=f"{outcome.indicator} on {regressor.indicator}",
        unit=f"{outcome.unit}; {outcome.unit} per {regressor.unit}",
        method="line with errors in both variables (York)",
        level=level,
        inference=min(
            (outcome.inference, regressor.inference), key=("none", "superpopulation", "design").index
        ),
        provenance=list(dict.fromkeys((*outcome.provenance, *regressor.provenance))),
        digits=4,
    )
