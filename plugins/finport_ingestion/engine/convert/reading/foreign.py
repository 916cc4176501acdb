"""Bytes that are plainly something else than the text that is expected: said by name, before a parser is confused."""

from __future__ import annotations

import re

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import FormatError

_SIGNATURES = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive (or an Office document)"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\xfd7zXZ\x00", "xz-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (b"%PDF-", "a PDF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
)
_HTML = re.compile(rb"\s*(?:<!--.{0,4096}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_XML = re.compile(rb"\s*<\?xml\b", re.IGNORECASE)
_HTML_HINT = "the source answered with a web page: look at it for a login or an error, and check the address"


def is_html(head: bytes) -> bool:
    return _HTML.match(head) is not None


def refuse_foreign(head: bytes, *, raw: RawFile, expected: str) -> None:
    """Raise FormatError where `head`, the first bytes of `raw`, is known to be something else than `expected`."""
    if is_html(head):
        raise FormatError(f"{raw.uri}: an HTML page, not {expected}.", offset_bytes=0, hint=_HTML_HINT)
    found = next((what for signature, what in _SIGNATURES if head.startswith(signature)), None)
    if found is None and _XML.match(head):
        found = "XML"
    if found is None and _is_binary(head):
        found = "binary"
    if found:
        raise FormatError(
            f"{raw.uri}: {found}, not {expected}.",
            offset_bytes=0,
            hint="state the right 'format' in the Source or Format document",
        )


def _is_binary(head: bytes) -> bool:
    # A stray NUL costs its record; text full of control bytes is no text.
    sample = head[:4096]
    control = sum(sample.count(byte) for byte in (0, 1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17, 18))
    return control * 10 > len(sample) > 16
