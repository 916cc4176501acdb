"""The formats that a document may name."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

FORMATS: Registry[Any] = Registry(
    "format",
    {
        "csv": Entry("finport_ingestion.engine.convert.formats.delimited:CsvFormat"),
        "json": Entry("finport_ingestion.engine.convert.formats.json_document:JsonFormat"),
        "ndjson": Entry("finport_ingestion.engine.convert.formats.json_lines:NdjsonFormat"),
        "parquet": Entry("finport_ingestion.engine.convert.formats.parquet:ParquetFormat"),
        "psv": Entry("finport_ingestion.engine.convert.formats.delimited:PsvFormat"),
        "tsv": Entry("finport_ingestion.engine.convert.formats.delimited:TsvFormat"),
    },
)
