"""Which tables a reader gives: one out of several, or those of several files as if they were one."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import pyarrow.compute as pc

from finport_ingestion.engine.convert.interface import (
    Batch,
    Prepare,
    RawFile,
    Reader,
    ReadsColumns,
    columns_reader,
    read_ahead,
)
from finport_ingestion.engine.errors import ConfigError


class OneTable:
    """A reader that gives one table only, and says which others there are."""

    def __init__(self, reader: Reader, table: str | None) -> None:
        self.inner = self._reader = reader
        self._wanted = table
        self.typed, self.whole_file, self.isolated = reader.typed, reader.whole_file, reader.isolated
        self.main_table = reader.main_table

    def read(self, raw: RawFile) -> Iterator[Batch]:
        """The chosen table's records.

        Raises:
            ConfigError: The file has no table of the name that was asked for.
        """
        yield from self._chosen(self._reader.read(raw), raw)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """As `read`, by several threads."""
        yield from self._chosen(read_ahead(self._reader, raw, prepare=prepare, threads=threads), raw)

    def read_columns(self, raw: RawFile, columns: frozenset[str], *, threads: int) -> Iterator[Batch]:
        """Some columns of the chosen table."""
        reader = cast("ReadsColumns", columns_reader(self._reader))
        yield from self._chosen(reader.read_columns(raw, columns, threads=threads), raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """Some of the chosen table's records."""
        yield from self._chosen(self._reader.sample(raw, size_bytes=size_bytes), raw)

    def _chosen(self, batches: Iterator[Batch], raw: RawFile) -> Iterator[Batch]:
        wanted = self._wanted if self._wanted is not None else self._reader.main_table or None
        tables: dict[str, None] = {}
        last: Batch | None = None
        beside: list[Batch] = []
        for batch in batches:
            tables[batch.table] = None
            wanted = batch.table if wanted is None else wanted
            if batch.table.casefold() == wanted.casefold():
                last = batch
                yield dataclasses.replace(batch, table="")
            elif batch.bad or batch.warnings or batch.facts:
                beside.append(batch)
        if last is not None:
            # What is set aside or told with another table is of the file, too.
            nothing = _nothing(last)
            for batch in beside:
                yield dataclasses.replace(nothing, bad=batch.bad, warnings=batch.warnings, facts=batch.facts)
        if last is None and tables:
            raise ConfigError(
                f"{raw.uri}: no table '{wanted}'; it has {', '.join(tables)}.",
                hint="name one of them as 'table' of the Format",
            )
        others = [table for table in tables if wanted is None or table.casefold() != wanted.casefold()]
        if last is not None and others:
            note = f"{raw.uri}: of several tables '{wanted}' is taken; there are also {', '.join(others)}"
            yield dataclasses.replace(_nothing(last), notes=(note,))


def _nothing(like: Batch) -> Batch:
    """No records, of the same columns."""
    return Batch(columns=like.columns.slice(0, 0), rows=like.rows.slice(0, 0), types=like.types)


class Joined:
    """A reader that gives the records of several files of one format in a row, as if they stood in one."""

    def __init__(self, reader: Reader, files: Sequence[RawFile]) -> None:
        self.inner = self._reader = reader
        self._files = files
        self.typed, self.whole_file, self.isolated = reader.typed, reader.whole_file, reader.isolated
        self.main_table = reader.main_table

    def read(self, raw: RawFile) -> Iterator[Batch]:
        """All records of all files, in order; rows are counted over all. `raw` is what they were unpacked from."""
        return self._row(self._reader.read)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """As `read`, by several threads."""
        return self._row(functools.partial(read_ahead, self._reader, prepare=prepare, threads=threads))

    def read_columns(self, raw: RawFile, columns: frozenset[str], *, threads: int) -> Iterator[Batch]:
        """Some columns of all records."""
        reader = cast("ReadsColumns", columns_reader(self._reader))
        return self._row(lambda file: reader.read_columns(file, columns, threads=threads))

    def _row(self, read: Callable[[RawFile], Iterator[Batch]]) -> Iterator[Batch]:
        done: dict[str, int] = {}
        for file in self._files:
            before = dict(done)
            for batch in read(file):
                moved = _moved(batch, before)
                last = max((*(bad.row for bad in moved.bad), *moved.rows[-1:].to_pylist()), default=0)
                done[batch.table] = max(done.get(batch.table, 0), last)
                yield moved

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """Some records of each file."""
        for file in self._files:
            yield from self._reader.sample(file, size_bytes=size_bytes)


def _moved(batch: Batch, by: dict[str, int]) -> Batch:
    bad = tuple(dataclasses.replace(found, row=found.row + by.get(found.table, 0)) for found in batch.bad)
    return dataclasses.replace(batch, rows=pc.add(batch.rows, by.get(batch.table, 0)), bad=bad)
