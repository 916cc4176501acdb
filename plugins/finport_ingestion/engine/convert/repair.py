"""A column that the samples took for something else than it is: read again, alone, and put into its place.

All other columns are taken from the file that was written; only the column that failed is parsed and cast once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from finport_ingestion.engine.convert.casting import cast_batch
from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.interface import Batch, Reader, columns_reader
from finport_ingestion.engine.convert.table_pass import TablePass


def can_repair(table: TablePass, reader: Reader, final: TargetSchema) -> bool:
    """Whether what `table` has written needs but the columns that it gave up to be of schema `final`."""
    if not table.holds or not table.given_up or columns_reader(reader) is None:
        return False
    if table.increment is not None or table.misfits:
        return False  # rows were left out: they could not be counted off
    old = table.schema.columns
    if [column.name for column in old] != [column.name for column in final.columns]:
        return False
    if any((column.agreed or column.zone) and column.name in table.given_up for column in final.columns):
        return False  # a value of it that does not fit takes its whole record away
    pairs = zip(old, final.columns, strict=True)
    return all(
        before.name in table.given_up or (before.type, before.way) == (after.type, after.way) for before, after in pairs
    )


def can_relabel(table: TablePass, final: TargetSchema) -> bool:
    """Whether what `table` has written is of schema `final` but for what is told of its columns."""
    keys = table.witness.evidence
    return table.holds and not table.given_up and table.schema.layout(keys) == final.layout(keys)


def repaired(
    written: Iterable[pa.RecordBatch], fresh: Iterable[Batch], *, table: TablePass, final: TargetSchema
) -> Iterator[pa.RecordBatch]:
    """The rows of `written` with the columns that `table` gave up out of `fresh`, in batches of schema `final`.

    Args:
        written: Every row, in order, as `table` wrote it.
        fresh: The same rows of the source, with the columns that were given up.
    """
    job = table.witness.job
    schema = final.arrow if job.lineage else final.data
    wanted = TargetSchema(tuple(column for column in final.columns if column.name in table.given_up))
    rows = _Rows(iter(written))
    for batch in fresh:
        count = batch.columns.num_rows
        if count == 0:
            continue
        kept = rows.take(count)
        cast = cast_batch(batch, {}, schema=wanted, terms=job.terms, part=table.witness.uri, lineage=False).values
        columns = [cast.column(f.name) if f.name in table.given_up else kept.column(f.name) for f in schema]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        job.tick(0, 0)
    if not rows.at_end():
        raise AssertionError(f"{table.witness.uri}: fewer rows the second time")


class _Rows:
    """Rows taken off the front of batches, as many as are asked for."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._left: pa.RecordBatch | None = None

    def take(self, count: int) -> pa.RecordBatch:
        taken: list[pa.RecordBatch] = []
        while count:
            batch = self._left if self._left is not None and self._left.num_rows else next(self._batches)
            piece = batch.slice(0, count)
            self._left = batch.slice(piece.num_rows)
            count -= piece.num_rows
            taken.append(piece)
        if len(taken) == 1:
            return taken[0]
        return pa.Table.from_batches(taken).combine_chunks().to_batches()[0]

    def at_end(self) -> bool:
        rest = self._left.num_rows if self._left is not None else 0
        return rest == 0 and all(batch.num_rows == 0 for batch in self._batches)
