"""The storages that a policy may name."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

STORAGES: Registry[Any] = Registry(
    "storage",
    {
        "parquet": Entry("finport_ingestion.engine.store.storages.parquet:ParquetStorage"),
        "sql": Entry("finport_ingestion.engine.store.storages.sql:SqlStorage"),
    },
)
