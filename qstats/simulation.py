"""Simulated micro-data for every indicator, calibrated to published national figures.

For trying methods and for teaching. Nothing here is a finding: every row carries
``provenance = "simulated:…"``, and everything computed from it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from qstats.errors import OptionError, one_of
from qstats.generators import MAKERS, SIZE

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["inspections", "exports", "works", "satisfaction", "losses", "events", "statistics"]
KINDS: Final = tuple(MAKERS)


def simulate(
    kind: Kind,
    /,
    *,
    year: int | Sequence[int],
    seed: int,
    size: int | None = None,
    target: float | None = None,
) -> pd.DataFrame:
    r"""Simulate the micro-data behind an indicator, for 31 provinces.

    Outcomes are drawn unit by unit, :math:`P(y = 1) = \Lambda(c + a_r + b_i + s_h + u_k)`, with effects of
    region, industry, size class and enterprise; amounts are lognormal. The constant c is found so that
    **what the indicator's function returns** for the nation meets the published figure of the year within
    0.1 point; the uniform numbers behind the outcomes stay the same while c moves, and no outcome is
    overwritten. Regions weigh by their published industrial value added. All effects and
    spreads are hypotheses of this project.

    Parameters
    ----------
    kind : str
        ``inspections``: product records in 29 divisions of GB/T 4754-2017, with stratum, enterprise (PSU),
        weight and output (for ``product_pass_rate, inspection_pass_rate``; calibrated to the manufacturing
        pass rate). ``exports``: declarations by goods (``export_pass_rate``; batches and value). ``works``:
        unit works by sector (``acceptance_rate``; calibrated to the fine-project rate). ``satisfaction``:
        answers 1 to 10 by service sector (``customer_satisfaction``). ``losses``: cost returns of
        enterprises (``quality_loss_rate``). ``events``: counts over exposure (``event_rate``).
        ``statistics``: the twelve statistics of ``frameworks/qci`` by province and division, a
        table that ``competitiveness_index`` takes (the output-weighted mean of the scores meets the index).
    year : int or sequence of int
        Years; another year changes none of the others.
    seed : int
        Any whole number from 0. Streams are named, so kinds and years are independent.
    size : int, optional
        Rows a year, for inspections, works, satisfaction and losses.
    target : float, optional
        The national figure to meet instead of the published one, in the unit of the indicator; needed
        in years without one, and for events (a rate per 10,000).

    Returns
    -------
    pandas.DataFrame
        Columns as the schema of the indicator names them, and ``provenance``.

    Raises
    ------
    OptionError
        An unknown kind, no seed, or a size too small for every cell to have two rows.
    DataError
        A year without a published figure and no `target`; the years there are, are named.

    Examples
    --------
    >>> from qstats.indicators.product_pass_rate import product_pass_rate
    >>> records = simulate("inspections", year=2023, seed=1, size=20_000)
    >>> rate = product_pass_rate(records, by="period")
    >>> abs(rate.value() - 93.65) < 0.1, rate.simulated
    (True, True)
    """
    import pandas as pd

    one_of("kind", kind, KINDS)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(
            f"seed={seed!r}: give a whole number from 0, so that the same call gives the same data"
        )
    if size is not None and kind not in SIZE:
        raise OptionError(f"size={size!r} does not apply to {kind}: it applies to {', '.join(SIZE)}")
    years = [year] if isinstance(year, int | np.integer) else list(year)
    if not years:
        raise OptionError("year is empty: give at least one")
    made = [MAKERS[kind](int(y), int(seed), size, target) for y in years]
    table = pd.concat(made, ignore_index=True)
    table.insert(0, "period", np.repeat([str(y) for y in years], [len(part) for part in made]))
    mark = f"simulated:{kind} seed={seed}" + (f" target={target:g}" if target is not None else "")
    return table.assign(provenance=mark)
