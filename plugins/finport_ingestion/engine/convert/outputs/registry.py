"""The output formats."""

from __future__ import annotations

from finport_ingestion.engine.convert.outputs.interface import Output
from finport_ingestion.engine.registry import Entry, Registry

OUTPUTS: Registry[type[Output]] = Registry(
    "output format",
    {
        "avro": Entry("finport_ingestion.engine.convert.outputs.avro:AvroOutput"),
        "jsonl": Entry("finport_ingestion.engine.convert.outputs.json_lines:JsonLinesOutput"),
        "orc": Entry("finport_ingestion.engine.convert.outputs.orc:OrcOutput"),
        "parquet": Entry("finport_ingestion.engine.convert.outputs.parquet:ParquetOutput"),
    },
)
