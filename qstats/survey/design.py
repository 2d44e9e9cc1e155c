"""`Design`: how a sample was drawn, and what was done to its weights, in one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, cast

from qstats.errors import DesignError, OptionError, one_of, text, yes_or_no
from qstats.survey.adjustments import (
    METHODS,
    Calibration,
    Distance,
    Error,
    Label,
    Method,
    Replication,
    label,
    margins,
    numbers,
    pair,
)

Singleton = Literal["fail", "remove", "certainty", "adjust", "average", "collapse"]
Missing = Literal["fail", "omit"]
SINGLETONS: Final = ("fail", "remove", "certainty", "adjust", "average", "collapse")


@dataclass(frozen=True, repr=False)
class Design:
    """How a sample was drawn: the columns that say so, and the policies for what they leave open.

    Parameters
    ----------
    weight : str, optional
        Column of the sampling weights; none: every row weighs 1.
    strata : str, optional
        Column of the strata of the first stage.
    cluster : str or sequence of str, optional
        Column of the primary sampling units, or one column a stage (two at most); none: the rows
        themselves were drawn. A unit of the second stage is known within its primary unit.
    fpc : str or sequence of str, optional
        Columns of the number of units in the population, one a stage: primary units in the
        stratum, then second-stage units in the primary unit. Counts, never sampling fractions;
        infinity, or no column, stands for sampling with replacement.
    nest : bool
        Whether labels of primary units repeat between strata and mean different units there.
        Otherwise a unit seen in two strata is an error.
    singleton : {"fail", "remove", "certainty", "adjust", "average", "collapse"}
        What a stratum with one primary unit adds to the variance: it is refused (by default);
        nothing; nothing, as it was taken with certainty; the deviation from the mean of all
        units; the average of the other strata; what it adds together with the strata that
        `collapse` joins it to.
    collapse : mapping of stratum → group, optional
        For ``singleton="collapse"``: strata with the same group are one stratum.
    singleton_domain : bool
        Whether a stratum with one unit *in the domain* is treated like one with one unit.
    missing : {"fail", "omit"}
        What becomes of a row without a value in what is added up: an error, or left out and counted.

    Attributes
    ----------
    calibrations : tuple of Calibration
        Set by :meth:`calibrate`.
    replication : Replication or None
        Set by :meth:`replicate`.

    Raises
    ------
    OptionError
        A choice does not exist, or an argument without its companion.
    DesignError
        Columns that contradict each other.

    Examples
    --------
    >>> plan = Design(weight="w", strata="province", cluster="plant", fpc="plants")
    >>> plan.calibrate({"size": {"large": 300, "small": 2700}}).replicate("jkn")
    Design(weight='w', strata='province', cluster='plant', fpc='plants')
      .calibrate({'size': {'large': 300, 'small': 2700}})
      .replicate('jkn')
    """

    weight: str | None = None
    strata: str | None = None
    cluster: str | Sequence[str] = ()
    fpc: str | Sequence[str] = ()
    nest: bool = False
    singleton: Singleton = "fail"
    collapse: Mapping[Any, Any] | tuple[tuple[Label, Label], ...] | None = None
    singleton_domain: bool = False
    missing: Missing = "fail"
    calibrations: tuple[Calibration, ...] = ()
    replication: Replication | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "cluster", _names("cluster", self.cluster))
        set_(self, "fpc", _names("fpc", self.fpc))
        set_(self, "collapse", _groups(self.collapse))
        _valid(self)

    @property
    def clusters(self) -> tuple[str, ...]:
        """The columns of `cluster`, one a stage."""
        return cast("tuple[str, ...]", self.cluster)

    @property
    def populations(self) -> tuple[str, ...]:
        """The columns of `fpc`, one a stage."""
        return cast("tuple[str, ...]", self.fpc)

    @property
    def stages(self) -> tuple[str, ...]:
        """The clusters whose scatter enters the variance: without `fpc` the first stage says it all."""
        return self.clusters if self.fpc else self.clusters[:1]

    @property
    def elements(self) -> bool:
        """Whether the rows themselves were drawn."""
        return not self.clusters

    @property
    def collapsed(self) -> dict[Label, Label]:
        """The group of each stratum that `collapse` names."""
        return dict(cast("tuple[tuple[Label, Label], ...]", self.collapse or ()))

    def calibrate(
        self,
        totals: Mapping[Any, Any],
        *,
        distance: Distance = "linear",
        bounds: tuple[float, float] | None = None,
        trim: tuple[float | None, float | None] | None = None,
        error: Error = "greg",
    ) -> Design:
        """Return the design whose weights are adjusted to known totals.

        Parameters
        ----------
        totals : mapping
            Variable → {category: total}; crossed variables as a tuple → {tuple of categories: total};
            continuous variable → total; ``"1"`` → size of the population. One categorical
            variable is post-stratification, several are raking (or linear calibration).
        distance : {"linear", "raking", "logit"}
            ``linear`` is the general regression estimator; ``raking`` keeps weights positive;
            ``logit`` keeps the ratio of the weights within `bounds`, which it needs.
        bounds : (float, float), optional
            Least (below 1) and largest (above 1) ratio of the new to the old weight.
        trim : (float or None, float or None), optional
            Least and largest weight afterwards.
        error : {"greg", "derivative"}
            What the standard error linearises: the regression estimator, to which all distances tend in
            large samples and which other software takes; or this very estimator, which is right also
            where factors of raking and logit are far from 1. The same for ``linear`` without bounds.

        Raises
        ------
        OptionError
            A distance that does not exist, or bounds that exclude the weights as they are.
        DesignError
            No totals, a total that is not a number ≥ 0, a category twice; a continuous variable
            with another distance than ``linear``, or where rows themselves were drawn, so that sums
            do not suffice.
        """
        step = Calibration(
            margins(totals),
            distance=distance,
            bounds=pair("bounds", bounds, "(0.5, 2)"),
            trim=pair("trim", trim, "(None, 100)", gaps=True),
            error=error,
        )
        return replace(self, calibrations=(*self.calibrations, step))

    def replicate(
        self,
        method: Method | None = None,
        /,
        *,
        columns: Sequence[str] = (),
        n: int | None = None,
        seed: int | None = None,
        fay: float | None = None,
        scale: float | None = None,
        rscales: Iterable[float] | None = None,
        mse: bool = False,
    ) -> Design:
        """Return the design whose variance comes from replicates.

        Parameters
        ----------
        method : {"jk1", "jkn", "brr", "fay", "bootstrap"}, optional
            The jackknife without or with strata, balanced half-samples without or with Fay's
            factor, or the rescaled bootstrap of Rao and Wu.
        columns : sequence of str
            Columns of replicate weights, in the place of a method.
        n, seed : int
            For ``bootstrap``: how many replicates, and the seed of the draws.
        fay : float
            For ``fay``: the factor, 0 < fay < 1.
        scale : float
            For `columns`: the factor of the sum of squares.
        rscales : iterable of float, optional
            For `columns`: a factor of each square; by default 1.
        mse : bool
            Whether deviations are taken from the estimate rather than the mean of the replicates.

        Raises
        ------
        OptionError
            Neither or both of method and columns, or an argument that the method does not have or lacks.
        """
        named = _names("columns", columns)
        if (method is None) == (not named):
            raise OptionError(
                "give a method of replication, or columns=[…] of replicate weights; one of them"
            )
        if method is not None:
            one_of("method", method, METHODS)
        step = Replication(
            method="columns" if method is None else method,
            n=n,
            seed=seed,
            fay=fay,
            columns=named,
            scale=scale,
            rscales=numbers("rscales", rscales),
            mse=mse,
        )
        return replace(self, replication=step)

    def to_dict(self) -> dict[str, Any]:
        """Return the design as plain lists, numbers and texts; :meth:`from_dict` brings it back."""
        found: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                found[field.name] = _plain(value)
        return found

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any], /) -> Design:
        """Return the design that :meth:`to_dict` wrote.

        Examples
        --------
        >>> plan = Design(weight="w", cluster=["plant", "batch"], fpc=["plants", "batches"])
        >>> Design.from_dict(plan.to_dict()) == plan
        True
        """
        known = dict(saved)
        steps = tuple(Calibration(**_tuples(step)) for step in known.pop("calibrations", ()))
        made = known.pop("replication", None)
        return cls(
            **_tuples(known),
            calibrations=steps,
            replication=Replication(**_tuples(made)) if made else None,
        )

    def __repr__(self) -> str:
        return _told(self)


def _names(argument: str, given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if names is None:
        return ()
    ordered = isinstance(names, Sequence) and not isinstance(names, bytes)
    if not ordered or not all(isinstance(name, str) and name for name in names):
        raise OptionError(
            f"{argument}={given!r:.200} is neither the name of a column nor a list of names",
            argument=argument,
            value=given,
        )
    return tuple(names)


def _groups(given: Any) -> tuple[tuple[Label, Label], ...] | None:
    """Return collapse as pairs."""
    if given is None or isinstance(given, Mapping):
        return None if given is None else tuple((label(a), label(b)) for a, b in given.items())
    if isinstance(given, tuple) and all(isinstance(p, tuple) and len(p) == 2 for p in given):
        return tuple((label(a), label(b)) for a, b in given)
    raise OptionError(f"collapse={given!r:.200} is not {{stratum: group}}", argument="collapse", value=given)


def _valid(design: Design) -> None:
    one_of("singleton", design.singleton, SINGLETONS)
    one_of("missing", design.missing, ("fail", "omit"))
    yes_or_no("nest", design.nest)
    yes_or_no("singleton_domain", design.singleton_domain)
    for argument in ("weight", "strata"):
        if getattr(design, argument) is not None:
            text(argument, getattr(design, argument), empty=False)
    clusters, populations = design.clusters, design.populations
    if len(clusters) > 2:
        raise DesignError(
            f"cluster names {len(clusters)} stages ({', '.join(clusters)}); there are at most two"
        )
    if len(set(clusters)) != len(clusters):
        raise DesignError(f"cluster names {clusters[0]!r} twice; give one column a stage")
    if len(populations) > max(1, len(clusters)):
        raise DesignError(
            f"fpc names {len(populations)} columns for {max(1, len(clusters))} stages of sampling"
        )
    if design.nest and not (design.strata and clusters):
        raise DesignError(
            "nest=True says that labels of clusters repeat between strata; declare strata and cluster"
        )
    if (design.singleton == "collapse") != bool(design.collapse):
        raise OptionError(
            "singleton='collapse' and collapse={stratum: group} belong together; give both or neither"
        )
    if design.collapse and not design.strata:
        raise DesignError("collapse joins strata; declare strata")
    _valid_steps(design)


def _valid_steps(design: Design) -> None:
    made_by_us = isinstance(design.calibrations, tuple)
    if not made_by_us or not all(isinstance(step, Calibration) for step in design.calibrations):
        raise OptionError(f"calibrations={design.calibrations!r:.200} are made by Design(…).calibrate(…)")
    if design.replication is not None and not isinstance(design.replication, Replication):
        raise OptionError(f"replication={design.replication!r:.200} is made by Design(…).replicate(…)")
    continuous = [name for step in design.calibrations for name in step.continuous]
    if continuous and design.elements:
        raise DesignError(
            f"calibrate: {continuous[0]!r} is continuous and the rows themselves were drawn, so sums do not "
            "suffice for the error; cut it into categories, or name a column that tells rows apart as cluster"
        )
    made = design.replication
    if made is not None and any(step.error != "greg" for step in design.calibrations):
        raise OptionError(
            "error='derivative' is of linearised errors; replicates calibrate anew: leave it out"
        )
    if made is None or made.method == "columns":
        return
    if made.method == "jk1" and design.strata:
        raise DesignError("the jackknife 'jk1' knows no strata; use 'jkn'")
    if made.method in ("jkn", "brr", "fay") and not design.strata:
        raise DesignError(f"{made.method!r} works by strata; declare strata, or use 'jk1' or 'bootstrap'")
    if design.elements:
        raise DesignError(
            f"{made.method!r} leaves out clusters; declare cluster (a column that tells rows apart will do)"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Calibration | Replication):
        return {f.name: _plain(v) for f in fields(value) if (v := getattr(value, f.name)) != f.default}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _tuples(v) for name, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _short(value: Any) -> Any:
    """Return a tuple of one as its only item."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _told(design: Design) -> str:
    """Return the calls that make this design."""
    said = []
    for field in fields(design)[:-2]:
        value = getattr(design, field.name)
        if value != field.default:
            value = design.collapsed if field.name == "collapse" else _short(value)
            said.append(f"{field.name}={value!r}")
    lines = [f"Design({', '.join(said)})"]
    for step in design.calibrations:
        totals = {
            _short(names): {_short(c): _whole(t) for c, t in total}
            if isinstance(total, tuple)
            else _whole(total)
            for names, total in step.totals
        }
        lines.append(f".calibrate({', '.join([repr(totals), *_options(step, 'totals')])})")
    if design.replication:
        made = design.replication
        given = [f"columns=[{len(made.columns)} columns]"] if made.columns else [repr(made.method)]
        lines.append(f".replicate({', '.join([*given, *_options(made, 'method', 'columns')])})")
    return "\n  ".join(lines)


def _options(step: Calibration | Replication, *hidden: str) -> list[str]:
    shown = [f for f in fields(step) if f.name not in hidden and getattr(step, f.name) != f.default]
    return [f"{f.name}={getattr(step, f.name)!r}" for f in shown]


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number
