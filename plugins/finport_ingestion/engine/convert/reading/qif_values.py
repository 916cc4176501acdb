"""Dates and amounts as QIF files write them: `1/ 2'05`, `31.12.2005`, `-1,234.50`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

_DATE = re.compile(r"(?P<first>\d{1,4})(?P<mark>[/.\-'])(?P<second>\d{1,2})(?P<last>[/.\-'])(?P<third>\d{2,4})")
_POINT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?")
_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?,\d{1,2}")
_FRACTION = re.compile(r"(?P<whole>\d+ )?(?P<over>\d+)/(?P<under>\d+)")
_PIVOT = 70


class Unreadable(ValueError):
    """A value that is not what its code says; the message says why, without it."""


@dataclass(slots=True)
class DateOrder:
    """What the dates of a file say of the order of day and month."""

    day_first: int = 0  # dates that can only be read so
    month_first: int = 0
    both: int = 0
    short_years: bool = False  # years of two digits without an apostrophe

    def look(self, text: str) -> None:
        match = _DATE.fullmatch(text.replace(" ", ""))
        if match is None or len(match["first"]) > 2:
            return
        self.short_years |= len(match["third"]) == 2 and match["last"] != "'"
        first, second = int(match["first"]), int(match["second"])
        if match["mark"] == ".":
            return
        if first > 12 >= second:
            self.day_first += 1
        elif second > 12 >= first:
            self.month_first += 1
        elif first != second:
            self.both += 1

    @property
    def proved(self) -> str | None:
        """`dmy` or `mdy`, where the dates leave one of them only."""
        if bool(self.day_first) == bool(self.month_first):
            return None
        return "dmy" if self.day_first else "mdy"


def day(text: str, order: str | None) -> str | None:
    """In ISO 8601; None where the order of day and month is not known.

    Raises:
        Unreadable: It is no date, whatever the order.
    """
    match = _DATE.fullmatch(text.replace(" ", ""))
    if match is None:
        raise Unreadable("is not a date")
    if len(match["first"]) == 4:
        return _iso(int(match["first"]), int(match["second"]), int(match["third"]))
    first, second = int(match["first"]), int(match["second"])
    year = _year(match["third"], apostrophe=match["last"] == "'")
    order = "dmy" if match["mark"] == "." else order
    if order is None:
        _either(year, first, second)
        return None
    return _iso(year, second, first) if order == "dmy" else _iso(year, first, second)


def amount(text: str) -> str:
    """In plain decimal notation; commas that separate thousands are left out.

    Raises:
        Unreadable: It is no amount.
    """
    bare = text.strip().replace(" ", "")
    sign = "-" if bare.startswith("-") else ""
    if _COMMA.fullmatch(bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif _POINT.fullmatch(bare):
        bare = bare.replace(",", "")
    else:
        raise Unreadable("is not an amount")
    whole, _, part = bare.lstrip("+-").partition(".")
    if not whole and not part:
        raise Unreadable("is not an amount")
    whole = whole.lstrip("0") or "0"
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def price(text: str) -> str:
    """An amount, or a fraction as shares were priced once: `45 1/2` is 45.5.

    Raises:
        Unreadable: It is neither, or a fraction without an exact decimal.
    """
    match = _FRACTION.fullmatch(text.strip())
    if match is None:
        return amount(text)
    under = int(match["under"])
    if not under or under & (under - 1):
        raise Unreadable("is a fraction without an exact decimal")
    found = int(match["whole"] or 0) + Fraction(int(match["over"]), under)
    digits = under.bit_length() - 1
    scaled = str(int(found * 10**digits)).rjust(digits + 1, "0")
    return f"{scaled[:-digits]}.{scaled[-digits:]}" if digits else scaled


def _year(text: str, *, apostrophe: bool) -> int:
    if len(text) == 4:
        return int(text)
    if len(text) == 3:
        raise Unreadable("has a year of three digits")
    return int(text) + (2000 if apostrophe or int(text) < _PIVOT else 1900)


def _either(year: int, first: int, second: int) -> None:
    for month, number in ((first, second), (second, first)):
        try:
            _iso(year, month, number)
        except Unreadable:
            continue
        return
    raise Unreadable("is no day of the calendar")


def _iso(year: int, month: int, number: int) -> str:
    try:
        return date(year, month, number).isoformat()
    except ValueError:
        raise Unreadable("is no day of the calendar") from None
