"""Where the names of the columns stand, and whether there are any: found out from the first records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[str]

_KINDS = (
    ("number", re.compile(r"[-+(]?[$€£]?\s?(?:\d+|\d{1,3}(?:[,. ]\d{3})+)?(?:[.,]\d+)?(?:[eE][-+]?\d+)?\)?\s?%?")),
    ("date", re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?|\d{1,2}[- ][A-Za-z]{3}[- ]\d{2,4}")),
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_TYPED_SHARE = 0.9
_FEW = 2


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
    table = rows[skipped:]
    return Beginning(skipped, _has_names(table))


def _preamble(rows: Sequence[Row]) -> int:
    widths = [len(row) for row in rows]
    if not widths:
        return 0
    width, count = Counter(widths).most_common(1)[0]
    if width < _FEW or count < len(widths) / 2 or widths[0] == width:
        return 0
    first = widths.index(width)
    # A header that merely lacks a name is no preamble: its records are set aside, with the reason.
    return first if all(found * 2 <= width for found in widths[:first]) else 0


def _has_names(rows: Sequence[Row]) -> bool:
    first, body = rows[0] if rows else (), rows[1:]
    if not body:
        return not any(_kind(text) for text in first if text.strip())
    names = values = years = 0
    for at, text in enumerate(first):
        kind = _column_kind([row[at] for row in body if at < len(row)])
        if kind is None or not text.strip():
            continue
        if _kind(text) != kind:
            names += 1
        elif _YEAR.fullmatch(text.strip()):
            years += 1
        else:
            values += 1
    if values or names:
        return names >= values and names > 0
    if years:
        return years > _FEW and len(set(first)) == len(first)
    return not _like_the_others(first, body)


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
