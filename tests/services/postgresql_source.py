"""A database of the session's PostgreSQL, as its owner sees it and as a source does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.database.postgresql import PostgresqlDialect
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import access, connection
from tests.services.postgresql import PostgresqlServer

_LIMITS = ("cursor", "start", "seconds", "protection")


class Database:
    """See the module. `arrow` chooses the driver that rows are read with: that for large results, or for small ones."""

    def __init__(self, url: str, *, ca_path: Path | None) -> None:
        self.url = sa.make_url(url)
        # A server without TLS is read where nothing better is installed.
        self.protection = {"ca_file": str(ca_path)} if ca_path else {"allow_plaintext": True}
        self.arrow = False
        self.server: PostgresqlServer | None = None  # where the test has one of its own

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url.set(drivername="postgresql").render_as_string(hide_password=False)) as owner:
            for statement in statements:
                owner.execute(statement)

    def source(self, *, spec: dict[str, Any] | None = None, **options: Any) -> SqlSource:
        limits = {name: options.pop(name) for name in _LIMITS if name in options}
        fields = {
            "host": self.url.host,
            "port": self.url.port,
            "schema": self.url.database,
            "login": self.url.username,
            "secret": self.url.password,
            **(spec or {}),
        }
        stated = SqlSource.Options.model_validate({"protocol": "sql", **options})
        protection = {**self.protection, **limits.pop("protection", {})}
        source = SqlSource(stated, access(connection("postgres", **fields), protection=protection, **limits))
        source._dialect = PostgresqlDialect(arrow_from_rows=0 if self.arrow else sys.maxsize)
        return source

    def fill(self) -> None:
        """A hundred prices in the schema `market`."""
        self.run(
            "CREATE SCHEMA market",
            'CREATE TABLE market.prices (id bigint PRIMARY KEY, symbol text COLLATE "C" NOT NULL, day date,'
            " close numeric(18,4), value numeric, updated_at timestamptz NOT NULL, local timestamp)",
            "INSERT INTO market.prices SELECT i, 'S' || i % 7, date '2024-01-01' + i, i / 4.0, i / 8.0,"
            " timestamptz '2024-01-01 00:00+00' + i * interval '1 hour',"
            " timestamp '2024-01-01' + i * interval '1 minute' FROM generate_series(1, 100) i",
            "UPDATE market.prices SET day = NULL WHERE id = 50",
        )


def rows(source: SqlSource, items: list[SourceItem]) -> pa.Table:
    return pa.concat_tables(pa.Table.from_batches(list(source.read(item))) for item in items)
