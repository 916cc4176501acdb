"""A collection of FerretDB over TLS, whose documents differ."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.mongodb import MongodbSource
from tests.conformance.sources.access import access, connection
from tests.conformance.sources.system import AnySource
from tests.services.ferretdb_server import FerretdbServer
from tests.services.process import free_port


class Documents:
    """See the module."""

    def __init__(self, server: FerretdbServer) -> None:
        self._server = server
        self._database = f"test_{secrets.token_hex(6)}"
        prices = [{"_id": i, "close": i / 4, **({"venue": "XNYS"} if i % 7 else {"note": [i]})} for i in range(500)]
        with server.client() as client:
            client[self._database]["prices"].insert_many(prices)

    def source(self) -> AnySource:
        return self._as(auth_mechanism="PLAIN")

    def change(self, item: SourceItem) -> None:
        with self._server.client() as client:
            client[self._database]["prices"].delete_many({"_id": {"$gte": 400}})

    def remove(self, item: SourceItem) -> None:
        with self._server.client() as client:
            client[self._database].drop_collection("prices")

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._as(port=free_port())

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        # It knows no SCRAM, and says so as a server does that does not know the login.
        yield self._as(auth_mechanism="SCRAM-SHA-256")

    def close(self) -> None:
        with self._server.client() as client:
            client.drop_database(self._database)

    def _as(self, *, port: int | None = None, **extra: Any) -> AnySource:
        spec = connection(
            "mongo",
            host="127.0.0.1",
            port=port or self._server.tls_port,
            login="finport",
            schema=self._database,
            extra={"ca_file": str(self._server.ca_path), **extra},
        )
        options = {"protocol": "mongodb", "collection": "prices", "fetchRows": 100}
        return MongodbSource(MongodbSource.Options.model_validate(options), access(spec))


def system(request: pytest.FixtureRequest) -> Documents:
    """A database of its own."""
    documents = Documents(request.getfixturevalue("ferretdb"))
    request.addfinalizer(documents.close)
    return documents
