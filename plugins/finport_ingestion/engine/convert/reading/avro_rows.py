"""Avro as typed batches: blocks gathered, decoded by the fastest decoder that has all types of the schema."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.ahead import Ahead
from finport_ingestion.engine.convert.reading.avro_blocks import Block, Container
from finport_ingestion.engine.convert.reading.avro_codecs import BadBlock
from finport_ingestion.engine.convert.reading.avro_exact import ExactDecoder
from finport_ingestion.engine.convert.reading.avro_fast import FastDecoder, can_decode
from finport_ingestion.engine.convert.reading.avro_schema import Node, parse_schema
from finport_ingestion.engine.convert.reading.avro_values import logical_values, physical_type
from finport_ingestion.engine.convert.reading.typed_rows import (
    Found,
    first_rows,
    is_empty,
    refused,
    typed_batches,
)
from finport_ingestion.engine.errors import FormatError

_CHUNK_BYTES = 8 << 20
_THREADS = 2
_FIX = "the file is cut or damaged: ask for it again"


class Decoder(Protocol):
    def decode(self, blocks: list[Block]) -> pa.RecordBatch: ...


def read_avro(raw: RawFile) -> Iterator[Batch]:
    """Every record of `raw`, in order.

    Raises:
        FormatError: It is no Avro file, cut or damaged, or of a schema that no table holds.
    """
    if is_empty(raw):
        return
    yield from _read(raw, chunk_bytes=_CHUNK_BYTES)


def sample_avro(raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
    """The types, and the first records."""
    if not is_empty(raw):
        yield from first_rows(_read(raw, chunk_bytes=size_bytes))


def _read(raw: RawFile, *, chunk_bytes: int) -> Iterator[Batch]:
    with raw.open() as stream, refused(raw, form="Avro"):
        container = Container(raw, stream)
        root = parse_schema(container.header.schema, nesting=raw.limits.nesting, uri=raw.uri)
        if root.kind != "record":
            # One field encodes as the value alone.
            root = Node(kind="record", names=("value",), children=(root,))
        _refuse_no_fields(raw, root)
        chunks = _ahead(_chunks(raw, container, chunk_bytes, least=_least(root)))
        yield from typed_batches(_schema(root), _found(raw, root, chunks))


def _schema(root: Node) -> pa.Schema:
    empty = logical_values(root, pa.nulls(0, physical_type(root)))
    return pa.schema(list(empty.type))


def _found(raw: RawFile, root: Node, chunks: Iterator[list[Block]]) -> Iterator[Found]:
    """The records of each chunk, in order; several are decoded at a time where that is not Python's work."""
    fast = can_decode(root)
    decoder: Decoder = FastDecoder(root) if fast else ExactDecoder(root)
    with Ahead[Found](_THREADS if fast else 1) as ahead:
        for chunk in chunks:
            yield from ahead.submit(functools.partial(_decoded, raw, decoder, root, chunk))
        yield from ahead.drain()


def _decoded(raw: RawFile, decoder: Decoder, root: Node, chunk: list[Block]) -> Found:
    start = chunk[0].offset_bytes
    try:
        batch = decoder.decode(chunk)
        columns = [logical_values(child, values) for child, values in zip(root.children, batch.columns, strict=True)]
    except (BadBlock, pa.ArrowInvalid, pa.ArrowIndexError) as error:
        raise FormatError(
            f"{raw.uri}: a block from byte {start} on: {error}.", offset_bytes=start, hint=_FIX
        ) from error
    records = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    return records, sum(block.size_bytes for block in chunk)


def _chunks(raw: RawFile, container: Container, size_bytes: int, *, least: int) -> Iterator[list[Block]]:
    """Blocks, gathered to about so many unpacked bytes."""
    chunk: list[Block] = []
    size = 0
    for block in container.blocks():
        if block.count * least > len(block.content):
            raise FormatError(
                f"{raw.uri}: byte {block.offset_bytes}: a block says that it has {block.count} records, in "
                f"{len(block.content)} bytes.",
                offset_bytes=block.offset_bytes,
                hint=_FIX,
            )
        chunk.append(block)
        size += len(block.content)
        if size >= size_bytes:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _ahead(chunks: Iterator[list[Block]]) -> Iterator[list[Block]]:
    """The same, unpacked by a thread while the one before is decoded."""
    with ThreadPoolExecutor(1, thread_name_prefix="avro") as thread:
        coming = thread.submit(next, chunks, None)
        while chunk := coming.result():
            coming = thread.submit(next, chunks, None)
            yield chunk


def _least(node: Node) -> int:
    """Fewest bytes that a value takes: no block has more records than that allows."""
    if node.kind == "record":
        return sum(map(_least, node.children))
    if node.kind in ("optional", "union"):
        return 1 + min(map(_least, node.children))
    if node.kind == "tree":
        return _least(node.children[0])
    return {"null": 0, "again": 0, "float": 4, "double": 8, "fixed": node.size}.get(node.kind, 1)


def _refuse_no_fields(raw: RawFile, root: Node) -> None:
    if _least(root) == 0:
        raise FormatError(
            f"{raw.uri}: its records hold no values at all.", offset_bytes=4, hint="ask the source what it sent"
        )
