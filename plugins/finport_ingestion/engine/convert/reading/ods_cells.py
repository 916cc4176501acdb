"""The sheets of an OpenDocument spreadsheet, cell by cell.

Read here, since the libraries repeat a cell as often as a file asks for and show errors as nothing.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.convert.reading.office_zip import Package, damaged, encrypted
from finport_ingestion.engine.convert.reading.sheet_grid import Cell, DurationCell, ErrorCell, Merge, Sheet, address

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_CALC_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_KEPT_BESIDE = (f"{_OFFICE}annotation", f"{_TABLE}shapes", f"{_TABLE}tracked-changes", f"{_TABLE}dde-links")
_CLOCK = re.compile(r"P(?:0D)?T(\d+)H(\d+)M(\d+)(?:[.,](\d+))?S")
_DURATION = re.compile(r"-?P(?=.)(?:\d+[YMD])*(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?)?")
_BLANKS = re.compile(r"[ \t\r\n]+")
_MOST_ROWS, _MOST_COLUMNS, _MOST_BLANKS = 1 << 21, 1 << 14, 1 << 15


@dataclass(slots=True)
class _Growing:
    """A sheet while it is read."""

    name: str
    hidden: bool
    rows: list[list[Cell]] = field(default_factory=list)
    blank: int = 0  # rows that are only rows if something follows
    cells: int = 0
    merges: list[Merge] = field(default_factory=list)


def read_ods(package: Package, *, most_cells: int) -> Iterator[Sheet]:
    """The sheets in order.

    Args:
        most_cells: The most cells that a sheet may have, repeated ones counted.

    Raises:
        FormatError: It is encrypted or damaged, or has more cells.
    """
    from lxml import etree

    if package.has("META-INF/manifest.xml") and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise encrypted(package.raw)
    content = io.BytesIO(package.read("content.xml"))
    tags = (f"{_TABLE}table", f"{_TABLE}table-row", f"{_STYLE}style", *_KEPT_BESIDE)
    events = etree.iterparse(
        content, events=("start", "end"), tag=tags, resolve_entities=False, no_network=True, huge_tree=True
    )
    try:
        yield from _sheets(events, package, most_cells)
    except etree.XMLSyntaxError as error:
        raise damaged(package.raw, f"its part 'content.xml' is no XML: {error.msg}") from error
    except (ValueError, OverflowError) as error:
        raise damaged(
            package.raw, f"its part 'content.xml' has a cell that is not as the format says: {error}"
        ) from error


def _sheets(events: Any, package: Package, most_cells: int) -> Iterator[Sheet]:
    hidden_styles: set[str] = set()
    sheet: _Growing | None = None
    depth = beside = 0
    for event, element in events:
        if element.tag in _KEPT_BESIDE:
            beside += 1 if event == "start" else -1
        elif element.tag == f"{_STYLE}style" and event == "end":
            hidden_styles |= _hidden_style(element)
        elif element.tag == f"{_TABLE}table" and not beside:
            depth += 1 if event == "start" else -1
            if event == "start" and depth == 1:
                name = element.get(f"{_TABLE}name", "")
                sheet = _Growing(name, element.get(f"{_TABLE}style-name") in hidden_styles)
            elif event == "end" and depth == 0 and sheet is not None:
                yield Sheet(name=sheet.name, rows=sheet.rows, hidden=sheet.hidden, merges=tuple(sheet.merges))
                element.clear()
        elif event == "end" and depth == 1 and sheet is not None and not beside:
            _take_row(element, sheet, package, most_cells)
            element.clear()


def _hidden_style(element: Any) -> set[str]:
    shown = [child.get(f"{_TABLE}display") for child in element]
    return {element.get(f"{_STYLE}name", "")} if "false" in shown else set()


def _take_row(element: Any, sheet: _Growing, package: Package, most_cells: int) -> None:
    times = _times(element, "rows")
    at = len(sheet.rows) + sheet.blank
    row = _row(element, at, sheet, package)
    if not row:
        sheet.blank += times
        return
    sheet.cells += len(row) * times
    height = at + times
    if height > _MOST_ROWS or sheet.cells > most_cells or height * len(row) > 4 * most_cells:
        raise damaged(
            package.raw,
            f"sheet '{sheet.name}' has more than {most_cells} cells or {_MOST_ROWS} rows, by repeating some",
        )
    sheet.rows.extend([[] for _ in range(sheet.blank)])
    sheet.blank = 0
    sheet.rows.extend([row] * times)


def _row(element: Any, at: int, sheet: _Growing, package: Package) -> list[Cell]:
    row: list[Cell] = []
    blank = 0
    for child in element.iterchildren(*_CELLS):
        times = _times(child, "columns")
        column = len(row) + blank
        if child.tag == _CELLS[0]:
            _note_merge(child, at, column, sheet)
        cell = _cell(child)  # a covered one too: it has kept what it held
        if cell is None or cell == "":
            blank += times
            continue
        if column + times > _MOST_COLUMNS:
            raise damaged(package.raw, f"sheet '{sheet.name}' cell {address(at, column)}: repeated {times} times")
        row.extend([None] * blank)
        blank = 0
        row.extend([cell] * times)
    return row


def _note_merge(element: Any, row: int, column: int, sheet: _Growing) -> None:
    high = int(element.get(f"{_TABLE}number-rows-spanned", "1"))
    wide = int(element.get(f"{_TABLE}number-columns-spanned", "1"))
    if high > 1 or wide > 1:
        sheet.merges.append(
            Merge(first_row=row, first_column=column, last_row=row + high - 1, last_column=column + wide - 1)
        )


def _times(element: Any, what: str) -> int:
    return max(int(element.get(f"{_TABLE}number-{what}-repeated", "1")), 1)


def _cell(element: Any) -> Cell:
    if element.get(_CALC_TYPE) == "error":
        return ErrorCell(_text(element) or "#ERROR")
    kind = element.get(f"{_OFFICE}value-type")
    if kind in ("float", "percentage", "currency"):
        return float(element.get(f"{_OFFICE}value", "nan"))
    if kind == "boolean":
        return bool(element.get(f"{_OFFICE}boolean-value") == "true")
    if kind == "date":
        return _moment(element.get(f"{_OFFICE}date-value", ""))
    if kind == "time":
        return _time(element.get(f"{_OFFICE}time-value", ""))
    stated = element.get(f"{_OFFICE}string-value") if kind is not None else None
    return str(stated) if stated is not None else _text(element)


def _moment(text: str) -> Cell:
    try:
        if "T" not in text:
            return dt.date.fromisoformat(text)
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return text  # years that Python does not have
    return text if found.tzinfo else found  # a sheet's moments have no zone


def _time(text: str) -> Cell:
    """A time of day; what is longer than a day, or below zero, is a duration, in the file's own words."""
    match = _CLOCK.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3]) > 59:
        return DurationCell(text) if _DURATION.fullmatch(text) else text
    micros = round(float(f"0.{match[4] or 0}") * 1_000_000)
    return dt.time(int(match[1]), int(match[2]), int(match[3]), min(micros, 999_999))


def _text(element: Any) -> str:
    return "\n".join("".join(_words(paragraph)).strip(" ").replace("\0", " ") for paragraph in _paragraphs(element))


def _paragraphs(element: Any) -> Iterator[Any]:
    """Those of lists and sections too; what stands in notes and drawings is not the cell's."""
    for child in element:
        if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
            yield child
        elif isinstance(child.tag, str) and child.tag.startswith(_TEXT):
            yield from _paragraphs(child)


def _words(element: Any) -> Iterator[str]:
    """The text of a paragraph: blanks are one, except those that the format spells out (kept apart as NUL)."""
    yield _BLANKS.sub(" ", element.text or "")
    for child in element:
        if child.tag == f"{_TEXT}s":
            yield "\0" * min(max(int(child.get(f"{_TEXT}c", "1")), 1), _MOST_BLANKS)
        elif child.tag == f"{_TEXT}tab":
            yield "\t"
        elif child.tag == f"{_TEXT}line-break":
            yield "\n"
        elif isinstance(child.tag, str) and child.tag != f"{_OFFICE}annotation":
            yield from _words(child)
        yield _BLANKS.sub(" ", child.tail or "")
