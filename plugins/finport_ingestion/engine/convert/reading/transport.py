"""SAS transport files: rows of fixed bytes with numbers in IBM's hexadecimal floating point, all members of a file.

A first pass finds where members begin and end and which moments their columns hold; the second one gives the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.byte_columns import Bytes, encoding_of, texts, unusual_texts
from finport_ingestion.engine.convert.reading.counted_moments import (
    Extent,
    Moment,
    extent,
    read_moments,
    sas_moment,
    type_of,
)
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.convert.reading.labels import MissingValues, Variable, label_tables
from finport_ingestion.engine.convert.reading.transcoding import visible
from finport_ingestion.engine.convert.reading.transport_layout import (
    HEADER,
    MEMBERS,
    RECORD,
    Column,
    Member,
    read_library,
    read_member,
)
from finport_ingestion.engine.errors import FormatError

_ROWS = 65_536
_BATCH_BYTES = 32 << 20
_SCAN_BYTES = RECORD * 65_536
_DETECT_BYTES = 1 << 20
_MANTISSA = np.uint64((1 << 56) - 1)
_MISSING = np.frombuffer(b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)


@dataclass(slots=True, kw_only=True)
class _Found:
    """A member, and what the first pass found out about it."""

    member: Member
    names: list[str]
    rows: int
    encoding: str = "utf-8"
    guessed: bool = False
    targets: dict[str, pa.DataType] = field(default_factory=dict)
    missing: MissingValues = field(default_factory=MissingValues)

    @property
    def batch_rows(self) -> int:
        return max(1, min(_ROWS, _BATCH_BYTES // self.member.row_bytes))


def read_transport(raw: RawFile, *, encoding: str | None) -> Iterator[Batch]:
    """Every row of every member of `raw`, then what the file says about their columns.

    Raises:
        FormatError: It is no transport file, or cut.
    """
    with raw.open() as stream:
        found = _survey(stream, raw, encoding)
        for one in found:
            several = f"{one.member.name}/" if len(found) > 1 else ""
            yield _batch(one, _empty(one), after=0, bad=())
            for start in range(0, one.rows, one.batch_rows):
                yield _rows(stream, one, start, min(one.batch_rows, one.rows - start))
                yield from _named(one.missing.batches(_variables(one)), several)
            yield from _named(label_tables(_variables(one)), several)


def sample_transport(raw: RawFile, *, encoding: str | None, size_bytes: int) -> Iterator[Batch]:
    """Rows of the beginning, middle and end of each member."""
    with raw.open() as stream:
        found = _survey(stream, raw, encoding)
        for one in found:
            several = f"{one.member.name}/" if len(found) > 1 else ""
            yield _batch(one, _empty(one), after=0, bad=())
            count = max(1, min(one.batch_rows, size_bytes // one.member.row_bytes))
            for start in sorted({0, max(0, (one.rows - count) // 2), max(0, one.rows - count)}):
                if one.rows:
                    yield _rows(stream, one, start, min(count, one.rows - start))
            yield from _named(one.missing.batches(_variables(one)), several)
            yield from _named(label_tables(_variables(one)), several)


def _named(batches: Iterator[Batch], prefix: str) -> Iterator[Batch]:
    return (replace(batch, table=prefix + batch.table) for batch in batches)


def _survey(stream: IO[bytes], raw: RawFile, encoding: str | None) -> list[_Found]:
    refuse_signature(stream, raw=raw, expected="a SAS transport file")
    read_library(stream, raw)
    found: list[_Found] = []
    while stream.tell() < raw.size_bytes:
        member = read_member(stream, raw)
        end = _end_of_rows(stream, member)
        one = _Found(member=member, names=unique_names([c.name for c in member.columns]), rows=0)
        one.rows = _count_rows(stream, member, end, raw)
        _survey_rows(stream, one, encoding)
        found.append(one)
        stream.seek(end)
    if not found:
        raise FormatError(f"{raw.uri}: it ends before its first member.", hint="ask for the file again: it is cut")
    return found


def _end_of_rows(stream: IO[bytes], member: Member) -> int:
    """Where the next member begins, or the file ends."""
    at = member.start
    stream.seek(at)
    while content := stream.read(_SCAN_BYTES):
        if HEADER in content:
            for begin in range(0, len(content), RECORD):
                if content.startswith(MEMBERS, begin):
                    return at + begin
        at += len(content)
    return at


def _count_rows(stream: IO[bytes], member: Member, end: int, raw: RawFile) -> int:
    """The rows up to `end`: what is left of the last 80 bytes is blank."""
    size = end - member.start
    stated = member.stated_rows
    count, rest = divmod(size, member.row_bytes)
    if stated and not count - RECORD <= stated <= count:
        raise FormatError(
            f"{raw.uri}: '{member.name}' says that it has {stated} rows, and has {count}.",
            offset_bytes=end,
            hint="ask for the file again: it is cut",
        )
    count, rest = (stated, size - stated * member.row_bytes) if stated else (count, rest)
    stream.seek(end - rest)
    if stream.read(rest).strip(b" \0"):
        at = end - rest
        raise FormatError(
            f"{raw.uri}: it ends in row {count + 1} of '{member.name}', which begins at byte {at}.",
            offset_bytes=at,
            hint="ask for the file again: it is cut",
        )
    while not stated and count and rest + member.row_bytes < RECORD:
        stream.seek(member.start + (count - 1) * member.row_bytes)
        if stream.read(member.row_bytes).strip(b" "):
            break
        count, rest = count - 1, rest + member.row_bytes
    return count


def _survey_rows(stream: IO[bytes], one: _Found, declared: str | None) -> None:
    moments = _moments(one)
    extents = dict.fromkeys(moments, Extent())
    unusual = bytearray()
    for start in range(0, one.rows, one.batch_rows):
        block = _block(stream, one, start, min(one.batch_rows, one.rows - start))
        for column, name in zip(one.member.columns, one.names, strict=True):
            cells = _cells(block, column)
            if name in moments:
                numbers, missing = ibm_floats(cells)
                extents[name] &= extent(numbers[~missing], moments[name])
            elif column.is_text and declared is None and len(unusual) < _DETECT_BYTES:
                unusual += unusual_texts(cells)
    one.targets = {name: type_of(moment, extents[name]) for name, moment in moments.items()}
    one.encoding, one.guessed = encoding_of(bytes(unusual), declared=declared), bool(unusual)


def _moments(one: _Found) -> dict[str, Moment]:
    pairs = ((n, sas_moment(c.shown)) for c, n in zip(one.member.columns, one.names, strict=True) if not c.is_text)
    return {name: moment for name, moment in pairs if moment}


def _rows(stream: IO[bytes], one: _Found, start: int, count: int) -> Batch:
    block = _block(stream, one, start, count)
    moments = _moments(one)
    arrays: list[pa.Array] = []
    wrong: dict[int, str] = {}
    for column, name in zip(one.member.columns, one.names, strict=True):
        cells = _cells(block, column)
        if column.is_text:
            found = texts(cells, encoding=one.encoding)
            wrong.update(dict.fromkeys(found.wrong, name))
            arrays.append(found.values)
            continue
        numbers, missing = ibm_floats(cells)
        _take_missing(one, name, cells, missing, after=start)
        values = pa.array(numbers, pa.float64(), mask=missing)
        moment = moments.get(name)
        arrays.append(read_moments(values, moment, one.targets[name]) if moment else values)
    bad = [_bad(one, block[at], start + at, column) for at, column in sorted(wrong.items())]
    keep = np.setdiff1d(np.arange(count), np.fromiter(wrong, np.int64)) if wrong else None
    last = start + count == one.rows
    return _batch(one, arrays, after=start, bad=bad, keep=keep, last=last)


def _block(stream: IO[bytes], one: _Found, start: int, count: int) -> Bytes:
    width = one.member.row_bytes
    stream.seek(one.member.start + start * width)
    return np.frombuffer(stream.read(count * width), np.uint8).reshape(count, width)


def _cells(block: Bytes, column: Column) -> Bytes:
    return block[:, column.start : column.start + column.width]


def ibm_floats(cells: Bytes) -> tuple[np.ndarray, np.ndarray]:
    """The doubles that rows of up to eight bytes spell in IBM's floating point, and which of them are missing values.

    Exact wherever SAS wrote them from doubles: a fraction of 56 bits then has no more than 53 that count.
    """
    wide = np.zeros((len(cells), 8), np.uint8)
    wide[:, : cells.shape[1]] = cells
    bits = wide.view(">u8").reshape(-1).astype(np.uint64)
    fraction = bits & _MANTISSA
    exponent = (wide[:, 0] & 0x7F).astype(np.int32)
    values = np.ldexp(fraction.astype(np.float64), 4 * (exponent - 64) - 56)
    missing = (fraction == 0) & np.isin(wide[:, 0], _MISSING)
    return np.where(wide[:, 0] & 0x80, -values, values), missing


def _take_missing(one: _Found, name: str, cells: Bytes, missing: np.ndarray, *, after: int) -> None:
    """Missing values other than the plain `.` have a meaning of their own."""
    tagged = np.flatnonzero(missing & (cells[:, 0] != ord(".")))
    codes = [f".{chr(cells[at, 0])}" for at in tagged]
    one.missing.add(name, [after + int(at) + 1 for at in tagged], codes)


def _bad(one: _Found, row: Bytes, at: int, column: str) -> BadRecord:
    place = one.member.start + at * one.member.row_bytes
    return BadRecord(
        row=at + 1,
        rule="encoding",
        reason=f"row {at + 1}, byte {place}: the text of column '{column}' is not {one.encoding}",
        text=visible(row.tobytes()),
        column=column,
        table=one.member.name,
    )


def _empty(one: _Found) -> list[pa.Array]:
    kinds = (pa.string() if c.is_text else one.targets.get(n, pa.float64()) for c, n in _columns(one))
    return [pa.array([], kind) for kind in kinds]


def _columns(one: _Found) -> Iterator[tuple[Column, str]]:
    return zip(one.member.columns, one.names, strict=True)


def _batch(
    one: _Found,
    arrays: Sequence[pa.Array],
    *,
    after: int,
    bad: Sequence[BadRecord],
    keep: np.ndarray | None = None,
    last: bool = False,
) -> Batch:
    rows = np.arange(after + 1, after + len(arrays[0]) + 1)
    columns = pa.RecordBatch.from_arrays(list(arrays), names=one.names)
    if keep is not None:
        columns, rows = columns.take(pa.array(keep)), rows[keep]
    return Batch(
        columns=columns,
        rows=pa.array(rows, pa.int64()),
        table=one.member.name,
        bad=tuple(bad),
        originals={name: column.name for column, name in _columns(one) if name != column.name},
        size_bytes=len(arrays[0]) * one.member.row_bytes,
        notes=one.missing.notes() if last else (),
        warnings=_warnings(one) if not len(arrays[0]) else (),
        facts={"encoding": one.encoding},
    )


def _warnings(one: _Found) -> tuple[str, ...]:
    told = [
        f"column '{name}' has format {column.shown}, and stays a number: some of its values are no such moments"
        for column, name in _columns(one)
        if name in one.targets and pa.types.is_float64(one.targets[name])
    ]
    if one.member.reordered:
        told.append(f"'{one.member.name}': positions of columns contradict their order; they are read in their order")
    if one.guessed:
        told.append(f"'{one.member.name}' does not say how its text is encoded; it is taken for {one.encoding}")
    return tuple(told)


def _variables(one: _Found) -> list[Variable]:
    return [Variable(name=name, label=column.label, shown=column.shown) for column, name in _columns(one)]
