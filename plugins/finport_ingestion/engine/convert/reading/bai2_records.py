"""The logical records of a BAI2 file: a record with the 88 records that continue it, however they are delimited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.reading.text_lines import Line, TextFile

CODES = frozenset({"01", "02", "03", "16", "49", "88", "98", "99"})
_PHYSICAL = re.compile(r"\s*(\d\d)(?:,|/?\s*$)")
_STREAM = re.compile(r"/\s*02,")
_SEPARATOR = re.compile(r"/\s*(?=(?:01|02|03|16|49|88|98|99),)|[\r\n]+")
_LENGTH_FIELD = 6


@dataclass(slots=True)
class Record:
    """One record; `pieces` are the bodies of it and of its continuations, without code and closing slash."""

    code: str
    place: str
    pieces: list[str]
    lines: list[str]
    size_bytes: int = 0
    broken: bool = False  # it has bytes that are not of the encoding

    @property
    def text(self) -> str:
        """As delivered."""
        return "\n".join(self.lines)

    @property
    def physical(self) -> int:
        """How many records the counts of the trailers see."""
        return len(self.lines)


@dataclass(slots=True)
class Cursor:
    """The fields of a record, one after the other; beyond its end they are empty."""

    pieces: list[str]
    _at: int = 0
    beyond: bool = field(default=False, init=False)  # more was asked for than is there
    _rest: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._rest = self.pieces[0] if self.pieces else None

    @property
    def more(self) -> bool:
        return self._rest is not None or self._at + 1 < len(self.pieces)

    def take(self) -> str:
        if self._rest is None and self._at + 1 < len(self.pieces):
            self._at += 1
            self._rest = self.pieces[self._at]
        if self._rest is None:
            self.beyond = True
            return ""
        found, comma, rest = self._rest.partition(",")
        self._rest = rest if comma else None
        return found.strip()

    def parts(self) -> list[Cursor]:
        """What is left as one of each record."""
        return [Cursor([piece]) for piece in [*self._left(), *self.pieces[self._at + 1 :]]]

    def remainder(self) -> str:
        """All that is left, commas and all; each continuation is a line."""
        return "\n".join(piece.rstrip() for piece in [*self._left(), *self.pieces[self._at + 1 :]]).strip("\n")

    def _left(self) -> list[str]:
        """Of the record that the cursor stands in."""
        return [self._rest] if self._rest is not None else []


def logical_records(file: TextFile) -> Iterator[Record]:
    """Every record with its continuations. A line that is no record has the code ''."""
    current: Record | None = None
    for line in _physical_records(file):
        text = line.text.strip()
        if not text:
            continue
        match = _PHYSICAL.match(text)
        code = match.group(1) if match and match.group(1) in CODES else ""
        body = text[3:] if code else text
        body = body.removesuffix("/")
        if code == "88" and current is not None:
            current.pieces.append(body)
            current.lines.append(line.text)
            current.size_bytes += line.size_bytes
            current.broken |= line.broken
            continue
        if current is not None:
            yield current
        current = Record(code, line.place, [body], [line.text], line.size_bytes, line.broken)
    if current is not None:
        yield current


def _physical_records(file: TextFile) -> Iterator[Line]:
    lines = file.lines()
    first = next((line for line in lines if line.text.strip()), None)
    if first is None:
        return
    length = _record_length(first.text)
    blocked = 0 < length < len(first.text.rstrip())
    if blocked or _STREAM.search(first.text):
        yield from _of_stream(file.text(), length if blocked else 0)
        return
    yield first
    yield from lines


def _record_length(text: str) -> int:
    fields = text.strip().partition("/")[0].split(",")
    length = fields[_LENGTH_FIELD] if len(fields) > _LENGTH_FIELD else ""
    return int(length) if length.isascii() and length.isdigit() and len(length) < 6 else 0


def _of_stream(text: str, size: int) -> Iterator[Line]:
    """Several records a line: of the physical length that the header states, or delimited by slashes alone."""
    blocks = list(re.finditer(rf"[^\r\n]{{1,{size}}}", text)) if size else []
    if blocks and all(block[0][:2] in CODES or not block[0].strip() for block in blocks):
        for number, block in enumerate(blocks, 1):
            yield Line(number, block.start(), block[0], len(block[0]))
        return
    at = 0
    ends = [*(found.end() for found in _SEPARATOR.finditer(text)), len(text)]
    for number, end in enumerate(ends, 1):
        yield Line(number, at, text[at:end], end - at)
        at = end
