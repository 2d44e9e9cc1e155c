r"""Imputation: values for cells that were not observed, and a record of which cells they are.

Units run along the second last axis, indicators along the last; any axes may lead. Of a panel, periods
run along the third last. The multivariate normal methods (EM, multiple imputation) are in
:mod:`qstats.stats.normal_imputation`.

References
----------
OECD/JRC (2008), Handbook on Constructing Composite Indicators, step 3.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import DataError, OptionError, one_of, real_number
from qstats.stats import moments, normal_imputation
from qstats.stats.normal_imputation import Source

Array = NDArray[np.float64]
Method = Literal["mean", "median", "group-mean", "group-median", "row-mean", "regression", "em"]
OverTime = Literal["latest", "constant", "linear"]

METHODS: Final = get_args(Method)
OVER_TIME: Final = get_args(OverTime)
_GROUPED: Final = ("group-mean", "group-median")


class Imputation(NamedTuple):
    """What :func:`fit` found.

    Attributes
    ----------
    method : str
    value : ndarray, shape (…, 1, indicators), (…, groups, indicators) or (…, indicators + 1, indicators)
        What is put in, by group where there are groups; of a regression its coefficients, the constant first;
        of a row mean the worst value of each indicator.
    spread : ndarray or None
        Of a row mean, best less worst; of EM the covariance, shape (…, indicators, indicators).
    """

    method: Method
    value: Array
    spread: Array | None


class Imputed(NamedTuple):
    """A table with holes filled.

    Attributes
    ----------
    value : ndarray, shape (…, units, indicators)
    source : ndarray of int8, same shape
        0 observed, 1 imputed, 2 still missing.
    """

    value: Array
    source: Source


def fit(
    x: ArrayLike,
    method: Method = "mean",
    *,
    groups: ArrayLike | None = None,
    direction: ArrayLike | None = None,
    predictors: tuple[int, ...] | None = None,
    empty: Literal["raise", "overall", "nan"] = "raise",
) -> Imputation:
    r"""Find what is put where nothing was observed.

    - mean, median: of the indicator over the units observed; by group of units for the grouped ones.
    - row-mean: the unit's mean min–max score over its other indicators, brought back to the scale of the
      indicator, :math:`\hat x_{qc} = w_q + (b_q - w_q)\,\bar I_c`, with w the worst and b the best value.
    - regression: :math:`\hat x_{qc} = \beta_{0q} + \sum_p \beta_{pq} x_{pc}`, least squares on the units that
      have q and all predictors p.
    - em: the conditional mean given what the unit has, under a multivariate normal distribution.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
    method : {"mean", "median", "group-mean", "group-median", "row-mean", "regression", "em"}
    groups : array_like of int, shape (units,)
        0, 1, …: the group of each unit; for the grouped methods only, which need it.
    direction : array_like, optional
        1 or −1, for all or for each indicator; for "row-mean" only.
    predictors : tuple of int, optional
        Columns that predict; for "regression" only, which needs them.
    empty : {"raise", "overall", "nan"}
        What is done where nothing is observed to impute from: refuse; of a group, the value over all
        groups; or leave the holes.

    Returns
    -------
    Imputation
        For :func:`apply`.

    Raises
    ------
    OptionError
        An option the method needs is lacking, or one is given that it would ignore.
    DataError
        An indicator (of a group) has no value at all; infinite values; no more units than predictors.

    References
    ----------
    Handbook, step 3. Dempster, Laird and Rubin (1977), Maximum likelihood from incomplete data via the EM
    algorithm, JRSS B 39.

    Examples
    --------
    >>> x = np.array([[1.0, 4.0], [np.nan, 8.0], [3.0, 6.0]])
    >>> apply(x, fit(x, "mean")).value.tolist()
    [[1.0, 4.0], [2.0, 8.0], [3.0, 6.0]]
    >>> apply(x, fit(x, "row-mean")).value[1].tolist()
    [3.0, 8.0]
    """
    one_of("method", method, METHODS)
    one_of("empty", empty, ("raise", "overall", "nan"))
    _check_use(method, groups, direction, predictors)
    value = moments.indicator_array(x)
    if method in _GROUPED:
        return Imputation(method, _by_group(value, method, np.asarray(groups), empty), None)
    bare = moments.count(value) == 0
    if empty != "nan" and bare.any():
        raise DataError(f"columns {moments.columns(bare)} have no value to impute from; leave them out")
    if method == "mean":
        return Imputation(method, moments.mean(value), None)
    if method == "median":
        return Imputation(method, moments.median(value), None)
    if method == "row-mean":
        d = np.asarray(1 if direction is None else direction, float)
        low, high = moments.extremes(value)
        worst = np.where(d < 0, high, low)
        return Imputation(method, worst, np.where(d < 0, low, high) - worst)
    if method == "regression":
        return Imputation(method, _coefficients(value, predictors or ()), None)
    return Imputation(method, *normal_imputation.em(value))


def apply(x: ArrayLike, params: Imputation, *, groups: ArrayLike | None = None) -> Imputed:
    """Return a table with its holes filled as :func:`fit` found.

    Parameters
    ----------
    x : array_like, shape (…, units, indicators)
        The table of the fit, or another with the same indicators.
    params : Imputation
    groups : array_like of int, shape (units,)
        The group of each unit, for the grouped methods.

    Returns
    -------
    Imputed
        ``source`` tells for each cell whether it was observed. What cannot be imputed stays missing: a row
        mean of a unit without any value, a regression whose predictors are missing.

    Raises
    ------
    OptionError
        `groups` is lacking, or names a group that the fit did not have.
    DataError
        No table of units and indicators, or infinite values.

    Examples
    --------
    >>> found = fit([[1.0], [2.0], [6.0]], "group-mean", groups=[0, 0, 1])
    >>> filled = apply([[np.nan], [np.nan], [9.0]], found, groups=[1, 0, 0])
    >>> filled.value.ravel().tolist(), filled.source.ravel().tolist()
    ([6.0, 1.5, 9.0], [1, 1, 0])
    """
    value = moments.indicator_array(x)
    if (groups is not None) != (params.method in _GROUPED):
        raise OptionError(
            f"groups are for {' and '.join(_GROUPED)}, which need them; method={params.method!r}"
        )
    if groups is not None:
        codes = _codes(groups, value.shape[-2])
        if codes.max(initial=0) >= params.value.shape[-2]:
            known = params.value.shape[-2] - 1
            raise OptionError(f"group {codes.max()} was not there when fitted; the last was {known}")
        guess = params.value[..., codes, :]
    elif params.method == "row-mean" and params.spread is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(params.spread == 0, np.nan, (value - params.value) / params.spread)
        mean_score = np.swapaxes(moments.mean(np.swapaxes(scores, -1, -2)), -1, -2)
        guess = params.value + params.spread * mean_score
    elif params.method == "regression":
        guess = params.value[..., :1, :] + _product(value, params.value[..., 1:, :])
    elif params.method == "em" and params.spread is not None:
        guess = normal_imputation.conditional_mean(value, params.value, params.spread)
    else:
        guess = params.value
    return _filled(value, guess)


def over_time(
    x: ArrayLike,
    times: ArrayLike,
    method: OverTime = "latest",
    *,
    max_gap: float | None = None,
) -> Imputed:
    r"""Fill holes of a panel from the other periods of the same unit and indicator.

    - latest: the value of the last period before that has one; nothing stands in before the first.
    - constant: the same, and the first value before the first.
    - linear: :math:`\hat x_t = x_s + (x_u - x_s)\frac{t - s}{u - s}` between the neighbours s < t < u that
      are observed; the nearest value before the first and after the last.

    Parameters
    ----------
    x : array_like, shape (…, periods, units, indicators)
    times : array_like, shape (periods,)
        Rising; what is linear is linear in them.
    method : {"latest", "constant", "linear"}
    max_gap : float, optional
        How far in time the nearest value used may be; beyond, the hole stays.

    Returns
    -------
    Imputed

    Raises
    ------
    OptionError
        A method that does not exist, or a `max_gap` that is not a number of at least 0.
    DataError
        Times do not rise or are not as many as periods; infinite values.

    Examples
    --------
    >>> panel = np.array([1.0, np.nan, np.nan, 4.0]).reshape(4, 1, 1)
    >>> years = [2016, 2017, 2018, 2019]
    >>> [over_time(panel, years, how).value.ravel().tolist() for how in ("latest", "linear")]
    [[1.0, 1.0, 1.0, 4.0], [1.0, 2.0, 3.0, 4.0]]
    """
    one_of("method", method, OVER_TIME)
    if max_gap is not None:
        real_number("max_gap", max_gap, least=0)
    value, t = moments.indicator_array(x), np.asarray(times, float)
    if value.ndim < 3 or t.shape != value.shape[-3:-2] or (np.diff(t) <= 0).any():
        raise DataError(f"times {t.tolist()} must rise, one for each period of a table {value.shape}")
    known = ~np.isnan(value)
    place = np.arange(len(t))[:, None, None]
    before = np.maximum.accumulate(np.where(known, place, -1), axis=-3)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(known, place, len(t)), -3), axis=-3), -3)
    has_before, has_after = before >= 0, after < len(t)
    s, u = np.where(has_before, before, after), np.where(has_after, after, before)
    if method != "linear":
        u = s
    s, u = np.clip(s, 0, len(t) - 1), np.clip(u, 0, len(t) - 1)
    left, right = np.take_along_axis(value, s, -3), np.take_along_axis(value, u, -3)
    here = t[:, None, None]
    share = np.where(u > s, (here - t[s]) / np.where(u > s, t[u] - t[s], 1.0), 0.0)
    guess = np.asarray(left + (right - left) * share, float)
    gap = np.minimum(np.abs(here - t[s]), np.abs(t[u] - here))
    barred = (~has_before if method == "latest" else np.zeros_like(known)) | (
        gap > (np.inf if max_gap is None else max_gap)
    )
    return _filled(value, np.where(barred, np.nan, guess))


def _check_use(method: str, groups: object, direction: object, predictors: object) -> None:
    wants = {"groups": method in _GROUPED, "predictors": method == "regression"}
    for name, given in (("groups", groups), ("predictors", predictors)):
        if wants[name] and given is None:
            raise OptionError(f"{method!r} needs {name}", argument=name)
        if not wants[name] and given is not None:
            raise OptionError(f"{method!r} has no use for {name}", argument=name)
    if direction is not None and method != "row-mean":
        raise OptionError(f"{method!r} has no use for direction", argument="direction")


def _codes(groups: ArrayLike, units: int) -> NDArray[np.intp]:
    codes: NDArray[Any] = np.asarray(groups)
    if codes.shape != (units,) or codes.dtype.kind not in "iu" or bool((codes.astype(float) < 0).any()):
        raise OptionError(f"groups must be {units} whole numbers from 0; found {codes.dtype} {codes.shape}")
    return codes.astype(np.intp)


def _by_group(value: Array, method: str, groups: NDArray[np.int_], empty: str) -> Array:
    """Return the mean or median of each group, shape (…, groups, indicators)."""
    codes = _codes(groups, value.shape[-2])
    centre = moments.mean if method == "group-mean" else moments.median
    found = np.concatenate([centre(value[..., codes == g, :]) for g in range(codes.max() + 1)], axis=-2)
    if empty == "overall":
        return np.where(np.isnan(found), centre(value), found)
    bare = np.isnan(found)
    if empty == "raise" and bare.any():
        pairs = sorted({(int(at[-2]), int(at[-1])) for at in np.argwhere(bare).tolist()})[:5]
        said = ", ".join(f"(group {g}, column {q})" for g, q in pairs)
        raise DataError(f"nothing is observed in {said}; say empty='overall' or 'nan'")
    return np.asarray(found, float)


def _coefficients(value: Array, predictors: tuple[int, ...]) -> Array:
    """Return least squares of every indicator on the predictors, shape (…, 1 + indicators, indicators).

    Rows of columns that do not predict are zero; a predictor is not predicted by itself, so that its holes
    stay where it is the only one.
    """
    Q = value.shape[-1]
    beta = np.zeros((*value.shape[:-2], 1 + Q, Q))
    for q in range(Q):
        use = [p for p in predictors if p != q]
        if not use:
            beta[..., 0, q] = np.nan
            continue
        rows = np.asarray(~np.isnan(value[..., [q, *use]]).any(-1), bool)
        if (rows.sum(-1) <= len(use) + 1).any():
            raise DataError(
                f"column {q} has {int(rows.sum(-1).min())} complete units for {len(use)} predictors"
            )
        design = np.concatenate([np.ones((*rows.shape, 1)), value[..., use]], axis=-1)
        held = np.where(rows[..., None], design, 0.0)
        size = np.maximum(np.abs(held).max(-2, keepdims=True), np.finfo(float).tiny)
        y = np.where(rows, value[..., q], 0.0)[..., None]
        beta[..., [0, *(1 + p for p in use)], q] = (np.linalg.pinv(held / size) @ y)[..., 0] / size[..., 0, :]
    return beta


def _product(value: Array, beta: Array) -> Array:
    """Return x β, NaN only where a value with a coefficient is missing."""
    hole = np.isnan(value).astype(float) @ (beta != 0).astype(float)
    return np.where(hole > 0, np.nan, np.nan_to_num(value, nan=0.0) @ beta)


def _filled(value: Array, guess: Array) -> Imputed:
    filled = np.where(np.isnan(value), guess, value)
    source = np.isnan(value).astype(np.int8) + np.isnan(filled).astype(np.int8)
    return Imputed(filled, source)
