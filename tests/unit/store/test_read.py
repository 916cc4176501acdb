"""Reading a snapshot by pyarrow, DuckDB and Polars: the same rows, also over types that were widened."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from finport_ingestion.engine.errors import ConfigError, SourceItemMissing
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.records import LINEAGE_COLUMNS
from finport_ingestion.engine.store.read import Snapshot, dataset_folder, list_datasets, open_snapshot
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries, price

NARROW = pa.schema([("id", pa.int64()), ("amount", pa.decimal128(5, 2)), ("day", pa.date32()), ("code", pa.int64())])
WIDE = pa.schema([("id", pa.int64()), ("amount", pa.decimal128(20, 6)), ("code", pa.string()), ("note", pa.string())])
EXPECTED: list[dict[str, Any]] = [
    {"id": 1, "amount": Decimal("1.250000"), "day": date(2026, 1, 5), "code": "7", "note": None},
    {"id": 2, "amount": Decimal("2.500000"), "day": None, "code": "8", "note": None},
    {"id": 3, "amount": Decimal("9.000001"), "day": None, "code": "007", "note": "x"},
]


@pytest.fixture
def snapshot(maker: StorageMaker, deliveries: Deliveries, places: Places) -> Snapshot:
    """Rows of one type."""
    rows = [price(symbol, day, f"{day}.5") for symbol in ("AAPL", "MSFT", None) for day in range(1, 4)]
    maker.open(partitionBy=["symbol"]).publish(deliveries.request({"a": rows}))
    return open_snapshot(dataset_folder(places, "prices"))


@pytest.fixture
def widened(maker: StorageMaker, deliveries: Deliveries, places: Places) -> Snapshot:
    """Rows of files that have other types than the dataset."""
    storage = maker.open()
    first = [
        {"id": 1, "amount": Decimal("1.25"), "day": date(2026, 1, 5), "code": 7},
        {"id": 2, "amount": Decimal("2.50"), "day": None, "code": 8},
    ]
    storage.publish(deliveries.request({"a": first}, schema=NARROW))
    second = [{"id": 3, "amount": Decimal("9.000001"), "code": "007", "note": "x"}]
    storage.publish(deliveries.request({"b": second}, schema=WIDE, run="run-2"))
    return open_snapshot(dataset_folder(places, "prices"))


def test_pyarrow_gets_a_lazy_dataset_that_filters(snapshot: Snapshot) -> None:
    dataset = snapshot.to_pyarrow()
    assert isinstance(dataset, ds.Dataset)
    assert dataset.count_rows() == snapshot.row_count == 9
    assert (
        dataset.to_table(filter=(pc.field("symbol") == "MSFT") & (pc.field("close") > Decimal("2.0000"))).num_rows == 2
    )
    assert dataset.to_table(filter=pc.field("symbol").is_null()).num_rows == 3
    assert dataset.schema == snapshot.schema


def test_duckdb_gets_a_view(snapshot: Snapshot) -> None:
    connection = duckdb.connect()
    snapshot.to_duckdb(connection, "prices")
    query = "SELECT symbol, max(close) FROM prices WHERE day > DATE '2026-01-01' GROUP BY symbol ORDER BY symbol"
    assert connection.execute(query).fetchall() == [
        ("AAPL", Decimal("3.5000")),
        ("MSFT", Decimal("3.5000")),
        (None, Decimal("3.5000")),
    ]


def test_polars_gets_a_lazy_frame(snapshot: Snapshot) -> None:
    frame = snapshot.to_polars().filter(pl.col("symbol") == "AAPL").select("day").collect()
    assert frame.to_dict(as_series=False) == {"day": [date(2026, 1, day) for day in range(1, 4)]}


def test_scan_streams_chosen_columns_of_rows_that_pass(snapshot: Snapshot) -> None:
    batches = list(snapshot.scan(["close"], pc.field("symbol") == "MSFT"))
    assert sum(batch.num_rows for batch in batches) == 3
    assert {name for batch in batches for name in batch.schema.names} == {"close"}


def test_lineage_is_hidden_until_it_is_asked_for(snapshot: Snapshot) -> None:
    shown = {"symbol", "day", "close"}
    assert set(snapshot.schema.names) == set(snapshot.to_polars().collect_schema().names()) == shown
    assert set(snapshot.to_pyarrow(lineage=True).schema.names) == shown | set(LINEAGE_COLUMNS)
    assert snapshot.to_table(list(LINEAGE_COLUMNS), limit=1).num_rows == 1


def test_widened_types_are_read_by_all(widened: Snapshot) -> None:
    def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(({name: row[name] for name in EXPECTED[0]} for row in rows), key=lambda row: row["id"])

    connection = duckdb.connect()
    view = widened.to_duckdb(connection, "prices")

    assert ordered(widened.to_pyarrow().to_pylist()) == EXPECTED
    assert ordered(view.to_arrow_table().to_pylist()) == EXPECTED
    assert ordered(widened.to_polars().collect().to_dicts()) == EXPECTED
    assert ordered(pa.Table.from_batches(widened.scan()).to_pylist()) == EXPECTED


def test_filters_over_widened_types_are_exact(widened: Snapshot) -> None:
    connection = duckdb.connect()
    widened.to_duckdb(connection, "prices", lineage=True)

    assert connection.execute("SELECT id FROM prices WHERE code = '7' AND amount < 2").fetchall() == [(1,)]
    chosen = widened.to_polars().filter((pl.col("code") == "7") & (pl.col("amount") < 2)).select("id").collect()
    assert chosen.to_dicts() == [{"id": 1}]
    batches = widened.scan(["id"], (pc.field("code") == "7") | (pc.field("note") == "x"))
    assert [row["id"] for batch in batches for row in batch.to_pylist()] == [1, 3]


def test_an_earlier_state_is_read_by_number_or_by_time(
    maker: StorageMaker, deliveries: Deliveries, places: Places
) -> None:
    storage = maker.open()
    for month in (1, 2, 3):
        after = datetime(2026, month, 1, tzinfo=UTC)
        rows = {"a": [price("A", 5, f"{month}.0")]}
        storage.publish(deliveries.request(rows, run=f"run-{month}", run_after=after))
    folder = dataset_folder(places, "prices")

    def closes(**which: Any) -> list[Decimal]:
        found: list[Decimal] = open_snapshot(folder, **which).to_table(["close"]).column("close").to_pylist()
        return found

    assert closes() == [Decimal("3.0000")]
    assert closes(number=1) == [Decimal("1.0000")]
    assert closes(as_of=datetime(2026, 2, 20, tzinfo=UTC)) == [Decimal("2.0000")]
    with pytest.raises(SourceItemMissing, match="2025-12-31"):
        closes(as_of=datetime(2025, 12, 31, tzinfo=UTC))
    with pytest.raises(SourceItemMissing, match="snapshot 9"):
        closes(number=9)


def test_a_snapshot_stays_as_it_is_while_others_publish(
    snapshot: Snapshot, maker: StorageMaker, deliveries: Deliveries
) -> None:
    maker.open().publish(deliveries.request({"a": [price("A", 5, "1.0")]}, run="run-2"))
    assert snapshot.to_pyarrow().count_rows() == 9


def test_datasets_are_listed_and_missing_ones_named(snapshot: Snapshot, places: Places, folder: Path) -> None:
    (folder.parent / "empty").mkdir()
    assert list_datasets(places) == ["prices"]
    assert list_datasets(Places(places.root / "elsewhere")) == []
    with pytest.raises(SourceItemMissing, match="empty"):
        open_snapshot(dataset_folder(places, "empty"))
    with pytest.raises(ConfigError, match="colour"):
        snapshot.to_table(["colour"])
