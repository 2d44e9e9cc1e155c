import numpy as np
import pandas as pd
import pytest

from qstats.estimate import Estimate, assemble


@pytest.fixture
def given():
    """Return an Estimate of a table whose columns before ``estimate`` are its keys."""

    def make(rows, /, *, keys=("period",), unit="%", indicator="pass_rate", **meta):
        columns = [*keys, "estimate", "conf_low", "conf_high", "std_error"]
        table = pd.DataFrame([(*row, *[np.nan] * (len(columns) - len(row))) for row in rows], columns=columns)
        core = {c: table[c].to_numpy(float) for c in ("estimate", "std_error", "conf_low", "conf_high")}
        assembled = assemble(table[list(keys)], **core, n=np.full(len(table), 100))
        return Estimate(assembled, indicator=indicator, unit=unit, method="given", **meta)

    return make
