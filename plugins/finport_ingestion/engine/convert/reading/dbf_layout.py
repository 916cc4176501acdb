"""The header of a dBASE table: its fields, where records begin, which code page it states.

dBASE III to 7, FoxPro and Visual FoxPro (dBASE's and Microsoft's file structure descriptions). Texts of memo fields lie
in another file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import FormatError

VERSIONS = {
    0x03: "dBASE III",
    0x04: "dBASE 7",
    0x05: "dBASE 5",
    0x30: "Visual FoxPro",
    0x31: "Visual FoxPro",
    0x32: "Visual FoxPro",
    0x43: "dBASE IV with SQL",
    0x63: "dBASE IV with SQL",
    0x83: "dBASE III with memo",
    0x8B: "dBASE IV with memo",
    0x8C: "dBASE 7 with memo",
    0x8E: "dBASE IV with SQL",
    0xCB: "dBASE IV with SQL and memo",
    0xF5: "FoxPro with memo",
    0xFB: "FoxBASE with memo",
}
_SEVENS = (0x04, 0x8C)
_FOXPRO = (0x30, 0x31, 0x32)
# Visual FoxPro keeps doubles in B, elsewhere a memo of bytes; integers of dBASE 7 are written like its counters.
_MEANT = {**{("B", version): "O" for version in _FOXPRO}, **{("I", version): "+" for version in _SEVENS}}
_UNCLEAR = {(kind, version) for kind in "O@" for version in _SEVENS}  # descriptions contradict each other
_TYPES = frozenset("CNFDLMGPBTYIO@+VQW0")
_WIDTHS = {"D": 8, "L": 1, "I": 4, "T": 8, "Y": 8, "@": 8, "+": 4, "O": 8}
_NULLABLE = 2  # a flag of a field
_HEADER_BYTES = 32
_END = b"\r"
_CODE_PAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x04: "mac_roman", 0x08: "cp865", 0x09: "cp437", 0x0A: "cp850",
    0x0B: "cp437", 0x0D: "cp437", 0x0E: "cp850", 0x0F: "cp437", 0x10: "cp850", 0x11: "cp437", 0x12: "cp850",
    0x13: "cp932", 0x14: "cp850", 0x15: "cp437", 0x16: "cp850", 0x17: "cp865", 0x18: "cp437", 0x19: "cp437",
    0x1A: "cp850", 0x1B: "cp437", 0x1C: "cp863", 0x1D: "cp850", 0x1F: "cp852", 0x22: "cp852", 0x23: "cp852",
    0x24: "cp860", 0x25: "cp850", 0x26: "cp866", 0x37: "cp850", 0x40: "cp852", 0x4D: "cp936", 0x4E: "cp949",
    0x4F: "cp950", 0x50: "cp874", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x64: "cp852", 0x65: "cp866",
    0x66: "cp865", 0x67: "cp861", 0x6A: "cp737", 0x6B: "cp857", 0x6C: "cp863", 0x78: "cp950", 0x79: "cp949",
    0x7A: "cp936", 0x7B: "cp932", 0x7C: "cp874", 0x7D: "cp1255", 0x7E: "cp1256", 0x86: "cp737", 0x87: "cp852",
    0x88: "cp857", 0x96: "mac_cyrillic", 0x97: "mac_latin2", 0x98: "mac_greek", 0xC8: "cp1250", 0xC9: "cp1251",
    0xCA: "cp1254", 0xCB: "cp1253", 0xCC: "cp1257",
}  # fmt: skip
_HINT = "ask for the file again: it may be cut, or damaged by a transfer as text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record."""

    name: str
    type: str  # a letter: C, N, D ...
    start: int  # in the record, behind the deletion mark
    width: int
    decimals: int
    null_bit: int = -1  # its bit in the field of null flags
    length_bit: int = -1  # whether it is shorter than its width, which its last byte then says

    @property
    def is_system(self) -> bool:
        return self.type == "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the header says."""

    product: str
    records: int
    start: int  # of the first record
    record_bytes: int
    fields: tuple[Field, ...]
    flags: Field | None  # of nulls
    encoding: str | None
    code_page: int  # as it is stated; 0 for none


