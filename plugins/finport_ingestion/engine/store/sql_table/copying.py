"""Arrow batches into a staging table by COPY, exactly, a batch in memory at a time.

CSV as Arrow writes it is what PostgreSQL reads: every value quoted, null not, so that an empty text stays one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql

from finport_ingestion.engine.store.parts import fitted
from finport_ingestion.engine.store.sql_table.columns import JSON, definition
from finport_ingestion.engine.store.sql_table.names import listed

STAGING = sql.Identifier("finport_staging")
NUMBER_COLUMN = "_finport_number"
"""Of the row's item in the manifest."""
ORDER_COLUMN = "_finport_order"
"""In which the rows came."""
_OPTIONS = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")


def make_staging(connection: psycopg.Connection, schema: pa.Schema) -> None:
    """A table that only this transaction sees, for rows of `schema`."""
    columns = definition(schema)
    own = sql.SQL("{} integer NOT NULL, {} bigint GENERATED ALWAYS AS IDENTITY").format(
        sql.Identifier(NUMBER_COLUMN), sql.Identifier(ORDER_COLUMN)
    )
    both = sql.SQL(", ").join(part for part in (columns, own) if part.as_string())
    connection.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(STAGING, both))


def copy(connection: psycopg.Connection, batches: Iterable[pa.RecordBatch], *, schema: pa.Schema, number: int) -> None:
    """Add the rows of item `number` to the staging table."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(STAGING, listed([*schema.names, NUMBER_COLUMN]))
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for batch in batches:
            stream.write(_csv(batch, schema, number))


def _csv(batch: pa.RecordBatch, schema: pa.Schema, number: int) -> bytes:
    nested = [field.name for field in schema if field.type == JSON]
    plain = pa.schema([field for field in schema if field.type != JSON])
    typed = fitted(batch, plain)
    columns = {field.name: _text(typed.column(field.name)) for field in plain}
    columns |= {name: pa.array(_json(batch.column(name)), pa.string()) for name in nested}
    columns[NUMBER_COLUMN] = pa.array([number] * batch.num_rows, pa.int32())
    table = pa.table({name: columns[name] for name in (*schema.names, NUMBER_COLUMN)})
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink, _OPTIONS)
    return sink.getvalue()


def _text(column: pa.Array) -> pa.Array:
    """A column that Arrow's CSV writer spells as PostgreSQL reads it."""
    if pa.types.is_binary(column.type):
        values = ("\\x" + value.hex() if value is not None else None for value in column.to_pylist())
        return pa.array(values, pa.string())
    if pa.types.is_decimal(column.type) or pa.types.is_temporal(column.type):
        return column.cast(pa.string())
    return column


def _json(column: pa.Array) -> Iterable[str | None]:
    for value in column.to_pylist():
        yield None if value is None else orjson.dumps(_exact(value), default=str).decode()


def _exact(value: Any) -> Any:
    """`value` with decimals that become JSON numbers of the same digits, and bytes as hexadecimal text."""
    if isinstance(value, dict):
        return {str(key): _exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}")
    return value.hex() if isinstance(value, bytes) else value
