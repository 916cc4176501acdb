"""A PostgreSQL table in three ranges, read by a login that may do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.process import free_port


class Table:
    """See the module."""

    def __init__(self, url: str, *, ca_path: Path | None) -> None:
        self._url = sa.make_url(url)
        self._protection = {"ca_file": str(ca_path)} if ca_path else {"allow_plaintext": True}
        self._reader = f"reader_{self._url.database}"
        self._run(
            "CREATE TABLE prices (id int PRIMARY KEY, close numeric)",
            "INSERT INTO prices SELECT i, i / 4.0 FROM generate_series(1, 3000) i",
            f"CREATE ROLE {self._reader} LOGIN PASSWORD '{PLANTED_SECRET}'",
            f"GRANT SELECT ON prices TO {self._reader}",
        )

    def source(self) -> AnySource:
        return self._as()

    def change(self, item: SourceItem) -> None:
        self._run("DELETE FROM prices WHERE id IN (2, 1002, 2002)")

    def remove(self, item: SourceItem) -> None:
        self._run("DROP TABLE prices")

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._as(port=free_port())

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._as(secret=f"{PLANTED_SECRET}, mistyped")

    def close(self) -> None:
        self._run(f"DROP OWNED BY {self._reader}", f"DROP ROLE {self._reader}")

    def _as(self, **fields: Any) -> AnySource:
        stated = {"host": self._url.host, "port": self._url.port, "schema": self._url.database, "login": self._reader}
        options = {
            "protocol": "sql",
            "table": "prices",
            "partitions": {"column": "id", "count": 3},
            "fetchRows": 400,
        }
        spec = connection("postgres", **{**stated, **fields})
        return SqlSource(SqlSource.Options.model_validate(options), access(spec, protection=self._protection))

    def _run(self, *statements: str) -> None:
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as owner:
            for statement in statements:
                owner.execute(statement)


def system(request: pytest.FixtureRequest) -> Table:
    """A database of its own."""
    url, server = request.getfixturevalue("postgresql_database"), request.getfixturevalue("postgresql")
    table = Table(url, ca_path=server.ca_path)
    request.addfinalizer(table.close)
    return table