def likely(content: bytes) -> bool:
    """Whether `content` begins as a table: version, date of change, lengths and the fields agree."""
    if len(content) < _HEADER_BYTES + 1 or content[0] not in VERSIONS:
        return False
    start, record = struct.unpack_from("<2H", content, 8)
    if not (1 <= content[2] <= 12 and 1 <= content[3] <= 31) and content[1:4] != b"\0\0\0":
        return False
    if start < _HEADER_BYTES + _HEADER_BYTES or record < 2:
        return False
    fields = _fields(content[:start], seven=content[0] in _SEVENS)
    widths = sum(width for _, _, width, _, _ in fields)
    cut = len(content) < start
    return bool(fields) and all(kind in _TYPES for _, kind, *_ in fields) and (cut or widths + 1 == record)


def read_layout(stream: IO[bytes], raw: RawFile) -> Layout:
    """The layout of `raw`, at whose beginning `stream` stands.

    Raises:
        FormatError: It is no dBASE table.
    """
    head = stream.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or head[0] not in VERSIONS:
        what = "is empty" if not head else "no dBASE table"
        raise FormatError(f"{raw.uri}: {what}.", offset_bytes=0, hint="state the right 'format', or ask for it again")
    records, start, record = struct.unpack_from("<I2H", head, 4)
    content = head + stream.read(max(0, start - _HEADER_BYTES))
    if len(content) < start or start < _HEADER_BYTES or head[15] == 1:
        what = "it is encrypted" if head[15] == 1 else "it ends in its header"
        raise FormatError(f"{raw.uri}: {what}.", offset_bytes=len(content), hint=_HINT)
    fields = _placed(_fields(content, seven=head[0] in _SEVENS), version=head[0], raw=raw)
    width = 1 + sum(field.width for field in fields)
    if width != record:
        raise FormatError(
            f"{raw.uri}: its fields have {width} bytes, and its records {record}.", offset_bytes=10, hint=_HINT
        )
    return Layout(
        product=VERSIONS[head[0]],
        records=records,
        start=start,
        record_bytes=record,
        fields=tuple(field for field in fields if not field.is_system),
        flags=next((field for field in fields if field.is_system), None),
        encoding=_CODE_PAGES.get(head[29]),
        code_page=head[29],
    )


def _fields(content: bytes, *, seven: bool) -> list[tuple[bytes, str, int, int, int]]:
    """Name, type, width, decimals and flags of each field."""
    at, size = (68, 48) if seven else (_HEADER_BYTES, 32)
    found = []
    while at + size <= len(content) and content[at : at + 1] != _END:
        if seven:
            name, kind, width, decimals = struct.unpack_from("<32scBB", content, at)
            flags = 0
        else:
            name, kind, width, decimals, flags = struct.unpack_from("<11sc4xBBB", content, at)
        letter = kind.decode("latin-1")
        if letter == "C" and not seven:  # Clipper and FoxPro keep the length of long texts in both bytes
            width, decimals = width + 256 * decimals, 0
        found.append((name.partition(b"\0")[0], letter, width, decimals, flags))
        at += size
    return found


def _placed(found: Sequence[tuple[bytes, str, int, int, int]], *, version: int, raw: RawFile) -> list[Field]:
    fields: list[Field] = []
    start, bit = 1, 0
    for raw_name, kind, width, decimals, flags in found:
        name = _text(raw_name)
        if kind not in _TYPES or width == 0 or _WIDTHS.get(kind, width) != width or (kind, version) in _UNCLEAR:
            what = f"field '{name}' is of type {kind!r} and {width} bytes, which is not known of {VERSIONS[version]}"
            raise FormatError(f"{raw.uri}: {what}.", offset_bytes=_HEADER_BYTES, hint=_HINT)
        length_bit, bit = (bit, bit + 1) if kind in "VQ" else (-1, bit)
        nullable = version in _FOXPRO and flags & _NULLABLE
        null_bit, bit = (bit, bit + 1) if nullable else (-1, bit)
        fields.append(
            Field(
                name=name,
                type=_MEANT.get((kind, version), kind),
                start=start,
                width=width,
                decimals=decimals,
                null_bit=null_bit,
                length_bit=length_bit,
            )
        )
        start += width
    if not fields:
        raise FormatError(f"{raw.uri}: it has no fields.", offset_bytes=_HEADER_BYTES, hint=_HINT)
    return fields


def _text(content: bytes) -> str:
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").strip()
