"""How a test gets an instance of each storage. A storage without an adapter fails the suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from finport_ingestion.engine.clock import Clock, Deadline, SystemClock
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.store.interface import Opening, Storage
from finport_ingestion.engine.store.registry import STORAGES

Environment = dict[str, str]
Ask = Callable[[str], Any]
"""Gets a fixture by name: a real server is only started for the storage that needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageMaker:
    """Opens one storage with the options that a document would state."""

    name: str
    places: Places
    options: dict[str, Any]
    environment: Environment

    def open(
        self,
        *,
        dataset: str = "prices",
        clock: Clock | None = None,
        places: Places | None = None,
        key: tuple[str, ...] = (),
        version: str | None = None,
        seconds: float = 240,
        **options: Any,
    ) -> Storage:
        """An opened storage; `options` are added to what the adapter needs."""
        plugin = STORAGES.get(self.name)
        clock = clock or SystemClock()
        opening = Opening(
            dataset=dataset,
            places=places or self.places,
            connections=EnvironmentConnections(self.environment),
            clock=clock,
            deadline=Deadline.after(seconds, clock=clock),
            key=key,
            version=version,
        )
        chosen = plugin.Options.model_validate({"storage": self.name, **self.options, **options})
        storage: Storage = plugin(chosen, opening)
        return storage


def _parquet(_ask: Ask) -> tuple[dict[str, Any], Environment]:
    return {}, {}


def _sql(ask: Ask) -> tuple[dict[str, Any], Environment]:
    address = urlsplit(ask("postgresql_database"))
    url = address._replace(scheme="postgres").geturl()
    return {"connection": "warehouse"}, {"AIRFLOW_CONN_WAREHOUSE": url}


ADAPTERS: dict[str, Callable[[Ask], tuple[dict[str, Any], Environment]]] = {
    "parquet": _parquet,
    "sql": _sql,
}
"""What a storage needs to work in a test: (options, environment), by its name in the registry."""


def maker_of(name: str, *, places: Places, request: pytest.FixtureRequest) -> StorageMaker:
    """The maker of a registered storage; a failure when nobody wrote an adapter for it."""
    if name not in ADAPTERS:
        pytest.fail(f"storage '{name}' has no adapter in {__name__}: add one, and the suite runs on it")
    options, environment = ADAPTERS[name](request.getfixturevalue)
    return StorageMaker(name=name, places=places, options=options, environment=environment)
