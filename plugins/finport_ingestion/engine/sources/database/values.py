"""Values of ordered columns as text and back: the bounds of slices, and watermarks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.logical import LogicalType, parse_logical
from finport_ingestion.engine.records import Watermark

_ORDERED = ("integer", "decimal", "float", "date", "timestamp", "text")
_SPLIT = ("integer", "decimal", "float", "date", "timestamp")
_DIGITS = 100
_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "decimal": Decimal,
    "float": float,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


def spelled(value: Any) -> str:
    """A value as text that `parsed` reads back."""
    return value.isoformat() if isinstance(value, date) else str(value)


def parsed(text: str, kind: str) -> Any:
    """The value of a column of this kind.

    Raises:
        ValueError: The text spells none.
    """
    try:
        return _READERS.get(kind, str)(text)
    except InvalidOperation as error:
        raise ValueError("not a number") from error


def check_ordered(kind: str, *, what: str, split: bool = False) -> None:
    """Raise ConfigError where values of this kind cannot be compared, or not be split into ranges."""
    if kind not in (_SPLIT if split else _ORDERED):
        raise ConfigError(
            f"{what} is of type {kind}, which has no order that can be used here.",
            hint="use a number, date or time" + ("" if split else ", or text"),
        )


def mark_of(after: Watermark | None, start: str | None, column_type: LogicalType | None, *, what: str) -> Any:
    """Where to begin, as a value of the cursor column; None for the beginning.

    A column without time zone is compared with the wall time of the watermark's zone.

    Raises:
        ConfigError: Watermark or `start` is no value of the column's type.
    """
    text = after.value if after else start
    if text is None:
        return None
    kind = column_type.kind if column_type else "decimal"
    try:
        if kind == "date":
            return datetime.fromisoformat(text).date()
        value = parsed(text, kind)
    except ValueError as error:
        raise ConfigError(
            f"{what} is of type {kind}, and '{text}' is not.",
            hint="correct 'start' of incremental; after a change of the column begin anew with 'finport reset'",
        ) from error
    if not isinstance(value, datetime):
        return value
    return _in_zone(value, column_type, zone=parse_logical(after.type).time_zone if after else None)


def _in_zone(moment: datetime, column_type: LogicalType | None, *, zone: str | None) -> datetime:
    aware_column = bool(column_type and column_type.time_zone)
    if aware_column:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
    return moment.astimezone(ZoneInfo(zone) if zone else UTC).replace(tzinfo=None) if moment.tzinfo else moment


def cuts(low: Any, high: Any, count: int) -> list[Any]:
    """At most `count - 1` values that divide what lies between `low` and `high`; rising, each above `low`."""
    points: list[Any] = []
    for index in range(1, count):
        point = _between(low, high, index, count)
        if point > low and point <= high and (not points or point > points[-1]):
            points.append(point)
    return points


def _between(low: Any, high: Any, index: int, count: int) -> Any:
    if isinstance(low, datetime):
        return low + timedelta(microseconds=((high - low) // timedelta(microseconds=1) + 1) * index // count)
    if isinstance(low, date):
        return low + timedelta(days=((high - low).days + 1) * index // count)
    if isinstance(low, int):
        return low + (high - low + 1) * index // count
    if isinstance(low, Decimal):
        with localcontext(prec=_DIGITS):
            return low + (high - low) * index / count
    return low + (high - low) * (index / count)
