"""JSON Lines: one object a record; decimals are numbers with all of their digits, dates and times are ISO 8601."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from finport_ingestion.engine.convert.reading.leaves import any_leaf, each_leaf
from finport_ingestion.engine.convert.reading.value_texts import spelled_moments

_ROWS = 10_000
_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS


class JsonLinesOutput:
    """See the module."""

    suffix = ".jsonl"

    def open(self, file: BinaryIO, schema: pa.Schema) -> JsonLinesFile:
        return JsonLinesFile(file, schema)

    def relabel(self, file: Path, schema: pa.Schema) -> bool:
        return True  # it tells nothing of its fields


class JsonLinesFile:
    """See OutputFile."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        # JSON has no NaN and no Infinity: where a column may hold them, every float is looked at.
        self._floats = [field.name for field in schema if any_leaf(field.type, pa.types.is_floating)]
        self._temporal = [at for at, field in enumerate(schema) if any_leaf(field.type, pa.types.is_temporal)]
        self.size_bytes = 0
        self.row_count = 0

    def write(self, batch: pa.RecordBatch) -> None:
        for start in range(0, batch.num_rows, _ROWS):
            rows = self._spelled(batch.slice(start, _ROWS)).to_pylist()
            for name in self._floats:
                for row in rows:
                    row[name] = _finite(row[name])
            content = b"".join(orjson.dumps(row, default=_spelled, option=_OPTIONS) for row in rows)
            self._file.write(content)
            self.size_bytes += len(content)
        self.row_count += batch.num_rows

    def _spelled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for at in self._temporal:
            batch = batch.set_column(at, batch.schema.names[at], each_leaf(batch.column(at), spelled_moments))
        return batch

    def close(self) -> None:
        self._file.flush()

    def abandon(self) -> None:
        """Nothing is held back."""


def _spelled(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _finite(value: Any) -> Any:
    """`value` with NaN and Infinity as texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, Mapping):
        return {key: _finite(found) for key, found in value.items()}
    # A map is a list of pairs.
    return [_finite(found) for found in value] if isinstance(value, (list, tuple)) else value
