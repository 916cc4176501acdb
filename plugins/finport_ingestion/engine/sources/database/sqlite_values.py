"""What SQLite stores, as the type that its column was declared with, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sqlite_declarations import declared_type

T = TypeVar("T")

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TOO_FINE = re.compile(r"[.,]\d{6}\d*[1-9]")


def stored_type(declaration: str) -> LogicalType | None:
    """The type of a column; None for a decimal without digits, text where nothing usable is declared."""
    found = declared_type(declaration)
    return None if found.kind == "decimal" and not found.precision else found


def as_decimal(value: Any) -> Decimal:
    """The number that SQLite shows for what it stores; a double by its shortest spelling."""
    if isinstance(value, int):
        return Decimal(value)
    text = repr(value) if isinstance(value, float) else value
    if isinstance(text, str) and _NUMBER.fullmatch(text):
        return Decimal(text)
    raise ValueError("no number")


def _integer(value: Any) -> int:
    return _of(int, value)


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int) else _of(float, value)


def _boolean(value: Any) -> bool:
    if value in (0, 1) and isinstance(value, int):
        return bool(value)
    raise ValueError("neither 0 nor 1")


def _text(value: Any) -> str:
    if isinstance(value, int | float):
        return repr(value)
    return _of(str, value)


def _binary(value: Any) -> bytes:
    return _of(bytes, value)


def _date(value: Any) -> date:
    return date.fromisoformat(_of(str, value))


def _time(value: Any) -> time:
    found = time.fromisoformat(_of(str, value))
    if found.tzinfo:
        raise ValueError("a time with a zone")
    return found


def _moment(value: Any) -> datetime:
    text = _of(str, value)
    if _TOO_FINE.search(text):
        raise ValueError("finer than a microsecond")
    return datetime.fromisoformat(text)


def _naive(value: Any) -> datetime:
    found = _moment(value)
    if found.tzinfo:
        raise ValueError("a time with a zone in a column without one")
    return found


def _aware(value: Any) -> datetime:
    found = _moment(value)
    if not found.tzinfo:
        raise ValueError("a time without a zone in a column with one")
    return found


def _of(kind: type[T], value: Any) -> T:
    if isinstance(value, kind):
        return value
    raise ValueError(f"no {kind.__name__}")


_EXACT: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "text": _text,
    "json": _text,
    "binary": _binary,
    "date": _date,
    "time": _time,
    "timestamp": _naive,
    "decimal": as_decimal,
}


def exact(kind: LogicalType | None) -> Callable[[Any], Any]:
    """What turns a stored value that is not null into the column's type, or raises ValueError."""
    if kind and kind.time_zone:
        return _aware
    return _EXACT[kind.kind if kind else "decimal"]
