"""Where the names of the columns stand, and whether there are any: found out from the first records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise

Row = Sequence[str]
_NONE_FITS = "none of the first records has as many fields as the header: state the 'delimiter', or the 'columns'"

_KINDS = (
    ("number", re.compile(r"[-+(]?[$€£]?\s?(?:\d+|\d{1,3}(?:[,. ]\d{3})+)?(?:[.,]\d+)?(?:[eE][-+]?\d+)?\)?\s?%?")),
    ("date", re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?|\d{1,2}[- ][A-Za-z]{3}[- ]\d{2,4}")),
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_TYPED_SHARE = 0.9
_STEADY_SHARE = 0.8
_FEW = 2
_ABOVE = re.compile(r"(?:file[ _-]?)?(?:hdr|header)|fh|bh|bof", re.IGNORECASE)
"""What a record above the table begins with that says of which feed and day it is."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a file of records begins."""

    skipped: int  # records above the header (or above the first record)
    header: bool


def find_beginning(rows: Sequence[Row]) -> Beginning:
    """Where the records begin, and whether the first of them holds the names.

    A line above the table is told by its few fields. The names are told by columns of numbers or dates whose first
    value is none; a table of texts alone is taken to have names unless its first row is like the others.
    """
    skipped = _preamble(rows)
    skipped += _padded_preamble(rows[skipped:])
    table = rows[skipped:]
    return Beginning(skipped, _has_names(table))


def fitted(names: Sequence[str], rows: Sequence[Row], *, delimiter: str) -> tuple[list[str], str | None]:
    """The names for records none of which has as many fields as there are names, and what was done to them.

    Delimiters at the end of each record, or of the header alone, make an empty field more; the tables of R have one
    name less, since their first column is of names of rows. By commas that is told of nothing: `1,234` may be one.

    Args:
        rows: The first records below the header; what cannot be read is empty.
    """
    found = [row for row in rows if row]
    width = Counter(map(len, found)).most_common(1)[0][0] if found else len(names)
    alike = sum(len(row) == width for row in found)
    if not found or any(len(row) == len(names) for row in found):
        return list(names), None
    if alike < _STEADY_SHARE * len(found):
        return list(names), _NONE_FITS
    body = [row for row in found if len(row) == width]
    if width < len(names) and not any(name.strip() for name in names[width:]):
        return list(names[:width]), "the header ends with more delimiters than its records; they name nothing"
    if width > len(names) and not any(text.strip() for row in body for text in row[len(names) :]):
        return [*names, *[""] * (width - len(names))], "the records end with more delimiters than their header"
    if (
        delimiter != ","
        and width == len(names) + 1
        and len(body) >= _FEW
        and len({row[0] for row in body}) == len(body)
    ):
        return ["", *names], "the header has one name less than the records have fields: the first field has none"
    return list(names), _NONE_FITS


def _preamble(rows: Sequence[Row]) -> int:
    widths = [len(row) for row in rows]
    if not widths:
        return 0
    width, count = Counter(widths).most_common(1)[0]
    if len(rows) > _FEW and _ABOVE.fullmatch(rows[0][0].strip() if rows[0] else ""):
        below = Counter(widths[1:]).most_common(1)[0][0]
        return 1 if below != widths[0] else 0
    if widths[0] != width and width >= _FEW and count >= len(widths) / 2:
        first = widths.index(width)
        # A header that merely lacks a name is no preamble: its records are set aside, with the reason.
        return first if all(found * 2 <= width for found in widths[:first]) else 0
    return _long_preamble(rows, widths)


def _long_preamble(rows: Sequence[Row], widths: Sequence[int]) -> int:
    """Of a table that is not much longer than what stands above it, and twice as wide."""
    width = max(widths)
    first = widths.index(width)
    steady = widths[first:].count(width) >= max(_FEW, _STEADY_SHARE * len(widths[first:]))
    few = all(len(row) * 2 <= width and _filled(row) <= _FEW for row in rows[:first])
    return first if steady and few and width > _FEW else 0


def _padded_preamble(rows: Sequence[Row]) -> int:
    """Titles above the header that a spreadsheet has filled up with delimiters: rows of one text, or `Source:` and one.

    They are taken for such only where the row below them names columns of numbers or dates.
    """
    above = 0
    while above < len(rows) and _is_title(rows[above]):
        above += 1
    if not 0 < above < len(rows) - 1:
        return 0
    first, body = rows[above], rows[above + 1 :]
    return above if _filled(first) >= _FEW and _evidence(first, body).tells_names else 0


def _is_title(row: Row) -> bool:
    return _filled(row) <= 1 or (_filled(row) == _FEW and row[0].strip().endswith(":"))


def _filled(row: Row) -> int:
    return sum(bool(text.strip()) for text in row)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the first row has above columns of numbers or dates."""

    names: int  # something else
    years: int
    values: tuple[str, ...]  # the same

    @property
    def tells_names(self) -> bool:
        if not self.names:
            return False
        # Above 0.25, 0.5, 1, 2 years to maturity stand these numbers.
        return self.names >= len(self.values) or _rises(self.values)


def _evidence(first: Row, body: Sequence[Row]) -> _Evidence:
    names = years = 0
    values: list[str] = []
    for at, text in enumerate(first):
        kind = _column_kind([row[at] for row in body if at < len(row)])
        if kind is None or not text.strip():
            continue
        if _kind(text) != kind:
            names += 1
        elif _YEAR.fullmatch(text.strip()):
            years += 1
        else:
            values.append(text)
    return _Evidence(names, years, tuple(values))


def _has_names(rows: Sequence[Row]) -> bool:
    first, body = rows[0] if rows else (), rows[1:]
    if not body:
        return not any(_kind(text) for text in first if text.strip())
    # Files that were put together repeat their header.
    found = _evidence(first, [row for row in body if row != first] or body)
    if found.values or found.names:
        return found.tells_names
    if found.years:
        years = [text.strip() for text in first if _YEAR.fullmatch(text.strip())]
        distinct = len(set(first)) == len(first)
        return distinct and (found.years > _FEW or (len(years) > _FEW and _rises(years)))
    return not _like_the_others(first, body)


def _rises(texts: Sequence[str]) -> bool:
    """Whether they are numbers that rise or fall from each to the next."""
    try:
        numbers = [Decimal(text.strip()) for text in texts]
    except InvalidOperation:
        return False
    steps = {later > earlier for earlier, later in pairwise(numbers)}
    return len(steps) == 1 and len(set(numbers)) == len(numbers)


def _like_the_others(first: Row, body: Sequence[Row]) -> bool:
    """Of texts alone: names are filled and stand only once; a row whose texts return below is data."""
    if len(body) < _FEW:
        return False
    below = {text for row in body for text in row if text.strip()}
    again = sum(text in below for text in first if text.strip())
    return again * 2 > len(first)


def _column_kind(texts: Sequence[str]) -> str | None:
    filled = [text for text in texts if text.strip()]
    if not filled:
        return None
    kind, count = Counter(_kind(text) for text in filled).most_common(1)[0]
    return kind if kind and count >= _TYPED_SHARE * len(filled) else None


def _kind(text: str) -> str | None:
    stripped = text.strip()
    if not any(map(str.isdigit, stripped)):
        return None
    return next((kind for kind, shape in _KINDS if shape.fullmatch(stripped)), None)
