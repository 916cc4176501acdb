"""EBCDIC records by a layout, of fixed length or with record descriptor words, in windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.ebcdic_fields import Field, read_field
from finport_ingestion.engine.convert.reading.ebcdic_pages import BLANK, page
from finport_ingestion.engine.convert.reading.foreign import is_html, refuse_foreign, refuse_signature
from finport_ingestion.engine.errors import ConfigError, FormatError

_WINDOW_BYTES = 8 << 20
_ROWS = 65_536
_WORD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Copybook:
    """What the bytes mean, which they do not say."""

    fields: tuple[Field, ...]
    code_page: str
    record_length: int | None = None  # by default up to the end of the last field
    record_format: str = "fixed"  # "variable", "variable_blocked": a descriptor word before each
    skip_records: int = 0

    @property
    def width(self) -> int:
        return max(field.end for field in self.fields)


@dataclass(frozen=True, slots=True)
class _Window:
    records: np.ndarray  # a row of bytes each
    lengths: np.ndarray | None  # where they vary
    offset: int  # of the first record in the file
    size_bytes: int


def read_ebcdic(raw: RawFile, copybook: Copybook) -> Iterator[Batch]:
    """Every record of `raw`, in order.

    Raises:
        ConfigError: The layout has no columns, or there is no such code page.
        FormatError: It is empty, or does not consist of whole records.
    """
    characters = _checked(raw, copybook)
    row = 0
    for window in _windows(raw, copybook):
        first = max(copybook.skip_records - row, 0)
        yield _batch(window, copybook, characters, row=row, first=first)
        row += len(window.records)
    if row <= copybook.skip_records:
        yield _nothing(raw, copybook)


def sample_ebcdic(raw: RawFile, copybook: Copybook, *, size_bytes: int) -> Iterator[Batch]:
    """The first records: types are stated, so there is nothing to guess."""
    taken = 0
    for batch in read_ebcdic(raw, copybook):
        yield batch
        taken += batch.size_bytes
        if taken >= size_bytes:
            return


def _checked(raw: RawFile, copybook: Copybook) -> str:
    """The characters of the code page, where all is as the layout needs it."""
    if not copybook.fields:
        raise ConfigError(
            f"{raw.uri}: EBCDIC records without a layout.",
            hint="state 'columns', each with name, start, length and kind, in the Format",
        )
    try:
        characters = page(copybook.code_page)
    except LookupError as error:
        raise ConfigError(
            f"there is no EBCDIC code page '{copybook.code_page}'.", hint="use cp037, cp273, cp500, cp1047, cp1140 ..."
        ) from error
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="EBCDIC records")
        head = stream.read(4096)
        if is_html(head):
            refuse_foreign(head, raw=raw, expected="EBCDIC records")
    return characters


def _nothing(raw: RawFile, copybook: Copybook) -> Batch:
    if not raw.may_be_empty:
        what = "is empty" if raw.size_bytes == 0 else "holds no record behind those that are skipped"
        raise FormatError(
            f"{raw.uri}: {what}.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )
    arrays = [pa.array([], field.type) for field in copybook.fields]
    names = [field.name for field in copybook.fields]
    columns = pa.RecordBatch.from_arrays(arrays, names=names)
    return Batch(columns=columns, rows=pa.array([], pa.int64()), facts={"encoding": copybook.code_page})


def _batch(window: _Window, copybook: Copybook, characters: str, *, row: int, first: int) -> Batch:
    records = window.records[first:]
    lengths = None if window.lengths is None else window.lengths[first:]
    arrays: list[pa.Array] = []
    faults: dict[int, tuple[Field, str]] = {}
    for field in copybook.fields:
        found, bad = read_field(field, records, characters)
        if lengths is not None:
            found, bad = _within(found, bad, field, lengths)
        for at in np.flatnonzero(bad) if bad is not None else ():
            faults.setdefault(int(at), (field, _why(field)))
        arrays.append(found)
    numbers = np.arange(row + first + 1, row + len(window.records) + 1)
    columns = pa.RecordBatch.from_arrays(arrays, names=[field.name for field in copybook.fields])
    if faults:
        good = np.ones(len(records), bool)
        good[list(faults)] = False
        columns = columns.filter(pa.array(good))
        bad_records = tuple(_bad(at, faults[at], records, lengths, int(numbers[at])) for at in sorted(faults))
        numbers = numbers[good]
    return Batch(
        columns=columns,
        rows=pa.array(numbers, pa.int64()),
        bad=bad_records if faults else (),
        size_bytes=window.size_bytes,
        facts={"encoding": copybook.code_page},
    )


def _within(
    found: pa.Array, bad: np.ndarray | None, field: Field, lengths: np.ndarray
) -> tuple[pa.Array, np.ndarray | None]:
    """A field behind the end of its record is null; a number that the end cuts is bad."""
    absent = lengths <= field.start
    if field.kind != "text":
        cut = ~absent & (lengths < field.end)
        bad = cut if bad is None else (bad & ~absent) | cut
    if absent.any():
        import pyarrow.compute as pc

        found = pc.if_else(pa.array(absent), pa.scalar(None, found.type), found)
    return found, bad


def _why(field: Field) -> str:
    if field.kind == "packed":
        return "half bytes that are no digit, or no sign of a packed decimal"
    if field.kind == "zoned":
        return "bytes that are no digit, or no sign of a zoned decimal"
    return "the record ends inside of the field"


def _bad(at: int, fault: tuple[Field, str], records: np.ndarray, lengths: np.ndarray | None, number: int) -> BadRecord:
    field, why = fault
    content = records[at] if lengths is None else records[at, : lengths[at]]
    reason = f"record {number}, bytes {field.start + 1}-{field.end} (column '{field.name}'): {why}"
    return BadRecord(row=number, rule="bad_field", reason=reason, text=content.tobytes().hex(), column=field.name)


def _windows(raw: RawFile, copybook: Copybook) -> Iterator[_Window]:
    if copybook.record_format == "fixed":
        yield from _fixed(raw, copybook)
    else:
        yield from _variable(raw, copybook)


def _fixed(raw: RawFile, copybook: Copybook) -> Iterator[_Window]:
    size = copybook.record_length or copybook.width
    if raw.size_bytes % size:
        raise FormatError(
            f"{raw.uri}: {raw.size_bytes} bytes are no whole number of records of {size} bytes.",
            offset_bytes=raw.size_bytes - raw.size_bytes % size,
            hint="correct 'recordLength' or 'recordFormat', or ask for the file again: it may be cut, or changed by a "
            "transfer in text mode",
        )
    count = max(min(_WINDOW_BYTES // size, _ROWS), 1)
    with raw.open() as stream:
        offset = 0
        while content := stream.read(count * size):
            if len(content) % size:
                raise FormatError(f"{raw.uri}: the file ended while it was read.", hint="ask for the file again")
            yield _Window(np.frombuffer(content, np.uint8).reshape(-1, size), None, offset, len(content))
            offset += len(content)


def _variable(raw: RawFile, copybook: Copybook) -> Iterator[_Window]:
    """Records behind a descriptor word: two bytes with the length, that word included, and two that are zero."""
    starts: list[int] = []
    sizes: list[int] = []
    parts: list[bytes] = []
    offset = taken = 0
    for record, size in _described(raw, blocked=copybook.record_format == "variable_blocked"):
        starts.append(taken)
        sizes.append(len(record))
        parts.append(record)
        taken += len(record)
        offset += size
        if taken >= _WINDOW_BYTES or len(parts) >= _ROWS:
            yield _gathered(b"".join(parts), starts, sizes, copybook.width, offset)
            starts, sizes, parts, offset, taken = [], [], [], 0, 0
    if parts:
        yield _gathered(b"".join(parts), starts, sizes, copybook.width, offset)


def _gathered(content: bytes, starts: list[int], sizes: list[int], width: int, size_bytes: int) -> _Window:
    """Records of different lengths as a matrix, filled up with blanks."""
    source = np.frombuffer(content + bytes([BLANK]), np.uint8)
    lengths = np.array(sizes, np.int64)
    columns = np.arange(max(width, 1))
    inside = columns < lengths[:, None]
    at = np.where(inside, np.array(starts, np.int64)[:, None] + columns, len(content))
    return _Window(source[at], np.minimum(lengths, width), 0, size_bytes)


def _described(raw: RawFile, *, blocked: bool) -> Iterator[tuple[bytes, int]]:
    """Each record without its words, and how many bytes it took of the file."""
    with raw.open() as stream:
        at, block_end = 0, 0
        while word := stream.read(_WORD):
            extra = 0
            if blocked and at >= block_end:
                block_end = at + _length(word, at, raw, "block")
                at, extra = at + _WORD, _WORD
                word = stream.read(_WORD)
            size = _length(word, at, raw, "record")
            if word[2]:
                raise FormatError(
                    f"{raw.uri}: byte {at}: a record in segments (spanned), which is not read.",
                    offset_bytes=at,
                    hint="ask for records that are not spanned (RECFM=V or VB)",
                )
            record = stream.read(size - _WORD)
            if len(record) < size - _WORD or (blocked and at + size > block_end):
                raise _no_word(raw, at, "record")
            at += size
            yield record, size + extra


def _length(word: bytes, at: int, raw: RawFile, what: str) -> int:
    size = int.from_bytes(word[:2], "big")
    if len(word) < _WORD or size < _WORD or word[3]:
        raise _no_word(raw, at, what)
    return size


def _no_word(raw: RawFile, at: int, what: str) -> FormatError:
    return FormatError(
        f"{raw.uri}: byte {at}: no descriptor word of a {what} that the file holds.",
        offset_bytes=at,
        hint="correct 'recordFormat', or ask for the file again: it may be cut, or sent without descriptor words",
    )
