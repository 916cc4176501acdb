"""Which row of a sheet names its columns: the fullest text row above the first row of data, if there is one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from finport_ingestion.engine.convert.reading.sheet_grid import Cell, DurationCell, ErrorCell, Row, is_empty, is_text

_NEARLY_FULL = 0.6  # of the columns that hold anything
_NO_VALUE = re.compile(
    r"\s*(?:n\.?/?a\.?|nan|null|none|nil|tbd|\.{1,3}|-{1,3}|\u2013|\u2014|\*|\?|x|:)\s*", re.IGNORECASE
)
_ANNOTATION = re.compile(r"\s*[(\[].*[)\]]\s*", re.DOTALL)
_YEARS = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Header:
    """Places in the rows that were looked at."""

    row: int | None  # that names the columns; None: none does
    data: int  # the first row of data


def find_header(rows: Sequence[Row]) -> Header:
    """The header among `rows`, the first ones of a sheet."""
    typed = next((at for at, row in enumerate(rows) if any(map(is_typed, row))), None)
    if typed is None:
        return _of_texts(rows)
    if names_periods(rows, typed):
        return Header(typed, typed + 1)
    columns = typed_columns(rows[typed:])
    above = [at for at in range(typed) if is_heading(rows[at], columns) and not _recurs(rows, at)]
    if not above:
        return Header(None, 0)
    wide = max(map(fill, rows[typed:]))
    if not _is_uniform(rows[typed:], columns):
        # Where each row has a type of its own (a list of keys and values), the first row names the columns.
        best = next((at for at in above if fill(rows[at]) >= _NEARLY_FULL * wide), None)
        return Header(best, 0 if best is None else best + 1)
    block = _adjacent(above)
    named = [at for at in block if not _is_annotation(rows[at])] or block
    best = max(named, key=lambda at: (fill(rows[at]), at))
    covered = sum(is_text(cell) for cell in _at(rows[best], columns))
    if fill(rows[best]) * 2 < wide or covered * 2 <= len(columns) - 1:
        return Header(None, 0)
    return Header(best, block[-1] + 1)


def is_typed(cell: Cell) -> bool:
    """Whether it is a value that is no text: a number, a date, an error."""
    return (not isinstance(cell, str) and cell is not None) or isinstance(cell, (ErrorCell, DurationCell))


def fill(row: Row) -> int:
    """How many of its cells hold something."""
    return sum(not is_empty(cell) for cell in row)


def typed_columns(rows: Sequence[Row]) -> frozenset[int]:
    """The columns that hold more typed values than texts."""
    counts: dict[int, int] = {}
    for row in rows:
        for column, cell in enumerate(row):
            if not is_empty(cell):
                counts[column] = counts.get(column, 0) + (1 if is_typed(cell) else -1)
    return frozenset(column for column, count in counts.items() if count > 0)


def is_heading(row: Row, columns: frozenset[int]) -> bool:
    """Whether words stand where the data has numbers or dates: then it is no record."""
    if any(map(is_typed, row)):
        return False
    return any(is_text(cell) and not _NO_VALUE.fullmatch(str(cell)) for cell in _at(row, columns))


def names_periods(rows: Sequence[Row], at: int) -> bool:
    """Whether row `at` names columns by years or days: `Country, 2019, 2020, 2021`."""
    row = rows[at]
    periods = {column: key for column, cell in enumerate(row) if (key := _period(cell)) is not None}
    others = [cell for column, cell in enumerate(row) if column not in periods and not is_empty(cell)]
    keys = list(periods.values())
    rises = keys == sorted(set(keys)) or keys[::-1] == sorted(set(keys))
    if len(keys) < 2 or not rises or not others or not all(map(is_text, others)):
        return False
    below = [cell for later in rows[at + 1 :] for cell in _at(later, frozenset(periods)) if not is_empty(cell)]
    return bool(below) and sum(_period(cell) is None for cell in below) * 2 > len(below)


def _of_texts(rows: Sequence[Row]) -> Header:
    """Where all is text, the first nearly full row is taken to name the columns."""
    width = len({column for row in rows for column, cell in enumerate(row) if not is_empty(cell)})
    best = next((at for at, row in enumerate(rows) if 0 < fill(row) >= _NEARLY_FULL * width), None)
    return Header(best, 0 if best is None else best + 1)


def _recurs(rows: Sequence[Row], at: int) -> bool:
    """Whether one of the row's texts stands again in its column: names of columns do not."""
    others = [*rows[:at], *rows[at + 1 :]]
    return any(
        is_text(cell) and any(column < len(other) and other[column] == cell for other in others)
        for column, cell in enumerate(rows[at])
    )


def _is_uniform(rows: Sequence[Row], columns: frozenset[int]) -> bool:
    """Whether each of the columns holds one kind of value, texts apart."""
    kinds: dict[int, set[str]] = {}
    for row in rows:
        for column in columns:
            if column < len(row) and is_typed(row[column]) and not isinstance(row[column], ErrorCell):
                kinds.setdefault(column, set()).add(_kind(row[column]))
    return all(len(found) == 1 for found in kinds.values())


def _kind(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "boolean"
    return "number" if isinstance(cell, (int, float)) else "moment"


def _adjacent(places: list[int]) -> list[int]:
    """The last run of places without a gap."""
    start = len(places) - 1
    while start > 0 and places[start - 1] == places[start] - 1:
        start -= 1
    return places[start:]


def _is_annotation(row: Row) -> bool:
    """Units and formulas below the names: `(in grams)`."""
    texts = [str(cell) for cell in row if is_text(cell)]
    return bool(texts) and all(_ANNOTATION.fullmatch(text) for text in texts)


def _period(cell: Cell) -> int | None:
    """A number that orders years or days; the two do not mix, since they are far apart."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        return int(cell) if cell in _YEARS else None
    return cell.toordinal() if isinstance(cell, dt.date) else None


def _at(row: Row, columns: frozenset[int]) -> list[Cell]:
    return [cell for column, cell in enumerate(row) if column in columns]
