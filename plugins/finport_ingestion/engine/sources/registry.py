"""The protocols that a Source document may name."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

PROTOCOLS: Registry[Any] = Registry(
    "protocol",
    {
        "file": Entry("finport_ingestion.engine.sources.folder:FolderSource"),
        "http": Entry("finport_ingestion.engine.sources.http_api:HttpSource"),
        "sql": Entry("finport_ingestion.engine.sources.sql:SqlSource"),
    },
)
