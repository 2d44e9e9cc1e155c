"""Groups of a survey under one model: whether paths, measurement and index differ by more than chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qstats.errors import DataError, DesignError, OptionError, one_of, whole_number
from qstats.estimate import Estimate, assemble
from qstats.messages import say
from qstats.satisfaction.options import check_seed
from qstats.satisfaction.studies import Study, fitted, study
from qstats.stats import path_groups, path_index
from qstats.stats.multiplicity import ADJUSTMENT, Adjustment, adjusted
from qstats.stats.path_groups import GroupTest
from qstats.stats.path_index import Convention
from qstats.stats.pathmodel import Fit
from qstats.survey.design import Design

Array = NDArray[np.float64]
Index = NDArray[np.intp]

Kind = Literal["path", "weight", "loading", "index"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Respondents(NamedTuple):
    """The respondents of the groups compared, in an order that does not depend on the groups."""

    rows: Index
    group: Index
    unit: Index | None
    stratum: Index | None
    names: list[str]
    notes: list[str]


def compare_groups(
    of: Any,
    /,
    *,
    by: str | Sequence[str] | None = None,
    model: str | pd.DataFrame | None = None,
    design: Design | None = None,
    parameters: Sequence[Kind] = KINDS,
    index_of: str = "SAT",
    convention: Convention = "U",
    permutations: int = 1000,
    seed: int | None = 0,
    adjust: Adjustment = "holm",
) -> Estimate:
    r"""Test by permutation whether groups differ in paths, outer weights, loadings and index.

    .. math:: p = \frac{1 + \#\{T^* \ge T\}}{1 + B}, \qquad T = \sum_g \nu_g (\hat\theta_g - \bar\theta)^2

    over B random distributions of the labels of groups; of two groups T orders like
    :math:`|\hat\theta_1 - \hat\theta_2|`. Every group is fitted anew each time.
    Whether constructs mean the same in the groups, which a comparison supposes, is asked of
    :func:`measurement_invariance`.

    Parameters
    ----------
    of : Study or table
        A study, whose groups are compared; or responses, of which :func:`study` makes one by the three
        arguments that follow (refused with a study).
    by : str or sequence of str, optional
        Keys of the groups; by default ``"group"``.
    model : str or DataFrame, optional
        By default ``"ccsi"``.
    design : Design, optional
        Weights stay with respondents. With clusters whole clusters are permuted; one that lies in several
        groups is refused. Labels are permuted within strata that groups cross; strata that are the groups
        leave them free, and groups of several strata of their own are refused.
    parameters : sequence of {"path", "weight", "loading", "index"}
        What is tested.
    index_of : str
        The construct of the index.
    convention : {"U", "S", "R", "M"}
        Of the index; R fits the items as they are, and paths, weights and loadings are then of that fit.
    permutations : int
        Of each test.
    seed : int or None
        0 is a seed like any other; None draws anew.
    adjust : {"holm", "hochberg", "bonferroni", "sidak", "bh", "by", "none"}
        For ``p_adjusted``: over all parameters of a kind, and for pairs over all pairs as well.

    Returns
    -------
    Estimate
        ``kind, parameter, group, compared_with``. Of pairs the estimate is the difference, `group` less
        `compared_with`, of ``first`` and ``second``. With three groups or more the rows of ``*`` against
        ``*`` are the omnibus test: their estimate is :math:`\sqrt T`. Further columns: ``p, p_adjusted``,
        ``permutations`` (B) and ``failed``. Standard errors are not known here (NaN):
        :func:`qstats.satisfaction.paths` and :func:`index` have them. An index is in points.

    Raises
    ------
    DataError
        A group of fewer answers than items and one, by name; fewer than two groups.
    DesignError
        A cluster in several groups; clusters that are not known; strata each in one group, a group having
        several.

    References
    ----------
    Chin, Dibbern (2010), Handbook of Partial Least Squares, 171–193; Manly (2007), Randomization, Bootstrap
    and Monte Carlo Methods in Biology, 3rd ed., for the omnibus test; Good (2005), Permutation, Parametric
    and Bootstrap Tests of Hypotheses, 3rd ed., for strata; Holm (1979).

    Examples
    --------
    >>> from qstats.simulation import simulate
    >>> answers = simulate("satisfaction", year=2023, size=300, seed=4)
    >>> from qstats.satisfaction.studies import study
    >>> answers["channel"] = ["shop", "net"] * 150
    >>> two = study(answers, by="channel", error="linearised")
    >>> found = compare_groups(two, parameters=["index"], permutations=99)
    >>> found.table[["group", "compared_with"]].values.tolist(), bool((found.table["p"] > 0.05).all())
    ([['net', 'shop']], True)
    """
    one_of("convention", convention, get_args(Convention))
    one_of("adjust", adjust, ADJUSTMENT)
    whole_number("permutations", permutations, least=1)
    check_seed(seed)
    kinds = _kinds(parameters)
    asked = study_of(of, by, model, design)
    found = respondents_of(asked, path_index.METRIC[convention])
    names, statistic = _parameters(asked, kinds, index_of, convention)
    X, w = asked.survey.X[found.rows], asked.survey.drawn.weight[found.rows]
    options: dict[str, Any] = {"weights": w, "unit": found.unit, "stratum": found.stratum}
    options |= {"missing": asked.survey.missing, "how": asked.how.fitting(path_index.METRIC[convention])}
    options |= {"permutations": permutations, "seed": seed}
    model_ = asked.questions.model
    pairs = path_groups.pairwise(X, found.group, model_, statistic, **options)
    tests = {(found.names[a], found.names[b]): test for (a, b), test in pairs.items()}
    if len(found.names) > 2:
        whole = path_groups.permutation_test(X, found.group, model_, statistic, **options)
        tests = {("*", "*"): whole, **tests}
    return _told(asked, found, names, tests, permutations, adjust, f"{index_of}, convention {convention}")


def _kinds(parameters: Any) -> list[Kind]:
    """Return what is tested, each once."""
    listed = isinstance(parameters, Iterable) and not isinstance(parameters, str | bytes | Mapping)
    found = list(parameters) if listed else []
    if not found:
        said = say("path_groups.parameters", value=parameters, known=", ".join(KINDS))
        raise OptionError(said, argument="parameters", value=parameters)
    for kind in found:
        one_of("parameters", kind, KINDS)
    return list(dict.fromkeys(found))


def study_of(of: Any, by: Any, model: Any, design: Design | None) -> Study:
    """Return the study, or the one that responses make."""
    if not isinstance(of, Study):
        return study(
            of, by="group" if by is None else by, model="ccsi" if model is None else model, design=design
        )
    for argument, value in {"by": by, "model": model, "design": design}.items():
        if value is not None:
            raise OptionError(say("path_groups.study", argument=argument))
    return of


def respondents_of(of: Study, metric: Any) -> Respondents:
    """Return who is compared, or say what stands in the way."""
    if of.how.outer == "pooled":
        raise OptionError(say("path_groups.pooled"))
    p = len(of.questions.items)
    for g in range(of.groups):
        count = of.survey.rows(g).size
        if count < p + 1:
            name = of.survey.named(g)
            raise DataError(say("path_groups.few", group=name, count=count, items=p, least=p + 1))
    fits, reasons = fitted(of, metric)
    for g, own in enumerate(fits):
        if own is not None and own.dropped:
            raise DataError(
                say("path_groups.dropped", group=of.survey.named(g), items=", ".join(own.dropped))
            )
    kept = [g for g, own in enumerate(fits) if own is not None]
    notes = [
        say("path_groups.left_out", group=of.survey.named(g), why=reasons[g])
        for g in range(of.groups)
        if g not in kept
    ]
    if len(kept) < 2:
        raise DataError(say("path_groups.one", count=len(kept), why="; ".join(notes) or of.survey.named(0)))
    rows = np.concatenate([of.survey.rows(g) for g in kept])
    at = np.lexsort([*of.survey.X[rows].T, of.survey.drawn.weight[rows]])
    rows = rows[at]
    group = np.searchsorted(kept, of.survey.group[rows]).astype(np.intp)
    unit = clusters_of(of, rows)
    names = [", ".join(map(str, of.survey.labels.iloc[g])) for g in kept]
    notes.append(_permuted(of, rows, group, unit))
    stratum, said = _strata(of, rows, group)
    return Respondents(rows, group, unit, stratum, names, [*notes, *said])


def clusters_of(of: Study, rows: Index, /) -> Index | None:
    """Return the primary cluster of every respondent; None where respondents were drawn themselves."""
    drawn = of.survey.drawn
    if drawn.design is None or drawn.design.elements:
        if drawn.given is not None:
            raise DesignError(say("path_groups.unknown"))
        return None
    unit = drawn.unit if drawn.sample.psu is None else drawn.sample.psu[drawn.unit]
    return np.asarray(unit[rows], np.intp)


def strata_of(of: Study, rows: Index, /) -> Index | None:
    """Return the stratum of every respondent; None where the design names none."""
    drawn = of.survey.drawn
    if drawn.design is None or drawn.design.strata is None:
        return None
    unit = drawn.unit if drawn.sample.psu is None else drawn.sample.psu[drawn.unit]
    return np.asarray(drawn.sample.stratum[unit[rows]], np.intp)


def _strata(of: Study, rows: Index, group: Index) -> tuple[Index | None, list[str]]:
    """Return the strata within which labels are permuted and what to say of them, or refuse them."""
    stratum = strata_of(of, rows)
    if stratum is None:
        return None, []
    pairs = np.unique(np.column_stack([stratum, group]), axis=0)
    groups_in = np.bincount(pairs[:, 0])
    strata, G = int((groups_in > 0).sum()), int(group.max()) + 1
    if groups_in.max() == 1:
        if strata == G:
            return None, [say("path_groups.strata_are_groups")]
        raise DesignError(say("path_groups.nested", strata=strata, groups=G))
    fixed = int(np.count_nonzero(groups_in[stratum] == 1))
    return stratum, [say("path_groups.within", strata=strata, fixed=fixed, of=rows.size)]


def _permuted(of: Study, rows: Index, group: Index, unit: Index | None) -> str:
    """Say what is permuted, or refuse clusters that cross groups."""
    if unit is None:
        return say("path_groups.permuted.rows")
    pairs = np.unique(np.column_stack([unit, group]), axis=0)
    clusters, counts = np.unique(pairs[:, 0], return_counts=True)
    if (counts > 1).any():
        g = of.survey.group[rows[np.flatnonzero(unit == clusters[counts.argmax()])[0]]]
        said = {"count": int((counts > 1).sum()), "of": clusters.size, "group": of.survey.named(int(g))}
        raise DesignError(say("path_groups.crossed", **said))
    return say("path_groups.permuted.clusters", count=clusters.size)


def _parameters(
    of: Study, kinds: list[Kind], index_of: str, convention: Convention
) -> tuple[list[tuple[Kind, str]], path_groups.Statistic]:
    """Return kind and name of the parameters, and what computes them."""
    q, c = of.questions, of.questions.position(index_of)
    to, source = np.nonzero(q.model.paths)
    paths = [f"{q.constructs[s]} → {q.constructs[t]}" for t, s in zip(to, source, strict=True)]
    named = {"path": paths, "weight": [*q.items], "loading": [*q.items], "index": [index_of]}
    lower, upper = of.survey.lower, of.survey.upper

    def statistic(mean: Array, S: Array, fit: Fit) -> Array:
        u = path_index.index_weights(fit.weights, S, convention=convention)
        scores = path_index.index(mean, u, lower, upper, q.model)[..., c : c + 1]
        values = {"path": fit.paths[:, to, source], "weight": fit.standardised, "loading": fit.loadings}
        return np.concatenate([{**values, "index": scores}[kind] for kind in kinds], axis=1)

    return [(kind, name) for kind in kinds for name in named[kind]], statistic


def _told(
    of: Study,
    found: Respondents,
    names: list[tuple[Kind, str]],
    tests: dict[tuple[str, str], GroupTest],
    permutations: int,
    adjust: Adjustment,
    what: str,
) -> Estimate:
    """Return the table of all tests."""
    parts = [_rows(names, key, test, permutations) for key, test in tests.items()]
    table = pd.concat(parts, ignore_index=True)
    table["p_adjusted"] = np.nan
    omnibus = table["group"] == "*"
    for _, own in table.groupby([table["kind"], omnibus], sort=False):
        table.loc[own.index, "p_adjusted"] = adjusted(own["p"], method=adjust)
    keys = ["kind", "parameter", "group", "compared_with"]
    nothing = np.full(len(table), np.nan)
    sizes = dict(zip(found.names, np.bincount(found.group).tolist(), strict=True)) | {"*": found.rows.size}
    both = [
        sizes[a] + (0 if a == "*" else sizes[b])
        for a, b in zip(table["group"], table["compared_with"], strict=True)
    ]
    more = table[["first", "second", "p", "p_adjusted", "permutations", "failed"]]
    return Estimate(
        assemble(
            table[keys],
            estimate=table["estimate"].to_numpy(),
            std_error=nothing,
            conf_low=nothing,
            conf_high=nothing,
            n=np.array(both, float),
            **{str(name): more[name].to_numpy() for name in more},
        ),
        indicator="path_groups",
        unit="",
        method=f"PLS ({of.questions.name}, {of.how.scheme} scheme), {permutations} permutations of groups, "
        f"index of {what}, adjusted by {adjust}, missing answers: {of.survey.missing}",
        basis="respondents",
        inference=of.survey.inference,
        provenance=of.survey.provenance,
        notes=_notes(of, found, tests, permutations),
        digits=3,
    )


def _notes(
    of: Study, found: Respondents, tests: dict[tuple[str, str], GroupTest], permutations: int
) -> list[str]:
    """Return what was permuted, which pairs could not be, and what failed."""
    notes = [*of.survey.notes, *found.notes]
    for (a, b), test in tests.items():
        if np.isnan(test.p).all() and not test.failure.any():
            notes.append(say("path_groups.fixed", test=f"{a} – {b}"))
        if said := "; ".join(f"{reason}: {count}" for reason, count in test.reasons.items()):
            name = say("path_groups.all") if a == "*" else f"{a} – {b}"
            lost = int(np.count_nonzero(test.failure))
            notes.append(say("path_groups.failed", test=name, count=lost, of=permutations, reasons=said))
    return notes


def _rows(
    names: list[tuple[Kind, str]], key: tuple[str, str], test: GroupTest, permutations: int
) -> pd.DataFrame:
    """Return one test, a row each parameter."""
    pair = key[0] != "*"
    first, second = test.estimate if pair else np.full((2, len(names)), np.nan)
    return pd.DataFrame(
        {
            "kind": [kind for kind, _ in names],
            "parameter": [name for _, name in names],
            "group": key[0],
            "compared_with": key[1],
            "estimate": first - second if pair else np.sqrt(test.statistic),
            "first": first,
            "second": second,
            "p": test.p,
            "permutations": test.used,
            "failed": permutations - test.used,
        }
    )
