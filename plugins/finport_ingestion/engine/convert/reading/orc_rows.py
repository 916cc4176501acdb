"""ORC as typed batches, some rows of a stripe at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import dataset, orc
from pyarrow.fs import LocalFileSystem

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.orc_moments import is_far, moment_columns, read_moments
from finport_ingestion.engine.convert.reading.orc_tail import OrcTail
from finport_ingestion.engine.convert.reading.typed_rows import (
    ROWS,
    by_rows,
    first_rows,
    is_empty,
    refused,
    typed_batches,
)
from finport_ingestion.engine.errors import FormatError

_PATH_MARKS = frozenset(".`")
_SAMPLE_ROWS = 1_000


def read_orc(raw: RawFile, *, rows: int = ROWS) -> Iterator[Batch]:
    """Every row of `raw`, in order.

    Args:
        rows: That are decoded at a time; a stripe may have millions.

    Raises:
        FormatError: It is no ORC, cut or damaged, or has moments that cannot be read exactly.
    """
    if is_empty(raw):
        return
    with raw.local() as path, refused(raw, form="ORC"), pa.OSFile(str(path)) as source:
        file = orc.ORCFile(source)
        yield from typed_batches(file.schema, by_rows(raw, _read(raw, file, path, rows=rows), rows=file.nrows))


def _read(raw: RawFile, file: orc.ORCFile, path: Path, *, rows: int) -> Iterator[pa.RecordBatch]:
    """Some rows at a time, and stripe by stripe from the first of them on that has a moment of a far year."""
    done = 0
    try:
        for batch in _gradually(file, path, rows=rows):
            yield batch
            done += batch.num_rows
    except (OSError, pa.ArrowInvalid) as error:
        if not is_far(error):
            raise
    if done == file.nrows:
        return
    for at in range(file.nstripes):
        stripe = _stripe(raw, file, at, path)
        if done < stripe.num_rows:
            yield stripe.slice(done)
        done = max(0, done - stripe.num_rows)


def _gradually(file: orc.ORCFile, path: Path, *, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows as Arrow's datasets read them: half the time and memory of a whole stripe, and ready to be passed on.

    They find columns by name; where that could be another one than is meant, nothing is given.
    """
    fragment = _fragment(file, path)
    if fragment is not None:
        yield from fragment.scanner(batch_size=rows, batch_readahead=1, use_threads=False).to_batches()


def _fragment(file: orc.ORCFile, path: Path) -> dataset.Fragment | None:
    names = file.schema.names
    if not names or len(set(names)) < len(names) or any(_PATH_MARKS & set(name) for name in names):
        return None
    fragment = dataset.OrcFileFormat().make_fragment(str(path.absolute()), LocalFileSystem())
    return fragment if fragment.physical_schema.equals(file.schema) else None


def _stripe(raw: RawFile, file: orc.ORCFile, at: int, path: Path) -> pa.RecordBatch:
    try:
        return file.read_stripe(at)
    except (OSError, pa.ArrowInvalid) as error:
        if not is_far(error):
            raise
    with path.open("rb") as stream:
        tail = OrcTail(stream, size_bytes=raw.size_bytes)
        special = {column.name: column for column in moment_columns(tail)}
        others = [name for name in file.schema.names if name not in special]
        plain = _others(raw, file, at, others)
        arrays = [
            read_moments(tail, tail.stripes[at], special[name]) if name in special else plain.column(name)
            for name in file.schema.names
        ]
    return pa.RecordBatch.from_arrays(arrays, names=file.schema.names)


def _others(raw: RawFile, file: orc.ORCFile, at: int, names: list[str]) -> pa.RecordBatch:
    if not names:
        return pa.RecordBatch.from_arrays([], names=[])
    try:
        return file.read_stripe(at, columns=names)
    except (OSError, pa.ArrowInvalid) as error:
        if not is_far(error):
            raise
        raise FormatError(
            f"{raw.uri}: a nested column has a timestamp of a year that nanoseconds do not reach.",
            hint="ask for the timestamps as columns of their own, or for Parquet",
        ) from error


def sample_orc(raw: RawFile) -> Iterator[Batch]:
    """The types and the first rows."""
    if is_empty(raw):
        return
    with raw.local() as path, refused(raw, form="ORC"), pa.OSFile(str(path)) as source:
        file = orc.ORCFile(source)
        head = _head(file, path)
        if head is not None:
            found = by_rows(raw, iter(head.to_batches()), rows=file.nrows)
            yield from first_rows(typed_batches(file.schema, found))
            return
    yield from first_rows(read_orc(raw, rows=_SAMPLE_ROWS))


def _head(file: orc.ORCFile, path: Path) -> pa.Table | None:
    """The first rows; a scan that is given up after them would decode the file to its end, only `head` does not."""
    fragment = _fragment(file, path)
    if fragment is None:
        return None
    try:
        return fragment.head(_SAMPLE_ROWS, batch_size=_SAMPLE_ROWS, batch_readahead=1)
    except (OSError, pa.ArrowInvalid) as error:
        if not is_far(error):
            raise
        return None
