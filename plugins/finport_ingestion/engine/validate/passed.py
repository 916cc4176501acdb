"""The parts that go on: the staged part itself where nothing was found, otherwise one without its rejected records."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.files import Places, sha256_of, write_atomically
from finport_ingestion.engine.records import Part

_ZSTD_LEVEL = 3

OnRejected = Callable[[pa.Table, Sequence[int]], None]
"""Told the rejected rows of a row group, in order, and their positions in the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happens to one part; positions are counted from 0 and in order."""

    rejected: Sequence[int] = ()
    nulled: Mapping[str, Sequence[int]] | None = None  # by column: positions whose value is discarded


def write_passed(part: Part, changes: Changes, *, target: UPath, places: Places, on_rejected: OnRejected) -> Part | None:
    """The part that goes on, at `target` if it had to be written: order kept, same schema; None when no record is left.

    Raises:
        StorageUnavailable: The disk is full.
    """
    if not changes.rejected and not changes.nulled:
        return part
    with places.at(part.uri).open("rb") as file:
        staged = pq.ParquetFile(file)
        left = staged.metadata.num_rows - len(changes.rejected)
        if left == 0:
            _tell(staged, on_rejected)
            return None
        with write_atomically(target) as out:
            _copy(staged, changes, out=out, on_rejected=on_rejected)
    return replace(
        part,
        uri=places.relative(target),
        size_bytes=target.stat().st_size,
        sha256=sha256_of(target),
        row_count=left,
        made_from=(part.uri,),
    )


def _copy(staged: pq.ParquetFile, changes: Changes, *, out: BinaryIO, on_rejected: OnRejected) -> None:
    with pq.ParquetWriter(out, staged.schema_arrow, compression="zstd", compression_level=_ZSTD_LEVEL) as writer:
        for start, table in _row_groups(staged):
            rejected = _within(changes.rejected, start, len(table))
            if rejected:
                on_rejected(table.take(rejected), [start + row for row in rejected])
            if len(rejected) < len(table):
                whole = _without_values(table, changes, start=start)
                writer.write_table(whole.filter(_kept(rejected, len(table))) if rejected else whole)


def _tell(staged: pq.ParquetFile, on_rejected: OnRejected) -> None:
    for start, table in _row_groups(staged):
        on_rejected(table, list(range(start, start + len(table))))


def _row_groups(staged: pq.ParquetFile) -> Iterator[tuple[int, pa.Table]]:
    start = 0
    for number in range(staged.num_row_groups):
        table = staged.read_row_group(number)
        yield start, table
        start += len(table)


def _within(positions: Sequence[int], start: int, count: int) -> list[int]:
    """The positions that lie in a row group, counted from its start."""
    first, last = bisect_left(positions, start), bisect_left(positions, start + count)
    return [position - start for position in positions[first:last]]


def _without_values(table: pa.Table, changes: Changes, *, start: int) -> pa.Table:
    for column, positions in (changes.nulled or {}).items():
        index = table.schema.get_field_index(column)
        field = table.schema.field(index)
        kept = _kept(_within(positions, start, len(table)), len(table))
        table = table.set_column(index, field, pc.if_else(kept, table.column(index), pa.scalar(None, field.type)))
    return table


def _kept(rows: Sequence[int], count: int) -> pa.Array:
    mask = np.full(count, True)
    mask[np.asarray(rows, dtype=np.int64)] = False
    return pa.array(mask)
