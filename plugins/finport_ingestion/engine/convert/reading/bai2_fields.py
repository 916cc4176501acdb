"""What the fields of BAI2 records mean: amounts in minor units, funds types with their own fields, dates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from finport_ingestion.engine.convert.reading.bai2_records import Cursor, Record
from finport_ingestion.engine.convert.reading.currencies import from_minor

_PIVOT = 70
_MAX_DISTRIBUTIONS = 1000
_BEGINS = re.compile(r"\s*[0-9]{3}(?:,|\s*$)")  # with a type code


class Unreadable(Exception):
    """A record that is not as BAI2 says; the message names the field and the fix-relevant fact, never the value."""


@dataclass(slots=True)
class Amounts:
    """The sum of the amounts of a unit, exact, in minor units."""

    total: int = 0

    def take(self, digits: str, currency: str, what: str) -> str | None:
        """An amount in plain decimal notation; None where it is absent."""
        if not digits:
            return None
        try:
            text = from_minor(digits, currency)
        except ValueError:
            raise Unreadable(f"{what} is not a whole number of minor units") from None
        self.total += int(digits)
        return text


def summaries(cursor: Cursor, *, currency: str, amounts: Amounts) -> list[dict[str, str | None]]:
    """The status and summary amounts of an account identifier, from behind its currency."""
    parts, before = cursor.parts(), amounts.total
    if all(_BEGINS.match(part.pieces[0]) for part in parts[1:]):
        # Some banks leave out the commas that end a record which is continued: then each record stands for itself.
        try:
            return [row for part in parts for row in _whole(part, currency, amounts)]
        except Unreadable:
            amounts.total = before
    return list(_summaries(cursor, currency, amounts))


def _whole(part: Cursor, currency: str, amounts: Amounts) -> list[dict[str, str | None]]:
    """The amounts of one record, which ends with the last of them, or before its count or funds type."""
    rows = list(_summaries(part, currency, amounts))
    if part.beyond and rows and rows[-1]["funds_type"] in ("S", "V", "D"):
        raise Unreadable("the fields of a funds type go on in the next record")
    return rows


def _summaries(cursor: Cursor, currency: str, amounts: Amounts) -> Iterator[dict[str, str | None]]:
    while cursor.more:
        type_code, digits, count = cursor.take(), cursor.take(), cursor.take()
        funds = _funds(cursor, currency)
        if not (type_code or digits or count):
            continue
        yield {
            "type_code": _type_code(type_code),
            "direction": direction(type_code),
            "amount": amounts.take(digits, currency, "an amount of the account's summary"),
            "item_count": _count(count, "an item count"),
            **funds,
        }


def transaction(record: Record, *, currency: str, amounts: Amounts) -> dict[str, str | None]:
    """The fields of a 16 record."""
    cursor = Cursor(record.pieces)
    type_code, digits = cursor.take(), cursor.take()
    return {
        "type_code": _type_code(type_code),
        "direction": direction(type_code),
        "amount": amounts.take(digits, currency, "the amount"),
        **_funds(cursor, currency),
        "bank_reference": cursor.take(),
        "customer_reference": cursor.take(),
        "text": cursor.remainder().strip(),
        "record": record.text,
    }


def direction(type_code: str) -> str | None:
    """`credit` or `debit` by the ranges of the code list, 920-959 and 960-999 being the banks' own."""
    if not type_code.isascii() or not type_code.isdigit():
        return None
    number = int(type_code)
    if 100 <= number < 400 or 920 <= number < 960:
        return "credit"
    return "debit" if 400 <= number < 700 or 960 <= number < 1000 else None


def day(text: str, what: str) -> str | None:
    """YYMMDD (or YYYYMMDD) as ISO 8601; None where it is absent or all zeros."""
    if not text.strip("0"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) in (6, 8)):
        raise Unreadable(f"{what} is not a date (YYMMDD)")
    year = int(text[:4]) if len(text) == 8 else int(text[:2]) + (1900 if int(text[:2]) >= _PIVOT else 2000)
    try:
        return date(year, int(text[-4:-2]), int(text[-2:])).isoformat()
    except ValueError:
        raise Unreadable(f"{what} is no day of the calendar") from None


def whole(text: str, what: str) -> int | None:
    """A count or a control total as delivered; None where it is absent."""
    if not text:
        return None
    bare = text[1:] if text[:1] in ("+", "-") else text
    if not (bare.isascii() and bare.isdigit()):
        raise Unreadable(f"{what} is not a whole number")
    return int(text)


def _count(text: str, what: str) -> str | None:
    number = whole(text, what)
    return None if number is None else str(number)


def _type_code(text: str) -> str | None:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise Unreadable("the type code is not of three digits")
    return text or None


def _funds(cursor: Cursor, currency: str) -> dict[str, str | None]:
    """The funds type with the fields that it brings."""
    kind = cursor.take().upper()
    found: dict[str, str | None] = {"funds_type": kind or None}
    if kind == "S":
        for name in ("available_immediate", "available_one_day", "available_later"):
            found[name] = _available(cursor.take(), currency)
    elif kind == "V":
        found["value_date"] = day(cursor.take(), "the value date")
        found["value_time"] = cursor.take() or None
    elif kind == "D":
        found["distribution"] = _distribution(cursor, currency)
    elif kind not in ("", "0", "1", "2", "Z"):
        raise Unreadable("the funds type is none of 0, 1, 2, D, S, V, Z")
    return found


def _distribution(cursor: Cursor, currency: str) -> str:
    count = whole(cursor.take(), "the number of distributions") or 0
    if not 0 <= count <= _MAX_DISTRIBUTIONS:
        raise Unreadable(f"the number of distributions is not between 0 and {_MAX_DISTRIBUTIONS}")
    pairs = [(cursor.take(), _available(cursor.take(), currency)) for _ in range(count)]
    return json.dumps([{"days": days, "amount": amount} for days, amount in pairs], separators=(",", ":"))


def _available(digits: str, currency: str) -> str | None:
    return Amounts().take(digits, currency, "an available amount")
