"""Arrow arrays of any type as arrays of the types that are stored: the same values, without what only Arrow has.

Dictionaries, run ends, views and extensions are ways to pack values; unions and intervals have no column type
elsewhere and become texts.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.nested_types import offsets_by_length, own_offsets
from finport_ingestion.engine.convert.reading.value_texts import as_texts, stamp_texts

_DAY_MS = 86_400_000
_MOST_DIGITS = 76
_UUID = r"^(.{8})(.{4})(.{4})(.{4})(.{12})$"
_WIDE_MOMENTS = ("s", "ms")  # units that reach years which microseconds do not


def plain_batch(batch: pa.RecordBatch, names: list[str]) -> tuple[pa.RecordBatch, tuple[str, ...]]:
    """`batch` under unique `names`, and sentences about what a type did not hold."""
    said: list[str] = []
    arrays = []
    for name, values in zip(names, batch.columns, strict=True):
        found = plain(values)
        arrays.append(found)
        if pa.types.is_date64(values.type) and _has_time_of_day(values):
            said.append(f"column '{name}' is of dates, and some of them hold a time of day: only the day is kept")
    if not arrays:
        return batch, ()
    return pa.RecordBatch.from_arrays(arrays, names=names), tuple(said)


def plain_empty(schema: pa.Schema, names: list[str]) -> pa.RecordBatch:
    """No rows, with the types that rows will have."""
    return pa.RecordBatch.from_arrays([plain(pa.nulls(0, field.type)) for field in schema], names=names)


def plain(values: pa.Array) -> pa.Array:
    """`values` as a stored type."""
    kind = values.type
    for fits, convert in _PACKED:
        if fits(kind):
            return plain(convert(values))
    for fits, convert in _STORED:
        if fits(kind):
            return convert(values)
    return values


def _extension(values: pa.ExtensionArray) -> pa.Array:
    if isinstance(values.type, pa.UuidType):
        digits = pa.array([None if cell is None else cell.hex() for cell in values.storage.to_pylist()], pa.string())
        return pc.replace_substring_regex(digits, _UUID, r"\1-\2-\3-\4-\5")
    if isinstance(values.type, pa.Bool8Type):
        return pc.not_equal(values.storage, pa.scalar(0, pa.int8()))
    return values.storage


def _list(values: pa.Array) -> pa.ListArray:
    field = values.type.value_field
    items = plain(values.flatten())
    kind = pa.list_(pa.field(field.name, items.type, field.nullable))
    return pa.ListArray.from_arrays(offsets_by_length(values), items, type=kind, mask=_mask(values))


def _map(values: pa.MapArray) -> pa.MapArray:
    first, last = values.offsets[0].as_py(), values.offsets[-1].as_py()
    keys = plain(values.keys.slice(first, last - first))
    items = plain(values.items.slice(first, last - first))
    return pa.MapArray.from_arrays(own_offsets(values), keys, items, mask=_mask(values))


def _struct(values: pa.StructArray) -> pa.Array:
    if values.type.num_fields == 0:
        # A type without members holds nothing but whether it is there; Parquet cannot write it.
        return pc.if_else(values.is_valid(), pa.scalar("{}"), pa.scalar(None, pa.string()))
    members = [plain(found) for found in (values.field(at) for at in range(values.type.num_fields))]
    names = [field.name for field in values.type]
    unique = names if len(set(names)) == len(names) and all(names) else unique_names(names)
    fields = [
        pa.field(name, found.type, field.nullable)
        for name, found, field in zip(unique, members, values.type, strict=True)
    ]
    return pa.StructArray.from_arrays(members, fields=fields, mask=_mask(values))


def _decimal(values: pa.Array) -> pa.Array:
    digits, scale = values.type.precision, values.type.scale
    if scale < 0:
        digits, scale = digits - scale, 0
    if scale > digits:
        digits = scale
    if digits > _MOST_DIGITS:
        return as_texts(values)
    target = (pa.decimal256 if digits > 38 else pa.decimal128)(digits, scale)
    return values if values.type == target else values.cast(target)


def _timestamp(values: pa.Array) -> pa.Array:
    """Microseconds; texts where a value is beyond the years that they reach."""
    if values.type.unit not in _WIDE_MOMENTS:
        return values
    try:
        return values.cast(pa.timestamp("us", values.type.tz))
    except pa.ArrowInvalid:
        ticks = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        texts = pa.array(stamp_texts(ticks, values.type.unit, zoned=values.type.tz is not None), pa.string())
        return pc.if_else(values.is_valid(), texts, pa.scalar(None, pa.string()))


def _date64(values: pa.Array) -> pa.Array:
    """The day. Arrow's format forbids a time of day in it; where there is one, this is what Arrow's own cast makes."""
    return values.cast(pa.date32(), safe=False)


def _has_time_of_day(values: pa.Array) -> bool:
    ticks = values.cast(pa.int64())
    whole = pc.multiply(pc.divide(ticks, _DAY_MS), _DAY_MS)
    return bool(pc.any(pc.not_equal(whole, ticks), min_count=0).as_py())


def _mask(values: pa.Array) -> pa.BooleanArray | None:
    return values.is_null() if values.null_count else None


_Test = Callable[[pa.DataType], bool]
_Convert = Callable[[pa.Array], pa.Array]
_kinds = pa.types
_PACKED: tuple[tuple[_Test, _Convert], ...] = (
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _extension),
    (_kinds.is_dictionary, lambda values: values.dictionary_decode()),
    (_kinds.is_run_end_encoded, pc.run_end_decode),
)
_STORED: tuple[tuple[_Test, _Convert], ...] = (
    (_kinds.is_large_string, lambda values: values.cast(pa.string())),
    (_kinds.is_string_view, lambda values: values.cast(pa.string())),
    (_kinds.is_large_binary, lambda values: values.cast(pa.binary())),
    (_kinds.is_fixed_size_binary, lambda values: values.cast(pa.binary())),
    (_kinds.is_binary_view, lambda values: values.cast(pa.binary())),
    (_kinds.is_decimal, _decimal),
    (_kinds.is_timestamp, _timestamp),
    (_kinds.is_date64, _date64),
    (_kinds.is_float16, lambda values: values.cast(pa.float32())),
    (_kinds.is_union, as_texts),
    (_kinds.is_interval, as_texts),
    (_kinds.is_map, _map),
    (_kinds.is_struct, _struct),
    (_kinds.is_nested, _list),
)
