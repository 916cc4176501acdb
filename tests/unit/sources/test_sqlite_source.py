"""SQLite databases as sources: listing, increments, ranges, and values that are not of their type."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import (
    ConfigError,
    DeadlineExceeded,
    FormatError,
    PermanentError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
    UnknownPlugin,
)
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import access, connection

LIMITS = ("cursor", "start", "seconds")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A hundred prices, one of them without a day."""
    path = tmp_path / "market data #1.db"
    fill(
        path,
        """CREATE TABLE prices (id INTEGER PRIMARY KEY, day DATE, close DECIMAL(18,4), at TIMESTAMP NOT NULL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
        INSERT INTO prices SELECT i, date('2024-01-01', i || ' days'), i / 4.0, datetime('2024-01-01', i || ' hours')
        FROM n;
        UPDATE prices SET day = NULL WHERE id = 50;""",
    )
    return path


def fill(path: Path, script: str) -> None:
    store = sqlite3.connect(path)
    store.executescript(script)
    store.close()


def sql_source(path: Path, **options: Any) -> SqlSource:
    limits = {name: options.pop(name) for name in LIMITS if name in options}
    stated = SqlSource.Options.model_validate({"protocol": "sql", **options})
    return SqlSource(stated, access(connection("sqlite", extra={"path": str(path)}), **limits))


def rows(source: SqlSource, items: list[SourceItem]) -> pa.Table:
    return pa.concat_tables(pa.Table.from_batches(list(source.read(item))) for item in items)


def test_a_table_is_one_item_with_its_count(database: Path) -> None:
    source = sql_source(database, table="prices", fetchRows=30)
    (item,) = source.discover(None)
    assert (item.id, item.record_count) == ("prices", 100)
    batches = list(source.read(item))
    assert [batch.num_rows for batch in batches] == [30, 30, 30, 10]
    assert {batch.schema for batch in batches} == {
        pa.schema(
            [("id", pa.int64()), ("day", pa.date32()), ("close", pa.decimal128(18, 4)), ("at", pa.timestamp("us"))]
        )
    }
    assert batches[0].column("close")[0].as_py() == Decimal("0.2500")
    assert source.check() == "prices: prices has 4 columns, read as a local file."


@pytest.mark.parametrize("column", ["id", "day", "close", "at"])
def test_ranges_hold_every_row_once(database: Path, column: str) -> None:
    source = sql_source(database, table="prices", partitions={"column": column, "count": 4})
    items = list(source.discover(None))
    assert [item.id for item in items][:4] == [f"prices/000{number}" for number in (1, 2, 3, 4)]
    assert len(items) == (5 if column == "day" else 4)
    assert sorted(rows(source, items)["id"].to_pylist()) == list(range(1, 101))
    assert [item.record_count for item in items] == [rows(source, [item]).num_rows for item in items]
    assert items == list(source.discover(None))


def test_rows_that_come_at_either_end_after_the_listing_are_left_for_the_next_run(database: Path) -> None:
    source = sql_source(database, table="prices", partitions={"column": "id", "count": 3})
    items = list(source.discover(None))
    fill(database, "INSERT INTO prices VALUES (0, NULL, 1, '2024-01-01'), (101, NULL, 1, '2024-01-01')")
    assert sorted(rows(source, items)["id"].to_pylist()) == list(range(1, 101))


def test_a_range_that_changes_after_the_listing_is_noticed(database: Path) -> None:
    source = sql_source(database, table="prices", partitions={"column": "id", "count": 3})
    items = list(source.discover(None))
    fill(database, "DELETE FROM prices WHERE id = 1")
    with pytest.raises(SourceItemChanged, match="prices/0001 has 32 rows, 33 were listed"):
        list(source.read(items[0]))
    assert sum(batch.num_rows for batch in source.read(items[1])) == items[1].record_count


