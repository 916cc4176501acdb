"""How far behind the watermark a source is asked again, for rows that come late."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.model import parse_duration


def _spells_a_duration(text: str) -> str:
    parse_duration(text)
    return text


Lookback = Annotated[int, Field(ge=0)] | Annotated[str, AfterValidator(_spells_a_duration), Field(examples=["2d"])]


def lowered(value: Any, lookback: int | str | None, *, what: str) -> Any:
    """`value` of a cursor, so far down; a date goes down by whole days.

    Raises:
        ConfigError: The lookback is a time and the cursor a number, or the other way round.
    """
    if lookback is None:
        return value
    if isinstance(lookback, str) and isinstance(value, date):
        return _earlier(value, parse_duration(lookback))
    if isinstance(lookback, int) and isinstance(value, int | float | Decimal):
        return value - lookback
    raise ConfigError(
        f"{what}: a lookback of {lookback} cannot be taken from a {type(value).__name__}.",
        hint="use a duration such as 2d for dates and times, a whole number for numbers, and none for text",
    )


def _earlier(value: date, duration: timedelta) -> date:
    if isinstance(value, datetime):
        return value - duration
    return value - timedelta(days=-(-duration // timedelta(days=1)))
