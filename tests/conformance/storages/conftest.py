"""Every registered storage, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from finport_ingestion.engine.files import Places
from finport_ingestion.engine.store.registry import STORAGES
from tests.conformance.storages.adapters import StorageMaker, maker_of
from tests.conformance.storages.delivery import Deliveries


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(UPath(tmp_path / "places"))


@pytest.fixture
def deliveries(places: Places) -> Deliveries:
    return Deliveries(places=places)


@pytest.fixture(params=STORAGES.names())
def maker(request: pytest.FixtureRequest, places: Places) -> StorageMaker:
    """One registered storage after the other; a new one is tested without another line."""
    return maker_of(request.param, places=places, request=request)
