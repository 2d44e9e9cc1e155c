"""Runs of an index under what is not known: errors of the indicators and choices of method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from qstats.errors import DataError, OptionError, kind_of, mapping, one_of, real_number, whole_number
from qstats.index import frameworks, means, methods, own_steps
from qstats.index.align import Indicators, Missing
from qstats.index.drawn import Held, Unknown, draw, hold
from qstats.index.methods import Options
from qstats.index.pipeline import FACTORS, Built, Steps, run
from qstats.index.tree import Tree, arrays
from qstats.messages import language, say

Array = np.ndarray
Failed = Literal["raise", "count"]
Sampling = Literal["draws", "none"]

#: what a factor belongs to when the variance is split
GROUPS: Final = {
    "sampling": ("sampling",),
    "imputation": ("imputation", "number"),
    "method": ("denomination", "screening", "treatment", "normalisation", "weights", "aggregation"),
}


class Choices(NamedTuple):
    """What may differ between runs.

    Attributes
    ----------
    steps : mapping of str → options
        The nominal step; those not named are as :data:`qstats.index.methods.NOMINAL`.
    alternatives : mapping of str → sequence of options
        What each step may be; "weights": sequence of mappings code → weight within the parent.
    weight_spread : float or None
        Weights are multiplied by 1 + s u, u uniform on (−1, 1).
    weight_concentration : float or None
        Weights of a family are Dirichlet with κ times the nominal ones.
    sampling : {"draws", "none"}
    unknown : {"raise", "fixed"}
    n_imputations : int
        Of multiple imputation.
    """

    steps: Mapping[str, Options] | None = None
    alternatives: Mapping[str, Sequence[Any]] | None = None
    weight_spread: float | None = None
    weight_concentration: float | None = None
    sampling: Sampling = "draws"
    unknown: Unknown = "raise"
    n_imputations: int = 20


class Prepared(NamedTuple):
    """An index ready to run.

    Attributes
    ----------
    tree : Tree
    name : str
        Of the framework.
    units : DataFrame
        Keys.
    held : Held
        The indicators.
    steps : Steps
        Level 0 of each factor is nominal; draws and random weights are still to be added.
    many : tuple of bool
        Which alternatives of the imputation are at random.
    choices : Choices
    """

    tree: Tree
    name: str
    units: pd.DataFrame
    held: Held
    steps: Steps
    many: tuple[bool, ...]
    choices: Choices


def prepare(
    indicators: Indicators,
    framework: str | Path | pd.DataFrame,
    choices: Choices,
    /,
    *,
    missing: Missing = "raise",
    lang: str | None = None,
) -> Prepared:
    """Check everything that can be checked before the first run.

    Parameters
    ----------
    indicators, framework, missing, lang
        As of :func:`qstats.uncertainty`.
    choices : Choices
        What is drawn anew in each run, and by which steps the index is built.

    Returns
    -------
    Prepared
        For :func:`qstats.index.repeated.simulate`.

    Raises
    ------
    DataError, FrameworkError
        Indicators or a framework that do not fit.
    OptionError
        A step, an alternative or a policy that does not exist; two ways to vary weights at once.

    Examples
    --------
    >>> from qstats.index.inputs import published_indicators
    >>> data = published_indicators("ht_capability", period=2023)
    >>> ready = prepare(data, "ht_capability", Choices(sampling="none"), missing="renormalise")
    >>> len(ready.units), ready.tree.codes[0]
    (32, 'development_capability')
    """
    one_of("missing", missing, ("raise", "renormalise"))
    kind_of("choices", choices, Choices, what="Choices(…)")
    one_of("sampling", choices.sampling, ("draws", "none"))
    one_of("unknown", choices.unknown, ("raise", "fixed"))
    whole_number("n_imputations", choices.n_imputations, least=1)
    chosen, others = _named(choices, lang)
    tree, name = arrays(frameworks.checked(framework, lang)), frameworks.name_of(framework)
    nominal = {**methods.NOMINAL, **chosen}
    every = {step: [nominal[step], *others.get(step, [])] for step in methods.STEPS}
    later = any(nominal[step] is not None or step in tree.own_steps for step in ("screening", "imputation"))
    held = hold(indicators, tree, name=name, missing="renormalise" if later else missing, lang=lang)
    done = {
        step: tuple(methods.maker(step, option, tree, held.units, lang=lang) for option in every[step])
        for step in ("denomination", "imputation", "treatment", "normalisation")
    }
    weights = np.stack([tree.weight, *_sets(choices, others.get("weights", []), tree, lang)])
    inner = [tree.codes[node] for node, _ in tree.families]
    steps = Steps(
        tables=held.value[None],
        screening=tuple(methods.screens(option) for option in every["screening"]),
        weights=weights,
        aggregation=tuple(
            own_steps.of_nodes(
                means.aggregation_options(option, inner), tree.own_steps.get("aggregation", {})
            )
            for option in every["aggregation"]
        ),
        missing=missing,
        **done,
    )
    many = tuple(methods.many("imputation", option) for option in every["imputation"])
    return Prepared(tree, name, held.units, held, steps, many, choices)


def _named(choices: Choices, lang: str | None) -> tuple[Mapping[str, Options], Mapping[str, Sequence[Any]]]:
    """Return the nominal steps and the alternatives that are named, or raise for one that cannot be."""
    chosen: Mapping[str, Options] = {} if choices.steps is None else choices.steps
    others: Mapping[str, Sequence[Any]] = {} if choices.alternatives is None else choices.alternatives
    mapping("steps", chosen, of="step to options")
    mapping("alternatives", others, of="step to list of options")
    for step in chosen:
        one_of("steps", step, methods.STEPS)
    for step, given in others.items():
        one_of("alternatives", step, (*methods.STEPS, "weights"))
        if isinstance(given, str) or not isinstance(given, Sequence) or not len(given):
            raise OptionError(say("uncertainty.alternatives", lang, step=step), argument="alternatives")
    return chosen, others


def check(seed: int, workers: int, failed: Failed, lang: str | None, /) -> None:
    """Refuse what cannot be a seed, a number of threads, a policy or a language before the first run."""
    whole_number("seed", seed, least=0)
    whole_number("workers", workers, least=1)
    one_of("failed", failed, ("raise", "count"))
    language(lang)


def _sets(choices: Choices, given: Sequence[Any], tree: Tree, lang: str | None) -> list[Array]:
    """Return the sets of weights that are given by name, each for all nodes."""
    random = [choices.weight_spread, choices.weight_concentration]
    if sum(value is not None for value in random) + bool(len(given)) > 1:
        raise OptionError(say("uncertainty.weights_twice", lang), argument="weight_spread")
    for name, value in zip(("weight_spread", "weight_concentration"), random, strict=True):
        if value is not None:
            real_number(name, value)
    if choices.weight_spread is not None and not 0 < choices.weight_spread <= 1:
        raise OptionError(
            say("uncertainty.spread", lang, value=choices.weight_spread), argument="weight_spread"
        )
    if choices.weight_concentration is not None and not choices.weight_concentration > 0:
        said = say("uncertainty.concentration", lang, value=choices.weight_concentration)
        raise OptionError(said, argument="weight_concentration")
    found, place = [], {code: k for k, code in enumerate(tree.codes) if tree.parent[k] >= 0}
    for one in given:
        w = tree.weight.copy()
        mapping("weights", one, of="code to weight")
        for code, value in one.items():
            if code == tree.root and value == 1:  # as a framework itself says
                continue
            if code not in place:
                one_of("weights", code, list(place))
            real_number("weights", value)
            w[place[code]] = value
        if not (w >= 0).all() or any(w[below].sum() <= 0 for _, below in tree.families):
            raise OptionError(say("uncertainty.weights", lang), argument="weights")
        found.append(w)
    return found


def counts(prepared: Prepared, /) -> dict[str, int]:
    """Return how many alternatives each factor has that is a list of choices; 0: nominal only."""
    steps = prepared.steps
    found = {name: len(getattr(steps, name)) - 1 for name in methods.STEPS}
    return {**found, "weights": len(steps.weights) - 1}


def varied(prepared: Prepared, /) -> list[str]:
    """Return the factors that vary, in the order of the steps."""
    number, choices = counts(prepared), prepared.choices
    random = choices.weight_spread is not None or choices.weight_concentration is not None
    also = {"sampling": choices.sampling == "draws", "weights": random, "number": any(prepared.many)}
    return [name for name in FACTORS if number.get(name, 0) or also.get(name, False)]


def factors(prepared: Prepared, /) -> list[str]:
    """Return the factors that vary; the draws of an imputation at random are part of the imputation."""
    return list(dict.fromkeys("imputation" if name == "number" else name for name in varied(prepared)))


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the named random stream of this seed."""
    return np.random.default_rng([seed, crc32(name.encode())])


