"""dlt: a resource of Arrow tables out of pyarrow's CSV reader, loaded as Parquet into a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.convert.contestants.stopwatch import compare, now

begun = now()

import dlt  # noqa: E402
import pyarrow as pa  # noqa: E402
from pyarrow import csv  # noqa: E402

_BLOCK_BYTES = 32 << 20

# Arrow tables are written where they are extracted and moved from there; nothing is added to them.
os.environ |= {
    "DATA_WRITER__COMPRESSION": "zstd",
    "NORMALIZE__DATA_WRITER__COMPRESSION": "zstd",
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}


def convert(source: Path, out: Path) -> list[Path]:
    """The whole file by one pipeline."""
    destination = dlt.destinations.filesystem(bucket_url=out.absolute().as_uri())
    pipeline = dlt.pipeline(
        "trades", pipelines_dir=str(out / "pipelines"), destination=destination, dataset_name="trades"
    )
    pipeline.run(dlt.resource(_tables(source), name="trades"), loader_file_format="parquet")
    return sorted((out / "trades" / "trades").glob("*.parquet"))


def _tables(source: Path) -> Iterator[pa.Table]:
    with csv.open_csv(source, read_options=csv.ReadOptions(block_size=_BLOCK_BYTES)) as batches:
        for batch in batches:
            yield pa.Table.from_batches([batch])


if __name__ == "__main__":
    compare(begun, {"csv": convert})
