"""The layout of a SAS transport file: records of 80 bytes, headers in text, one descriptor for each column.

Two versions: 5 with names of 8 characters, and 8 with names of 32 and longer labels (SAS technical notes TS-140 and
"Record Layout of a SAS Version 8 or 9 Data Set in SAS Transport Format").
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import IO

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import FormatError

RECORD = 80
HEADER = b"HEADER RECORD*******"
LIBRARIES = (HEADER + b"LIBRARY HEADER", HEADER + b"LIBV8   HEADER")
MEMBERS = (HEADER + b"MEMBER  HEADER", HEADER + b"MEMBV8  HEADER")
_CPORT = b"**COMPRESSED**"
_DESCRIPTOR = struct.Struct(">hhhh8s40s8shhh2s8shhi")  # to the position in the record; the rest differs by version
_LONG_NAME = struct.Struct(">32sh")
_SIZES = (136, 140)
_MOST_COLUMNS = 100_000
_DIGITS = re.compile(rb"(\d+)")
_HINT = "ask for the file again: it may be cut, or damaged by a transfer as text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a member."""

    name: str
    label: str
    shown: str  # the display format
    is_text: bool
    start: int  # in the record of a row
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One data set of the file."""

    name: str
    columns: tuple[Column, ...]
    row_bytes: int
    start: int  # of its rows, in the file
    stated_rows: int = 0  # 0 where it does not say
    reordered: bool = False  # the positions of its columns contradict their order, which counts


def read_library(stream: IO[bytes], raw: RawFile) -> None:
    """Read the headers of the library, to where the first member begins.

    Raises:
        FormatError: It is no transport file.
    """
    first = stream.read(RECORD)
    if first.startswith(_CPORT):
        raise FormatError(
            f"{raw.uri}: made by PROC CPORT, which only SAS can read.",
            offset_bytes=0,
            hint="ask for a file of the XPORT engine, or for a sas7bdat",
        )
    if not first.startswith(LIBRARIES):
        what = "is empty" if not first else "no SAS transport file"
        raise FormatError(f"{raw.uri}: {what}.", offset_bytes=0, hint="state the right 'format', or ask for it again")
    _records(stream, 2, raw)


def read_member(stream: IO[bytes], raw: RawFile) -> Member:
    """The member whose headers begin where `stream` stands; leaves it at the rows.

    Raises:
        FormatError: A header is not what it must be, or the file ends.
    """
    at = stream.tell()
    header = _records(stream, 1, raw)
    if not header.startswith(MEMBERS):
        raise FormatError(f"{raw.uri}: no member begins at byte {at}.", offset_bytes=at, hint=_HINT)
    size = _number(header[74:78], raw, at)
    if size not in _SIZES:
        raise FormatError(f"{raw.uri}: byte {at}: descriptors of {size} bytes.", offset_bytes=at, hint=_HINT)
    long_names = b"MEMBV8" in header
    _records(stream, 1, raw)
    described = _records(stream, 2, raw)
    name = _text(described[8:40] if long_names else described[8:16])
    count = _number(_records(stream, 1, raw)[48:58], raw, at)
    if not 0 < count <= _MOST_COLUMNS:
        raise FormatError(f"{raw.uri}: byte {at}: a member of {count} columns.", offset_bytes=at, hint=_HINT)
    content = _records(stream, -(-count * size // RECORD), raw)
    described_columns = [_column(content[size * number : size * (number + 1)], long_names) for number in range(count)]
    labelled, stated = _with_long_labels(stream, described_columns, raw)
    columns = _in_order(labelled)
    _check(columns, raw, at)
    return Member(
        name=name,
        columns=tuple(columns),
        row_bytes=max(column.start + column.width for column in columns),
        start=stream.tell(),
        stated_rows=stated,
        reordered=columns != labelled,
    )


def _in_order(columns: list[Column]) -> list[Column]:
    """The columns one behind the other where their positions have another order.

    SAS's own macros write positions of the data set that they read; the values stand in the order of the descriptors.
    """
    if all(one.start < other.start for one, other in pairwise(columns)):
        return columns
    starts = accumulate((column.width for column in columns), initial=0)
    return [replace(column, start=start) for column, start in zip(columns, starts, strict=False)]


def _column(content: bytes, long_names: bool) -> Column:
    kind, _, width, _, name, label, shown, length, decimals, *_, start = _DESCRIPTOR.unpack_from(content)
    long = _LONG_NAME.unpack_from(content, _DESCRIPTOR.size)[0] if long_names else b""
    return Column(
        name=_text(long) or _text(name),
        label=_text(label),
        shown=_shown(_text(shown), length, decimals),
        is_text=kind == 2,
        start=start,
        width=width,
    )


def _shown(name: str, length: int, decimals: int) -> str:
    if not name:
        return ""
    return f"{name}{length or ''}{f'.{decimals}' if decimals else ''}"


def _with_long_labels(stream: IO[bytes], columns: Sequence[Column], raw: RawFile) -> tuple[list[Column], int]:
    """The columns with the labels that did not fit their descriptors, and the rows that the last header states."""
    found = list(columns)
    header = _records(stream, 1, raw)
    while header[20:27] in (b"LABELV8", b"LABELV9"):
        _read_labels(stream, found, count=_number(header[48:63], raw, stream.tell()), header=header, raw=raw)
        header = _records(stream, 1, raw)
    if not header.startswith((HEADER + b"OBS     ", HEADER + b"OBSV8   ")):
        at = stream.tell() - RECORD
        raise FormatError(f"{raw.uri}: the rows' header is missing at byte {at}.", offset_bytes=at, hint=_HINT)
    stated = header[48:63].strip() if b"OBSV8" in header else b""
    return found, int(stated) if stated.isdigit() else 0


def _read_labels(stream: IO[bytes], columns: list[Column], *, count: int, header: bytes, raw: RawFile) -> None:
    fields = 5 if header[20:27] == b"LABELV9" else 3
    begin = stream.tell()
    for _ in range(min(count, len(columns))):
        numbers = stream.read(2 * fields)
        if len(numbers) < 2 * fields:
            raise _cut(raw, stream.tell())
        number, *lengths = struct.unpack(f">{fields}H", numbers)
        parts = [_text(stream.read(length)) for length in lengths]
        if 1 <= number <= len(columns):
            shown = parts[2] if fields == 5 and parts[2] else columns[number - 1].shown
            columns[number - 1] = replace(columns[number - 1], label=parts[1], shown=shown)
    stream.seek(begin + -(-(stream.tell() - begin) // RECORD) * RECORD)


def _check(columns: Sequence[Column], raw: RawFile, at: int) -> None:
    for column in columns:
        most = 32_767 if column.is_text else 8
        if not 1 <= column.width <= most or column.start < 0 or (not column.is_text and column.width < 2):
            raise FormatError(
                f"{raw.uri}: byte {at}: column '{column.name}' has {column.width} bytes.", offset_bytes=at, hint=_HINT
            )
    ends = sorted((column.start, column.start + column.width) for column in columns)
    if any(end > start for (_, end), (start, _) in pairwise(ends)):
        raise FormatError(f"{raw.uri}: byte {at}: its columns overlap.", offset_bytes=at, hint=_HINT)
    if ends[-1][1] > raw.limits.record_bytes:
        raise FormatError(
            f"{raw.uri}: rows of {ends[-1][1]} bytes; the limit is {raw.limits.record_bytes}.",
            offset_bytes=at,
            hint="raise 'recordBytes' of the policy's 'reading', or ask for smaller records",
        )


def _records(stream: IO[bytes], count: int, raw: RawFile) -> bytes:
    content = stream.read(count * RECORD)
    if len(content) < count * RECORD:
        raise _cut(raw, stream.tell())
    return content


def _cut(raw: RawFile, at: int) -> FormatError:
    return FormatError(f"{raw.uri}: it ends in a header, at byte {at}.", offset_bytes=at, hint=_HINT)


def _number(content: bytes, raw: RawFile, at: int) -> int:
    match = _DIGITS.match(content.strip())
    if match is None:
        raise FormatError(f"{raw.uri}: byte {at}: no number in a header.", offset_bytes=at, hint=_HINT)
    return int(match[1])


def _text(content: bytes) -> str:
    """Names and labels: UTF-8 where it is, otherwise Western."""
    try:
        return content.decode().rstrip(" \0")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").rstrip(" \0")
