"""Arrow IPC, the file and the stream, as typed batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.arrow_marks import FEATHER_1, FILE
from finport_ingestion.engine.convert.reading.leaves import any_leaf
from finport_ingestion.engine.convert.reading.typed_rows import Found, first_rows, is_empty, refused, typed_batches
from finport_ingestion.engine.errors import FormatError

_PIECE_BYTES = 1 << 20
_NO_ARRAYS = (21, 22)  # INTERVAL_MONTHS and INTERVAL_DAY_TIME of Arrow's types
_CONTINUED, _NO_MORE = b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"
_Opened = tuple[pa.Schema, Iterator[pa.RecordBatch]]


def read_file(raw: RawFile) -> Iterator[Batch]:
    """Every row of an Arrow file or Feather file, in order.

    Raises:
        FormatError: It is none, cut or damaged.
    """
    yield from _read(raw, _open_file, form="an Arrow file")


def read_stream(raw: RawFile) -> Iterator[Batch]:
    """Every row of an Arrow stream, in order.

    Raises:
        FormatError: It is none, cut or damaged.
    """
    warnings = () if is_empty(raw) or _ends_as_said(raw) else ("the stream has no end mark: it may be cut",)
    yield from _read(raw, _open_stream, form="an Arrow stream", warnings=warnings)


def sample_file(raw: RawFile) -> Iterator[Batch]:
    yield from first_rows(read_file(raw))


def sample_stream(raw: RawFile) -> Iterator[Batch]:
    yield from first_rows(read_stream(raw))


def _read(
    raw: RawFile, opened: Callable[[pa.NativeFile], _Opened], *, form: str, warnings: tuple[str, ...] = ()
) -> Iterator[Batch]:
    if is_empty(raw):
        return
    with raw.local() as path, refused(raw, form=form):
        with path.open("rb") as head:
            _refuse_feather_1(raw, head.read(len(FILE)))
        with pa.OSFile(str(path)) as source:
            schema, batches = opened(source)
            _refuse_unknown_types(raw, schema)
            yield from typed_batches(schema, _sized(source, batches), warnings=warnings)


def _open_file(source: pa.NativeFile) -> _Opened:
    reader = pa.ipc.open_file(source)
    return reader.schema, (reader.get_batch(at) for at in range(reader.num_record_batches))


def _open_stream(source: pa.NativeFile) -> _Opened:
    reader = pa.ipc.open_stream(source)
    return reader.schema, _streams(reader, source)


def _streams(reader: pa.RecordBatchStreamReader, source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    """The batches of a stream, and of those behind its end mark: Arrow itself stops there, whatever follows."""
    yield from reader
    while _follows(source):
        at = source.tell()
        following = pa.ipc.open_stream(source)
        if following.schema != reader.schema:
            raise pa.ArrowInvalid(f"a stream of another schema begins at byte {at}: it has to be a file of its own")
        yield from following


def _follows(source: pa.NativeFile) -> bool:
    """Whether anything but padding is behind where `source` stands."""
    at = source.tell()
    while piece := source.read(_PIECE_BYTES):
        if piece.strip(b"\0"):
            source.seek(at)
            return True
    return False


def _sized(source: pa.NativeFile, batches: Iterator[pa.RecordBatch]) -> Iterator[Found]:
    done = 0
    for batch in batches:
        at = max(done, source.tell())
        yield batch, at - done
        done = at


def _ends_as_said(raw: RawFile) -> bool:
    """Whether the last message is the one that says so; streams of before 2019 have it without the first half."""
    with raw.local() as path, path.open("rb") as stream:
        mark = _CONTINUED + _NO_MORE if stream.read(4) == _CONTINUED else _NO_MORE
        stream.seek(max(0, raw.size_bytes - len(mark)))
        return stream.read() == mark


def _refuse_unknown_types(raw: RawFile, schema: pa.Schema) -> None:
    """Arrow has types that its Python has no arrays for: intervals in months, or in days and milliseconds."""
    for at, name in enumerate(schema.names):
        if any_leaf(schema.field(at).type, lambda kind: kind.id in _NO_ARRAYS):
            raise FormatError(
                f"{raw.uri}: column '{name}' is of an Arrow type that nothing here reads.",
                hint="ask for intervals as months, days and nanoseconds, or as text",
            )


def _refuse_feather_1(raw: RawFile, head: bytes) -> None:
    if head.startswith(FEATHER_1):
        raise FormatError(
            f"{raw.uri}: a Feather file of version 1, which is no longer written or read.",
            offset_bytes=0,
            hint="ask for Feather version 2 (an Arrow file) or Parquet",
        )
