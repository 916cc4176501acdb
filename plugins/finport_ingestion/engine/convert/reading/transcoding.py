"""Bytes of any encoding as UTF-8, chunk by chunk. The declared encoding wins; otherwise the bytes decide.

A byte that is not of the encoding stays in the stream as it is, so that the record it stands in is seen to be broken
and set aside, alone.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from finport_ingestion.engine.convert.reading.latin_scripts import latin_encoding
from finport_ingestion.engine.errors import ConfigError, FormatError

CHUNK_BYTES = 8 << 20
_DETECT_BYTES = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF8_RUN = re.compile(
    rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+|([\x80-\xff]+)"
)
# Of the many that a detector knows, those of other scripts that files are delivered in.
_OTHER_SCRIPTS = re.compile(
    r"^(windows-?|cp)(125[1356]|874|932|949|936|866)$|^koi8|^iso-?8859-?[5678]|^(tis|gb|big5|shift|sjis|euc|iso-?2022|hz|utf)"
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes spell text."""

    name: str  # of Python's codecs
    bom_bytes: int = 0
    declared: bool = True

    @property
    def is_utf8(self) -> bool:
        return self.name == "utf-8"

    @property
    def seekable(self) -> bool:
        """Whether a reader may begin in the middle: each byte is a character, or shows where one begins."""
        return not self.name.startswith(("utf-16", "utf-32", "iso2022", "hz", "gb", "big5", "shift", "euc", "cp9"))


def find_encoding(stream: IO[bytes], *, declared: str | None) -> Encoding:
    """The encoding of `stream`, which is left at its beginning.

    Raises:
        ConfigError: Python knows no encoding of the declared name.
    """
    head = stream.read(_DETECT_BYTES)
    stream.seek(0)
    for bom, name in _BOMS:
        if head.startswith(bom) and (declared is None or _same_family(declared, name)):
            return Encoding(name, len(bom))
    if declared is not None:
        return Encoding(_known(declared))
    return Encoding(_guess(head), declared=False)


def utf8_chunks(stream: IO[bytes], encoding: Encoding, *, uri: str, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """What is left in `stream` after the byte order mark, as UTF-8.

    Raises:
        FormatError: The bytes are not of the (fixed-width) encoding.
    """
    stream.seek(encoding.bom_bytes)
    if encoding.is_utf8:
        while chunk := stream.read(size):
            yield chunk
        return
    transcoder = _Transcoder(codecs.getincrementaldecoder(encoding.name)("surrogateescape"), encoding, uri)
    while chunk := stream.read(size):
        yield transcoder.take(chunk)
    if rest := transcoder.take(b""):
        yield rest


def visible(raw: bytes) -> str:
    """`raw` as text in which bytes that are not UTF-8 are written as \\xNN."""
    return raw.decode("utf-8", "backslashreplace")


@dataclass(slots=True)
class _Transcoder:
    decoder: codecs.IncrementalDecoder
    encoding: Encoding
    uri: str
    offset: int = 0  # bytes taken, without the byte order mark

    def take(self, chunk: bytes) -> bytes:
        """The text of one more chunk as UTF-8; an empty one ends the stream."""
        try:
            text = self.decoder.decode(chunk, not chunk).encode("utf-8", "surrogateescape")
        except UnicodeError as error:
            at = self.encoding.bom_bytes + self.offset
            raise FormatError(
                f"{self.uri}: not {self.encoding.name} text near byte {at}.",
                offset_bytes=at,
                hint="state the right 'encoding' in the Format, or ask for the file again: it may be cut",
            ) from error
        self.offset += len(chunk)
        return text


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError as error:
        raise ConfigError(
            f"there is no encoding '{declared}'.", hint="use a name such as utf-8, cp1252 or utf-16"
        ) from error
    # Without its mark a file of these is read in the order of the machines that write them.
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(name, name)


def _same_family(declared: str, name: str) -> bool:
    return _known(declared).split("-")[:2] == name.split("-")[:2]


def _guess(head: bytes) -> str:
    if head.isascii() and b"\0" not in head:
        return "utf-8"
    wide = _wide_without_mark(head)
    if wide:
        return wide
    good, bad = 0, 0
    for run in _UTF8_RUN.finditer(head):
        # The sample may end inside a character.
        cut = run.end() == len(head) == _DETECT_BYTES
        good, bad = (good, bad + (not cut)) if run.group(1) else (good + 1, bad)
    # Text of another encoding hardly ever spells UTF-8 by chance; a few broken bytes in UTF-8 do happen.
    if bad == 0 or good >= bad:
        return "utf-8"
    return _detected(head)


def _wide_without_mark(head: bytes) -> str | None:
    pairs = len(head) // 2
    if pairs < 2:
        return None
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[start::2].count(0) > 0.4 * pairs and head[1 - start :: 2].count(0) < 0.1 * pairs:
            return name
    return None


def _detected(head: bytes) -> str:
    import chardet

    latin = latin_encoding(head)
    if latin is not None:
        return latin
    for found in chardet.detect_all(head):
        name = (found["encoding"] or "").lower()
        if _OTHER_SCRIPTS.match(name) and _decodes(head, name):
            return codecs.lookup(name).name
    return _western(head)


def _decodes(head: bytes, name: str) -> bool:
    try:
        head.decode(name, "strict")
    except UnicodeDecodeError as error:
        return error.end >= len(head) - 8  # the sample may end inside a character
    except LookupError:
        return False
    return True


def _western(head: bytes) -> str:
    return "cp1252" if _decodes(head, "cp1252") else "iso8859-1"
