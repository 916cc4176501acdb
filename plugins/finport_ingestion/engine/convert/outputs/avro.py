"""Apache Avro: an object container file, deflate, every column nullable, decimals and moments as logical types."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
from fastavro.write import Writer

from finport_ingestion.engine.convert.reading.leaves import each_leaf
from finport_ingestion.engine.errors import ConfigError

_ROWS = 10_000
_NAME = re.compile(r"[^A-Za-z0-9_]")
_SIMPLE: tuple[tuple[Callable[[pa.DataType], bool], Any], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "long"),
    (pa.types.is_floating, "double"),
    (pa.types.is_string, "string"),
    (pa.types.is_binary, "bytes"),
    (pa.types.is_null, "null"),
    (pa.types.is_date32, {"type": "int", "logicalType": "date"}),
    (pa.types.is_time, {"type": "long", "logicalType": "time-micros"}),
)


class AvroOutput:
    """See the module."""

    suffix = ".avro"

    def open(self, file: BinaryIO, schema: pa.Schema) -> AvroFile:
        return AvroFile(file, schema)

    def relabel(self, file: Path, schema: pa.Schema) -> bool:
        return True  # it tells nothing of its fields but their types


class AvroFile:
    """See OutputFile."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        self._names = _names([field.name for field in schema])
        self._writer: Any = Writer(file, fastavro.parse_schema(_record("Record", schema, self._names)), codec="deflate")
        self.row_count = 0

    @property
    def size_bytes(self) -> int:
        return self._file.tell()

    def write(self, batch: pa.RecordBatch) -> None:
        counted = pa.RecordBatch.from_arrays(
            [_counted(values, name) for name, values in zip(batch.schema.names, batch.columns, strict=True)],
            names=list(self._names.values()),
        )
        for start in range(0, batch.num_rows, _ROWS):
            for row in _rows(counted.slice(start, _ROWS)):
                self._writer.write(row)
        self.row_count += batch.num_rows

    def close(self) -> None:
        self._writer.flush()

    def abandon(self) -> None:
        """What is held back goes nowhere."""


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = batch.to_pylist(maps_as_pydicts="strict")
    except KeyError as error:
        raise ConfigError(f"a map has one key twice, which Avro cannot hold: {error}.", hint="write Parquet") from error
    return rows


def _counted(values: pa.Array, column: str) -> pa.Array:
    """`values` as Avro stores them, so that none becomes a date or time of Python on its way, which reach less far."""

    def change(leaf: pa.Array) -> pa.Array:
        kind = leaf.type
        if pa.types.is_date32(kind):
            return leaf.cast(pa.int32())
        if kind == pa.time64("ns"):
            return _micros(leaf.cast(pa.int64()), column)
        return leaf.cast(pa.int64()) if pa.types.is_time(kind) or pa.types.is_timestamp(kind) else leaf

    return each_leaf(values, change, names=lambda names: list(_names(list(names)).values()))


def _micros(nanoseconds: pa.Int64Array, column: str) -> pa.Int64Array:
    micros = pc.divide(nanoseconds, 1_000)
    if not pc.all(pc.equal(pc.multiply(micros, 1_000), nanoseconds), min_count=0).as_py():
        raise _cut(column)
    return micros


def _record(name: str, fields: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [
            {
                "name": names[field.name],
                "type": ["null", _type(field.type, f"{name}_{names[field.name]}", field.name)],
                "default": None,
                "originalName": field.name,
            }
            for field in fields
        ],
    }


def _type(kind: pa.DataType, name: str, column: str) -> Any:
    if pa.types.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if pa.types.is_timestamp(kind):
        return {"type": "long", "logicalType": _moment(kind, column)}
    if pa.types.is_list(kind):
        return {"type": "array", "items": ["null", _type(kind.value_type, f"{name}_item", column)]}
    if pa.types.is_map(kind) and pa.types.is_string(kind.key_type):
        return {"type": "map", "values": ["null", _type(kind.item_type, f"{name}_value", column)]}
    if pa.types.is_struct(kind):
        fields = [kind.field(at) for at in range(kind.num_fields)]
        return _record(name, fields, _names([field.name for field in fields]))
    found = next((spelled for is_kind, spelled in _SIMPLE if is_kind(kind)), None)
    if found is None:
        raise ConfigError(f"column '{column}' is {kind}, which Avro cannot hold.", hint="write Parquet")
    return found


def _moment(kind: pa.TimestampType, column: str) -> str:
    if kind.unit == "ns":
        raise _cut(column)
    return "timestamp-micros" if kind.tz else "local-timestamp-micros"


def _cut(column: str) -> ConfigError:
    return ConfigError(f"column '{column}' has nanoseconds, which are cut here.", hint="write Parquet")


def _names(delivered: list[str]) -> dict[str, str]:
    """Avro's names: letters, digits and `_`, and no two alike."""
    names: dict[str, str] = {}
    for name in delivered:
        plain = _NAME.sub("_", name)
        plain = f"_{plain}" if not plain or plain[0].isdigit() else plain
        chosen, number = plain, 1
        while chosen in names.values():
            number += 1
            chosen = f"{plain}_{number}"
        names[name] = chosen
    return names
