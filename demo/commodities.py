"""The database source: `commodity_prices` in the database `market`, loaded once.

```sql
create table commodity_prices (
    id bigint primary key,             -- without gaps: good for partitioned reads
    series text not null, date date not null,
    value numeric,                     -- NULL on holidays
    updated_at timestamptz not null    -- the evening of `date`: good for incremental reads
)
```
The reader may log in and select, nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import psycopg
from psycopg import sql

from demo.market import series_prices
from demo.planted import SERIES
from demo.postgres import PostgresServer

DATABASE: Final = "market"
TABLE: Final = "commodity_prices"
READER: Final = "market_reader"

Row = tuple[int, str, str, str | None, str]


def commodity_rows() -> Iterator[Row]:
    """Rows of the table in its column order: the real ones by date and series, then the planted."""
    prices = series_prices()
    for number, price in enumerate(prices, start=1):
        yield number, price.series, price.date, price.value, f"{price.date}T22:00:00Z"
    # A planted date of 2099 must not carry the incremental reader's watermark there.
    corrected_at = f"{prices[-1].date}T23:00:00Z"
    for number, planted in enumerate(SERIES, start=len(prices) + 1):
        yield number, planted.row.series, planted.row.date, planted.row.value, corrected_at


def load(server: PostgresServer, *, password: str) -> None:
    """Bring database, reader and table to the state above; does nothing when they are in it."""
    rows = list(commodity_rows())
    with server.connect() as connection:
        connection.autocommit = True
        if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    # The fingerprint is written in the transaction of the rows: it is there, or neither is.
    fingerprint = hashlib.sha256(repr((password, rows)).encode()).hexdigest()
    with server.connect(DATABASE) as connection:
        if _fingerprint(connection) != fingerprint:
            _fill(connection, rows=rows, password=password)
            connection.execute(sql.SQL("comment on table commodity_prices is {}").format(sql.Literal(fingerprint)))


def _fingerprint(connection: psycopg.Connection[tuple[Any, ...]]) -> str | None:
    found = connection.execute("select obj_description(to_regclass(%s))", [TABLE]).fetchone()
    return found[0] if found else None


def _fill(connection: psycopg.Connection[tuple[Any, ...]], *, rows: list[Row], password: str) -> None:
    connection.execute("drop table if exists commodity_prices")
    connection.execute(
        "create table commodity_prices (id bigint primary key, series text not null, date date not null,"
        " value numeric, updated_at timestamptz not null)"
    )
    with connection.cursor().copy("copy commodity_prices (id, series, date, value, updated_at) from stdin") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute("create index on commodity_prices (updated_at)")
    reader = sql.Identifier(READER)
    if connection.execute("select 1 from pg_roles where rolname = %s", [READER]).fetchone() is None:
        connection.execute(sql.SQL("create role {} login").format(reader))
    connection.execute(sql.SQL("alter role {} password {}").format(reader, sql.Literal(password)))
    connection.execute(sql.SQL("grant select on commodity_prices to {}").format(reader))
