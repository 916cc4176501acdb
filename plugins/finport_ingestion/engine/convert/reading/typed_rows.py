"""What all typed formats share: batches of bounded size with unique names and row numbers, and refusals with a fix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.plain_types import plain_batch, plain_empty
from finport_ingestion.engine.convert.reading.wide_decimals import corrected
from finport_ingestion.engine.errors import FormatError

ROWS = 65_536
_BATCH_BYTES = 64 << 20
_SAMPLE_ROWS = 1_000

Found: TypeAlias = tuple[pa.RecordBatch, int]
"""Some rows, and how many bytes of the file they took."""


def typed_batches(schema: pa.Schema, found: Iterator[Found], *, warnings: tuple[str, ...] = ()) -> Iterator[Batch]:
    """First a batch of no rows, which shows the types, then `found`, checked and cut to size."""
    names = unique_names(schema.names)
    originals = {n: d for n, d in zip(names, schema.names, strict=True) if n != d}
    nothing = plain_empty(schema, names)
    yield Batch(columns=nothing, rows=pa.array([], pa.int64()), originals=originals, warnings=warnings)
    row = 0
    for large, size_bytes in found:
        per_row = size_bytes / max(large.num_rows, 1)
        for some in in_size(checked(large)):
            columns, said = plain_batch(some, names)
            yield Batch(
                columns=columns,
                rows=pa.array(np.arange(row + 1, row + some.num_rows + 1)),
                originals=originals,
                size_bytes=round(per_row * some.num_rows),
                warnings=said,
            )
            row += some.num_rows


def first_rows(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The types and the first rows, as a sample."""
    for batch in batches:
        few = batch.columns.slice(0, _SAMPLE_ROWS)
        yield Batch(columns=few, rows=batch.rows.slice(0, _SAMPLE_ROWS), originals=batch.originals)
        if few.num_rows:
            return


def checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch`, whose values are what their types say.

    Arrow trusts a file's texts to be UTF-8 and its offsets to be in order, and what comes after relies on it. A decimal
    with more digits than its type is still a decimal: it gets the precision it needs. A date with a time of day, and
    24:00:00, are met later.
    """
    batch.validate()
    arrays = [_checked(values) for values in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names) if arrays else batch


def _checked(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_date64(kind) or pa.types.is_time(kind):
        return values
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        if pa.types.is_nested(kind):
            values.view(_counted_times(kind)).validate(full=True)
            return values
        if not (pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind)):
            raise
        return corrected(values)
    return values


def _counted_times(kind: pa.DataType) -> pa.DataType:
    """`kind` with the times inside it as the integers that they are stored as."""
    if pa.types.is_time(kind):
        return pa.int32() if kind.bit_width == 32 else pa.int64()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_counted_times(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_counted_times(kind.key_type), _counted_times(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_counted_times(kind.value_type)))
    return kind


def by_rows(raw: RawFile, batches: Iterator[pa.RecordBatch], *, rows: int) -> Iterator[Found]:
    """`batches`, with the bytes of the file dealt out by rows, of which it has `rows`."""
    per_row = raw.size_bytes / max(rows, 1)
    return ((batch, round(per_row * batch.num_rows)) for batch in batches)


def in_size(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """`batch` in pieces of at most 65,536 rows and about 64 MB."""
    if batch.num_rows == 0:
        return
    per_row = batch.get_total_buffer_size() // batch.num_rows
    rows = max(1, min(ROWS, _BATCH_BYTES // max(per_row, 1)))
    for at in range(0, batch.num_rows, rows):
        yield batch.slice(at, rows)


@contextlib.contextmanager
def refused(raw: RawFile, *, form: str) -> Iterator[None]:
    """What a native reader says of bad bytes as the one error that readers raise.

    Args:
        form: The format as a person calls it.
    """
    try:
        yield
    except MemoryError as error:
        raise FormatError(
            f"{raw.uri}: reading it as {form} needs more memory than there is.",
            hint="the file may be made to exhaust its reader; if it is honest, raise 'childMemoryBytes' of 'reading'",
        ) from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = next(iter(str(error).splitlines()), "")[:200].rstrip(".")
        raise FormatError(
            f"{raw.uri}: not readable as {form}: {said}.",
            hint="the file may be cut, damaged or of another format: ask for it again",
        ) from error


def is_empty(raw: RawFile) -> bool:
    """Whether there is nothing to read, and that is as it may be.

    Raises:
        FormatError: There is nothing, and there should be.
    """
    if raw.size_bytes:
        return False
    if raw.may_be_empty:
        return True
    raise FormatError(
        f"{raw.uri}: is empty.", offset_bytes=0, hint="the source delivered nothing: ask for the file again"
    )
