"""Build hook: put data/ and notebooks/ into the wheel, as qstats/_data and qstats/_notebooks.

A checkout, and so an editable install, finds both folders beside the package; nothing is copied
there. In the wheel a CSV over 1 MB becomes Parquet, every column as text, so nothing is lost;
the sha256 of the CSV is kept in its metadata.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LARGE = 1_000_000
SHIPPED = {"data": (".csv", ".json"), "notebooks": (".ipynb",)}


def pack(source: Path, target: Path) -> None:
    """Write a CSV as Parquet with every cell as text and the sha256 of the CSV in the metadata."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    raw = source.read_bytes()
    header = raw.split(b"\n", 1)[0].decode("utf-8").strip().split(",")
    options = csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
    table = csv.read_csv(
        source, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options
    )
    table = table.replace_schema_metadata({"sha256": hashlib.sha256(raw).hexdigest(), "source": source.name})
    parquet.write_table(table, target, compression="zstd")


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        self.packed = Path(tempfile.mkdtemp(prefix="qstats-data-"))
        for folder, endings in SHIPPED.items():
            root = Path(self.root) / folder
            found = sorted(path for path in root.rglob("*") if path.suffix in endings)
            for path in found:
                inside = path.relative_to(root)
                if any(part.startswith(".") for part in inside.parts):
                    continue
                source = path
                if path.suffix == ".csv" and path.stat().st_size > LARGE:
                    inside = inside.with_suffix(".parquet")
                    source = self.packed / inside.name
                    pack(path, source)
                build_data["force_include"][str(source)] = f"qstats/_{folder}/{inside.as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "packed"):
            shutil.rmtree(self.packed, ignore_errors=True)
