"""Workbooks as the library calamine reads them; its failures, panics too, are the file's."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.office_zip import damaged, encrypted
from finport_ingestion.engine.convert.reading.sheet_grid import Cell, ErrorCell, Merge, SheetInfo

_PANIC = "PanicException"  # of pyo3, which is no Exception


@contextlib.contextmanager
def refused(raw: RawFile) -> Iterator[None]:
    """Raise FormatError where the library fails on the bytes."""
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError as error:
        raise encrypted(raw) from error
    except (CalamineError, ValueError, OverflowError, OSError) as error:
        raise damaged(raw, f"not readable as a workbook: {_first_line(error)}") from error
    except BaseException as error:
        if type(error).__name__ != _PANIC:
            raise
        raise damaged(raw, f"not readable as a workbook: {_first_line(error)}") from error


def open_workbook(content: bytes, raw: RawFile) -> Any:
    """A CalamineWorkbook of the bytes."""
    from python_calamine import CalamineWorkbook

    with refused(raw):
        return CalamineWorkbook.from_object(io.BytesIO(content))


def infos_of(workbook: Any) -> list[SheetInfo]:
    """What the workbook says of its sheets."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    # The library's values cannot be keys.
    other = (
        (SheetTypeEnum.ChartSheet, "a chart"),
        (SheetTypeEnum.MacroSheet, "macros"),
        (SheetTypeEnum.DialogSheet, "a dialog"),
        (SheetTypeEnum.Vba, "macros"),
    )
    return [
        SheetInfo(
            name=found.name,
            hidden=found.visible != SheetVisibleEnum.Visible,
            left_out=next((what for kind, what in other if kind == found.typ), ""),
        )
        for found in workbook.sheets_metadata
    ]


def cells_of(
    workbook: Any, name: str, *, errors: Mapping[tuple[int, int], str], raw: RawFile
) -> tuple[list[list[Cell]], tuple[Merge, ...]]:
    """The cells of a sheet from A1 with its error cells, and its merged cells where the library knows them."""
    with refused(raw):
        sheet = workbook.get_sheet_by_name(name)
        rows: list[list[Cell]] = sheet.to_python(skip_empty_area=False)
        found = sheet.merged_cell_ranges or []
    for (row, column), text in errors.items():
        _put(rows, row, column, ErrorCell(text))
    merges = (
        Merge(first_row=first[0], first_column=first[1], last_row=last[0], last_column=last[1]) for first, last in found
    )
    return rows, tuple(merges)


def _put(rows: list[list[Cell]], row: int, column: int, cell: Cell) -> None:
    while len(rows) <= row:
        rows.append([])
    rows[row].extend([None] * (column + 1 - len(rows[row])))
    rows[row][column] = cell


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
