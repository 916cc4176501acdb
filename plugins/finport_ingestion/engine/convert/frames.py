"""What a process and its reading child say to each other: a JSON header, and the columns of a batch as Arrow IPC.

No pickles: a child that a hostile file has taken over could run code in its parent by them.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin

_LENGTHS = struct.Struct("<IQ")  # of the header, of the body
_MOST_HEADER_BYTES = 256 << 20
_MOST_BODY_BYTES = 4 << 30
_ROWS = ""  # a column's name is never blank

ReadInto = Callable[[memoryview], None]
"""Fills a buffer to its end, or raises EOFError."""


def send(file_number: int, header: Mapping[str, Any], body: pa.Buffer | bytes = b"") -> None:
    """Write one frame."""
    text = json.dumps(header).encode()
    size = body.size if isinstance(body, pa.Buffer) else len(body)
    parts = [memoryview(_LENGTHS.pack(len(text), size) + text), memoryview(body).cast("B") if size else memoryview(b"")]
    while any(len(part) for part in parts):
        written = os.writev(file_number, parts)
        for at, part in enumerate(parts):
            parts[at], written = part[written:], max(0, written - len(part))


def receive(read_into: ReadInto) -> tuple[dict[str, Any], pa.Buffer]:
    """Read one frame.

    Raises:
        EOFError: There is none, or it is no frame.
    """
    lengths = bytearray(_LENGTHS.size)
    read_into(memoryview(lengths))
    header_bytes, body_bytes = _LENGTHS.unpack(lengths)
    if header_bytes > _MOST_HEADER_BYTES or body_bytes > _MOST_BODY_BYTES:
        raise EOFError("no frame")
    header = bytearray(header_bytes)
    read_into(memoryview(header))
    body = pa.allocate_buffer(body_bytes)
    if body_bytes:
        read_into(memoryview(body).cast("B"))
    try:
        found = json.loads(header)
    except ValueError as error:
        raise EOFError("no frame") from error
    return found, body


def pack_batch(batch: Batch) -> tuple[dict[str, Any], pa.Buffer]:
    """Header and body of a batch."""
    columns = batch.columns
    schema = columns.schema.append(pa.field(_ROWS, pa.int64()))
    whole = pa.RecordBatch.from_arrays([*columns.columns, batch.rows], schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(whole)
    header = {
        "table": batch.table,
        "bad": [asdict(bad) for bad in batch.bad],
        "origins": {name: sorted(found) for name, found in batch.origins.items()},
        "types": dict(batch.types),
        "originals": dict(batch.originals),
        "size_bytes": batch.size_bytes,
        "notes": batch.notes,
        "warnings": batch.warnings,
        "facts": dict(batch.facts),
    }
    return header, sink.getvalue()


def unpack_batch(header: Mapping[str, Any], body: pa.Buffer) -> Batch:
    """The batch that was packed.

    Raises:
        ArrowException: The body is damaged.
    """
    whole = pa.ipc.open_stream(body).read_next_batch()
    whole.validate()
    schema = whole.schema.remove(len(whole.schema) - 1)
    return Batch(
        columns=pa.RecordBatch.from_arrays(whole.columns[:-1], schema=schema) if len(schema) else _no_columns(),
        rows=whole.column(whole.num_columns - 1),
        table=header["table"],
        bad=tuple(BadRecord(**bad) for bad in header["bad"]),
        origins={name: frozenset(map(Origin, found)) for name, found in header["origins"].items()},
        types=header["types"],
        originals=header["originals"],
        size_bytes=header["size_bytes"],
        notes=tuple(header["notes"]),
        warnings=tuple(header["warnings"]),
        facts=header["facts"],
    )


def _no_columns() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([], names=[])
