"""The Parquet storage in an object store: the snapshot is a conditional put, the rest is as on a disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from upath import UPath

from finport_ingestion.engine.files import Places
from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.store.read import dataset_folder, list_datasets, open_snapshot
from tests.clocks import LaterClock
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries, contents, price, values
from tests.services.s3_server import S3Server

FIRST, SECOND = price("BRK/B", 5, "1.0000"), price("BRK/B", 5, "2.0000")
OTHER = price("MSFT", 6, "3.0000")
NEXT_MONTH = LaterClock(timedelta(days=31))


@pytest.fixture
def places(s3_server: S3Server, s3_bucket: str) -> Places:
    return Places(UPath(f"s3://{s3_bucket}/finport", **s3_server.storage_options))


@pytest.fixture
def maker(places: Places) -> StorageMaker:
    return StorageMaker(name="parquet", places=places, options={"partitionBy": ["symbol"]}, environment={})


@pytest.fixture
def deliveries(places: Places) -> Deliveries:
    return Deliveries(places=places)


def test_publish_read_and_take_back(maker: StorageMaker, deliveries: Deliveries, places: Places) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST], "b": [OTHER]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))

    assert contents(storage, ["symbol", "day", "close"]) == values(SECOND, OTHER)
    assert list_datasets(places) == ["prices"]
    assert open_snapshot(dataset_folder(places, "prices"), number=1).row_count == 2
    assert storage.publish(deliveries.request({"a": [SECOND]}, run="run-3")).already_there

    assert storage.retract("exchange", "run-2")
    assert contents(storage, ["symbol", "day", "close"]) == values(FIRST, OTHER)


def test_publishers_at_once_get_one_number_each(maker: StorageMaker, deliveries: Deliveries) -> None:
    requests = [
        deliveries.request({f"f{number}": [price("MSFT", number, "1.0000")]}, source=f"source-{number}")
        for number in range(1, 7)
    ]
    with ThreadPoolExecutor(len(requests)) as pool:
        commits = list(pool.map(lambda request: maker.open().publish(request).commit, requests))

    assert sorted(commits) == [str(number) for number in range(1, 7)]
    assert maker.open().read().num_rows == len(requests)


def test_expiry_removes_what_nothing_shows(maker: StorageMaker, deliveries: Deliveries, places: Places) -> None:
    storage = maker.open(clock=NEXT_MONTH)
    for version in range(1, 4):
        rows = {"a": [price("MSFT", 5, f"{version}.0000")]}
        storage.publish(deliveries.request(rows, run=f"run-{version}", replaces=Replaces.SOURCE))

    expired = storage.expire(NEXT_MONTH.now())

    assert (expired.snapshots, expired.files) == (2, 2)
    files = [path for path in dataset_folder(places, "prices").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert contents(storage, ["symbol", "day", "close"]) == values(price("MSFT", 5, "3.0000"))
