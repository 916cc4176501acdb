"""A table of H2 in two ranges, read through its JDBC driver by a login that may do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.jdbc import JdbcSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.jdbc_server import JdbcServer
from tests.services.process import free_port


class Table:
    """See the module."""

    def __init__(self, server: JdbcServer) -> None:
        self._server = server
        self._database = server.new_database()
        self._run(
            "CREATE TABLE PRICES (ID INT PRIMARY KEY, CLOSE DECIMAL(18,4))",
            "INSERT INTO PRICES SELECT X, X / 4.0 FROM SYSTEM_RANGE(1, 1000)",
            f"CREATE USER READER PASSWORD '{PLANTED_SECRET}'",
            "GRANT SELECT ON PRICES TO READER",
        )

    def source(self) -> AnySource:
        return self._as()

    def change(self, item: SourceItem) -> None:
        self._run("DELETE FROM PRICES WHERE ID IN (2, 502)")

    def remove(self, item: SourceItem) -> None:
        self._run("DROP TABLE PRICES")

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._as(url=f"jdbc:h2:tcp://127.0.0.1:{free_port()}/./{self._database}")

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._as(secret=f"{PLANTED_SECRET}, mistyped")

    def _as(self, *, url: str | None = None, **fields: Any) -> AnySource:
        options = {
            "protocol": "jdbc",
            "driverClass": self._server.driver_class,
            "url": url or self._server.url(self._database),
            "table": "PRICES",
            "partitions": {"column": "ID", "count": 2},
            "fetchRows": 400,
        }
        extra = {"driver_path": ",".join(self._server.jars)}
        spec = connection("jdbc", **{"login": "READER", "extra": extra, **fields})
        # H2's TLS asks for no host name: its driver knows no verified way.
        return JdbcSource(
            JdbcSource.Options.model_validate(options), access(spec, seconds=60, protection={"allow_plaintext": True})
        )

    def _run(self, *statements: str) -> None:
        self._server.run(self._database, ";\n".join(statements))


def system(request: pytest.FixtureRequest) -> Table:
    """A database of its own."""
    return Table(request.getfixturevalue("h2"))
