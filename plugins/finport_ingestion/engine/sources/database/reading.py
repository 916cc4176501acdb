"""The rows of an item as Arrow batches, column by column; values stay exactly what the database holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from finport_ingestion.engine.errors import FormatError, SourceItemChanged
from finport_ingestion.engine.logical import LogicalType, to_arrow
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.database.relation import Column
from finport_ingestion.engine.sources.database.slices import Axes, fixed_decimals, is_range, undeclared
from finport_ingestion.engine.sources.interface import Access

_TEXT = LogicalType("text")


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
        schema = pa.schema([(column.name, to_arrow(column.type or _TEXT)) for column in columns])
        count = 0
        for rows in self._fetched(columns, where):
            yield self._batch(rows, columns, schema, first_row=count + 1)
            count += len(rows)
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

    def _fetched(
        self, columns: Sequence[Column], where: Sequence[sa.ColumnElement[bool]]
    ) -> Iterator[Sequence[sa.Row[Any]]]:
        relation = self.axes.relation
        selected = [column.selected.label(f"c{index}") for index, column in enumerate(columns)]
        if relation.row_id is not None:
            selected.append(relation.row_id.label("row_id"))
        statement = sa.select(*selected).select_from(relation.rows).where(*where).order_by(*relation.order())
        streaming = self.connection.execution_options(stream_results=True, max_row_buffer=self.fetch_rows)
        with streaming.execute(statement) as result:
            for rows in result.yield_per(self.fetch_rows).partitions():
                self.access.deadline.check()
                yield rows

    def _batch(
        self, rows: Sequence[sa.Row[Any]], columns: Sequence[Column], schema: pa.Schema, *, first_row: int
    ) -> pa.RecordBatch:
        stored = list(zip(*rows, strict=True))
        arrays = []
        for index, column in enumerate(columns):
            try:
                arrays.append(_array(stored[index], column, schema.types[index]))
            except (ValueError, TypeError, OverflowError):
                row = next(
                    number
                    for number, value in enumerate(stored[index])
                    if not _fits(value, column, schema.types[index])
                )
                place = f"row {first_row + row}" if len(stored) == len(columns) else f"rowid {stored[-1][row]}"
                raise FormatError(
                    f"{self.access.source}: {self.axes.relation.name}, column '{column.name}', {place}: the value is no"
                    f" {column.type}.",
                    hint="correct it in the database, or read the column by a query that casts it to text",
                ) from None
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], column: Column, kind: pa.DataType) -> pa.Array:
    exact = column.exact
    if exact is not None:
        values = [None if value is None else exact(value) for value in values]
    return pa.array(values, kind)


def _fits(value: Any, column: Column, kind: pa.DataType) -> bool:
    try:
        _array([value], column, kind)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def _with_type(column: Column, kind: LogicalType | None) -> Column:
    """An undeclared decimal with the type that the listing found; with too many digits for a decimal it is text."""
    if column.type is not None or kind is None:
        return column
    if kind.kind == "decimal":
        return dataclasses.replace(column, type=kind)
    return dataclasses.replace(column, type=kind, selected=sa.cast(column.selected, sa.Text()), exact=None)
