"""Markup found in a piece of XML all at once: where its tags begin and end, and what they say.

Nothing here is guessed: where a piece holds anything that these few steps do not prove to be well-formed, the answer is
None, and the exact parser reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.reading.xml_tags import Tag, tag_of

Ints: TypeAlias = "np.ndarray[Any, np.dtype[np.int32]]"
Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"

_LESS, _GREATER, _QUOTE, _EXCLAMATION, _QUESTION = 60, 62, 34, 33, 63
_MANY_TEMPLATES = 20_000
_CONTROL = bytes(code for code in range(32) if code not in (9, 10, 13))
_SPECIAL = re.compile(rb"<!--(.*?)-->|<!\[CDATA\[(.*?)\]\]>|<\?(.*?)\?>|<[!?].*\Z", re.DOTALL)
_INSTRUCTION = re.compile(rb"(?!xml(?:\s|\Z))[A-Za-z_][\w.-]*(?:\s.*)?\Z", re.DOTALL | re.IGNORECASE)
_WRONG_REFERENCE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_NOT_CHARACTER = b"\xef\xbf"
_NOT_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")


class Unproved(Exception):
    """The exact parser has to look."""


@dataclass(slots=True)
class Templates:
    """The tags that were met so far, by their text without the values of attributes."""

    codes: dict[bytes, int] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)

    def code(self, template: bytes) -> int:
        found = self.codes.get(template)
        if found is None:
            tag = tag_of(template)
            if tag is None:
                raise Unproved
            found = self.codes[template] = len(self.tags)
            self.tags.append(tag)
        return found


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tags of a piece, in order, and the values of their attributes, in order.

    `pieces` is the text cut at both ends of every tag and value, without a copy: markup and content in turn.
    """

    text: Bytes
    starts: Ints  # of each tag's <
    ends: Ints  # of each tag's >
    codes: Ints  # of its template
    values: Ints  # how many attribute values stand before it
    value_tags: Ints  # which tag each value stands in
    pieces: pa.StringArray

    @property
    def value_pieces(self) -> Ints:
        """Of each attribute value, its number among the pieces."""
        numbers = self.value_tags + np.arange(len(self.value_tags), dtype=np.int32)
        return (2 * numbers + 1).astype(np.int32)

    def text_pieces(self, tags: Ints) -> Ints:
        """The number of the piece behind each of some tags, of which none is the last."""
        numbers: Ints = 2 * (tags + self.values[tags + 1]) + 1
        return numbers

    def upto(self, end: int) -> Tokens:
        """The first `end` tags."""
        values = int(self.values[end])
        kept = self.starts[:end], self.ends[:end], self.codes[:end], self.values[: end + 1], self.value_tags[:values]
        return Tokens(self.text, *kept, self.pieces)


def plain(piece: bytes, *, in_tag: bool) -> tuple[bytes, bytes]:
    """`piece` without comments and instructions, with CDATA as text; and what is unfinished at its end, to come again.

    Args:
        in_tag: The piece begins inside a tag.

    Raises:
        Unproved: Something in it may be wrong.
    """
    held = b""
    if b"\r" in piece:
        # A CR at the very end may be half of CRLF.
        if piece.endswith(b"\r"):
            piece, held = piece[:-1], b"\r"
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"<!" not in piece and b"<?" not in piece:
        # The mark of a special may itself be cut.
        return (piece[:-1], b"<" + held) if piece.endswith(b"<") else (piece, held)
    kept: list[bytes] = []
    at = 0
    for match in _SPECIAL.finditer(piece):
        before = piece[at : match.start()]
        less, greater = before.rfind(b"<"), before.rfind(b">")
        in_tag = in_tag if less == greater else less > greater
        if in_tag:
            raise Unproved
        kept.append(before)
        if match.lastindex is None:
            return b"".join(kept), piece[match.start() :] + held
        at = match.end()
        kept.append(_replaced(match))
    if piece.endswith(b"<"):
        piece, held = piece[:-1], b"<" + held
    kept.append(piece[at:])
    return b"".join(kept), held


def _replaced(match: re.Match[bytes]) -> bytes:
    comment, content, instruction = match.groups()
    _check_characters(match.group())
    if comment is not None:
        if b"--" in comment or comment.endswith(b"-"):
            raise Unproved
        return b""
    if content is not None:
        return content.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    if not _INSTRUCTION.match(instruction):
        raise Unproved
    return b""


def check_text(window: bytes) -> None:
    """Raise Unproved where a reference is none, or a character may not be there."""
    if b"]]>" in window or (b"&" in window and _WRONG_REFERENCE.search(window)):
        raise Unproved
    _check_characters(window)


def _check_characters(window: bytes) -> None:
    """Raise Unproved where a character may not be in XML, or is no UTF-8."""
    if len(window.translate(None, _CONTROL)) != len(window):
        raise Unproved
    if not window.isascii():
        try:
            window.decode()
        except UnicodeDecodeError:
            raise Unproved from None
        if _NOT_CHARACTER in window and any(found in window for found in _NOT_CHARACTERS):
            raise Unproved


