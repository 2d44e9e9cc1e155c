"""Units × nodes as rows of a tidy table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def crossed(units: pd.DataFrame, codes: Sequence[str], /) -> pd.DataFrame:
    """Return the keys of every unit and node: all nodes of the first unit, then those of the next.

    Parameters
    ----------
    units : DataFrame, shape (units, keys)
    codes : sequence of str
        Of the nodes.

    Examples
    --------
    >>> crossed(pd.DataFrame({"region": ["安徽", "江苏"]}), ["all", "pass"]).to_numpy().tolist()
    [['安徽', 'all'], ['安徽', 'pass'], ['江苏', 'all'], ['江苏', 'pass']]
    """
    unit = np.repeat(np.arange(len(units)), len(codes))
    keys = {name: column.array.take(unit) for name, column in units.items()}
    return pd.DataFrame(keys | {"node": tiled(codes, len(units))})


def tiled(words: Sequence[str], times: int, /) -> pd.Index[str]:
    """Return words one after another, so many times."""
    return pd.Index(list(words)).take(np.tile(np.arange(len(words)), times))
