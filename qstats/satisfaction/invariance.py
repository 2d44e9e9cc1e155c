"""Whether a construct means the same in the groups of a survey, before they are compared."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DataError, one_of, whole_number, within_0_1
from qstats.satisfaction.groups import Respondents, respondents_of
from qstats.satisfaction.options import check_seed
from qstats.satisfaction.studies import Study, require_study
from qstats.stats.multiplicity import ADJUSTMENT, Adjustment, adjusted
from qstats.stats.path_invariance import Invariance, invariance

Array = NDArray[np.float64]

_MEASURES = ("correlation", "mean", "log_variance")


def measurement_invariance(
    of: Study,
    /,
    *,
    permutations: int = 1000,
    seed: int | None = 0,
    adjust: Adjustment = "holm",
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Test by permutation whether groups measure constructs alike (MICOM), two groups at a time.

    Step 1, configural invariance, is a matter of the study: all groups have the same items, model, scale and
    options. Step 2, compositional invariance: composites by the weights of either group correlate by c = 1.
    Step 3: composites have equal means and variances.

    .. math:: c = \operatorname{cor}(Z w_1, Z w_2), \qquad \bar y_1 - \bar y_2, \qquad
              \ln \frac{\operatorname{var} y_1}{\operatorname{var} y_2}

    with Z the answers of both groups as z-scores, and y the composites of both groups together.

    Parameters
    ----------
    of : Study
        With keys of groups, and weights of each group.
    permutations : int
        Of each pair.
    seed : int or None
        0 is a seed like any other; None draws anew.
    adjust : {"holm", "hochberg", "bonferroni", "sidak", "bh", "by", "none"}
        For ``p_…_adjusted``: over all constructs and pairs, each measure by itself.
    level : float
        Of the limits, and of the verdict: 1 − level is the chance of finding groups different that are not.

    Returns
    -------
    DataFrame
        ``group, compared_with, construct, zh, en, n``; ``correlation`` (c) with ``correlation_low``, which it
        should reach; ``mean`` and ``log_variance``, of `group` less `compared_with`, with ``_low`` and
        ``_high``, between which chance leaves them; ``p_…`` and ``p_…_adjusted`` of each; ``failed``
        (permutations without a fit); and ``invariance``: ``none`` where c is too small, ``partial`` where
        means or variances differ, ``full`` where nothing does, not known where labels cannot be permuted.
        With ``partial`` paths may be compared, with ``full`` the groups may be pooled. What is not found
        different is not proven equal: see how wide the limits are.

    Raises
    ------
    DataError, DesignError
        See :func:`compare_groups`, whose design is heeded alike: clusters are permuted whole, and labels
        within strata.

    References
    ----------
    Henseler, Ringle, Sarstedt (2016), International Marketing Review 33, 405–431; Holm (1979).

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> answers["channel"] = ["shop", "net"] * 150
    >>> two = study(answers, by="channel", error="linearised")
    >>> found = measurement_invariance(two, permutations=99)
    >>> found["construct"].tolist(), bool((found["correlation"] > 0.99).all())
    (['IMAG', 'EXPE', 'QUAL', 'VAL', 'SAT', 'LOY'], True)
    """
    require_study(of)
    whole_number("permutations", permutations, least=1)
    check_seed(seed)
    one_of("adjust", adjust, ADJUSTMENT)
    within_0_1("level", level)
    found = respondents_of(of, "standardised")
    options = {"permutations": permutations, "seed": seed, "level": level}
    pairs = combinations(range(len(found.names)), 2)
    table = pd.concat([_pair(of, found, a, b, options) for a, b in pairs], ignore_index=True)
    for measure in _MEASURES:
        table[f"p_{measure}_adjusted"] = adjusted(table[f"p_{measure}"], method=adjust)
    table["invariance"] = _verdicts(table, 1 - level)
    return table


def _pair(of: Study, found: Respondents, a: int, b: int, options: dict[str, Any]) -> pd.DataFrame:
    """Return the tests of two groups, a row each construct."""
    own = (found.group == a) | (found.group == b)
    rows, q = found.rows[own], of.questions
    try:
        tests = invariance(
            of.survey.X[rows],
            (found.group[own] == b).astype(np.intp),
            q.model,
            weights=of.survey.drawn.weight[rows],
            unit=None if found.unit is None else found.unit[own],
            stratum=None if found.stratum is None else found.stratum[own],
            missing=of.survey.missing,
            how=of.how.fitting("standardised"),
            **options,
        )
    except DataError as error:
        raise DataError(f"{found.names[a]} – {found.names[b]}: {error}") from error
    keys = {
        "group": found.names[a],
        "compared_with": found.names[b],
        "construct": q.constructs,
        **q.labelled(q.constructs),
        "n": rows.size,
    }
    return pd.DataFrame({**keys, **_columns(tests)})


def _columns(tests: Invariance) -> dict[str, Any]:
    """Return the measures of all constructs as columns."""
    columns: dict[str, Any] = {}
    for name, test in zip(_MEASURES, tests[:3], strict=True):
        columns[name] = test.value
        columns[f"{name}_low"] = test.low
        if name != "correlation":
            columns[f"{name}_high"] = test.high
        columns[f"p_{name}"] = test.p
    return columns | {"failed": int(np.count_nonzero(tests.failure))}


def _verdicts(table: pd.DataFrame, alpha: float) -> list[str | None]:
    """Return none, partial or full by the adjusted p; None where one is not known."""
    p = table[[f"p_{measure}_adjusted" for measure in _MEASURES]].to_numpy(float)
    said: list[str | None] = []
    for composed, *rest in p:
        known = not np.isnan([composed, *rest]).any()
        same = "full" if min(rest) > alpha else "partial"
        said.append(("none" if composed <= alpha else same) if known else None)
    return said
