"""Small areas: estimates for regions whose samples alone are too small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from qstats.analysis import given
from qstats.errors import DataError, OptionError, names_of, nearest, one_of, real_number, text, yes_or_no
from qstats.estimate import Estimate, assemble
from qstats.messages import say
from qstats.stats import model_scale
from qstats.stats import small_area as model
from qstats.stats.model_scale import Transform
from qstats.stats.small_area import AreaFit, Array, Method

Benchmark = Literal["none", "ratio", "difference"]
BENCHMARKS: Final = ("none", "ratio", "difference")


def small_area(
    direct: Estimate,
    /,
    *,
    auxiliary: pd.DataFrame,
    covariates: Sequence[str],
    intercept: bool = True,
    method: Method = "reml",
    transform: Transform = "none",
    unknown: Literal["raise", "synthetic"] = "raise",
    benchmark: Benchmark = "none",
    weight: str | None = None,
    national: float | None = None,
    lang: str | None = None,
) -> Estimate:
    r"""Return model-based estimates of areas by the model of Fay and Herriot.

    .. math:: \hat\theta_i = \gamma_i y_i + (1-\gamma_i)\,x_i'\hat\beta, \qquad \gamma_i = A/(A + D_i)

    The direct estimate y of an area counts by how precise it is (D, the square of its standard error,
    taken as known), the regression on the covariates x by how well it fits (A).

    Parameters
    ----------
    direct : Estimate
        Direct estimates of the areas of one period, independent of each other. No row of the nation.
    auxiliary : DataFrame
        The same keys, covariates known without error, and the weights. Rows that `direct` lacks are
        areas without a direct estimate.
    covariates : sequence of str
        Columns of `auxiliary`.
    intercept : bool
        Whether the regression has a constant.
    method : {"reml", "ml", "moments", "adjusted-reml"}
        How A is estimated; ``adjusted-reml`` (Li and Lahiri) never gives 0.
    transform : {"none", "log", "arcsine"}
        Scale of the model. Estimates come back as means, limits as they are mapped, and the error by the
        formulas of :func:`qstats.stats.model_scale.backward`, an approximation.
    unknown : {"raise", "synthetic"}
        An area without a usable direct estimate (absent, no standard error, or at the edge of the transform):
        refuse, or give the regression estimate with its own error.
    benchmark : {"none", "ratio", "difference"}
        Adjust so that the weighted mean is the national one: multiply, or add. The error includes that of the
        adjustment (Steorts and Ghosh).
    weight : str, optional
        Column of `auxiliary` with the size of each area, for `benchmark`.
    national : float, optional
        The national figure. By default the weighted mean of the direct estimates, which every area must then
        have. The error of a given figure is not known: the squared adjustment is counted as error.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        Keys, ``estimate``, ``std_error`` (root of the mean squared error), ``conf_low, conf_high, n``,
        ``direct, direct_std_error, synthetic`` (the regression part), ``gamma`` (weight of the direct
        estimate), ``residual`` (standardised, on the scale of the model: beyond ±3 look again) and
        ``flag``. Inference is ``superpopulation``: it holds if the model does.

    Raises
    ------
    DataError
        Keys that do not match, missing covariates, several periods, or too few areas.
    OptionError
        An unknown choice, or options that do not go together.

    References
    ----------
    Fay & Herriot (1979), JASA 74; Rao & Molina (2015), Small Area Estimation, 2nd ed., chs. 5–6.

    Examples
    --------
    >>> areas = pd.DataFrame({"region": list("abcdef"), "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    >>> core = {"estimate": [1.3, 1.2, 3.9, 3.5, 5.9, 5.6], "std_error": 0.5, "conf_low": np.nan,
    ...         "conf_high": np.nan, "n": 9}
    >>> direct = Estimate(areas[["region"]].assign(**core), indicator="y", unit="points", method="direct")
    >>> fit = small_area(direct, auxiliary=areas, covariates=["x"])
    >>> fit.table[["estimate", "gamma"]].round(3).head(2).values.tolist()
    [[1.209, 0.634], [1.514, 0.634]]
    """
    given.one(direct, lang, argument="direct")
    yes_or_no("intercept", intercept)
    _check_options(weight, national)
    one_of("unknown", unknown, ("raise", "synthetic"))
    one_of("benchmark", benchmark, BENCHMARKS)
    one_of("transform", transform, model_scale.TRANSFORMS)
    if (benchmark == "none") != (weight is None) or (benchmark == "none" and national is not None):
        raise OptionError(say("small_area.weight", lang, benchmark=benchmark))
    named = _names(direct, covariates, intercept, transform, lang)
    keys = list(direct.keys)
    right = _auxiliary(auxiliary, keys, [*named, *([] if weight is None else [weight])], lang)
    table = _aligned(direct, right, lang)
    factor = 100.0 if transform == "arcsine" else 1.0
    parts = _parts(table, named, intercept, factor, transform)
    _refuse_unknown(table[keys], parts.seen, unknown, lang)
    fit = model.fay_herriot(parts.z, parts.D, parts.X, method=method)
    columns = _columns(fit, table, parts, transform, direct.level)
    notes = [_fit_note(fit, parts.seen, method, ["1", *named] if intercept else named, lang)]
    if weight is not None:
        w = _weights(table, weight, national, parts.seen, lang)
        variance = _gap_variance(fit, parts, w, transform)
        columns, note = _benchmarked(columns, w, benchmark, national, variance, lang)
        notes.append(note)
    notes += _warnings(fit, columns, direct.unit, lang)
    done = assemble(table[keys], **columns)
    said = f"Fay–Herriot {method}" + ("" if transform == "none" else f", {transform}")
    said += "" if benchmark == "none" else f", benchmark {benchmark}"
    return Estimate(
        done,
        indicator=direct.indicator,
        unit=direct.unit,
        method=said,
        basis=direct.basis,
        level=direct.level,
        inference="superpopulation",
        provenance=direct.provenance,
        notes=(*direct.notes, *notes),
        digits=direct.digits,
    )


def _check_options(weight: Any, national: Any) -> None:
    if weight is not None:
        text("weight", weight)
    if national is not None:
        real_number("national", national)


class _Parts(NamedTuple):
    """Arrays of the model: z and D on its scale, X, where there is a direct estimate, 100 or 1."""

    z: Array
    D: Array
    X: Array
    seen: Any
    factor: float


def _names(
    direct: Estimate, covariates: Sequence[str], intercept: bool, transform: Transform, lang: str | None
) -> list[str]:
    """Return the names of the covariates; refuse what cannot be a model."""
    named = list(dict.fromkeys(names_of("covariates", covariates)))
    if not named and not intercept:
        raise OptionError(say("small_area.no_covariates", lang))
    for name in named:
        if name in direct.keys:
            raise OptionError(say("small_area.taken", lang, column=name))
    if transform == "arcsine" and direct.unit != "%":
        raise OptionError(say("small_area.percent", lang, unit=direct.unit))
    if "period" in direct.keys:
        periods = list(dict.fromkeys(direct.table["period"].astype(str)))
        if len(periods) > 1:
            raise DataError(say("small_area.periods", lang, periods=", ".join(periods[:6])))
    return named


def _auxiliary(
    auxiliary: pd.DataFrame, keys: list[str], columns: list[str], lang: str | None
) -> pd.DataFrame:
    """Return the keys as text and the columns as numbers, each under ``x:`` and its name."""
    if not isinstance(auxiliary, pd.DataFrame) or not auxiliary.columns.is_unique:
        raise DataError(f"auxiliary is a {type(auxiliary).__name__}; give a DataFrame, each column once")
    for key in keys:
        if key not in auxiliary.columns:
            raise DataError(say("small_area.no_key", lang, key=key))
    for column in columns:
        if column not in auxiliary.columns:
            near = nearest(column, map(str, auxiliary.columns))
            hint = say("small_area.near", lang, near=near) if near else ""
            raise DataError(say("small_area.no_column", lang, column=column, hint=hint))
    found = auxiliary[keys].astype(str).reset_index(drop=True)
    repeated = found.duplicated(keys).to_numpy()
    if repeated.any():
        first = _first(found[keys], repeated)
        raise DataError(say("small_area.repeated", lang, count=int(repeated.sum()), first=first))
    for column in columns:
        found[f"x:{column}"] = pd.to_numeric(auxiliary[column], errors="coerce").to_numpy(float)
        bad = ~np.isfinite(found[f"x:{column}"].to_numpy())
        if bad.any():
            first, count = _first(found[keys], bad), int(bad.sum())
            raise DataError(say("small_area.not_number", lang, column=column, count=count, first=first))
    return found


def _aligned(direct: Estimate, right: pd.DataFrame, lang: str | None) -> pd.DataFrame:
    """Return the direct estimates beside the auxiliary columns, joined on keys."""
    keys = list(direct.keys)
    left = direct.table[[*keys, "estimate", "std_error", "n"]].astype(dict.fromkeys(keys, str))
    table = left.merge(right, on=keys, how="left", indicator="joined")
    alone = (table["joined"] == "left_only").to_numpy()
    if alone.any():
        first = _first(table[keys], alone)
        raise DataError(say("small_area.unmatched", lang, count=int(alone.sum()), first=first))
    more = right.merge(left, on=keys, how="left", indicator="joined")
    more = more[more["joined"] == "left_only"]
    if len(more):
        table = pd.concat([table, more[table.columns]], ignore_index=True)
    return table


def _parts(
    table: pd.DataFrame, named: list[str], intercept: bool, factor: float, transform: Transform
) -> _Parts:
    y, se = (table[c].to_numpy(float) / factor for c in ("estimate", "std_error"))
    z, D = model_scale.forward(y, se**2, transform)
    D = np.where(np.isnan(z), np.nan, D)
    X = table[[f"x:{name}" for name in named]].to_numpy(float)
    X = np.column_stack([np.ones(len(X)), X]) if intercept else X
    return _Parts(z, D, X, ~np.isnan(D), factor)


def _refuse_unknown(keys: pd.DataFrame, seen: Any, unknown: str, lang: str | None) -> None:
    if unknown == "raise" and not seen.all():
        count = int((~seen).sum())
        raise DataError(say("small_area.unknown", lang, count=count, first=_first(keys, ~seen)))


def _first(keys: pd.DataFrame, where: Any) -> str:
    row = keys.iloc[int(np.argmax(np.asarray(where)))]
    return ", ".join(f"{key}={value}" for key, value in row.items())


def _columns(
    fit: AreaFit, table: pd.DataFrame, parts: _Parts, transform: Transform, level: float
) -> dict[str, Any]:
    """Return the columns of the result, on the scale of the data."""
    mean, variance = model_scale.backward(fit.eblup, fit.mse, transform)
    mean = np.where(np.isnan(fit.mse) & (transform != "none"), np.nan, mean)
    low, high = model_scale.limits(fit.eblup, fit.mse, transform, level)
    regression, _ = model_scale.backward(fit.synthetic, np.where(parts.seen, 0.0, fit.mse), transform)
    n = table["n"].to_numpy(float)
    whole = not np.isnan(n).any() and bool((n == np.rint(n)).all())
    k = parts.factor
    return {
        "estimate": k * mean,
        "std_error": k * np.sqrt(variance),
        "conf_low": k * low,
        "conf_high": k * high,
        "n": n.astype(np.int64) if whole else n,
        "direct": table["estimate"].to_numpy(float),
        "direct_std_error": table["std_error"].to_numpy(float),
        "synthetic": k * regression,
        "gamma": fit.gamma,
        "residual": fit.residual,
        "flag": np.where(parts.seen, "", "synthetic: no direct estimate").astype(object),
    }


def _fit_note(fit: AreaFit, seen: Any, method: Method, names: list[str], lang: str | None) -> str:
    terms = zip(names, fit.beta, np.sqrt(np.diag(fit.cov_beta)), strict=True)
    beta = ", ".join(f"{name}: {b:.4g} ± {error:.2g}" for name, b, error in terms)
    m, s = int(seen.sum()), int((~seen).sum())
    return say("small_area.fit", lang, A=f"{fit.A:.4g}", method=method, m=m, s=s, beta=beta)


def _warnings(fit: AreaFit, columns: dict[str, Any], unit: str, lang: str | None) -> list[str]:
    notes = [say("small_area.boundary", lang)] if fit.boundary else []
    lost = int(np.isnan(columns["std_error"]).sum())
    notes += [say("small_area.no_mse", lang, count=lost)] if lost else []
    outside = int(((columns["estimate"] < 0) | (columns["estimate"] > 100)).sum())
    notes += [say("small_area.outside", lang, count=outside)] if outside and unit == "%" else []
    return notes


def _benchmarked(
    columns: dict[str, Any],
    weights: Array,
    how: Benchmark,
    national: float | None,
    gap_variance: float,
    lang: str | None,
) -> tuple[dict[str, Any], str]:
    """Return the columns adjusted to the national figure, and the note that says so."""
    w, before = weights / weights.sum(), columns["estimate"]
    mean = float(w @ before)
    target = float(w @ columns["direct"]) if national is None else float(national)
    if how == "ratio" and not (mean > 0 and target > 0):
        raise DataError(say("small_area.ratio", lang, mean=f"{mean:.4g}", national=f"{target:.4g}"))
    gap = target - mean
    share = before / mean if how == "ratio" else np.ones(len(w))
    error = np.sqrt(columns["std_error"] ** 2 + share**2 * (gap_variance if national is None else gap**2))
    wider, after = error / columns["std_error"], before + share * gap
    adjusted = {
        "estimate": after,
        "std_error": error,
        "conf_low": after - wider * (before - columns["conf_low"]),
        "conf_high": after + wider * (columns["conf_high"] - before),
    }
    note = say("small_area.benchmarked", lang, national=f"{target:.4g}", gap=f"{gap:.3g}")
    return columns | adjusted, note


def _weights(table: pd.DataFrame, weight: str, national: float | None, seen: Any, lang: str | None) -> Array:
    w = table[f"x:{weight}"].to_numpy(float)
    if not ((w >= 0).all() and w.sum() > 0):
        raise DataError(say("small_area.bad_weight", lang, column=weight, least=w.min()))
    if national is None and not seen.all():
        raise DataError(say("small_area.no_national", lang, count=int((~seen).sum())))
    return np.asarray(w)


def _gap_variance(fit: AreaFit, parts: _Parts, weights: Array, transform: Transform) -> float:
    """Return the variance of the national gap; NaN where some area has no direct estimate."""
    w = parts.factor * weights / weights.sum() * model_scale.slope(fit.eblup, transform)
    return model.benchmark_variance(fit, parts.D, parts.X, w)
