"""MariaDB as a source: exact values, increments, ranges, and the way to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import SourceItem, Watermark
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services import mariadb_server as service
from tests.services.certificates import PrivateCa
from tests.services.mariadb_server import MariadbServer
from tests.services.plugin import StartService
from tests.services.process import free_port

_LIMITS = ("cursor", "start", "seconds", "protection")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database as its owner sees it and as a source does."""

    server: MariadbServer
    name: str

    def run(self, *statements: str) -> None:
        self.server.run(*statements, database=self.name)

    def source(self, *, spec: dict[str, Any] | None = None, **options: Any) -> SqlSource:
        limits = {name: options.pop(name) for name in _LIMITS if name in options}
        fields = {
            "host": self.server.host,
            "port": self.server.port,
            "schema": self.name,
            "login": self.server.user,
            "secret": self.server.password,
            **(spec or {}),
        }
        own_ca = {"ca_file": str(self.server.ca_path)} if self.server.ca_path else {}
        protection = {**own_ca, **limits.pop("protection", {})}
        stated = SqlSource.Options.model_validate({"protocol": "sql", **options})
        return SqlSource(stated, access(connection("mysql", **fields), protection=protection, **limits))


@pytest.fixture
def database(mariadb: MariadbServer, mariadb_database: str) -> Database:
    """A hundred prices."""
    return filled(mariadb, mariadb_database)


@pytest.fixture
def own_server(own_service: StartService) -> Callable[..., Database]:
    """Starts a server for this test alone, with a certificate or without TLS."""

    def start(**how: Any) -> Database:
        server = own_service(dataclasses.replace(service.SERVICE, start=partial(service.start, **how)))
        return filled(server, server.create_database())

    return start


def filled(server: MariadbServer, name: str) -> Database:
    made = Database(server=server, name=name)
    made.run(
        "CREATE TABLE prices (id BIGINT UNSIGNED PRIMARY KEY, symbol VARCHAR(10) NOT NULL, day DATE,"
        " close DECIMAL(18,4), updated_at TIMESTAMP(6) NOT NULL DEFAULT '2020-01-01 00:00:00', local DATETIME(6))",
        "INSERT INTO prices SELECT seq, CONCAT('S', seq % 7), DATE '2024-01-01' + INTERVAL seq DAY, seq / 4,"
        " TIMESTAMP '2024-01-01 03:00:00' + INTERVAL seq HOUR, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq MINUTE"
        " FROM seq_1_to_100",
        "UPDATE prices SET day = NULL WHERE id = 50",
    )
    return made


def rows(source: SqlSource, items: list[SourceItem]) -> pa.Table:
    return pa.concat_tables(pa.Table.from_batches(list(source.read(item))) for item in items)


def content(source: SqlSource) -> pa.Table:
    return rows(source, list(source.discover(None)))


