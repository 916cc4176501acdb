"""NumPy files: one array, or a zip archive of arrays; those of one dimension and one length stand side by side."""

from __future__ import annotations

import contextlib
import errno
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.array_columns import Array, NoColumn, columns_of, refusal
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.convert.reading.npy_layout import MAGIC, Layout, NoArray, read_layout
from finport_ingestion.engine.errors import ConfigError, FormatError

_ROWS = 65_536
_BATCH_BYTES = 32 << 20
_FREE_BYTES = 64 << 20  # that may come out of any archive
_ZIP = b"PK\x03\x04"
_HINT = "ask for the file again: it may be cut or damaged"
_PICK = "name the arrays to read in 'arrays', or ask for arrays of numbers and texts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """An array of the file."""

    name: str
    member: zipfile.ZipInfo | None  # None for a file that is one array
    layout: Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is read of a file, and how."""

    arrays: Sequence[str] = ()  # by name; all of them by default
    encoding: str | None = None  # of arrays of bytes that are text
    rows: int | None = None  # the first ones of each table; all by default


def read_arrays(raw: RawFile, wish: Wish) -> Iterator[Batch]:
    """The rows of the arrays of `raw`.

    Raises:
        FormatError: It is no NumPy file, cut, made to exhaust its reader, or has an array that is refused.
    """
    with raw.open() as stream, _refused(raw):
        head = stream.read(8)
        stream.seek(0)
        if head.startswith(MAGIC):
            yield from _single(stream, raw, wish)
        elif head.startswith(_ZIP):
            yield from _archive(stream, raw, wish)
        else:
            refuse_signature(stream, raw=raw, expected="a NumPy file")
            what = "is empty" if not head else "no NumPy file"
            raise FormatError(f"{raw.uri}: {what}.", offset_bytes=0, hint="state the right 'format'")


@contextlib.contextmanager
def _refused(raw: RawFile) -> Iterator[None]:
    try:
        yield
    except (NoArray, NoColumn) as error:
        raise FormatError(f"{raw.uri}: {error}.", hint=_HINT) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise FormatError(f"{raw.uri}: not readable as a NumPy archive: {error}.", hint=_HINT) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # that is a place in the archive before its beginning
            raise
        raise FormatError(f"{raw.uri}: not readable as a NumPy archive: {error}.", hint=_HINT) from error


def _single(stream: IO[bytes], raw: RawFile, wish: Wish) -> Iterator[Batch]:
    try:
        layout = read_layout(stream)
    except NoArray as error:
        raise NoArray(f"the array {error}") from error
    source = _Source(name="", member=None, layout=layout)
    _check(source, raw, has=raw.size_bytes - layout.header_bytes)
    yield from _batches([(source, stream)], raw, wish, table="")


def _archive(stream: IO[bytes], raw: RawFile, wish: Wish) -> Iterator[Batch]:
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        _refuse_bomb(members, raw)
        sources, notes = _sources(archive, members, raw, wish.arrays)
        for table in _tables(sources):
            with contextlib.ExitStack() as opened:
                pairs = [(source, opened.enter_context(_at_data(archive, source))) for source in table]
                yield from _batches(pairs, raw, wish, table=table[0].name, notes=notes)
            notes = ()


def _refuse_bomb(members: Sequence[zipfile.ZipInfo], raw: RawFile) -> None:
    size = sum(member.file_size for member in members)
    most = min(raw.limits.unpacked_bytes, max(_FREE_BYTES, raw.limits.unpack_ratio * raw.size_bytes))
    if len(members) > raw.limits.archive_members or size > most:
        raise FormatError(
            f"{raw.uri}: {len(members)} arrays that unfold from {raw.size_bytes} to {size} bytes.",
            hint="ask the source what it sent; raise 'unpackRatio' of the policy's 'reading' if it is honest",
        )


def _sources(
    archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], raw: RawFile, wanted: Sequence[str]
) -> tuple[list[_Source], tuple[str, ...]]:
    sources: list[_Source] = []
    notes: list[str] = []
    names = [member.filename.removesuffix(".npy") for member in members]
    for name in wanted:
        if name not in names:
            raise ConfigError(f"{raw.uri}: no array '{name}'; it has {', '.join(names)}.", hint="name one of them")
    for member, name in zip(members, names, strict=True):
        if not member.filename.endswith(".npy"):
            notes.append(f"'{member.filename}' of the archive is no array, and not read")
        elif not wanted or name in wanted:
            sources.append(_source(archive, member, name, raw))
    if not sources:
        raise FormatError(f"{raw.uri}: an archive without arrays.", hint="state the right 'format'")
    return sources, tuple(notes)


