"""Whether a typed value is exactly what a text of the file says; nothing is rounded, and no zero may be missing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_BOOLEANS = {"true": True, "1": True, "Y": True, "false": False, "0": False, "N": False}
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)$")
_MOMENT = re.compile(
    r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:[-T ]?(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?P<fraction>\.\d+)?)?)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d|\[[+-]?[\d.]+(?::\w+)?\])?$"
)


def same(text: str | None, value: Any) -> bool:
    """Whether `value` is what `text` says; the empty text says nothing."""
    if text is None or text == "" or value is None:
        return (text or None) is None and (value or None) is None
    if isinstance(value, str):
        return text == value
    if isinstance(value, bool):
        return _BOOLEANS.get(text.strip()) is value
    if isinstance(value, (int, float, Decimal)):
        return bool(_NUMBER.match(text.strip())) and Decimal(text.strip()) == Decimal(value)
    if isinstance(value, datetime):
        return _same_moment(text.strip(), value)
    if isinstance(value, date):
        found = _DATE.match(text.strip())
        return found is not None and date(*map(int, found.groups())) == value
    return isinstance(value, time) and text.strip() == value.isoformat()


def _same_moment(text: str, value: datetime) -> bool:
    """A moment of UTC where the value states a zone, the text's own wall clock where it does not."""
    found = _MOMENT.match(text)
    if found is None:
        return False
    parts = [int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    year, month, day, hour, minute, second = parts
    fraction = round(Decimal(found["fraction"] or 0) * 1_000_000)
    stated = datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001 - its zone is told apart
    if value.tzinfo is None:
        return stated == value
    return (stated - _offset(found["zone"])).replace(tzinfo=UTC) == value


def _offset(zone: str | None) -> timedelta:
    """East of Greenwich: `+02:00`, or `[-4:EDT]` as OFX has it."""
    if zone is None or zone == "Z":
        return timedelta()
    if zone.startswith("["):
        return timedelta(hours=float(zone.strip("[]").partition(":")[0]))
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
