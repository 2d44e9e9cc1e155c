"""The answers of a survey as numbers: checked, don't-knows made gaps, rows in an order of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from qstats.checking import MAX_LISTED, check
from qstats.errors import DataError, OptionError
from qstats.estimate import Inference
from qstats.messages import say
from qstats.satisfaction.drawn import Drawn, drawn
from qstats.satisfaction.models import schema
from qstats.satisfaction.options import codes as codes_of
from qstats.stats.path_moments import Missing
from qstats.survey.design import Design
from qstats.survey.designed import keys_of
from qstats.tally import provenance_of, refuse_mixture

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Labels = Mapping[str, tuple[str, str]]


class Survey(NamedTuple):
    """The answers of n respondents to p items, in G groups.

    Attributes
    ----------
    items : tuple of str, shape (p,)
    X : ndarray, shape (n, p)
        NaN where there is no answer.
    lower, upper : ndarray, shape (p,)
        The declared scale.
    labels : DataFrame
        G rows, the keys.
    group : ndarray of int, shape (n,)
    used : ndarray of bool, shape (n,)
        With a weight, and answers enough for the policy `missing`.
    missing : str
    drawn : Drawn
    provenance, notes : tuple of str
    """

    items: tuple[str, ...]
    X: Array
    lower: Array
    upper: Array
    labels: pd.DataFrame
    group: Index
    used: NDArray[np.bool_]
    missing: Missing
    drawn: Drawn
    provenance: tuple[str, ...]
    notes: tuple[str, ...]

    def rows(self, g: int | None = None) -> Index:
        """Return the respondents used of a group, or of all."""
        inside = self.used if g is None else self.used & (self.group == g)
        return np.flatnonzero(inside)

    def keyed(self, groups: ArrayLike) -> pd.DataFrame:
        """Return the keys of some groups, row by row; a group may stand several times."""
        return pd.DataFrame(self.labels.iloc[np.asarray(groups, np.intp)].reset_index(drop=True))

    @property
    def inference(self) -> Inference:
        """What errors describe: draws from a process, where no design says how respondents were drawn."""
        return "superpopulation" if self.drawn.design is None else "design"

    def named(self, g: int) -> str:
        """Return what group g is called."""
        return ", ".join(f"{k}={v}" for k, v in self.labels.iloc[g].items()) or say("satisfaction.all")


def survey(
    responses: Any,
    items: Sequence[str],
    /,
    *,
    by: str | Sequence[str],
    scale: tuple[Array, Array],
    labels: Labels,
    blocks: Mapping[str, str],
    design: Design | None,
    missing: Missing,
    dont_know: float | Sequence[float] | Mapping[str, float | Sequence[float]],
) -> Survey:
    """Return checked answers; see :class:`Survey`.

    Parameters
    ----------
    responses : table
        One row a respondent.
    items : sequence of str
    by : str or sequence of str
    scale : (ndarray, ndarray)
        Lowest and highest answer of each item.
    labels : mapping of item → (zh, en)
        Accepted as headers.
    blocks : mapping of item → construct
        What messages say beside an item.
    design, missing, dont_know
        See :func:`qstats.satisfaction.study`.

    Raises
    ------
    DataError
        An answer outside the scale, a gap under ``missing="raise"``, a code that is an answer: with item,
        construct and count, the single cells in ``violations``.
    """
    form = schema(items, labels, numbers=_numbers(design, responses))
    by = keys_of(responses, by, form)
    table = check(responses, form, need=by)
    refuse_mixture(table, by)
    frame = nw.from_native(table, eager_only=True)
    given = np.column_stack([frame[i].cast(nw.Float64).to_numpy() for i in items]).astype(float)
    X, declared = _known(given, items, scale, dont_know)
    _refuse_outside(X, items, scale, blocks)
    if missing == "raise":
        _refuse_gaps(X, items, blocks)
    wanted = [c for c in dict.fromkeys([*by, *_columns(design)]) if c in frame.columns]
    rest = frame.select(wanted).to_pandas() if wanted else pd.DataFrame(index=range(len(X)))
    order = _order(X, rest)
    X, rest = X[order], rest.iloc[order].reset_index(drop=True)
    groups, group = _groups(rest, by, len(X))
    sample = drawn(rest, design, np.ascontiguousarray(X).tobytes())
    gaps = np.isnan(X)
    answered = ~gaps.any(1) if missing == "casewise" else ~gaps.all(1)
    lost = int(np.count_nonzero(~answered))
    notes = [say("satisfaction.dont_know", count=declared)] if declared else []
    if gaps.any():
        notes.append(say(f"satisfaction.missing.{missing}", count=int(gaps.sum()), of=X.size, dropped=lost))
    return Survey(
        tuple(items),
        X,
        *scale,
        groups,
        group,
        answered & (sample.weight > 0),
        missing,
        sample,
        provenance_of(table),
        tuple(notes),
    )


def _known(X: Array, items: Sequence[str], scale: tuple[Array, Array], codes: Any) -> tuple[Array, int]:
    """Return the answers with declared don't-knows as gaps, and how many there were."""
    named = codes if isinstance(codes, Mapping) else dict.fromkeys(items, codes)
    strange = sorted(map(str, set(named) - set(items)))
    if strange:
        raise OptionError(say("satisfaction.dont_know_item", item=strange[0], known=", ".join(items)))
    found, count = X.copy(), 0
    for j, item in enumerate(items):
        own = codes_of(named.get(item, ()))
        inside = own[(own >= scale[0][j]) & (own <= scale[1][j])]
        if inside.size:
            raise OptionError(
                say(
                    "satisfaction.dont_know_answer",
                    code=f"{inside[0]:g}",
                    item=item,
                    low=f"{scale[0][j]:g}",
                    high=f"{scale[1][j]:g}",
                )
            )
        unknown = np.isin(X[:, j], own)
        found[unknown, j], count = np.nan, count + int(unknown.sum())
    return found, count


