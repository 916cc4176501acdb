"""How a Parquet dataset lies on the disk."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.errors import ConfigError, FormatError, PermanentError, StorageUnavailable
from finport_ingestion.engine.files import Places, sha256_of
from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.store.interface import PublishRequest
from finport_ingestion.engine.store.parquet_dataset import writer
from tests.clocks import LaterClock
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import RUN_AFTER, Deliveries, contents, price

NULL = "__HIVE_DEFAULT_PARTITION__"
ODD = ["BRK/B", "a=b", "50%", "", " ", "ß", None, NULL, "..", "037833100"]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_any_text_can_be_a_partition(maker: StorageMaker, deliveries: Deliveries, folder: Path) -> None:
    storage = maker.open(partitionBy=["symbol"])
    rows = [price(symbol, day, "1.0000") for day, symbol in enumerate(ODD, start=1)]

    storage.publish(deliveries.request({"a": rows}))

    assert contents(storage, ["symbol", "day"]) == sorted(((row["symbol"], row["day"]) for row in rows), key=repr)
    names = {path.parent.name for path in folder.rglob("*.parquet")}
    assert {"symbol=BRK%2FB", "symbol=a%3Db", "symbol=037833100", f"symbol={NULL}", "symbol="} < names


def test_other_readers_find_hive_partitions(maker: StorageMaker, deliveries: Deliveries, folder: Path) -> None:
    rows = [price("BRK/B", 5, "1.0000"), price(None, 6, "2.0000"), price("MSFT", 7, "3.0000")]
    maker.open(partitionBy=["symbol", "day"]).publish(deliveries.request({"a": rows}))
    expected = sorted((str(row["symbol"]), str(row["day"]), row["close"]) for row in rows)

    hive = ds.dataset(folder / "data", partitioning="hive").to_table(columns=["symbol", "day", "close"])
    assert sorted((str(s), str(d), c) for s, d, c in zip(*hive.to_pydict().values(), strict=True)) == expected
    query = f"SELECT symbol, day, close FROM read_parquet('{folder}/data/**/*.parquet', hive_partitioning = true)"
    found = duckdb.connect().execute(query).fetchall()
    assert sorted((str(s), str(d), c) for s, d, c in found) == expected


def test_files_are_named_by_their_bytes_and_hold_one_partition_without_its_columns(
    maker: StorageMaker, deliveries: Deliveries, folder: Path
) -> None:
    rows = [price(symbol, day, "1.0000") for day in range(1, 6) for symbol in ("AAPL", "MSFT")]
    maker.open(partitionBy=["symbol"]).publish(deliveries.request({"a": rows}))

    files = list(folder.rglob("*.parquet"))
    assert len(files) == 2
    for path in files:
        assert path.stem == sha256_of(UPath(path))
        metadata = pq.read_metadata(path)
        assert "symbol" not in metadata.schema.names
        column = metadata.row_group(0).column(metadata.schema.names.index("close"))
        assert column.compression == "ZSTD"
        assert column.statistics.max == Decimal("1.0000")
        assert column.has_offset_index
    assert not list((folder / "_partial").iterdir())


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    trees = []
    for name in ("one", "two"):
        places = Places(UPath(tmp_path / name))
        storage = StorageMaker(name="parquet", places=places, options={}, environment={}).open(partitionBy=["symbol"])
        rows = [price(symbol, day, "1.0000") for day in range(1, 20) for symbol in "CAB"]
        storage.publish(Deliveries(places=places).request({"a": rows, "b": rows}))
        folder = tmp_path / name / "store"
        trees.append({str(path.relative_to(folder)): path.read_bytes() for path in _files(folder)})
    assert trees[0] == trees[1]


def test_no_file_has_more_rows_than_asked_for(maker: StorageMaker, deliveries: Deliveries, folder: Path) -> None:
    storage = maker.open(rowsPerFile=4)
    rows = [price("AAPL", day, "1.0000") for day in range(1, 11)]

    storage.publish(deliveries.request({"a": rows}))

    counts = [file["rows"] for file in _snapshot(folder, 1)["files"]]
    assert counts == [4, 4, 2]
    assert storage.read().column("day").to_pylist() == [row["day"] for row in rows]


def test_more_partitions_than_files_may_be_open(maker: StorageMaker, deliveries: Deliveries) -> None:
    count = writer.OPEN_FILES * 3
    numbers = range(count * 20)
    table = pa.table({"symbol": [f"S{number % count}" for number in numbers], "number": numbers})
    storage = maker.open(partitionBy=["symbol"])

    storage.publish(PublishRequest(manifest=deliveries.manifest({"a": table}), run_after=RUN_AFTER))

    assert sorted(storage.read(["number"]).column("number").to_pylist()) == list(numbers)


def _snapshot(folder: Path, number: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "_snapshots" / f"{number:020d}.json").read_text())
    return document


def test_a_snapshot_says_all_that_another_reader_needs(
    maker: StorageMaker, deliveries: Deliveries, folder: Path
) -> None:
    storage = maker.open(partitionBy=["symbol"])
    storage.publish(deliveries.request({"a": [price("AAPL", 5, "1.0000")]}, watermark="2026-01-05"))
    storage.publish(deliveries.request({"z": [price("MSFT", 5, "1.0000")]}, source="vendor", run="run-2"))

    snapshot = _snapshot(folder, 2)

    assert (snapshot["number"], snapshot["parent"], snapshot["action"]) == (2, 1, "publish")
    assert (snapshot["workflow"], snapshot["source"], snapshot["run_id"]) == ("nightly", "vendor", "run-2")
    assert snapshot["committed_at"] == "2026-03-02T06:00:00+00:00"
    assert snapshot["sources"]["exchange"]["watermark"]["value"] == "2026-01-05"
    assert [item["id" if "id" in item else "item"] for item in snapshot["sources"]["exchange"]["items"]] == ["a"]
    file = next(file for file in snapshot["files"] if file["source"] == "exchange")
    assert (file["item"], file["rows"], file["partition"]) == ("a", 1, {"symbol": "AAPL"})
    path = folder / file["path"]
    assert (path.stat().st_size, sha256_of(UPath(path))) == (file["size_bytes"], file["sha256"])


def test_a_partition_by_what_is_not_there_or_no_name_is_refused(maker: StorageMaker, deliveries: Deliveries) -> None:
    with pytest.raises(ConfigError, match=r"'isin'.*symbol"):
        maker.open(partitionBy=["isin"]).publish(deliveries.request({"a": [price("A", 5, "1.0")]}))
    floats = deliveries.request({"a": [{"x": 0.5}]}, schema=pa.schema([("x", pa.float64())]))
    with pytest.raises(ConfigError, match="double"):
        maker.open(partitionBy=["x"]).publish(floats)
    with pytest.raises(PermanentError, match="too long"):
        maker.open(partitionBy=["symbol"]).publish(deliveries.request({"a": [price("A" * 300, 5, "1.0")]}))


def test_what_a_killed_publisher_left_goes_when_it_is_old(
    maker: StorageMaker, deliveries: Deliveries, folder: Path
) -> None:
    maker.open().publish(deliveries.request({"a": [price("A", 5, "1.0")]}))
    shown = _files(folder)
    orphan = folder / "data" / f"{'0' * 64}.parquet"
    draft = folder / "_partial" / ".x.partial"
    half = folder / "_snapshots" / ".00000000000000000002.json.y.partial"
    for path in (orphan, draft, half):
        path.write_bytes(b"half")

    assert maker.open().expire(datetime.now(UTC)).files == 0
    later = LaterClock(timedelta(days=2))
    assert maker.open(clock=later).expire(datetime.now(UTC) - timedelta(days=30), dry_run=True).files == 3
    assert len(_files(folder)) == len(shown) + 3
    expired = maker.open(clock=later).expire(datetime.now(UTC) - timedelta(days=30))

    assert (expired.files, expired.size_bytes) == (3, 12)
    assert _files(folder) == shown


def test_a_backfill_is_as_young_as_its_publication(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    for year in (2020, 2021):
        rows = {"a": [price("A", 5, f"{year}.0")]}
        storage.publish(deliveries.request(rows, run=f"run-{year}", run_after=datetime(year, 1, 1, tzinfo=UTC)))

    assert storage.expire(datetime.now(UTC) - timedelta(days=30)).snapshots == 0
    assert storage.retract("exchange", "run-2021")


def test_a_file_written_anew_with_the_bytes_of_an_expired_one_stays(
    maker: StorageMaker, deliveries: Deliveries, folder: Path
) -> None:
    later = LaterClock(timedelta(days=31))
    storage = maker.open(clock=later, lineage=False)
    for run, close in enumerate(("1.0", "2.0"), start=1):
        storage.publish(deliveries.request({"a": [price("A", 5, close)]}, run=f"run-{run}"))
    first = folder / _snapshot(folder, 1)["files"][0]["path"]
    # A publisher at work has just written the same bytes, and shows them in a moment.
    young = (later.now() + timedelta(seconds=1)).timestamp()
    os.utime(first, (young, young))

    storage.expire(later.now())

    assert first.exists()


def test_a_damaged_snapshot_is_named(maker: StorageMaker, deliveries: Deliveries, folder: Path) -> None:
    maker.open().publish(deliveries.request({"a": [price("A", 5, "1.0")]}))
    path = folder / "_snapshots" / f"{1:020d}.json"
    for damage in (b"{", b"[]", b'{"version": 1}', b'{"version": 99}'):
        path.write_bytes(damage)
        with pytest.raises(FormatError, match=path.name):
            maker.open().read()


def test_a_dataset_can_be_moved(maker: StorageMaker, deliveries: Deliveries, folder: Path) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [price("A", 5, "1.0")]}))
    shutil.move(folder, folder.with_name("moved"))
    assert maker.open(dataset="moved").read().num_rows == 1


def test_a_column_leaves_with_the_last_file_that_has_it(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    old = pa.schema([("id", pa.int64()), ("legacy", pa.bool_())])
    storage.publish(deliveries.request({"a": [{"id": 1, "legacy": True}]}, schema=old))
    new = pa.schema([("id", pa.int64()), ("legacy", pa.date32())])

    storage.publish(deliveries.request({"a": [{"id": 2}]}, schema=new, run="run-2", replaces=Replaces.SOURCE))

    assert storage.read().schema.field("legacy").type == pa.date32()
    storage.retract("exchange", "run-2")
    assert storage.read().schema.field("legacy").type == pa.bool_()


def test_a_full_disk_leaves_nothing_behind_and_says_so(
    maker: StorageMaker, deliveries: Deliveries, folder: Path
) -> None:
    rows = [price(f"S{number}", 5, f"{number}.{number:04d}") for number in range(2_000)]
    request = deliveries.request({"a": rows})
    with _largest_file(2_000), pytest.raises(StorageUnavailable, match=r"disk is full.*finport clean"):
        maker.open().publish(request)
    assert _files(folder) == []

    assert maker.open().publish(request).row_count == len(rows)


@contextmanager
def _largest_file(size_bytes: int) -> Iterator[None]:
    """Makes the system refuse to let a file grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
