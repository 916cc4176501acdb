"""pyarrow alone: ORC read as a table, and written."""

from __future__ import annotations

from pathlib import Path

from benchmarks.convert.contestants.stopwatch import compare, now

begun = now()

import pyarrow.parquet as pq  # noqa: E402
from pyarrow import orc  # noqa: E402


def convert(source: Path, out: Path) -> list[Path]:
    """The whole file, with the same level of compression as everybody's."""
    target = out / "trades.parquet"
    pq.write_table(orc.read_table(source), target, compression="zstd", compression_level=3)
    return [target]


if __name__ == "__main__":
    compare(begun, {"orc": convert})
