"""ORC as typed batches, stripe by stripe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import orc

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.orc_moments import is_far, moment_columns, read_moments
from finport_ingestion.engine.convert.reading.orc_tail import OrcTail
from finport_ingestion.engine.convert.reading.typed_rows import by_rows, first_rows, is_empty, refused, typed_batches
from finport_ingestion.engine.errors import FormatError


def read_orc(raw: RawFile) -> Iterator[Batch]:
    """Every row of `raw`, in order.

    Raises:
        FormatError: It is no ORC, cut or damaged, or has moments that cannot be read exactly.
    """
    if is_empty(raw):
        return
    with raw.local() as path, refused(raw, form="ORC"), pa.OSFile(str(path)) as source:
        file = orc.ORCFile(source)
        stripes = (_stripe(raw, file, at, path) for at in range(file.nstripes))
        yield from typed_batches(file.schema, by_rows(raw, stripes, rows=file.nrows))


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
    yield from first_rows(read_orc(raw))