def _refuse_outside(
    X: Array, items: Sequence[str], scale: tuple[Array, Array], blocks: Mapping[str, str]
) -> None:
    bad = (scale[0] > X) | (scale[1] < X)
    if bad.any():
        rules = np.where(scale[0] > X, "minimum", "maximum")
        _refuse("satisfaction.outside", X, bad, rules, items, scale, blocks)


def _refuse_gaps(X: Array, items: Sequence[str], blocks: Mapping[str, str]) -> None:
    bad = np.isnan(X)
    if bad.any():
        rules = np.full(X.shape, "missing")
        _refuse("satisfaction.gaps", X, bad, rules, items, None, blocks)


def _refuse(
    key: str,
    X: Array,
    bad: NDArray[np.bool_],
    rules: NDArray[Any],
    items: Sequence[str],
    scale: tuple[Array, Array] | None,
    blocks: Mapping[str, str],
) -> None:
    """Raise with every cell that is bad; the message counts by item."""
    counts = bad.sum(0)
    said = [f"{i} ({blocks.get(i, '—')}): {k}" for i, k in zip(items, counts, strict=True) if k]
    limits = "" if scale is None else f"{scale[0].min():g}–{scale[1].max():g}"
    row, column = np.nonzero(bad)
    message = say(key, count=int(counts.sum()), where="; ".join(said), scale=limits)
    listed = pd.DataFrame(
        {
            "row": row + 1,
            "column": np.asarray(items, dtype=object)[column],
            "value": X[row, column],
            "rule": rules[row, column],
            "message": message,
        }
    )
    raise DataError(message, listed.head(MAX_LISTED))


def _numbers(design: Design | None, responses: Any = "") -> list[str]:
    """Return the columns of a design that hold numbers, and are text in a file.

    Populations may be infinite, which a table says as it is, and a file does not.
    """
    if design is None:
        return []
    named = [] if design.weight is None else [design.weight]
    named += [name for step in design.calibrations for name in step.continuous]
    named += design.replication.columns if design.replication else ()
    return [*named, *(design.populations if isinstance(responses, str | Path) else ())]


def _columns(design: Design | None) -> list[str]:
    """Return the columns that a design needs."""
    if design is None:
        return []
    labels = [] if design.strata is None else [design.strata]
    labels += [name for step in design.calibrations for name in step.categorical]
    return [*labels, *design.clusters, *_numbers(design)]


def _order(X: Array, rest: pd.DataFrame) -> Index:
    """Return an order of the rows by what is in them, so that the order of the file does not matter."""
    keys = [pd.factorize(rest[c], sort=True)[0] for c in rest.columns]
    return np.asarray(np.lexsort([*X.T[::-1], *keys[::-1]]), np.intp)


def _groups(rest: pd.DataFrame, by: list[str], n: int) -> tuple[pd.DataFrame, Index]:
    if not by:
        return pd.DataFrame(index=range(1)), np.zeros(n, np.intp)
    keys = rest[by].drop_duplicates().sort_values(by, ignore_index=True)
    place = {key: g for g, key in enumerate(keys.itertuples(index=False, name=None))}
    group = [place[key] for key in rest[by].itertuples(index=False, name=None)]
    return keys.astype(str), np.asarray(group, np.intp)
