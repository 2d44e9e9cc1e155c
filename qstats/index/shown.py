"""A framework as a notebook shows it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from qstats import display


class Framework(pd.DataFrame):  # type: ignore[misc]
    """The table of a framework as it was read: a notebook shows the tree.

    A plain table in all else; whatever is made of it is a plain table as well.
    """

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        return display.framework(self)
