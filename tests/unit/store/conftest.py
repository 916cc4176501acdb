"""A Parquet storage on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from finport_ingestion.engine.files import Places
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(UPath(tmp_path / "places"))


@pytest.fixture
def deliveries(places: Places) -> Deliveries:
    return Deliveries(places=places)


@pytest.fixture
def maker(places: Places) -> StorageMaker:
    return StorageMaker(name="parquet", places=places, options={}, environment={})


@pytest.fixture
def folder(places: Places) -> Path:
    """Of the dataset `prices`."""
    return Path(places.at("store/prices").path)
