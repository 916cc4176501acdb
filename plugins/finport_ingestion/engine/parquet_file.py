"""A Parquet file written once, from front to back: whole or absent, with its size and digest."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.files import write_atomically

_COMPRESSION_LEVEL = 3
_ROWS_PER_GROUP = 250_000
_BYTES_PER_GROUP = 64 << 20
_BUFFER_BYTES = 4 << 20
_ROWS_PER_PAGE = 65_536
"""Each page is compressed by itself, with tables that are made anew; an index of so many rows is fine enough."""
_LOOKED_AT_ROWS = 50_000
_INTEGER_DIGITS = 18
_MOST_DISTINCT = 0.35
"""Share of distinct values up to which a dictionary pays."""
_DOUBTFUL = 0.5
"""Share among few values that may still be a lower one among many."""


class HashingFile(io.RawIOBase):
    """A file for writing that counts and hashes what passes; it leaves closing to whoever opened it."""

    def __init__(self, file: BinaryIO, *, hashes: bool = True) -> None:
        super().__init__()
        self._file: BinaryIO | None = file
        self._digest = hashlib.sha256() if hashes else None
        self.size_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        if self._digest is not None:
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
        if self._digest is None:
            raise ValueError("nobody asked for the digest of this file")
        return self._digest.hexdigest()

    def tell(self) -> int:
        return self.size_bytes


class ParquetSink:
    """Takes record batches of one schema and groups them into row groups."""

    def __init__(self, file: BinaryIO, schema: pa.Schema, *, hashes: bool = True) -> None:
        """See the class.

        Args:
            hashes: Whether `sha256` is going to be asked for.
        """
        self._file = HashingFile(file, hashes=hashes)
        # Arrow writes a page at a time: gathered, they cost no Python call each.
        self._out = pa.BufferedOutputStream(pa.PythonFile(self._file, mode="w"), _BUFFER_BYTES)
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._writing: threading.Thread | None = None  # encodes the last group, while the next one is gathered
        self._failure: BaseException | None = None
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
        self._wait()
        if self._writer is None:
            self._writer = _writer(self._out, self._schema.empty_table())
        self._writer.close()
        self._out.close()

    def abandon(self) -> None:
        """Give the file up: Arrow's writer would otherwise write its footer into a closed file later."""
        self._waiting = []
        if self._writing is not None:
            self._writing.join()
        self._file.let_go()
        if self._writer is not None:
            self._writer.close()
        self._out.close()

    @property
    def size_bytes(self) -> int:
        return self._file.size_bytes

    @property
    def sha256(self) -> str:
        """Of the whole file, once it is closed."""
        return self._file.sha256

    def _flush(self) -> None:
        """Hand what is gathered to a thread of its own: Arrow encodes without holding up the readers."""
        self._wait()
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, schema=self._schema)
            self._writing = threading.Thread(target=self._encode, args=(table,), name="finport-parquet")
            self._writing.start()
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0

    def _encode(self, table: pa.Table) -> None:
        try:
            if self._writer is None:
                self._writer = _writer(self._out, table)
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        except BaseException as error:  # it is raised where the next group, or the end, is asked for
            self._failure = error

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.join()
            self._writing = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure


def _writer(file: pa.NativeFile, first: pa.Table) -> pq.ParquetWriter:
    """A writer whose encodings suit the values of the first group: any is right, but few are fast and small."""
    dictionaries = [field.name for field in first.schema if _repeats(first.column(field.name))]
    deltas = [
        field.name for field in first.schema if field.name not in dictionaries and _is_stored_as_integer(field.type)
    ]
    return pq.ParquetWriter(
        file,
        first.schema,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=dictionaries or False,
        column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED") or None,
        store_decimal_as_integer=True,
        write_page_index=True,
        max_rows_per_page=_ROWS_PER_PAGE,
    )


def _repeats(values: pa.ChunkedArray) -> bool:
    if pa.types.is_nested(values.type):
        return True  # of their leaves nothing is known here; Parquet's default
    few = values.slice(0, _LOOKED_AT_ROWS)
    if pa.types.is_boolean(values.type) or len(values) == 0:
        return False
    try:
        share = _distinct_share(few)
        return share <= _MOST_DISTINCT or (share <= _DOUBTFUL and _distinct_share(values) <= _MOST_DISTINCT)
    except pa.ArrowNotImplementedError:
        return False


def _distinct_share(values: pa.ChunkedArray) -> float:
    return float(pc.count_distinct(values).as_py() / len(values))


def _is_stored_as_integer(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind):
        return bool(kind.precision <= _INTEGER_DIGITS)
    return bool(
        pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date32(kind) or pa.types.is_time(kind)
    )


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
