"""Estimates as Parquet files: the table, and in the metadata what it means and how its rows covary."""

from __future__ import annotations

import json
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from qstats.errors import DataError
from qstats.files import require_file, write_atomic
from qstats.messages import say

if TYPE_CHECKING:
    import pandas as pd

    from qstats.stats.covariance import Errors, Level

_Made = TypeVar("_Made")
#: raised when the content of a file changes its meaning
FORMAT: Final = 1
#: most numbers of a joint error that a file holds
LARGEST: Final = 1_000_000
_MARK: Final = b"qstats.estimate"
_TEXTS: Final = ("indicator", "unit", "method", "basis")
_LISTS: Final = ("provenance", "notes")
_MOST_DIGITS: Final = 15
#: bytes of one level of a joint error, unpacked: several times what the most numbers take
_MOST_BYTES: Final = 64 * LARGEST
#: what a file that was changed by hand or cut off raises on its way to an estimate
_BROKEN: Final = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def write(
    path: Path | str, table: pd.DataFrame, meta: Mapping[str, Any], covariance: Callable[[], Any], /
) -> None:
    """Write an estimate as Parquet; see :meth:`qstats.Estimate.save`.

    Parameters
    ----------
    path : str or Path
    table : DataFrame
    meta : mapping
        Its other attributes by name.
    covariance : callable
        Returns the covariance matrix of the rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    errors, note = _kept(meta["errors"], len(table), covariance)
    said_of = {**meta, "format": FORMAT, "notes": (*meta["notes"], *note), "errors": _packed(errors)}
    try:
        data = pa.Table.from_pandas(table, preserve_index=False)
        said = {_MARK: json.dumps(said_of, ensure_ascii=False).encode()}
        with write_atomic(path) as temporary:
            marked = data.replace_schema_metadata({**data.schema.metadata, **said})
            pq.write_table(marked, temporary, compression="zstd")
    except pa.ArrowException as error:
        raise DataError(say("estimate.columns", error=str(error).splitlines()[0])) from error
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        told = getattr(error, "strerror", None) or error
        raise DataError(say("cells.not_written", path=path, error=told)) from error


def read(path: Path | str, made: Callable[..., _Made], /) -> _Made:
    """Return what :func:`write` wrote, made of its table and its other attributes by name.

    Raises
    ------
    DataError
        No such file, it is broken, it holds no estimate, or one of a later version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    require_file(path)
    try:
        data = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(say("estimate.broken", path=path, error=str(error).splitlines()[0])) from error
    if (mark := (data.schema.metadata or {}).get(_MARK)) is None:
        raise DataError(say("estimate.no_estimate", path=path))
    try:
        meta: dict[str, Any] = json.loads(mark)
        if (found := meta.pop("format")) != FORMAT:
            raise DataError(say("cells.format", path=path, found=found, known=FORMAT))
        _require_sound(meta)
        meta["errors"] = _unpacked(meta["errors"])
        return made(_counted(data.to_pandas()), **meta)
    except _BROKEN as error:
        fault = f"{type(error).__name__}: {error}"[:200]
        raise DataError(say("estimate.broken", path=path, error=fault)) from error


def _require_sound(meta: dict[str, Any]) -> None:
    """Raise ValueError unless what a file says of its estimate is what :func:`write` writes."""
    if set(meta) != {*_TEXTS, *_LISTS, "level", "inference", "digits", "errors"}:
        raise ValueError(f"metadata {', '.join(sorted(meta))}")
    for name in _TEXTS:
        if not isinstance(meta[name], str):
            raise ValueError(f"{name} = {meta[name]!r}")
    for name in _LISTS:
        if not (isinstance(meta[name], list) and all(isinstance(text, str) for text in meta[name])):
            raise ValueError(f"{name} = {meta[name]!r}")
    level, digits = meta["level"], meta["digits"]
    if type(level) not in (int, float) or not 0 < level < 1:
        raise ValueError(f"level = {level!r}")
    if type(digits) is not int or not 0 <= digits <= _MOST_DIGITS:
        raise ValueError(f"digits = {digits!r}")


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of a file, or raise ValueError when what was observed is no count."""
    if "n" in table and bool((table["n"].dropna().astype(float) < 0).any()):
        raise ValueError(f"n = {table['n'].min()}")
    return table


def holds(path: Path | str, /) -> bool:
    """Return whether a file holds an estimate; False too where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _MARK in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False


def _kept(
    errors: Errors | None, rows: int, covariance: Callable[[], Any]
) -> tuple[Errors | None, tuple[str, ...]]:
    """Return the joint error as it goes into the file, and what must be said of it."""
    if errors is None or sum(v.Z.nnz + 3 * v.group.size for v in errors.levels) <= LARGEST:
        return errors, ()
    if rows**2 > LARGEST:
        return None, (say("estimate.errors_left", rows=rows),)
    return _factored(covariance(), errors), (say("estimate.errors_factored"),)


def _factored(covariance: Any, errors: Errors) -> Errors:
    """Return errors with the same covariance, of as many units as there are rows."""
    import numpy as np
    from scipy.sparse import csr_array

    from qstats.stats.covariance import Errors, Level

    R = len(covariance)
    values, vectors = np.linalg.eigh(np.nan_to_num(covariance))
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
    from qstats.stats.covariance import Errors

    if packed is None:
        return None
    levels = [_level(b64decode(text, validate=True)) for text in packed["levels"]]
    if not levels or not isinstance(packed["sample"], str):
        raise ValueError("joint error")
    return Errors(tuple(levels), packed["sample"])


def _level(packed: bytes) -> Level:
    """Return one level of a joint error, or raise ValueError when its parts do not fit each other."""
    import numpy as np
    from scipy.sparse import csr_array

    from qstats.stats.covariance import Level

    with zipfile.ZipFile(BytesIO(packed)) as parts:
        if sum(part.file_size for part in parts.infolist()) > _MOST_BYTES:
            raise ValueError("joint error")  # it would fill the memory
    with np.load(BytesIO(packed), allow_pickle=False) as of:
        shape = tuple(of["shape"].tolist())
        Z = csr_array((of["data"], of["indices"], of["indptr"]), shape=shape)
        group, count, scale = of["group"].astype(np.intp), of["count"], of["scale"]
    Z.check_format(full_check=True)  # a place outside the matrix would be read from other memory
    fits = {part.shape for part in (group, count, scale)} == {(Z.shape[1],)}
    if not fits or bool(((group < -1) | (group > _MOST_BYTES // 8)).any()):
        raise ValueError("joint error")
    return Level(Z, group, count, scale)
