"""Apache ORC: zstd, stripe by stripe."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.orc

from finport_ingestion.engine.convert.reading.leaves import any_leaf
from finport_ingestion.engine.errors import ConfigError

_ROWS = 131_072


class OrcOutput:
    """See the module."""

    suffix = ".orc"

    def open(self, file: BinaryIO, schema: pa.Schema) -> OrcFile:
        for field in schema:
            if any_leaf(field.type, _is_unknown):
                raise ConfigError(
                    f"column '{field.name}' is {field.type}, which ORC cannot hold.",
                    hint="write Parquet, or name another type of the column in a contract",
                )
        return OrcFile(file, schema)

    def relabel(self, file: Path, schema: pa.Schema) -> bool:
        return False  # its footer holds them, and nothing writes one without the stripes


class OrcFile:
    """See OutputFile."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        self._schema = schema
        self._writer = pyarrow.orc.ORCWriter(file, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self.row_count = 0

    @property
    def size_bytes(self) -> int:
        return self._file.tell()

    def write(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.row_count += batch.num_rows
        if self._waiting_rows >= _ROWS:
            self._flush()

    def close(self) -> None:
        # A file without rows still has a schema.
        self._flush(always=self.row_count == 0)
        self._writer.close()

    def abandon(self) -> None:
        self._writer.close()

    def _flush(self, *, always: bool = False) -> None:
        if self._waiting or always:
            self._writer.write(pa.Table.from_batches(self._waiting, schema=self._schema))
        self._waiting, self._waiting_rows = [], 0


def _is_unknown(kind: pa.DataType) -> bool:
    tests = (pa.types.is_decimal256, pa.types.is_time, pa.types.is_duration, pa.types.is_null)
    return any(test(kind) for test in tests)
