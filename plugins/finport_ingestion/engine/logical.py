"""The closed set of logical types, and the one way from each of them to Arrow.

Documents write them as text: `text`, `identifier`, `integer`, `decimal(18,4)`, `float`, `boolean`, `date`, `time`,
`timestamp`, `timestamp(Europe/Berlin)`, `binary`, `json`. Nested columns are written as Arrow writes them and only come
out of nested formats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

SIMPLE = ("text", "identifier", "integer", "float", "boolean", "date", "time", "binary", "json")
_DECIMAL = re.compile(r"^decimal\((\d{1,2}),\s*(\d{1,2})\)$")
_TIMESTAMP = re.compile(r"^timestamp(?:\(([A-Za-z0-9_+\-/]+)\))?$")
_MAX_PRECISION = 76
_PRECISION_128 = 38


@dataclass(frozen=True, slots=True)
class LogicalType:
    """One type as a document names it; `str()` gives that spelling back."""

    kind: str
    precision: int = 0
    scale: int = 0
    time_zone: str | None = None

    def __str__(self) -> str:
        if self.kind == "decimal":
            return f"decimal({self.precision},{self.scale})"
        return f"timestamp({self.time_zone})" if self.time_zone else self.kind


def parse_logical(text: str) -> LogicalType:
    """The type that `text` spells.

    Raises:
        ValueError: It spells none; the message lists the spellings.
    """
    if text in SIMPLE:
        return LogicalType(text)
    if match := _TIMESTAMP.match(text):
        return LogicalType("timestamp", time_zone=match.group(1))
    match = _DECIMAL.match(text)
    if match is None:
        raise ValueError(
            f"a type is one of {', '.join(SIMPLE)}, decimal(precision,scale), timestamp or timestamp(zone)"
        )
    precision, scale = int(match.group(1)), int(match.group(2))
    if not 1 <= precision <= _MAX_PRECISION or scale > precision:
        raise ValueError(f"a decimal has a precision of 1 to {_MAX_PRECISION} and a scale no larger than it")
    return LogicalType("decimal", precision, scale)


def to_arrow(logical: LogicalType) -> pa.DataType:
    """The Arrow type that stores `logical`; timestamps are microseconds."""
    import pyarrow as pa

    if logical.kind == "decimal":
        wide = logical.precision > _PRECISION_128
        return (pa.decimal256 if wide else pa.decimal128)(logical.precision, logical.scale)
    if logical.kind == "timestamp":
        return pa.timestamp("us", tz=logical.time_zone)
    return {
        "text": pa.string(),
        "identifier": pa.string(),
        "json": pa.string(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time": pa.time64("us"),
        "binary": pa.binary(),
    }[logical.kind]
