"""The rows of an item as Arrow batches, column by column; values stay exactly what the database holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from finport_ingestion.engine.errors import FormatError, SourceItemChanged
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.database.columnar import Unrepresentable, fitted
from finport_ingestion.engine.sources.database.relation import Column
from finport_ingestion.engine.sources.database.slices import Axes, fixed_decimals, is_range, undeclared
from finport_ingestion.engine.sources.interface import Access

_NOT_EXACT = (ValueError, TypeError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads one item over one connection."""

    connection: sa.Connection
    axes: Axes
    access: Access
    fetch_rows: int

    def batches(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """At least one batch, in the order of the key; none is larger than `fetch_rows`.

        Raises:
            FormatError: A value is not of its column's type.
            SourceItemChanged: A range does not hold the rows it was listed with.
        """
        where = self.axes.conditions(item.slice)
        columns = self._columns(item.slice, where)
        schema = pa.schema([(column.name, column.arrow) for column in columns])
        count = 0
        for batch in self._fetched(self._statement(columns, where), columns, schema, rows=item.record_count):
            self.access.deadline.check()
            yield batch
            count += batch.num_rows
        if count == 0:
            yield pa.RecordBatch.from_pylist([], schema=schema)
        if is_range(item.slice) and item.record_count not in (None, count):
            raise SourceItemChanged(
                f"{self.access.source}: {item.id} has {count} rows, {item.record_count} were listed.",
                hint="the table changes while its ranges are read; read it without 'partitions', or incrementally",
            )

    def _columns(self, part: Mapping[str, str], where: Sequence[sa.ColumnElement[bool]]) -> list[Column]:
        relation = self.axes.relation
        types = fixed_decimals(part)
        if any(column.name not in types for column in undeclared(relation.columns)):
            types |= self.axes.dialect.decimal_types(self.connection, relation, where)
        return [_with_type(column, types.get(column.name)) for column in relation.columns]

    def _statement(self, columns: Sequence[Column], where: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        relation = self.axes.relation
        selected = [column.selected.label(f"c{index}") for index, column in enumerate(columns)]
        if relation.row_id is not None:
            selected.append(relation.row_id.label("row_id"))
        return sa.select(*selected).select_from(relation.rows).where(*where).order_by(*relation.order())

    def _fetched(
        self, statement: sa.Select[Any], columns: Sequence[Column], schema: pa.Schema, *, rows: int | None
    ) -> Iterator[pa.RecordBatch]:
        what = f"{self.access.source}: {self.axes.relation.name}"
        read = self.axes.dialect.columnar(self.connection, statement, access=self.access, what=what, rows=rows)
        first_row = 1
        if read is None:
            for block in self._rows(statement):
                yield self._batch(list(zip(*block, strict=True)), columns, schema, first_row=first_row)
                first_row += len(block)
            return
        with closing(read):
            for batch in read:
                yield from _cut(self._batch(batch.columns, columns, schema, first_row=first_row), self.fetch_rows)
                first_row += batch.num_rows

    def _rows(self, statement: sa.Select[Any]) -> Iterator[Sequence[sa.Row[Any]]]:
        streaming = self.connection.execution_options(stream_results=True, max_row_buffer=self.fetch_rows)
        with streaming.execute(statement) as result:
            yield from result.yield_per(self.fetch_rows).partitions()

    def _batch(
        self, stored: Sequence[Any], columns: Sequence[Column], schema: pa.Schema, *, first_row: int
    ) -> pa.RecordBatch:
        arrays = []
        for index, column in enumerate(columns):
            try:
                arrays.append(_array(stored[index], column))
            except _NOT_EXACT as error:
                raise self._misfit(stored, index, column, first_row, error) from None
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _misfit(
        self, stored: Sequence[Any], index: int, column: Column, first_row: int, error: Exception
    ) -> FormatError:
        relation = self.axes.relation
        if isinstance(error, Unrepresentable):
            return FormatError(
                f"{self.access.source}: {relation.name}: a date or time cannot be represented (infinity, before year 1"
                f" or after year 9999), in column '{column.name}'.",
                hint="replace it in the database, or read the column by a query that casts it to text",
            )
        row = next((number for number in range(len(stored[index])) if not _fits(stored[index], number, column)), 0)
        place = f"row {first_row + row}" if relation.row_id is None else f"rowid {stored[-1][row]}"
        return FormatError(
            f"{self.access.source}: {relation.name}, column '{column.name}', {place}: the value is no {column.type}.",
            hint="correct it in the database, or read the column by a query that casts it to text",
        )


def _array(values: Any, column: Column) -> pa.Array:
    if isinstance(values, pa.Array):
        return fitted(values, column.arrow)
    exact = column.exact
    if exact is not None:
        values = [None if value is None else exact(value) for value in values]
    return pa.array(values, column.arrow)


def _fits(values: Any, number: int, column: Column) -> bool:
    try:
        _array(values[number : number + 1], column)
    except _NOT_EXACT:
        return False
    return True


def _cut(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _with_type(column: Column, kind: LogicalType | None) -> Column:
    """An undeclared decimal with the type that the listing found; with too many digits for a decimal it is text."""
    if column.type is not None or kind is None:
        return column
    if kind.kind == "decimal":
        return dataclasses.replace(column, type=kind)
    text = sa.cast(column.selected, sa.Text()) if column.as_text is None else column.as_text
    return dataclasses.replace(column, type=kind, selected=text, exact=None)
