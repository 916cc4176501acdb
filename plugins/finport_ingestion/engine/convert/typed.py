"""Columns that arrive with types: how each is stored, how the types of parts agree, exact casts to a contract."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import numerals
from finport_ingestion.engine.convert.cast import Casting, Reading, cast_text, either, localised
from finport_ingestion.engine.convert.reading.nested_types import cast_nested, unify_nested
from finport_ingestion.engine.convert.reading.value_texts import as_texts
from finport_ingestion.engine.logical import LogicalType, to_arrow

_UINT64 = pa.decimal128(20, 0)
_INT64 = pa.decimal128(19, 0)
_NS_REACH_MICROS = (1 << 63) // 1_000 - 1
_STORED = (
    (pa.types.is_float16, pa.float32()),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
)


@dataclass(frozen=True, slots=True)
class TypedEvidence:
    """The types that a column had in the parts so far, as they are stored."""

    values: int = 0
    nulls: int = 0
    types: tuple[pa.DataType, ...] = ()
    far: bool = False  # a moment is of a year that nanoseconds do not reach

    def __add__(self, other: TypedEvidence) -> TypedEvidence:
        types = {str(found): found for found in (*self.types, *other.types)}
        ordered = tuple(types[name] for name in sorted(types))
        return TypedEvidence(self.values + other.values, self.nulls + other.nulls, ordered, self.far or other.far)

    @property
    def unified(self) -> pa.DataType:
        """The one type that holds them all."""
        found = reduce(unify, self.types, pa.null())
        finest = pa.types.is_timestamp(found) and found.unit == "ns"
        return pa.string() if finest and self.far else found

    def to_plain(self) -> dict[str, Any]:
        types = [type_to_text(found) for found in self.types]
        return {"values": self.values, "nulls": self.nulls, "types": types, "far": self.far}

    @staticmethod
    def from_plain(fields: dict[str, Any]) -> TypedEvidence:
        types = tuple(type_from_text(text) for text in fields["types"])
        return TypedEvidence(fields["values"], fields["nulls"], types, fields["far"])


def look_typed(values: pa.Array) -> TypedEvidence:
    """The evidence of some values. Nanoseconds count only where a value has some."""
    stored = storage_type(values.type)
    if pa.types.is_timestamp(stored) and stored.unit == "ns" and not _has_nanoseconds(values):
        stored = pa.timestamp("us", stored.tz)
    return TypedEvidence(len(values) - values.null_count, values.null_count, (stored,), _is_far(values))


def type_to_text(found: pa.DataType) -> str:
    """An Arrow type as text that `type_from_text` reads back, nested ones too."""
    return base64.b64encode(pa.schema([pa.field("", found)]).serialize().to_pybytes()).decode()


def type_from_text(text: str) -> pa.DataType:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))).field(0).type


def storage_type(delivered: pa.DataType) -> pa.DataType:
    """How values of a type are stored: the same value, in the one spelling that all files of a dataset share."""
    kinds = pa.types
    if kinds.is_dictionary(delivered):
        return storage_type(delivered.value_type)
    if kinds.is_temporal(delivered):
        return _stored_moment(delivered)
    if kinds.is_decimal(delivered):
        wide = delivered.precision > 38
        return (pa.decimal256 if wide else pa.decimal128)(delivered.precision, delivered.scale)
    if kinds.is_integer(delivered):
        return _UINT64 if delivered == pa.uint64() else pa.int64()
    return next((stored for is_kind, stored in _STORED if is_kind(delivered)), delivered)


def _stored_moment(delivered: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(delivered):
        return pa.timestamp("ns" if delivered.unit == "ns" else "us", delivered.tz)
    if pa.types.is_time(delivered):
        return delivered if delivered == pa.time64("ns") else pa.time64("us")
    return pa.date32() if pa.types.is_date(delivered) else delivered


def unify(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that holds the values of both without loss; text where there is no other."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_timestamp(one) and pa.types.is_timestamp(other) and one.tz == other.tz:
        return pa.timestamp("ns", one.tz)
    nested = unify_nested(one, other, unify)
    if nested is not None:
        return nested
    if pa.types.is_floating(one) and pa.types.is_floating(other):
        return pa.float64()
    left, right = (_INT64 if pa.types.is_integer(found) else found for found in (one, other))
    if pa.types.is_decimal(left) and pa.types.is_decimal(right):
        scale = max(left.scale, right.scale)
        precision = max(left.precision - left.scale, right.precision - right.scale) + scale
        if precision <= 76:
            return (pa.decimal256 if precision > 38 else pa.decimal128)(precision, scale)
    return pa.string()


def spelled(found: pa.DataType) -> str:
    """The logical type that an Arrow type is, or Arrow's own name for it."""
    kinds = pa.types
    if kinds.is_decimal(found):
        return str(LogicalType("decimal", found.precision, found.scale))
    if kinds.is_timestamp(found) and found.unit == "us":
        return str(LogicalType("timestamp", time_zone=found.tz))
    simple = {"string": "text", "null": "text", "int64": "integer", "double": "float", "bool": "boolean"}
    return {**simple, "date32[day]": "date", "time64[us]": "time", "binary": "binary"}.get(str(found), str(found))


