"""Arrow schemas of a dataset over its runs: one that holds all values exactly, and how a schema is written down."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

import pyarrow as pa

from finport_ingestion.engine.errors import ContractBroken

_PRECISION_128, _PRECISION_256 = 38, 76
_INTEGER_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
_UNITS = ("s", "ms", "us")
_FIELD_ID = b"PARQUET:field_id"  # of the file that the column was read from; means nothing in another file


class _NoCommonType(Exception):
    """Two types of which none holds the other's values exactly."""


def unify(schemas: Iterable[pa.Schema], *, dataset: str) -> pa.Schema:
    """One schema for all: every column, in the order of its first appearance, in a type that holds every value exactly.

    Raises:
        ContractBroken: A column has two types that cannot meet.
    """
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            known = fields.get(field.name)
            if known is None:
                fields[field.name] = _published(field)
                continue
            try:
                fields[field.name] = known.with_type(widen(known.type, field.type))
            except _NoCommonType:
                raise ContractBroken(
                    f"{dataset}: column '{field.name}' is published as {known.type} and is now {field.type}; "
                    "no type holds both exactly.",
                    hint=f"name the column's type in the contract, or publish into another dataset than {dataset}",
                ) from None
    return pa.schema(list(fields.values()))


def widen(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """The narrowest type that holds the values of both exactly."""
    left, right = _plain(left), _plain(right)
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    for rule in (_widen_number, _widen_time, _widen_nested, _widen_text):
        wider = rule(left, right)
        if wider is not None:
            return wider
    raise _NoCommonType


def fingerprint(schema: pa.Schema) -> str:
    """Short digest of names, types and order."""
    return hashlib.sha256("\n".join(f"{field.name}\t{field.type}" for field in schema).encode()).hexdigest()[:16]


def encode(schema: pa.Schema) -> str:
    """The schema as text, exactly, with the fields' metadata (base64 of Arrow IPC)."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def decode(text: str) -> pa.Schema:
    """What `encode` wrote."""
    return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text)))


def _published(field: pa.Field) -> pa.Field:
    metadata = {key: value for key, value in (field.metadata or {}).items() if key != _FIELD_ID}
    return pa.field(field.name, _plain(field.type), nullable=True, metadata=metadata or None)


def _plain(of: pa.DataType) -> pa.DataType:
    """Without encodings that mean nothing to the values."""
    if pa.types.is_dictionary(of):
        return _plain(of.value_type)
    if pa.types.is_large_string(of):
        return pa.string()
    if pa.types.is_large_binary(of):
        return pa.binary()
    return pa.timestamp("us", tz=of.tz) if pa.types.is_timestamp(of) and of.unit in _UNITS else of


def _digits(of: pa.DataType) -> tuple[int, int] | None:
    """(digits before the point, digits after it) that a whole or decimal number needs."""
    if pa.types.is_integer(of):
        return _INTEGER_DIGITS[of.bit_width] + (of == pa.uint64()), 0
    return (of.precision - of.scale, of.scale) if pa.types.is_decimal(of) else None


def _widen_number(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    if pa.types.is_signed_integer(left) and pa.types.is_signed_integer(right):
        return left if left.bit_width >= right.bit_width else right
    if pa.types.is_floating(left) and pa.types.is_floating(right):
        return left if left.bit_width >= right.bit_width else right
    sides = _digits(left), _digits(right)
    if sides[0] is None or sides[1] is None:
        return None
    whole, scale = max(sides[0][0], sides[1][0]), max(sides[0][1], sides[1][1])
    if whole + scale > _PRECISION_256:
        return None
    return (pa.decimal128 if whole + scale <= _PRECISION_128 else pa.decimal256)(whole + scale, scale)


def _widen_time(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    if pa.types.is_timestamp(left) and pa.types.is_timestamp(right):
        # Both are instants, so a zone is only a way to show them; the first one stays.
        return left if left.unit == right.unit and (left.tz is None) == (right.tz is None) else None
    return pa.date32() if pa.types.is_date(left) and pa.types.is_date(right) else None


def _widen_nested(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    if pa.types.is_list(left) and pa.types.is_list(right):
        return pa.list_(widen(left.value_type, right.value_type))
    if not (pa.types.is_struct(left) and pa.types.is_struct(right)):
        return None
    fields = {field.name: field.type for field in left}
    for field in right:
        fields[field.name] = widen(fields[field.name], field.type) if field.name in fields else field.type
    return pa.struct([pa.field(name, of) for name, of in fields.items()])


def _widen_text(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    other = right if pa.types.is_string(left) else left
    if not (pa.types.is_string(left) or pa.types.is_string(right)):
        return None
    # Only types with one spelling, the same in Arrow, DuckDB, Polars and PostgreSQL.
    exact = pa.types.is_integer(other) or pa.types.is_decimal(other) or pa.types.is_date(other)
    return pa.string() if exact else None