def test_an_increment_begins_at_the_mark_and_ends_at_the_highest_value_seen(database: Path) -> None:
    source = sql_source(database, table="prices", cursor="at")
    mark = Watermark(field="at", value="2024-01-05T02:00:00", type="timestamp")
    (item,) = source.discover(mark)
    assert item.id == "prices?since=2024-01-05 02:00:00"
    assert (source.replaces(None), source.replaces(mark)) == (Replaces.SOURCE, Replaces.NOTHING)
    fill(database, "INSERT INTO prices VALUES (101, NULL, 1, '2025-01-01 00:00:00')")
    assert rows(source, [item])["id"].to_pylist() == [98, 99, 100]
    assert item.record_count == 3


def test_both_spellings_of_a_time_have_one_order(database: Path) -> None:
    fill(
        database,
        """DELETE FROM prices;
        INSERT INTO prices VALUES (1, NULL, 1, '2024-01-01T10:00:00'), (2, NULL, 1, '2024-01-01 11:00:00.500000'),
        (3, NULL, 1, '2024-01-01T11:00:00.500'), (4, NULL, 1, '2024-01-01 12:00:00')""",
    )
    source = sql_source(database, table="prices", cursor="at")
    mark = Watermark(field="at", value="2024-01-01T11:00:00.500000", type="timestamp")
    assert rows(source, list(source.discover(mark)))["id"].to_pylist() == [2, 3, 4]


def test_nothing_behind_the_watermark_is_no_item_and_an_empty_table_is_one(database: Path) -> None:
    source = sql_source(database, table="prices", cursor="id")
    assert list(source.discover(Watermark(field="id", value="101", type="integer"))) == []
    fill(database, "DELETE FROM prices")
    (item,) = source.discover(None)
    (batch,) = source.read(item)
    assert (item.record_count, batch.num_rows, batch.schema.names) == (0, 0, ["id", "day", "close", "at"])


def test_a_cursor_with_nulls_is_refused(database: Path) -> None:
    with pytest.raises(PermanentError, match=r"column 'day' of prices is null in 1 row\(s\)"):
        list(sql_source(database, table="prices", cursor="day").discover(None))


def test_a_query_is_read_with_the_types_of_its_columns(database: Path) -> None:
    query = "SELECT id, close AS \"the close\", '12:30' AS noon, id * 2.5 AS computed FROM prices WHERE id <= 2; -- two"
    source = sql_source(database, query=query.replace(";", ""), partitions={"column": "id", "count": 2})
    table = rows(source, list(source.discover(None)))
    assert table.schema.field("the close").type == pa.decimal128(18, 4)
    assert table["noon"].to_pylist() == ["12:30", "12:30"]
    assert table["computed"].to_pylist() == ["2.5", "5.0"]


def test_decimals_without_digits_have_one_type_for_the_whole_run(database: Path) -> None:
    fill(
        database,
        "CREATE TABLE rates (id INTEGER PRIMARY KEY, rate NUMERIC);"
        "INSERT INTO rates VALUES (1, 1.5), (2, 100), (3, 0.00025), (4, NULL), (5, '12345678901234567890.5')",
    )
    source = sql_source(database, table="rates", partitions={"column": "id", "count": 3})
    schemas = {batch.schema for item in source.discover(None) for batch in source.read(item)}
    assert schemas == {pa.schema([("id", pa.int64()), ("rate", pa.decimal128(38, 5))])}


