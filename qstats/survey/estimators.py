"""Means, ratios, totals and proportions of any table, with the errors of its design."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, Literal

import numpy as np

from qstats.errors import DataError, DesignError, OptionError, kind_of, one_of, text
from qstats.estimate import Estimate
from qstats.survey.adjustments import ONE
from qstats.survey.cells import Cells, cells_of
from qstats.survey.design import Design, Missing
from qstats.survey.fitting import Df, fit
from qstats.survey.plan import plan
from qstats.survey.results import Interval, estimate_of, rate_of
from qstats.tally import keys_of

Against = Literal["without-replacement", "with-replacement"]


def ratio(
    data: Any,
    /,
    *,
    numerator: str,
    denominator: str,
    by: str | Sequence[str] = (),
    margins: bool = False,
    design: Design | None = None,
    df: Df = "domain",
    deff: Against = "without-replacement",
    missing: Missing | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the ratio of two totals, :math:`\hat R = \hat Y/\hat X`.

    .. math:: \hat R = \frac{\sum_i w_i y_i}{\sum_i w_i x_i}, \qquad
              \hat v(\hat R) = \hat v\Big(\sum_i w_i\,\frac{y_i - \hat R x_i}{\hat X}\Big)

    Parameters
    ----------
    data : table, path of Parquet or CSV files, or Cells
        Records; see :func:`qstats.cells`. Cells bring their design with them.
    numerator, denominator : str
        Columns of y and x.
    by : str or sequence of str
        Keys of the result; none: one ratio for all.
    margins : bool
        Also every row in which one or several of the keys are added up; they then say ``"*"``.
    design : Design, optional
        How the sample was drawn. Without one the error is not known, and NaN says so.
    df : {"domain", "design"}
        Degrees of freedom: primary units minus strata, of those in which the row is seen, or of the
        whole sample.
    deff : {"without-replacement", "with-replacement"}
        What the design effect compares with: simple random sampling of as many elements.
    missing : {"fail", "omit"}, optional
        What becomes of records without a value; by default as the design says, else ``"fail"``. Those
        left out still belong to the sample: leaving them out is a domain, not another design.
    level : float
        Confidence level of the interval :math:`\hat R \pm t_{df}\,se`.

    Returns
    -------
    Estimate
        With ``df, deff, n_eff`` (:math:`n/deff`), ``cv`` (standard error over estimate, per cent) and
        ``flag``, which says why an error or an estimate is missing. Rows covary: see
        :meth:`Estimate.covariance`.

    Raises
    ------
    DataError
        A column or key that does not exist, a missing or negative weight, a missing value.
    DesignError
        A stratum with one primary unit (unless the design has a policy), a population below the
        sample, a unit in two strata.

    References
    ----------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.6.

    Examples
    --------
    >>> rows = {"h": [1, 1, 2, 2], "w": [2, 2, 3, 3], "loss": [1, 3, 2, 2], "output": [10, 20, 10, 30]}
    >>> found = ratio(rows, numerator="loss", denominator="output", design=Design(weight="w", strata="h"))
    >>> round(found.value(), 4), found.table["df"].tolist()
    (0.1111, [2.0])
    """
    found = _cells(data, by, design, (numerator, denominator), missing)
    got = fit(found, numerator, denominator, by=keys_of(by), margins=margins, df=df, replacement=_with(deff))
    return estimate_of(got, found, "ratio", f"{numerator} / {denominator}", level)


