"""JSON lines at the speed of a delimited parser, with a proof for each value; the exact way where there is none.

A window of whole lines is cut at its commas by Arrow's delimited parser. Then every field is proved to be the bytes of
a template around one token, and every token to be a string, number, boolean or null as JSON writes them: so a line is
exactly the record that was read out of it. A window for which any of this fails goes the exact way, as a whole: keys
that differ from line to line, nested values, exponents, bytes that are not UTF-8, and all that is wrong.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from finport_ingestion.engine.convert.evidence import DECIMAL, Look
from finport_ingestion.engine.convert.interface import Batch, Origin, Prepare, RawFile
from finport_ingestion.engine.convert.reading.ahead import Ahead
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.convert.reading.json_columns import Column, Traits, are_numbers, column_of
from finport_ingestion.engine.convert.reading.json_stream import Lines, read_lines
from finport_ingestion.engine.convert.reading.json_template import Template, template_of, without_commas_in_strings
from finport_ingestion.engine.convert.reading.slices import slices
from finport_ingestion.engine.convert.reading.transcoding import find_encoding
from finport_ingestion.engine.convert.reading.windows import Content, ReadWindows, holds
from finport_ingestion.engine.errors import FormatError

_WINDOW = 8 << 20
_FIRST_LINE = 1 << 16
_ASCII_END = 128
_BOM = b"\xef\xbb\xbf"


def read_lines_ahead(raw: RawFile, *, prepare: Prepare, threads: int, window_bytes: int = _WINDOW) -> Iterator[Batch]:
    """Every record of `raw`, in order: the batches of `read_lines`, though cut elsewhere.

    Args:
        prepare: Looks at columns of numbers and booleans in the thread that has parsed them.

    Raises:
        FormatError: It is empty, or no line of its beginning is JSON.
    """
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="JSON lines")
        encoding = find_encoding(stream, declared=None)
        if not encoding.is_utf8:
            yield from read_lines(raw)
            return
        stream.seek(encoding.bom_bytes)
        exact = Lines(raw=raw, offset=encoding.bom_bytes)
        parser = _Parser(prepare)
        with Ahead[_Parsed](max(threads, 1)) as ahead:
            for window in _windows(stream, raw, window_bytes):
                for parsed in ahead.submit(functools.partial(parser.parse, window)):
                    yield from _batches(parsed, exact)
            for parsed in ahead.drain():
                yield from _batches(parsed, exact)
        exact.finish()


def _windows(stream: IO[bytes], raw: RawFile, size: int) -> Iterator[memoryview]:
    """Whole lines, some at a time.

    Raises:
        FormatError: A line is longer than the limit.
    """
    windows = ReadWindows(stream, size)
    left: Content = b""
    final = False
    while not final:
        buffer, final = windows.after(left)
        end = len(buffer) if final else buffer.rfind(b"\n") + 1
        if len(buffer) - end > raw.limits.record_bytes:
            raise FormatError(
                f"{raw.uri}: a line longer than {raw.limits.record_bytes} bytes.",
                hint="raise 'recordBytes' of the policy's 'reading' if such a record is right",
            )
        left = buffer[end:]
        if end:
            yield memoryview(buffer)[:end]


def _no_look(columns: pa.RecordBatch, origins: Mapping[str, frozenset[Origin]] | None = None) -> Mapping[str, Look]:
    return {}


def sample_lines(raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
    """Records of the beginning, middle and end of `raw`."""
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="JSON lines")
        encoding = find_encoding(stream, declared=None)
        exact = Lines(raw=raw)
        found = [
            content if first else content[content.find(b"\n") + 1 :]
            for content, first in slices(stream, encoding, raw=raw, size_bytes=size_bytes)
        ]
    parser = _Parser(_no_look)
    whole = b"".join(found)
    parsed = parser.parse(memoryview(whole)) if all(lines.endswith(b"\n") for lines in found[:-1]) else None
    if parsed is not None and parsed.columns is not None:
        yield from _batches(parsed, exact)
    else:
        # Some of the places hold other lines than the others do.
        for lines in filter(None, found):
            yield from _batches(parser.parse(memoryview(lines)), exact)
    exact.finish()


def proved_columns(windows: Iterator[bytes]) -> Iterator[Mapping[str, Column] | None]:
    """The columns of each of some windows of whole lines; None where nothing vouches for them."""
    parser = _Parser(_no_look)
    return (parser.parse(memoryview(window)).columns for window in windows)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What a thread made of a window; no columns where it cannot vouch for them."""

    window: memoryview
    columns: Mapping[str, Column] | None = None
    looked: Mapping[str, Look] = field(default_factory=dict)


