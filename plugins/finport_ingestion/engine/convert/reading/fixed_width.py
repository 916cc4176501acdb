"""Fixed-width text in windows of whole lines: vectorised, with a line that cannot be read set aside alone."""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Prepare, RawFile
from finport_ingestion.engine.convert.reading.fixed_layout import Layout, cut_columns, is_ascii
from finport_ingestion.engine.convert.reading.fixed_preamble import count_preamble, starts_too_late
from finport_ingestion.engine.convert.reading.fixed_windows import Window, windows
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.slices import slices
from finport_ingestion.engine.convert.reading.transcoding import Encoding, find_encoding, visible
from finport_ingestion.engine.errors import ConfigError, FormatError

_EXPECTED = "fixed-width text"
_BLANK = b" \t\r\n\x1a\0"
_SHOWN = 200


def read_fixed_width(raw: RawFile, layout: Layout, *, threads: int | None = None) -> Iterator[Batch]:
    """Every record of `raw`, in order.

    Args:
        threads: That cut columns; by default as many as there are processors.

    Raises:
        ConfigError: The layout has no columns.
        FormatError: It is empty, or no text.
    """
    reading, encoding = _begin(raw, layout)
    reading.threads = threads or os.cpu_count() or 1
    for window in windows(raw, layout, encoding, codec=reading.codec):
        batch = reading.take(window)
        if batch is not None:
            yield batch
    if not reading.rows:
        yield reading.nothing()


def read_ahead(raw: RawFile, layout: Layout, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
    """What `read_fixed_width` gives: one thread cuts windows, others look at them, while the caller writes."""
    batches = read_fixed_width(raw, layout, threads=1)

    def looked(batch: Batch) -> Batch:
        return dataclasses.replace(batch, looked=prepare(batch.columns))

    with ThreadPoolExecutor(1) as cutting, ThreadPoolExecutor(max(threads, 1)) as looking:

        def cut() -> Future[Batch] | None:
            batch = next(batches, None)
            return None if batch is None else looking.submit(looked, batch)

        ahead = deque(cutting.submit(cut) for _ in range(threads + 1))
        try:
            while (following := ahead.popleft().result()) is not None:
                ahead.append(cutting.submit(cut))
                yield following.result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def sample_fixed_width(raw: RawFile, layout: Layout, *, size_bytes: int) -> Iterator[Batch]:
    """Records of the beginning, middle and end of `raw`."""
    if layout.record_length or layout.in_bytes or raw.size_bytes <= 3 * size_bytes:
        yield from _until(read_fixed_width(raw, layout), size_bytes)
        return
    reading, encoding = _begin(raw, layout)
    with raw.open() as stream:
        for content, first in slices(stream, encoding, raw=raw, size_bytes=size_bytes):
            text = content if first else content[content.find(b"\n") + 1 :]
            if not first:
                reading.begun = True
            batch = reading.take(Window.of_lines(text, 1, end=layout.end))
            if batch is not None:
                yield batch


def _until(batches: Iterator[Batch], size_bytes: int) -> Iterator[Batch]:
    taken = 0
    for batch in batches:
        yield batch
        taken += batch.size_bytes
        if taken > size_bytes:
            return


def _begin(raw: RawFile, layout: Layout) -> tuple[_Reading, Encoding]:
    if not layout.places:
        raise ConfigError(
            f"{raw.uri}: fixed-width text without a layout.",
            hint="state 'columns', each with name, start and length, in the Format",
        )
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected=_EXPECTED)
        encoding = find_encoding(stream, declared=layout.encoding)
    codec = None
    if layout.in_bytes and not encoding.is_utf8:
        codec = encoding.name
        if codec.startswith(("utf-16", "utf-32")):
            raise ConfigError(f"{raw.uri}: positions of {codec} text count characters.", hint="leave 'unit' out")
    return _Reading(raw=raw, layout=layout, encoding=encoding.name, codec=codec), encoding


