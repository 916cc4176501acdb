"""Bytes of any encoding as UTF-8, chunk by chunk. The declared encoding wins; otherwise the bytes decide.

A byte that is not of the encoding stays in the stream as it is, so that the record it stands in is seen to be broken
and set aside, alone.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from finport_ingestion.engine.convert.reading.cyrillic_script import cyrillic_encoding
from finport_ingestion.engine.convert.reading.latin_scripts import has_latin_words, latin_encoding
from finport_ingestion.engine.errors import ConfigError, FormatError

CHUNK_BYTES = 8 << 20
_DETECT_BYTES = 1 << 20
_ASCII_BYTES = 32 << 20
"""So much text of ASCII alone is looked through for the first other byte, since that tells the encoding."""
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
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_WIDE_BYTES = 1 << 16
_ASCII = bytes([*range(32, 127), *b"\r\n\t"])
_FEW_NULS, _MANY_NULS = 0.1, 0.4
_SEPARATORS = frozenset("\t\n\v\f\r\x01\x1c\x1d\x1e\x1f")
_NO_TEXT = frozenset(["Cc", "Cn", "Co", "Cs"])
_RUNS = re.compile(r"[^\x00-\x7f]+")
_ALONE = re.compile(r"(?<![^\x00-\x7f])(?:(?<=[A-Za-z])[^\x00-\x7f]|[^\x00-\x7f](?=[A-Za-z]))(?![^\x00-\x7f])")
_JAPANESE = ("cp932", "euc_jp")
_KANA, _KANA_SHARE = re.compile("[\u3041-\u3096\u30a1-\u30fc]"), 0.15
_JIS_SHIFT = re.compile(rb"\x1b\$[@B]")
# Of the many that a detector knows, those of other scripts that files are delivered in.
_OTHER_SCRIPTS = re.compile(
    r"^(windows-?|cp)(125[1356]|874|932|949|936)$|^iso-?8859-?[5678]|^(tis|gb|big5|shift|sjis|euc|iso-?2022|hz|utf)"
)
_CYRILLIC = re.compile(r"^(windows-?|cp)1251$|^koi8-?[ru]|^iso-?8859-?5$|^(ibm|cp)866$|^mac-?cyrillic$")
_MULTI_BYTE = re.compile(r"^(windows-?|cp)(932|949|936)$|^(gb|big5|shift|sjis|euc|iso-?2022|hz|utf)")


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
    head = _beyond_ascii(head, stream)
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


def _beyond_ascii(head: bytes, stream: IO[bytes]) -> bytes:
    """`head`, or the first block behind it with other bytes than those of ASCII; `stream` is left at its beginning."""
    done = len(head)
    stream.seek(done)
    while head.isascii() and b"\0" not in head and len(head) == _DETECT_BYTES and done < _ASCII_BYTES:
        following = stream.read(_DETECT_BYTES)
        if not following:
            break
        head, done = following, done + len(following)
    stream.seek(0)
    return head


def _guess(head: bytes) -> str:
    wide = wide_without_mark(head)
    if wide:
        return wide
    if head.isascii():
        return "iso2022_jp" if _JIS_SHIFT.search(head) and _decodes(head, "iso2022_jp") else "utf-8"
    if _is_utf8(head):
        return "utf-8"
    good, bad = 0, 0
    for run in _UTF8_RUN.finditer(head):
        # The sample may end inside a character.
        cut = run.end() == len(head) == _DETECT_BYTES
        good, bad = (good, bad + (not cut)) if run.group(1) else (good + 1, bad)
    # Text of another encoding hardly ever spells UTF-8 by chance; a few broken bytes in UTF-8 do happen.
    if bad == 0 or good >= bad:
        return "utf-8"
    return _detected(head)


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.utf_8_decode(head, "strict", len(head) < _DETECT_BYTES)  # the sample may end inside a character
    except UnicodeDecodeError:
        return False
    return True


def wide_without_mark(head: bytes) -> str | None:
    """UTF-16 or UTF-32 that does not say so, told by where its zero bytes stand; None for anything else."""
    head = head[:_WIDE_BYTES]
    if head.count(0) * 100 < len(head):
        return None
    return next((name for name in _WIDE if _is_wide(head, name)), None)


def _is_wide(head: bytes, name: str) -> bool:
    size = 4 if name.startswith("utf-32") else 2
    count = len(head) // size
    whole = head[: count * size]
    # The zeros of commas and line ends are all in the same halves, and none is in the others.
    low, high = (0, size - 1) if name.endswith("le") else (size - 1, 0)
    if count < 2 or whole[low::size].count(0) > _FEW_NULS * count:
        return False
    zeros = whole[high::size].count(0)
    if size == 4 and zeros < count:
        return False
    text = codecs.getincrementaldecoder(name)("replace").decode(whole)
    if not _is_text(text):
        return False
    return size == 4 or zeros > _MANY_NULS * count or (_is_no_ascii(whole) and _ends_lines(text, whole))


def _is_text(text: str) -> bool:
    """Whether it is of letters, digits, signs and line ends alone; letters beyond 16 bits are rare in any language."""
    return sum(map(_is_strange, text)) <= _FEW_NULS * len(text)


def _is_strange(character: str) -> bool:
    if character in _SEPARATORS:
        return False
    return character >= "\ufffd" or unicodedata.category(character) in _NO_TEXT


def _is_no_ascii(content: bytes) -> bool:
    """Whether other bytes than those of ASCII text stand there, as in text of another script they do."""
    return len(content.translate(None, _ASCII)) - content.count(0) > _FEW_NULS * len(content)


def _ends_lines(text: str, content: bytes) -> bool:
    """Whether most bytes that may be line ends are such: in text of other scripts they have most of the zeros."""
    return 2 * sum(map(text.count, "\r\n")) > content.count(b"\n") + content.count(b"\r")


def _detected(head: bytes) -> str:
    import chardet

    # A detector looks at the beginning only: it is shown the lines that tell something.
    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())
    found = next((name for name in _JAPANESE if _is_japanese(telling, name)), None) or latin_encoding(head)
    if found is not None:
        return found
    # Where letters with marks stand among those of ASCII, no script of one byte a character is left but the Latin one.
    latin_words = has_latin_words(head)
    for guess in chardet.detect_all(telling):
        name = (guess["encoding"] or "").lower()
        if latin_words and not (_MULTI_BYTE.match(name) and _has_words(telling, name)):
            continue
        if _CYRILLIC.match(name):
            return codecs.lookup(cyrillic_encoding(telling) or name).name
        if _OTHER_SCRIPTS.match(name) and _decodes(head, name):
            return codecs.lookup(name).name
    return _western(head)


def _is_japanese(content: bytes, name: str) -> bool:
    """Whether kana stand among what is no ASCII: no other text has those, and they come before marks within words."""
    if not _decodes(content, name):
        return False
    found = "".join(_RUNS.findall(content.decode(name, "replace")))
    return len(_KANA.findall(found)) > _KANA_SHARE * len(found) and _has_words(content, name)


def _has_words(content: bytes, name: str) -> bool:
    """Whether what is no ASCII stands in runs of its own, as Chinese does, and not alone within words: `Z坧ich`."""
    text = content.decode(name, "replace")
    return 2 * len(_ALONE.findall(text)) < len(_RUNS.findall(text))


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
