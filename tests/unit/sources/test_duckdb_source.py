"""DuckDB files as sources: exact values, one picture, increments, ranges, and a session that reaches nothing else."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import (
    ConfigError,
    DeadlineExceeded,
    FormatError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import SourceItem, Watermark
from finport_ingestion.engine.sources.sql import SqlSource
from tests.conformance.sources.access import access, connection

LIMITS = ("cursor", "start", "seconds")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A hundred prices, one of them without a day."""
    path = tmp_path / "market data #1.duckdb"
    fill(
        path,
        """CREATE SCHEMA market;
        CREATE TABLE market.prices (id UBIGINT PRIMARY KEY, day DATE, close DECIMAL(18,4), seen TIMESTAMPTZ NOT NULL);
        INSERT INTO market.prices SELECT i, DATE '2024-01-01' + i::INT, i / 4.0,
        TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_hours(i) FROM range(1, 101) t(i);
        UPDATE market.prices SET day = NULL WHERE id = 50;""",
    )
    return path


def fill(path: Path, script: str) -> None:
    with duckdb.connect(path) as store:
        store.execute(script)


def duckdb_source(path: Path | str, **options: Any) -> SqlSource:
    limits = {name: options.pop(name) for name in LIMITS if name in options}
    stated = SqlSource.Options.model_validate({"protocol": "sql", **options})
    return SqlSource(stated, access(connection("duckdb", extra={"path": str(path)}), **limits))


def rows(source: SqlSource, items: list[SourceItem]) -> pa.Table:
    return pa.concat_tables(pa.Table.from_batches(list(source.read(item))) for item in items)


def content(source: SqlSource) -> pa.Table:
    return rows(source, list(source.discover(None)))