class TestValues:
    def test_every_type_arrives_exactly(self, database: Database) -> None:
        database.run(
            """CREATE TABLE kinds (t1 TINYINT(1), t TINYINT, u BIGINT UNSIGNED, i BIGINT, d DECIMAL(30,10),
            wide DECIMAL(65,30), f FLOAT, g DOUBLE, b BIT(9), c CHAR(5), v VARCHAR(20), x LONGTEXT, da DATE,
            ti TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL, y YEAR, bi BINARY(3), vb VARBINARY(5), bl LONGBLOB,
            e ENUM('buy', 'sell'), s SET('a', 'b'), j JSON, un UUID, ip INET6)""",
            """INSERT INTO kinds VALUES (7, -128, 18446744073709551615, -9223372036854775808,
            12345678901234567890.0123456789, 12345678901234567890123456789012345.012345678901234567890123456789, 1.5,
            0.1, b'100000001', '037', '0378', 'München €', '2024-02-29', '-838:59:58.999999',
            '2024-01-02 03:04:05.678901', '2024-07-02 06:04:05.678901', 2024, x'00ff01', x'00', x'c3', 'sell', 'a,b',
            '{"price": 1.10000000000000000000001}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '::ffff:10.0.0.1')""",
            "INSERT INTO kinds () VALUES ()",
        )
        table = content(database.source(table="kinds"))
        empty, record = table.to_pylist()
        assert set(empty.values()) == {None}
        assert record == {
            "t1": 7,
            "t": -128,
            "u": Decimal(18446744073709551615),
            "i": -9223372036854775808,
            "d": Decimal("12345678901234567890.0123456789"),
            "wide": Decimal("12345678901234567890123456789012345.012345678901234567890123456789"),
            "f": 1.5,
            "g": 0.1,
            "b": b"\x01\x01",
            "c": "037",
            "v": "0378",
            "x": "München €",
            "da": date(2024, 2, 29),
            "ti": "-838:59:58.999999",
            "dt": datetime(2024, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001
            # Written where it was six o'clock: the server's zone is three hours east.
            "ts": datetime(2024, 7, 2, 3, 4, 5, 678901, tzinfo=UTC),
            "y": 2024,
            "bi": b"\x00\xff\x01",
            "vb": b"\x00",
            "bl": b"\xc3",
            "e": "sell",
            "s": "a,b",
            "j": '{"price": 1.10000000000000000000001}',
            "un": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "ip": "::ffff:10.0.0.1",
        }
        types = {field.name: field.type for field in table.schema}
        assert types["u"] == pa.decimal128(20, 0)
        assert types["wide"] == pa.decimal256(65, 30)
        assert types["ts"] == pa.timestamp("us", "UTC")

    @pytest.mark.parametrize(
        ("kind", "value"), [("DATE", "0000-00-00"), ("DATE", "2024-00-15"), ("DATETIME", "0000-00-00 00:00:00")]
    )
    def test_a_date_that_is_none_is_refused_and_named(self, database: Database, kind: str, value: str) -> None:
        connected = database.server.connect(database.name)
        with connected, connected.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = ''")
            cursor.execute(f"CREATE TABLE odd (id INT PRIMARY KEY, v {kind})")
            cursor.execute(f"INSERT INTO odd VALUES (1, NULL), (2, '{value}')")
        with pytest.raises(FormatError, match="odd, column 'v', row 2: the value is no"):
            content(database.source(table="odd"))

    def test_a_large_table_is_read_through_a_cursor(self, database: Database) -> None:
        database.run("CREATE TABLE wide AS SELECT seq AS id, REPEAT('x', 1000) AS t FROM seq_1_to_20000")
        source = database.source(table="wide", fetchRows=1000)
        (item,) = source.discover(None)
        batches = source.read(item)
        assert next(batches).num_rows == 1000
        assert sum(batch.num_rows for batch in batches) == 19_000


class TestListing:
    @pytest.mark.parametrize("column", ["id", "day", "close", "updated_at", "local"])
    def test_ranges_hold_every_row_once(self, database: Database, column: str) -> None:
        source = database.source(table="prices", partitions={"column": column, "count": 4})
        items = list(source.discover(None))
        assert [item.record_count for item in items] == [rows(source, [item]).num_rows for item in items]
        assert sorted(rows(source, items)["id"].to_pylist()) == list(range(1, 101))

    @pytest.mark.parametrize(
        ("cursor", "mark", "expected"),
        [
            ("id", Watermark(field="id", value="98", type="decimal(20,0)"), [98, 99, 100]),
            (
                "updated_at",
                Watermark(field="updated_at", value="2024-01-05T03:00:00Z", type="timestamp(UTC)"),
                [99, 100],
            ),
            ("local", Watermark(field="local", value="2024-01-01T01:39:00", type="timestamp"), [99, 100]),
        ],
    )
    def test_an_increment_holds_what_stands_at_and_behind_the_mark(
        self, database: Database, cursor: str, mark: Watermark, expected: list[int]
    ) -> None:
        source = database.source(table="prices", cursor=cursor)
        (item,) = source.discover(mark)
        assert item.record_count == len(expected)
        assert rows(source, [item])["id"].to_pylist() == expected

    def test_reading_is_a_picture_without_what_comes_later(self, database: Database) -> None:
        database.run("CREATE TABLE wide AS SELECT seq AS id, REPEAT('x', 1000) AS t FROM seq_1_to_5000")
        source = database.source(table="wide", fetchRows=100)
        (item,) = source.discover(None)
        batches = source.read(item)
        first = next(batches)
        database.run("DELETE FROM wide WHERE id > 10", "INSERT INTO wide VALUES (0, 'late')")
        assert pa.Table.from_batches([first, *batches])["id"].to_pylist() == list(range(1, 5001))

    def test_names_are_never_pasted_into_sql(self, database: Database) -> None:
        database.run("CREATE TABLE `odd`` name` (`select` BIGINT, `per %s cent` TEXT, `a:b` TEXT)")
        source = database.source(table="odd` name", partitions={"column": "select"})
        (item,) = source.discover(None)
        assert [batch.schema.names for batch in source.read(item)] == [["select", "per %s cent", "a:b"]]


class TestWay:
    def refused(self, source: SqlSource, error: type[FinportError], match: str) -> None:
        for use in (source.check, lambda: list(source.discover(None))):
            with pytest.raises(error, match=match) as raised:
                use()
            assert type(raised.value) is error
            assert raised.value.message.startswith("prices: ")
            assert raised.value.hint

    def test_check_says_how_it_is_protected(self, database: Database) -> None:
        assert database.source(table="prices").check() == "prices: prices has 6 columns, read over TLSv1.3."

    def test_an_address_that_is_not_public_is_refused(self, database: Database) -> None:
        source = database.source(table="prices", protection={"allow_private_network": False})
        self.refused(source, AddressRefused, r"127\.0\.0\.1")

    def test_a_socket_of_this_machine_is_refused_too(self, database: Database) -> None:
        strict = {"allow_private_network": False}
        source = database.source(table="prices", spec={"host": "/run/mysqld/mysqld.sock"}, protection=strict)
        self.refused(source, AddressRefused, "socket of this machine")

    def test_a_connection_cannot_weaken_it(self, database: Database) -> None:
        self.refused(
            database.source(table="prices", spec={"extra": {"ssl_disabled": True}}), ConfigError, "holds 'ssl_disabled'"
        )

    def test_a_server_without_tls_needs_the_documents_word(self, own_server: Callable[..., Database]) -> None:
        plain = own_server(tls=False)
        self.refused(plain.source(table="prices"), ConfigError, r"would travel without TLS\..*security\.allowPlaintext")
        source = plain.source(table="prices", protection={"allow_plaintext": True})
        assert source.check().endswith("read without TLS.")
        assert content(source).num_rows == 100

    def test_a_certificate_of_another_name_is_refused(
        self, own_server: Callable[..., Database], private_ca: PrivateCa
    ) -> None:
        other = own_server(certificate=private_ca.issue("other-db", identities=("db.example.com",)))
        source = other.source(table="prices", protection={"allow_plaintext": True})
        self.refused(source, ConfigError, "no protected connection")

    def test_an_expired_certificate_is_refused(
        self, own_server: Callable[..., Database], private_ca: PrivateCa
    ) -> None:
        past = datetime.now(UTC) - timedelta(days=1)
        expired = private_ca.issue("expired-db", not_before=past - timedelta(days=1), not_after=past)
        self.refused(own_server(certificate=expired).source(table="prices"), ConfigError, "no protected connection")

    def test_wrong_and_revoked_logins_are_denied(self, database: Database) -> None:
        self.refused(database.source(table="prices", spec={"secret": "wrong"}), AccessDenied, "the login is refused")
        login = f"r_{database.name}"[:30]
        database.run(
            f"CREATE USER {login}@'127.0.0.1' IDENTIFIED BY '{PLANTED_SECRET}'",
            f"GRANT SELECT ON {database.name}.* TO {login}@'127.0.0.1'",
        )
        reader = database.source(table="prices", spec={"login": login, "secret": PLANTED_SECRET})
        assert content(reader).num_rows == 100
        database.run(f"ALTER USER {login}@'127.0.0.1' ACCOUNT LOCK")
        self.refused(reader, AccessDenied, "error 4151 of the database: the login is refused")

    def test_a_server_that_is_not_there_can_be_tried_again(self, database: Database) -> None:
        self.refused(database.source(table="prices", spec={"port": free_port()}), SourceUnavailable, "be reached")

    def test_a_missing_table_names_the_nearest(self, database: Database) -> None:
        self.refused(database.source(table="price"), SourceItemMissing, "did you mean 'prices'")

    def test_a_server_that_is_killed_ends_the_reading_with_an_error(self, own_server: Callable[..., Database]) -> None:
        doomed = own_server()
        doomed.run("CREATE TABLE wide AS SELECT seq AS id, REPEAT('x', 1000) AS t FROM seq_1_to_50000")
        source = doomed.source(table="wide", fetchRows=1000)
        (item,) = source.discover(None)
        batches = source.read(item)
        next(batches)
        doomed.server.process.kill()
        with pytest.raises(SourceUnavailable, match="prices: wide"):
            list(batches)

    def test_a_statement_ends_at_the_deadline(self, database: Database) -> None:
        database.run("CREATE VIEW slow AS SELECT SLEEP(10) AS s FROM prices")
        with pytest.raises(DeadlineExceeded):
            list(database.source(table="slow", seconds=1.5).read(SourceItem(id="slow")))
