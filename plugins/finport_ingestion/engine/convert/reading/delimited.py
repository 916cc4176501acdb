"""Delimited text as batches of texts: window by window on the fast way, or on the exact one where that cannot vouch."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import IO

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.evidence import Look
from finport_ingestion.engine.convert.interface import BadRecord, Batch, Prepare, RawFile
from finport_ingestion.engine.convert.reading import delimited_exact, delimited_fast
from finport_ingestion.engine.convert.reading.ahead import Ahead
from finport_ingestion.engine.convert.reading.delimited_columns import Columns, find_columns
from finport_ingestion.engine.convert.reading.delimited_exact import MAX_RECORD_CHARS, Lines, Record
from finport_ingestion.engine.convert.reading.dialect import Dialect, found_out
from finport_ingestion.engine.convert.reading.footer import without_footers
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_json, refuse_signature
from finport_ingestion.engine.convert.reading.places import Place
from finport_ingestion.engine.convert.reading.quoting import found_out_of, swallows_lines, taken_literally, with_quoting
from finport_ingestion.engine.convert.reading.slices import slices
from finport_ingestion.engine.convert.reading.transcoding import (
    Encoding,
    find_encoding,
    utf8_chunks,
    visible,
)
from finport_ingestion.engine.convert.reading.windows import (
    ChunkWindows,
    Content,
    ReadWindows,
    Windows,
    find_cut,
    last_line_end,
)
from finport_ingestion.engine.errors import FormatError

_DIALECT_LINES = 200
_HEADER_LIMIT = 1 << 20
_WINDOW_BYTES = 4 << 20
"""Small enough for what is made of a window to be near when it is looked at, and for memory to be used again."""
_UTF8 = Encoding("utf-8")


def read_delimited(
    raw: RawFile,
    dialect: Dialect,
    *,
    window_bytes: int = _WINDOW_BYTES,
    prepare: Prepare | None = None,
    threads: int = 0,
    only: frozenset[str] | None = None,
) -> Iterator[Batch]:
    """Every record of `raw`, in order.

    Args:
        window_bytes: How much is read at a time; a batch holds the whole records of that.
        only: The columns to give; all by default.
        prepare: Looks at the columns where they are parsed.
        threads: That parse ahead; 0 parses as batches are asked for.

    Raises:
        FormatError: It is empty, or its beginning is no header.
    """
    parsers: list[_Parser] = []

    def read(again: Prepare | None = None, ahead: int = 0) -> Iterator[Batch]:
        parsers.append(_Parser(raw=raw, dialect=dialect, only=only))
        return _read(parsers[-1], window_bytes=window_bytes, prepare=again, threads=ahead)

    for batch in without_footers(read(prepare, threads), delimiter=lambda: parsers[0].dialect.delimiter, reread=read):
        if only is None:
            yield batch
        else:
            wanted = [name for name in batch.columns.schema.names if name in only]
            yield replace(batch, columns=batch.columns.select(wanted))


def _read(parser: _Parser, *, window_bytes: int, prepare: Prepare | None, threads: int) -> Iterator[Batch]:
    raw = parser.raw
    with raw.open() as stream, Ahead[_Parsed](max(threads, 1)) as ahead:
        parser.begin(stream)
        windows = parser.windows(stream, window_bytes)
        left: Content = b""
        final = False
        while not final:
            left, final = windows.after(left)
            if threads and parser.started:
                window, left = parser.split(left, final=final)
                if len(window):
                    # Footers at the end are told by whole records.
                    task = functools.partial(parser.parse, window, prepare=prepare, whole=final)
                    yield from (parser.placed(found) for found in ahead.submit(task))
                if not left or len(window):
                    continue
            yield from (parser.placed(found) for found in ahead.drain())
            for batch, consumed in parser.take(left, final=final):
                left = left[consumed:]
                yield batch
            if len(left) > raw.limits.record_bytes:
                most = raw.limits.record_bytes
                raise FormatError(
                    f"{raw.uri}: line {parser.place.lines_before() + 1}: a record of more than {most} bytes.",
                    offset_bytes=parser.place.offset,
                    hint="state the right 'format', 'delimiter' and 'quote'",
                )
        yield from (parser.placed(found) for found in ahead.drain())
        parser.finish()


def _found_out(dialect: Dialect, stream: IO[bytes], encoding: Encoding, raw: RawFile) -> Dialect:
    """The dialect, whole; `stream` is left at its beginning."""
    head = next(utf8_chunks(stream, encoding, uri=raw.uri, size=_HEADER_LIMIT), b"")
    stream.seek(0)
    refuse_foreign(head, raw=raw, expected="delimited text")
    refuse_json(head, raw=raw)
    text = head.decode("utf-8", "surrogateescape")
    return with_quoting(found_out(dialect, text), text)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A window of whole records, and its columns where the fast way could vouch for them."""

    window: memoryview
    columns: pa.RecordBatch | None
    looked: Mapping[str, Look]


