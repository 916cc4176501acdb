"""Spreadsheets and HTML: a golden table is the whole sheet, ours begins below its header and ends above its notes.

The sheet is read by another library, whose cells are proved to be the golden ones by their digests. Ours has to be a
run of its rows: the same run for all columns, in the sheet's order, with the names that the header has; every row that
is not in it has to be said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.formats.golden.canonical import NULL, digest
from tests.conformance.formats.golden.converted import Converted, OurTable
from tests.conformance.formats.golden.corpus import GoldenFile, GoldenTable
from tests.conformance.formats.golden.sheets import (
    Grid,
    as_duration,
    as_seconds,
    cell_text,
    readings,
    since_1900,
    since_1904,
)

_DURATIONS = (as_duration, as_seconds, since_1904, since_1900)
Texts = list[list[str]]  # by column, then row


@dataclass(frozen=True)
class _Run:
    """Where our rows are in the sheet, and which of our columns is which of its."""

    first: int
    places: Mapping[int, int]  # ours by the sheet's
    missing: Sequence[int]


def differences(file: GoldenFile, ours: Converted) -> Iterator[str]:
    read = list(readings(file.delivered))
    for golden in file.tables:
        columns = _proved(golden, [reading.get(golden.name, []) for reading in read])
        if isinstance(columns, str):
            yield f"sheet '{golden.name}': {columns}"
        else:
            yield from (f"sheet '{golden.name}': {said}" for said in _of_the_best(golden, columns, file, ours))


def _of_the_best(golden: GoldenTable, columns: Texts, file: GoldenFile, ours: Converted) -> Iterable[str]:
    """Against the table of the sheet's name; tables of a page have no names, and one of them has to be it."""
    candidates = _candidates(golden, file, ours)
    if candidates:
        judged = (list(_sheet_differences(golden, columns, table, ours)) for table in candidates)
        return min(judged, key=len)
    if not any(text != NULL for column in columns for text in column):
        return ()
    if file.format == "html" and any("left out" in said for said in (*ours.report.notes, *ours.report.warnings)):
        return ()  # tables that only lay out a page
    return (f"no table of it among {[found.name for found in ours.tables]}",)


def _candidates(golden: GoldenTable, file: GoldenFile, ours: Converted) -> list[OurTable]:
    named = [table for table in ours.tables if table.name == golden.name]
    return named or ([*ours.tables] if len(file.tables) == 1 or file.format == "html" else [])


def _proved(golden: GoldenTable, read: Sequence[Grid]) -> Texts | str:
    """The texts of each column as some library reads it, and as its golden digest has it."""
    columns = []
    for place, column in enumerate(golden.columns):
        candidates = ([row[place] if place < len(row) else None for row in grid[: golden.rows]] for grid in read)
        found = next((cells for cells in candidates if _is_golden(cells, column)), None)
        if found is None:
            return f"no library at hand reads column {place} as the manifest has it"
        columns.append([cell_text(cell) for cell in found])
    return columns


def _is_golden(cells: Sequence[Any], column: Mapping[str, Any]) -> bool:
    return any(
        digest(cell_text(cell, duration) for cell in cells) == column["values_sha256"] for duration in _DURATIONS
    )


def _sheet_differences(golden: GoldenTable, columns: Texts, table: OurTable, ours: Converted) -> Iterator[str]:
    runs = [_run(columns, table, first) for first in range(golden.rows - table.rows + 1)]
    best = min(runs, key=lambda run: (len(run.missing), -len(run.places)), default=None)
    if best is None:
        yield f"{table.rows} rows, where the sheet has {golden.rows}"
        return
    if best.missing:
        yield f"rows {best.first + 1} to {best.first + table.rows}: columns {list(best.missing)} are not there"
        return
    invented = [name for index, name in enumerate(_names(table)) if index not in best.places.values()]
    if any(value is not None for name in invented for value in table.column(name)):
        yield f"columns {invented} are not in the sheet"
    header = _header(columns, table, best)
    left_out = [row for row in range(golden.rows) if not best.first <= row < best.first + table.rows and row != header]
    unsaid = [row + 1 for row in left_out if _is_filled(columns, row) and not _is_said(golden.name, row, ours)]
    if unsaid:
        yield f"rows {unsaid} are left out, and no warning says so"
    if header is None and not _has_numbered_columns(table):
        yield f"the names {table.data.column_names} are those of no row above the records"


def _run(columns: Texts, table: OurTable, first: int) -> _Run:
    """Our columns against the rows from `first` on, in order; a column without cells in them need not be there."""
    made = [[cell_text(value) for value in table.column(name)] for name in _names(table)]
    places: dict[int, int] = {}
    missing, at = [], 0
    for place, column in enumerate(columns):
        wanted = column[first : first + table.rows]
        found = next((index for index in range(at, len(made)) if made[index] == wanted), None)
        if found is not None:
            places[place], at = found, found + 1
        elif any(text != NULL for text in wanted):
            missing.append(place)
    return _Run(first, places, missing)


def _names(table: OurTable) -> list[str]:
    return list(table.data.column_names)


def _header(columns: Texts, table: OurTable, run: _Run) -> int | None:
    """The row above the records that our names come from."""
    for row in reversed(range(run.first)):
        if all(_is_named(table, ours, columns[place][row]) for place, ours in run.places.items()):
            return row
    return None


def _is_named(table: OurTable, ours: int, text: str) -> bool:
    """A name is the header's text, trimmed; it is made unique by a number, and a column without one is numbered."""
    name = _names(table)[ours]
    if text == NULL:
        return name.startswith("column_")
    wanted = " ".join(text.split())
    return re.fullmatch(rf"{re.escape(wanted)}(_\d+)?", " ".join(name.split())) is not None


def _has_numbered_columns(table: OurTable) -> bool:
    return all(re.fullmatch(r"column_\d+", name) for name in _names(table))


def _is_filled(columns: Texts, row: int) -> bool:
    return any(column[row] != NULL for column in columns)


def _is_said(sheet: str, row: int, ours: Converted) -> bool:
    for warning in ours.report.warnings:
        rows = re.search(r"rows? ([\d, ]+)(and \d+ more )?.*left out", warning)
        if rows and f"'{sheet}'" in warning and (rows[2] or str(row + 1) in rows[1].replace(" ", "").split(",")):
            return True
    return False
