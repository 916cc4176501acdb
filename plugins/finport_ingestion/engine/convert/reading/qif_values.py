"""Dates as QIF files write them: `1/ 2'05`, `1/ 2' 5`, `31.12.2005`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_DATE = re.compile(r"(?P<first>\d{1,4})(?P<mark>[/.\-'])(?P<second>\d{1,2})(?P<last>[/.\-'])(?P<third>\d{1,4})")
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


def _year(text: str, *, apostrophe: bool) -> int:
    if len(text) == 4:
        return int(text)
    if len(text) == 3 or (len(text) == 1 and not apostrophe):
        raise Unreadable("has a year that is neither of two nor of four digits")
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
