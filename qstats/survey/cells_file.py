"""Cells as a Parquet file: the table, and what it means in the metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from qstats.errors import DataError, DesignError
from qstats.files import require_file, write_atomic
from qstats.messages import say
from qstats.survey.design import Design

#: raised when the columns of a file change their meaning
FORMAT: Final = 1
_MARK: Final = b"qstats.survey.cells"
_LISTS: Final = ("by", "keys", "sums", "provenance")


def write(path: Path | str, data: pa.Table, meta: dict[str, Any], /) -> None:
    """Write cells; a file that was there stays whole until the new one is complete."""
    design: Design | None = meta["design"]
    import pyarrow.parquet as pq  # with its file systems of the clouds it takes six megabytes

    said = meta | {"design": design.to_dict() if design else None, "format": FORMAT}
    marked = data.replace_schema_metadata({_MARK: json.dumps(said, ensure_ascii=False).encode()})
    try:
        with write_atomic(path) as temporary:
            pq.write_table(marked, temporary, compression="zstd")
    except OSError as error:
        raise DataError(say("cells.not_written", path=path, error=error.strerror or error)) from error


def read(path: Path | str, /) -> tuple[pa.Table, dict[str, Any]]:
    """Return the table and the meaning of saved cells."""
    import pyarrow.parquet as pq

    require_file(path)
    try:
        data = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(say("cells.broken", path=path, error=str(error).splitlines()[0])) from error
    mark = (data.schema.metadata or {}).get(_MARK)
    if mark is None:
        raise DataError(say("cells.no_cells", path=path))
    try:
        meta: dict[str, Any] = json.loads(mark)
        if (found := meta.pop("format")) != FORMAT:
            raise DataError(say("cells.format", path=path, found=found, known=FORMAT))
        _require_meaning(meta)
        _require_columns(data, meta)
        meta["design"] = Design.from_dict(meta["design"]) if meta["design"] is not None else None
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError, DesignError) as error:
        fault = f"{type(error).__name__}: {error}"[:200]
        raise DataError(say("cells.broken", path=path, error=fault)) from error
    return data.replace_schema_metadata(None), meta


def _require_meaning(meta: dict[str, Any]) -> None:
    """Raise ValueError unless what a file says of its cells is what :func:`write` writes."""
    if set(meta) != {*_LISTS, "design", "missing", "decimals", "pushed_down"}:
        raise ValueError(f"metadata {', '.join(sorted(meta))}")
    decimals = meta["decimals"]
    sound = {
        name: isinstance(meta[name], list) and all(type(t) is str for t in meta[name]) for name in _LISTS
    }
    sound["design"] = meta["design"] is None or isinstance(meta["design"], dict)
    sound["missing"] = meta["missing"] in ("fail", "omit")
    sound["decimals"] = decimals is None or (type(decimals) is int and decimals >= 0)
    sound["pushed_down"] = type(meta["pushed_down"]) is bool
    for name, right in sound.items():
        if not right:
            raise ValueError(f"{name} = {meta[name]!r}")


def _require_columns(data: pa.Table, meta: dict[str, Any]) -> None:
    """Raise ValueError unless the keys come first, and numbers without holes after them."""
    keys, names = meta["keys"], data.column_names
    if names[: len(keys)] != keys or not {*meta["by"]} <= {*keys}:
        raise ValueError(f"keys {', '.join(keys)}, columns {', '.join(names)}")
    for name in names[len(keys) :]:
        kind = data[name].type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)) or data[name].null_count:
            raise ValueError(f"{name}: {kind}, {data[name].null_count} null")
    lacking = [name for name in ("rows", "n", "weight", *meta["sums"]) if name not in names]
    if lacking:
        raise ValueError(f"no column {', '.join(lacking)}")
    if len(data) and min(data["rows"].to_numpy().min(), data["n"].to_numpy().min()) < 0:
        raise ValueError("rows, n < 0")
