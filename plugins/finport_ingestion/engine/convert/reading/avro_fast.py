"""Blocks of Avro to Arrow by Polars, which has no maps, no unions of several types, and no look at what is left over.

Polars gets plain types only, so that it has nothing to interpret, and all blocks as one with a known record behind the
last. If that record does not come out last, some block was not read to its last byte.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from finport_ingestion.engine.convert.reading.avro_blocks import MAGIC, Block, varint
from finport_ingestion.engine.convert.reading.avro_codecs import BadBlock
from finport_ingestion.engine.convert.reading.avro_schema import Node, to_physical
from finport_ingestion.engine.convert.reading.avro_values import physical_type

_DECODES = frozenset({"boolean", "int", "long", "float", "double", "bytes", "string", "fixed", "enum"})
_SYNC = b"finport-ingestio"
_TEXT = b"the end of the block \xe2\x88\x8e"
_INT, _LONG, _REAL = 0x5EA7BEEF, 0x5EA7_BEEF_CAFE_D00D, 6.02214076e23


def can_decode(node: Node) -> bool:
    """Whether Polars reads everything that `node` holds."""
    if node.kind == "optional":
        return len(node.children) == 2 and can_decode(node.value)
    if node.kind in ("array", "record"):
        return bool(node.children) and all(can_decode(child) for child in node.children)
    return node.kind in _DECODES


class FastDecoder:
    """Decodes blocks of a schema whose root is a record that `can_decode`."""

    def __init__(self, root: Node) -> None:
        self._schema = pa.schema(list(physical_type(root)))
        self._head = _header(json.dumps(to_physical(root)))
        self._last = _sentinel(root)
        self._wanted = self._frame([], count=1).row(0)

    def decode(self, blocks: Sequence[Block]) -> pa.RecordBatch:
        """The records of `blocks`, physically typed.

        Raises:
            BadBlock: They do not decode, or not to the last byte.
        """
        count = sum(block.count for block in blocks)
        frame = self._frame([block.content for block in blocks], count=count + 1)
        if frame.height != count + 1 or frame.row(-1) != self._wanted:
            raise BadBlock("its records do not fill it to the last byte")
        table = frame.head(count).to_arrow().cast(self._schema)
        return table.combine_chunks().to_batches()[0] if count else _nothing(self._schema)

    def _frame(self, contents: Sequence[bytes], *, count: int) -> pl.DataFrame:
        size = sum(map(len, contents)) + len(self._last)
        whole = b"".join([self._head, varint(count), varint(size), *contents, self._last, _SYNC])
        try:
            return pl.read_avro(io.BytesIO(whole))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise BadBlock("its records do not decode") from error


def _header(schema: str) -> bytes:
    entries = [(b"avro.schema", schema.encode()), (b"avro.codec", b"null")]
    written = b"".join(varint(len(part)) + part for entry in entries for part in entry)
    return MAGIC + varint(len(entries)) + written + varint(0) + _SYNC


def _sentinel(node: Node) -> bytes:
    """One value of `node`, encoded."""
    if node.kind == "record":
        return b"".join(map(_sentinel, node.children))
    if node.kind == "optional":
        return varint(node.children.index(node.value)) + _sentinel(node.value)
    if node.kind == "array":
        return varint(1) + _sentinel(node.children[0]) + varint(0)
    if node.kind == "fixed":
        return (_TEXT * (node.size // len(_TEXT) + 1))[: node.size]
    if node.kind in ("string", "bytes"):
        return varint(len(_TEXT)) + _TEXT
    if node.kind in ("int", "enum", "long"):
        return varint(_LONG if node.kind == "long" else _INT)
    return {"boolean": b"\x01", "float": struct.pack("<f", _REAL), "double": struct.pack("<d", _REAL)}[node.kind]


def _nothing(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
