"""What a process and its reading child say to each other: a JSON header, and the columns of a batch as Arrow IPC.

No pickles: a child that a hostile file has taken over could run code in its parent by them.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import struct
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin

_LENGTHS = struct.Struct("<IQ")  # of the header, of the body
_MOST_HEADER_BYTES = 256 << 20
_MOST_BODY_BYTES = 4 << 30
_ROWS = ""  # a column's name is never blank
_PARTS_AT_ONCE = 512  # a system takes 1,024
_PIPE_BYTES = 1 << 20  # what Linux lets anybody have
_LEAST_KEPT_BYTES = 1 << 20

ReadInto: TypeAlias = Callable[[memoryview], None]
"""Fills a buffer to its end, or raises EOFError."""
Body: TypeAlias = Sequence[pa.Buffer | bytes]
"""What is sent one after the other."""


class Memory:
    """Buffers that bodies are received into; what nobody holds any more serves again.

    Pages that a process has not had before cost as much as filling them does.
    """

    def __init__(self) -> None:
        self._free: list[pa.Buffer] = []

    def buffer(self, size_bytes: int) -> pa.Buffer:
        if size_bytes < _LEAST_KEPT_BYTES:
            return pa.allocate_buffer(size_bytes)
        kept = self._kept(size_bytes)
        view = np.frombuffer(kept, np.uint8, count=size_bytes)
        # The view ends with the last array that is made of it, in whatever thread that is.
        weakref.finalize(view, self._free.append, kept).atexit = False
        return pa.py_buffer(view)

    def _kept(self, size_bytes: int) -> pa.Buffer:
        while self._free:
            found = self._free.pop()
            if found.size >= size_bytes:
                return found
        # Batches of a file are alike: a little room, and the next one finds place, too.
        return pa.allocate_buffer(size_bytes + size_bytes // 8)


def widen(pipe: int) -> None:
    """Let more of a batch be under way at once, where the system knows how."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def send(file_number: int, header: Mapping[str, Any], body: Body = ()) -> None:
    """Write one frame."""
    text = json.dumps(header).encode()
    views = [memoryview(part).cast("B") for part in body if len(part)]
    begin = memoryview(_LENGTHS.pack(len(text), sum(map(len, views))) + text)
    views.insert(0, begin)
    for at in range(0, len(views), _PARTS_AT_ONCE):
        _write_all(file_number, views[at : at + _PARTS_AT_ONCE])


def _write_all(file_number: int, parts: list[memoryview]) -> None:
    while parts:
        written = os.writev(file_number, parts)
        while parts and written >= len(parts[0]):
            written -= len(parts.pop(0))
        if written:
            parts[0] = parts[0][written:]


def receive(read_into: ReadInto, memory: Memory | None = None) -> tuple[dict[str, Any], pa.Buffer]:
    """Read one frame.

    Args:
        memory: Where the body is received.

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
    body = (memory or Memory()).buffer(body_bytes)
    if body_bytes:
        read_into(memoryview(body).cast("B"))
    try:
        found = json.loads(header)
    except ValueError as error:
        raise EOFError("no frame") from error
    return found, body


def pack_batch(batch: Batch) -> tuple[dict[str, Any], Body]:
    """Header and body of a batch; the body's large parts are the buffers of its columns."""
    columns = batch.columns
    schema = columns.schema.append(pa.field(_ROWS, pa.int64()))
    whole = pa.RecordBatch.from_arrays([*columns.columns, batch.rows], schema=schema)
    gathered = _Gathered()
    with pa.ipc.new_stream(pa.PythonFile(gathered, mode="w"), schema) as writer:
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
    return header, gathered.parts


class _Gathered(io.RawIOBase):
    """A file that keeps the very buffers that Arrow writes."""

    def __init__(self) -> None:
        self.parts: list[pa.Buffer | bytes] = []

    def write(self, part: pa.Buffer | bytes, /) -> int:
        self.parts.append(part)
        return len(part)

    def tell(self) -> int:
        return sum(map(len, self.parts))

    def writable(self) -> bool:
        return True


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
