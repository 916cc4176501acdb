"""How a delimited file is written: its delimiter, found out from the first records where it is not stated."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass

_CANDIDATES = (",", ";", "\t", "|")
_RECORDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Everything that decides where a field ends."""

    delimiter: str  # empty: found out from the first records
    quote: str = '"'  # empty for none
    header: bool = True
    names: tuple[str, ...] = ()  # of a file without header
    skip_lines: int = 0
    nulls: tuple[str, ...] = ("",)
    encoding: str | None = None


def find_delimiter(text: str, *, quote: str) -> str:
    """The delimiter that cuts the first records into the most alike rows; a comma where none does.

    Args:
        text: The file's beginning; its last line may be cut.
    """
    lines = [line for line in io.StringIO(text, newline="") if line.strip()]
    if len(lines) > 1 and not lines[-1].endswith(("\n", "\r")):
        lines.pop()
    best = max(_CANDIDATES, key=lambda delimiter: _likeness(lines, delimiter, quote))
    return best if _likeness(lines, best, quote) > (0.0, 0) else ","


def _likeness(lines: list[str], delimiter: str, quote: str) -> tuple[float, int]:
    """The share of records that have the commonest number of fields, and that number; nothing for one field."""
    if quote:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=None, quoting=csv.QUOTE_NONE)
    widths: Counter[int] = Counter()
    try:
        for fields in reader:
            widths[len(fields)] += 1
            if widths.total() >= _RECORDS:
                break
    except csv.Error:
        return (0.0, 0)
    if not widths:
        return (0.0, 0)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width == 1:
        return (0.0, 0)
    return (round(count / widths.total(), 2), width)