def _source(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, raw: RawFile) -> _Source:
    with archive.open(member) as stream:
        try:
            layout = read_layout(stream)
        except NoArray as error:
            raise NoArray(f"array '{name}' {error}") from error
    source = _Source(name=name, member=member, layout=layout)
    _check(source, raw, has=member.file_size - layout.header_bytes)
    return source


def _check(source: _Source, raw: RawFile, *, has: int) -> None:
    name, layout = source.name, source.layout
    why = "holds pickled Python objects, which may run code when they are read: it is refused"
    why = why if layout.dtype.hasobject else refusal(layout.dtype) or ""
    if why:
        raise FormatError(f"{raw.uri}: array '{name}' {why}.", hint=_PICK)
    if layout.size_bytes != has:
        said = f"array '{name}' needs {layout.size_bytes} bytes, and has {has}"
        raise FormatError(f"{raw.uri}: {said}.", offset_bytes=layout.header_bytes, hint=_HINT)
    if layout.row_bytes > raw.limits.record_bytes or (layout.by_column and has > raw.limits.whole_file_bytes):
        raise FormatError(
            f"{raw.uri}: array '{name}' has rows of {layout.row_bytes} bytes, and {has} bytes in all.",
            hint="raise 'recordBytes' and 'wholeFileBytes' of the policy's 'reading'",
        )


def _tables(sources: Sequence[_Source]) -> list[list[_Source]]:
    """Arrays of one dimension and one length belong together, single values too; any other array stands alone."""
    tables: dict[object, list[_Source]] = {}
    for source in sources:
        shape, records = source.layout.shape, source.layout.dtype.names is not None
        key: object = source.name if records or len(shape) > 1 else shape
        tables.setdefault(key, []).append(source)
    return list(tables.values())


def _at_data(archive: zipfile.ZipFile, source: _Source) -> IO[bytes]:
    stream = archive.open(source.member or source.name)
    stream.read(source.layout.header_bytes)
    return stream


def _batches(
    sources: Sequence[tuple[_Source, IO[bytes]]],
    raw: RawFile,
    wish: Wish,
    *,
    table: str,
    notes: Sequence[str] = (),
) -> Iterator[Batch]:
    total = sources[0][0].layout.rows
    rows = total if wish.rows is None else min(total, wish.rows)
    row_bytes = max(1, sum(source.layout.row_bytes for source, _ in sources))
    step = max(1, min(_ROWS, _BATCH_BYTES // row_bytes))
    whole = {source.name: _whole(source, stream) for source, stream in sources if _must_be_whole(source)}
    share = raw.size_bytes // max(total, 1)
    for start in range(0, max(rows, 1), step):
        count = min(step, rows - start)
        columns: dict[str, pa.Array] = {}
        for source, stream in sources:
            found = whole[source.name][start : start + count] if source.name in whole else _piece(source, stream, count)
            columns |= _columns(found, source, wish.encoding)
        names = unique_names(list(columns))
        yield Batch(
            columns=pa.RecordBatch.from_arrays(list(columns.values()), names=names),
            rows=pa.array(np.arange(start + 1, start + count + 1)),
            table=table,
            originals={name: column for name, column in zip(names, columns, strict=True) if name != column},
            size_bytes=share * count,
            notes=tuple(notes) if start == 0 else (),
        )


def _must_be_whole(source: _Source) -> bool:
    return source.layout.by_column and len(source.layout.shape) > 1


def _whole(source: _Source, stream: IO[bytes]) -> Array:
    layout = source.layout
    content = stream.read(layout.size_bytes)
    return np.frombuffer(content, layout.dtype).reshape(layout.shape[::-1]).transpose()


def _piece(source: _Source, stream: IO[bytes], count: int) -> Array:
    layout = source.layout
    content = stream.read(count * layout.row_bytes)
    if len(content) < count * layout.row_bytes:
        raise NoArray(f"array '{source.name}' ends too early")
    if layout.dtype.itemsize == 0:
        return np.empty((count, *layout.shape[1:]), layout.dtype)
    return np.frombuffer(content, layout.dtype).reshape(count, *layout.shape[1:])


def _columns(found: Array, source: _Source, encoding: str | None) -> dict[str, pa.Array]:
    try:
        return columns_of(found, name=source.name or "value", text_of=lambda _: encoding)
    except NoColumn as error:
        raise NoColumn(f"array '{source.name}' {error}") from error
