"""A ratio by 30 domains with linearised standard errors: qstats, R survey, svy, plain DuckDB."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
from process import Measured, peer, python, rscript, run

SIZES = (10**4, 10**5, 10**6, 10**7)
STRATA, PSUS = 100, 2_000


def generate(path: Path, rows: int, psus: int = PSUS) -> None:
    """Write inspections: strata, units, weights, 30 domains, counts inspected and passed."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")  # so that the numbers are the same everywhere
    connection.execute("SELECT setseed(0.5)")
    connection.execute(
        f"""COPY (
            SELECT (i * {psus} // {rows}) % {STRATA} AS stratum, i * {psus} // {rows} AS psu,
                   CAST(floor(random() * 30) AS INTEGER) AS domain, 1 + 9 * random() AS w,
                   CAST(5 + floor(random() * 40) AS DOUBLE) AS inspected,
                   0.0 AS passed
            FROM range({rows}) t(i)
        ) TO '{path}.tmp' (FORMAT parquet)"""
    )
    connection.execute(
        f"""COPY (SELECT * REPLACE (floor(inspected * (0.85 + 0.1 * ((psu * 7919) % 100) / 100)) AS passed)
        FROM read_parquet('{path}.tmp')) TO '{path}' (FORMAT parquet)"""
    )
    Path(f"{path}.tmp").unlink()


def measure(*, large: bool, repeats: int) -> str:
    """Return the tables."""
    sizes = (*SIZES, 10**8) if large else SIZES
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.parquet"
            generate(path, size)
            few = repeats if size < 10**7 else min(repeats, 3)
            rows.append((size, PSUS, _all(path, size, few)))
            if size == 10**7:
                many = Path(folder) / "many.parquet"
                generate(many, size, 500_000)
                rows.append((size, 500_000, {"qstats": run(python("survey_qstats.py", many, 1))}))
                many.unlink()
            path.unlink()
    return _table(rows)


def _all(path: Path, size: int, repeats: int) -> dict[str, Measured | None]:
    found: dict[str, Measured | None] = {"qstats": run(python("survey_qstats.py", path, repeats))}
    found["DuckDB, no error"] = run(python("survey_duckdb.py", path, repeats))
    command = peer("survey_svy.py", path, min(repeats, 3))
    found["svy"] = run(command) if command and size <= 10**7 else None
    found["R survey"] = None
    if size <= 10**6:
        csv = path.with_suffix(".csv")
        duckdb.sql(f"COPY (SELECT * FROM '{path}') TO '{csv}' (FORMAT csv)")
        command = rscript("survey.R", csv, 1 if size == 10**6 else min(repeats, 3))
        found["R survey"] = run(command) if command else None
        csv.unlink()
    return found


def _table(rows: list[tuple[int, int, dict[str, Measured | None]]]) -> str:
    lines = [
        "| rows | units | entry | median s | first s | peak MB | times qstats | standard error of domain 0 |",
        "|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    for size, psus, found in rows:
        own = found["qstats"]
        assert own is not None
        for name, m in found.items():
            if m is None:
                lines.append(f"| {size:,} | {psus:,} | {name} | not run | | | | |")
                continue
            lines.append(
                f"| {size:,} | {psus:,} | {name} | {m.median:.3f} | {m.first:.3f} | {m.memory:,.0f} "
                f"| {m.median / own.median:.1f} | {m.said} |"
            )
    return "\n".join(lines)
