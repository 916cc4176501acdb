"""Numbers with marks around the digits: thousands, decimal commas, currency, percent, negatives of accountants.

`1,234.50`, `1.234,50`, `(12.00)`, `$5`, `12.5 %`, `7-`. A column of them is typed where all of its values say the same
thing; a comma that may be of thousands or of decimals is told, not guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.digits import read_numbers

_CURRENCIES = ("$", "€", "£", "¥")
_PERCENT, _PARENTHESES, _BARE = "%", "(", "bare"
_SEPARATED = "separated"  # by a point or a comma
MARKS = (*_CURRENCIES, _PERCENT)
_MARK = r"(?:[$€£¥] ?)"
_THOUSAND = 3  # digits between marks of thousands: so many decimals may be none
_BLANK = r"[ \x{A0}\x{202F}]"


class Convention(StrEnum):
    """What the decimal mark is, and what may stand between thousands."""

    POINT = "number:point"  # 1,234.50 and 1'234.50
    COMMA = "number:comma"  # 1.234,50 and 1 234,50


_WHOLE = "0|[1-9][0-9]*"
_BODIES = {
    Convention.POINT: rf"(?:(?:{_WHOLE}|[1-9][0-9]{{0,2}}(?:(?:,[0-9]{{3}})+|(?:'[0-9]{{3}})+))(?:\.[0-9]+)?|\.[0-9]+)",
    Convention.COMMA: rf"(?:(?:{_WHOLE}|[1-9][0-9]{{0,2}}(?:(?:\.[0-9]{{3}})+|(?:{_BLANK}[0-9]{{3}})+))(?:,[0-9]+)?)",
}
_SHAPES = {
    convention: rf"^(?:-?{_MARK}?{body}|{_MARK}-{body}|\({_MARK}?{body}\)|{_MARK}?{body}-)(?: ?%| ?[$€£¥])?$"
    for convention, body in _BODIES.items()
}
_FIRST = re.compile(r"[-($€£¥ ]*[.,]?[0-9][0-9., '\u00a0\u202f]*[-)%$€£¥ ]*")


@dataclass(frozen=True, slots=True)
class Decor:
    """What is known of the marks of a column's values. Sizes are (digits before, digits behind) the decimal mark."""

    marks: frozenset[str] = frozenset()
    point: tuple[int, int] | None = (0, 0)  # None: a value is no number by this convention
    comma: tuple[int, int] | None = (0, 0)

    def __add__(self, other: Decor) -> Decor:
        return Decor(self.marks | other.marks, _larger(self.point, other.point), _larger(self.comma, other.comma))

    @property
    def is_number(self) -> bool:
        return self.point is not None or self.comma is not None

    @property
    def clear(self) -> Convention | None:
        """The convention, where the values allow one only, or both make the same numbers of them."""
        if self.point is not None and self.comma is not None:
            return None if _SEPARATED in self.marks else Convention.POINT
        if not self.is_number:
            return None
        return Convention.POINT if self.comma is None else Convention.COMMA

    def size(self, convention: Convention) -> tuple[int, int]:
        found = self.point if convention is Convention.POINT else self.comma
        return found or (0, 0)

    @property
    def fault(self) -> str | None:
        """Why numbers with these marks are no column of one kind; continues "column 'x' "."""
        used = [mark for mark in MARKS if mark in self.marks]
        if len(used) > 1:
            return f"mixes {' and '.join(used)}"
        if used and f"no{used[0]}" in self.marks:
            return f"has values with {used[0]} and without"
        if _PARENTHESES in self.marks and _BARE not in self.marks:
            return "has all of its numbers in parentheses"
        return None

    @property
    def may_be_thousands(self) -> bool:
        """Whether a point may be a decimal mark as well as one of thousands."""
        return _SEPARATED in self.marks and self.point is not None and self.comma is not None

    @property
    def label(self) -> str | None:
        """What the marks say of the values."""
        if self.mark == _PERCENT:
            return "percent"
        return f"currency {self.mark}" if self.mark else None

    @property
    def mark(self) -> str | None:
        """The percent or currency mark; of a mixture, see `fault`."""
        return next((mark for mark in MARKS if mark in self.marks), None)

    def to_plain(self) -> list[Any]:
        return [sorted(self.marks), self.point, self.comma]

    @staticmethod
    def from_plain(fields: list[Any]) -> Decor:
        marks, point, comma = fields
        return Decor(frozenset(marks), tuple(point) if point else None, tuple(comma) if comma else None)


_NO_MARKS = frozenset({_BARE, *(f"no{mark}" for mark in MARKS)})
DEAD = Decor(point=None, comma=None)


def could_be_decorated(text: str) -> bool:
    """A cheap first look at one value."""
    return _FIRST.fullmatch(text) is not None


def of_plain_numbers(values: pa.StringArray, digits: int, scale: int) -> Decor:
    """The decor of numbers without marks, whose sizes are known."""
    comma: tuple[int, int] | None = (digits, 0) if scale == 0 else None
    if scale == _THOUSAND:
        comma = _size(values, Convention.COMMA)  # 1.338 may be a thousand
    return Decor(_NO_MARKS | {_SEPARATED} if scale else _NO_MARKS, (digits, scale), comma)


def look_decorated(values: pa.StringArray) -> Decor:
    """The decor of any values."""
    sizes = [_size(values, convention) for convention in (Convention.POINT, Convention.COMMA)]
    if sizes == [None, None]:
        return DEAD
    return Decor(marks_of(values), *sizes)


def plain_numbers(values: pa.StringArray, convention: Convention) -> pa.StringArray:
    """`values` as numerals.DECIMAL writes them; '?' for what is no number by `convention`."""
    found = fits(values, convention)
    kept = r"[^0-9.]" if convention is Convention.POINT else r"[^0-9,]"
    bare = pc.replace_substring_regex(values, kept, "")
    if convention is Convention.COMMA:
        bare = pc.replace_substring(bare, ",", ".")
    negative = pc.match_substring_regex(values, r"[-(]")
    signed = pc.if_else(negative, pc.binary_join_element_wise("-", bare, ""), bare)
    return pc.if_else(found, signed, pa.scalar("?"))


def fits(values: pa.StringArray, convention: Convention) -> pa.BooleanArray:
    """Which values are numbers by `convention`, with marks or without."""
    return pc.match_substring_regex(values, _SHAPES[convention])


def _size(values: pa.StringArray, convention: Convention) -> tuple[int, int] | None:
    if not _all(values, _SHAPES[convention]):
        return None
    numbers = read_numbers(plain_numbers(values, convention).drop_null())
    return (numbers.digits, numbers.scale) if numbers else None


def marks_of(values: pa.StringArray) -> frozenset[str]:
    """The marks that some of the values have, and those that some have not."""
    filled = values.drop_null()
    found: set[str] = set()
    for mark in MARKS:
        has = pc.match_substring(filled, mark)
        if pc.any(has).as_py():
            found |= {mark} if pc.all(has).as_py() else {mark, f"no{mark}"}
        else:
            found.add(f"no{mark}")
    has = pc.match_substring(filled, _PARENTHESES)
    found |= {_PARENTHESES} if pc.any(has).as_py() else set()
    found |= set() if _all(filled, "^[^.,]*$") else {_SEPARATED}
    found |= set() if pc.all(has).as_py() else {_BARE}
    return frozenset(found)


def _larger(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    if one is None or other is None:
        return None
    return max(one[0], other[0]), max(one[1], other[1])


def _all(values: pa.StringArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern), min_count=0).as_py())
