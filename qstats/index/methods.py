"""Steps of an index named by options, as functions of tables (tables, units, indicators)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from qstats.errors import DataError, OptionError, one_of
from qstats.index.given import spelt
from qstats.index.labelled import naming
from qstats.index.tree import Tree
from qstats.messages import say
from qstats.stats import (
    aggregation,
    composite,
    imputation,
    normal_imputation,
    normalisation,
    screening,
    treatment,
)

Array = np.ndarray
#: tables (tables, units, leaves) and the number of the imputation of each → tables
Function = Callable[[Array, Array], Array]
Options = Mapping[str, Any] | str | None
#: what was kept, None for everything → the function of a step
Maker = Callable[["Kept | None"], Function]
#: tables → which units (tables, units) and which leaves (tables, leaves) are kept
Screen = Callable[[Array], tuple[Array, Array]]
#: places of units, or all of them
Rows = Array | slice

#: in the order they are taken
STEPS: Final = ("denomination", "screening", "imputation", "treatment", "normalisation", "aggregation")
NOMINAL: Final[dict[str, Options]] = {
    "denomination": None,
    "screening": None,
    "imputation": None,
    "treatment": None,
    "normalisation": "bounds",
    "aggregation": "arithmetic",
}
FLOOR: Final = 60.0
CEILING: Final = 100.0

_FITTED: Final[dict[str, Callable[..., Any]]] = {
    "denomination": screening.denominate,
    "screening": screening.screen,
    "imputation": imputation.fit,
    "treatment": treatment.fit,
    "normalisation": normalisation.fit,
}
#: options that are names of keys of the units, or come from the framework
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "denomination": ("sizes", "by"),
    "screening": (),
    "imputation": ("within", "time", "max_gap", "groups"),
    "treatment": ("within", "base", "outside"),
    "normalisation": ("within", "base"),
}
_FROM_TREE: Final = ("x", "direction", "predictors", "reference", "denominator")
#: options that may be given for each indicator, in the order of the framework
_BY_LEAF: Final = ("lower", "upper", "target", "midpoint", "steepness")


class Kept(NamedTuple):
    """Places of the units and of the leaves that were not screened out."""

    units: Array
    leaves: Array


def maker(
    step: str, options: Options, tree: Tree, units: pd.DataFrame, /, *, lang: str | None = None
) -> Maker | None:
    """Return what makes the function of a step for what was kept; None where the step does nothing.

    Parameters
    ----------
    step, options, tree, units, lang
        As of :func:`function`.
    """
    whole = function(step, options, tree, units, lang=lang)  # what is wrong shows before the first run
    if whole is None:
        return None

    def made(kept: Kept | None) -> Function:
        if kept is None:
            return whole
        own = options
        if isinstance(options, Mapping):
            each = [k for k in options if k in _BY_LEAF and np.ndim(options[k])]
            own = {**options, **{k: np.asarray(options[k])[kept.leaves] for k in each}}
        part = tree.some_leaves(kept.leaves), units.iloc[kept.units].reset_index(drop=True)
        some = function(step, own, *part, lang=lang)
        assert some is not None
        return some

    return made


def screens(options: Options, /) -> Screen | None:
    """Return what finds the units and leaves to keep in each table; None where all are."""
    if options is None:
        return None
    given = _named("screening", options)
    _check("screening", given)
    screening.screen(np.zeros((1, 1)), **given)  # what is wrong shows before the first run
    return lambda x: screening.screen(x, **given)[:2]


def function(
    step: str, options: Options, tree: Tree, units: pd.DataFrame, /, *, lang: str | None = None
) -> Function | None:
    """Return what a step does to tables; None where it does nothing.

    Parameters
    ----------
    step : {"denomination", "imputation", "treatment", "normalisation"}
    options : mapping, str or None
        Options by name; a string is the method; None leaves the step out.
    tree : Tree
    units : DataFrame
        Keys of the units, which `within`, `base`, `groups` and `time` name.
    lang : {"zh", "en"}, optional

    Raises
    ------
    OptionError
        An option or a key does not exist; the nearest is named.
    """
    if options is None:
        return None
    given = _named(step, options)
    if step == "normalisation" and given == {"method": "bounds"}:
        return _by_bounds(tree)
    _check(step, given)
    if step == "denomination":
        return _denomination(given, tree, units)
    if step == "imputation":
        return _imputation(given, tree, units, lang)
    parts = _parts(given, units, lang)
    return _treatment(given, parts) if step == "treatment" else _normalisation(given, parts, tree)


def aggregation_options(options: Options) -> dict[str, Any]:
    """Return the options of :func:`qstats.stats.aggregation.aggregate`, and those of single nodes in "nodes".

    Raises
    ------
    OptionError
        An option does not exist.
    """
    if options is None:
        raise OptionError("a tree needs an aggregation; its step cannot be left out", argument="aggregation")
    given: dict[str, Any] = (
        {"method": options} if isinstance(options, str) or callable(options) else dict(options)
    )
    takes = [
        name for name in _arguments(aggregation.aggregate) if name not in ("scores", "weights", "missing")
    ]
    for name in given:
        one_of("aggregation", name, [*takes, "nodes"])
    given["nodes"] = {code: aggregation_options(own) for code, own in dict(given.get("nodes", {})).items()}
    if "method" in given and not callable(given["method"]):
        one_of("method", given["method"], aggregation.METHODS)
    return given


def many(step: str, options: Options) -> bool:
    """Return whether a step is at random: multiple imputation."""
    if step != "imputation" or options is None:
        return False
    return (options if isinstance(options, str) else options.get("method")) == "multiple"


def _named(step: str, options: Any) -> dict[str, Any]:
    """Return options by name; a string is the method."""
    if isinstance(options, str) and step not in ("denomination", "screening", "treatment"):
        return {"method": options}
    if isinstance(options, Mapping):
        return dict(options)
    said = f"{step}={options!r:.200} should be a mapping of options by name, or None to leave the step out"
    raise OptionError(said, argument=step, value=options)


@cache
def _arguments(fitted: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(fitted).parameters)


def _check(step: str, given: Mapping[str, Any]) -> None:
    known = [*_arguments(_FITTED[step]), *_OWN[step]]
    for name in given:
        one_of(step, name, [name for name in known if name not in _FROM_TREE])
    if step == "imputation":
        one_of("method", given.get("method"), (*imputation.METHODS, *imputation.OVER_TIME, "multiple"))
    if step == "normalisation":
        one_of("method", given.get("method"), ("bounds", *normalisation.METHODS))


def _denomination(given: dict[str, Any], tree: Tree, units: pd.DataFrame) -> Function:
    sizes, by = given.pop("sizes", None), given.pop("by", None)
    if not isinstance(sizes, pd.DataFrame) or not isinstance(by, Mapping):
        raise OptionError(
            "a denomination needs sizes= (a table of keys and sizes) and by= (indicator → column of it)",
            argument="denomination",
        )
    table = sizes.reset_index() if any(sizes.index.names) else sizes
    keys = [key for key in units.columns if key in table.columns]
    if not keys:
        raise OptionError(f"sizes= has none of the keys {', '.join(units.columns) or '—'}", argument="sizes")
    leaves = [tree.codes[leaf] for leaf in tree.leaves]
    for code, column in by.items():
        one_of("by", code, leaves)
        one_of("by", column, [name for name in table.columns if name not in keys])
    own = pd.MultiIndex.from_arrays([[spelt(key, cell) for cell in table[key].tolist()] for key in keys])
    at = own.get_indexer(pd.MultiIndex.from_frame(units[keys])) if own.is_unique else np.full(len(units), -1)
    if (at < 0).any():
        first = " ".join(units[keys].iloc[int((at < 0).argmax())])
        raise DataError(f"every unit has one row of sizes=; missing or twice: {first}")
    d = np.ones((len(units), len(leaves)))
    for code, column in by.items():
        d[:, leaves.index(code)] = pd.to_numeric(table[column], errors="coerce").to_numpy(float)[at]
    known = {name: given[name] for name in ("scale", "zero") if name in given}
    if isinstance(scale := known.get("scale"), Mapping):
        known["scale"] = np.array([scale.get(code, 1.0) for code in leaves], float)
    with naming(leaves):
        screening.denominate(np.ones_like(d), d, **known)  # what is wrong shows before the first run
    return lambda x, _: screening.denominate(x, d, **known)


def _codes(key: str, argument: str, units: pd.DataFrame) -> Array:
    one_of(argument, key, list(units.columns))
    return np.asarray(pd.factorize(units[key])[0])


def _parts(given: dict[str, Any], units: pd.DataFrame, lang: str | None) -> list[tuple[Rows, Rows]]:
    """Return the rows of each part with the rows it is fitted to; takes `within` and `base` out."""
    within, base = given.pop("within", None), given.pop("base", None)
    if within is not None and base is not None:
        raise OptionError("a step is fitted within parts or to a base, not both", argument="base")
    everything = slice(None)
    if base is not None:
        sample = np.ones(len(units), bool)
        for key, value in dict(base).items():
            one_of("base", key, list(units.columns))
            sample &= (units[key].astype(str) == str(value)).to_numpy()
        if not sample.any():
            raise DataError(say("uncertainty.base", lang, base=dict(base)))
        return [(everything, np.flatnonzero(sample))]
    if within is None:
        return [(everything, everything)]
    codes = _codes(within, "within", units)
    return [(part, part) for part in (np.flatnonzero(codes == k) for k in range(codes.max() + 1))]


def _by_bounds(tree: Tree) -> Function:
    def scored(x: Array, _: Array) -> Array:
        raw = composite.minmax(
            x, tree.lower, tree.upper, floor=FLOOR, ceiling=CEILING, direction=tree.direction
        )
        return np.clip(raw, FLOOR, CEILING)

    return scored


def _treatment(given: dict[str, Any], parts: list[tuple[Rows, Rows]]) -> Function:
    outside = {"outside": given.pop("outside")} if "outside" in given else {}

    def treated(x: Array, _: Array) -> Array:
        done = np.empty_like(x)
        for rows, sample in parts:
            found = treatment.fit(x[:, sample], **given)
            done[:, rows] = treatment.apply(x[:, rows], found, **outside)
        return done

    return treated


def _normalisation(given: dict[str, Any], parts: list[tuple[Rows, Rows]], tree: Tree) -> Function:
    if given["method"] == "distance-to-target" and "target" not in given and tree.target is not None:
        given["target"] = tree.target

    def normalised(x: Array, _: Array) -> Array:
        done = np.empty_like(x)
        for rows, sample in parts:
            found = normalisation.fit(x[:, sample], direction=tree.direction, **given)
            done[:, rows] = normalisation.apply(x[:, rows], found)
        return done

    return normalised


def _imputation(given: dict[str, Any], tree: Tree, units: pd.DataFrame, lang: str | None) -> Function:
    method = given["method"]
    if method == "multiple":
        if len(given) > 1:
            raise OptionError(
                f"'multiple' has no use for {sorted(set(given) - {'method'})}", argument="method"
            )
        return _multiple
    if method in imputation.OVER_TIME:
        return _over_time(given, units, lang)
    for name in ("time", "max_gap"):
        if name in given:
            raise OptionError(f"{method!r} has no use for {name!r}", argument=name)
    codes = _codes(given.pop("groups"), "groups", units) if "groups" in given else None
    if method == "row-mean":
        given["direction"] = tree.direction
    parts = _parts(given, units, lang)

    def imputed(x: Array, _: Array) -> Array:
        done = x.copy()
        for rows, _sample in parts:
            if np.isnan(x[:, rows]).any():
                own = None if codes is None else np.unique(codes[rows], return_inverse=True)[1]
                found = imputation.fit(x[:, rows], groups=own, **given)
                done[:, rows] = imputation.apply(x[:, rows], found, groups=own).value
        return done

    return imputed


def _multiple(x: Array, number: Array) -> Array:
    """Fill the holes of each table at random; the number of the imputation is its seed."""
    done = x.copy()
    for at in np.flatnonzero(np.isnan(x).any((1, 2))):
        done[at] = normal_imputation.multiple(x[at], 1, seed=int(number[at]))[0]
    return done


def _over_time(given: dict[str, Any], units: pd.DataFrame, lang: str | None) -> Function:
    time = given.get("time", "period")
    one_of("time", time, list(units.columns))
    when = pd.to_numeric(units[time], errors="coerce")
    if when.isna().any():
        raise DataError(say("uncertainty.time", lang, key=time, value=units[time][when.isna()].iloc[0]))
    years, at = np.unique(when.to_numpy(float), return_inverse=True)
    others = [key for key in units.columns if key != time]
    unit = units.groupby(others, sort=False).ngroup().to_numpy() if others else np.zeros(len(units), int)

    def imputed(x: Array, _: Array) -> Array:
        cube = np.full((len(x), len(years), unit.max() + 1, x.shape[-1]), np.nan)
        cube[:, at, unit] = x
        found = imputation.over_time(cube, years, given["method"], max_gap=given.get("max_gap"))
        return found.value[:, at, unit]

    return imputed
