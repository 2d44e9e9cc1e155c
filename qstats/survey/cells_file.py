"""Cells as a Parquet file: the table, and what it means in the metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from qstats.errors import DataError
from qstats.files import write_atomic
from qstats.messages import say
from qstats.survey.design import Design

#: raised when the columns of a file change their meaning
FORMAT: Final = 1
_MARK: Final = b"qstats.survey.cells"


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

    if not Path(path).is_file():
        raise DataError(say("file.missing", path=path))
    try:
        data = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(say("file.broken", path=path, error=str(error).splitlines()[0])) from error
    mark = (data.schema.metadata or {}).get(_MARK)
    if mark is None:
        raise DataError(say("cells.no_cells", path=path))
    meta: dict[str, Any] = json.loads(mark)
    found = meta.pop("format")
    if found != FORMAT:
        raise DataError(say("cells.format", path=path, found=found, known=FORMAT))
    meta["design"] = Design.from_dict(meta["design"]) if meta["design"] is not None else None
    return data.replace_schema_metadata(None), meta
