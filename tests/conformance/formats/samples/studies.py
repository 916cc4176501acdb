"""SAS data sets and SPSS portable files: nothing that we have writes any table into them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pandas as pd
import pyreadstat

from tests.conformance.formats.adapters import Message
from tests.conformance.formats.samples.statistical import written

_SAS_MAGIC = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
_PAGE_BYTES = 4096
_PAGE_HEAD = 24
_OF_METADATA, _OF_ROWS = 0, 0x100
_TEXTS = b"IDTOWNAMT"
_TEXTS_AT = 16
_COLUMNS = ((0, 2, 0, 4, 2), (2, 4, 4, 12, 2), (6, 3, 16, 8, 1))
"""Of each: where its name begins in the texts, its length; where it stands in a row, its width, its type."""
_ROW = struct.Struct("<4s12sd")


def _sas(*rows: tuple[bytes, bytes, float]) -> bytes:
    """A data set as machines of 32 bits write it: a header, a page of metadata, a page of rows."""
    subheaders = [_sizes(len(rows)), struct.pack("<III", 0xF6F6F6F6, len(_COLUMNS), 0), *_columns()]
    metadata = _page(_OF_METADATA, blocks=len(subheaders), subheaders=subheaders)
    values = b"".join(_ROW.pack(*row) for row in rows)
    return _header(pages=2) + metadata + _page(_OF_ROWS, blocks=len(rows), rows=values)


def _header(*, pages: int) -> bytes:
    machine = bytes([0x22, 0x22, 0, 0x32, 0x22, 1, 2, 0x31]) + bytes(30) + bytes([20]) + bytes(13)
    named = b"SAS FILE" + b"TOWNS".ljust(32) + bytes(32) + b"DATA    "
    sizes = struct.pack("<dd16xIII8x", 2e9, 2e9, 1024, _PAGE_BYTES, pages)
    system = b"9.0401M6" + b"X64_SRV".ljust(16) + bytes(16) + b"Linux".ljust(16)
    return (_SAS_MAGIC + machine + named + sizes + system).ljust(1024, b"\0")


def _sizes(rows: int) -> bytes:
    found = bytearray(480)
    struct.pack_into("<I", found, 0, 0xF7F7F7F7)
    struct.pack_into("<II", found, 20, _ROW.size, rows)
    struct.pack_into("<I", found, 52, _PAGE_BYTES)
    return bytes(found)


def _columns() -> list[bytes]:
    names = [struct.pack("<HHHxx", 0, _TEXTS_AT + at, length) for at, length, *_ in _COLUMNS]
    attributes = [struct.pack("<IIHBx", at, width, 4, kind) for *_, at, width, kind in _COLUMNS]
    return [
        _counted(0xFFFFFFFD, bytes(_TEXTS_AT - 8) + _TEXTS.ljust(12)),
        _counted(0xFFFFFFFF, b"".join(names) + bytes(8)),
        _counted(0xFFFFFFFC, b"".join(attributes) + bytes(8)),
        *[struct.pack("<I48x", 0xFFFFFBFE)] * len(_COLUMNS),
    ]


def _counted(signature: int, content: bytes) -> bytes:
    """A subheader that says how long it is."""
    return struct.pack("<IH6x", signature, len(content)) + content


def _page(kind: int, *, blocks: int, subheaders: Sequence[bytes] = (), rows: bytes = b"") -> bytes:
    """Subheaders stand at the end, in reverse; rows behind the head."""
    pointers, at = b"", _PAGE_BYTES
    for subheader in subheaders:
        at -= len(subheader)
        pointers += struct.pack("<IIBBxx", at, len(subheader), 0, 0)
    head = bytes(_PAGE_HEAD - 8) + struct.pack("<HHHxx", kind, blocks, len(subheaders))
    return (head + pointers + rows).ljust(at, b"\0") + b"".join(reversed(subheaders))


_FRAME = pd.DataFrame({"ID": ["0001", "0002"], "TOWN": ["Bern", ""], "AMT": [1.25, None]})

SAMPLES = {
    "sas": Message(
        content=_sas((b"0001", b"Bern".ljust(12), 1.25), (b"0002", b"Basel".ljust(12), -0.5)),
        suffix=".sas7bdat",
        rows={"": 2},
        of_no_records=_sas(),
        empty_is_valid=False,
        cut_is_refused=True,
    ),
    "spss_portable": Message(
        content=written(lambda path: pyreadstat.write_por(_FRAME, path), ".por"),
        suffix=".por",
        rows={"": 2},
        of_no_records=written(lambda path: pyreadstat.write_por(_FRAME.iloc[:0], path), ".por"),
        empty_is_valid=False,
        cut_is_refused=True,
    ),
}