def mean(
    data: Any,
    /,
    *,
    y: str,
    by: str | Sequence[str] = (),
    margins: bool = False,
    design: Design | None = None,
    df: Df = "domain",
    deff: Against = "without-replacement",
    missing: Missing | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the mean of a column, :math:`\hat{\bar y} = \sum w_i y_i / \sum w_i`.

    Parameters
    ----------
    data : table, path of Parquet or CSV files, or Cells
    y : str
        The column.
    by, margins, design, df, deff, missing, level
        As for :func:`ratio`.

    Returns
    -------
    Estimate
        As for :func:`ratio`, in the unit of the column.

    Raises
    ------
    DataError, DesignError
        As for :func:`ratio`.

    References
    ----------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.7.

    Examples
    --------
    >>> rows = {"plant": ["a", "a", "b", "c"], "w": [2, 2, 3, 3], "score": [80, 90, 70, 60]}
    >>> found = mean(rows, y="score", design=Design(weight="w", cluster="plant"))
    >>> found.value(), found.table["n"].tolist()
    (73.0, [4.0])
    """
    found = _cells(data, by, design, (y,), missing)
    got = fit(found, y, ONE, by=keys_of(by), margins=margins, df=df, replacement=_with(deff))
    return estimate_of(got, found, "mean", y, level)


def total(
    data: Any,
    /,
    *,
    y: str,
    by: str | Sequence[str] = (),
    margins: bool = False,
    design: Design | None = None,
    df: Df = "domain",
    deff: Against = "without-replacement",
    missing: Missing | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the total of a column, :math:`\hat Y = \sum w_i y_i`.

    Parameters
    ----------
    data : table, path of Parquet or CSV files, or Cells
    y : str
        The column; ``"1"`` counts the population, :math:`\sum w_i`.
    by, margins, design, df, deff, missing, level
        As for :func:`ratio`.

    Returns
    -------
    Estimate
        As for :func:`ratio`, in the unit of the column.

    Raises
    ------
    DataError, DesignError
        As for :func:`ratio`.

    References
    ----------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 2.8.

    Examples
    --------
    >>> rows = {"plant": ["a", "a", "b"], "w": [2, 2, 3], "output": [10, 20, 30]}
    >>> total(rows, y="output", design=Design(weight="w", cluster="plant")).value()
    150.0
    """
    text("y", y, empty=False)
    found = _cells(data, by, design, () if y == ONE else (y,), missing)
    got = fit(found, y, None, by=keys_of(by), margins=margins, df=df, replacement=_with(deff))
    return estimate_of(got, found, "total", "size of the population" if y == ONE else y, level)


def proportion(
    data: Any,
    /,
    *,
    y: str,
    by: str | Sequence[str] = (),
    margins: bool = False,
    design: Design | None = None,
    interval: Interval = "logit",
    df: Df = "domain",
    deff: Against = "without-replacement",
    missing: Missing | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Estimate the share, in per cent, of records in which a column is 1, :math:`100 \sum w_i y_i/\sum w_i`.

    Parameters
    ----------
    data : table, path of Parquet or CSV files, or Cells
    y : str
        A column of 0 and 1, or of truth values.
    interval : {"logit", "korn-graubard", "wilson", "clopper-pearson", "jeffreys", "arcsine", …}
        See :func:`qstats.stats.design_intervals.design_proportion`. None has zero width; at 0 and 100 %
        all rest on the sample size. Korn–Graubard's is the cautious one for rates above 99 %.
    by, margins, design, df, deff, missing, level
        As for :func:`ratio`.

    Returns
    -------
    Estimate
        Per cent, with the columns of :func:`ratio`.

    Raises
    ------
    DataError
        As for :func:`ratio`; also a value other than 0 and 1.
    DesignError
        As for :func:`ratio`.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24, 193–201; Dean & Pagano (2015), Journal of Survey
    Statistics and Methodology 3, 484–503.

    Examples
    --------
    >>> rows = {"plant": list("aabbccdd"), "ok": [1, 1, 1, 0, 1, 1, 1, 1]}
    >>> proportion(rows, y="ok", design=Design(cluster="plant")).value()
    87.5
    """
    text("y", y, empty=False)
    found = _cells(data, by, design, (y,), missing, shares=(y,))
    if isinstance(data, Cells):
        _refuse_other_values(found, y)
    got = fit(found, y, ONE, by=keys_of(by), margins=margins, df=df, replacement=_with(deff))
    return rate_of(got, found, indicator="proportion", basis=y, interval=interval, level=level)


def _with(deff: Against) -> bool:
    one_of("deff", deff, ("without-replacement", "with-replacement"))
    return deff == "with-replacement"


def _cells(
    data: Any,
    by: str | Sequence[str],
    design: Design | None,
    sums: Sequence[str],
    missing: Missing | None,
    *,
    shares: tuple[str, ...] = (),
) -> Cells:
    if not isinstance(data, Cells):
        return cells_of(data, plan(keys_of(by), design, sums, missing, None)._replace(shares=shares))
    kind_of("design", design, (Design, NoneType), what="a Design")
    one_of("missing", missing, (None, "fail", "omit"))
    if design is not None and design != data.design:
        raise DesignError(f"these cells were made under another design:\n{data.design!r}\nnot {design!r}")
    if missing is not None and missing != data.missing:
        raise OptionError(f"these cells were made with missing={data.missing!r}; it cannot be changed now")
    return data


def _refuse_other_values(found: Cells, y: str) -> None:
    """Raise unless y can be 0 or 1 throughout: then Σwy² = Σwy, and 0 ≤ Σwy ≤ Σw, in every cell."""
    y1, w = found.sum(y), found.sum(ONE)
    y2 = y1 if found.design is None else found.product(y, y)  # without a design cells keep no squares
    size = 1e-9 * np.maximum(np.abs(y2), np.abs(w))
    off = (np.abs(y1 - y2) > size) | (y1 < -size) | (y1 > w + size)
    if off.any():
        raise DataError(
            f"{y!r} has values other than 0 and 1 ({int(off.sum())} of {len(off)} cells): a proportion needs "
            "0 and 1; for other numbers use mean or ratio"
        )
