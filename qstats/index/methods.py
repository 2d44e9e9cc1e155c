"""Steps of an index named by options, as functions of tables (tables, units, indicators)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, NamedTuple, cast

import numpy as np
import pandas as pd

from qstats.errors import DataError, OptionError, mapping, names_of, one_of
from qstats.index import own_steps
from qstats.index.given import spelt
from qstats.index.labelled import each, known, naming, some
from qstats.index.preparation import by_keys, sizes_of, years_of
from qstats.index.tree import Tree
from qstats.messages import say
from qstats.stats import (
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
    "imputation": ("within", "base", "time", "max_gap"),
    "treatment": ("within", "base", "outside"),
    "normalisation": ("within", "base"),
}
_FROM_TREE: Final = ("x", "direction", "denominator")
#: options that may be given for each indicator, by its code or in the order of the framework
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
    if own := tree.own_steps.get(step):
        bare = tree._replace(own_steps={})

        def of(given: Options, places: Array) -> Maker | None:
            return maker(step, given, bare.some_leaves(places), units, lang=lang)

        return own_steps.divided([tree.codes[leaf] for leaf in tree.leaves], own, options, of)
    options = _by_leaf(options, tree)
    whole = function(step, options, tree, units, lang=lang)  # what is wrong shows before the first run
    if whole is None:
        return None

    def made(kept: Kept | None) -> Function:
        if kept is None:
            return whole
        own = options
        if isinstance(options, Mapping):
            arrays = [k for k in options if k in _BY_LEAF and options[k] is not None]
            own = {**options, **{k: options[k][kept.leaves] for k in arrays}}
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
    if step == "treatment":
        return _treatment(given, parts)
    return _normalisation(given, parts, tree, _reference(given, parts, units, lang))


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


def _by_leaf(options: Options, tree: Tree) -> Options:
    """Return options with what is given for each indicator as arrays in the order of the framework."""
    own = [name for name in _BY_LEAF if isinstance(options, Mapping) and options.get(name) is not None]
    if not own:
        return options
    codes, found = pd.Index([tree.codes[leaf] for leaf in tree.leaves]), dict(cast(Any, options))
    for name in own:
        value = found[name]
        if isinstance(value, list | tuple | np.ndarray):
            if np.ndim(value) != 1 or len(value) != len(codes):
                said = f"{name}={value!r:.200} is not one number for each of the {len(codes)} indicators"
                raise OptionError(said, argument=name, value=value)
            value = dict(zip(codes, value, strict=True))
        found[name] = each(name, value, codes)
    return found


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
    own = pd.MultiIndex.from_frame(by_keys(table, keys)[keys])
    at = own.get_indexer(pd.MultiIndex.from_frame(units[keys])) if own.is_unique else np.full(len(units), -1)
    if (at < 0).any():
        first = " ".join(units[keys].iloc[int((at < 0).argmax())])
        raise DataError(f"every unit has one row of sizes=; missing or twice: {first}")
    d = np.ones((len(units), len(leaves)))
    for code, column in by.items():
        size = d[:, leaves.index(code)] = sizes_of(column, table[column])[at]
        if given.get("zero") != "nan" and np.isnan(size).any():
            bare = some(" ".join(unit) for unit in units.loc[np.isnan(size), keys].to_numpy())
            raise DataError(f"{column!r} is empty for {bare}; supply it, or say zero='nan'")
    chosen = {name: given[name] for name in ("scale", "zero") if name in given}
    if isinstance(scale := chosen.get("scale"), Mapping):
        known("scale", scale, pd.Index(leaves))
        chosen["scale"] = each("scale", {**dict.fromkeys(leaves, 1.0), **scale}, pd.Index(leaves))
    with naming(leaves):
        screening.denominate(np.ones_like(d), d, **chosen)  # what is wrong shows before the first run
    return lambda x, _: screening.denominate(x, d, **chosen)


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
            sample &= (units[key].astype(str) == spelt(key, value)).to_numpy()
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


def _reference(
    given: dict[str, Any], parts: list[tuple[Rows, Rows]], units: pd.DataFrame, lang: str | None
) -> list[int | None]:
    """Return the place of the unit that is the reference among the sample of each part."""
    reference = given.pop("reference", None)
    if reference is None:
        return [None] * len(parts)
    mapping("reference", reference, of="key to value")
    fits = np.ones(len(units), bool)
    for key, value in reference.items():
        one_of("reference", key, list(units.columns))
        fits &= (units[key].astype(str) == spelt(key, value)).to_numpy()
    found = [np.flatnonzero(fits[sample]) for _, sample in parts]
    if any(len(at) != 1 for at in found):
        raise DataError(say("uncertainty.reference", lang, reference=dict(reference)))
    return [int(at[0]) for at in found]


def _normalisation(
    given: dict[str, Any], parts: list[tuple[Rows, Rows]], tree: Tree, reference: list[int | None]
) -> Function:
    if given["method"] == "distance-to-target" and "target" not in given and tree.target is not None:
        bare = [tree.codes[leaf] for leaf in tree.leaves[np.isnan(tree.target)]]
        if bare:
            raise OptionError(
                f"the framework has no target for {some(bare)}; fill the column", argument="target"
            )
        given["target"] = tree.target

    def normalised(x: Array, _: Array) -> Array:
        done = np.empty_like(x)
        for (rows, sample), at in zip(parts, reference, strict=True):
            found = normalisation.fit(x[:, sample], direction=tree.direction, reference=at, **given)
            done[:, rows] = normalisation.apply(x[:, rows], found)
        return done

    return normalised


def _imputation(given: dict[str, Any], tree: Tree, units: pd.DataFrame, lang: str | None) -> Function:
    method = given["method"]
    over_time = method in imputation.OVER_TIME
    takes = () if method == "multiple" else ("time", "max_gap") if over_time else None
    spare = ("time", "max_gap") if takes is None else tuple(set(given) - {"method", *takes})
    for name in spare:
        if name in given:
            raise OptionError(f"{method!r} has no use for {name!r}", argument=name)
    if method == "multiple":
        return _multiple
    if over_time:
        return _over_time(given, units, lang)
    codes = _codes(given.pop("groups"), "groups", units) if "groups" in given else None
    if method == "row-mean":
        given["direction"] = tree.direction
    if "predictors" in given:
        leaves = pd.Index([tree.codes[leaf] for leaf in tree.leaves])
        names = names_of("predictors", given["predictors"])
        known("predictors", names, leaves)
        given["predictors"] = tuple(leaves.get_loc(name) for name in names)
    parts = _parts(given, units, lang)

    def imputed(x: Array, _: Array) -> Array:
        done = x.copy()
        for rows, sample in parts:
            if np.isnan(x[:, rows]).any():
                fitted, own = (None, None) if codes is None else _groups(codes, rows, sample)
                found = imputation.fit(x[:, sample], groups=fitted, **given)
                done[:, rows] = imputation.apply(x[:, rows], found, groups=own).value
        return done

    return imputed


def _groups(codes: Array, rows: Rows, sample: Rows) -> tuple[Array, Array]:
    """Return the groups of a sample and of rows, from 0 on."""
    names = np.unique(np.concatenate([codes[sample], codes[rows]]))
    return np.searchsorted(names, codes[sample]), np.searchsorted(names, codes[rows])


def _multiple(x: Array, number: Array) -> Array:
    """Fill the holes of each table at random; the number of the imputation is its seed."""
    done = x.copy()
    for at in np.flatnonzero(np.isnan(x).any((1, 2))):
        done[at] = normal_imputation.multiple(x[at], 1, seed=int(number[at]))[0]
    return done


def _over_time(given: dict[str, Any], units: pd.DataFrame, lang: str | None) -> Function:
    time = given.get("time", "period")
    one_of("time", time, list(units.columns))
    when = years_of(units[time])
    if np.isnan(when).any():
        raise DataError(say("uncertainty.time", lang, key=time, value=units[time][np.isnan(when)].iloc[0]))
    years, at = np.unique(when, return_inverse=True)
    others = [key for key in units.columns if key != time]
    unit = units.groupby(others, sort=False).ngroup().to_numpy() if others else np.zeros(len(units), int)

    def imputed(x: Array, _: Array) -> Array:
        cube = np.full((len(x), len(years), unit.max() + 1, x.shape[-1]), np.nan)
        cube[:, at, unit] = x
        found = imputation.over_time(cube, years, given["method"], max_gap=given.get("max_gap"))
        return found.value[:, at, unit]

    return imputed
