"""A sheet of a workbook as cells: what every spreadsheet format is read into before its table is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal


class ErrorCell(str):
    """The text of a cell whose formula failed, e.g. `#DIV/0!`."""

    __slots__ = ()


class DurationCell(str):
    """A length of time in the words of its file, e.g. `PT36H00M00S`."""

    __slots__ = ()


Cell = str | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None
Row = Sequence[Cell]
ERROR_TEXTS = {
    0: "#NULL!",
    7: "#DIV/0!",
    15: "#VALUE!",
    23: "#REF!",
    29: "#NAME?",
    36: "#NUM!",
    42: "#N/A",
    43: "#GETTING_DATA",
}
"""By the code that the binary formats store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Merged cells, from the first to the last; places are from 0."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    def __str__(self) -> str:
        return f"{address(self.first_row, self.first_column)}:{address(self.last_row, self.last_column)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet, from its cell A1; empty cells are "" or None."""

    name: str
    rows: Sequence[Row]
    hidden: bool = False
    merges: tuple[Merge, ...] = ()
    warnings: tuple[str, ...] = ()  # what a person should know of its cells, each with the sheet's name
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetInfo:
    """What a workbook says of a sheet before it is read."""

    name: str
    hidden: bool = False
    left_out: str = ""  # why it holds no table: "a chart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What the stored cells of a sheet do not show by their values."""

    errors: Mapping[tuple[int, int], str] = field(default_factory=dict)  # the text, by row and column from 0
    warnings: tuple[str, ...] = ()


def address(row: int, column: int) -> str:
    """`B7` for row 6, column 1."""
    return f"{column_letters(column)}{row + 1}"


def column_letters(column: int) -> str:
    """`AA` for column 26."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def place_of(reference: str) -> tuple[int, int]:
    """Row and column from 0 of `B7`.

    Raises:
        ValueError: It is no address of a cell.
    """
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError(reference)
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(reference[len(letters) :]) - 1, column - 1


def is_empty(cell: Cell) -> bool:
    return cell is None or cell == ""


def is_text(cell: Cell) -> bool:
    """Whether it is a text that a person wrote: an error is none."""
    return isinstance(cell, str) and cell != "" and not isinstance(cell, (ErrorCell, DurationCell))


def text_of(cell: Cell) -> str | None:
    """A cell as exact text: numbers in plain digits, dates in ISO 8601 (midnight is left out), durations as
    `10 days, 15:10:10`; None for an empty one."""
    if is_empty(cell):
        return None
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return digits_of(cell)
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def digits_of(number: float) -> str:
    """The shortest digits that are this binary number, without exponent."""
    text = format(Decimal(repr(number)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
