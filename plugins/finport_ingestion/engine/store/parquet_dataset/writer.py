"""From a manifest's parts to data files: streamed, cut into partitions, in bounded memory."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Self

import pyarrow as pa
from upath import UPath

from finport_ingestion.engine.files import local_path
from finport_ingestion.engine.store.parquet_dataset import partitioning
from finport_ingestion.engine.store.parquet_dataset.data_file import PARTIAL, DataFile, Drafts
from finport_ingestion.engine.store.parquet_dataset.partitioning import Key
from finport_ingestion.engine.store.parquet_dataset.snapshot import StoredFile
from finport_ingestion.engine.store.schemas import fingerprint

ROW_GROUP_ROWS = 262_144
BUFFERED_BYTES = 64 << 20
OPEN_FILES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How data files are cut."""

    partition_by: tuple[str, ...]
    rows_per_file: int
    compression_level: int


@contextmanager
def drafts_for(folder: UPath) -> Iterator[Drafts]:
    """Where files of the dataset in `folder` are written at first."""
    with ExitStack() as stack:
        if local_path(folder) is None:
            local = stack.enter_context(tempfile.TemporaryDirectory(prefix="finport-"))
            yield Drafts(folder=folder, drafts=UPath(local))
        else:
            yield Drafts(folder=folder, drafts=folder / PARTIAL)


class ItemWriter:
    """Writes the rows of one item; equal rows in equal batches give equal files."""

    def __init__(self, *, where: Drafts, layout: Layout, schema: pa.Schema) -> None:
        self._where = where
        self._layout = layout
        self._schema_name = fingerprint(schema)
        self._schema = pa.schema([field for field in schema if field.name not in layout.partition_by])
        self._buffers: dict[Key, _Buffer] = {}
        self._buffered_bytes = 0
        self._open: OrderedDict[Key, DataFile] = OrderedDict()  # the least recently written first
        self._closed: list[tuple[Key, StoredFile]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            with ExitStack() as stack:
                for file in self._open.values():
                    stack.callback(file.abandon, error)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of `batch`, which has the columns of the schema."""
        for key, rows in partitioning.cut(batch, self._layout.partition_by):
            buffer = self._buffers.setdefault(key, _Buffer())
            buffer.add(rows)
            self._buffered_bytes += rows.nbytes
            if buffer.rows >= ROW_GROUP_ROWS:
                self._flush(key)
        while self._buffered_bytes > BUFFERED_BYTES:
            self._flush(max(self._buffers, key=lambda key: self._buffers[key].size_bytes))

    def close(self) -> tuple[StoredFile, ...]:
        """Write what is left; the files, ordered by partition, then by rows."""
        for key in list(self._buffers):
            self._flush(key)
            # A file that nothing follows need not stay open: many partitions would mean many open files.
            self._close(key)
        for key in list(self._open):
            self._close(key)
        order = sorted(range(len(self._closed)), key=lambda place: (_order(self._closed[place][0]), place))
        return tuple(self._closed[place][1] for place in order)

    def _flush(self, key: Key) -> None:
        buffer = self._buffers.pop(key)
        self._buffered_bytes -= buffer.size_bytes
        rows = pa.Table.from_batches(buffer.batches, self._schema)
        while rows.num_rows:
            file = self._file(key)
            fitting = rows.slice(0, min(ROW_GROUP_ROWS, self._layout.rows_per_file - file.rows))
            file.write(fitting)
            rows = rows.slice(fitting.num_rows)
            if file.rows == self._layout.rows_per_file:
                self._close(key)

    def _file(self, key: Key) -> DataFile:
        file = self._open.get(key)
        if file is None:
            if len(self._open) >= OPEN_FILES:
                self._close(next(iter(self._open)))
            file = self._open[key] = DataFile(
                where=self._where,
                partition=dict(zip(self._layout.partition_by, key, strict=True)),
                schema=self._schema,
                schema_name=self._schema_name,
                compression_level=self._layout.compression_level,
            )
        self._open.move_to_end(key)
        return file

    def _close(self, key: Key) -> None:
        if key in self._open:
            # It stays among the open ones until it is whole, so that a failure on the way removes its draft.
            self._closed.append((key, self._open[key].close()))
            del self._open[key]


@dataclass(slots=True)
class _Buffer:
    """Rows of one partition that wait to be written."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    size_bytes: int = 0

    def add(self, rows: pa.RecordBatch) -> None:
        self.batches.append(rows)
        self.rows += rows.num_rows
        self.size_bytes += rows.nbytes


def _order(key: Sequence[str | None]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is not None, value or "") for value in key)
