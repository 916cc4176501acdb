"""Apache Parquet: zstd, statistics, page index."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa

from finport_ingestion.engine.parquet_file import ParquetSink


class ParquetOutput:
    """See the module."""

    suffix = ".parquet"

    def open(self, file: BinaryIO, schema: pa.Schema) -> ParquetSink:
        return ParquetSink(file, schema)
