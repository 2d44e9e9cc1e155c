"""The means of a tree by their options: of all nodes, and of single ones."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from qstats.errors import OptionError, mapping, one_of, real_number
from qstats.stats import aggregation

_TAKES: Final = tuple(
    name
    for name in inspect.signature(aggregation.aggregate).parameters
    if name not in ("scores", "weights", "missing")
)


def aggregation_options(options: Any, inner: Sequence[str], /) -> dict[str, Any]:
    """Return the options of :func:`qstats.stats.aggregation.aggregate`, and those of single nodes in "nodes".

    Parameters
    ----------
    options : mapping, str or callable
    inner : sequence of str
        Codes of the nodes that have children, which "nodes" may name.

    Raises
    ------
    OptionError
        An option, a method or a node does not exist; a number that is none.
    """
    given = _mean(options, also=("nodes",))
    nodes = given.get("nodes", {})
    mapping("nodes", nodes, of="node to options")
    for code in nodes:
        one_of("nodes", code, inner)
    given["nodes"] = {code: _mean(own) for code, own in nodes.items()}
    return given


def _mean(options: Any, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the options of one mean."""
    if options is None:
        raise OptionError("a tree needs an aggregation; its step cannot be left out", argument="aggregation")
    if not isinstance(options, str | Mapping) and not callable(options):
        said = f"aggregation={options!r:.200} is no method, function or mapping of options by name"
        raise OptionError(said, argument="aggregation", value=options)
    given: dict[str, Any] = dict(options) if isinstance(options, Mapping) else {"method": options}
    for name in given:
        one_of("aggregation", name, (*_TAKES, *also))
    if "method" in given and not callable(given["method"]):
        one_of("method", given["method"], aggregation.METHODS)
    mean_numbers(given)
    return given


def mean_numbers(given: Mapping[str, Any], /) -> None:
    """Refuse options of a mean that should be numbers and are none.

    Examples
    --------
    >>> mean_numbers({"power": 2, "floor": None})
    """
    limits: dict[str, dict[str, float]] = {"power": {}, "floor": {"above": 0}, "beta": {"least": 0}}
    limits |= {name: {"least": 0, "most": 1} for name in ("alpha", "min_coverage")}
    for name, limit in limits.items():
        if given.get(name) is not None:
            real_number(name, given[name], **limit)
    order = given.get("order_weights")
    if isinstance(order, str) or not np.iterable(() if order is None else order):
        said = f"order_weights={order!r:.200} is no list of numbers, the highest score first"
        raise OptionError(said, argument="order_weights", value=order)
    for weight in () if order is None else order:
        real_number("order_weights", weight)
