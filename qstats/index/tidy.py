"""Units × nodes as the rows of an Estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qstats.estimate_table import check_names


def crossed(units: pd.DataFrame, codes: Sequence[str], /, **columns: Any) -> pd.DataFrame:
    """Return the table of an Estimate: all nodes of the first unit, then those of the next.

    Parameters
    ----------
    units : DataFrame, shape (units, keys)
        As text.
    codes : sequence of str
        Of the nodes.
    **columns : ndarray, shape (units, nodes) or (nodes,); list of str, shape (nodes,); or Index, one a row
        In the order of the table; what has no units is repeated for each.

    Raises
    ------
    DataError
        A key has the name of a column of the result.

    Examples
    --------
    >>> crossed(pd.DataFrame({"region": ["安徽", "江苏"]}), ["all", "pass"], depth=np.array([0, 1]))
      region  node  depth
    0     安徽   all      0
    1     安徽  pass      1
    2     江苏   all      0
    3     江苏  pass      1
    """
    check_names(units.columns, ("node", *columns))
    unit, node = np.divmod(np.arange(len(units) * len(codes)), max(1, len(codes)))
    shape = len(units), len(codes)
    rows = {name: column.array.take(unit) for name, column in units.items()}
    rows["node"] = pd.Index(list(codes)).take(node)
    for name, cells in columns.items():
        if isinstance(cells, list):
            rows[name] = pd.Index(cells).take(node)
        else:
            rows[name] = cells if isinstance(cells, pd.Index) else np.broadcast_to(cells, shape).ravel()
    return pd.DataFrame(rows, copy=False)
