"""A FIX log, streamed: every message with its fields, whatever stands around them.

BodyLength and CheckSum are computed over the bytes of each message, with SOH where a log shows something else.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.fix_checks import Verdict, verify
from finport_ingestion.engine.convert.reading.fix_columns import FIELD_TYPES, FIELDS, MESSAGES, message_types
from finport_ingestion.engine.convert.reading.fix_dictionary import TAG_NAMES
from finport_ingestion.engine.convert.reading.fix_scan import Scan, chosen
from finport_ingestion.engine.convert.reading.fix_tables import TableMaker
from finport_ingestion.engine.convert.reading.fix_tags import Ints
from finport_ingestion.engine.convert.reading.fix_window import Window, printable
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.convert.reading.slices import slices
from finport_ingestion.engine.convert.reading.transcoding import Encoding, find_encoding, utf8_chunks, visible
from finport_ingestion.engine.convert.reading.windows import joined
from finport_ingestion.engine.errors import FormatError

_BATCH_ROWS = 65_536
_CHUNK_BYTES = 2 << 20
_MAX_BAD_BYTES = 64 << 10
_STUB = re.compile(rb"(?:(?:^|\n)8|8=(?:F|FI|FIXT?[.0-9A-Z]*(?:[^\n=]{1,6}9?)?)?)\Z")
"""What is left of a message that the end of the file cut before its first fields."""


def read_log(raw: RawFile, *, encoding: str | None, table: str | None = None) -> Iterator[Batch]:
    """The messages of `raw`, and their fields.

    Args:
        table: The only one that is wanted: fields cost time, and what is set aside is told with the wanted table.

    Raises:
        FormatError: It is empty, or holds no message.
    """
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="a FIX log")
        found = find_encoding(stream, declared=encoding)
        log = _Log(raw=raw, encoding=found, table=table, offset=found.bom_bytes)
        rest = b""
        for piece, final in joined(utf8_chunks(stream, found, uri=raw.uri, size=_CHUNK_BYTES)):
            content = rest + piece if rest else piece
            done = yield from log.take(content, final=final)
            rest = content[done:]
        yield from log.finish()


def sample_log(raw: RawFile, *, encoding: str | None, table: str | None = None, size_bytes: int) -> Iterator[Batch]:
    """Messages of the beginning, middle and end of `raw`."""
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="a FIX log")
        found = find_encoding(stream, declared=encoding)
        log = _Log(raw=raw, encoding=found, table=table)
        for content, _ in slices(stream, found, raw=raw, size_bytes=size_bytes):
            for batch in log.take(content, final=True):
                yield replace(batch, bad=())
        for batch in log.finish():
            yield replace(batch, notes=(), warnings=())


@dataclass(slots=True, kw_only=True)
class _Log:
    """Where a pass over one file stands, and what is told of the whole of it."""

    raw: RawFile
    encoding: Encoding
    table: str | None = None  # the only one that is wanted
    offset: int = 0  # of the content in the file, in bytes
    lines: int = 0  # line ends before the content
    messages: int = 0  # good and bad ones
    field_rows: int = 0
    wrong_bodies: int = 0
    wrong_sums: int = 0
    wrong_lengths: int = 0
    strays: bool = False
    ends_in_a_stub: bool = False
    scales: dict[int, int] = field(default_factory=dict)  # the most digits behind a point so far, by tag
    vague: dict[int, tuple[int, int]] = field(default_factory=dict)  # by tag: how many, and the line of the first

    def take(self, content: bytes, *, final: bool) -> Generator[Batch, None, int]:
        """The messages that are whole in `content`; returns how many bytes of it are done with."""
        window = Window.of(content, final=final, most=self.raw.limits.record_bytes)
        yield from self._tables(window)
        self.messages += len(window.places)
        self.wrong_lengths += window.found.wrong_lengths
        self.strays |= window.found.strays
        self.lines += window.line_count()
        self.ends_in_a_stub = final and _STUB.search(content[-64:]) is not None
        self.offset += window.done
        return window.done

    def finish(self) -> Iterator[Batch]:
        """What is said of the whole file.

        Raises:
            FormatError: It holds no message.
        """
        if self.messages == 0 and not (self.raw.may_be_empty and self.raw.size_bytes == 0):
            what = "is empty" if self.raw.size_bytes == 0 else "holds no FIX message (8=FIX...)"
            raise FormatError(
                f"{self.raw.uri}: {what}.",
                offset_bytes=0,
                hint="state the right 'format', or ask for the file again; "
                "set quality.minRows to 0 where an empty delivery is right",
            )
        facts = {"encoding": self.encoding.name, "messages": str(self.messages)}
        facts |= {"wrong_body_length": str(self.wrong_bodies), "wrong_checksum": str(self.wrong_sums)}
        told = {self._told: tuple(self._warnings())}
        yield replace(_empty(MESSAGES, message_types(self.scales)), facts=facts, warnings=told.get(MESSAGES, ()))
        if self.table != MESSAGES:
            yield replace(_empty(FIELDS, FIELD_TYPES), warnings=told.get(FIELDS, ()))

    @property
    def _told(self) -> str:
        """The table that what is set aside is missing from."""
        return FIELDS if self.table == FIELDS else MESSAGES

    def _tables(self, window: Window) -> Iterator[Batch]:
        """A batch or more of each table."""
        lines = self.lines + 1 + window.lines()
        found = replace(window.found, content=printable(window.found.content))
        faults = window.faults()
        good, maker, columns = _readable(found, faults)
        numbers = self.messages + 1 + np.flatnonzero(good)
        bad = tuple(self._bad(window, place, *faults[place], lines=lines) for place in sorted(faults))
        verdict = verify(maker.found, columns, None if self.encoding.is_utf8 else self.encoding)
        self._count(maker, verdict, lines[good])
        before = {
            "message": pa.array(numbers).cast(pa.string()),
            "line": pa.array(lines[good]).cast(pa.string()),
            "log_prefix": window.prefixes().filter(pa.array(good)),
            "field_count": pa.array(np.bincount(maker.found.message, minlength=len(numbers))).cast(pa.string()),
        }
        table = before | columns | {"body_length_ok": verdict.spelled_lengths, "checksum_ok": verdict.spelled_sums}
        types = message_types(self.scales)
        told = {self._told: bad}
        yield from _batches(MESSAGES, table, numbers, types=types, bad=told.get(MESSAGES, ()), size_bytes=window.done)
        if self.table != MESSAGES:
            rows = self.field_rows + 1 + np.arange(len(maker.found.tags))
            self.field_rows += len(rows)
            bad = tuple(
                replace(each, row=self.field_rows + 1 + place) for place, each in enumerate(told.get(FIELDS, ()))
            )
            self.field_rows += len(bad)
            yield from _batches(FIELDS, maker.field_columns(numbers), rows, types=FIELD_TYPES, bad=bad)

    def _count(self, maker: TableMaker, verdict: Verdict, lines: Ints) -> None:
        self.wrong_bodies += int((~verdict.lengths).sum())
        self.wrong_sums += int((~verdict.sums).sum())
        for tag, scale in maker.scales.items():
            self.scales[tag] = max(scale, self.scales.get(tag, 0))
        for misfit in maker.vague:
            count, line = self.vague.get(misfit.tag, (0, int(lines[misfit.message])))
            self.vague[misfit.tag] = (count + 1, line)

    def _bad(self, window: Window, place: int, rule: str, reason: str, *, lines: Ints) -> BadRecord:
        at = f"line {lines[place]}"
        if self.encoding.is_utf8:
            at += f", byte {self.offset + int(window.places[place])}"
        text = visible(window.text(place)[:_MAX_BAD_BYTES])
        return BadRecord(
            row=self.messages + 1 + place, rule=rule, reason=f"{at}: {reason}", text=text, table=self._told
        )

    def _warnings(self) -> Iterator[str]:
        uri = self.raw.uri
        if self.wrong_bodies or self.wrong_sums:
            yield (
                f"{uri}: of {self.messages} messages {self.wrong_bodies} have another length than their BodyLength (9) "
                f"says, and {self.wrong_sums} another sum than their CheckSum (10); they are kept, "
                "see 'body_length_ok' and 'checksum_ok'"
            )
        if self.wrong_lengths:
            yield f"{uri}: {self.wrong_lengths} data fields do not end where the length before them says"
        if self.strays:
            yield (
                f"{uri}: a CheckSum (10) stands in no message: the beginning (8=FIX) of one is cut or damaged, "
                "and it is left out"
            )
        if self.ends_in_a_stub:
            yield f"{uri}: the file ends in the beginning of a message: it is cut, and the message is left out"
        for tag, (count, line) in sorted(self.vague.items()):
            yield (
                f"{uri}: {count} values of {TAG_NAMES[tag]} ({tag}), the first in line {line}, are no date or time "
                "of microseconds; that column is null there, and the text stands in the table 'fields'"
            )


def _readable(
    found: Scan, faults: dict[int, tuple[str, str]]
) -> tuple[np.ndarray, TableMaker, dict[str, pa.StringArray]]:
    """Which messages can be read, and their columns; messages whose numbers are none are added to `faults`."""
    good = np.ones(len(found.starts), np.bool_)
    while True:
        good[list(faults)] = False
        maker = TableMaker.of(chosen(found, good))
        columns = maker.tag_columns()
        if not maker.misfits:
            return good, maker, columns
        places = np.flatnonzero(good)
        for misfit in maker.misfits:
            reason = f"{TAG_NAMES[misfit.tag]} ({misfit.tag}) is no number"
            faults[int(places[misfit.message])] = ("number", reason)


def _batches(
    table: str,
    columns: dict[str, pa.StringArray],
    rows: Ints,
    *,
    types: dict[str, str],
    bad: tuple[BadRecord, ...] = (),
    size_bytes: int = 0,
) -> Iterator[Batch]:
    whole = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    for begin in range(0, max(whole.num_rows, 1), _BATCH_ROWS):
        yield Batch(
            columns=whole.slice(begin, _BATCH_ROWS),
            rows=pa.array(rows[begin : begin + _BATCH_ROWS], pa.int64()),
            table=table,
            types=types,
            bad=() if begin else bad,
            size_bytes=0 if begin else size_bytes,
        )


def _empty(table: str, types: dict[str, str]) -> Batch:
    columns = pa.RecordBatch.from_arrays([pa.array([], pa.string()) for _ in types], names=list(types))
    return Batch(columns=columns, rows=pa.array([], pa.int64()), table=table, types=types)
