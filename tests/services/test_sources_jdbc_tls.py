"""PostgreSQL through its JDBC driver: TLS that Java verifies, with a private CA, against the checked address."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import ConfigError, FinportError
from finport_ingestion.engine.sources.jdbc import JdbcSource
from tests.conformance.sources.access import access, connection
from tests.services import postgresql as service
from tests.services.certificates import PrivateCa
from tests.services.jdbc_server import JdbcServer
from tests.services.plugin import StartService
from tests.services.postgresql import PostgresqlServer

VERIFIED = "?sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory"


@pytest.fixture
def postgresql_source(h2: JdbcServer) -> Callable[..., JdbcSource]:
    """Makes sources of a server's catalogue; the jars are those beside H2's."""

    def make(
        server: PostgresqlServer, *, host: str = "127.0.0.1", ca: Path | None, url_end: str = VERIFIED
    ) -> JdbcSource:
        options = {
            "protocol": "jdbc",
            "driverClass": "org.postgresql.Driver",
            "url": f"jdbc:postgresql://{host}:{server.port}/postgres{url_end}",
            "query": "SELECT datname::text AS name, 1.10::numeric(9,2) AS amount FROM pg_database",
        }
        extra = {"driver_path": list(h2.jars)}
        spec = connection("jdbc", login=server.user, secret=server.password, extra=extra)
        protection = {"ca_file": str(ca) if ca else None}
        return JdbcSource(JdbcSource.Options.model_validate(options), access(spec, seconds=60, protection=protection))

    return make


def refused(source: JdbcSource, error: type[FinportError], match: str) -> None:
    with pytest.raises(error, match=match) as raised:
        source.check()
    assert type(raised.value) is error
    assert raised.value.hint


def has_tls(server: PostgresqlServer) -> Path:
    if server.ca_path is None:
        pytest.skip("this PostgreSQL was built without TLS")
    return server.ca_path


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_the_named_authority_is_accepted(
    postgresql: PostgresqlServer, postgresql_source: Callable[..., JdbcSource], host: str
) -> None:
    source = postgresql_source(postgresql, host=host, ca=has_tls(postgresql))
    (item,) = source.discover(None)
    table = pa.Table.from_batches(list(source.read(item)))
    assert "postgres" in table["name"].to_pylist()
    assert table.schema.field("amount").type == pa.decimal128(9, 2)


def test_an_authority_that_nobody_named_is_refused(
    postgresql: PostgresqlServer, postgresql_source: Callable[..., JdbcSource]
) -> None:
    has_tls(postgresql)
    refused(postgresql_source(postgresql, ca=None), ConfigError, "no protected connection")


def test_a_certificate_of_another_name_is_refused(
    own_service: StartService, private_ca: PrivateCa, postgresql_source: Callable[..., JdbcSource]
) -> None:
    certificate = private_ca.issue("other-jdbc", identities=("db.example.com",))
    start: Any = partial(service.start, certificate=certificate)
    other = own_service(dataclasses.replace(service.SERVICE, start=start))
    refused(postgresql_source(other, ca=has_tls(other)), ConfigError, "no protected connection")


def test_a_url_that_does_not_verify_is_refused_before_java_starts(
    postgresql: PostgresqlServer, postgresql_source: Callable[..., JdbcSource]
) -> None:
    source = postgresql_source(postgresql, ca=None, url_end="?sslmode=require")
    refused(source, ConfigError, "would travel without TLS")
