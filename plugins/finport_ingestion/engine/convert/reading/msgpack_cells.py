"""Records of MessagePack as the cells of columns: values that Arrow takes, and what cannot be read set aside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from types import NoneType
from typing import Any

import msgpack

from finport_ingestion.engine.convert.interface import BadRecord
from finport_ingestion.engine.convert.nested import Moment
from finport_ingestion.engine.convert.reading.json_texts import DUPLICATE_KEY, Ambiguous
from finport_ingestion.engine.convert.reading.msgpack_stream import Extension
from finport_ingestion.engine.convert.reading.transcoding import visible

_FAULT_TEXT = 10_000
_FARTHEST_SECONDS = 2**63 // 10**6 - 1
_NANO = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AS_THEY_ARE = frozenset({int, float, bool, bytes, NoneType})
_TEXTS = frozenset({str, NoneType})


class Unreadable(ValueError):
    """Why a record is set aside: `rule` for a machine, the message for a person."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(slots=True)
class Cells:
    """Some records, as columns."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)

    def column(self, name: str) -> list[Any]:
        return self.columns.get(name) or [None] * len(self.rows)


def cells_of(chunk: Sequence[tuple[int, Any]], *, first: int, nesting: int) -> Cells:
    """The cells of records, each given with its offset, the first of which has the number `first`."""
    values = [value for _, value in chunk]
    columns = _all_at_once(values, nesting)
    if columns is not None:
        return Cells(columns, list(range(first, first + len(chunk))))
    cells = Cells()
    records = []
    for row, (at, value) in enumerate(chunk, start=first):
        try:
            records.append(_record(value, nesting))
            cells.rows.append(row)
        except Unreadable as fault:
            reason = f"record {row}, byte {at}: {fault}"
            text = as_text(value)[:_FAULT_TEXT]
            cells.bad.append(BadRecord(row=row, rule=fault.rule, reason=reason, text=text))
    names = dict.fromkeys(name for record in records for name in record)
    cells.columns = {name: [record.get(name) for record in records] for name in names}
    return cells


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON; bytes in hexadecimal."""
    if isinstance(value, (Moment, bytes)):
        return _spelled(value)
    text = value
    if not isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_spelled)
    # Bytes that are not UTF-8 were read as surrogates, which no text of Arrow may hold.
    return visible(text.encode("utf-8", "surrogateescape"))


def _all_at_once(values: list[Any], nesting: int) -> dict[str, list[Any]] | None:
    """Columns, where every record is a plain map and nothing is wrong with any of its values."""
    if set(map(type, values)) != {dict}:
        return None
    names: dict[str, Any] = {}
    for value in values:
        names.update(value)
    try:
        columns = zip(names, _transposed(values, list(names)), strict=True)
        return {_sound(name): _column(cells, nesting) for name, cells in columns}
    except Unreadable:
        return None


def _transposed(values: list[dict[str, Any]], names: list[str]) -> Iterator[list[Any]]:
    """The cells of each name, None where a record has none."""
    if len(names) > 1:
        try:
            return map(list, zip(*map(itemgetter(*names), values), strict=True))
        except KeyError:
            pass
    return ([value.get(name) for value in values] for name in names)


def _column(cells: list[Any], nesting: int) -> list[Any]:
    kinds = set(map(type, cells))
    if kinds <= _AS_THEY_ARE:
        return cells
    if kinds <= _TEXTS:
        _sound("".join(filter(None, cells)))
        return cells
    return [_plain(cell, nesting) for cell in cells]


def _record(value: Any, nesting: int) -> dict[str, Any]:
    """A record's members as values that Arrow takes."""
    if isinstance(value, Ambiguous):
        raise Unreadable(DUPLICATE_KEY, "a key stands twice in the map")
    if isinstance(value, list):
        return {f"column_{at}": _plain(cell, nesting) for at, cell in enumerate(value, start=1)}
    if not isinstance(value, dict):
        raise Unreadable("not_a_record", f"{type(value).__name__} where a map is expected")
    return {_sound(name): _plain(cell, nesting) for name, cell in value.items()}


def _plain(value: Any, nesting: int) -> Any:
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, msgpack.Timestamp):
        return _moment(value)
    if isinstance(value, Extension):
        return bytes(value)
    if not isinstance(value, (dict, list)):
        return value
    if nesting <= 0:
        raise Unreadable("nesting", "maps and arrays nested too deep")
    if isinstance(value, list):
        return [_plain(found, nesting - 1) for found in value]
    if isinstance(value, Ambiguous):
        raise Unreadable(DUPLICATE_KEY, "a key stands twice in a map")
    return {_sound(name): _plain(found, nesting - 1) for name, found in value.items()}


def _moment(stamp: Any) -> Moment:
    if abs(stamp.seconds) > _FARTHEST_SECONDS:
        raise Unreadable("out_of_range", "a timestamp beyond what microseconds reach")
    return Moment(stamp.seconds * _NANO + stamp.nanoseconds)


def _sound(text: str) -> str:
    if "\0" in text:
        raise Unreadable("nul_character", "a NUL character, which no database takes as text")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Unreadable("encoding", "text that is not UTF-8") from error
    return text


def _spelled(value: object) -> str:
    if not isinstance(value, Moment):
        return value.hex() if isinstance(value, bytes) else str(value)
    seconds, rest = divmod(value, _NANO)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    try:
        return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}{fraction}Z"
    except OverflowError:
        return f"{seconds}{fraction}"  # a year that has more than four digits