def has_specials(content: bytes) -> bool:
    """Whether there is a comment, an instruction or CDATA, or may be one that is cut."""
    if b"\r" in content or content.endswith(b"<"):
        return True
    text: Bytes = np.frombuffer(content, dtype=np.uint8)
    following = text[np.flatnonzero(text[:-1] == _LESS) + 1]
    return bool(((following == _EXCLAMATION) | (following == _QUESTION)).any())


def tokens_of(content: bytes, templates: Templates) -> Tokens:
    """The tags of some XML without specials; an unfinished one at its end is left out.

    Raises:
        Unproved: A tag is not what a tag should be.
    """
    text: Bytes = np.frombuffer(content, dtype=np.uint8)
    starts, ends = _tags(text)
    opens, closes, owners = _values(text, starts, ends)
    values = np.zeros(len(starts) + 1, np.int32)
    if len(owners):
        np.cumsum(np.bincount(owners, minlength=len(starts)), out=values[1:])
    pieces = _pieces(text, (starts, ends), (opens, closes, owners), values)
    return Tokens(text, starts, ends, _codes(pieces, values, templates), values, owners, pieces)


def _tags(text: Bytes) -> tuple[Ints, Ints]:
    """Where tags begin and end."""
    starts = np.flatnonzero(text == _LESS).astype(np.int32)
    greater = np.flatnonzero(text == _GREATER).astype(np.int32)
    if len(starts) == 0:
        return starts, starts
    if len(greater) == len(starts) and _in_turn(starts, greater):
        return starts, greater
    following = np.searchsorted(greater, starts)
    if following[-1] == len(greater):
        starts, following = starts[:-1], following[:-1]
        if len(starts) and following[-1] == len(greater):
            raise Unproved  # two tags that do not end
    ends = greater[following]
    if not _in_turn(starts, ends):
        raise Unproved
    return starts, ends


def _in_turn(starts: Ints, ends: Ints) -> bool:
    return bool((starts < ends).all()) and bool((ends[:-1] < starts[1:]).all())


def _values(text: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
    """Where the quotes of attribute values open and close, and in which tag."""
    quotes = np.flatnonzero(text == _QUOTE).astype(np.int32)
    if len(quotes) == 0 or len(starts) == 0:
        none = np.zeros(0, np.int32)
        return none, none, none
    owners = np.searchsorted(starts, quotes, side="right").astype(np.int32) - 1
    inside = (owners >= 0) & (quotes < ends[owners])
    quotes, owners = quotes[inside], owners[inside]
    if len(quotes) % 2 or bool((owners[0::2] != owners[1::2]).any()):
        raise Unproved  # a > stands in a value
    return quotes[0::2], quotes[1::2], owners[0::2]


def _pieces(text: Bytes, tags: tuple[Ints, Ints], quoted: tuple[Ints, Ints, Ints], values: Ints) -> pa.StringArray:
    (starts, ends), (opens, closes, owners) = tags, quoted
    count = len(starts) + len(owners)
    if count == 0:
        return pa.array([], pa.string())
    bounds = np.empty(2 * count, np.int32)
    numbers = np.arange(len(starts), dtype=np.int32)
    bounds[2 * (numbers + values[:-1])] = starts
    bounds[2 * (numbers + values[1:]) + 1] = ends + 1
    if len(owners):
        at = 2 * (owners + np.arange(len(owners), dtype=np.int32)) + 1
        bounds[at] = opens + 1
        bounds[at + 1] = closes
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), 2 * count - 1, buffers)


def _codes(pieces: pa.StringArray, values: Ints, templates: Templates) -> Ints:
    """The template of each tag: its pieces of markup, one behind the other."""
    if len(pieces) == 0:
        return np.zeros(0, np.int32)
    markup = pieces.take(pa.array(np.arange(0, len(pieces), 2, dtype=np.int32))).cast(pa.binary()).dictionary_encode()
    if len(markup.dictionary) > _MANY_TEMPLATES:
        raise Unproved
    spelled: list[bytes] = markup.dictionary.to_pylist()
    numbers = markup.indices.to_numpy()
    firsts = np.arange(len(values) - 1, dtype=np.int32) + values[:-1]
    codes = numbers[firsts]
    counts = np.diff(values)
    for ordinal in range(1, int(counts.max()) + 1):
        these = np.flatnonzero(counts >= ordinal)
        pairs = codes[these].astype(np.int64) << 32 | numbers[firsts[these] + ordinal]
        found, inverse = np.unique(pairs, return_inverse=True)
        joined = [spelled[pair >> 32] + spelled[pair & 0xFFFFFFFF] for pair in found.tolist()]
        codes[these] = inverse.astype(np.int32) + len(spelled)
        spelled += joined
    present = np.flatnonzero(np.bincount(codes))
    known = np.zeros(len(spelled), np.int32)
    for code in present.tolist():
        known[code] = templates.code(spelled[code])
    result: Ints = known[codes]
    return result
