"""Avro's logical types out of the integers and bytes that carry them, as Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.avro_schema import Node
from finport_ingestion.engine.convert.reading.nested_types import offsets_by_length, own_offsets
from finport_ingestion.engine.convert.reading.value_texts import iso_duration
from finport_ingestion.engine.convert.reading.wide_decimals import from_words, small_from_words

_PRIMITIVE = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "fixed": pa.binary(),
    "enum": pa.int32(),
}
_SMALL, _LARGE = 16, 32  # bytes of the two decimals
_MOST_DIGITS, _MOST_SMALL_DIGITS = 76, 38
_UUID = r"^(.{8})(.{4})(.{4})(.{4})(.{12})$"
_MOMENTS = {
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "timestamp-nanos": pa.timestamp("ns", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "local-timestamp-nanos": pa.timestamp("ns"),
}


def physical_type(node: Node) -> pa.DataType:
    """What a decoder gives for `node`."""
    if node.kind in _PRIMITIVE:
        return _PRIMITIVE[node.kind]
    if node.kind == "optional":
        return physical_type(node.value)
    if node.kind == "union":
        return union_type(node)
    if node.kind == "tree":
        return pa.string()
    inside = [physical_type(child) for child in node.children]
    if node.kind == "record":
        return pa.struct(list(zip(node.names, inside, strict=True)))
    return pa.list_(inside[0]) if node.kind == "array" else pa.map_(pa.string(), inside[0])


def union_type(node: Node) -> pa.DataType:
    """The type that holds all branches of a union: a number where all are numbers of a kind, else text."""
    plain = {child.kind if not child.logical else "text" for child in node.children if child.kind != "null"}
    if plain <= {"int", "long"}:
        return pa.int64()
    return pa.float64() if plain <= {"float", "double"} else pa.string()


def logical_values(node: Node, values: pa.Array) -> pa.Array:
    """`values` of the physical type, as what they mean.

    Raises:
        ArrowInvalid: They mean nothing: an enum without such a symbol, a decimal of more than 76 digits.
    """
    if node.kind == "optional":
        return logical_values(node.value, values)
    if not _means_more(node):
        return values
    if node.kind == "enum":
        return _symbols(node, values)
    if node.kind in _NESTED:
        return _NESTED[node.kind](node, values)
    if node.logical in _MOMENTS:
        return _moments(values, _MOMENTS[node.logical])
    return _LOGICAL[node.logical](node, values)


def _means_more(node: Node) -> bool:
    if node.kind in ("union", "tree"):
        return False
    return node.kind == "enum" or bool(node.logical) or any(_means_more(child) for child in node.children)


def _record(node: Node, values: pa.StructArray) -> pa.Array:
    members = [logical_values(child, values.field(at)) for at, child in enumerate(node.children)]
    return pa.StructArray.from_arrays(members, names=list(node.names), mask=_mask(values))


def _array(node: Node, values: pa.ListArray) -> pa.Array:
    items = logical_values(node.children[0], values.flatten())
    return pa.ListArray.from_arrays(offsets_by_length(values), items, mask=_mask(values))


def _map(node: Node, values: pa.MapArray) -> pa.Array:
    first, last = values.offsets[0].as_py(), values.offsets[-1].as_py()
    items = logical_values(node.children[0], values.items.slice(first, last - first))
    keys = values.keys.slice(first, last - first)
    return pa.MapArray.from_arrays(own_offsets(values), keys, items, mask=_mask(values))


def _symbols(node: Node, values: pa.Array) -> pa.Array:
    return pa.array(node.symbols, pa.string()).take(values)


def _moments(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values.view(kind)


def _decimals(node: Node, values: pa.Array) -> pa.Array:
    lengths = pc.binary_length(values)
    longest = pc.max(lengths).as_py() or 0
    if pc.min(lengths).as_py() == 0:
        raise pa.ArrowInvalid("a decimal of no bytes")
    if longest > _LARGE or node.precision > _MOST_DIGITS:
        raise pa.ArrowInvalid(f"a decimal of {longest} bytes, and a precision of {node.precision} digits")
    valid = values.is_valid()
    if longest <= _SMALL and node.precision <= _MOST_SMALL_DIGITS:
        found = small_from_words(_words(values, _SMALL), valid, precision=node.precision, scale=node.scale)
    else:
        found = from_words(_words(values, _LARGE), valid, scale=node.scale)
    # Whether it fits the precision is checked, and put right, where all batches are.
    return found


def _words(values: pa.Array, size: int) -> np.ndarray:
    """Big-endian two's complement of any length as little-endian words of `size` bytes, one a row; nulls are 0."""
    large = pa.types.is_large_binary(values.type)
    _, offsets, content = values.buffers()
    ends = np.frombuffer(offsets, np.int64 if large else np.int32)[values.offset : values.offset + len(values) + 1]
    whole = np.frombuffer(content, np.uint8) if content is not None and content.size else np.zeros(1, np.uint8)
    starts, lengths = ends[:-1].astype(np.int64), np.diff(ends).astype(np.int64)
    words = np.zeros((len(values), size), np.uint8)
    if len(values):
        first = whole[np.minimum(starts, len(whole) - 1)]
        words[(first & 0x80 != 0) & (lengths > 0)] = 0xFF
    for place in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero(lengths > place)
        words[rows, place] = whole[starts[rows] + lengths[rows] - 1 - place]
    return words


def _big_decimals(node: Node, values: pa.Array) -> pa.Array:
    """Each with a scale of its own, so they are texts."""
    from finport_ingestion.engine.convert.reading.avro_exact import big_decimal

    texts = [None if cell is None else format(big_decimal(cell), "f") for cell in values.to_pylist()]
    return pa.array(texts, pa.string())


def _uuids(node: Node, values: pa.Array) -> pa.Array:
    if node.kind == "string":
        return values
    digits = pa.array([None if cell is None else cell.hex() for cell in values.to_pylist()], pa.string())
    return pc.replace_substring_regex(digits, _UUID, r"\1-\2-\3-\4-\5")


def _durations(node: Node, values: pa.Array) -> pa.Array:
    return pa.array([None if cell is None else duration_text(cell) for cell in values.to_pylist()], pa.string())


def duration_text(cell: bytes) -> str:
    months, days, millis = (int.from_bytes(cell[at : at + 4], "little") for at in (0, 4, 8))
    return iso_duration(months, days, millis * 1_000_000)


def _mask(values: pa.Array) -> pa.Array | None:
    return values.is_null() if values.null_count else None


_Convert = Callable[[Node, pa.Array], pa.Array]
_NESTED: dict[str, _Convert] = {"record": _record, "array": _array, "map": _map}
_LOGICAL: dict[str, _Convert] = {
    "decimal": _decimals,
    "big-decimal": _big_decimals,
    "uuid": _uuids,
    "duration": _durations,
}
