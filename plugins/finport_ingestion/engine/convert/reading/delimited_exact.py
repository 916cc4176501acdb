"""The exact way through delimited text: the standard library's parser, record by record.

A record that breaks the rules of quoting costs its first line only: reading goes on at the next line, so that one stray
quote does not swallow the file.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from finport_ingestion.engine.convert.reading.dialect import Dialect

MAX_RECORD_CHARS = 16 << 20
"""A quoted field that is not closed within this many characters is an unclosed quote."""
_OPEN_AT_END = "unexpected end of data"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the text, good or broken."""

    fields: list[str] | None  # None: broken
    first_line: int  # index of its first physical line in the text
    line_count: int
    rule: str = ""
    reason: str = ""


class Lines:
    """Text as physical lines: CRLF, LF and lone CR end one, and nothing else does."""

    def __init__(self, text: str) -> None:
        self.texts = list(io.StringIO(text, newline=""))
        self.position = 0
        self._starts: list[int] = []

    def __iter__(self) -> Iterator[str]:
        while self.position < len(self.texts):
            self.position += 1
            yield self.texts[self.position - 1]

    def joined(self, record: Record) -> str:
        return "".join(self.texts[record.first_line : record.first_line + record.line_count])

    def start_bytes(self, line: int) -> int:
        """Where physical line `line` begins, in bytes of UTF-8."""
        if not self._starts:
            sizes = (len(text.encode("utf-8", "surrogateescape")) for text in self.texts)
            self._starts = list(itertools.accumulate(sizes, initial=0))
        return self._starts[line]


def records(lines: Lines, dialect: Dialect, *, final: bool) -> Iterator[Record]:
    """The records of `lines`; blank lines are none. `lines.position` stands behind the last whole one.

    Args:
        final: The text ends here; otherwise a record that is not closed is left for the next text.
    """
    _lift_field_limit()
    while lines.position < len(lines.texts):
        start = lines.position
        reader = _reader(lines, dialect)
        try:
            for fields in reader:
                if fields:
                    yield Record(fields, start, lines.position - start)
                start = lines.position
        except csv.Error as error:
            unclosed = _OPEN_AT_END in str(error)
            if unclosed and not final and _size(lines, start) < MAX_RECORD_CHARS:
                lines.position = start
                return
            lines.position = start + 1
            yield _broken(start, unclosed=unclosed)


def _reader(lines: Lines, dialect: Dialect) -> Iterator[list[str]]:
    if not dialect.quote:
        return csv.reader(iter(lines), delimiter=dialect.delimiter, quotechar=None, quoting=csv.QUOTE_NONE)
    return csv.reader(
        iter(lines),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        skipinitialspace=dialect.after_blanks,
        strict=True,
    )


def _broken(start: int, *, unclosed: bool) -> Record:
    if unclosed:
        return Record(None, start, 1, "unclosed_quote", "a quoted field is not closed")
    return Record(None, start, 1, "broken_quote", "a closing quote is followed by text")


def _size(lines: Lines, start: int) -> int:
    return sum(len(text) for text in lines.texts[start:])


def _lift_field_limit() -> None:
    # The standard library stops at 128 kB a field; documents inside a CSV are larger.
    # The limit is the process's: it is only ever raised.
    if csv.field_size_limit() < MAX_RECORD_CHARS:
        csv.field_size_limit(MAX_RECORD_CHARS)
