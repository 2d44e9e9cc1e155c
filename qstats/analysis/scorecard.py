"""Scorecards: points for targets and measures, a grade, and a veto."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats import datasets, values
from qstats.analysis import given
from qstats.errors import DataError, OptionError, mapping, nearest, one_of, real_number, text
from qstats.estimate import Estimate, Inference, assemble
from qstats.index.frameworks import framework as read_framework
from qstats.messages import language, say
from qstats.stats import scorecard as points
from qstats.stats.ranking import competition_ranks

Array = NDArray[np.float64]
Missing = Literal["raise", "zero", "renormalise"]
Unknown = Literal["missing", "fixed"]
SCORING: Final = ("linear", "met")
_CLAIMS: Final[tuple[Inference, ...]] = ("none", "superpopulation", "design")


class _Values(NamedTuple):
    """The leaves of all units."""

    units: pd.DataFrame
    value: dict[str, Array]  # code → (units,)
    drawn: dict[str, Array]  # code → (draws, units)
    known: dict[str, NDArray[np.bool_]]  # code → whether its error is known


def scorecard(
    indicators: Mapping[str, Estimate],
    framework: str | Path | pd.DataFrame,
    /,
    *,
    rounding: points.Rounding | None = None,
    grades: str | Mapping[str, float] = "2013",
    veto: Mapping[str, str] | None = None,
    missing: Missing = "raise",
    unknown: Unknown = "missing",
    whole: float = 100.0,
    level: float = 0.95,
    n_draws: int = 2000,
    seed: int = 0,
    lang: str | None = None,
) -> Estimate:
    r"""Give points for each indicator, add them up a tree, and grade the sum.

    A leaf of weight w in the whole has :math:`100\,w` points, of which it earns the share

    .. math:: s = \min\Bigl(1, \max\Bigl(0, \frac{x - L}{U - L}\Bigr)\Bigr)

    (mirrored where less is better), or all or nothing where the framework says ``met`` in its column
    ``scoring``. The grade is that of the rounded score; a veto gives the lowest grade outright, and leaves
    the score as it is.

    Parameters
    ----------
    indicators : mapping of str → Estimate
        Code of a leaf → values of all units (regions, say), all with the same keys.
    framework : str, Path or DataFrame
        What :func:`qstats.framework` takes; ``lower`` and ``upper`` are where no and all points are earned.
        A column ``scoring`` (``linear``, ``met``) may say how, leaf by leaf; without it, linear.
    rounding : {"half-up", "half-even", "down", "none"}
        Required: printed grades are whole numbers (B 80–89, A from 90), and 89.5 is neither until it is said
        what becomes of it.
    grades : str or mapping of str → float
        Year of a published scheme (``"2013"``: A from 90, B from 80, C from 60, D below), or grade → lower
        bound; the lowest has 0.
    veto : mapping of str → str, optional
        Region → the incident that gives it the lowest grade.
    missing : {"raise", "zero", "renormalise"}
        A value that is missing: refuse; no points; or the rest of its node takes over the weight.
    unknown : {"missing", "fixed"}
        A value whose error is not known (a published figure, an assessor's mark): the error of all sums it
        enters is missing; or it is held fixed, and the errors are those of the others.
    whole : float
        Points of the whole.
    level : float
        Of the limits.
    n_draws, seed : int
        Draws of the joint error that the error of the points rests on.
    lang : {"zh", "en"}, optional
        Language of notes and messages.

    Returns
    -------
    Estimate
        Keys of the indicators and ``node``: points of every node with ``std_error``, limits (quantiles of
        the draws) and ``maximum``. For the root also ``rounded, grade, grade_by_score`` (without the veto),
        ``grade_probability`` (of `grade_by_score`, among the draws; missing where no error is known),
        ``rank`` (by unrounded score, 1 is best) and ``veto`` (the reason).

    Raises
    ------
    OptionError
        No rounding, or another choice that does not exist.
    FrameworkError
        The framework has faults.
    DataError
        A code, unit or key that does not fit; values that are missing; a veto for an unknown region.

    References
    ----------
    Measures for the assessment of the quality work of provincial governments (General Office of the State
    Council, 2013).

    Examples
    --------
    >>> tree = pd.DataFrame({"code": ["all", "targets", "measures"], "parent": ["", "all", "all"],
    ...     "direction": [None, 1, 1], "weight": [1, 0.4, 0.6], "weight_provenance": "official",
    ...     "lower": [None, 80, 0], "upper": [None, 95, 60], "bounds_provenance": "hypothesis",
    ...     "unit": ["", "%", "score"]})
    >>> def given(x, unit):
    ...     core = dict.fromkeys(("std_error", "conf_low", "conf_high", "n"), np.nan)
    ...     table = pd.DataFrame({"region": ["合肥", "芜湖"], "estimate": x, **core})
    ...     return Estimate(table, indicator="given", unit=unit, method="given")
    >>> marks = {"targets": given([93.5, 92.0], "%"), "measures": given([53.5, 56.0], "score")}
    >>> card = scorecard(marks, tree, rounding="half-up", veto={"芜湖": "incident"}).where(node="all").table
    >>> card[["region", "estimate", "grade", "grade_by_score"]].values.tolist()
    [['合肥', 89.5, 'A', 'A'], ['芜湖', 88.0, 'D', 'B']]
    """
    given.several("indicators", indicators, lang)
    _check(rounding, missing, unknown, lang)
    real_number("whole", whole, above=0)
    given.draws(n_draws, seed, level=level, least=2)
    tree, scale = _tree(framework, lang), _scheme(grades, lang)
    found = _values(indicators, tree, n_draws, seed, lang)
    if missing == "raise":
        _refuse_missing(found, lang)
    how: points.Missing = (
        "zero" if missing == "zero" else "renormalise" if missing == "renormalise" else "propagate"
    )
    score, drawn = (_nodes(leaf, tree, how, whole) for leaf in (found.value, found.drawn))
    sure = _known(found, tree, unknown)
    reasons = _reasons({} if veto is None else veto, found.units, lang)
    blocks = []
    for code, maximum in zip(tree["code"], whole * tree["weight_in_root"], strict=True):
        block = _points(found.units, code, score[code], drawn[code], sure[code], level, float(maximum))
        if tree.loc[tree["code"] == code, "depth"].item() == 0:
            assert rounding is not None
            block |= _graded(score[code], drawn[code], sure[code], scale, rounding, reasons)
        blocks.append(pd.DataFrame(block))
    return _estimate(
        pd.concat(blocks, ignore_index=True), indicators, tree, (rounding, unknown, missing), level
    )


def grade_ranks(
    letters: Mapping[str, str], /, *, grades: str | Mapping[str, float] = "2013", lang: str | None = None
) -> pd.DataFrame:
    """Say what published grades tell of scores and ranks, and no more.

    Parameters
    ----------
    letters : mapping of str → str
        Region → its grade.
    grades : str or mapping of str → float
        As in :func:`scorecard`.
    lang : {"zh", "en"}, optional
        Language of messages.

    Returns
    -------
    DataFrame
        ``region, grade, score_low`` (reached), ``score_high`` (not reached, but 100 is), ``rank_best,
        rank_worst`` (the ranks its score can have among these regions) and ``of``.

    Raises
    ------
    DataError
        A grade the scheme does not know.

    Examples
    --------
    >>> rows = datasets.load("government_quality_assessment")
    >>> rows = rows[(rows["industry"] == "省级政府质量工作考核") & (rows["year"] == "2019")]
    >>> told = grade_ranks(dict(zip(rows["region"], rows["printed"]))).set_index("region").loc["安徽"]
    >>> told["grade"], *(int(told[c]) for c in ("score_low", "score_high", "rank_best", "rank_worst", "of"))
    ('B', 80, 90, 5, 26, 31)
    """
    mapping("letters", letters, of="region to grade")
    scale = _scheme(grades, lang)
    names, lows = list(scale), list(scale.values())
    for region, letter in letters.items():
        text(f"letters[{region!r}]", letter)
        if letter not in scale:
            raise DataError(
                say("scorecard.letter", lang, region=region, letter=letter, letters=", ".join(names))
            )
    at = np.array([names.index(letter) for letter in letters.values()], int)
    best = competition_ranks(at.astype(float)).astype(int)
    return pd.DataFrame(
        {
            "region": list(letters),
            "grade": list(letters.values()),
            "score_low": [lows[i] for i in at],
            "score_high": [[*lows[1:], 100.0][i] for i in at],
            "rank_best": best,
            "rank_worst": [int((at >= i).sum()) for i in at],
            "of": len(at),
        }
    )


def _check(rounding: Any, missing: str, unknown: str, lang: str | None) -> None:
    if rounding is None:
        raise OptionError(say("scorecard.rounding", lang, options=", ".join(points.ROUNDING)))
    one_of("rounding", rounding, points.ROUNDING)
    one_of("missing", missing, ("raise", "zero", "renormalise"))
    one_of("unknown", unknown, ("missing", "fixed"))


def _tree(source: Any, lang: str | None) -> pd.DataFrame:
    if not isinstance(source, str | Path | pd.DataFrame):
        raise OptionError(f"framework is a {type(source).__name__}, neither a name, a file nor a table")
    tree = read_framework(source, lang=lang)
    given = tree["scoring"] if "scoring" in tree.columns else [""] * len(tree)
    tree["scoring"] = ["linear" if values.is_missing(cell) else values.plain(cell) for cell in given]
    for row in tree[tree["leaf"]].itertuples():
        if row.scoring not in SCORING:
            raise DataError(say("scorecard.scoring", lang, code=row.code, value=row.scoring))
    return tree


def _scheme(grades: str | Mapping[str, float], lang: str | None) -> dict[str, float]:
    """Return grade → lower bound, the lowest first."""
    language(lang)
    if isinstance(grades, str):
        rows = datasets.load("government_quality_assessment")
        rows = rows[rows["series"] == "assessment_threshold"]
        one_of("grades", grades, sorted(set(rows["year"].astype(str))))
        rows = rows[rows["year"].astype(str) == grades]
        grades = {"D": 0.0, **dict(zip(rows["industry"], rows["value"].astype(float), strict=True))}
    mapping("grades", grades, of="grade to its lower bound")
    for grade, bound in grades.items():
        real_number(f"grades[{grade!r}]", bound)
    found = dict(sorted(grades.items(), key=lambda item: item[1]))
    lows = list(found.values())
    if len(found) < 2 or lows[0] != 0 or any(a == b for a, b in pairwise(lows)):
        raise OptionError(say("scorecard.grades", lang, grades=found))
    return found


def _values(
    indicators: Mapping[str, Estimate], tree: pd.DataFrame, n_draws: int, seed: int, lang: str | None
) -> _Values:
    leaves = tree[tree["leaf"]].set_index("code")
    if not indicators:
        raise DataError(say("scorecard.empty", lang))
    keys = next(iter(indicators.values())).keys
    for code, estimate in indicators.items():
        if code not in leaves.index:
            near = nearest(code, leaves.index)
            raise DataError(say("scorecard.code", lang, code=code, near=near or "—"))
        if values.one_unit(estimate.unit) != values.one_unit(str(leaves.loc[code, "unit"])):
            said = {"code": code, "want": leaves.loc[code, "unit"], "have": estimate.unit}
            raise DataError(say("targets.unit", lang, **said))
        if set(estimate.keys) != set(keys) or "node" in keys:
            raise DataError(say("scorecard.keys", lang, code=code, have=estimate.keys, want=keys))
    tables = [estimate.table[list(keys)] for estimate in indicators.values()]
    units = pd.concat(tables).drop_duplicates().sort_values(list(keys), ignore_index=True)
    found = _Values(units, {}, {}, {})
    for row in leaves.itertuples():
        x, drawn, known = _leaf(indicators.get(row.Index), units, n_draws, seed)
        bounds = (row.lower, row.upper, row.direction)
        found.value[row.Index], found.drawn[row.Index] = (
            points.share(z, *bounds, all_or_nothing=row.scoring == "met") for z in (x, drawn)
        )
        found.known[row.Index] = known
    return found


def _leaf(
    estimate: Estimate | None, units: pd.DataFrame, n_draws: int, seed: int
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return the values of one leaf, draws of them, and whether the error is known, in the order of units."""
    if estimate is None:
        nothing = np.full(len(units), np.nan)
        return nothing, np.full((n_draws, len(units)), np.nan), np.ones(len(units), bool)
    table = estimate.table[list(units.columns)].assign(_row=np.arange(len(estimate)))
    rows = units.merge(table, how="left", on=list(units.columns))["_row"]
    there = rows.notna().to_numpy()
    at = rows[there].astype(int).to_numpy()
    drawn, value = np.full((n_draws, len(units)), np.nan), np.full(len(units), np.nan)
    draws = estimate.draws(n_draws, seed=seed, unknown="fixed")
    value[there], drawn[:, there] = estimate.table["estimate"].to_numpy()[at], draws[:, at]
    known = np.ones(len(units), bool)
    known[there] = estimate.table["std_error"].notna().to_numpy()[at] | (np.ptp(draws, axis=0) > 0)[at]
    return value, drawn, known | np.isnan(value)


def _refuse_missing(found: _Values, lang: str | None) -> None:
    absent = [
        f"{code}: {', '.join(found.units[np.isnan(share)].astype(str).agg(' '.join, axis=1)[:5])}"
        for code, share in found.value.items()
        if np.isnan(share).any()
    ]
    if absent:
        raise DataError(say("scorecard.missing", lang, count=len(absent), list="; ".join(absent[:10])))


def _nodes(
    leaves: dict[str, Array], tree: pd.DataFrame, how: points.Missing, whole: float
) -> dict[str, Array]:
    parents, weights = (dict(zip(tree["code"], tree[c], strict=True)) for c in ("parent", "weight"))
    shares = points.add_up(leaves, parents, weights, missing=how)
    in_root = dict(zip(tree["code"], tree["weight_in_root"], strict=True))
    return {code: whole * in_root[code] * s for code, s in shares.items()}


def _known(found: _Values, tree: pd.DataFrame, unknown: Unknown) -> dict[str, NDArray[np.bool_]]:
    """Return for which units the error of each node is known: of all its leaves, or of any if held fixed."""
    parents = dict(zip(tree["code"], tree["parent"], strict=True))
    below: dict[str, list[NDArray[np.bool_]]] = {code: [] for code in parents}
    for leaf, known in found.known.items():
        code = leaf
        while code:
            below[code].append(known & ~np.isnan(found.value[leaf]) if unknown == "fixed" else known)
            code = parents[code]
    join = np.any if unknown == "fixed" else np.all
    return {code: np.asarray(join(np.stack(parts), axis=0)) for code, parts in below.items()}


def _reasons(veto: Mapping[str, str], units: pd.DataFrame, lang: str | None) -> list[str]:
    mapping("veto", veto, of="region to incident")
    regions = list(units["region"]) if "region" in units.columns else []
    for region, incident in veto.items():
        text(f"veto[{region!r}]", incident, empty=False)
        if regions.count(region) != 1:
            raise DataError(say("scorecard.veto", lang, region=region, count=regions.count(region)))
    return [veto.get(region, "") for region in regions] if regions else [""] * len(units)


def _points(
    units: pd.DataFrame, code: str, score: Array, drawn: Array, sure: Any, level: float, maximum: float
) -> dict[str, Any]:
    tail = (1 - level) / 2
    sure = sure & ~np.isnan(score)
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    core = {"std_error": drawn.std(axis=0, ddof=1), "conf_low": low, "conf_high": high}
    found = {column: np.where(sure, values, np.nan) for column, values in core.items()}
    keys = units.assign(node=code)
    nothing = {"rounded": np.nan, "grade": "", "grade_by_score": "", "grade_probability": np.nan}
    columns = assemble(keys, estimate=score, **found, n=np.full(len(units), np.nan), maximum=maximum)
    return {**columns, **nothing, "rank": pd.array([pd.NA] * len(units), dtype="Int64"), "veto": ""}


def _graded(
    score: Array,
    drawn: Array,
    sure: Any,
    scale: dict[str, float],
    rounding: points.Rounding,
    reasons: list[str],
) -> dict[str, Any]:
    names, cuts = [*scale, ""], list(scale.values())[1:]
    at = points.position(score, cuts, rounding=rounding)
    same = (points.position(drawn, cuts, rounding=rounding) == at).mean(axis=0)
    by_score = [names[-1 if np.isnan(i) else int(i)] for i in at]
    return {
        "rounded": points.rounded(score, rounding=rounding),
        "grade": [names[0] if reason else letter for letter, reason in zip(by_score, reasons, strict=True)],
        "grade_by_score": by_score,
        "grade_probability": np.where(sure & ~np.isnan(score), same, np.nan),
        "rank": pd.array(competition_ranks(score), dtype="Int64"),
        "veto": reasons,
    }


def _estimate(
    table: pd.DataFrame, indicators: Mapping[str, Estimate], tree: pd.DataFrame, how: Any, level: float
) -> Estimate:
    rounding, unknown, missing = how
    fixed = "; values without a known error held fixed" if unknown == "fixed" else ""
    return Estimate(
        table,
        indicator=str(tree.loc[tree["depth"] == 0, "code"].item()),
        unit="score",
        method=f"points added up, rounding {rounding}, missing values: {missing}{fixed}",
        level=level,
        inference=min((e.inference for e in indicators.values()), key=_CLAIMS.index),
        provenance=list(dict.fromkeys(p for e in indicators.values() for p in e.provenance)),
        digits=1,
    )
