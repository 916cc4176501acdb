"""Parquet as typed batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.int96 import Int96, int96_columns
from finport_ingestion.engine.convert.reading.typed_rows import (
    ROWS,
    by_rows,
    first_rows,
    is_empty,
    refused,
    typed_batches,
)
from finport_ingestion.engine.errors import FormatError

ENCRYPTED = b"PARE"
_MOST_UNFOLDED_BYTES = 256 << 20
_MOST_UNFOLDED_TIMES = 1000
_SIGNATURE_BYTES = 28  # nonce and tag behind a footer that is signed but not encrypted
_LENGTH_AND_MAGIC = 8


def read_parquet(raw: RawFile) -> Iterator[Batch]:
    """Every row of `raw`, in order; the first batch has no rows and shows the types.

    Raises:
        FormatError: It is no Parquet, cut, damaged or encrypted.
    """
    if is_empty(raw):
        return
    with raw.local() as path, refused(raw, form="Parquet"), ExitStack() as files:
        _refuse_encrypted_footer(raw, path)
        # Seconds hold every INT96; nanoseconds of it wrap without a word.
        file = files.enter_context(_opened(path, unit="s"))
        _refuse_signed_footer(raw, path, file.metadata)
        _refuse_bombs(file.metadata, raw)
        exact = files.enter_context(_opened(path, unit="ns"))
        special = int96_columns(file.schema_arrow, exact.schema_arrow)
        found: Iterator[pa.RecordBatch] = file.iter_batches(batch_size=ROWS)
        schema = file.schema_arrow
        if special:
            moments = Int96(raw, special)
            schema = moments.schema(schema)
            found = _with_moments(file, exact, moments)
        rows, warnings = _rows(file.metadata)
        whole = _as_stated(raw, found, rows=rows)
        yield from typed_batches(schema, by_rows(raw, whole, rows=rows), warnings=warnings)


def sample_parquet(raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
    """The types, and the first rows."""
    yield from first_rows(read_parquet(raw))


def _opened(path: Path, *, unit: str) -> pq.ParquetFile:
    # Checksums of pages are optional in the format; where a writer left some, they are compared.
    return pq.ParquetFile(
        pa.OSFile(str(path)), coerce_int96_timestamp_unit=unit, pre_buffer=False, page_checksum_verification=True
    )


def _rows(metadata: pq.FileMetaData) -> tuple[int, tuple[str, ...]]:
    """How many rows there must be. Some writers state none for the file, and the right ones for its row groups."""
    stated = metadata.num_rows
    listed = sum(metadata.row_group(at).num_rows for at in range(metadata.num_row_groups))
    if stated or not listed:
        return stated, ()
    return listed, (f"the footer states no rows, and {listed} in row groups: those are read",)


def _as_stated(raw: RawFile, batches: Iterator[pa.RecordBatch], *, rows: int) -> Iterator[pa.RecordBatch]:
    """`batches`, which must have as many rows as are stated: Arrow goes by the row groups that the footer lists."""
    done = 0
    for batch in batches:
        done += batch.num_rows
        yield batch
    if done != rows:
        raise FormatError(
            f"{raw.uri}: it says that it has {rows} rows, and holds {done}.",
            hint="the file is damaged: ask for it again",
        )


def _with_moments(file: Any, exact: Any, moments: Int96) -> Iterator[pa.RecordBatch]:
    """Row group by row group, so that two readings keep step."""
    for group in range(file.metadata.num_row_groups):
        both = zip_longest(
            file.iter_batches(batch_size=ROWS, row_groups=[group]),
            exact.iter_batches(batch_size=ROWS, row_groups=[group], columns=moments.names),
        )
        for seconds, nanoseconds in both:
            yield moments.joined(seconds, nanoseconds)


def _refuse_encrypted_footer(raw: RawFile, path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(len(ENCRYPTED))
        stream.seek(max(0, raw.size_bytes - len(ENCRYPTED)))
        if ENCRYPTED in (head, stream.read()):
            raise _encrypted(raw)


def _refuse_signed_footer(raw: RawFile, path: Path, metadata: pq.FileMetaData) -> None:
    """Encrypted columns under a footer that anybody may read: Arrow gives their schema, and aborts on their chunks."""
    with path.open("rb") as stream:
        stream.seek(raw.size_bytes - _LENGTH_AND_MAGIC)
        length = int.from_bytes(stream.read(4), "little")
    if length == metadata.serialized_size + _SIGNATURE_BYTES:
        raise _encrypted(raw)


def _encrypted(raw: RawFile) -> FormatError:
    return FormatError(
        f"{raw.uri}: an encrypted Parquet file, and there is no key for it.",
        hint="ask for the file without column encryption, or encrypted as a whole with PGP",
    )


def _refuse_bombs(metadata: pq.FileMetaData, raw: RawFile) -> None:
    """A few kilobytes that unfold to gigabytes are no delivery."""
    for number in range(metadata.num_row_groups):
        size = metadata.row_group(number).total_byte_size
        if size > _MOST_UNFOLDED_BYTES and size > _MOST_UNFOLDED_TIMES * raw.size_bytes:
            raise FormatError(
                f"{raw.uri}: row group {number} unfolds from {raw.size_bytes} to {size} bytes.",
                hint="ask the source what it sent; a file like this is made to exhaust its reader",
            )