def sample_delimited(raw: RawFile, dialect: Dialect, *, size_bytes: int) -> Iterator[Batch]:
    """Whole-looking records from all over `raw`."""
    parser = _Parser(raw=raw, dialect=dialect)
    with raw.open() as stream:
        parser.begin(stream)
        for content, first in slices(stream, parser.encoding, raw=raw, size_bytes=size_bytes):
            # A slice of the middle begins and ends anywhere: its first and last line are left out.
            text = content if first else content[content.find(b"\n") + 1 :]
            if not parser.dialect.lines.as_they_are:
                text = b"".join(parser.dialect.lines.plain([text]))
            for batch, _ in parser.take(text, final=True):
                yield batch
        parser.finish()


@dataclass(slots=True)
class _Parser:
    """Where a pass over one file stands."""

    raw: RawFile
    dialect: Dialect
    encoding: Encoding = _UTF8
    only: frozenset[str] | None = None
    columns: Columns = field(default_factory=Columns)
    place: Place = field(init=False)
    row: int = 0  # records so far
    started: bool = False
    literal: bool = False  # quotes were read as characters
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = Place(self.raw)

    @property
    def names(self) -> list[str]:
        return self.columns.names

    def begin(self, stream: IO[bytes]) -> None:
        """Find out the encoding and the dialect.

        Raises:
            FormatError: The bytes are plainly something else.
        """
        refuse_signature(stream, raw=self.raw, expected="delimited text")
        self.encoding = find_encoding(stream, declared=self.dialect.encoding)
        self.dialect = _found_out(self.dialect, stream, self.encoding, self.raw)
        self.place = Place(self.raw, bom_bytes=self.encoding.bom_bytes, known=self.as_they_are)

    @property
    def as_they_are(self) -> bool:
        """Whether bytes of the text are bytes of the file."""
        return self.encoding.is_utf8 and self.dialect.lines.as_they_are

    def windows(self, stream: IO[bytes], size: int) -> Windows:
        """The text behind the byte order mark, as UTF-8."""
        if self.as_they_are:
            stream.seek(self.encoding.bom_bytes)
            return ReadWindows(stream, size)
        lines = self.dialect.lines
        chunks = utf8_chunks(stream, self.encoding, uri=self.raw.uri, size=size)
        return ChunkWindows(chunks if lines.as_they_are else lines.plain(chunks))

    def parse(self, window: memoryview, *, prepare: Prepare | None, whole: bool) -> _Parsed:
        """The columns of a window, wherever it stands; several threads may do this.

        Args:
            whole: With all columns, even if only some are wanted.
        """
        names = self.names
        if self.only is not None and not whole:
            names = [name for name in names if name in self.only]
        places = [self.names.index(name) for name in names] if len(names) < len(self.names) else None
        columns = delimited_fast.parse(window, self.dialect, width=len(self.names), only=places)
        if columns is None or swallows_lines(window, columns.num_rows, self.dialect):
            return _Parsed(window, None, {})
        named = columns.rename_columns(names)
        return _Parsed(window, named, prepare(named) if prepare else {})

    def take(self, buffer: Content, *, final: bool) -> Iterator[tuple[Batch, int]]:
        """Batches from the beginning of `buffer`, each with the number of bytes that are done with."""
        if not self.started:
            used = self._start(buffer, final=final)
            if used is None:
                return
            yield self._first_batch(used), used
            buffer = buffer[used:]
        while buffer:
            step = self._window(buffer, final=final)
            if step is None:
                return
            batch, used = step
            yield batch, used
            buffer = buffer[used:]

    def split(self, buffer: Content, *, final: bool) -> tuple[memoryview, Content]:
        """What of `buffer` another thread may parse, and the rest; nothing where its quotes are not proved right."""
        cut = find_cut(buffer, delimiter=self.dialect.delimiter, quote=self.dialect.quote, final=final)
        if not cut.proved or not cut.size or b"\0" in buffer or self.dialect.after_blanks:
            return memoryview(b""), buffer
        return memoryview(buffer)[: cut.size], buffer[cut.size :]

    def placed(self, parsed: _Parsed) -> Batch:
        """What another thread has parsed, in its place in the file."""
        if parsed.columns is None:
            exact = self._exact(bytes(parsed.window), final=True)
            return exact[0] if exact else self._batch(_no_rows(self.names), [])
        self.place.advance(parsed.window)
        return self._batch(parsed.columns, [], size=len(parsed.window), looked=parsed.looked)

    def finish(self) -> None:
        """The stream has ended.

        Raises:
            FormatError: Nothing stood in it.
        """
        if not self.started and not self.raw.may_be_empty:
            what = "is empty" if self.raw.size_bytes == 0 else "holds only blank lines"
            raise FormatError(
                f"{self.raw.uri}: {what}.",
                offset_bytes=0,
                hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
            )

    def _start(self, buffer: Content, *, final: bool) -> int | None:
        """Skip what stands above, read the names; the bytes used, or None where more are needed."""
        final = final and len(buffer) <= _HEADER_LIMIT
        head = buffer if final else buffer[: last_line_end(buffer, min(len(buffer), _HEADER_LIMIT))]
        lines = Lines(head.decode("utf-8", "surrogateescape"))
        lines.position = min(self.dialect.skip_lines, len(lines.texts))
        found = itertools.islice(delimited_exact.records(lines, self.dialect, final=final), _DIALECT_LINES)
        columns = find_columns(list(found), self.dialect, uri=self.raw.uri)
        if columns is None:
            if len(buffer) > _HEADER_LIMIT and lines.position < len(lines.texts):
                raise FormatError(
                    f"{self.raw.uri}: line {lines.position + 1}: the first record is longer than 1 MB.",
                    hint="state the right 'format', 'delimiter' and 'quote'",
                )
            return None
        self.started, self.columns = True, columns
        self.warnings.extend(columns.warnings)
        return self.place.advance_text("".join(lines.texts[: columns.line]))

    def _window(self, buffer: Content, *, final: bool) -> tuple[Batch, int] | None:
        cut = find_cut(buffer, delimiter=self.dialect.delimiter, quote=self.dialect.quote, final=final)
        if cut.proved and cut.size:
            window = buffer[: cut.size]
            parsed = None
            if b"\0" not in window and not self.dialect.after_blanks:
                parsed = delimited_fast.parse(window, self.dialect, width=len(self.names))
            if parsed is None or swallows_lines(window, parsed.num_rows, self.dialect):
                return self._exact(window, final=True)
            self.place.advance(window)
            return self._batch(parsed.rename_columns(self.names), [], size=len(window)), len(window)
        if not final and cut.proved and len(buffer) < MAX_RECORD_CHARS:
            return None
        return self._exact(buffer if final else buffer[: last_line_end(buffer)], final=final)

    def _exact(self, window: Content, *, final: bool) -> tuple[Batch, int] | None:
        lines = Lines(window.decode("utf-8", "surrogateescape"))
        columns: list[list[str]] = [[] for _ in self.names]
        rows: list[int] = []
        bad: list[BadRecord] = []
        first_row, said = self.row, len(self.warnings)
        for record in self._records(lines, final=final):
            self.row += 1
            fault = self._fault(record, lines)
            if fault is None and record.fields is not None:
                rows.append(self.row)
                for column, text in zip(columns, record.fields, strict=True):
                    column.append(text)
            elif fault is not None:
                bad.append(fault)
        done = "".join(lines.texts[: lines.position])
        if not done:
            self.row = first_row
            return None
        used = self.place.advance_text(done)
        batch = self._batch(_texts(columns, self.dialect.nulls, self.names), bad, rows=rows, size=used)
        return replace(batch, warnings=tuple(self.warnings[said:])), used

    def _records(self, lines: Lines, *, final: bool) -> Iterator[Record]:
        for record in delimited_exact.records(lines, self.dialect, final=final):
            if record.fields and len(record.fields) == 1 < len(self.names) and not record.fields[0].strip():
                continue  # a line of blanks
            literal = taken_literally(record, lines, self.dialect, width=len(self.names))
            if literal and not self.literal:
                self.literal = True
                said = f"{self.raw.uri}: quotes that quote nothing are read as characters, as of a file without quoting"
                self.warnings.append(said)
            yield from literal or [record]

    def _fault(self, record: Record, lines: Lines) -> BadRecord | None:
        """Why the record is set aside, if it is."""
        rule, why = record.rule, record.reason
        if record.fields is not None:
            text = "".join(record.fields)
            if len(record.fields) != len(self.names):
                found = f"{len(record.fields)} field{'s' if len(record.fields) > 1 else ''}"
                rule, why = "field_count", f"{found} where {len(self.names)} are expected"
            elif "\0" in text:
                rule, why = "nul_character", "a NUL character, which no database takes as text"
            elif not _encodable(text):
                rule, why = "encoding", f"bytes that are not {self.encoding.name}"
            else:
                return None
        line = self.place.lines_before() + record.first_line + 1
        at = self.place.byte(lines.start_bytes(record.first_line))
        place = f", byte {at}" if at is not None else ""
        raw_text = visible(lines.joined(record).encode("utf-8", "surrogateescape")).rstrip("\r\n")
        return BadRecord(row=self.row, rule=rule, reason=f"line {line}{place}: {why}", text=raw_text)

    def _batch(
        self,
        columns: pa.RecordBatch,
        bad: list[BadRecord],
        *,
        rows: list[int] | None = None,
        size: int = 0,
        notes: tuple[str, ...] = (),
        looked: Mapping[str, Look] = MappingProxyType({}),
    ) -> Batch:
        if rows is None:
            numbers = pa.array(np.arange(self.row + 1, self.row + columns.num_rows + 1))
            self.row += columns.num_rows
        else:
            numbers = pa.array(rows, pa.int64())
        return Batch(
            columns=columns,
            rows=numbers,
            bad=tuple(bad),
            originals=self.columns.originals,
            size_bytes=size,
            notes=notes,
            looked=looked,
        )

    def _first_batch(self, size: int) -> Batch:
        """No records, but what is known of the file once it has begun."""
        facts = {"encoding": self.encoding.name, "delimiter": self.dialect.delimiter}
        warnings = (*self.warnings, *self.columns.renamed(self.raw.uri))
        batch = self._batch(_no_rows(self.names), [], notes=self._notes(), size=size)
        return replace(batch, facts=facts, warnings=warnings)

    def _notes(self) -> tuple[str, ...]:
        said = [found_out_of(self.dialect)]
        if not self.encoding.declared and not self.encoding.is_utf8:
            said.append(f"read as {self.encoding.name}, which was found out from its bytes")
        return tuple(f"{self.raw.uri}: {found}" for found in said if found)


def _no_rows(names: list[str]) -> pa.RecordBatch:
    return _texts([[] for _ in names], ("",), names)


def _texts(columns: list[list[str]], nulls: tuple[str, ...], names: list[str]) -> pa.RecordBatch:
    absent = frozenset(nulls)
    arrays = [pa.array([None if text in absent else text for text in column], pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _encodable(text: str) -> bool:
    # Bytes that are not of the encoding were read as lone surrogates.
    return not any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else True
