"""Workbooks of every kind as typed tables, one a sheet. The bytes say which kind it is, not the name."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading import ole_streams
from finport_ingestion.engine.convert.reading.ods_cells import read_ods
from finport_ingestion.engine.convert.reading.office_zip import Package, most_cells, open_package
from finport_ingestion.engine.convert.reading.sheet_grid import SheetInfo
from finport_ingestion.engine.convert.reading.sheet_layout import Wanted
from finport_ingestion.engine.convert.reading.sheet_table import SheetTable, table_of
from finport_ingestion.engine.errors import FormatError

_ROWS = 65_536
_SAMPLE_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the document says of a workbook."""

    wanted: Wanted
    sheet: str | int | None = None  # its name, or its number from 1


class Book(Protocol):
    """An open workbook."""

    @property
    def sheets(self) -> Sequence[SheetInfo]: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def table(self, at: int, wanted: Wanted) -> SheetTable:
        """The table of a sheet."""
        ...


def read_workbook(raw: RawFile, choice: Choice) -> Iterator[Batch]:
    """Every record of every sheet, in order.

    Raises:
        FormatError: It is no workbook, is damaged, encrypted, or larger than the limits; or has no such sheet.
    """
    with raw.local() as path, _opened(path, raw) as book:
        chosen = _chosen(book.sheets, choice.sheet, raw)
        notes = [*book.notes, *_left_out(book.sheets, chosen)]
        empty: list[SheetTable] = []
        given: SheetTable | None = None
        for at in chosen:
            table = book.table(at, choice.wanted)
            if not table.columns.num_columns:
                empty.append(table)
                continue
            yield from _batches(table, size_bytes=raw.size_bytes // len(chosen), notes=tuple(notes))
            given, notes = table, []
        if given is None:
            given = empty.pop(0)
            yield from _batches(given, size_bytes=raw.size_bytes, notes=tuple(notes))
        if empty:
            said = ", ".join(f"'{table.name}'" for table in empty)
            yield from _last_words(given, (f"sheets without any cell are left out: {said}",))


def sample_workbook(raw: RawFile, choice: Choice, *, size_bytes: int) -> Iterator[Batch]:
    """The first, middle and last records of each sheet; the workbook is read whole."""
    by_table: dict[str, list[Batch]] = {}
    for batch in read_workbook(raw, choice):
        by_table.setdefault(batch.table, []).append(batch)
    for batches in by_table.values():
        third = max(_SAMPLE_ROWS // 3, 1)
        yield batches[0] if batches[0].columns.num_rows <= _SAMPLE_ROWS else _sliced(batches[0], 0, third)
        if len(batches) > 1:
            yield _sliced(batches[len(batches) // 2], 0, third)
            yield _sliced(batches[-1], -third, third)


def _sliced(batch: Batch, start: int, length: int) -> Batch:
    at = max(batch.columns.num_rows + start, 0) if start < 0 else start
    return dataclasses.replace(batch, columns=batch.columns.slice(at, length), rows=batch.rows.slice(at, length))


def _batches(table: SheetTable, *, size_bytes: int, notes: tuple[str, ...]) -> Iterator[Batch]:
    count = table.columns.num_rows
    for start in range(0, max(count, 1), _ROWS):
        part = table.columns.slice(start, _ROWS)
        first = start == 0
        yield Batch(
            table=table.name,
            columns=part,
            rows=pa.array(np.arange(start + 1, start + part.num_rows + 1)),
            originals=table.originals,
            size_bytes=size_bytes * part.num_rows // max(count, 1),
            notes=(*notes, *table.notes) if first else (),
            warnings=table.warnings if first else (),
            facts=table.facts if first else {},
        )


def _last_words(table: SheetTable, notes: tuple[str, ...]) -> Iterator[Batch]:
    nothing = table.columns.slice(0, 0)
    yield Batch(table=table.name, columns=nothing, rows=pa.array([], pa.int64()), notes=notes)


def _chosen(sheets: Sequence[SheetInfo], sheet: str | int | None, raw: RawFile) -> list[int]:
    if sheet is None:
        found = [at for at, info in enumerate(sheets) if not info.left_out]
    elif isinstance(sheet, int):
        found = [sheet - 1] if 0 < sheet <= len(sheets) else []
    else:
        found = [at for at, info in enumerate(sheets) if info.name == sheet]
    if not found:
        names = ", ".join(f"'{info.name}'" for info in sheets[:20])
        which = "has no worksheet" if sheet is None else f"has no sheet {sheet!r}; its sheets are {names}"
        raise FormatError(f"{raw.uri}: the workbook {which}.", hint="state the sheet's name or number in 'sheet'")
    return found


def _left_out(sheets: Sequence[SheetInfo], chosen: Sequence[int]) -> list[str]:
    return [
        f"sheet '{info.name}' holds {info.left_out} and is left out"
        for at, info in enumerate(sheets)
        if info.left_out and at not in chosen
    ]


@contextlib.contextmanager
def _opened(path: Path, raw: RawFile) -> Iterator[Book]:
    """The workbook at `path`, by its first bytes."""
    raw.refuse_if_larger_than_memory()
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise FormatError(f"{raw.uri}: is empty.", offset_bytes=0, hint="ask for the file again")
    if head.startswith(ole_streams.SIGNATURE):
        from finport_ingestion.engine.convert.reading.xls_book import XlsBook

        yield XlsBook(path.read_bytes(), raw)
    elif head.startswith(b"PK"):
        with open_package(path, raw) as package:
            yield _of_package(package, path, raw)
    else:
        raise FormatError(
            f"{raw.uri}: no workbook: it begins neither as a zip package nor as an old Office document.",
            offset_bytes=0,
            hint="state the right 'format'; a web page or text that is named like a workbook is read as what it is",
        )


def _of_package(package: Package, path: Path, raw: RawFile) -> Book:
    if package.has("content.xml"):
        return _OdsBook(package, raw)
    from finport_ingestion.engine.convert.reading.ooxml_book import OoxmlBook

    return OoxmlBook(package, path, raw)


class _OdsBook:
    """An OpenDocument spreadsheet; its sheets are read at once."""

    notes: tuple[str, ...] = ()

    def __init__(self, package: Package, raw: RawFile) -> None:
        self._sheets = list(read_ods(package, most_cells=most_cells(raw.limits)))
        self.sheets = [SheetInfo(name=sheet.name, hidden=sheet.hidden) for sheet in self._sheets]

    def table(self, at: int, wanted: Wanted) -> SheetTable:
        return table_of(self._sheets[at], wanted=wanted)
