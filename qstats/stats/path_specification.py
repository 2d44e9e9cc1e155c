"""What a path model is and how one is fitted: blocks of items, paths between constructs, options, faults.

References
----------
Wold (1982), Soft modeling: the basic design and some extensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qstats.errors import OptionError, QStatsError, one_of, real_number, whole_number

Index = NDArray[np.intp]
Flag = NDArray[np.bool_]

Mode = Literal["A", "B"]
Scheme = Literal["centroid", "factorial", "path"]
Metric = Literal["standardised", "raw"]


class PathModelError(QStatsError):
    """A path model that is not one, or that these data do not determine.

    Attributes
    ----------
    reason : str
        One of :data:`qstats.stats.pathmodel.FAILURES`, or "model" when the model itself is at fault.
    constructs, items : tuple of int
        Positions of what is at fault, so that a caller can name them.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "model",
        constructs: Sequence[int] = (),
        items: Sequence[int] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.constructs = tuple(map(int, constructs))
        self.items = tuple(map(int, items))


class Model(NamedTuple):
    """What is measured by what, and what depends on what; make one with :func:`specify`."""

    blocks: Index  #: (p,) construct of each item
    paths: Flag  #: (C, C) whether the row's construct depends on the column's
    modes: tuple[Mode, ...]  #: (C,) A: items reflect the construct; B: items form it


class Fitting(NamedTuple):
    """The options of a fit; see :func:`qstats.stats.pathmodel.fit`."""

    scheme: Scheme = "path"  #: how neighbouring constructs pull
    metric: Metric = "standardised"  #: whether items enter as z-scores or as they are
    tolerance: float = 1e-10  #: on the largest change of a standardised weight in a round
    max_iterations: int = 300  #: rounds after which a fit counts as not converged


#: the options of a fit that names none
USUAL: Final = Fitting()


def check_fitting(how: object, /) -> None:
    """Raise OptionError for options of a fit that are none.

    Parameters
    ----------
    how : Fitting

    Raises
    ------
    OptionError
        No :class:`Fitting`, or one with a choice that does not exist or a number out of range.

    Examples
    --------
    >>> check_fitting(Fitting(scheme="factorial", tolerance=1e-6))
    """
    if not isinstance(how, Fitting):
        raise OptionError(f"how={how!r:.200} is no Fitting; say Fitting(scheme=…, metric=…)", argument="how")
    one_of("scheme", how.scheme, get_args(Scheme))
    one_of("metric", how.metric, get_args(Metric))
    real_number("tolerance", how.tolerance, above=0)
    whole_number("max_iterations", how.max_iterations, least=1)


def specify(blocks: ArrayLike, paths: ArrayLike, *, modes: Mode | Sequence[Mode] = "A") -> Model:
    """Return a checked model.

    Parameters
    ----------
    blocks : array_like of int, shape (p,)
        Construct of each item, 0 … C − 1; any order, no construct without item.
    paths : array_like of 0 and 1, shape (C, C)
        1 where the row's construct depends on the column's. No cycle; no construct apart.
    modes : "A", "B" or a sequence of them
        One for all, or one a construct.

    Returns
    -------
    Model
        Blocks, paths and one mode a construct.

    Raises
    ------
    PathModelError
        With what is at fault and the positions of the constructs.

    Examples
    --------
    >>> specify([0, 0, 1, 1], [[0, 0], [1, 0]]).modes
    ('A', 'A')
    """
    P, block = np.asarray(paths), np.asarray(blocks)
    if P.ndim != 2 or P.shape[0] != P.shape[1] or not np.isin(P, (0, 1)).all():
        raise PathModelError(f"paths of shape {P.shape} are not a square table of 0 and 1")
    C = len(P)
    if block.ndim != 1 or not np.array_equal(np.unique(block), np.arange(C)):
        found = np.unique(block).tolist()
        raise PathModelError(f"blocks name the constructs {found}; {C} are in paths, each needs an item")
    if not isinstance(modes, Iterable):
        raise OptionError(f"modes={modes!r:.200} is neither 'A', 'B' nor one for each construct")
    each = (modes,) * C if isinstance(modes, str) else tuple(modes)
    for mode in each:
        one_of("modes", mode, get_args(Mode))
    if len(each) != C:
        raise PathModelError(f"{len(each)} modes for {C} constructs: give one for all, or one each")
    _refuse_paths(P.astype(bool))
    return Model(block.astype(np.intp), P.astype(bool), each)


def _refuse_paths(P: Flag) -> None:
    """Raise where a construct stands apart, or depends on itself over others."""
    apart = np.flatnonzero(~(P.any(0) | P.any(1)))
    if apart.size:
        raise PathModelError(f"no path touches the constructs {apart.tolist()}", constructs=apart.tolist())
    left = np.ones(len(P), bool)
    while left.any():
        free = left & ~(P & left).any(1)
        if not free.any():
            cycle = np.flatnonzero(left & (P.T & left).any(1))
            raise PathModelError(
                f"the paths of the constructs {cycle.tolist()} run in a cycle; a path model has none",
                constructs=cycle.tolist(),
            )
        left &= ~free
