"""Workbooks: XLSX and XLSM by openpyxl, XLS by xlwt; XLSB and ODS by hand, since nothing writes them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import openpyxl
import xlwt

from tests.conformance.formats.adapters import Row, Sample

_MAIN = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_PLAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


_NAMES: Row = {"id": None, "name": None, "amount": None}


def grid(rows: Sequence[Row]) -> list[list[str | None]]:
    """Header and records."""
    return [list(rows[0]), *(list(row.values()) for row in rows if row is not _NAMES)]


def xlsx(rows: Sequence[Row]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("prices")
    for row in grid(rows):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsm(rows: Sequence[Row]) -> bytes:
    plain, out = zipfile.ZipFile(io.BytesIO(xlsx(rows))), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        # Excel writes the part that tells the kinds first.
        for info in sorted(plain.infolist(), key=lambda info: info.filename != "[Content_Types].xml"):
            package.writestr(info.filename, plain.read(info).replace(_PLAIN.encode(), _MACROS.encode()))
        package.writestr("xl/vbaProject.bin", b"macros")
    return out.getvalue()


def xls(rows: Sequence[Row]) -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("prices")
    for at, row in enumerate(grid(rows)):
        for column, text in enumerate(row):
            if text is not None:
                sheet.write(at, column, text)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsb(rows: Sequence[Row]) -> bytes:
    """The few records that a reader needs ([MS-XLSB]): texts stand in their cells."""
    content = [_record(129), _record(148, struct.pack("<IIII", 0, len(rows), 0, len(rows[0]) - 1)), _record(145)]
    for at, row in enumerate(grid(rows)):
        content.append(_record(0, struct.pack("<I", at) + bytes(21)))
        content += [
            _record(6, struct.pack("<II", column, 0) + _wide(text))
            for column, text in enumerate(row)
            if text is not None
        ]
    return xlsb_package(b"".join([*content, _record(146), _record(130)]))


def xlsb_package(sheet: bytes) -> bytes:
    """A workbook of one sheet, `prices`, of these records."""
    bundled = struct.pack("<II", 0, 1) + _wide("rId1") + _wide("prices")
    book = b"".join([_record(131), _record(143), _record(156, bundled), _record(144), _record(132)])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        kind = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
        package.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="bin" ContentType="{kind}"/></Types>',
        )
        package.writestr("_rels/.rels", _relations(f"{_MAIN}/officeDocument", "xl/workbook.bin"))
        package.writestr("xl/workbook.bin", book)
        package.writestr("xl/_rels/workbook.bin.rels", _relations(f"{_MAIN}/worksheet", "worksheets/sheet1.bin"))
        package.writestr("xl/worksheets/sheet1.bin", sheet)
    return out.getvalue()


def _relations(kind: str, target: str) -> str:
    relation = f'<Relationship Id="rId1" Type="{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{relation}</Relationships>'


def _record(kind: int, content: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = len(content)
    length = bytearray()
    while True:
        length.append(size & 0x7F | (0x80 if size > 0x7F else 0))
        size >>= 7
        if not size:
            return head + bytes(length) + content


def _wide(text: str) -> bytes:
    encoded = text.encode("utf-16-le")
    return struct.pack("<I", len(encoded) // 2) + encoded


def ods(rows: Sequence[Row]) -> bytes:
    lines = ("".join(map(_ods_cell, row)) for row in grid(rows))
    return ods_package("".join(f"<table:table-row>{line}</table:table-row>" for line in lines))


def ods_package(table_rows: str, *, name: str = "prices") -> bytes:
    """A spreadsheet of one sheet with these rows."""
    spaces = "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "table", "text", "style")
    )
    calc = ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    body = f'<office:spreadsheet><table:table table:name="{name}">{table_rows}</table:table></office:spreadsheet>'
    content = f"<office:document-content{spaces}{calc}><office:body>{body}</office:body></office:document-content>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        media = zipfile.ZipInfo("mimetype")
        package.writestr(media, "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        package.writestr("content.xml", content)
    return out.getvalue()


def _ods_cell(text: str | None) -> str:
    if text is None:
        return "<table:table-cell/>"
    paragraphs = "".join(f"<text:p>{_spelled(line)}</text:p>" for line in text.split("\n"))
    return f'<table:table-cell office:value-type="string">{paragraphs}</table:table-cell>'


def _spelled(line: str) -> str:
    """Blanks at the ends are spelled out, since the format takes them for layout."""
    inner = line.strip(" ")
    before, after = line.index(inner), len(line) - line.index(inner) - len(inner)
    return "<text:s/>" * before + escape(inner) + "<text:s/>" * after


def _sample(write: Callable[[Sequence[Row]], bytes], suffix: str) -> Sample:
    return Sample(write=write, suffix=suffix, of_no_records=write([_NAMES]), cut_is_refused=True)


SAMPLES = {
    "ods": _sample(ods, ".ods"),
    "xls": _sample(xls, ".xls"),
    "xlsb": _sample(xlsb, ".xlsb"),
    "xlsm": _sample(xlsm, ".xlsm"),
    "xlsx": _sample(xlsx, ".xlsx"),
}