def test_every_type_arrives_exactly(database: Path) -> None:
    fill(
        database,
        """CREATE TABLE kinds (t TINYINT, u UBIGINT, h HUGEINT, uh UHUGEINT, d DECIMAL(38,10), f FLOAT, g DOUBLE,
        b BOOLEAN, v VARCHAR, da DATE, ti TIME, ts TIMESTAMP, tn TIMESTAMP_NS, tz TIMESTAMPTZ, bl BLOB, uu UUID,
        e ENUM('buy', 'sell'), l DECIMAL(5,2)[], s STRUCT(bid DECIMAL(5,2)), m MAP(VARCHAR, INTEGER), j JSON,
        i INTERVAL, bi BIT);
        INSERT INTO kinds VALUES (-128, 18446744073709551615, -170141183460469231731687303715884105728,
        340282366920938463463374607431768211455, 1234567890123456789012345678.0123456789, 1.1, 0.1, true, '037833100',
        '2024-02-29', '23:59:59.999999', '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05.678901234',
        '2024-07-02 05:04:05.678901+02', '\\x00\\xff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'sell', [1.10, NULL],
        {'bid': 1.10}, MAP {'a': 1}, '{"price": 1.10000000000000000000001}', INTERVAL 1 DAY, '0101'::BIT);
        INSERT INTO kinds DEFAULT VALUES""",
    )
    table = content(duckdb_source(database, table="kinds"))
    record, empty = sorted(table.to_pylist(), key=lambda each: each["t"] is None)
    assert set(empty.values()) == {None}
    nanoseconds = record.pop("tn")
    assert nanoseconds.value == 1704164645678901234
    assert record == {
        "t": -128,
        "u": Decimal(18446744073709551615),
        "h": Decimal(-170141183460469231731687303715884105728),
        "uh": Decimal(340282366920938463463374607431768211455),
        "d": Decimal("1234567890123456789012345678.0123456789"),
        "f": 1.1,
        "g": 0.1,
        "b": True,
        "v": "037833100",
        "da": date(2024, 2, 29),
        "ti": time(23, 59, 59, 999999),
        "ts": datetime(2024, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001
        "tz": datetime(2024, 7, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "bl": b"\x00\xff",
        "uu": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "e": "sell",
        "l": "[1.10, NULL]",
        "s": "{'bid': 1.10}",
        "m": '{"a":1}',
        "j": '{"price": 1.10000000000000000000001}',
        "i": "1 day",
        "bi": "0101",
    }
    assert table.schema.field("tz").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize(
    ("kind", "value"), [("TIMESTAMP", "infinity"), ("DATE", "-infinity"), ("DATE", "0044-03-15 (BC)")]
)
def test_a_date_that_no_type_can_hold_is_refused_and_named(database: Path, kind: str, value: str) -> None:
    fill(database, f"CREATE TABLE odd (v {kind}); INSERT INTO odd VALUES ('{value}')")
    with pytest.raises(FormatError, match=r"odd: a date or time cannot be represented.*in column 'v'"):
        content(duckdb_source(database, table="odd"))


@pytest.mark.parametrize("column", ["id", "day", "close", "seen"])
def test_ranges_hold_every_row_once(database: Path, column: str) -> None:
    source = duckdb_source(database, table="market.prices", partitions={"column": column, "count": 4})
    items = list(source.discover(None))
    assert len(items) == (5 if column == "day" else 4)
    assert [item.record_count for item in items] == [rows(source, [item]).num_rows for item in items]
    assert sorted(rows(source, items)["id"].to_pylist()) == list(range(1, 101))


def test_rows_that_vanish_from_a_range_are_noticed(database: Path) -> None:
    source = duckdb_source(database, table="market.prices", partitions={"column": "id", "count": 4})
    items = list(source.discover(None))
    fill(database, "DELETE FROM market.prices WHERE id = 60")
    with pytest.raises(SourceItemChanged, match=r"market\.prices/0003 has 24 rows, 25 were listed"):
        rows(source, items)


@pytest.mark.parametrize(
    ("cursor", "mark", "expected"),
    [
        ("id", Watermark(field="id", value="98", type="decimal(20,0)"), [98, 99, 100]),
        ("seen", Watermark(field="seen", value="2024-01-05T03:00:00Z", type="timestamp(UTC)"), [99, 100]),
        ("close", Watermark(field="close", value="24.75", type="decimal(18,4)"), [99, 100]),
    ],
)
def test_an_increment_holds_what_stands_at_and_behind_the_mark(
    database: Path, cursor: str, mark: Watermark, expected: list[int]
) -> None:
    source = duckdb_source(database, table="market.prices", cursor=cursor)
    (item,) = source.discover(mark)
    assert rows(source, [item])["id"].to_pylist() == expected


def test_batches_are_no_larger_than_asked_for(database: Path) -> None:
    source = duckdb_source(database, query="SELECT i FROM range(250000) t(i)", fetchRows=70_000)
    (item,) = source.discover(None)
    sizes = [batch.num_rows for batch in source.read(item)]
    assert max(sizes) <= 70_000
    assert sum(sizes) == 250_000


def test_a_query_may_reach_nothing_but_its_database(database: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a\n1\n")
    for query in (f"SELECT * FROM read_csv('{tmp_path}/other.csv')", "SELECT * FROM 'http://127.0.0.1:1/x.parquet'"):
        with pytest.raises(ConfigError, match="may read nothing but its own database"):
            content(duckdb_source(database, query=query))


def test_a_query_cannot_write(database: Path) -> None:
    for query in ("DELETE FROM market.prices", "SELECT 1; DELETE FROM market.prices"):
        with pytest.raises(ConfigError):
            content(duckdb_source(database, query=query))


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ConfigError, match="a database in memory is empty"):
        duckdb_source(":memory:", table="prices").check()


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="there is no file"):
        duckdb_source(tmp_path / "nowhere.duckdb", table="prices").check()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.duckdb"
    path.write_text("id,close\n" * 1000)
    with pytest.raises(FormatError, match="no DuckDB database"):
        duckdb_source(path, table="prices").check()


def test_a_file_that_another_process_writes_can_be_tried_again(database: Path) -> None:
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", holding, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(SourceUnavailable, match="DuckDB cannot read now"):
            duckdb_source(database, table="market.prices").check()
    finally:
        other.communicate()


def test_a_missing_table_names_the_nearest(database: Path) -> None:
    with pytest.raises(SourceItemMissing, match=r"no table or view 'market\.price'.*did you mean 'market\.prices'\?"):
        content(duckdb_source(database, table="market.price"))


def test_a_query_that_takes_too_long_ends_at_the_deadline(database: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT (i + 1) % 1000 FROM n) SELECT max(i) AS m FROM n"
    with pytest.raises(DeadlineExceeded):
        content(duckdb_source(database, query=endless, seconds=0.7))


def test_names_are_never_pasted_into_sql(database: Path) -> None:
    fill(database, 'CREATE TABLE "a""b; DROP TABLE prices" ("select" INTEGER, "per cent %" TEXT, "a:b" TEXT)')
    source = duckdb_source(database, table='a"b; DROP TABLE prices', partitions={"column": "select"})
    (item,) = source.discover(None)
    assert [batch.schema.names for batch in source.read(item)] == [["select", "per cent %", "a:b"]]
