"""Values of a cursor as text and back: what a watermark holds, as what a column holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from finport_ingestion.engine.logical import LogicalType

ORDERED: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "decimal": Decimal,
    "float": float,
    "date": lambda text: datetime.fromisoformat(text).date(),  # also of a moment
    "time": time.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "text": str,
    "identifier": str,
}
"""How the kinds that have an order read what `canonical` has spelled."""


def comparable(text: str, spelled_as: LogicalType, logical: LogicalType) -> Any:
    """The value that `text` spells, as one that compares with a column of `logical`; None where they do not compare."""
    numbers = ("integer", "decimal", "float")
    try:
        value = ORDERED.get(spelled_as.kind, str)(text)
    except (ValueError, ArithmeticError):
        return None
    if logical.kind in numbers and spelled_as.kind in numbers:
        return value
    if logical.kind == "timestamp" and isinstance(value, date):
        return _moment(value, zoned=logical.time_zone is not None)
    if logical.kind == "date" and isinstance(value, datetime):
        return value.date()
    texts = ("text", "identifier")
    return value if logical.kind == spelled_as.kind or {logical.kind, spelled_as.kind} <= set(texts) else None


def _moment(value: date, *, zoned: bool) -> datetime | None:
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    if zoned:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if moment.tzinfo is None else None
