"""Files of SWIFT MT messages, streamed: a row a message, and a row a field."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.slices import slices
from finport_ingestion.engine.convert.reading.swift_blocks import TEXT, Field, Message, fields_of, messages_of
from finport_ingestion.engine.convert.reading.swift_headers import HEADER_TYPES, NotAMessage, header_of
from finport_ingestion.engine.convert.reading.swift_scan import whole_units, with_line_feeds
from finport_ingestion.engine.convert.reading.transcoding import Encoding, find_encoding, utf8_chunks
from finport_ingestion.engine.convert.reading.windows import joined
from finport_ingestion.engine.errors import FormatError

MESSAGES, FIELDS = "messages", "fields"
_CHUNK_BYTES = 4 << 20
_MAX_BAD_CHARACTERS = 64 << 10
_MOST_LINES = 10
_EXPECTED = "SWIFT messages"
_BEGIN = b"{1:"
# The fields with a column of their own, each with its first value in the message.
_TAGS = (
    *("20", "21", "23B", "23E", "25", "26T", "28D", "30", "32A", "32B", "33B", "36"),
    *("50", "50A", "50C", "50F", "50G", "50H", "50K", "50L", "51A", "52A", "52D", "53A", "53B", "53D", "54A"),
    *("56A", "56D", "57A", "57D", "58A", "58D", "59", "59A", "59F", "70", "71A", "71F", "71G", "72", "77B", "79"),
)
MESSAGE_TYPES: dict[str, str] = {
    "message": "integer",
    "line": "integer",
    **HEADER_TYPES,
    **{f"field_{tag}": "text" for tag in _TAGS},
    "field_count": "integer",
}
FIELD_TYPES: dict[str, str] = {
    "message": "integer",
    "line": "integer",
    "position": "integer",
    "block": "text",
    "section": "text",
    "tag": "text",
    "field_number": "text",
    "option": "text",
    "qualifier": "text",
    "value": "text",
}
_NEWLINE, _NEWLINE_BYTE, _RETURN_BYTE = re.compile("\n"), re.compile(b"\n"), re.compile(b"\r")
_QUALIFIER = re.compile(r":([A-Z0-9]{4})/")
_TYPES = {MESSAGES: MESSAGE_TYPES, FIELDS: FIELD_TYPES}


def read_messages(raw: RawFile, *, encoding: str | None, table: str = MESSAGES) -> Iterator[Batch]:
    """Every message and field of `raw`.

    Args:
        table: The one that messages are missing from where they are set aside, and that warnings come with.

    Raises:
        FormatError: It is empty, or holds no message.
    """
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected=_EXPECTED)
        found = find_encoding(stream, declared=encoding)
        parser = _File(raw=raw, encoding=found, table=table, offset=found.bom_bytes)
        rest = b""
        for piece, final in joined(utf8_chunks(stream, found, uri=raw.uri, size=_CHUNK_BYTES)):
            content = rest + piece
            end = len(content) if final else max(content.rfind(_BEGIN), 0)
            content, rest = content[:end], content[end:]
            parser.refuse_too_long(rest)
            if content:
                yield from parser.take(content, size=len(piece))
        yield from parser.finish()


def sample_messages(raw: RawFile, *, encoding: str | None, size_bytes: int) -> Iterator[Batch]:
    """Messages of the beginning, middle and end of `raw`."""
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected=_EXPECTED)
        found = find_encoding(stream, declared=encoding)
        parser = _File(raw=raw, encoding=found, table="")
        for content, first in slices(stream, found, raw=raw, size_bytes=size_bytes):
            whole = len(content) >= raw.size_bytes
            yield from parser.take(content if whole else whole_units(content, _BEGIN, first=first), size=0)
        yield from parser.finish()


@dataclass(slots=True, kw_only=True)
class _File:
    """Where a pass over one file stands."""

    raw: RawFile
    encoding: Encoding
    table: str
    offset: int = 0  # of the content in the file, in bytes
    lines: int = 0  # line ends before it
    messages: int = 0  # good and bad ones
    field_rows: int = 0
    between: list[int] = field(default_factory=list)  # lines of text that is in no message
    stub: int = 0  # the line of what may be left of a message at the end
    textless: list[int] = field(default_factory=list)  # lines of messages without a text
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    field_values: list[tuple[str | None, ...]] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)

    def take(self, content: bytes, *, size: int) -> Iterator[Batch]:
        """The messages of `content`, which ends behind one."""
        if self.messages == 0:
            refuse_foreign(content[:65_536], raw=self.raw, expected=_EXPECTED)
        text = with_line_feeds(content).decode("utf-8", "surrogateescape")
        lines = _Lines(text, content, self.lines)
        for found in messages_of(text, nesting=self.raw.limits.nesting):
            self.stub = 0
            if isinstance(found, Message):
                self._message(text, found, lines)
                continue
            self.between.append(lines.of(found[0]))
            self.stub = self.between[-1] if found[1].startswith("{") else 0
        self.lines += text.count("\n")
        self.offset += len(content)
        yield from self._batches(size)

    def finish(self) -> Iterator[Batch]:
        """What is said of the whole file.

        Raises:
            FormatError: It holds no message.
        """
        if self.messages == 0 and not (self.raw.may_be_empty and self.raw.size_bytes == 0):
            what = "is empty" if self.raw.size_bytes == 0 else "holds no SWIFT message ({1:...})"
            raise FormatError(
                f"{self.raw.uri}: {what}.",
                offset_bytes=0,
                hint="state the right 'format', or ask for the file again; "
                "set quality.minRows to 0 where an empty delivery is right",
            )
        facts = {"encoding": self.encoding.name, "messages": str(self.messages)}
        for table in (MESSAGES, FIELDS):
            told = table == self.table
            notes, warnings = (tuple(self._notes()), tuple(self._warnings())) if told else ((), ())
            yield _batch(table, [], [], notes=notes, warnings=warnings, facts=facts if told else {})

    def refuse_too_long(self, rest: bytes) -> None:
        """Raise FormatError where a message that is not yet whole is longer than a record may be."""
        if len(rest) > self.raw.limits.record_bytes:
            raise FormatError(
                f"{self.raw.uri}: line {self.lines + 1}: a message of more than {self.raw.limits.record_bytes} bytes.",
                offset_bytes=self.offset,
                hint="state the right 'format', or raise 'recordBytes' of the policy's 'reading'",
            )

    def _notes(self) -> Iterator[str]:
        if self.between:
            yield f"{self.raw.uri}: text that is in no message is left out: in line {_some(self.between)}"

    def _warnings(self) -> Iterator[str]:
        if self.textless:
            yield f"{self.raw.uri}: messages without a text (block 4) may be cut: in line {_some(self.textless)}"
        if self.stub:
            yield f"{self.raw.uri}: line {self.stub}: the file ends in the beginning of a block: it is cut"

    def _message(self, text: str, message: Message, lines: _Lines) -> None:
        self.messages += 1
        fields = [] if message.fault else [*fields_of(message)]
        source = text[message.at : message.end].rstrip("$ \n\x01\x03")
        try:
            source.encode("utf-8")
            if message.fault:
                raise NotAMessage("cut", message.fault, message.at)
            header = header_of(message, fields)
        except UnicodeEncodeError:
            fault = NotAMessage("encoding", "bytes that are not of the file's encoding", message.at)
            self._reject(fault, lines, source)
        except NotAMessage as found:
            self._reject(found, lines, source)
        else:
            firsts = {found.tag: found.value for found in reversed(fields) if found.block == "4"}
            values = (firsts.get(tag) for tag in _TAGS)
            number = str(self.messages)
            if TEXT not in message.blocks:
                self.textless.append(lines.of(message.at))
            self.rows.append((number, str(lines.of(message.at)), *header, *values, str(len(fields))))
            self.numbers.append(self.messages)
            self.field_values.extend(_field_rows(number, fields, lines))

    def _reject(self, fault: NotAMessage, lines: _Lines, source: str) -> None:
        line = lines.of(fault.at)
        place = f"line {line}"
        if self.encoding.is_utf8:
            place += f", byte {self.offset + lines.byte_of(fault.at)}"
        text = source[:_MAX_BAD_CHARACTERS].encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        reason = f"{place}: {fault}"
        row = self.messages if self.table != FIELDS else self.field_rows + len(self.field_values) + len(self.bad) + 1
        self.bad.append(BadRecord(row=row, rule=fault.rule, reason=reason, text=text, table=self.table))

    def _batches(self, size: int) -> Iterator[Batch]:
        told = {self.table: tuple(self.bad)}
        yield _batch(MESSAGES, self.rows, self.numbers, bad=told.get(MESSAGES, ()), size_bytes=size)
        rows = range(self.field_rows + 1, self.field_rows + 1 + len(self.field_values))
        yield _batch(FIELDS, self.field_values, [*rows], bad=told.get(FIELDS, ()))
        self.field_rows += len(self.field_values) + len(told.get(FIELDS, ()))
        self.rows, self.numbers, self.field_values, self.bad = [], [], [], []


def _some(lines: list[int]) -> str:
    more = f" and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
    return ", ".join(map(str, lines[:_MOST_LINES])) + more


def _field_rows(number: str, fields: list[Field], lines: _Lines) -> Iterator[tuple[str | None, ...]]:
    """With the section that each field stands in: by `:16R:` and `:16S:`, or the letter of `:15A:`."""
    sections: list[str] = []
    for position, found in enumerate(fields, start=1):
        text = found.block == "4" and len(found.tag) > 1
        if text and found.tag == "16R":
            sections.append(found.value)
        elif text and found.tag[:2] == "15":
            sections = [found.tag[2:]]
        qualifier = _QUALIFIER.match(found.value) if text else None
        yield (
            number,
            str(lines.of(found.at)),
            str(position),
            found.block,
            "/".join(sections) or None,
            found.tag,
            found.tag[:2] if text else found.tag,
            (found.tag[2:] or None) if text else None,
            qualifier[1] if qualifier else None,
            found.value,
        )
        if text and found.tag == "16S" and sections:
            sections.pop()


class _Lines:
    """Which line, and which byte of the delivered content, a place of its text stands in."""

    def __init__(self, text: str, content: bytes, before: int) -> None:
        self._text = text
        self._content = content
        self._begins = [0, *(found.end() for found in _NEWLINE.finditer(text))]
        self._before = before
        self._delivered: list[int] = []

    def of(self, at: int) -> int:
        return self._before + bisect_right(self._begins, at)

    def byte_of(self, at: int) -> int:
        line = bisect_right(self._begins, at) - 1
        if not self._delivered:
            mark = _NEWLINE_BYTE if b"\n" in self._content else _RETURN_BYTE
            self._delivered = [0, *(found.end() for found in mark.finditer(self._content))]
        return self._delivered[line] + len(self._text[self._begins[line] : at].encode("utf-8", "surrogateescape"))


def _batch(
    table: str,
    rows: list[tuple[str | None, ...]],
    numbers: list[int],
    *,
    bad: tuple[BadRecord, ...] = (),
    notes: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
    facts: dict[str, str] | None = None,
    size_bytes: int = 0,
) -> Batch:
    types = _TYPES[table]
    columns = zip(*rows, strict=True) if rows else ((),) * len(types)
    return Batch(
        columns=pa.RecordBatch.from_arrays([pa.array(values, pa.string()) for values in columns], names=list(types)),
        rows=pa.array(numbers, pa.int64()),
        table=table,
        types=types,
        bad=bad,
        notes=notes,
        warnings=warnings,
        facts=facts or {},
        size_bytes=size_bytes,
    )