def cast_typed(values: pa.Array, target: pa.DataType) -> Casting:
    """`values` as the type that the run stores; it holds them all, so nothing is a misfit."""
    if values.type == target:
        return Casting(values)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return Casting(_cast_exactly(values, target))


def _cast_exactly(values: pa.Array, target: pa.DataType) -> pa.Array:
    if values.type == target:
        return values
    if target == pa.string() and not _is_text(values.type):
        return as_texts(values)
    if pa.types.is_nested(target) and pa.types.is_nested(values.type):
        return cast_nested(values, target, _cast_exactly)
    return values.cast(target)


def cast_agreed(values: pa.Array, logical: LogicalType, *, way: str | None, reading: Reading) -> Casting:
    """`values` as the contract's type: exactly, or as a misfit."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    target, delivered = to_arrow(logical), values.type
    if delivered == target:
        return Casting(values)
    if pa.types.is_null(delivered):
        return Casting(pa.nulls(len(values), target))
    if target == pa.string():
        return Casting(values.cast(target) if _is_text(delivered) else as_texts(values))
    if _is_text(delivered):
        return cast_text(values.cast(pa.string()), logical, way=way, reading=reading)
    if pa.types.is_timestamp(delivered):
        return _timestamps(values, logical, reading)
    if _is_number(delivered) and logical.kind in ("integer", "decimal"):
        return _numbers(values, logical, reading)
    return _safely(values, target)


def _numbers(values: pa.Array, logical: LogicalType, reading: Reading) -> Casting:
    """By way of plain digits: a binary float is its shortest decimal text, as a person would write it."""
    texts = as_texts(values)
    if logical.kind == "integer":
        texts = pc.replace_substring_regex(texts, r"\.0+$", "")
    plain = Reading(time_zone=reading.time_zone)
    casting = cast_text(texts, logical, way=None, reading=plain)
    return Casting(casting.values, either(casting.misfits, numerals.misfits(values, texts.is_valid())))


def _timestamps(values: pa.Array, logical: LogicalType, reading: Reading) -> Casting:
    if logical.kind == "date":
        days = values.cast(pa.date32(), safe=False)
        midnight = pc.equal(days.cast(pa.timestamp(values.type.unit, values.type.tz)), values)
        return Casting(_where(days, midnight), numerals.misfits(values, midnight))
    target = to_arrow(logical)
    if logical.kind != "timestamp" or (values.type.tz is None) < (logical.time_zone is None):
        return Casting(pa.nulls(len(values), target), values.is_valid())
    micros = _safely(values, pa.timestamp("us", values.type.tz))
    if values.type.tz is None and logical.time_zone is not None:
        local = localised(micros.values, time_zone=reading.time_zone or "UTC")
        return Casting(local.values.cast(target), either(micros.misfits, local.misfits))
    return Casting(micros.values.cast(target), micros.misfits)


def _safely(values: pa.Array, target: pa.DataType) -> Casting:
    """Arrow's safe cast; where the whole array does not pass, value by value."""
    try:
        return Casting(values.cast(target))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        cells = [_safe_cell(values.slice(at, 1), target) for at in range(len(values))]
    found = pa.concat_arrays(cells) if cells else pa.array([], target)
    return Casting(found, numerals.misfits(values, found.is_valid()))


def _safe_cell(cell: pa.Array, target: pa.DataType) -> pa.Array:
    try:
        return cell.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(1, target)


def _is_far(values: pa.Array) -> bool:
    if not pa.types.is_timestamp(values.type) or values.type.unit != "us":
        return False
    ends = pc.min_max(values.cast(pa.int64()))
    return any(abs(end) > _NS_REACH_MICROS for end in (ends["min"].as_py(), ends["max"].as_py()) if end is not None)


def _has_nanoseconds(values: pa.Array) -> bool:
    try:
        values.cast(pa.timestamp("us", values.type.tz))
    except pa.ArrowInvalid:
        return True
    return False


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind))


def _where(values: pa.Array, fits: pa.BooleanArray) -> pa.Array:
    return pc.if_else(fits, values, pa.scalar(None, values.type))