@pytest.mark.parametrize(
    ("declaration", "value", "kind"),
    [
        ("INTEGER", "'n/a'", "integer"),
        ("DECIMAL(10,2)", "0.125", r"decimal\(10,2\)"),
        ("DECIMAL(4,2)", "12345.5", r"decimal\(4,2\)"),
        ("DATE", "'02.01.2024'", "date"),
        ("INTEGER", "9223372036854775807 + 1", "integer"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_named_by_its_place(
    database: Path, declaration: str, value: str, kind: str
) -> None:
    fill(database, f"CREATE TABLE odd (v {declaration}); INSERT INTO odd (rowid, v) VALUES (3, NULL), (77, {value})")
    source = sql_source(database, table="odd")
    (item,) = source.discover(None)
    with pytest.raises(FormatError, match=rf"^prices: odd, column 'v', rowid 77: the value is no {kind}\. Fix: .*"):
        list(source.read(item))


def test_names_are_never_pasted_into_sql(database: Path) -> None:
    fill(database, 'CREATE TABLE "a""b; DROP TABLE prices" ("select" INTEGER, "per cent %" TEXT, "a:b" TEXT)')
    source = sql_source(database, table='a"b; DROP TABLE prices', partitions={"column": "select"})
    (item,) = source.discover(None)
    assert [batch.schema.names for batch in source.read(item)] == [["select", "per cent %", "a:b"]]
    with pytest.raises(SourceItemMissing, match=r"no table or view 'prices; DROP TABLE prices'"):
        sql_source(database, table="prices; DROP TABLE prices").check()


def test_tables_without_rowid_and_views_can_be_read(database: Path) -> None:
    fill(
        database,
        "CREATE TABLE codes (code TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO codes VALUES ('b'), ('a');"
        "CREATE VIEW cheap AS SELECT id, close FROM prices WHERE close < 1",
    )
    codes, cheap = sql_source(database, table="codes"), sql_source(database, table="cheap")
    assert rows(codes, list(codes.discover(None)))["code"].to_pylist() == ["a", "b"]
    assert rows(cheap, list(cheap.discover(None)))["id"].to_pylist() == [1, 2, 3]


def test_a_missing_table_names_the_nearest(database: Path) -> None:
    with pytest.raises(SourceItemMissing, match=r"no table or view 'price'.*did you mean 'prices'\?"):
        list(sql_source(database, table="price").discover(None))


def test_a_missing_column_names_the_nearest(database: Path) -> None:
    with pytest.raises(ConfigError, match=r"prices has no column 'closing'\. Fix: did you mean 'close'\?"):
        list(sql_source(database, table="prices", partitions={"column": "closing"}).discover(None))


def test_a_column_without_order_cannot_be_split(database: Path) -> None:
    fill(database, "CREATE TABLE blobs (b BLOB); INSERT INTO blobs VALUES (x'00')")
    with pytest.raises(ConfigError, match="of type binary, which has no order"):
        list(sql_source(database, table="blobs", partitions={"column": "b"}).discover(None))


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("SELEC 1", "refuses the query"),
        ("SELECT closing FROM prices", "no such column"),
        ("DELETE FROM prices", "refuses the query"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT id FROM prices) UNION SELECT (1", "refuses the query"),
    ],
)
def test_a_wrong_query_is_a_mistake_of_the_document(database: Path, query: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        list(sql_source(database, query=query).discover(None))


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"prices: there is no file .*nowhere\.db"):
        sql_source(tmp_path / "nowhere.db", table="prices").check()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("id,close\n" * 1000)
    with pytest.raises(FormatError, match="no intact SQLite database"):
        sql_source(path, table="prices").check()


def test_a_query_that_takes_too_long_ends_at_the_deadline(database: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS m FROM n"
    with pytest.raises(DeadlineExceeded):
        list(sql_source(database, query=endless, seconds=0.5).discover(None))


def test_a_locked_database_can_be_tried_again(database: Path) -> None:
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(SourceUnavailable, match="SQLITE_BUSY"):
            sql_source(database, table="prices", seconds=0.5).check()
    finally:
        writer.close()


def test_a_kind_of_database_that_nobody_knows_is_named() -> None:
    options = SqlSource.Options.model_validate({"protocol": "sql", "table": "t"})
    with pytest.raises(UnknownPlugin, match=r"'postgre'.*did you mean 'postgres'\?"):
        SqlSource(options, access(connection("postgre", host="db")))
    with pytest.raises(ConfigError, match="no connection"):
        SqlSource(options, access(None))
