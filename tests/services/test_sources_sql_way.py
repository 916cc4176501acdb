"""The way to PostgreSQL: which addresses, which TLS, which login, and what breaks in the middle of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    FinportError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.sql import SqlSource
from tests.services import postgresql as service
from tests.services.certificates import PrivateCa
from tests.services.plugin import StartService
from tests.services.postgresql import PostgresqlServer
from tests.services.postgresql_source import Database, rows
from tests.services.process import free_port

MANY = "CREATE TABLE wide AS SELECT i AS id, repeat('x', 1000) AS t FROM generate_series(1, 50000) i"


@pytest.fixture
def database(postgresql_database: str, postgresql: PostgresqlServer) -> Database:
    """A hundred prices in the schema `market`."""
    made = Database(postgresql_database, ca_path=postgresql.ca_path)
    made.fill()
    return made


@pytest.fixture
def own_server(own_service: StartService, private_ca: PrivateCa) -> Callable[..., Database]:
    """Starts a server for this test alone, with a certificate or without TLS."""

    def start(**how: Any) -> Database:
        server = own_service(dataclasses.replace(service.SERVICE, start=partial(service.start, **how)))
        made = Database(server.url(), ca_path=private_ca.ca_path)
        made.fill()
        made.server = server
        return made

    return start


def refused(source: SqlSource, error: type[FinportError], match: str) -> None:
    """Each use of the source raises exactly that."""
    uses: list[Callable[[], object]] = [
        source.check,
        lambda: list(source.discover(None)),
        lambda: list(source.read(SourceItem(id="market.prices"))),
    ]
    for use in uses:
        with pytest.raises(error, match=match) as raised:
            use()
        assert type(raised.value) is error
        assert raised.value.message.startswith("prices: ")
        assert raised.value.hint


class TestAddress:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "10.1.2.3", "169.254.169.254"])
    def test_an_address_that_is_not_public_is_refused_before_anything_is_sent(
        self, database: Database, host: str
    ) -> None:
        strict = {"allow_private_network": False}
        refused(database.source(table="market.prices", spec={"host": host}, protection=strict), AddressRefused, host)

    def test_a_socket_of_this_machine_is_refused_too(self, database: Database) -> None:
        source = database.source(
            table="market.prices", spec={"host": "/run/postgresql"}, protection={"allow_private_network": False}
        )
        refused(source, AddressRefused, "is a socket of this machine")

    def test_several_hosts_are_refused(self, database: Database) -> None:
        refused(
            database.source(table="market.prices", spec={"host": "127.0.0.1,10.0.0.1"}), ConfigError, "several hosts"
        )

    def test_a_proxy_is_refused_and_not_passed_by(self, database: Database) -> None:
        source = database.source(table="market.prices", protection={"proxy": f"http://127.0.0.1:{free_port()}"})
        refused(source, ConfigError, "not reached through an HTTP proxy")

    def test_an_unknown_name_can_be_tried_again(self, database: Database) -> None:
        source = database.source(table="market.prices", spec={"host": "no-such-host.invalid"})
        refused(source, SourceUnavailable, "'no-such-host.invalid' is not found")


class TestTls:
    @pytest.mark.parametrize("key", ["sslmode", "sslrootcert", "ssl_min_protocol_version", "hostaddr", "options"])
    def test_a_connection_cannot_weaken_it(self, database: Database, key: str) -> None:
        source = database.source(table="market.prices", spec={"extra": {key: "disable"}})
        refused(source, ConfigError, f"the connection's extra holds '{key}'")

    @pytest.mark.parametrize("arrow", [False, True])
    def test_a_server_without_it_needs_the_documents_word(
        self, own_server: Callable[..., Database], arrow: bool
    ) -> None:
        plain = own_server(tls=False)
        refused(
            plain.source(table="market.prices"),
            ConfigError,
            r"would travel without TLS\. Fix: switch 'ssl' on at the server; or state security\.allowPlaintext",
        )
        plain.arrow = arrow
        source = plain.source(table="market.prices", protection={"allow_plaintext": True})
        assert source.check().endswith("read without TLS.")
        assert rows(source, list(source.discover(None))).num_rows == 100

    def test_plaintext_that_is_allowed_is_not_taken_where_there_is_tls(self, database: Database) -> None:
        source = database.source(table="market.prices", protection={"allow_plaintext": True})
        assert source.check().endswith("read over TLS.")

    def test_a_certificate_of_another_name_is_refused(
        self, own_server: Callable[..., Database], private_ca: PrivateCa
    ) -> None:
        other = own_server(certificate=private_ca.issue("other", identities=("db.example.com",)))
        refused(
            other.source(table="market.prices", protection={"allow_plaintext": True}),
            ConfigError,
            "no protected connection: server certificate .* does not match host name",
        )

    def test_an_expired_certificate_is_refused(
        self, own_server: Callable[..., Database], private_ca: PrivateCa
    ) -> None:
        past = datetime.now(UTC) - timedelta(days=1)
        expired = private_ca.issue("expired", not_before=past - timedelta(days=1), not_after=past)
        source = own_server(certificate=expired).source(table="market.prices")
        refused(source, ConfigError, "no protected connection: .*certificate verify failed")

    def test_an_older_version_needs_the_documents_word(self, own_server: Callable[..., Database]) -> None:
        old = own_server(newest_tls="TLSv1.2")
        refused(old.source(table="market.prices"), ConfigError, "no protected connection")
        old.arrow = True
        source = old.source(table="market.prices", protection={"min_tls": "1.2"})
        assert rows(source, list(source.discover(None))).num_rows == 100

    def test_an_authority_that_nobody_named_is_refused(self, database: Database) -> None:
        source = database.source(table="market.prices", protection={"ca_file": None})
        refused(source, ConfigError, "no protected connection: .*certificate verify failed")

    def test_a_file_of_authorities_that_is_not_there_is_named(self, database: Database) -> None:
        source = database.source(table="market.prices", protection={"ca_file": "/nowhere/ca.pem"})
        refused(source, ConfigError, r"ca_file /nowhere/ca\.pem cannot be used")


class TestBadDays:
    @pytest.fixture(autouse=True, params=["psycopg", "ADBC"])
    def _driver(self, database: Database, request: pytest.FixtureRequest) -> None:
        database.arrow = request.param == "ADBC"

    def test_a_revoked_login_is_denied(self, database: Database) -> None:
        name = f"reader_{database.url.database}"
        database.run(f"CREATE ROLE {name} NOLOGIN PASSWORD 'Pl4nted'")
        try:
            source = database.source(table="market.prices", spec={"login": name, "secret": "Pl4nted"})
            refused(source, AccessDenied, "the login is refused: role .* is not permitted to log in")
        finally:
            database.run(f"DROP ROLE {name}")

    def test_a_server_that_is_killed_ends_the_reading_with_an_error(
        self, own_server: Callable[..., Database], database: Database
    ) -> None:
        doomed = own_server()
        doomed.arrow = database.arrow
        doomed.run(MANY)
        source = doomed.source(table="wide", fetchRows=1000)
        (item,) = source.discover(None)
        batches = source.read(item)
        next(batches)
        assert doomed.server
        doomed.server.process.kill()
        with pytest.raises(SourceUnavailable, match="prices: wide"):
            list(batches)

    def test_a_table_that_is_dropped_after_the_listing_is_missing(self, database: Database) -> None:
        source = database.source(table="market.prices")
        (item,) = source.discover(None)
        database.run("DROP TABLE market.prices")
        with pytest.raises(SourceItemMissing, match="no table or view"):
            list(source.read(item))

    def test_both_drivers_see_one_picture(self, database: Database) -> None:
        database.run(MANY)
        source = database.source(table="wide", fetchRows=100)
        (item,) = source.discover(None)
        batches = source.read(item)
        first = next(batches)
        database.run("DELETE FROM wide WHERE id > 10", "INSERT INTO wide VALUES (0, 'late')")
        assert pa.Table.from_batches([first, *batches])["id"].to_pylist() == list(range(1, 50_001))


class Watchman:
    """A gate that lets everybody through and writes down how it went."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def admitted_now(self, endpoint: str | None = None) -> bool:
        return True

    def admit(self, deadline: Deadline, endpoint: str | None = None) -> None:
        self.seen.append("admitted")

    def report(self, answer: Answer) -> None:
        self.seen.append(answer.outcome)


