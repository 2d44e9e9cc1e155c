"""Funnel: which units differ from a target by more than their size and the usual spread explain."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.analysis import given
from qstats.analysis.compare import direction_of
from qstats.errors import DataError, OptionError, one_of, real_number
from qstats.estimate import Estimate
from qstats.messages import say
from qstats.stats import funnel as formulas
from qstats.stats.multiplicity import ADJUSTMENT, Adjustment, adjusted

Array = NDArray[np.float64]
Overdispersion = Literal["none", "phi", "tau2"]
_LEVELS: Final = {"95": 0.95, "998": 0.998}


def funnel(
    estimate: Estimate,
    /,
    *,
    target: float | None = None,
    overdispersion: Overdispersion = "none",
    winsorise: float = 0.1,
    adjust: Adjustment = "none",
    direction: Literal[1, -1] | None = None,
    lang: str | None = None,
) -> Estimate:
    r"""Hold rates of units of different size against one target.

    Limits at 95 and 99.8 % together, as funnel plots draw them: exact binomial ones, or widened by what units
    differ beyond chance. Every combination of the keys is a unit: choose one period with ``where`` first.

    Parameters
    ----------
    estimate : Estimate
        Rates in per cent with ``numerator`` and ``denominator``, both whole counts.
    target : float, optional
        In per cent; by default the pooled rate of the units.
    overdispersion : {"none", "phi", "tau2"}
        ``phi``: variance times φ; ``tau2``: plus τ², the variance between units. Both from winsorised
        z-scores. With large counts nearly all units lie outside limits of chance alone.
    winsorise : float
        Share of units drawn in on either side.
    adjust : {"none", "holm", "bh", …}
        Adjustment of p for the number of units.
    direction : {1, -1}, optional
        As for :func:`qstats.analysis.compare.compare`.
    lang : {"zh", "en"}, optional

    Returns
    -------
    Estimate
        The rows, with ``target, low_95, high_95, low_998, high_998`` (per cent), ``z`` (against the target,
        by the same variance), ``p`` (two-sided; exact mid-p without over-dispersion), ``position``:
        ``better`` or ``worse`` beyond 99.8 % (and p ≤ 0.002, since exact limits lie between two whole
        counts and ten of ten would be beyond them), ``somewhat better`` or ``somewhat worse`` beyond 95 %,
        ``within``, or empty. The notes give φ and τ².

    Raises
    ------
    DataError
        No counts, or no whole ones; fewer than two units with a rate; a pooled rate
        of 0 or 100 %, where a target must be given.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24, 1185–1202.

    Examples
    --------
    >>> from qstats.indicators.inspection_pass_rate import inspection_pass_rate
    >>> checks = {"region": ["安徽", "江苏", "浙江"], "inspected": [400, 900, 60], "passed": [340, 850, 55]}
    >>> found = funnel(inspection_pass_rate(checks, by="region"))
    >>> found.table.set_index("region")["position"].to_dict()
    {'安徽': 'worse', '江苏': 'better', '浙江': 'within'}
    """
    given.one(estimate, lang)
    one_of("overdispersion", overdispersion, ("none", "phi", "tau2"))
    one_of("adjust", adjust, ADJUSTMENT)
    real_number("winsorise", winsorise)
    if target is not None:
        real_number("target", target)
    x, n = _counts(estimate, lang)
    if target is not None and not 0 < target < 100:
        raise OptionError(say("funnel.target", lang, value=target))
    if np.isfinite(n).sum() < 2:
        raise DataError(say("funnel.few", lang, count=int(np.isfinite(n).sum())))
    theta = target / 100 if target is not None else float(np.nansum(x) / np.nansum(n))
    if not 0 < theta < 1:
        raise DataError(say("funnel.same", lang, rate=100 * theta))
    spread = formulas.overdispersion(x, n, target=theta, winsorise=winsorise)
    spreads: dict[str, Any] = {
        "phi": spread.phi if overdispersion == "phi" else 1.0,
        "tau2": spread.tau2 if overdispersion == "tau2" else 0.0,
    }
    method: formulas.Limits = "exact" if overdispersion == "none" else overdispersion
    columns = {}
    for label, level in _LEVELS.items():
        low, high = formulas.funnel_limits(n, theta, level=level, method=method, **spreads)
        columns[f"low_{label}"], columns[f"high_{label}"] = 100 * low, 100 * high
    s2 = theta * (1 - theta) / n
    z = (x / n - theta) / np.sqrt(max(spreads["phi"], 1.0) * s2 + spreads["tau2"])
    p = formulas.p_value(x, n, theta, **spreads)
    table = estimate.table.assign(
        target=100 * theta,
        **columns,
        z=z,
        p=adjusted(p, method=adjust),
        position=_position(100 * x / n, columns, p, direction_of(estimate, direction)),
    )
    note = say("funnel.spread", lang, phi=spread.phi, sd=100 * np.sqrt(spread.tau2))
    return estimate.replace(table, errors=estimate.errors, notes=(*estimate.notes, note))


def _counts(estimate: Estimate, lang: str | None) -> tuple[Array, Array]:
    table = estimate.table
    if estimate.unit != "%" or not {"numerator", "denominator"} <= set(table.columns):
        raise DataError(say("funnel.counts", lang, indicator=estimate.indicator, unit=estimate.unit))
    x, n = (pd.to_numeric(table[c]).to_numpy(float) for c in ("numerator", "denominator"))
    broken = np.abs(x - np.rint(x)) + np.abs(n - np.rint(n)) > 1e-6
    if broken.any():
        raise DataError(say("funnel.whole", lang, value=x[broken][0], n=n[broken][0]))
    gone = ~(n > 0)
    return np.where(gone, np.nan, x), np.where(gone, np.nan, n)


def _position(value: Array, limits: dict[str, Array], p: Array, sign: int) -> NDArray[np.object_]:
    """Place units by the limits, and by p where counts are small: limits lie between two whole counts."""
    better = value > limits["high_95"] if sign > 0 else value < limits["low_95"]
    near, far = (
        ((value < limits[f"low_{label}"]) | (value > limits[f"high_{label}"])) & (p <= 1 - level)
        for label, level in _LEVELS.items()
    )
    side = np.where(better, "better", "worse").astype(object)
    found = np.where(far, side, np.where(near, "somewhat " + side, "within"))
    return np.where(np.isnan(value), "", found).astype(object)
