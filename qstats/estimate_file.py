"""Estimates as Parquet files: the table, and in the metadata what it means and how its rows covary."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qstats.errors import DataError
from qstats.files import write_atomic
from qstats.messages import say

if TYPE_CHECKING:
    from qstats.estimate import Estimate
    from qstats.stats.covariance import Errors

#: raised when the content of a file changes its meaning
FORMAT: Final = 1
#: most numbers of a joint error that a file holds
LARGEST: Final = 1_000_000
_MARK: Final = b"qstats.estimate"


def save(estimate: Estimate, path: Path | str, /) -> None:
    """Write the estimate as Parquet: table, indicator, unit, method, provenance, notes and joint error.

    A file that was there stays whole until the new one is. The joint error is kept unit by unit up to a
    million numbers. A larger one is kept as a factor of the covariance of the rows, or beyond 1,000 rows not
    at all; the notes of the file then say so, for it no longer covaries with other estimates of its sample.

    Parameters
    ----------
    path : str or Path
        File to write.

    Raises
    ------
    DataError
        The file cannot be written, or a column mixes text and numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.estimate import Estimate
    >>> row = dict(period="2023", estimate=81.3, std_error=0.2, conf_low=80.9, conf_high=81.7, n=900)
    >>> index = Estimate(pd.DataFrame([row]), indicator="customer_satisfaction", unit="分", method="PLS")
    >>> index.save("services-2023.parquet")
    >>> Estimate.load("services-2023.parquet").value(period="2023")
    81.3
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    errors, note = _kept(estimate)
    meta = {name: getattr(estimate, name) for name in ("indicator", "unit", "method", "basis", "level")}
    meta |= {"inference": estimate.inference, "digits": estimate.digits, "format": FORMAT}
    meta |= {"provenance": estimate.provenance, "notes": (*estimate.notes, *note), "errors": _packed(errors)}
    try:
        data = pa.Table.from_pandas(estimate.table, preserve_index=False)
        said = {_MARK: json.dumps(meta, ensure_ascii=False).encode()}
        with write_atomic(path) as temporary:
            marked = data.replace_schema_metadata({**data.schema.metadata, **said})
            pq.write_table(marked, temporary, compression="zstd")
    except pa.ArrowException as error:
        raise DataError(say("estimate.columns", error=str(error).splitlines()[0])) from error
    except OSError as error:
        raise DataError(say("cells.not_written", path=path, error=error.strerror or error)) from error


def load(made: type[Estimate], path: Path | str, /) -> Estimate:
    """Return the estimate that :meth:`save` wrote.

    Parameters
    ----------
    path : str or Path
        File to read.

    Returns
    -------
    Estimate

    Raises
    ------
    DataError
        No such file, it is broken, it holds no estimate, or one of a later version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not Path(path).is_file():
        raise DataError(say("file.missing", path=path))
    try:
        data = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(say("estimate.broken", path=path, error=str(error).splitlines()[0])) from error
    if (mark := (data.schema.metadata or {}).get(_MARK)) is None:
        raise DataError(say("estimate.no_estimate", path=path))
    meta: dict[str, Any] = json.loads(mark)
    if (found := meta.pop("format")) != FORMAT:
        raise DataError(say("cells.format", path=path, found=found, known=FORMAT))
    meta["errors"] = _unpacked(meta["errors"])
    return made(data.to_pandas(), **meta)


def holds(path: Path | str, /) -> bool:
    """Return whether a file holds an estimate; False too where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _MARK in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False


def _kept(estimate: Estimate) -> tuple[Errors | None, tuple[str, ...]]:
    """Return the joint error as it goes into the file, and what must be said of it."""
    errors, rows = estimate.errors, len(estimate)
    if errors is None or sum(v.Z.nnz + 3 * v.group.size for v in errors.levels) <= LARGEST:
        return errors, ()
    if rows**2 > LARGEST:
        return None, (say("estimate.errors_left", rows=rows),)
    return _factored(estimate, errors), (say("estimate.errors_factored"),)


def _factored(estimate: Estimate, errors: Errors) -> Errors:
    """Return errors with the same covariance, of as many units as there are rows."""
    import numpy as np
    from scipy.sparse import csr_array

    from qstats.stats.covariance import Errors, Level

    R = len(estimate)
    values, vectors = np.linalg.eigh(np.nan_to_num(estimate.covariance()))
    Z = csr_array(vectors * np.sqrt(np.maximum(values, 0.0)))
    one = Level(Z, np.full(R, -1, np.intp), np.ones(R), np.ones(R))
    return Errors((one,), f"{errors.sample}, factored")


def _packed(errors: Errors | None) -> dict[str, Any] | None:
    """Return a joint error as text."""
    import numpy as np

    if errors is None:
        return None
    levels = []
    for level in errors.levels:
        Z, into = level.Z, BytesIO()
        shape = np.array(Z.shape, np.int64)
        parts = {"data": Z.data, "indices": Z.indices, "indptr": Z.indptr, "shape": shape}
        np.savez_compressed(into, group=level.group, count=level.count, scale=level.scale, **parts)
        levels.append(b64encode(into.getvalue()).decode("ascii"))
    return {"sample": errors.sample, "levels": levels}


def _unpacked(packed: dict[str, Any] | None) -> Errors | None:
    """Return the joint error that :func:`_packed` made text of."""
    import numpy as np
    from scipy.sparse import csr_array

    from qstats.stats.covariance import Errors, Level

    if packed is None:
        return None
    levels = []
    for text in packed["levels"]:
        with np.load(BytesIO(b64decode(text)), allow_pickle=False) as of:
            Z = csr_array((of["data"], of["indices"], of["indptr"]), shape=tuple(of["shape"].tolist()))
            levels.append(Level(Z, of["group"].astype(np.intp), of["count"], of["scale"]))
    return Errors(tuple(levels), packed["sample"])