@dataclass(slots=True)
class _Reading:
    raw: RawFile
    layout: Layout
    encoding: str
    codec: str | None
    threads: int = 1
    rows: int = 0  # records so far
    begun: bool = False
    warned: bool = False
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def take(self, window: Window) -> Batch | None:
        """The records of a window; None where it has none."""
        skipped = 0
        if not self.begun:
            skipped = self._begin(window)
        lines, numbers = window.lines.slice(skipped), np.arange(window.first_line + skipped, window.stop_line)
        if not len(lines):
            return None
        bad = self._unreadable(lines)
        good = np.flatnonzero(~bad)
        kept = lines if len(good) == len(lines) else lines.take(pa.array(good))
        columns, broken = self._cut(kept)
        bad[good[broken]] = True
        good = good[~broken]
        blank = self._blank(lines, good, columns)
        self._warn_of_rest(lines, numbers, ends=int(window.with_ends))
        if window.cut:
            self._warn_of_cut(lines[-1].as_py(), int(numbers[-1]))
        return self._batch(lines, numbers, columns, good, bad, blank, window.size_bytes)

    def nothing(self) -> Batch:
        """A file without records.

        Raises:
            FormatError: The policy wants some.
        """
        if not self.raw.may_be_empty:
            what = "is empty" if self.raw.size_bytes == 0 else "holds no record behind its first lines"
            raise FormatError(
                f"{self.raw.uri}: {what}.",
                offset_bytes=0,
                hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
            )
        empty = [pa.array([], pa.string()) for _ in self.layout.places]
        columns = pa.RecordBatch.from_arrays(empty, names=self.layout.names)
        return Batch(columns=columns, rows=pa.array([], pa.int64()), facts={"encoding": self.encoding})

    def _begin(self, window: Window) -> int:
        """How many of the first lines are no records, and what there is to say of it."""
        refuse_foreign(window.head, raw=self.raw, expected=_EXPECTED)
        self.begun = True
        stated = self.layout.skip_lines
        skipped = stated if stated is not None else count_preamble(window.lines, self.layout)
        if stated is None and skipped:
            self.warnings.append(
                f"the first {skipped} lines end before the column '{self.layout.names[-1]}', which every other line "
                "reaches: they are a preamble and left out; state 'skipRows: 0' where they are records."
            )
        if self.layout.header:
            skipped += 1
        if starts_too_late(window.lines.slice(skipped), self.layout):
            self.warnings.append(
                "every line has a character before the first column: state 'countFrom: 1' if the layout counts from 1."
            )
        return skipped

    def _unreadable(self, lines: pa.BinaryArray) -> np.ndarray:
        """Which lines hold bytes that are not of the encoding, or are longer than the limit."""
        bad: np.ndarray = np.asarray(pc.greater(pc.binary_length(lines), self.raw.limits.record_bytes))
        if self.codec is None and not is_ascii(lines):
            try:
                lines.cast(pa.string())
            except pa.ArrowInvalid:
                bad = bad | np.array([not _is_text(line, "utf-8") for line in lines.to_pylist()])
        return bad.copy()

    def _cut(self, lines: pa.BinaryArray) -> tuple[list[pa.StringArray], np.ndarray]:
        """The columns, and which lines have a position inside of a character (those are not in the columns)."""
        try:
            return cut_columns(lines, self.layout, codec=self.codec, threads=self.threads), np.zeros(len(lines), bool)
        except (UnicodeDecodeError, pa.ArrowInvalid):
            codec = self.codec or "utf-8"
            places = [(place.start, place.end) for place in self.layout.places]
            broken = np.array(
                [any(not _is_text(line[start:end], codec) for start, end in places) for line in lines.to_pylist()]
            )
            return cut_columns(lines.take(pa.array(np.flatnonzero(~broken))), self.layout, codec=self.codec), broken

    def _blank(self, lines: pa.BinaryArray, good: np.ndarray, columns: list[pa.StringArray]) -> np.ndarray:
        """Which of the `good` lines hold nothing but blanks: they are no records."""
        empty = np.ones(len(good), bool)
        for column in columns:
            if not column.null_count:
                return np.zeros(len(good), bool)
            empty &= np.asarray(column.is_null())
        for at in np.flatnonzero(empty):
            empty[at] = not lines[int(good[at])].as_py().strip(_BLANK)
        return empty

    def _batch(
        self,
        lines: pa.BinaryArray,
        numbers: np.ndarray,
        columns: list[pa.StringArray],
        good: np.ndarray,
        bad: np.ndarray,
        blank: np.ndarray,
        size_bytes: int,
    ) -> Batch:
        is_record = np.ones(len(lines), bool)
        is_record[good[blank]] = False
        record = self.rows + np.cumsum(is_record)
        self.rows = int(record[-1])
        kept = ~blank
        if not kept.all():
            columns = [column.filter(pa.array(kept)) for column in columns]
        faults = [self._bad(lines[int(at)].as_py(), int(record[at]), int(numbers[at])) for at in np.flatnonzero(bad)]
        made = Batch(
            columns=pa.RecordBatch.from_arrays(columns, names=self.layout.names),
            rows=pa.array(record[good[kept]], pa.int64()),
            bad=tuple(faults),
            size_bytes=size_bytes,
            notes=tuple(self.notes),
            warnings=tuple(self.warnings),
            facts={"encoding": self.encoding},
        )
        self.notes, self.warnings = [], []
        return made

    def _warn_of_rest(self, lines: pa.BinaryArray, numbers: np.ndarray, *, ends: int) -> None:
        """Once a file: something stands behind the last column."""
        if self.warned:
            return
        end, lengths = self.layout.end, np.asarray(pc.binary_length(lines))
        longer = np.flatnonzero(lengths > end + ends)
        if not len(longer):
            return
        # The stop is stated: without one, the kernels miscount the room that short lines need.
        rests = _rests(lines.take(pa.array(longer)), end, int(lengths.max()), in_bytes=self.layout.in_bytes)
        for at in np.flatnonzero(np.asarray(pc.greater(pc.binary_length(rests), 0))):
            if rests[int(at)].as_py().strip(_BLANK):
                self.warned = True
                self.warnings.append(
                    f"line {int(numbers[longer[at]])} (and perhaps others) has text behind the last column, from "
                    f"character {end + 1} on, which is not converted: add a column for it where it is data."
                )
                return

    def _warn_of_cut(self, line: bytes, number: int) -> None:
        """The last line is shorter than the layout, and not because an editor took the blanks at its end."""
        length = len(line) if self.layout.in_bytes else len(line.decode("utf-8", "replace"))
        if line.strip(_BLANK) and length < self.layout.end:
            self.warnings.append(
                f"line {number}, the last one, has no end and {length} of {self.layout.end} characters: "
                "the file may be cut."
            )

    def _bad(self, line: bytes, row: int, number: int) -> BadRecord:
        codec, line = self.codec or "utf-8", line.rstrip(b"\n")
        if len(line) > self.raw.limits.record_bytes:
            reason = f"line {number}: {len(line)} bytes, the limit is {self.raw.limits.record_bytes}"
            return BadRecord(row=row, rule="too_long", reason=reason, text=visible(line[:_SHOWN]))
        if _is_text(line, codec):
            at = next(p for p in self.layout.places if not _is_text(line[p.start : p.end], codec))
            reason = f"line {number}, byte {at.start + 1}: column '{at.name}' cuts a character in two"
            return BadRecord(row=row, rule="encoding", reason=reason, text=visible(line), column=at.name)
        reason = f"line {number}, byte {_first_fault(line, codec) + 1}: bytes that are not {self.encoding}"
        return BadRecord(row=row, rule="encoding", reason=reason, text=visible(line))


def _rests(lines: pa.BinaryArray, end: int, longest: int, *, in_bytes: bool) -> pa.BinaryArray:
    if not in_bytes:
        try:
            return pc.utf8_slice_codeunits(lines.cast(pa.string()), end, longest).cast(pa.binary())
        except pa.ArrowInvalid:
            pass  # a line that is not text is set aside; of the others bytes tell as much
    return pc.binary_slice(lines, end, longest)


def _is_text(content: bytes, codec: str) -> bool:
    try:
        content.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _first_fault(content: bytes, codec: str) -> int:
    try:
        content.decode(codec)
    except UnicodeDecodeError as error:
        return error.start
    return 0
