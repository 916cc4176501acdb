"""XLSX, XLSM and XLSB: the workbook of an Office Open XML package."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.biff_faults import xlsb_cells
from finport_ingestion.engine.convert.reading.calamine_cells import cells_of, open_workbook
from finport_ingestion.engine.convert.reading.office_zip import Package, damaged, most_cells
from finport_ingestion.engine.convert.reading.ooxml_sheets import SheetPart, sheet_parts
from finport_ingestion.engine.convert.reading.sheet_fast import WORTH_BYTES, LargeSheet, read_fast
from finport_ingestion.engine.convert.reading.sheet_grid import Faults, Merge, Sheet, SheetInfo
from finport_ingestion.engine.convert.reading.sheet_layout import Wanted
from finport_ingestion.engine.convert.reading.sheet_table import SheetTable, table_of
from finport_ingestion.engine.convert.reading.xlsx_faults import faults_of, reach_of


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
        if self._package.size_of(info.part) > WORTH_BYTES:
            large = LargeSheet(name=info.name, number=at, part=info.part, hidden=info.hidden)
            table = read_fast(large, path=self._path, package=self._package, raw=self._raw, wanted=wanted)
            if table is not None:
                return table
            # So many bytes hold so many cells that what lies between them is no surprise.
            return self._by_cells(info, faults_of(self._package.read(info.part), sheet=info.name), (), wanted)
        part = self._package.read(info.part)
        reach = reach_of(part)
        self._refuse_far(info, reach.height, reach.width)
        return self._by_cells(info, faults_of(part, sheet=info.name), (), wanted)

    def _from_binary(self, info: SheetPart, wanted: Wanted) -> SheetTable:
        try:
            cells = xlsb_cells(self._package.read(info.part))
        except ValueError as error:
            raise damaged(self._raw, f"sheet '{info.name}': {error}") from error
        self._refuse_far(info, cells.height, cells.width)
        return self._by_cells(info, Faults(errors=cells.errors), tuple(cells.merges), wanted)

    def _by_cells(self, info: SheetPart, faults: Faults, merges: tuple[Merge, ...], wanted: Wanted) -> SheetTable:
        rows, found = cells_of(self._book, info.name, errors=faults.errors, raw=self._raw)
        sheet = Sheet(name=info.name, rows=rows, hidden=info.hidden, merges=(*merges, *found), warnings=faults.warnings)
        return table_of(sheet, wanted=wanted)

    @cached_property
    def _book(self) -> Any:
        return open_workbook(self._path.read_bytes(), self._raw)

    def _refuse_far(self, info: SheetPart, height: int, width: int) -> None:
        if height * width > most_cells(self._raw.limits):
            raise damaged(self._raw, f"sheet '{info.name}' spans {height} rows and {width} columns, too many to hold")
