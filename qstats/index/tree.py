"""The tree of a framework as arrays, for steps that run many times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qstats.index.frameworks import Columns
from qstats.index.own_steps import OwnSteps, read

Array = np.ndarray


class Tree(NamedTuple):
    """A checked framework as arrays; nodes are in its order.

    Attributes
    ----------
    codes : tuple of str
    parent : ndarray of int, shape (nodes,)
        Place of the parent; −1 for the root.
    depth : ndarray of int, shape (nodes,)
    leaves : ndarray of int, shape (leaves,)
        Places of the indicators.
    families : tuple of (int, ndarray of int)
        Each node that has children, with the places of these; the deepest first.
    weight : ndarray, shape (nodes,)
        Within the parent.
    weight_in_root, direction, lower, upper : ndarray, shape (leaves,)
    measured : tuple of str
        The unit of measurement of each leaf.
    target : ndarray or None, shape (leaves,)
        Where the framework has such a column.
    own_steps : dict
        Step → code → options, of indicators and nodes for which the framework names its own.
    """

    codes: tuple[str, ...]
    parent: Array
    depth: Array
    leaves: Array
    families: tuple[tuple[int, Array], ...]
    weight: Array
    weight_in_root: Array
    measured: tuple[str, ...]
    direction: Array
    lower: Array
    upper: Array
    target: Array | None
    own_steps: OwnSteps

    @property
    def root(self) -> str:
        """The code of the root."""
        return self.codes[int(self.depth.argmin())]

    def some_leaves(self, kept: Array) -> Tree:
        """Return a tree that knows some of its leaves only, for steps before the aggregation."""
        target = None if self.target is None else self.target[kept]
        own = {name: getattr(self, name)[kept] for name in ("leaves", "direction", "lower", "upper")}
        return self._replace(target=target, **own)

    @property
    def above(self) -> list[str]:
        """The code of the parent of each node, empty for the root."""
        return ["" if at < 0 else self.codes[at] for at in self.parent]


def arrays(columns: Columns, /) -> Tree:
    """Return a framework, checked by :func:`qstats.index.frameworks.checked`, as arrays.

    Examples
    --------
    >>> from qstats.index.frameworks import checked
    >>> tree = arrays(checked("qci", "zh"))
    >>> len(tree.codes), len(tree.leaves), tree.families[-1][1].tolist()
    (21, 12, [1, 2])
    """
    place = {code: i for i, code in enumerate(columns["code"])}
    parent, depth = np.array([place.get(code, -1) for code in columns["parent"]]), np.array(columns["depth"])
    leaf = np.array(columns["leaf"])
    inner = np.flatnonzero(~leaf)
    inner = inner[np.argsort(-depth[inner], kind="stable")]
    own = {name: np.array(columns[name], float)[leaf] for name in ("direction", "lower", "upper")}
    target = np.array(columns["target"], float)[leaf] if "target" in columns else None
    leaves = np.flatnonzero(leaf)
    return Tree(
        codes=tuple(columns["code"]),
        parent=parent,
        depth=depth,
        leaves=leaves,
        families=tuple((int(node), np.flatnonzero(parent == node)) for node in inner),
        weight=np.array(columns["weight"], float),
        weight_in_root=np.array(columns["weight_in_root"])[leaf],
        measured=tuple(columns["unit"][at] for at in leaves),
        target=target,
        own_steps=read(columns, None)[0],
        **own,
    )
