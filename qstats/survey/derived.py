"""Cells of variables made of others: what is linear in columns needs no second look at the rows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qstats.survey.adjustments import ONE
from qstats.survey.cells import Cells
from qstats.survey.plan import product_name, replicate_name, square_name

Array = NDArray[np.float64]
#: a variable: column → coefficient
Linear = Mapping[str, float]


def combined(found: Cells, variables: Mapping[str, Linear], /) -> Cells:
    r"""Return the cells with further sums, of variables that are linear in those there are.

    With :math:`v = \sum_c a_c s_c`, sums of v are combinations of sums, and products of products:
    :math:`\sum w v v' = a' (\sum w s s') a'`.

    Parameters
    ----------
    found : Cells
    variables : mapping of name → {sum: coefficient}
        A name may be that of a sum that is there, if it stands for the same.

    Raises
    ------
    DataError
        The cells lack a sum; those they have are listed.
    """
    made = {name: parts for name, parts in variables.items() if dict(parts) != {name: 1.0}}
    columns = {name: _sum(found, parts) for name, parts in made.items()}
    design = found.design
    if design is not None:
        fixed = [name for name in variables if name not in made]
        others = [*fixed, *(c for step in design.calibrations for c in step.continuous)]
        pairs = [*combinations_with_replacement(made, 2), *((v, t) for v in made for t in others)]
        for v, t in pairs:
            columns[product_name(v, t)] = _bilinear(found, _of(made, v), _of(made, t), power=1)
        if found.pushed_down or (design.elements and design.weight is not None):
            for v, t in [*pairs, *((v, ONE) for v in made)]:
                name = square_name(*(f for f in (v, t) if f != ONE))
                columns[name] = _bilinear(found, _of(made, v), _of(made, t), power=2)
        if design.replication is not None and design.replication.columns:
            for v in made:
                R = sum(a * found.replicated(s) for s, a in made[v].items())
                names = [replicate_name(v, r) for r in design.replication.columns]
                columns |= dict(zip(names, np.asarray(R).T, strict=True))
    return _extended(found, columns, tuple(made))


def marked(found: Cells, name: str, where: NDArray[np.bool_], /) -> Cells:
    """Return the cells with a further sum: of a variable that is 1 in these cells and 0 in the others."""
    design = found.design
    columns = {name: found.sum(ONE), product_name(name, name): found.sum(ONE)}
    if design is not None and design.elements and design.weight is not None:
        second = found.square(ONE, ONE)
        columns |= {square_name(name): second, square_name(name, name): second}
    for step in design.calibrations if design is not None else ():
        columns |= {product_name(name, c): found.sum(c) for c in step.continuous}
    if design is not None and design.replication is not None and design.replication.columns:
        R = found.replicated(ONE).T
        columns |= {replicate_name(name, r): R[b] for b, r in enumerate(design.replication.columns)}
    return _extended(found, {key: np.where(where, value, 0.0) for key, value in columns.items()}, (name,))


def _of(made: Mapping[str, Linear], name: str) -> Linear:
    return made.get(name, {name: 1.0})


def _sum(found: Cells, parts: Linear) -> Array:
    return np.asarray(sum(a * found.sum(s) for s, a in parts.items()), float)


def _bilinear(found: Cells, v: Linear, t: Linear, *, power: int) -> Array:
    product = found.product if power == 1 else found.square
    return np.asarray(sum(a * b * product(s, u) for s, a in v.items() for u, b in t.items()), float)


def _extended(found: Cells, columns: Mapping[str, Array], names: tuple[str, ...]) -> Cells:
    data, meta = found.__reduce__()[1]
    for key, value in columns.items():
        data = data.append_column(key, pa.array(value))
    return Cells(data, **{**meta, "sums": (*found.sums, *names)})
