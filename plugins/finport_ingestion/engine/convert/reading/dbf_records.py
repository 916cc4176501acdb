"""The records of a dBASE table as texts: numbers as delivered, dates and times as ISO 8601.

Records are cut out of blocks of bytes by whole columns. A record whose bytes are no record is set aside; a deleted one
is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.byte_columns import Bytes, Texts, encoding_of, texts, unusual_texts
from finport_ingestion.engine.convert.reading.dbf_layout import Field, Layout, read_layout
from finport_ingestion.engine.convert.reading.dbf_values import MEMOS, READ, memos, numbers
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.convert.reading.transcoding import visible
from finport_ingestion.engine.errors import FormatError

_ROWS = 65_536
_BATCH_BYTES = 16 << 20
_DETECT_BYTES = 1 << 20
_DELETED = ord("*")
_LIVE = np.frombuffer(b" \0", np.uint8)  # some write a NUL for the blank


@dataclass(slots=True, kw_only=True)
class _Table:
    """A table that is being read."""

    layout: Layout
    names: list[str]
    encoding: str
    overflowed: dict[str, int] = field(default_factory=dict)
    deleted: int = 0


def read_dbf(raw: RawFile, *, encoding: str | None) -> Iterator[Batch]:
    """Every record of `raw` that is not deleted.

    Raises:
        FormatError: It is no dBASE table, or cut.
    """
    if raw.size_bytes == 0 and raw.may_be_empty:
        return
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="a dBASE table")
        layout = read_layout(stream, raw)
        warnings = _check_size(layout, raw)
        table, told = _opened(stream, layout, encoding)
        yield _batch(table, _block(stream, table, 0, 0), after=0, warnings=(*warnings, *told))
        step = _step(layout)
        for start in range(0, layout.records, step):
            count = min(step, layout.records - start)
            batch = _batch(table, _block(stream, table, start, count), after=start)
            yield _finished(table, batch) if start + count == layout.records else batch


def sample_dbf(raw: RawFile, *, encoding: str | None, size_bytes: int) -> Iterator[Batch]:
    """Records of the beginning, middle and end."""
    if raw.size_bytes == 0 and raw.may_be_empty:
        return
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="a dBASE table")
        layout = read_layout(stream, raw)
        _check_size(layout, raw)
        table, _ = _opened(stream, layout, encoding)
        count = max(1, min(_step(layout), size_bytes // layout.record_bytes, layout.records))
        for start in sorted({0, max(0, (layout.records - count) // 2), max(0, layout.records - count)}):
            yield _batch(table, _block(stream, table, start, min(count, layout.records - start)), after=start)


def _step(layout: Layout) -> int:
    return max(1, min(_ROWS, _BATCH_BYTES // layout.record_bytes))


def _check_size(layout: Layout, raw: RawFile) -> tuple[str, ...]:
    """What a person should know where the file is longer than its header says; shorter is refused."""
    has = raw.size_bytes - layout.start
    if has < layout.records * layout.record_bytes:
        whole = max(0, has) // layout.record_bytes
        raise FormatError(
            f"{raw.uri}: it says that it has {layout.records} records, and ends in record {whole + 1}.",
            offset_bytes=raw.size_bytes,
            hint="ask for the file again: it is cut",
        )
    more = (has - layout.records * layout.record_bytes) // layout.record_bytes
    if more == 0:
        return ()
    return (f"it says that it has {layout.records} records; the bytes of {more} more behind them are not read",)


def _opened(stream: IO[bytes], layout: Layout, declared: str | None) -> tuple[_Table, tuple[str, ...]]:
    names = unique_names([found.name for found in layout.fields])
    table = _Table(layout=layout, names=names, encoding=layout.encoding or "utf-8")
    told = [
        f"column '{name}' is a memo, which lies in another file: it is null"
        for found, name in zip(layout.fields, names, strict=True)
        if found.type in MEMOS
    ]
    if declared is not None or layout.encoding is None:
        unusual = b"" if declared is not None else _unusual(stream, table)
        table.encoding = encoding_of(unusual, declared=declared)
        if unusual:
            stated = f"code page {layout.code_page:#04x}, which is not known" if layout.code_page else "no code page"
            told.append(f"it states {stated}; its text is taken for {table.encoding}")
    return table, tuple(told)


def _unusual(stream: IO[bytes], table: _Table) -> bytes:
    """The texts that are not ASCII, a line each, up to a megabyte of them."""
    found = bytearray()
    step = _step(table.layout)
    for start in range(0, table.layout.records, step):
        block = _block(stream, table, start, min(step, table.layout.records - start))
        for one in table.layout.fields:
            if one.type in "CV":
                found += unusual_texts(_cells(block, one))
        if len(found) >= _DETECT_BYTES:
            break
    return bytes(found)


def _block(stream: IO[bytes], table: _Table, start: int, count: int) -> Bytes:
    size = table.layout.record_bytes
    stream.seek(table.layout.start + start * size)
    return np.frombuffer(stream.read(count * size), np.uint8).reshape(count, size)


def _cells(block: Bytes, found: Field) -> Bytes:
    return block[:, found.start : found.start + found.width]


def _batch(table: _Table, block: Bytes, *, after: int, warnings: tuple[str, ...] = ()) -> Batch:
    marks = block[:, 0]
    live = np.flatnonzero(np.isin(marks, _LIVE))
    table.deleted += int((marks == _DELETED).sum())
    bad = [_bad(table, block[at], after + int(at), "", "no deletion mark") for at in _unmarked(marks)]
    columns: dict[str, pa.Array] = {}
    wrong: dict[int, tuple[str, str]] = {}
    records = block[live] if len(live) < len(block) else block
    for found, name in zip(table.layout.fields, table.names, strict=True):
        made = _column(table, records, found, name)
        columns[name] = made.values
        why = f"not {table.encoding} text" if found.type in "CV" else f"no value of type {found.type}"
        wrong.update({at: (name, why) for at in made.wrong if at not in wrong})
    bad += [_bad(table, records[at], after + int(live[at]), *found) for at, found in sorted(wrong.items())]
    keep = np.setdiff1d(np.arange(len(live)), np.fromiter(wrong, np.int64)) if wrong else None
    gathered = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return Batch(
        columns=gathered if keep is None else gathered.take(pa.array(keep)),
        rows=pa.array((live if keep is None else live[keep]) + after + 1, pa.int64()),
        bad=tuple(sorted(bad, key=lambda found: found.row)),
        origins={name: _origin(found) for found, name in zip(table.layout.fields, table.names, strict=True)},
        types=_types(table),
        originals=_originals(table),
        size_bytes=block.size,
        warnings=warnings,
        facts={"encoding": table.encoding, "product": table.layout.product},
    )


def _unmarked(marks: Bytes) -> Sequence[int]:
    found: list[int] = np.flatnonzero(~np.isin(marks, _LIVE) & (marks != _DELETED)).tolist()
    return found


def _originals(table: _Table) -> Mapping[str, str]:
    pairs = zip(table.names, table.layout.fields, strict=True)
    return {name: found.name for name, found in pairs if name != found.name}


def _finished(table: _Table, batch: Batch) -> Batch:
    notes = [f"{table.deleted} records are marked as deleted, and left out"] if table.deleted else []
    warnings = [
        f"column '{name}': {count} numbers did not fit their field when it was written (it holds asterisks): null"
        for name, count in table.overflowed.items()
    ]
    return replace(batch, notes=tuple(notes), warnings=(*batch.warnings, *warnings))


def _bad(table: _Table, record: Bytes, at: int, column: str, why: str) -> BadRecord:
    place = table.layout.start + at * table.layout.record_bytes
    said = f"column '{column}' has {why}" if column else f"it has {why}"
    return BadRecord(
        row=at + 1,
        rule="field" if column else "deletion_mark",
        reason=f"record {at + 1}, byte {place}: {said}",
        text=visible(record.tobytes()),
        column=column,
    )


def _origin(found: Field) -> frozenset[Origin]:
    if found.type in "NF":
        return frozenset({Origin.NUMBER})
    return frozenset({Origin.STRING if found.type in "CVQ" else Origin.FIELD})


def _types(table: _Table) -> dict[str, str]:
    """The types that fields define. Whole numbers are left to their values, which may be identifiers with zeros."""
    fixed = {"D": "date", "L": "boolean", "I": "integer", "+": "integer", "Y": "decimal(19,4)", "O": "float"}
    fixed |= {"T": "timestamp", **dict.fromkeys(MEMOS, "text")}
    types: dict[str, str] = {}
    for found, name in zip(table.layout.fields, table.names, strict=True):
        precision = max(18, min(found.width, 38))
        if found.type in "NF" and 0 < found.decimals <= precision:
            types[name] = f"decimal({precision},{found.decimals})"
        elif found.type in fixed:
            types[name] = fixed[found.type]
    return types


def _column(table: _Table, records: Bytes, found: Field, name: str) -> Texts:
    cells = _cells(records, found)
    if found.type in "NF":
        made, overflowed = numbers(cells)
        if overflowed:
            table.overflowed[name] = table.overflowed.get(name, 0) + overflowed
    elif found.type in "CV":
        made = _characters(table, cells, records, found)
    else:
        made = READ.get(found.type, memos)(cells)
    return _with_nulls(table, made, records, found)


def _characters(table: _Table, cells: Bytes, records: Bytes, found: Field) -> Texts:
    if found.length_bit >= 0 and table.layout.flags is not None:
        shorter = _flags(records, table.layout.flags, found.length_bit)
        lengths = np.where(shorter, cells[:, -1], found.width)
        cells = np.where(np.arange(found.width) < lengths[:, None], cells, np.uint8(0))
    return texts(cells, encoding=table.encoding)


def _with_nulls(table: _Table, made: Texts, records: Bytes, found: Field) -> Texts:
    if found.null_bit < 0 or table.layout.flags is None:
        return made
    null = pa.array(_flags(records, table.layout.flags, found.null_bit))
    return Texts(pc.if_else(null, pa.scalar(None, made.values.type), made.values), made.wrong)


def _flags(records: Bytes, flags: Field, bit: int) -> np.ndarray:
    cells = _cells(records, flags)
    if bit // 8 >= flags.width:
        return np.zeros(len(records), bool)
    found: np.ndarray = (cells[:, bit // 8] >> (bit % 8)) & 1 == 1
    return found
