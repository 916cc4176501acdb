"""Parquet as typed batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.errors import FormatError

_ROWS = 65_536
_SAMPLE_ROWS = 1000
_MOST_UNFOLDED_BYTES = 256 << 20
_MOST_UNFOLDED_TIMES = 1000


def read_parquet(raw: RawFile) -> Iterator[Batch]:
    """Every row of `raw`, in order; the first batch has no rows and shows the types.

    Raises:
        FormatError: It is no Parquet, cut, damaged or encrypted.
    """
    yield from _batches(raw, rows=_ROWS)


def sample_parquet(raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
    """The types, and the first rows."""
    for batch in _batches(raw, rows=_SAMPLE_ROWS):
        yield batch
        if batch.columns.num_rows:
            return


def _batches(raw: RawFile, *, rows: int) -> Iterator[Batch]:
    with raw.path.open("rb") as stream, _refused(raw):
        # Nanoseconds would wrap in years that INT96 can hold.
        file = pq.ParquetFile(stream, coerce_int96_timestamp_unit="us", pre_buffer=False)
        _refuse_bombs(file.metadata, raw)
        schema = file.schema_arrow
        names = unique_names(schema.names)
        originals = {n: d for n, d in zip(names, schema.names, strict=True) if n != d}
        nothing = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], names=names)
        yield Batch(columns=nothing, rows=pa.array([], pa.int64()), originals=originals)
        row = 0
        per_row = raw.size_bytes // max(file.metadata.num_rows, 1)
        for found in file.iter_batches(batch_size=rows):
            # Arrow trusts a file's texts to be UTF-8 and its offsets to be in order; what comes after relies on it.
            found.validate(full=True)
            numbers = pa.array(np.arange(row + 1, row + found.num_rows + 1))
            row += found.num_rows
            yield Batch(
                columns=found.rename_columns(names),
                rows=numbers,
                originals=originals,
                size_bytes=per_row * found.num_rows,
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


@contextlib.contextmanager
def _refused(raw: RawFile) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        what = "is empty" if raw.size_bytes == 0 else f"not readable as Parquet: {str(error).splitlines()[0][:200]}"
        raise FormatError(
            f"{raw.uri}: {what}.", hint="the file may be cut, encrypted or of another format: ask for it again"
        ) from error
