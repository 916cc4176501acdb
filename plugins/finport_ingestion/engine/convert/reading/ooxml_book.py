"""XLSX, XLSM and XLSB: the workbook of an Office Open XML package."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.biff_faults import xlsb_cells
from finport_ingestion.engine.convert.reading.calamine_cells import cells_of, open_workbook
from finport_ingestion.engine.convert.reading.office_zip import Package, damaged, most_cells, with_part
from finport_ingestion.engine.convert.reading.ooxml_sheets import SheetPart, sheet_parts
from finport_ingestion.engine.convert.reading.sheet_fast import WORTH_BYTES, LargeSheet, read_fast
from finport_ingestion.engine.convert.reading.sheet_grid import Cell, Faults, Merge, Row, Sheet, SheetInfo
from finport_ingestion.engine.convert.reading.sheet_head import small_package
from finport_ingestion.engine.convert.reading.sheet_layout import Wanted
from finport_ingestion.engine.convert.reading.sheet_table import SheetTable, table_of
from finport_ingestion.engine.convert.reading.xlsx_faults import (
    KNOWN_ERRORS,
    faults_of,
    negatives_of,
    reach_of,
    with_blanks_kept,
    with_known_errors,
)

_TEXTS = "xl/sharedstrings.xml"
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14  # of a sheet of Excel


class OoxmlBook:
    """An open workbook.

    Raises:
        FormatError: The package holds none, or a damaged one.
    """

    def __init__(self, package: Package, path: Path, raw: RawFile) -> None:
        self._package, self._path, self._raw = package, path, raw
        self._parts = sheet_parts(package)
        self.sheets = [SheetInfo(name=p.name, hidden=p.hidden, left_out=p.left_out) for p in self._parts]
        macros = any(name.endswith("vbaProject.bin") for name in package.names)
        self.notes: tuple[str, ...] = ("its macros are neither run nor kept",) if macros else ()

    def table(self, at: int, wanted: Wanted) -> SheetTable:
        """The table of a sheet."""
        info = self._parts[at]
        if info.part.endswith(".bin"):
            return self._from_binary(info, wanted)
        if self._package.size_of(info.part) > WORTH_BYTES and self._with_blanks is None:
            large = LargeSheet(name=info.name, number=at, part=info.part, hidden=info.hidden)
            table = read_fast(large, path=self._path, package=self._package, raw=self._raw, wanted=wanted)
            if table is not None:
                return table
            # So many bytes hold so many cells that what lies between them is no surprise.
            return self._from_xml(info, self._package.read(info.part), wanted)
        part = self._package.read(info.part)
        reach = reach_of(part)
        self._refuse_far(info, reach.height, reach.width)
        return self._from_xml(info, part, wanted)

    def _from_xml(self, info: SheetPart, part: bytes, wanted: Wanted) -> SheetTable:
        faults = faults_of(part, sheet=info.name)
        book = self._book
        known = with_known_errors(part) if not KNOWN_ERRORS.issuperset(faults.errors.values()) else part
        kept = with_blanks_kept(known)
        if kept is not part:
            book = open_workbook(small_package(self._package, info.part, kept), self._raw)
        rows, merges = cells_of(book, info.name, errors=faults.errors, raw=self._raw)
        for (row, column), number in negatives_of(part):
            if isinstance(_cell(rows, row, column), (dt.time, dt.date)):
                rows[row][column] = number
        return self._table(info, rows, faults, merges, wanted)

    def _from_binary(self, info: SheetPart, wanted: Wanted) -> SheetTable:
        try:
            cells = xlsb_cells(self._package.read(info.part))
        except ValueError as error:
            raise damaged(self._raw, f"sheet '{info.name}': {error}") from error
        self._refuse_far(info, cells.height, cells.width)
        rows, merges = cells_of(self._book, info.name, errors=cells.errors, raw=self._raw)
        return self._table(info, rows, Faults(errors=cells.errors), (*cells.merges, *merges), wanted)

    def _table(
        self, info: SheetPart, rows: Sequence[Row], faults: Faults, merges: tuple[Merge, ...], wanted: Wanted
    ) -> SheetTable:
        sheet = Sheet(name=info.name, rows=rows, hidden=info.hidden, merges=merges, warnings=faults.warnings)
        return table_of(sheet, wanted=wanted)

    @cached_property
    def _book(self) -> Any:
        return open_workbook(self._with_blanks or self._path.read_bytes(), self._raw)

    @cached_property
    def _with_blanks(self) -> bytes | None:
        """The package whose shared texts keep the blanks at their ends; None where they do anyway."""
        name = next((name for name in self._package.names if name.lower() == _TEXTS), None)
        texts = self._package.read(name) if name else b""
        kept = with_blanks_kept(texts)
        return None if name is None or kept is texts else with_part(self._package, name, kept)

    def _refuse_far(self, info: SheetPart, height: int, width: int) -> None:
        if height > _MOST_ROWS or width > _MOST_COLUMNS or height * width > most_cells(self._raw.limits):
            raise damaged(self._raw, f"sheet '{info.name}' spans {height} rows and {width} columns, too many to hold")


def _cell(rows: Sequence[Row], row: int, column: int) -> Cell:
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else None
