"""H2 and HSQLDB through their JDBC drivers: exact values, increments, and every way to fail.

Each use of a source is a process with a Java machine, so a test makes few.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, time
from decimal import Decimal
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
from finport_ingestion.engine.sources.jdbc import JdbcSource
from tests.conformance.sources.access import access, connection
from tests.services import jdbc_server as service
from tests.services.jdbc_server import PASSWORD, JdbcServer
from tests.services.plugin import StartService
from tests.services.process import free_port

_LIMITS = ("cursor", "seconds", "protection")
FILL = """
CREATE TABLE PRICES (ID INT PRIMARY KEY, AT TIMESTAMP(6) NOT NULL, CLOSE DECIMAL(18,4));
INSERT INTO PRICES SELECT X, TIMESTAMP '2024-01-01 00:00:00' + X * INTERVAL '1' HOUR, X / 4.0 FROM SYSTEM_RANGE(1, 100);
CREATE USER READER PASSWORD 'reader';
GRANT SELECT ON PRICES TO READER;
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database as its owner sees it and as a source does."""

    server: JdbcServer
    name: str

    def run(self, script: str) -> None:
        self.server.run(self.name, script)

    def source(self, *, spec: dict[str, Any] | None = None, **options: Any) -> JdbcSource:
        limits = {name: options.pop(name) for name in _LIMITS if name in options}
        fields = {
            "login": self.server.login,
            "secret": PASSWORD,
            "extra": {"driver_path": list(self.server.jars)},
            **(spec or {}),
        }
        stated = {"protocol": "jdbc", "driverClass": self.server.driver_class, "url": self.server.url(self.name)}
        protection = {"allow_plaintext": True, **limits.pop("protection", {})}
        return JdbcSource(
            JdbcSource.Options.model_validate({**stated, **options}),
            access(connection("jdbc", **fields), protection=protection, **{"seconds": 60, **limits}),
        )


@pytest.fixture
def database(h2: JdbcServer) -> Database:
    """A database of H2 that only this test uses."""
    return Database(server=h2, name=h2.new_database())


@pytest.fixture
def hsqldb(own_service: StartService) -> Database:
    """The database of an HSQLDB for this test alone."""
    server = own_service(dataclasses.replace(service.SERVICE, start=service.start_hsqldb))
    return Database(server=server, name="db")


def rows(source: JdbcSource, items: list[SourceItem]) -> pa.Table:
    return pa.concat_tables(pa.Table.from_batches(list(source.read(item))) for item in items)


def content(source: JdbcSource) -> pa.Table:
    return rows(source, list(source.discover(None)))


class TestValues:
    def test_every_type_of_h2_arrives_exactly(self, database: Database) -> None:
        database.run(
            """CREATE TABLE KINDS (ID INT PRIMARY KEY, I BIGINT, D DECIMAL(30,10), WIDE DECIMAL(60,20), FREE DECFLOAT,
            F REAL, G DOUBLE PRECISION, B BOOLEAN, V VARCHAR(20), C CHAR(5), X CLOB, DA DATE, TI TIME(6), TN TIME(9),
            TS TIMESTAMP(6), TF TIMESTAMP(9), TZ TIMESTAMP(6) WITH TIME ZONE, BI VARBINARY(5), BL BLOB, U UUID, J JSON,
            A INT ARRAY, E ENUM('buy', 'sell'));
            INSERT INTO KINDS VALUES (1, -9223372036854775808, 12345678901234567890.0123456789,
            1234567890123456789012345678901234567890.12345678901234567890, 0.1000, 1.1, 0.1, TRUE, '037833100', 'ab',
            'München €', DATE '2024-02-29', TIME '23:59:59.999999', TIME '12:30:00.123456789',
            TIMESTAMP '2024-03-31 02:30:00', TIMESTAMP '2024-01-02 03:04:05.123456789',
            TIMESTAMP WITH TIME ZONE '2024-07-02 05:04:05.678901+02:00', X'00FF', X'C3',
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', JSON '{"price": 1.10}', ARRAY[1, NULL], 'sell');
            INSERT INTO KINDS (ID) VALUES (2);"""
        )
        table = content(database.source(table="KINDS"))
        record, empty = table.to_pylist()
        assert {value for name, value in empty.items() if name != "ID"} == {None}
        nanoseconds = {name: record.pop(name) for name in ("TF", "TN")}
        assert nanoseconds["TF"].value == 1_704_164_645_123_456_789
        assert table["TN"].cast(pa.int64()).to_pylist()[0] == 45_000_123_456_789
        assert record == {
            "ID": 1,
            "I": -9223372036854775808,
            "D": Decimal("12345678901234567890.0123456789"),
            "WIDE": Decimal("1234567890123456789012345678901234567890.12345678901234567890"),
            "FREE": Decimal("0.1000"),
            "F": 1.1,
            "G": 0.1,
            "B": True,
            "V": "037833100",
            "C": "ab   ",
            "X": "München €",
            "DA": date(2024, 2, 29),
            "TI": time(23, 59, 59, 999999),
            # In a zone with summer time this moment does not exist.
            "TS": datetime(2024, 3, 31, 2, 30),  # noqa: DTZ001
            "TZ": datetime(2024, 7, 2, 3, 4, 5, 678901, tzinfo=UTC),
            "BI": b"\x00\xff",
            "BL": b"\xc3",
            "U": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "J": '{"price":1.10}',
            "A": "[1, null]",
            "E": "sell",
        }
        types = {field.name: field.type for field in table.schema}
        assert types["D"] == pa.decimal128(30, 10)
        assert types["WIDE"] == pa.decimal256(60, 20)
        assert types["TZ"] == pa.timestamp("us", "UTC")

    def test_every_type_of_hsqldb_arrives_exactly(self, hsqldb: Database) -> None:
        hsqldb.run(
            """CREATE TABLE KINDS (ID INT PRIMARY KEY, I BIGINT, D DECIMAL(30,10), G DOUBLE, B BOOLEAN, V VARCHAR(20),
            X CLOB, DA DATE, TI TIME(6), TS TIMESTAMP(6), TZ TIMESTAMP(6) WITH TIME ZONE, BI VARBINARY(5), BL BLOB,
            U UUID);
            INSERT INTO KINDS VALUES (1, 9223372036854775807, 12345678901234567890.0123456789, 0.1, TRUE, '0378',
            'München €', DATE '2024-02-29', TIME '23:59:59.999999', TIMESTAMP '2024-01-02 03:04:05.678901',
            TIMESTAMP '2024-07-02 05:04:05.678901+2:00', X'00FF', X'C3', UUID('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'));
            INSERT INTO KINDS (ID) VALUES (2);"""
        )
        record, empty = content(hsqldb.source(table="KINDS")).to_pylist()
        assert {value for name, value in empty.items() if name != "ID"} == {None}
        assert record == {
            "ID": 1,
            "I": 9223372036854775807,
            "D": Decimal("12345678901234567890.0123456789"),
            "G": 0.1,
            "B": True,
            "V": "0378",
            "X": "München €",
            "DA": date(2024, 2, 29),
            "TI": time(23, 59, 59, 999999),
            "TS": datetime(2024, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001
            "TZ": datetime(2024, 7, 2, 3, 4, 5, 678901, tzinfo=UTC),
            "BI": b"\x00\xff",
            "BL": b"\xc3",
            "U": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        }

    def test_a_value_that_no_type_can_hold_is_refused_and_named(self, database: Database) -> None:
        database.run("CREATE TABLE ODD (V DATE); INSERT INTO ODD VALUES (NULL), (DATE '-0044-03-15')")
        with pytest.raises(FormatError, match="prices: ODD, column 'V', row 2: the value is no date"):
            list(database.source(table="ODD").read(SourceItem(id="ODD")))

    def test_rows_of_many_blocks_come_whole_and_in_batches_as_asked(self, database: Database) -> None:
        database.run("CREATE TABLE WIDE AS SELECT X AS ID, 'ä' || X AS T FROM SYSTEM_RANGE(1, 50001)")
        source = database.source(table="WIDE", fetchRows=15_000)
        batches = list(source.read(SourceItem(id="WIDE")))
        assert max(batch.num_rows for batch in batches) <= 15_000
        table = pa.Table.from_batches(batches)
        assert table["ID"].to_pylist() == list(range(1, 50_002))
        assert table["T"][-1].as_py() == "ä50001"

    def test_wide_rows_need_no_more_memory_than_narrow_ones(self, database: Database) -> None:
        database.run("CREATE TABLE WIDE AS SELECT X AS ID, REPEAT('x', 10000) AS T FROM SYSTEM_RANGE(1, 10000)")
        source = database.source(table="WIDE", memoryBytes=64 << 20)
        assert sum(batch.num_rows for batch in source.read(SourceItem(id="WIDE"))) == 10_000


class TestListing:
    def test_ranges_hold_every_row_once(self, database: Database) -> None:
        database.run(FILL)
        source = database.source(table="PRICES", partitions={"column": "AT", "count": 3})
        items = list(source.discover(None))
        assert sum(item.record_count or 0 for item in items) == 100
        assert sorted(rows(source, items)["ID"].to_pylist()) == list(range(1, 101))

    @pytest.mark.parametrize(
        ("cursor", "mark"),
        [
            ("ID", Watermark(field="ID", value="98", type="integer")),
            ("AT", Watermark(field="AT", value="2024-01-05T02:00:00", type="timestamp")),
            ("CLOSE", Watermark(field="CLOSE", value="24.50", type="decimal(18,4)")),
        ],
    )
    def test_an_increment_holds_what_stands_at_and_behind_the_mark(
        self, database: Database, cursor: str, mark: Watermark
    ) -> None:
        database.run(FILL)
        source = database.source(query="SELECT ID, AT, CLOSE FROM PRICES", cursor=cursor)
        (item,) = source.discover(mark)
        assert rows(source, [item])["ID"].to_pylist() == [98, 99, 100]

    def test_hsqldb_lists_and_reads_ranges_too(self, hsqldb: Database) -> None:
        values = ", ".join(f"({number}, {number}.25)" for number in range(1, 21))
        hsqldb.run(f"CREATE TABLE PRICES (ID INT PRIMARY KEY, CLOSE DECIMAL(9,2)); INSERT INTO PRICES VALUES {values}")
        source = hsqldb.source(table="PUBLIC.PRICES", cursor="ID", partitions={"column": "CLOSE", "count": 2})
        items = list(source.discover(Watermark(field="ID", value="11", type="integer")))
        assert [item.record_count for item in items] == [5, 5]
        assert rows(source, items)["ID"].to_pylist() == list(range(11, 21))

    def test_names_are_never_pasted_into_sql(self, database: Database) -> None:
        database.run('CREATE TABLE "Odd"" name" ("select" BIGINT, "per %s cent?" VARCHAR, "a:b" VARCHAR)')
        (batch,) = database.source(table='Odd" name').read(SourceItem(id="x"))
        assert batch.schema.names == ["select", "per %s cent?", "a:b"]


class TestFailures:
    def refused(self, source: JdbcSource, error: type[FinportError], match: str) -> None:
        with pytest.raises(error, match=match) as raised:
            source.check()
        assert type(raised.value) is error
        assert raised.value.message.startswith("prices: ")
        assert raised.value.hint
        assert PASSWORD not in str(raised.value)

    def test_check_says_what_answered(self, database: Database) -> None:
        database.run(FILL)
        source = database.source(table="PRICES", spec={"login": "READER", "secret": "reader"})
        assert source.check() == "prices: PRICES has 3 columns, read from H2 2."

    def test_an_address_that_is_not_public_is_refused_before_java_starts(self, database: Database) -> None:
        source = database.source(table="PRICES", protection={"allow_private_network": False})
        self.refused(source, AddressRefused, r"127\.0\.0\.1")

    def test_plaintext_needs_the_documents_word(self, database: Database) -> None:
        source = database.source(table="PRICES", protection={"allow_plaintext": False})
        self.refused(source, ConfigError, "would travel without TLS")

    def test_a_name_resolves_to_what_was_checked_and_to_nothing_else(self, database: Database) -> None:
        database.run(FILL)
        url = database.server.url(database.name)
        named = database.source(table="PRICES", url=url.replace("127.0.0.1", "localhost"))
        assert named.check().endswith("read from H2 2.")

    def test_wrong_and_revoked_logins_are_denied(self, database: Database) -> None:
        database.run(FILL)
        reader = {"login": "READER", "secret": "reader"}
        self.refused(database.source(table="PRICES", spec={"secret": "wrong"}), AccessDenied, "the login is refused")
        database.run("DROP USER READER")
        self.refused(database.source(table="PRICES", spec=reader), AccessDenied, "SQLSTATE 28000")

    def test_a_server_that_is_not_there_can_be_tried_again(self, database: Database) -> None:
        source = database.source(table="PRICES", url=f"jdbc:h2:tcp://127.0.0.1:{free_port()}/./nowhere")
        self.refused(source, SourceUnavailable, "not reached")

    def test_a_missing_table_names_the_nearest(self, database: Database) -> None:
        database.run(FILL)
        self.refused(database.source(table="PRICE"), SourceItemMissing, "did you mean 'PRICES'")

    def test_a_wrong_query_is_a_mistake_of_the_document(self, database: Database) -> None:
        database.run(FILL)
        self.refused(database.source(query="SELECT CLOSING FROM PRICES"), ConfigError, "the database refuses the query")

    def test_a_driver_that_is_not_in_the_jars_is_named(self, database: Database) -> None:
        source = database.source(table="PRICES", driverClass="com.example.Driver")
        self.refused(source, ConfigError, "no class com.example.Driver")

    def test_a_driver_of_another_database_is_named(self, database: Database) -> None:
        source = database.source(table="PRICES", driverClass="org.hsqldb.jdbc.JDBCDriver")
        self.refused(source, ConfigError, "takes no such url")

    def test_text_cannot_mark_how_far_was_read(self, database: Database) -> None:
        database.run("CREATE TABLE WORDS (W VARCHAR PRIMARY KEY); INSERT INTO WORDS VALUES ('a')")
        source = database.source(table="WORDS", cursor="W")
        with pytest.raises(ConfigError, match="column 'W' is text, whose order differs between databases"):
            content(source)

    def test_a_statement_ends_at_the_deadline(self, database: Database) -> None:
        query = "SELECT COUNT(*) AS N FROM SYSTEM_RANGE(1, 1000000) A, SYSTEM_RANGE(1, 1000000) B"
        with pytest.raises(DeadlineExceeded):
            list(database.source(query=query, seconds=15).read(SourceItem(id="query")))

    def test_a_server_that_is_killed_ends_the_reading_with_an_error(self, own_service: StartService) -> None:
        server = own_service(service.SERVICE)
        doomed = Database(server=server, name=server.new_database())
        doomed.run("CREATE TABLE WIDE AS SELECT X AS ID, REPEAT('x', 500) AS T FROM SYSTEM_RANGE(1, 200000)")
        batches = doomed.source(table="WIDE", fetchRows=1000).read(SourceItem(id="WIDE"))
        next(batches)
        server.process.kill()
        with pytest.raises(SourceUnavailable, match="prices: WIDE"):
            list(batches)


def test_the_process_of_this_test_never_has_a_java_machine(database: Database) -> None:
    import jpype

    database.run(FILL)
    content(database.source(table="PRICES"))
    assert not jpype.isJVMStarted()