class TestGate:
    def watched(self, source: SqlSource) -> Watchman:
        gate = Watchman()
        source._access = dataclasses.replace(source._access, gate=gate)
        return gate

    def test_every_session_passes_it_and_reports_once(self, database: Database) -> None:
        database.arrow = True
        source = database.source(table="market.prices")
        gate = self.watched(source)
        (item,) = source.discover(None)
        assert gate.seen == ["admitted", "good"]
        list(source.read(item))
        # The second session is that of the driver for large results.
        assert gate.seen == ["admitted", "good"] * 3

    @pytest.mark.parametrize(
        ("spec", "outcome"), [({"port": free_port()}, "failed"), ({"secret": "wrong"}, "good"), ({"port": 0}, "good")]
    )
    def test_a_refused_login_is_an_answer_and_silence_is_none(
        self, database: Database, spec: dict[str, Any], outcome: str
    ) -> None:
        source = database.source(table="market.prices", spec={**spec, "port": spec.get("port") or database.url.port})
        gate = self.watched(source)
        with contextlib.suppress(FinportError):
            source.check()
        assert gate.seen == ["admitted", outcome]

    def test_an_address_that_is_refused_is_not_sent_to(self, database: Database) -> None:
        source = database.source(table="market.prices", protection={"allow_private_network": False})
        gate = self.watched(source)
        with pytest.raises(AddressRefused):
            source.check()
        assert gate.seen == []
