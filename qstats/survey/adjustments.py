"""What is done to the weights of a sample: calibration to known totals, replication."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, Literal

from qstats.errors import (
    DesignError,
    OptionError,
    mapping,
    one_of,
    real_number,
    whole_number,
    within_0_1,
    yes_or_no,
)

Distance = Literal["linear", "raking", "logit"]
Error = Literal["greg", "derivative"]
Method = Literal["jk1", "jkn", "brr", "fay", "bootstrap"]
Label = int | str
#: categories in their order, each with its total; a label of crossed variables has several parts
Margin = tuple[tuple[tuple[Label, ...], float], ...]

DISTANCES: Final = ("linear", "raking", "logit")
ERRORS: Final = ("greg", "derivative")
METHODS: Final = ("jk1", "jkn", "brr", "fay", "bootstrap")
#: the variable that is 1 for everyone: its total is the size of the population
ONE: Final = "1"


@dataclass(frozen=True)
class Calibration:
    """Weights adjusted until the sample repeats known totals.

    Parameters
    ----------
    totals : tuple of (variables, margin or number)
        For one or several crossed categorical variables the total of each category; for a
        continuous variable its total; for ``("1",)`` the size of the population.
    distance : {"linear", "raking", "logit"}
        How the change of the weights is measured.
    bounds : (float, float), optional
        Least and largest ratio of the new to the old weight.
    trim : (float or None, float or None), optional
        Least and largest new weight; what is cut off is redistributed.
    error : {"greg", "derivative"}
        What is linearised: the regression estimator, or this very estimator.
    """

    totals: tuple[tuple[tuple[str, ...], Margin | float], ...]
    distance: Distance = "linear"
    bounds: tuple[float, float] | None = None
    trim: tuple[float | None, float | None] | None = None
    error: Error = "greg"

    def __post_init__(self) -> None:
        one_of("distance", self.distance, DISTANCES)
        one_of("error", self.error, ERRORS)
        if not self.totals:
            raise DesignError("calibrate: there are no totals; give {variable: {category: total}}")
        if self.continuous and self.distance != "linear":
            raise DesignError(
                f"calibrate: {self.continuous[0]!r} is continuous, which needs distance='linear', not "
                f"{self.distance!r}; or cut it into categories"
            )
        self._check_bounds()
        self._check_trim()

    def _check_bounds(self) -> None:
        if self.bounds is None:
            if self.distance == "logit":
                raise OptionError("distance='logit' needs bounds=(low, high), e.g. (0.5, 2)")
            return
        if not -math.inf < self.bounds[0] < 1 < self.bounds[1] < math.inf:
            raise OptionError(
                f"bounds={self.bounds!r} must be finite (low, high) with low < 1 < high: new over old weights"
            )
        if self.distance == "raking":
            raise OptionError("distance='raking' has no bounds; distance='logit' keeps within them")
        if self.continuous:
            raise DesignError(
                f"calibrate: bounds need the weight of each row, and {self.continuous[0]!r} is continuous; "
                "cut it into categories"
            )

    def _check_trim(self) -> None:
        if self.trim is None:
            return
        low, high = (self.trim[0] or 0.0, math.inf if self.trim[1] is None else self.trim[1])
        if not 0 <= low < high:
            raise OptionError(f"trim={self.trim!r} must be (low, high) with 0 ≤ low < high; None: no limit")
        if self.continuous:
            raise DesignError(
                f"calibrate: to trim needs the weight of each row, and {self.continuous[0]!r} is continuous; "
                "cut it into categories"
            )

    @property
    def categorical(self) -> tuple[str, ...]:
        """The categorical variables, each once."""
        found = (name for names, total in self.totals if isinstance(total, tuple) for name in names)
        return tuple(dict.fromkeys(found))

    @property
    def continuous(self) -> tuple[str, ...]:
        """The continuous variables; without the constant."""
        return tuple(
            names[0] for names, total in self.totals if not isinstance(total, tuple) and names != (ONE,)
        )


@dataclass(frozen=True)
class Replication:
    """Replicates in the place of linearisation: made by a method, or given as columns.

    Parameters
    ----------
    method : {"jk1", "jkn", "brr", "fay", "bootstrap", "columns"}
        How replicates are made; ``columns`` when the data bring them.
    n, seed : int, optional
        Number of bootstrap replicates and the seed they are drawn with.
    fay : float, optional
        Fay's factor, between 0 and 1.
    columns : tuple of str
        Columns with the weights of each replicate (not factors of the weight).
    scale : float, optional
    rscales : tuple of float, optional
        Given replicates: the variance is ``scale · Σ rscales_b (θ_b - centre)²``.
    mse : bool
        Whether the centre is the estimate rather than the mean of the replicates.
    """

    method: str
    n: int | None = None
    seed: int | None = None
    fay: float | None = None
    columns: tuple[str, ...] = ()
    scale: float | None = None
    rscales: tuple[float, ...] | None = None
    mse: bool = False

    def __post_init__(self) -> None:
        if self.method == "columns":
            self._check_columns()
        else:
            one_of("method", self.method, METHODS)
        owners = {
            "n": "bootstrap",
            "seed": "bootstrap",
            "fay": "fay",
            "scale": "columns",
            "rscales": "columns",
        }
        for name, owner in owners.items():
            given, wanted = getattr(self, name) is not None, self.method == owner
            if given and not wanted:
                raise OptionError(
                    f"{name}={getattr(self, name)!r} belongs to {owner!r}, not to {self.method!r}"
                )
            if wanted and not given and name != "rscales":
                raise OptionError(f"replication by {owner!r} needs {name}=")
        self._check_numbers()

    def _check_numbers(self) -> None:
        yes_or_no("mse", self.mse)
        if self.n is not None:
            whole_number("n", self.n, least=2)
        if self.seed is not None:
            whole_number("seed", self.seed, least=0)
        if self.fay is not None:
            within_0_1("fay", self.fay, hint="0 is method 'brr'")
        if self.scale is not None:
            real_number("scale", self.scale, above=0)

    def _check_columns(self) -> None:
        if len(set(self.columns)) != len(self.columns) or len(self.columns) < 2:
            raise OptionError(f"columns={list(self.columns)!r} must name two or more different columns")
        if self.rscales is None:
            return
        if len(self.rscales) != len(self.columns):
            raise OptionError(
                f"{len(self.rscales)} rscales for {len(self.columns)} columns: give one a column"
            )
        if not all(math.isfinite(r) and r >= 0 for r in self.rscales):
            raise OptionError("rscales must be numbers ≥ 0")


def numbers(argument: str, given: Any, /) -> tuple[float, ...] | None:
    """Return a sequence of numbers as floats; None stays None."""
    if given is None:
        return None
    found = (
        () if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable) else tuple(given)
    )
    if not found or not all(isinstance(value, Real) for value in found):
        raise OptionError(f"{argument}={given!r:.200} are not numbers", argument=argument, value=given)
    return tuple(float(value) for value in found)


def pair(argument: str, given: Any, example: str, /, *, gaps: bool = False) -> Any:
    """Return two numbers as floats; None, where it may stand for one of them or for both, stays."""
    if given is None:
        return None
    found = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str | bytes) else ()
    if len(found) != 2 or not all(isinstance(v, Real) or (gaps and v is None) for v in found):
        raise OptionError(
            f"{argument}={given!r:.200} must be two numbers, e.g. {example}", argument=argument, value=given
        )
    return tuple(None if value is None else float(value) for value in found)


def margins(totals: Any, /) -> tuple[tuple[tuple[str, ...], Margin | float], ...]:
    """Return `totals` in its plain form, or raise."""
    mapping("totals", totals, of="variable to totals of its categories")
    for names in totals:
        parts = (names,) if isinstance(names, str) else names
        if not isinstance(parts, tuple) or not parts or not all(isinstance(n, str) and n for n in parts):
            raise OptionError(
                f"totals: {names!r:.200} is neither a column nor a tuple of columns", value=names
            )
    return tuple(margin(names, total) for names, total in totals.items())


def label(value: object, /) -> Label:
    """Return a category as cells know it: whole numbers as int, everything else as text.

    Examples
    --------
    >>> import datetime
    >>> label(True), label(2.0), label("皖"), label(datetime.date(2023, 4, 1))
    (1, 2, '皖', '2023-04-01')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise DesignError(f"{value!r} is no label of a category; labels are text or whole numbers")


