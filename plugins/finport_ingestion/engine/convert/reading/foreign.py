"""Bytes that are plainly something else than the text that is expected: said by name, before a parser is confused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO

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
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x9d", "packed by compress (.Z)"),
    (b"\x89PNG\r\n\x1a\n", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF87a", "an image (GIF)"),
    (b"GIF89a", "an image (GIF)"),
    (b"II*\x00", "an image (TIFF)"),
    (b"MM\x00*", "an image (TIFF)"),
    (b"{\\rtf", "a document (RTF)"),
    (b"\x7fELF", "a program"),
)
_SIGNATURE_BYTES = 16
_CONTROL = (*range(9), *range(14, 26), *range(28, 32))
_OFTEN_IN_TEXT = 19  # the separators of fields and records, and what printers take
_MANY_KINDS = 6
_HTML = re.compile(rb"\s*(?:<!--.{0,4096}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_XML = re.compile(rb"\s*<\?xml\b", re.IGNORECASE)
_JSON = re.compile(rb'\s*(?:\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})|\[\s*[\[{\]])')
_HTML_HINT = "the source answered with a web page: look at it for a login or an error, and check the address"


def is_html(head: bytes) -> bool:
    return _HTML.match(head) is not None


def refuse_signature(stream: IO[bytes], *, raw: RawFile, expected: str) -> None:
    """Raise FormatError where `stream`, which is left at its beginning, begins as no text does."""
    head = stream.read(_SIGNATURE_BYTES)
    stream.seek(0)
    found = next((what for signature, what in _SIGNATURES if head.startswith(signature)), None)
    if found:
        raise _other(found, raw=raw, expected=expected)


def refuse_foreign(head: bytes, *, raw: RawFile, expected: str) -> None:
    """Raise FormatError where `head`, the first text of `raw` as UTF-8, is something else than `expected`."""
    if is_html(head):
        raise FormatError(f"{raw.uri}: an HTML page, not {expected}.", offset_bytes=0, hint=_HTML_HINT)
    if _XML.match(head):
        raise _other("XML", raw=raw, expected=expected)
    if is_binary(head):
        raise _other("binary", raw=raw, expected=expected)


def refuse_json(head: bytes, *, raw: RawFile) -> None:
    """Raise FormatError where delimited text is expected and a JSON document begins: often an API's error message."""
    if _JSON.match(head):
        raise FormatError(
            f"{raw.uri}: JSON, not delimited text.",
            offset_bytes=0,
            hint="state 'format: json' or 'format: ndjson'; if the source answered with an error, look at what it says",
        )


def _other(found: str, *, raw: RawFile, expected: str) -> FormatError:
    return FormatError(
        f"{raw.uri}: {found}, not {expected}.",
        offset_bytes=0,
        hint="state the right 'format' in the Source or Format document",
    )


def is_binary(head: bytes) -> bool:
    # A stray NUL costs its record; text full of control bytes is no text, and many kinds of them are none either.
    sample = head[:4096]
    counts = {byte: count for byte in _CONTROL if (count := sample.count(byte))}
    if set(counts) == {1} and b"\n" in sample:
        return False  # 0x01 alone stands between fields
    control = sum(count for byte, count in counts.items() if byte < _OFTEN_IN_TEXT)
    return len(sample) > 16 and (control * 10 > len(sample) or _are_of_many_kinds(counts, len(sample)))


def _are_of_many_kinds(counts: Mapping[int, int], size: int) -> bool:
    """Encrypted and compressed bytes are of all kinds alike: a tenth of them is control."""
    return len(counts) >= _MANY_KINDS and sum(counts.values()) * 25 > size
