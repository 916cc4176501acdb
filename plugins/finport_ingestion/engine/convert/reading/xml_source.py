"""The text of an XML file as UTF-8, with its prolog looked at: encoding, and a document type that nothing may follow.

What stands before the root element and is not needed (the XML declaration, the document type) is blanked, not cut, so
that lines and bytes keep their numbers. Entities that a document defines itself are how a small file becomes an endless
one or reads another file: such a document is refused.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.foreign import is_binary, is_html, refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.transcoding import Encoding, find_encoding, utf8_chunks
from finport_ingestion.engine.errors import ConfigError, FormatError

CHUNK_BYTES = 1 << 20
_PROLOG_BYTES = 1 << 20
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_DOCTYPE_MARKS = re.compile(rb""""[^"]*"|'[^']*'|<!--.*?-->|<\?.*?\?>|<!ENTITY|<!ATTLIST|\[|\]|>""", re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*")
_ROOT = re.compile(rb"<[^!?]")
_WHOLE_TAG = re.compile(rb"<[^!?].*>", re.DOTALL)
_DECLARATION = re.compile(rb"<\?xml\s")
_BLANK = re.compile(rb"[^\r\n]")
_ENTITIES = "defines entities of its own, which are not expanded"


@dataclass(slots=True)
class XmlText:
    """An XML document as UTF-8 pieces, of which the first begins with its prolog, blanked."""

    chunks: Iterator[bytes]
    encoding: Encoding
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def open_text(stream: IO[bytes], *, raw: RawFile, size: int = CHUNK_BYTES, html: bool = False) -> XmlText | None:
    """The text of `raw`; None where it is empty and may be.

    Args:
        html: An XHTML page is expected.

    Raises:
        FormatError: It is empty or no XML, or its document type defines entities.
    """
    refuse_signature(stream, raw=raw, expected="XML")
    encoding = _encoding(stream, raw)
    chunks = utf8_chunks(stream, encoding, uri=raw.uri, size=size)
    head = next(chunks, b"")
    while not head.strip() and len(head) < _PROLOG_BYTES and (more := next(chunks, b"")):
        head += more
    if not head.strip():
        _require_leave_to_be_empty(raw, only_blanks=len(head) < _PROLOG_BYTES)
        return None
    if not html and is_html(head):
        refuse_foreign(head, raw=raw, expected="XML")
    if is_binary(head):
        refuse_foreign(head, raw=raw, expected="XML")
    text = XmlText(chunks, encoding)
    text.chunks = itertools.chain([_blanked(head, chunks, text, raw)], chunks)
    if not encoding.declared and not encoding.is_utf8:
        text.warnings.append(f"the file states no encoding and is not UTF-8; it is read as {encoding.name}")
    return text


def refused(raw: RawFile, what: str, *, text: bytes, at: int) -> FormatError:
    """The error that `what` is wrong at byte `at` of the UTF-8 text that `text` is the beginning of."""
    line = text.count(b"\n", 0, at) + 1
    return FormatError(
        f"{raw.uri}: line {line}: {what}.",
        offset_bytes=at,
        hint="ask for the file again without it; a document of data needs none",
    )


def _require_leave_to_be_empty(raw: RawFile, *, only_blanks: bool) -> None:
    if not only_blanks:
        raise FormatError(
            f"{raw.uri}: begins with more than {_PROLOG_BYTES} blanks.", offset_bytes=0, hint="ask for the file again"
        )
    if not raw.may_be_empty:
        what = "is empty" if raw.size_bytes == 0 else "holds only blanks"
        raise FormatError(
            f"{raw.uri}: {what}.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )


def _encoding(stream: IO[bytes], raw: RawFile) -> Encoding:
    """By byte order mark or width of the characters, then by the declaration, then as UTF-8 where the bytes are."""
    declared = _DECLARED.match(stream.read(1024))
    stream.seek(0)
    if declared is None:
        seen = find_encoding(stream, declared=None)
        marked = seen.bom_bytes or seen.name.startswith(("utf-16", "utf-32"))
        return Encoding(seen.name, seen.bom_bytes) if marked else seen
    name = declared.group(1).decode("ascii")
    if name.lower().startswith(("utf-16", "utf-32", "ucs-", "iso-10646-ucs")):
        return Encoding("utf-8")  # the declaration itself could be read byte by byte, so the text is not wide
    try:
        return find_encoding(stream, declared=name)
    except ConfigError as error:
        raise FormatError(
            f"{raw.uri}: line 1: declares the encoding '{name}', which nothing here knows.",
            offset_bytes=0,
            hint="ask the sender for UTF-8",
        ) from error


def _blanked(head: bytes, chunks: Iterator[bytes], text: XmlText, raw: RawFile) -> bytes:
    """`head` up to at least the root element, without declaration and document type."""
    while True:
        found = _prolog(head, text, raw)
        if found is not None:
            return found
        more = next(chunks, b"")
        if not more or len(head) > _PROLOG_BYTES:
            raise FormatError(
                f"{raw.uri}: no root element after {len(head)} bytes: the file is cut, or no XML.",
                offset_bytes=len(head),
                hint="ask for the file again",
            )
        head += more


def _prolog(head: bytes, text: XmlText, raw: RawFile) -> bytes | None:
    """`head` with the prolog blanked; None where it ends inside the prolog."""
    at = 0
    blanks: list[tuple[int, int]] = []
    text.notes.clear()
    text.warnings.clear()
    while True:
        at = _SPACE.match(head, at).end()  # type: ignore[union-attr]
        rest = head[at : at + 9]
        if len(rest) < 9 and not _WHOLE_TAG.match(head, at):
            return None
        if _ROOT.match(rest):
            return _without(head, blanks)
        end = _special_end(head, at, text, raw)
        if end == 0:
            return None
        if rest == b"<!DOCTYPE" or _DECLARATION.match(rest):
            blanks.append((at, end))
        at = end


def _special_end(head: bytes, at: int, text: XmlText, raw: RawFile) -> int:
    """Where an instruction, comment or document type that begins at `at` ends; 0 where it does not."""
    rest = head[at : at + 9]
    if rest == b"<!DOCTYPE":
        return _doctype_end(head, at, text, raw)
    if rest.startswith((b"<?", b"<!--")):
        close = b"?>" if rest.startswith(b"<?") else b"-->"
        found = head.find(close, at)
        return found + len(close) if found >= 0 else 0
    line, character = head.count(b"\n", 0, at) + 1, rest[:1].decode("latin-1")
    raise FormatError(
        f"{raw.uri}: line {line}: no XML: {character!r} where the root element should begin.",
        offset_bytes=at,
        hint="state the right 'format' in the Source or Format document",
    )


def _doctype_end(head: bytes, at: int, text: XmlText, raw: RawFile) -> int:
    """Where the document type that begins at `at` ends; 0 where it does not."""
    inside = False
    for mark in _DOCTYPE_MARKS.finditer(head, at + 9):
        found = mark.group()
        if found == b"<!ENTITY":
            raise refused(raw, f"the document type {_ENTITIES}", text=head, at=mark.start())
        if found == b"<!ATTLIST":
            text.warnings[:] = ["defaults of attributes that the document type declares are not added"]
        elif found in (b"[", b"]"):
            inside = found == b"["
        elif found == b">" and not inside:
            text.notes.append("the document type is not followed")
            return mark.end()
    return 0


def _without(head: bytes, blanks: list[tuple[int, int]]) -> bytes:
    for start, end in blanks:
        head = head[:start] + _BLANK.sub(b" ", head[start:end]) + head[end:]
    return head
