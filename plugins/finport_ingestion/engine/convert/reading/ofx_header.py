"""Where OFX begins in a file, which version it is, and its text in the encoding that its header states."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.foreign import is_binary, is_html, refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.transcoding import find_encoding
from finport_ingestion.engine.errors import FormatError

_HEAD_BYTES = 4096
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEGIN = re.compile(r"<OFX>", re.IGNORECASE)
_SGML_ENCODING = re.compile(rb"ENCODING:\s*([\w-]+)", re.IGNORECASE)
_SGML_CHARSET = re.compile(rb"CHARSET:\s*([\w-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)[\"']", re.IGNORECASE)
_VERSION = re.compile(r"\bVERSION\s*[:=]\s*\"?'?(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OfxText:
    """The text of a file; bytes that are not of the encoding stand as surrogates."""

    text: str
    begin: int  # of <OFX>
    encoding: str
    version: str  # e.g. 102 or 211; empty where there is no header
    warnings: tuple[str, ...] = ()


def ofx_text(raw: RawFile, *, declared: str | None) -> OfxText | None:
    """The text of `raw`; None where it is empty.

    Raises:
        FormatError: It has no <OFX>.
    """
    raw.refuse_if_larger_than_memory()
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="an OFX file")
        head = stream.read(_HEAD_BYTES)
        stream.seek(0)
        # A byte order mark is a proof, what the header says a habit of the program that wrote it.
        stated = declared or (None if head.startswith(_MARKS) else _stated(head))
        encoding = find_encoding(stream, declared=stated)
        content = stream.read()
    if not content.strip():
        return None
    try:
        text = content[encoding.bom_bytes :].decode(encoding.name, "surrogateescape")
    except UnicodeError as error:
        raise FormatError(
            f"{raw.uri}: not {encoding.name} text.", hint="state the right 'encoding', or ask for the file again"
        ) from error
    begin = _BEGIN.search(text)
    if begin is None:
        raise _other(raw, head)
    # The last one: <?xml has a version too.
    versions = _VERSION.findall(text, 0, begin.start())
    doubts = _doubts(content, encoding.name, stated)
    return OfxText(text, begin.start(), encoding.name, versions[-1] if versions else "", doubts)


def _other(raw: RawFile, head: bytes) -> FormatError:
    if is_html(head) or is_binary(head):
        refuse_foreign(head, raw=raw, expected="an OFX file")
    return FormatError(
        f"{raw.uri}: not an OFX file: it has no <OFX>.",
        offset_bytes=0,
        hint="state the right 'format', or ask for the file again",
    )


def _stated(head: bytes) -> str | None:
    """The encoding that the header states, as Python calls it; None where it states none that is known."""
    xml = _XML_ENCODING.search(head)
    if xml:
        # A file that calls itself us-ascii and is not is most often cp1252: that is for the detector.
        name = xml[1].decode()
        return None if name.lower() in ("us-ascii", "ascii") else _known(name)
    encoding, charset = _SGML_ENCODING.search(head), _SGML_CHARSET.search(head)
    if encoding and encoding[1].upper() in (b"UTF-8", b"UTF8", b"UNICODE"):
        return "utf-8"
    return _known(charset[1].decode()) if charset else None


def _known(name: str) -> str | None:
    if name.upper() in ("NONE", "CSUNICODE"):
        return None
    for candidate in (f"cp{name}", name, name.lower().replace("8859-", "iso8859-")):
        try:
            return codecs.lookup(candidate).name
        except LookupError:
            continue
    return None


def _doubts(content: bytes, encoding: str, stated: str | None) -> tuple[str, ...]:
    """A single-byte encoding that is stated although the bytes are UTF-8, which hardly ever happens by chance."""
    if content.isascii() or stated is None or not encoding.startswith(("cp", "iso8859", "latin")):
        return ()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return ()
    return (
        f"the file states {encoding}, but all of its bytes are UTF-8: state 'encoding: utf-8' if names look wrong.",
    )
