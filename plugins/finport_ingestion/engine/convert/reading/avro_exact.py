"""Blocks of Avro to Arrow by fastavro, record by record: everything the format has."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa

from finport_ingestion.engine.convert.reading.avro_blocks import Block
from finport_ingestion.engine.convert.reading.avro_codecs import BadBlock
from finport_ingestion.engine.convert.reading.avro_schema import Node, to_physical
from finport_ingestion.engine.convert.reading.avro_values import physical_type, union_type
from finport_ingestion.engine.convert.reading.value_texts import text_of

_MOST_SCALE = 10_000
_Prepare = Callable[[Any], Any]


class ExactDecoder:
    """Decodes blocks of a schema whose root is a record."""

    def __init__(self, root: Node) -> None:
        self._schema = fastavro.parse_schema(to_physical(root))
        self._type = physical_type(root)
        self._prepare = _preparing(root) or _same

    def decode(self, blocks: Sequence[Block]) -> pa.RecordBatch:
        """The records of `blocks`, physically typed.

        Raises:
            BadBlock: They do not decode, or not to the last byte.
        """
        try:
            records = [self._prepare(record) for block in blocks for record in self._records(block)]
        except RecursionError as error:
            raise BadBlock("it has a record that holds itself deeper than can be read") from error
        found = pa.array(records, self._type)
        return pa.RecordBatch.from_struct_array(found)

    def _records(self, block: Block) -> Iterator[Any]:
        stream = io.BytesIO(block.content)
        try:
            for _ in range(block.count):
                yield fastavro.schemaless_reader(stream, self._schema, None)
        except (EOFError, IndexError, ValueError, TypeError, OverflowError, struct.error) as error:
            raise BadBlock("its records do not decode") from error
        if stream.tell() != len(block.content):
            raise BadBlock("it is longer than its records")


def big_decimal(cell: bytes) -> Decimal:
    """A number of logical type big-decimal: its digits as bytes, then its scale.

    Raises:
        ArrowInvalid: It is none.
    """
    stream = io.BytesIO(cell)
    try:
        digits = fastavro.schemaless_reader(stream, "bytes", None)
        scale = fastavro.schemaless_reader(stream, "int", None)
    except (EOFError, IndexError) as error:
        raise pa.ArrowInvalid("a big decimal that is cut") from error
    if not isinstance(scale, int) or not isinstance(digits, bytes) or abs(scale) > _MOST_SCALE:
        raise pa.ArrowInvalid("a big decimal that is none")
    return Decimal(int.from_bytes(digits, "big", signed=True)).scaleb(-scale)


def _preparing(node: Node) -> _Prepare | None:
    """What makes decoded values such as Arrow takes: maps as pairs, unions of several types as one. None: nothing."""
    if node.kind == "tree":
        return text_of
    if node.kind == "union":
        return text_of if pa.types.is_string(union_type(node)) else None
    inside = [_preparing(child) for child in node.children]
    if node.kind == "map":
        each = inside[0] or _same
        return lambda value: [(key, each(item)) for key, item in value.items()]
    if all(found is None for found in inside):
        return None
    if node.kind == "record":
        named = [(name, found) for name, found in zip(node.names, inside, strict=True) if found is not None]
        return lambda value: value | {name: found(value[name]) for name, found in named}
    each = next(found for found in inside if found is not None)
    if node.kind == "array":
        return lambda value: [each(item) for item in value]
    return lambda value: None if value is None else each(value)


def _same(value: Any) -> Any:
    return value
