"""One staged part taken apart: what goes on, and the records that do not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.files import Places
from finport_ingestion.engine.parquet_file import write_parquet
from finport_ingestion.engine.records import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happens to one part; positions are counted from 0 and in order."""

    rejected: Sequence[int] = ()
    nulled: Mapping[str, Sequence[int]] = field(default_factory=dict)  # by column: whose value is discarded


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Some rejected rows of a part, in order."""

    table: pa.Table  # with lineage columns
    positions: Sequence[int]  # in the part


def split_part(
    part: Part, changes: Changes, *, target: UPath, places: Places, passed: list[Part]
) -> Iterator[RejectedRows]:
    """Give the rejected rows one row group after another, and write the others to `target` meanwhile.

    The part that goes on is added to `passed` at the end: order kept, same schema; none when no record is left.

    Raises:
        StorageUnavailable: The disk is full.
    """
    with places.at(part.uri).open("rb") as file:
        staged = pq.ParquetFile(file)
        if len(changes.rejected) == staged.metadata.num_rows:
            for start, table in _row_groups(staged):
                yield RejectedRows(table, range(start, start + len(table)))
            return
        with write_parquet(target, staged.schema_arrow) as sink:
            for start, table in _row_groups(staged):
                rejected = _within(changes.rejected, start, len(table))
                if rejected:
                    yield RejectedRows(table.take(rejected), [start + row for row in rejected])
                kept = _without_values(table, changes, start=start).filter(_kept(rejected, len(table)))
                for batch in kept.combine_chunks().to_batches():
                    sink.write(batch)
    passed.append(
        replace(
            part,
            uri=places.relative(target),
            size_bytes=sink.size_bytes,
            sha256=sink.sha256,
            row_count=sink.row_count,
            made_from=(part.uri,),
        )
    )


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
    for column, positions in changes.nulled.items():
        index = table.schema.get_field_index(column)
        kept = _kept(_within(positions, start, len(table)), len(table))
        of_column = table.schema.field(index)
        values = pc.if_else(kept, table.column(index), pa.scalar(None, of_column.type))
        table = table.set_column(index, of_column, values)
    return table


def _kept(rows: Sequence[int], count: int) -> pa.Array:
    mask = np.full(count, True)
    mask[np.asarray(rows, dtype=np.int64)] = False
    return pa.array(mask)
