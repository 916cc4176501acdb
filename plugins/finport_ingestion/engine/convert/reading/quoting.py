"""Whether quotes of a delimited file quote: found out from its beginning, where they are at odds with its delimiters.

Files of tabs and vertical bars are mostly written without quoting: there `5"` is a size, and `"ACME` a name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice

from finport_ingestion.engine.convert.reading.delimited_exact import Lines, Record, records
from finport_ingestion.engine.convert.reading.dialect import Dialect
from finport_ingestion.engine.convert.reading.windows import Content

MARK, _APOSTROPHE = '"', "'"
_UNQUOTED = frozenset("\t|^~¦§\x01\x1f")
"""Delimiters that hardly stand in texts: nobody has to quote those."""
_TEXT = 1 << 18
_RECORDS = 2000
_STEADY, _UNSTEADY = 0.95, 0.9


@dataclass(frozen=True, slots=True)
class _Cut:
    """The first records as one way of quoting cuts them."""

    width: int  # the commonest number of fields
    share: float  # of the records that have it
    broken: bool  # a quote is out of its place, or opens a field that goes over several lines

    @property
    def is_steady(self) -> bool:
        return self.width > 1 and self.share >= _STEADY


def with_quoting(dialect: Dialect, text: str) -> Dialect:
    """The dialect with the quoting that the beginning of the file shows; that of RFC 4180 where nothing speaks against.

    Args:
        text: The file's beginning, at least one line.
    """
    mark = dialect.delimiter
    if dialect.quote_is_stated or dialect.quote != MARK or mark == " ":
        return dialect
    text = text[:_TEXT]
    text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    if mark in _UNQUOTED:
        if MARK not in text:
            return replace(dialect, loose=True)
        found = _cut(text, dialect)
        return (
            replace(dialect, quote="") if found.broken and _cut(text, replace(dialect, quote="")).is_steady else dialect
        )
    if f"{mark} {MARK}" in text:
        return _if_better(replace(dialect, after_blanks=True), dialect, text)
    if f"{mark}{_APOSTROPHE}" in text and MARK not in text:
        return _if_better(replace(dialect, quote=_APOSTROPHE), dialect, text)
    return dialect


def found_out_of(dialect: Dialect) -> str | None:
    """What a person should know of a quoting that is not that of most files."""
    if dialect.quote_is_stated:
        return None
    if dialect.after_blanks:
        return "fields begin behind the blanks that follow a delimiter, since quotes do"
    found = {"": "quotes are characters, since they quote nothing", _APOSTROPHE: "fields are quoted by apostrophes"}
    return found.get(dialect.quote)


def taken_literally(record: Record, lines: Lines, dialect: Dialect, *, width: int) -> list[Record]:
    """The lines of a record that is broken, or goes over several lines, as records without quoting.

    None where they have not as many fields as the others, or where the beginning of the file shows quoting.
    """
    if not dialect.loose or (record.fields is not None and record.line_count == 1):
        return []
    texts = lines.texts[record.first_line : record.first_line + record.line_count]
    found = [text.rstrip("\r\n").split(dialect.delimiter) for text in texts]
    if any(len(fields) != width for fields in found):
        return []
    return [Record(fields, record.first_line + at, 1) for at, fields in enumerate(found)]


def swallows_lines(window: Content | memoryview, count: int, dialect: Dialect) -> bool:
    """Whether some of the `count` records of a window go over several lines, though the file shows no quoting."""
    if not dialect.loose:
        return False
    content = bytes(window)
    ends = content.count(b"\n") or content.count(b"\r")
    return MARK.encode() in content and count < ends + (not content.endswith((b"\n", b"\r")))


def _if_better(other: Dialect, dialect: Dialect, text: str) -> Dialect:
    """`other`, where it alone cuts records of as many fields."""
    return other if _cut(text, dialect).share < _UNSTEADY and _cut(text, other).is_steady else dialect


def _cut(text: str, dialect: Dialect) -> _Cut:
    found = list(islice(records(Lines(text), dialect, final=True), _RECORDS))
    widths = Counter(len(record.fields) for record in found if record.fields is not None)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    broken = any(record.fields is None or record.line_count > 1 for record in found)
    return _Cut(width, count / max(len(found), 1), broken)
