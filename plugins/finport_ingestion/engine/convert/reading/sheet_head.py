"""The first rows of a large XLSX sheet, without the rest: out of a small workbook that is made of its beginning."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.calamine_cells import cells_of, open_workbook
from finport_ingestion.engine.convert.reading.office_zip import Package
from finport_ingestion.engine.convert.reading.sheet_grid import Row
from finport_ingestion.engine.convert.reading.sheet_layout import HEAD
from finport_ingestion.engine.convert.reading.xlsx_faults import faults_of

_BEGINNING = 2 << 20  # bytes that hold so many rows, or the sheet is a strange one
_TEXTS = "xl/sharedStrings.xml"
_ROW = re.compile(rb"<row\b[^>]*?\br=\"([0-9]+)\"")
_SHARED = re.compile(rb"\bt=\"s\"[^>]*><v>([0-9]+)</v>")
_LEFT_OUT = re.compile(
    r"xl/(?:worksheets|media|drawings|charts|pivot|externalLinks|calcChain|vbaProject|comments|sharedS)"
)


def head_rows(package: Package, *, part: str, name: str, raw: RawFile) -> Sequence[Row] | None:
    """The first rows of a sheet; None where its XML is not as the usual programs write it."""
    xml = package.read_start(part, _BEGINNING)
    begin = xml.find(b"<sheetData>")
    end = next((found.start() for found in _ROW.finditer(xml, begin) if int(found[1]) > HEAD), -1)
    if begin < 0 or end < 0:
        return None
    xml = xml[:end] + b"</sheetData></worksheet>"
    if faults_of(xml, sheet=name).errors:
        return None
    book = open_workbook(small_package(package, part, xml), raw)
    rows, _ = cells_of(book, name, errors={}, raw=raw)
    return rows


def small_package(package: Package, part: str, xml: bytes) -> bytes:
    """A workbook of one sheet, whose part is `xml`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as small:
        for name in package.names:
            if not _LEFT_OUT.match(name):
                small.writestr(name, package.read(name))
        if package.has(_TEXTS):
            last = max(map(int, _SHARED.findall(xml)), default=-1)
            small.writestr(_TEXTS, _first_texts(package, last + 1))
        small.writestr(part, xml)
    return out.getvalue()


def _first_texts(package: Package, count: int) -> bytes:
    """The beginning of the table of texts, with at least `count` of them."""
    size = 1 << 18
    while True:
        content = package.read_start(_TEXTS, size)
        if len(content) < size:
            return content
        if content.count(b"</si>") >= count:
            return content[: content.rfind(b"</si>")] + b"</si></sst>"
        size *= 4
