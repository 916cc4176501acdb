"""PostgreSQL as a source: exact values, one picture, increments, ranges, and every way to fail."""

from __future__ import annotations

import traceback
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    FormatError,
    PermanentError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import SourceItem, Watermark
from finport_ingestion.engine.sources.sql import SqlSource
from tests.services.postgresql import PostgresqlServer
from tests.services.postgresql_source import Database, rows
from tests.services.process import free_port


@pytest.fixture
def database(postgresql_database: str, postgresql: PostgresqlServer) -> Database:
    """A hundred prices in the schema `market`."""
    made = Database(postgresql_database, ca_path=postgresql.ca_path)
    made.fill()
    return made


@pytest.fixture(params=["psycopg", "ADBC"])
def driver(request: pytest.FixtureRequest) -> str:
    """The driver that rows are read with: the first for small results, the other for large ones."""
    return str(request.param)


class TestValues:
    @pytest.fixture(autouse=True)
    def _driver(self, database: Database, driver: str) -> None:
        database.arrow = driver == "ADBC"

    def test_every_type_arrives_exactly(self, database: Database) -> None:
        database.run(
            "CREATE TYPE side AS ENUM ('buy', 'sell')",
            "CREATE TYPE quote AS (bid numeric, ask numeric)",
            "CREATE DOMAIN isin AS text CHECK (length(VALUE) = 12)",
            """CREATE TABLE kinds (i2 smallint, i8 bigint, small numeric(10,2), large numeric(60,20), free numeric,
            f4 real, f8 double precision, b boolean, t text, v varchar(5), c char(5), d date, ti time, ts timestamp,
            tz timestamptz, by bytea, u uuid, j json, jb jsonb, a numeric[], s side, q quote, n isin, iv interval,
            ip inet, m money)""",
            """INSERT INTO kinds VALUES (-32768, 9223372036854775807, 12345678.90,
            1234567890123456789012345678901234567890.12345678901234567890, 0.1000, 1.1, 0.1, true, '037833100', 'ab',
            'ab', '2024-02-29', '23:59:59.999999', '2024-01-02 03:04:05.678901', '2024-07-02 05:04:05.678901+02',
            '\\x00ff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"price": 1.10000000000000000000001}',
            '{"price": 1.10000000000000000000001}', '{1.10,NULL,2}', 'sell', '(1.10,1.20)', 'US0378331005',
            '1 day 2 hours', '10.0.0.1', '12.34')""",
            "INSERT INTO kinds DEFAULT VALUES",
        )
        source = database.source(table="kinds")
        table = rows(source, list(source.discover(None)))
        record, empty = table.to_pylist()
        assert set(empty.values()) == {None}
        assert record == {
            "i2": -32768,
            "i8": 9223372036854775807,
            "small": Decimal("12345678.90"),
            "large": Decimal("1234567890123456789012345678901234567890.12345678901234567890"),
            "free": Decimal("0.1000"),
            "f4": 1.1,
            "f8": 0.1,
            "b": True,
            "t": "037833100",
            "v": "ab",
            "c": "ab   ",
            "d": date(2024, 2, 29),
            "ti": time(23, 59, 59, 999999),
            "ts": datetime(2024, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001
            "tz": datetime(2024, 7, 2, 3, 4, 5, 678901, tzinfo=UTC),
            "by": b"\x00\xff",
            "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "j": '{"price": 1.10000000000000000000001}',
            "jb": '{"price": 1.10000000000000000000001}',
            "a": "[1.10,null,2]",
            "s": "sell",
            "q": '{"bid":1.10,"ask":1.20}',
            "n": "US0378331005",
            "iv": "P1DT2H",
            "ip": "10.0.0.1/32",
            "m": Decimal("12.34"),
        }
        types = {field.name: field.type for field in table.schema}
        assert types["small"] == pa.decimal128(10, 2)
        assert types["large"] == pa.decimal256(60, 20)
        assert types["free"] == pa.decimal128(18, 4)
        assert types["ts"] == pa.timestamp("us")
        assert types["tz"] == pa.timestamp("us", "UTC")

    def test_a_numeric_with_more_digits_than_a_decimal_holds_is_text(self, database: Database) -> None:
        digits = "9" * 80 + ".5"
        database.run("CREATE TABLE huge (n numeric)", f"INSERT INTO huge VALUES ({digits})")
        source = database.source(table="huge")
        assert rows(source, list(source.discover(None)))["n"].to_pylist() == [digits]

    def test_undeclared_decimals_have_one_type_for_all_items_of_a_run(self, database: Database) -> None:
        database.run("UPDATE market.prices SET value = 1234567890123456.00001 WHERE id = 99")
        source = database.source(table="market.prices", partitions={"column": "id", "count": 4})
        items = list(source.discover(None))
        schemas = {batch.schema for item in items for batch in source.read(item)}
        # PostgreSQL gives a quotient twenty digits behind the point.
        assert [schema.field("value").type for schema in schemas] == [pa.decimal128(38, 20)]
        # Another process reads what this one listed.
        again = database.source(table="market.prices", partitions={"column": "id", "count": 4})
        assert next(iter(again.read(items[0]))).schema in schemas

    @pytest.mark.parametrize(
        ("kind", "value", "match"),
        [
            ("numeric", "'NaN'", r"odd, column 'v', row 2: the value is no decimal"),
            ("numeric(10,2)", "'NaN'", r"odd, column 'v', row 2: the value is no decimal\(10,2\)"),
            ("timestamp", "'infinity'", "odd: a date or time cannot be represented"),
            ("time", "'24:00:00'", "odd: a date or time cannot be represented"),
            ("date", "'0044-03-15 BC'", "odd: a date or time cannot be represented"),
        ],
    )
    def test_what_no_type_can_hold_is_refused_and_named(
        self, database: Database, kind: str, value: str, match: str
    ) -> None:
        database.run(
            f"CREATE TABLE odd (id int PRIMARY KEY, v {kind})", f"INSERT INTO odd VALUES (1, NULL), (2, {value})"
        )
        source = database.source(table="odd")
        with pytest.raises(FormatError, match=match):
            rows(source, list(source.discover(None)))

    def test_rows_come_in_one_order_also_without_a_key(self, database: Database) -> None:
        database.run(
            "CREATE TABLE log (word text, document json)",
            "INSERT INTO log VALUES ('b', '{}'), ('B', '[]'), ('ä', '1'), ('a', NULL), ('a', '0')",
        )
        source = database.source(table="log")
        before = rows(source, list(source.discover(None)))
        # Moves the rows in the table.
        database.run("UPDATE log SET word = word || ''  WHERE word IN ('B', 'a')")
        assert rows(source, list(source.discover(None))) == before
        assert before["word"].to_pylist() == ["B", "a", "a", "b", "ä"]

    def test_a_large_table_is_read_through_a_cursor(self, database: Database) -> None:
        database.run("CREATE TABLE wide AS SELECT i AS id, repeat('x', 1000) AS t FROM generate_series(1, 20000) i")
        source = database.source(table="wide", fetchRows=1000)
        (item,) = source.discover(None)
        batches = source.read(item)
        assert next(batches).num_rows == 1000
        held = pa.total_allocated_bytes()
        assert sum(batch.num_rows for batch in batches) == 19_000
        assert pa.total_allocated_bytes() - held < 5_000_000


class TestListing:
    @pytest.mark.parametrize("column", ["id", "day", "close", "value", "updated_at", "local"])
    def test_ranges_hold_every_row_once(self, database: Database, column: str) -> None:
        source = database.source(table="market.prices", partitions={"column": column, "count": 4})
        items = list(source.discover(None))
        expected = [f"market.prices/{number:04d}" for number in (1, 2, 3, 4)]
        assert [item.id for item in items] == expected + (["market.prices/null"] if column == "day" else [])
        assert [item.record_count for item in items] == [rows(source, [item]).num_rows for item in items]
        assert sorted(rows(source, items)["id"].to_pylist()) == list(range(1, 101))

    def test_listing_and_reading_are_pictures_without_what_comes_later(self, database: Database) -> None:
        source = database.source(table="market.prices", cursor="updated_at", partitions={"column": "id", "count": 3})
        items = list(source.discover(None))
        late = "INSERT INTO market.prices (id, symbol, updated_at) VALUES"
        database.run(f"{late} (30 + 1000, 'S1', now()), (0, 'S1', now())")
        assert sorted(rows(source, items)["id"].to_pylist()) == list(range(1, 101))

    def test_rows_that_vanish_from_a_range_are_noticed(self, database: Database) -> None:
        source = database.source(table="market.prices", partitions={"column": "id", "count": 4})
        items = list(source.discover(None))
        database.run("DELETE FROM market.prices WHERE id = 60")
        with pytest.raises(SourceItemChanged, match=r"market\.prices/0003 has 24 rows, 25 were listed"):
            rows(source, items)

    @pytest.mark.parametrize(
        ("cursor", "mark", "expected"),
        [
            ("id", Watermark(field="id", value="98", type="integer"), [98, 99, 100]),
            (
                "updated_at",
                Watermark(field="updated_at", value="2024-01-05T03:00:00Z", type="timestamp(UTC)"),
                [99, 100],
            ),
            ("local", Watermark(field="local", value="2024-01-01T01:39:00", type="timestamp"), [99, 100]),
            ("close", Watermark(field="close", value="24.75", type="decimal(18,4)"), [99, 100]),
            (
                "symbol",
                Watermark(field="symbol", value="S6", type="text"),
                [6, 13, 20, 27, 34, 41, 48, 55, 62, 69, 76, 83, 90, 97],
            ),
        ],
    )
    def test_an_increment_holds_what_stands_at_and_behind_the_mark(
        self, database: Database, cursor: str, mark: Watermark, expected: list[int]
    ) -> None:
        source = database.source(table="market.prices", cursor=cursor)
        (item,) = source.discover(mark)
        assert item.id.startswith("market.prices?since=")
        assert item.record_count == len(expected)
        assert rows(source, [item])["id"].to_pylist() == expected

    def test_text_is_compared_as_a_watermark_is_whatever_the_collation(self, database: Database) -> None:
        database.run(
            'CREATE TABLE words (w text COLLATE "en-x-icu" PRIMARY KEY)', "INSERT INTO words VALUES ('B'), ('a'), ('Z')"
        )
        source = database.source(table="words", cursor="w")
        (item,) = source.discover(Watermark(field="w", value="Z", type="text"))
        assert rows(source, [item])["w"].to_pylist() == ["Z", "a"]

    def test_a_run_may_begin_at_a_stated_value(self, database: Database) -> None:
        source = database.source(table="market.prices", cursor="id", start="100")
        (item,) = source.discover(None)
        assert rows(source, [item])["id"].to_pylist() == [100]

    def test_a_cursor_with_nulls_is_refused(self, database: Database) -> None:
        with pytest.raises(PermanentError, match="null in 1 row"):
            list(database.source(table="market.prices", cursor="day").discover(None))

    def test_a_query_with_everything_that_breaks_pasting(self, database: Database) -> None:
        query = """
        SELECT id, close::text AS "close: 100 %", ':name' AS colon, id % 10 AS rest, E'\\\\' AS backslash
        FROM market.prices WHERE symbol LIKE 'S%' -- the last line is a comment
        """
        source = database.source(query=query, partitions={"column": "id", "count": 2})
        items = list(source.discover(None))
        assert [item.id for item in items] == ["query/0001", "query/0002"]
        first = rows(source, items).to_pylist()[0]
        assert first == {"id": 1, "close: 100 %": "0.2500", "colon": ":name", "rest": 1, "backslash": "\\"}

    def test_names_are_never_pasted_into_sql(self, database: Database) -> None:
        database.run('CREATE TABLE "Odd"" name" ("select" bigint, "per %s cent" text, "a:b" text)')
        source = database.source(table='Odd" name', partitions={"column": "select"})
        (item,) = source.discover(None)
        assert [batch.schema.names for batch in source.read(item)] == [["select", "per %s cent", "a:b"]]

    def test_views_and_materialized_views_can_be_read(self, database: Database) -> None:
        database.run(
            "CREATE VIEW v AS SELECT id FROM market.prices",
            "CREATE MATERIALIZED VIEW m AS SELECT id FROM market.prices",
        )
        for name in ("v", "m"):
            source = database.source(table=name)
            assert rows(source, list(source.discover(None))).num_rows == 100


class TestFailures:
    def failing(self, source: SqlSource, error: type[FinportError], match: str) -> FinportError:
        for ask in (source.check, lambda: list(source.discover(None))):
            with pytest.raises(error, match=match) as raised:
                ask()
            assert type(raised.value) is error
            assert str(raised.value).startswith("prices: ")
            assert raised.value.hint
            shown = "".join(traceback.format_exception(raised.value))
            assert "Pl4nted" not in shown
        return raised.value

    def test_check_says_what_answered(self, database: Database) -> None:
        said = database.source(table="market.prices").check()
        assert said == "prices: market.prices has 7 columns, read over TLS."

    def test_a_wrong_password_is_denied(self, database: Database) -> None:
        source = database.source(table="market.prices", spec={"secret": "Pl4nted"})
        self.failing(source, AccessDenied, r"the login is refused: password authentication failed for user")

    def test_an_unknown_login_is_denied(self, database: Database) -> None:
        source = database.source(table="market.prices", spec={"login": "nobody", "secret": "Pl4nted"})
        self.failing(source, AccessDenied, "the login is refused")

    def test_a_server_that_is_not_there_can_be_tried_again(self, database: Database) -> None:
        source = database.source(table="market.prices", spec={"port": free_port()})
        self.failing(source, SourceUnavailable, "the database is not reached: Connection refused")

    def test_a_database_that_is_not_there_is_a_mistake_of_the_connection(self, database: Database) -> None:
        source = database.source(table="market.prices", spec={"schema": "nowhere"})
        self.failing(
            source, ConfigError, r"database \"nowhere\" does not exist.*check 'schema' of connection 'planted'"
        )

    @pytest.mark.parametrize(
        ("table", "nearest"), [("market.price", "market.prices"), ("marked.prices", "check 'table'")]
    )
    def test_a_missing_table_names_the_nearest(self, database: Database, table: str, nearest: str) -> None:
        self.failing(database.source(table=table), SourceItemMissing, f"no table or view '{table}'.*{nearest}")

    def test_a_table_that_may_not_be_read_is_denied(self, database: Database) -> None:
        name = f"reader_{database.url.database}"
        database.run(f"CREATE ROLE {name} LOGIN PASSWORD 'Pl4nted'", f"GRANT USAGE ON SCHEMA market TO {name}")
        try:
            source = database.source(table="market.prices", spec={"login": name, "secret": "Pl4nted"})
            self.failing(source, AccessDenied, r"may not be read: permission denied for table prices.*grant SELECT")
        finally:
            database.run(f"DROP OWNED BY {name}", f"DROP ROLE {name}")

    @pytest.mark.parametrize(
        ("query", "match"),
        [
            ("SELEC 1", "syntax error"),
            ("SELECT closing FROM market.prices", 'column "closing" does not exist'),
            ("SELECT id, day AS id FROM market.prices", "two columns of the query are called 'id'"),
        ],
    )
    def test_a_wrong_query_is_a_mistake_of_the_document(self, database: Database, query: str, match: str) -> None:
        with pytest.raises(ConfigError, match=match):
            list(database.source(query=query).discover(None))

    def test_a_query_cannot_write(self, database: Database) -> None:
        database.run("CREATE SEQUENCE numbers")
        source = database.source(query="SELECT nextval('numbers') AS n")
        with pytest.raises(ConfigError, match="read-only transaction"):
            list(source.discover(None))

    def test_a_value_that_a_query_cannot_convert_is_not_repeated(self, database: Database) -> None:
        source = database.source(query="SELECT ('Pl4nted' || id)::int AS n FROM market.prices")
        with pytest.raises(FormatError, match="22P02") as raised:
            rows(source, [SourceItem(id="query")])
        assert "Pl4nted" not in str(raised.value)

    def test_a_statement_ends_at_the_deadline(self, database: Database) -> None:
        source = database.source(query="SELECT pg_sleep(60)::text AS t", seconds=1.5)
        with pytest.raises(DeadlineExceeded, match="the time of the step was used up"):
            rows(source, [SourceItem(id="query")])

    def test_a_connection_that_is_cut_can_be_tried_again(self, database: Database) -> None:
        source = database.source(table="market.prices", fetchRows=10)
        batches = source.read(SourceItem(id="market.prices"))
        next(batches)
        database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'finport-ingestion'"
        )
        with pytest.raises(SourceUnavailable):
            list(batches)

    def test_an_abandoned_reading_leaves_no_session(self, database: Database) -> None:
        batches = database.source(table="market.prices", fetchRows=10).read(SourceItem(id="market.prices"))
        next(batches)
        batches.close()  # type: ignore[attr-defined]
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'finport-ingestion'"
        database.run(
            f"DO $$ BEGIN FOR i IN 1..50 LOOP PERFORM pg_sleep(0.02); PERFORM pg_stat_clear_snapshot();"
            f" EXIT WHEN ({count}) = 0; END LOOP; ASSERT ({count}) = 0; END $$"
        )
