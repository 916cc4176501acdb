"""Error cells of the binary workbooks, which no library shows: records of XLS ([MS-XLS]) and XLSB ([MS-XLSB])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.reading.sheet_grid import ERROR_TEXTS, Merge

_BOF, _EOF, _SHEET, _FORMULA, _ERROR, _FILEPASS = 0x0809, 0x000A, 0x0085, 0x0006, 0x0205, 0x002F
_TEXTS, _DIMENSIONS = 0x00FC, 0x0200
_CELLS = frozenset([_FORMULA, _ERROR, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x027E])
_MOST_ROWS, _MOST_COLUMNS = 65_536, 256
_XLSB_ROW, _XLSB_ERROR, _XLSB_FORMULA_ERROR = 0, 3, 11
_XLSB_CELLS, _XLSB_MERGE = range(1, 12), 176


def xls_is_encrypted(stream: bytes) -> bool:
    """Whether the workbook stream says that what follows is encrypted."""
    for kind, _, _ in _records(stream, 0):
        if kind == _FILEPASS:
            return True
        if kind == _EOF:
            break
    return False


def xls_errors(stream: bytes) -> list[dict[tuple[int, int], str]]:
    """The text of each error cell by row and column, for each sheet in the workbook's order.

    Raises:
        ValueError: A record states sizes that no workbook has: a library would ask for memory for them.
    """
    starts = []
    for kind, at, size in _records(stream, 0):
        if kind == _TEXTS and size >= 8 and struct.unpack_from("<I", stream, at + 4)[0] > len(stream):
            raise ValueError(f"record at byte {at} states more texts than there are bytes")
        if kind == _SHEET and size >= 4:
            starts.append(struct.unpack_from("<I", stream, at)[0])
        if kind == _EOF:
            break
    return [_sheet_errors(stream, start) for start in starts]


def _sheet_errors(stream: bytes, start: int) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    depth = 0
    for kind, at, size in _records(stream, start):
        depth += (kind == _BOF) - (kind == _EOF)
        if depth <= 0:
            break
        if kind == _DIMENSIONS or kind in _CELLS:
            _check_size(stream, kind, at, size)
        if depth > 1 or kind not in (_ERROR, _FORMULA):
            continue
        code = _error_code(stream, kind, at, size)
        if code is not None:
            row, column = struct.unpack_from("<HH", stream, at)
            found[row, column] = ERROR_TEXTS.get(code, "#ERROR")
    return found


def _check_size(stream: bytes, kind: int, at: int, size: int) -> None:
    if kind == _DIMENSIONS and size >= 10:
        wide = size >= 14
        top, bottom, left, right = struct.unpack_from("<IIHH" if wide else "<HHHH", stream, at)
        fits = top <= bottom <= _MOST_ROWS and left <= right <= _MOST_COLUMNS
    else:
        fits = size < 4 or struct.unpack_from("<H", stream, at + 2)[0] < _MOST_COLUMNS
    if not fits:
        raise ValueError(f"record at byte {at} lies outside of every sheet")


def _error_code(stream: bytes, kind: int, at: int, size: int) -> int | None:
    if kind == _ERROR and size >= 8:
        return stream[at + 6] if stream[at + 7] else None
    # The result of a formula: a number, or 0xFFFF and what else it is (2: an error).
    if kind == _FORMULA and size >= 14 and stream[at + 12 : at + 14] == b"\xff\xff" and stream[at + 6] == 2:
        return stream[at + 8]
    return None


def _records(stream: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of each record from `start`."""
    at, end = start, len(stream) - 3
    unpack = struct.Struct("<HH").unpack_from
    while 0 <= at < end:
        kind, size = unpack(stream, at)
        yield kind, at + 4, size
        at += 4 + size


@dataclass(slots=True)
class XlsbCells:
    """What the records of a sheet part tell."""

    errors: dict[tuple[int, int], str] = field(default_factory=dict)  # the text, by row and column from 0
    merges: list[Merge] = field(default_factory=list)
    height: int = 0  # rows and columns that the cells reach
    width: int = 0


def xlsb_cells(part: bytes) -> XlsbCells:
    """Error cells and merged ones of a sheet part, and how far its cells reach.

    Raises:
        ValueError: The records do not fill the part.
    """
    found = XlsbCells()
    row = 0
    at, end = 0, len(part)
    while at < end:
        kind, size, at = xlsb_record(part, at)
        if at + size > end:
            raise ValueError(f"record {kind} at byte {at} is longer than the part")
        if kind == _XLSB_ROW and size >= 4:
            row = int.from_bytes(part[at : at + 4], "little")
        elif kind in _XLSB_CELLS and size >= 8:
            _take_cell(part, kind, at, size, row, found)
        elif kind == _XLSB_MERGE and size >= 16:
            top, bottom, left, right = struct.unpack_from("<IIII", part, at)
            found.merges.append(Merge(first_row=top, first_column=left, last_row=bottom, last_column=right))
        at += size
    return found


def _take_cell(part: bytes, kind: int, at: int, size: int, row: int, found: XlsbCells) -> None:
    column = int.from_bytes(part[at : at + 4], "little")
    found.height, found.width = max(found.height, row + 1), max(found.width, column + 1)
    if kind in (_XLSB_ERROR, _XLSB_FORMULA_ERROR) and size >= 9:
        found.errors[row, column] = ERROR_TEXTS.get(part[at + 8], "#ERROR")


def xlsb_record(part: bytes, at: int) -> tuple[int, int, int]:
    """Kind and size of the record at `at`, and where its content begins; both are written seven bits a byte."""
    try:
        kind = part[at]
        at += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (part[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while True:
            byte = part[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                return kind, size, at
    except IndexError as error:
        raise ValueError(f"the part ends within a record at byte {at}") from error
