"""A written Parquet file with other metadata of its fields: only the footer is made anew, no page is decoded."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.files import write_atomically
from finport_ingestion.engine.parquet_file import HashingFile, ParquetSink

_MAGIC = b"PAR1"
_TAIL_BYTES = 8  # the length of the footer, and the magic
_CHUNK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """What was written."""

    size_bytes: int
    sha256: str


def rewrite_footer(source: UPath, target: UPath, schema: pa.Schema) -> Rewritten:
    """Write `source`, which `write_parquet` made, as if its schema had been `schema`.

    Args:
        target: May be `source` itself; it is whole or as before.
        schema: Of the same names and types; what is told of its fields may differ.
    """
    with source.open("rb") as old, write_atomically(target) as new:
        file = HashingFile(new)
        size = old.seek(0, os.SEEK_END)
        old.seek(size - _TAIL_BYTES)
        length = int.from_bytes(old.read(_TAIL_BYTES)[:4], "little")
        footer = _footer(old, schema)
        _copy(old, file, size - _TAIL_BYTES - length)
        file.write(footer)
    return Rewritten(size_bytes=file.size_bytes, sha256=file.sha256)


def _footer(old: IO[bytes], schema: pa.Schema) -> bytes:
    """The footer, its length and the magic: of a file of `schema` with the row groups of `old`."""
    empty = io.BytesIO()
    ParquetSink(empty, schema).close()
    metadata = pq.read_metadata(io.BytesIO(empty.getvalue()))
    metadata.append_row_groups(pq.read_metadata(old))
    out = io.BytesIO()
    metadata.write_metadata_file(out)
    return out.getvalue().removeprefix(_MAGIC)


def _copy(source: IO[bytes], target: HashingFile, size: int) -> None:
    source.seek(0)
    left = size
    while left:
        chunk = source.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise EOFError(f"{left} bytes are missing before the footer")
        target.write(chunk)
        left -= len(chunk)