def with_random(prepared: Prepared, n: int, /, *, seed: int) -> Steps:
    """Add n draws of the indicators and n random sets of weights, levels 1 to n of those factors."""
    steps, choices = prepared.steps, prepared.choices
    if choices.sampling == "draws":
        steps = steps._replace(tables=draw(prepared.held, n, seed=seed, unknown=choices.unknown))
    if choices.weight_spread is not None or choices.weight_concentration is not None:
        sets = _random_weights(prepared.tree, choices, n, stream(seed, "weights"))
        steps = steps._replace(weights=np.concatenate([steps.weights, sets]))
    return steps


def _random_weights(tree: Tree, choices: Choices, n: int, rng: np.random.Generator) -> Array:
    if choices.weight_spread is not None:
        return tree.weight * (1 + choices.weight_spread * rng.uniform(-1, 1, (n, len(tree.weight))))
    w = np.ones((n, len(tree.weight)))
    for _, below in tree.families:
        positive = below[tree.weight[below] > 0]
        w[:, below] = 0.0
        w[:, positive] = rng.dirichlet(choices.weight_concentration * tree.weight[positive], n)
    return w


def levels(prepared: Prepared, n: int, /, *, seed: int, start: int = 0) -> dict[str, Array]:
    """Return a balanced random design: every alternative of a factor as often as any other, but for one.

    Parameters
    ----------
    prepared : Prepared
    n : int
        Runs.
    seed : int
        Each factor has a stream of its own, so one more factor leaves the others as they are.
    start : int
        Draws and random weights used before.
    """
    number, names = counts(prepared), varied(prepared)
    found = {name: np.zeros(n, int) for name in FACTORS}
    for name in names:
        rng = stream(seed, f"levels {name} {start}")
        if number.get(name):
            found[name] = 1 + rng.permutation(np.arange(n) % number[name])
        elif name == "number":
            found[name] = 1 + rng.permutation(np.arange(n) % prepared.choices.n_imputations)
        else:
            found[name] = start + 1 + np.arange(n)
    return numbered(prepared, found)


