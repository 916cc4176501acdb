"""Large XLSX sheets by fastexcel, which makes Arrow columns without a Python object a cell.

A column has one kind of cell, proved over every row, or the sheet is read cell by cell instead: numbers, dates and
booleans by the library's strict types, texts by the looks of their values. What the library does not show (errors,
times of day, durations) sends the sheet there too. The header is told from a small workbook of the sheet's first rows.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.calamine_cells import refused
from finport_ingestion.engine.convert.reading.office_zip import Package
from finport_ingestion.engine.convert.reading.sheet_columns import Place, Typed, typed_moments, typed_numbers
from finport_ingestion.engine.convert.reading.sheet_grid import Cell, Row, Sheet, is_text
from finport_ingestion.engine.convert.reading.sheet_head import head_rows
from finport_ingestion.engine.convert.reading.sheet_layout import TAIL, Layout, Wanted, head_layout, with_footer
from finport_ingestion.engine.convert.reading.sheet_table import SheetTable, assembled, named_columns
from finport_ingestion.engine.convert.reading.xlsx_faults import faults_of, merges_of

WORTH_BYTES = 8 << 20  # of a sheet's XML, below which reading it cell by cell is as fast
_FIRST_DAY = pa.scalar(-25_567 * 86_400_000, pa.timestamp("ms"))  # 1900-01-01: what is before it is a time of day
_BEHIND = pa.scalar(2_932_897 * 86_400_000, pa.timestamp("ms"))  # 10000-01-01: what is not before it is a number
# How the library spells a number, a boolean and a moment that it is asked to give as text.
_SPELLED = (
    r"^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?|true|false"
    r"|[0-9]{4,5}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)?)$"
)
_FIRST_BYTES = np.isin(np.arange(256), list(b"-0123456789tf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeSheet:
    """A sheet that is worth the fast way."""

    name: str
    number: int  # in the workbook, from 0
    part: str  # its name in the package
    hidden: bool


@dataclass(slots=True)
class _Loaded:
    """What the library gave of the rows below the header."""

    columns: dict[int, pa.Array] = field(default_factory=dict)  # by place in the sheet, from 0
    height: int = 0


def read_fast(sheet: LargeSheet, *, path: Path, package: Package, raw: RawFile, wanted: Wanted) -> SheetTable | None:
    """The table of the sheet; None where its cells have to be looked at one by one."""
    head = head_rows(package, part=sheet.part, name=sheet.name, raw=raw)
    if head is None:
        return None
    layout = head_layout(head, height=len(head), sheet=sheet.name, wanted=wanted)
    if layout.first >= len(head):
        return None
    loaded = _load(sheet, layout.first, _texts(head[layout.first :]), path, raw)
    if loaded is None:
        return None
    # An error, a formula without a result and a merged cell are null here; where nothing is null there are none.
    xml = package.read(sheet.part) if any(values.null_count for values in loaded.columns.values()) else b""
    faults = faults_of(xml, sheet=sheet.name)
    if faults.errors:
        return None
    layout = _with_footer(layout, loaded, sheet, wanted)
    shown = Sheet(name=sheet.name, rows=(), hidden=sheet.hidden, merges=tuple(merges_of(xml)), warnings=faults.warnings)
    return _table(shown, layout, loaded)


def _with_footer(layout: Layout, loaded: _Loaded, sheet: LargeSheet, wanted: Wanted) -> Layout:
    layout = dataclasses.replace(layout, end=layout.first + loaded.height)
    typed = frozenset(place for place, values in loaded.columns.items() if not pa.types.is_string(values.type))
    start = max(layout.first, layout.end - TAIL)
    cells = {place: values.slice(start - layout.first).to_pylist() for place, values in loaded.columns.items()}
    width = max(cells, default=-1) + 1
    nothing = [None] * (layout.end - start)
    rows: list[Row] = list(zip(*(cells.get(place, nothing) for place in range(width)), strict=True))
    return with_footer(layout, rows, start=start, columns=typed, sheet=sheet.name, wanted=wanted)


def _table(sheet: Sheet, layout: Layout, loaded: _Loaded) -> SheetTable | None:
    count = layout.end - layout.first
    kept = {place: _without_empty(values.slice(0, count)) for place, values in loaded.columns.items()}
    filled = {place: values for place, values in kept.items() if values.null_count < count}
    names = named_columns(layout.header, sorted(filled))
    typed = []
    for found in names:
        place = Place(sheet=sheet.name, first_row=layout.first, column=found.column)
        made = _typed(filled.get(found.column, pa.nulls(count)), found.name, place)
        if made is None:
            return None
        typed.append(made)
    return assembled(sheet, layout, names, typed)


def _without_empty(values: pa.Array) -> pa.Array:
    """An empty text, as formulas give it, is no value."""
    if not pa.types.is_string(values.type) or not pc.any(pc.equal(values, ""), min_count=0).as_py():
        return values
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _texts(rows: Sequence[Row]) -> frozenset[int]:
    """Columns that seem to hold nothing but texts, of which none could be a number's or a date's."""
    seen: dict[int, list[Cell]] = {}
    for row in rows:
        for column, cell in enumerate(row):
            if cell is not None and cell != "":
                seen.setdefault(column, []).append(cell)
    return frozenset(
        column
        for column, cells in seen.items()
        if all(map(is_text, cells)) and not _could_be_typed(pa.array(map(str, cells), pa.string()))
    )


def _load(sheet: LargeSheet, first: int, texts: frozenset[int], path: Path, raw: RawFile) -> _Loaded | None:
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of each empty column
    places: list[int] = []

    def take(column: Any) -> bool:
        places.append(column.absolute_index)
        return True

    try:
        with refused(raw):
            batch = fastexcel.read_excel(_source(path)).load_sheet(
                sheet.number,
                header_row=None,
                skip_rows=first,
                schema_sample_rows=None,
                dtype_coercion="strict",
                dtypes=dict.fromkeys(texts, "string"),
                use_columns=take,
                eager=True,
            )
    except fastexcel.FastExcelError:
        return None  # columns of several kinds; where it is damage, the other way says so
    columns = dict(zip(places, batch.columns, strict=True))
    if any(_could_be_typed(columns[place]) for place in texts & set(columns)):
        return None
    if any(_holds_no_moments(values) for values in columns.values() if pa.types.is_timestamp(values.type)):
        return None
    return _Loaded(columns, batch.num_rows)


def _holds_no_moments(values: pa.TimestampArray) -> bool:
    outside = pc.or_(pc.less(values, _FIRST_DAY), pc.greater_equal(values, _BEHIND))
    return bool(pc.any(outside, min_count=0).as_py())


def _source(path: Path) -> str | bytes:
    """The library believes a name, whatever the content is."""
    return str(path) if path.suffix.lower() in (".xlsx", ".xlsm") else path.read_bytes()


def _could_be_typed(values: pa.Array) -> bool:
    """Whether one of the texts is spelled as the library spells a number, a boolean or a moment."""
    values = values.drop_null()
    if not len(values):
        return False
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values)]
    content = np.frombuffer(values.buffers()[2], np.uint8)
    starts = _FIRST_BYTES[content[np.minimum(offsets, len(content) - 1)]]
    candidates = values.filter(pa.array(starts)) if starts.any() else values.slice(0, 0)
    return bool(pc.any(pc.match_substring_regex(candidates, _SPELLED), min_count=0).as_py())


def _typed(values: pa.Array, name: str, place: Place) -> Typed | None:
    kind = values.type
    if pa.types.is_float64(kind):
        return typed_numbers(values, name=name, place=place)
    if pa.types.is_timestamp(kind):
        return typed_moments(values.cast(pa.timestamp("us")), name=name, place=place)
    if pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return Typed(values)
    return None
