"""Dates, amounts and balances of SWIFT text, many at once: as ISO 8601 and plain decimals, null for what is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

# SWIFT allows 15 characters; more than a decimal can hold are no amount.
AMOUNT = r"[0-9]{1,30}(?:,[0-9]{0,10})?"
# Some banks state the currency in one balance of a statement only.
_BALANCE = rf"^(?P<mark>[CD])(?P<date>[0-9]{{6}})(?P<currency>[A-Z]{{3}})?(?P<amount>{AMOUNT})$"
# A year of two digits above this one is of the last century.
_LAST_YEAR_OF_THIS_CENTURY = 79
# Of a sum of amounts with so many digits nothing is lost.
_NARROW, _WIDE, _SAFE = 38, 76, 28


@dataclass(frozen=True, slots=True)
class Balances:
    """`C240131EUR1234,56`, taken apart."""

    mark: pa.StringArray
    date: pa.StringArray
    currency: pa.StringArray
    amount: pa.StringArray  # signed

    @staticmethod
    def of(texts: pa.StringArray) -> Balances:
        """Of the values of fields 60 to 65; everything is null where a text is none."""
        parts = pc.extract_regex(texts, pattern=_BALANCE)
        dates = iso_dates(pc.struct_field(parts, "date"))
        mark, currency, amount = (
            pc.if_else(dates.is_valid(), pc.struct_field(parts, name), pa.scalar(None, pa.string()))
            for name in ("mark", "currency", "amount")
        )
        return Balances(mark, dates, optional(currency), signed(plain_amounts(amount), pc.equal(mark, "D")))


def plain_amounts(texts: pa.StringArray) -> pa.StringArray:
    """`0001234,50` and `1234,` as `1234.50` and `1234`."""
    points = pc.utf8_rtrim(pc.replace_substring(texts, ",", "."), ".")
    if pc.any(pc.starts_with(points, "0"), min_count=0).as_py():
        points = pc.replace_substring_regex(points, r"^0+([0-9])", r"\1")
    return points


def signed(amounts: pa.StringArray, negative: pa.BooleanArray) -> pa.StringArray:
    """`amounts` with a minus where they are `negative`."""
    return pc.binary_join_element_wise(pc.if_else(negative, "-", ""), amounts, "")


def iso_dates(texts: pa.StringArray) -> pa.StringArray:
    """`YYMMDD` as dates; null for what is none, e.g. 30 February."""
    return _by_value(texts, iso_date)


def entry_dates(value_dates: pa.StringArray, texts: pa.StringArray) -> pa.StringArray:
    """`MMDD` as dates: of the year in which they are nearest to the value date of each (`YYMMDD`)."""
    return _by_value(pc.binary_join_element_wise(value_dates, texts, ""), lambda both: _nearest(both[:6], both[6:]))


def _by_value(texts: pa.StringArray, way: Callable[[str], str | None]) -> pa.StringArray:
    """Each different text is looked at once."""
    encoded = pc.dictionary_encode(texts)
    made = pa.array([way(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return made.take(encoded.indices)


def iso_date(text: str) -> str | None:
    """A date of six digits; null for what is none."""
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    year = int(text[:2])
    found = _date(year + (1900 if year > _LAST_YEAR_OF_THIS_CENTURY else 2000), text[2:])
    return found.isoformat() if found else None


def _nearest(value_date: str, month_day: str) -> str | None:
    value = iso_date(value_date)
    if value is None:
        return None
    near = dt.date.fromisoformat(value)
    # A 29 February may be years away.
    found = [_date(year, month_day) for year in range(near.year - 8, near.year + 9)]
    dates = [date for date in found if date is not None]
    return min(dates, key=lambda date: abs(date - near)).isoformat() if dates else None


def _date(year: int, month_day: str) -> dt.date | None:
    try:
        return dt.date(year, int(month_day[:2]), int(month_day[2:]))
    except ValueError:
        return None


def as_decimals(amounts: pa.StringArray) -> pa.Array:
    """Plain decimals as numbers, wide enough to be summed up exactly."""
    sizes, points = pc.binary_length(amounts), pc.find_substring(amounts, ".")
    behind = pc.if_else(pc.less(points, 0), 0, pc.subtract(pc.subtract(sizes, points), 1))
    scale = pc.max(behind).as_py() or 0
    digits = (pc.max(sizes).as_py() or 0) + scale
    return amounts.cast(pa.decimal128(_NARROW, scale) if digits < _SAFE else pa.decimal256(_WIDE, min(scale, _WIDE)))


def optional(texts: pa.StringArray) -> pa.StringArray:
    """`texts` with null for an empty one."""
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
