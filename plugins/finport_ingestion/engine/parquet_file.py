"""A Parquet file written once, from front to back: whole or absent, with its size and digest."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.files import write_atomically

_COMPRESSION_LEVEL = 3
_ROWS_PER_GROUP = 1_000_000
_BYTES_PER_GROUP = 256 << 20


class HashingFile:
    """A file for writing that counts and hashes what passes; it leaves closing to whoever opened it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file: BinaryIO | None = file
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        self.closed = False

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        self.size_bytes += len(content)
        if self._file is not None:
            self._file.write(content)
        return len(content)

    def let_go(self) -> None:
        """What is written from now on goes nowhere."""
        self._file = None

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def tell(self) -> int:
        return self.size_bytes

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


class ParquetSink:
    """Takes record batches of one schema and groups them into row groups of about a million rows."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = HashingFile(file)
        self._schema = schema
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="zstd", compression_level=_COMPRESSION_LEVEL, write_statistics=True
        )
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self.row_count = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of `batch`, whose schema is the file's."""
        if batch.num_rows == 0:
            return
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        self.row_count += batch.num_rows
        if self._waiting_rows >= _ROWS_PER_GROUP or self._waiting_bytes >= _BYTES_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Give the file up: Arrow's writer would otherwise write its footer into a closed file later."""
        self._waiting = []
        self._file.let_go()
        self._writer.close()

    @property
    def size_bytes(self) -> int:
        return self._file.size_bytes

    @property
    def sha256(self) -> str:
        """Of the whole file, once it is closed."""
        return self._file.sha256

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, schema=self._schema)
            self._writer.write_table(table, row_group_size=max(self._waiting_rows, 1))
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0


@contextlib.contextmanager
def write_parquet(path: UPath, schema: pa.Schema) -> Iterator[ParquetSink]:
    """Open a Parquet file for writing; it appears under its name when the block ends well.

    The sink's counts and digest are whole after the block.
    """
    with write_atomically(path) as file:
        sink = ParquetSink(file, schema)
        try:
            yield sink
        except BaseException:
            sink.abandon()
            raise
        sink.close()