def margin(variables: Any, total: Any, /) -> tuple[tuple[str, ...], Margin | float]:
    """Return one entry of `totals` in its plain form, or raise."""
    names = (variables,) if isinstance(variables, str) else tuple(map(str, variables))
    said = " × ".join(names)
    if not isinstance(total, Mapping):
        if len(names) != 1:
            raise DesignError(f"calibrate: {said} are crossed and need {{categories: total}}, not {total!r}")
        return names, _number(said, total)
    found: dict[tuple[Label, ...], float] = {}
    for category, value in total.items():
        parts = tuple(map(label, category if isinstance(category, tuple) else (category,)))
        if len(parts) != len(names):
            raise DesignError(
                f"calibrate: {category!r} has {len(parts)} parts, but {said} are {len(names)} variables"
            )
        if parts in found:
            raise DesignError(f"calibrate: {said} has the category {category!r} twice")
        found[parts] = _number(f"{said} = {category!r}", value)
    if not found:
        raise DesignError(f"calibrate: {said} has no categories")
    if names == (ONE,):
        raise DesignError("calibrate: '1' is the constant; its total is a number, the size of the population")
    return names, tuple(found.items())


def _number(said: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DesignError(f"calibrate: the total of {said} is {value!r}, which is no number") from None
    if not math.isfinite(number) or number < 0:
        raise DesignError(f"calibrate: the total of {said} is {number}; totals are numbers ≥ 0")
    return number
