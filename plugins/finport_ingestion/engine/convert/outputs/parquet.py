"""Apache Parquet: zstd, statistics, page index."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from upath import UPath

from finport_ingestion.engine.parquet_file import ParquetSink
from finport_ingestion.engine.parquet_footer import rewrite_footer


class ParquetOutput:
    """See the module."""

    suffix = ".parquet"

    def open(self, file: BinaryIO, schema: pa.Schema) -> ParquetSink:
        return ParquetSink(file, schema, hashes=False)

    def relabel(self, file: Path, schema: pa.Schema) -> bool:
        rewrite_footer(UPath(file), UPath(file), schema)
        return True
