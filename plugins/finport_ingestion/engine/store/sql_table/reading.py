"""Rows of the table as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import psycopg
import pyarrow as pa
from psycopg import sql

from finport_ingestion.engine.errors import ConfigError, SourceItemMissing
from finport_ingestion.engine.records import LINEAGE_COLUMNS
from finport_ingestion.engine.store.sql_table import columns
from finport_ingestion.engine.store.sql_table.columns import JSON, Table
from finport_ingestion.engine.store.sql_table.names import ITEM_COLUMN, listed
from finport_ingestion.engine.store.sql_table.publishing import SqlDataset

_FETCHED_ROWS = 20_000


def read(dataset: SqlDataset, names: Sequence[str] | None, *, limit: int | None, lineage: bool) -> pa.Table:
    """See `Storage.read`; rows in the order of their publication."""
    with dataset.connect() as connection:
        table = columns.existing(connection, dataset.table)
        if table is None:
            raise SourceItemMissing(
                f"no table {dataset.table.text}.", hint="publish something first; 'finport runs' tells"
            )
        schema = _schema(table, names, lineage=lineage)
        return pa.Table.from_batches(_batches(connection, table, schema, limit), schema)


def _schema(table: Table, names: Sequence[str] | None, *, lineage: bool) -> pa.Schema:
    shown = [name for name in table.columns if lineage or name not in LINEAGE_COLUMNS]
    for name in names or ():
        if name not in table.columns:
            raise ConfigError(f"table {table.name.text} has no column '{name}'.", hint=f"it has {', '.join(shown)}")
    fields = [table.schema.field(name) for name in (shown if names is None else names)]
    return pa.schema([field.with_type(pa.string()) if field.type == JSON else field for field in fields])


def _batches(
    connection: psycopg.Connection, table: Table, schema: pa.Schema, limit: int | None
) -> Iterator[pa.RecordBatch]:
    chosen = sql.SQL(", ").join(_spelled(table, name) for name in schema.names)
    order = listed([ITEM_COLUMN, *(name for name in LINEAGE_COLUMNS if name in table.columns)])
    query = sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT {}").format(chosen, table.name.rows, order, sql.Literal(limit))
    with closing(connection.cursor(name="finport_read")) as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(_FETCHED_ROWS):
            values = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _spelled(table: Table, name: str) -> sql.Composable:
    column = sql.Identifier(name)
    return sql.SQL("{}::text").format(column) if table.schema.field(name).type == JSON else column