def numbered(prepared: Prepared, found: dict[str, Array], /) -> dict[str, Array]:
    """Keep the number of the imputation only where the imputation is at random."""
    random = np.array(prepared.many)[found["imputation"]]
    return {**found, "number": np.where(random, found["number"], 0)}


def nominal(prepared: Prepared, /) -> Array:
    """Return the nominal scores, shape (nodes, units); a step that fails there raises."""
    zero = {name: np.zeros(1, int) for name in FACTORS}
    built = run(prepared.tree, prepared.steps, zero)
    for why in built.failed.values():
        raise DataError(why)
    return np.asarray(built.score[:, 0])


def checked(built: Built, failed: Failed, lang: str | None, *, countable: bool = True) -> list[str]:
    """Return what to say of runs that failed, or raise; `countable` says whether they could be counted."""
    if not built.failed:
        return []
    runs = built.score.shape[1]
    causes = "; ".join(f"{count} × {why}" for why, count in Counter(built.failed.values()).most_common(5))
    said = {"count": len(built.failed), "runs": runs, "causes": causes}
    if len(built.failed) == runs or not countable:
        raise DataError(say("uncertainty.failed_all", lang, **said))
    if failed == "raise":
        raise DataError(say("uncertainty.failed", lang, **said))
    return [say("uncertainty.note.failed", lang, **said)]
