"""Columns of a dataset as columns of PostgreSQL: made, added and widened, never dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.store import schemas
from finport_ingestion.engine.store.sql_table.names import (
    ITEM_COLUMN,
    REPLACED_COLUMN,
    SOURCE_COLUMN,
    TableName,
    check_name,
    suffixed,
)

JSON = pa.json_()
"""Nested columns become jsonb; read back, they are its text."""
_ARROW: dict[str, pa.DataType] = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time without time zone": pa.time64("us"),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "text": pa.string(),
    "bytea": pa.binary(),
    "jsonb": JSON,
}
_NUMERIC = re.compile(r"^numeric\((\d+),(\d+)\)$")
_OWN = ((ITEM_COLUMN, "bigint NOT NULL"), (SOURCE_COLUMN, "text NOT NULL"))
_PRECISION_128 = 38


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as it is in the database."""

    name: TableName
    schema: pa.Schema  # of the data and its lineage, without our own columns

    @property
    def columns(self) -> list[str]:
        return list(self.schema.names)


def stored(schema: pa.Schema) -> pa.Schema:
    """The schema in types that PostgreSQL has; a column of which nothing is known yet is left out."""
    fields = [pa.field(field.name, _stored(field.type)) for field in schema if not pa.types.is_null(field.type)]
    for field in fields:
        check_name(field.name, what="column")
    return pa.schema(fields)


def existing(connection: psycopg.Connection, name: TableName) -> Table | None:
    """The table, or None.

    Raises:
        ConfigError: There is one that was not made by us, or a column has a type that we never make.
    """
    found = connection.execute(
        """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """,
        (name.schema, name.table),
    ).fetchall()
    if not found:
        return None
    types: dict[str, str] = dict(found)
    if ITEM_COLUMN not in types:
        raise ConfigError(
            f"table {name.text} exists and is not one of ours.", hint="name another table, or move this one away"
        )
    own = {column for column, _ in _OWN}
    return Table(
        name=name, schema=pa.schema([(each, _arrow(of, name, each)) for each, of in types.items() if each not in own])
    )


def prepared(connection: psycopg.Connection, name: TableName, schema: pa.Schema, *, dataset: str) -> Table:
    """The table with room for rows of `schema`, which `stored` gave; made or altered where it has none.

    Raises:
        ContractBroken: A column's type cannot be widened to hold the new values.
    """
    table = existing(connection, name)
    if table is None:
        return _make(connection, name, schema)
    wanted = schemas.unify([table.schema, schema], dataset=dataset)
    for field in wanted:
        known = table.schema.field(field.name).type if field.name in table.schema.names else None
        if known == field.type:
            continue
        for each in (name.rows, name.history):
            connection.execute(_alteration(each, field, is_new=known is None))
    return Table(name=name, schema=wanted)


def prepare_key(connection: psycopg.Connection, name: TableName, key: tuple[str, ...]) -> None:
    """Make records unique by `key` within their source; an index over another key goes, also when `key` is empty."""
    index = suffixed(name.table, "__finport_key")
    columns = (SOURCE_COLUMN, *key)
    found = connection.execute(
        """
        SELECT array_agg(a.attname::text ORDER BY k.place)
        FROM pg_class i JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_index x ON x.indexrelid = i.oid
        CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
        WHERE n.nspname = %s AND i.relname = %s
        """,
        (name.schema, index),
    ).fetchone()
    present = tuple(found[0]) if found and found[0] else None
    if present == columns or (present is None and not key):
        return
    if present is not None:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name.schema, index)))
    if not key:
        return
    statement = sql.SQL("CREATE UNIQUE INDEX {} ON {} ({})")
    try:
        connection.execute(
            statement.format(sql.Identifier(index), name.rows, sql.SQL(", ").join(map(sql.Identifier, columns)))
        )
    except psycopg.errors.UniqueViolation as error:
        raise ConfigError(
            f"table {name.text} has several rows with one key ({', '.join(key)}), so records cannot be upserted.",
            hint="correct the contract's key, or publish into a new table",
        ) from error


def definition(schema: pa.Schema) -> sql.Composed:
    """Column definitions for CREATE TABLE."""
    columns = (sql.SQL("{} {}").format(sql.Identifier(field.name), _type(field.type)) for field in schema)
    return sql.SQL(", ").join(columns)


def _make(connection: psycopg.Connection, name: TableName, schema: pa.Schema) -> Table:
    own = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(of)) for column, of in _OWN)
    columns = sql.SQL(", ").join(part for part in (definition(schema), own) if part.as_string())
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(name.rows, columns))
    replaced = sql.SQL("{} bigint NOT NULL").format(sql.Identifier(REPLACED_COLUMN))
    connection.execute(sql.SQL("CREATE TABLE {} ({}, {})").format(name.history, columns, replaced))
    for table, column in ((name.rows, ITEM_COLUMN), (name.history, ITEM_COLUMN), (name.history, REPLACED_COLUMN)):
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.Identifier(column)))
    return Table(name=name, schema=schema)


def _alteration(table: sql.Identifier, field: pa.Field, *, is_new: bool) -> sql.Composed:
    column, of = sql.Identifier(field.name), _type(field.type)
    if is_new:
        return sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(table, column, of)
    return sql.SQL("ALTER TABLE {} ALTER COLUMN {} TYPE {} USING {}::{}").format(table, column, of, column, of)


def _stored(of: pa.DataType) -> pa.DataType:
    plain = of.value_type if pa.types.is_dictionary(of) else of
    if pa.types.is_nested(plain):
        return JSON
    if pa.types.is_decimal(plain):
        return _decimal(plain.precision, plain.scale)
    if pa.types.is_timestamp(plain):
        return pa.timestamp("us", tz="UTC" if plain.tz else None)
    if pa.types.is_unsigned_integer(plain):
        return pa.int32() if plain.bit_width < 32 else pa.int64() if plain.bit_width < 64 else _decimal(20, 0)
    return _BY_ID.get(plain.id, plain)


def _decimal(precision: int, scale: int) -> pa.DataType:
    return (pa.decimal128 if precision <= _PRECISION_128 else pa.decimal256)(precision, scale)


_BY_ID = {
    pa.int8().id: pa.int16(),
    pa.float16().id: pa.float32(),
    pa.large_string().id: pa.string(),
    pa.large_binary().id: pa.binary(),
    pa.date64().id: pa.date32(),
    pa.time32("s").id: pa.time64("us"),
    pa.time64("us").id: pa.time64("us"),
}


def _type(of: pa.DataType) -> sql.SQL:
    if pa.types.is_decimal(of):
        return sql.SQL(f"numeric({int(of.precision)},{int(of.scale)})")
    spelled = next((name for name, known in _ARROW.items() if known == of), None)
    if spelled is None:
        raise ConfigError(f"storage 'sql' has no type for {of}.", hint="name the column's type in the contract")
    return sql.SQL(spelled)


def _arrow(spelled: str, name: TableName, column: str) -> pa.DataType:
    if match := _NUMERIC.match(spelled):
        return _decimal(int(match.group(1)), int(match.group(2)))
    if spelled not in _ARROW:
        raise ConfigError(
            f"column '{column}' of table {name.text} is of type {spelled}, which we never make.",
            hint="undo the change of the table, or name another one",
        )
    return _ARROW[spelled]
