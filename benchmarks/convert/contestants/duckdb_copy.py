"""DuckDB: one COPY with the types it infers, in the order of the rows, by as many threads as there are cores."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.convert.contestants.stopwatch import compare, now

begun = now()

import duckdb  # noqa: E402


def copy(reader: str, source: Path, out: Path) -> list[Path]:
    """Any file that a table function reads."""
    target = out / "trades.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (from {reader}('{source}')) to '{target}' (format parquet, compression zstd, compression_level 3)"
        )
    return [target]


if __name__ == "__main__":
    compare(begun, {"csv": partial(copy, "read_csv"), "ndjson": partial(copy, "read_json_auto")})
