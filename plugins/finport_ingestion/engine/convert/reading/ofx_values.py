"""Values of OFX: amounts with a point or a comma, moments with an offset from UTC or without."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_AMOUNT = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:(?P<mark>[.,])(?P<part>[0-9]*))?")
_MOMENT = re.compile(
    r"(?P<date>[0-9]{8})(?:(?P<clock>[0-9]{6}|[0-9]{4})(?:\.(?P<part>[0-9]{1,6}))?)?"
    r"\s*(?:\[\s*(?P<offset>[+-]?[0-9]{1,2}(?:[.:][0-9]{1,2})?)?\s*:?\s*(?P<zone>[A-Za-z /_]*)\s*\])?"
)
_QUARTER = 15


class Unreadable(ValueError):
    """A value that is not what its element holds; the message says why, without it."""


def amount(text: str, *, money: bool) -> str:
    """In plain decimal notation, every digit behind the mark kept.

    Args:
        money: A comma before three digits could separate thousands, and is not guessed.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match["whole"] or match["part"]):
        raise Unreadable("is not an amount")
    part = match["part"] or ""
    if money and match["mark"] == "," and len(part) == 3:
        raise Unreadable("has a comma before three digits: thousands or a decimal mark")
    whole = match["whole"].lstrip("0") or "0"
    sign = "-" if match["sign"] == "-" else ""
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def moment(text: str) -> tuple[str | None, str | None]:
    """As written (without zone), and in UTC where the zone is stated, in ISO 8601; nothing for zeros."""
    if not text.strip("0"):
        return None, None
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise Unreadable("is not a date (YYYYMMDD, or with HHMMSS.XXX[offset:zone])")
    clock = (match["clock"] or "").ljust(6, "0")
    try:
        found = datetime.strptime(match["date"] + clock, "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise Unreadable("is no moment of the calendar") from None
    found += timedelta(microseconds=int((match["part"] or "").ljust(6, "0")))
    offset = _offset(match["offset"], match["zone"] or "")
    if offset is None:
        return found.isoformat(), None
    try:
        exact = (found - offset).replace(tzinfo=UTC)
    except OverflowError:
        raise Unreadable("is no moment of the calendar") from None
    return found.isoformat(), exact.isoformat().replace("+00:00", "Z")


def _offset(stated: str | None, zone: str) -> timedelta | None:
    """Hours with decimals as the specification says; minutes where that makes no quarter of an hour ([5.30:IST])."""
    if stated is None:
        return timedelta(0) if zone.strip().upper() in ("GMT", "UTC", "Z") else None
    hours, mark, part = stated.lstrip("+-").replace(":", ".").partition(".")
    decimal = int(part.ljust(2, "0")) * 60 if mark else 0
    minutes = decimal // 100
    if ":" in stated or decimal % 100 or minutes % _QUARTER:
        minutes = int(part.ljust(2, "0"))
    if int(hours) > 14 or minutes >= 60 or minutes % _QUARTER:
        raise Unreadable("states an offset that no zone has")
    size = timedelta(hours=int(hours), minutes=minutes)
    return -size if stated.startswith("-") else size
