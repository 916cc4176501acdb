"""What the first bytes of a workbook show of its kind."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from finport_ingestion.engine.convert.interface import Head, Likeness
from finport_ingestion.engine.convert.reading.ole_streams import SIGNATURE

_LOCAL = b"PK\x03\x04"
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_WORKBOOKS = (b"\x00W\x00o\x00r\x00k\x00b\x00o\x00o\x00k"[1:], b"\x00B\x00o\x00o\x00k"[1:])
_FIRST_RECORDS = (b"\x09\x08\x10\x00\x00\x06", b"\x09\x08\x08\x00\x00\x05", b"\x09\x08\x10\x00\x00\x05")
_OTHER_OFFICE = ("word/", "ppt/", "visio/")


def likeness_of(head: Head, kind: str) -> Likeness | None:
    """How much `head` looks like a workbook of `kind`: xlsx, xlsm, xlsb, xls or ods."""
    if head.content.startswith(_LOCAL):
        return _of_zip(head, kind)
    if head.content.startswith(SIGNATURE):
        return _of_ole(head, kind)
    return None


def _of_zip(head: Head, kind: str) -> Likeness | None:
    if head.content[30:].startswith(b"mimetype" + _ODS):
        return Likeness(1.0, "a zip package whose media type is an OpenDocument spreadsheet") if kind == "ods" else None
    members = list(_members(head.content))
    names = [name for name, _ in members]
    types = next((content for name, content in members if name == "[Content_Types].xml"), b"")
    spreadsheet = b"spreadsheetml" in types or b"ms-excel" in types
    if any(name.startswith(_OTHER_OFFICE) for name in names):
        return None
    if not spreadsheet and not any(name.startswith("xl/") for name in names):
        package = any(name in ("[Content_Types].xml", "_rels/.rels") for name in names)
        named = head.name.lower().endswith(f".{kind}")
        return Likeness(0.7, "an Office package that is named so") if package and named else None
    return Likeness(0.98, "an Office package of a spreadsheet") if _kind(names, types, head.name) == kind else None


def _kind(names: list[str], types: bytes, name: str) -> str:
    if b"sheet.binary" in types or any(part.startswith("xl/") and _is_binary_part(part) for part in names):
        return "xlsb"
    if b"macroEnabled" in types or "xl/vbaProject.bin" in names:
        return "xlsm"
    if types or (any(part == "xl/workbook.xml" for part in names) and not name.lower().endswith(".xlsm")):
        return "xlsx"
    suffix = name.lower().rpartition(".")[2]
    return suffix if suffix in ("xlsm", "xlsb") else "xlsx"


def _is_binary_part(part: str) -> bool:
    return (
        part.endswith(".bin")
        and not part.endswith(("vbaProject.bin", "attachedToolbars.bin"))
        and (part.startswith(("xl/worksheets/sheet", "xl/workbook", "xl/sharedStrings", "xl/styles")))
    )


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The names of the parts that begin within `content`, and the text of the one that lists their types."""
    at = 0
    while (at := content.find(_LOCAL, at)) >= 0 and at + 30 <= len(content):
        method, _, _, _, packed, _, length, extra = struct.unpack_from("<HHHIIIHH", content, at + 8)
        name = content[at + 30 : at + 30 + length].decode("utf-8", "replace")
        start = at + 30 + length + extra
        inner = content[start : start + packed] if packed else content[start:]
        yield name, _inflated(inner, method) if name == "[Content_Types].xml" else b""
        at += 30


def _inflated(content: bytes, method: int) -> bytes:
    """As much as is there."""
    if method == 0:
        return content
    try:
        return zlib.decompressobj(-15).decompress(content, 1 << 20)
    except zlib.error:
        return b""


def _of_ole(head: Head, kind: str) -> Likeness | None:
    encrypted = "EncryptedPackage".encode("utf-16-le") in head.content
    if encrypted:
        suffix = head.name.lower().rpartition(".")[2]
        meant = suffix if suffix in ("xlsm", "xlsb") else "xlsx"
        return Likeness(0.95, "an Office package that is encrypted with a password") if kind == meant else None
    if kind != "xls" or "WordDocument".encode("utf-16-le") in head.content:
        return None
    if head.content[512:518] in _FIRST_RECORDS or any(name in head.content for name in _WORKBOOKS):
        return Likeness(0.97, "an OLE container with a workbook")
    return Likeness(0.6, "an OLE container, as old Office documents are")
