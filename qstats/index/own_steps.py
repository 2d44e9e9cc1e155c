"""Steps that a framework names for single indicators and nodes, in columns of its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from qstats.errors import nearest
from qstats.index.labelled import naming
from qstats.messages import say
from qstats.stats import aggregation, imputation, normalisation

Array = np.ndarray
#: what a cell of an indicator's step may say → the options of the step; None: the indicator is left as it is
LEAF: Final[dict[str, dict[str, Any]]] = {
    "imputation": {
        "as-is": None,
        **{name: {"method": name} for name in (*imputation.METHODS, *imputation.OVER_TIME)},
    },
    "treatment": {
        "as-is": None,
        "winsorise": {"transform": "none"},
        "log": {"transform": "log"},
        "box-cox": {"transform": "box-cox"},
    },
    "normalisation": {"as-is": None, **{name: {"method": name} for name in normalisation.METHODS}},
}
NODE: Final = "aggregation"
COVERAGE: Final = "min_coverage"
#: columns of text
TEXTS: Final = (*LEAF, NODE)

#: step → code → options
OwnSteps = dict[str, dict[str, Any]]


def read(columns: Mapping[str, Any], lang: str | None, /) -> tuple[OwnSteps, list[str]]:
    """Return what the columns of a framework say, and what is wrong there; an empty cell is as the step.

    Examples
    --------
    >>> tree = {"code": ["all", "pass"], "parent": ["", "all"]}
    >>> read(tree | {"aggregation": ["geometric", ""], "normalisation": ["", "rank"]}, "en")
    ({'normalisation': {'pass': {'method': 'rank'}}, 'aggregation': {'all': {'method': 'geometric'}}}, [])
    """
    inner, found, faults = set(columns["parent"]), OwnSteps(), list[str]()
    known = {**LEAF, NODE: {name: {"method": name} for name in aggregation.METHODS}}
    for step in TEXTS:
        for code, cell in zip(columns["code"], columns.get(step, ()), strict=False):
            if not cell:
                continue
            if (code in inner) != (step == NODE):
                faults.append(
                    say(f"framework.step_{'node' if step == NODE else 'leaf'}", lang, code=code, column=step)
                )
            elif cell not in known[step]:
                near = nearest(cell, known[step])
                hint = say("framework.near", lang, near=near) if near else ""
                told = {"code": code, "column": step, "value": cell, "hint": hint}
                faults.append(say("framework.step", lang, known=", ".join(known[step]), **told).rstrip())
            else:
                found.setdefault(step, {})[code] = known[step][cell]
    for code, share in zip(columns["code"], columns.get(COVERAGE, ()), strict=False):
        if math.isnan(share):
            continue
        if code not in inner:
            faults.append(say("framework.step_node", lang, code=code, column=COVERAGE))
        elif not 0 <= share <= 1:
            faults.append(say("framework.coverage", lang, code=code, value=f"{share:g}"))
        else:
            own = found.setdefault(NODE, {})
            own[code] = {**own.get(code, {}), COVERAGE: share}
    return found, faults


def of_nodes(options: dict[str, Any], own: Mapping[str, Mapping[str, Any]], /) -> dict[str, Any]:
    """Return the options of a mean with those a framework names for nodes; those the step names go first."""
    common = {name: value for name, value in options.items() if name != "nodes"}
    return {**options, "nodes": {code: {**common, **given} for code, given in own.items()} | options["nodes"]}


def divided(
    leaves: Sequence[str], own: Mapping[str, Any], options: Any, make: Callable[[Any, Array], Any], /
) -> Callable[[Any], Callable[[Array, Array], Array]]:
    """Return the maker of a step of which some indicators have their own options; see `Maker` of methods.

    Parameters
    ----------
    leaves : sequence of str
        Codes of all indicators.
    own : mapping
        Code → options, of those that have their own.
    options
        Of all others.
    make : callable
        Makes the maker for options and the places of their indicators; None where the step does nothing.
    """
    groups = [(options, [k for k, code in enumerate(leaves) if code not in own])]
    for k, code in enumerate(leaves):
        if code in own:
            same = [places for given, places in groups[1:] if given == own[code]]
            same[0].append(k) if same else groups.append((own[code], [k]))
    parts = [(np.array(places), make(given, np.array(places))) for given, places in groups if places]

    def made(kept: Any) -> Callable[[Array, Array], Array]:
        there = np.arange(len(leaves)) if kept is None else kept.leaves
        steps = []
        for places, part in parts:
            at = np.flatnonzero(np.isin(there, places))
            if part is not None and at.size:
                inside = np.searchsorted(places, there[at])
                steps.append((at, part(None if kept is None else kept._replace(leaves=inside))))

        def done(x: Array, number: Array) -> Array:
            found = x.copy()
            for at, step in steps:
                with naming([leaves[k] for k in there[at]]):
                    found[..., at] = step(x[..., at], number)
            return found

        return done

    return made