@dataclass(slots=True)
class _Parser:
    """Parses windows; several threads may use it, each for a window of its own."""

    prepare: Prepare
    template: Template | None = None  # of a window before
    masked: bool = False  # commas stood inside strings

    def parse(self, window: memoryview) -> _Parsed:
        # Arrow's parser would take a byte order mark away.
        if window[: len(_BOM)] == _BOM:
            return _Parsed(window)
        escapes = holds(window, b"\\")
        for template in self._templates(window):
            columns = self._columns(window, template, escapes=escapes)
            looked = None if columns is None else self._looked(columns)
            if columns is not None and looked is not None:
                self.template = template
                return _Parsed(window, columns, looked)
        return _Parsed(window)

    def _templates(self, window: memoryview) -> Iterator[Template]:
        """The one that a window before had; else what the first line of this one shows."""
        known = self.template
        if known is not None:
            yield known
        found = template_of(bytes(window[:_FIRST_LINE]).partition(b"\n")[0])
        if found is not None and found != known:
            yield found

    def _columns(self, window: memoryview, template: Template, *, escapes: bool) -> dict[str, Column] | None:
        if not self.masked:
            fields = _cut(pa.py_buffer(window), template)
            if fields is not None:
                return _proved(fields, template, Traits(masked=False, escapes=escapes))
        hidden = without_commas_in_strings(window)
        fields = None if hidden is None else _cut(pa.py_buffer(hidden), template)
        if fields is None:
            return None
        self.masked = True
        return _proved(fields, template, Traits(masked=True, escapes=escapes))

    def _looked(self, columns: Mapping[str, Column]) -> dict[str, Look] | None:
        """What the columns are; None where one of numbers holds something else."""
        filled = {key: column for key, column in columns.items() if column.origin}
        if not filled:
            return {}
        values = pa.RecordBatch.from_arrays([column.values for column in filled.values()], names=list(filled))
        origins = {key: frozenset({column.origin}) for key, column in filled.items() if column.origin}
        looked = dict(self.prepare(values, origins))
        for key, column in filled.items():
            proved = key in looked and DECIMAL in looked[key].evidence.alive
            if column.origin is Origin.NUMBER and not proved and not are_numbers(column.values):
                return None
        return looked


def _batches(parsed: _Parsed, exact: Lines) -> Iterator[Batch]:
    if parsed.columns is None:
        yield from exact.take(bytes(parsed.window))
    else:
        yield _batch(parsed, parsed.columns, exact)


def _batch(parsed: _Parsed, found: Mapping[str, Column], exact: Lines) -> Batch:
    columns = pa.RecordBatch.from_arrays([c.values for c in found.values()], names=list(found))
    first = exact.pass_over(rows=columns.num_rows, size_bytes=len(parsed.window))
    numbers = np.arange(first, first + columns.num_rows, dtype=np.int64)
    return Batch(
        columns=columns,
        rows=pa.Int64Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)]),
        origins={key: frozenset({column.origin}) for key, column in found.items() if column.origin},
        size_bytes=len(parsed.window),
        looked=parsed.looked,
    )


def _proved(fields: list[pa.StringArray], template: Template, traits: Traits) -> dict[str, Column] | None:
    found: dict[str, Column] = {}
    last = len(template.keys) - 1
    for at, (key, before) in enumerate(zip(template.keys, template.before, strict=True)):
        column = column_of(fields[at], before=before, behind=template.end if at == last else "", traits=traits)
        if column is None:
            return None
        found[key] = column
    return found


def _cut(window: pa.Buffer, template: Template) -> list[pa.StringArray] | None:
    """The fields of each line between its commas; None where a line has another number of them, as a blank one has."""
    names = [str(at) for at in range(len(template.keys))]
    # Text is checked value by value to be UTF-8, which ASCII need not be.
    kind = pa.binary() if int(np.frombuffer(window, np.uint8).max()) < _ASCII_END else pa.string()
    try:
        table = pyarrow.csv.read_csv(
            window,
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=window.size + 1, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=",", quote_char=False, newlines_in_values=False, ignore_empty_lines=False
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, kind), strings_can_be_null=False, null_values=[]
            ),
        )
    except pa.ArrowInvalid:
        return None
    # One block gives one chunk; `combine_chunks` would copy it.
    return [column.chunk(0).view(pa.string()) for column in table.columns] if table.num_rows else None
