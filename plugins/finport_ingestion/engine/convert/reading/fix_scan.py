"""Where messages and their fields stand in a piece of a FIX log: a few passes over its bytes, none over its fields.

A message is cut at SOH. What stands between messages (timestamps, words of the application) is nobody's field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from finport_ingestion.engine.convert.reading.fix_dictionary import DATA_TAGS
from finport_ingestion.engine.convert.reading.fix_tags import PADDING, Bytes, Flags, Ints, numbers_at, tags_at

SOH = b"\x01"
# How programs show SOH to people; the longer ones first.
SHOWN = (b" | ", b"<SOH>", b"[SOH]", b"{SOH}", b"\\x01", b"\\u0001", b"\\001", b"^A", b"\xe2\x90\x81", b"|", b";", b"~")
_SHOWN = b"|".join(re.escape(text) for text in SHOWN)
_VERSION = rb"8=FIXT?\.[0-9]\.[0-9][A-Za-z0-9]{0,8}"
_WITH_SOH = re.compile(_VERSION + rb"\x01(?=[0-9]{1,6}=)")
# Whatever other signs stand before BodyLength are the separator: blanks, tabs, carets.
_WITH_ANY = re.compile(_VERSION + rb"(?:(\x01|" + _SHOWN + rb")(?=[0-9]{1,6}=)|([^0-9A-Za-z=\r\n]{1,3})(?=9=[0-9]))")
_BEGIN = b"8=FIX"
_BODY = b"9="
_TRAILER = b"\x0110="
_USUAL_SIZE = len(b"8=FIX.4.4")
_CHECKSUM = 10
_MAX_DATA_BYTES = 16 << 20
_CHECKSUM_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Begins:
    """Where messages begin, and what stands between the fields of each."""

    places: list[int]
    separators: list[bytes] | None  # None: SOH everywhere

    @property
    def plain(self) -> bool:
        """Whether nothing has to be put in the place of SOH."""
        return self.separators is None


def find_begins(content: bytes) -> Begins:
    """Every place of `content` where a message begins, in order."""
    count = content.count(_BEGIN)
    if len(quick := _usual_begins(content)) == count:
        return Begins(quick.tolist(), None)
    places = [found.start() for found in _WITH_SOH.finditer(content)]
    if count == len(places):
        return Begins(places, None)
    every = [*_not_quoted(content)]
    if len(every) == len(places):
        return Begins(places, None)
    return Begins([place for place, _ in every], [separator for _, separator in every])


def _not_quoted(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Where messages begin and their separators, but for messages that are shown in a text of a message with SOH."""
    last, with_separator = 0, b""
    for found in _WITH_ANY.finditer(content):
        place, separator = found.start(), found[1] or found[2]
        if separator != SOH == with_separator:
            between = content[last:place]
            if b"\n" not in between and _TRAILER not in between:
                continue
        yield place, separator
        last, with_separator = place, separator


def _usual_begins(content: bytes) -> Ints:
    """Where `8=FIX.4.4<SOH>9=` stands, with any version that is spelled in as many bytes."""
    found = np.frombuffer(content, np.uint8)
    at = np.flatnonzero(found[: -len(_BODY)] == SOH[0]) if len(found) > len(_BODY) else np.zeros(0, np.int64)
    at = at[(found[at + 1] == _BODY[0]) & (found[at + 2] == _BODY[1])] - _USUAL_SIZE
    at = at[at >= 0]
    for place, byte in enumerate(_BEGIN):
        at = at[found[at + place] == byte]
    places: Ints = at.astype(np.int64)
    return places


def with_soh(content: bytes, begins: Begins, *, strict: bool = False) -> tuple[bytes, Ints]:
    """`content` with SOH between the fields of every message, and where the messages begin in it.

    Args:
        strict: A separator ends a field only where a tag follows, or the message's end: `58=bid|ask` stays one field.
    """
    if begins.separators is None:
        return content, np.array(begins.places, np.int64)
    ends = [*begins.places[1:], len(content)]
    pieces, starts, size = [content[: begins.places[0]]], [], begins.places[0]
    for begin, end, separator in zip(begins.places, ends, begins.separators, strict=True):
        piece = content[begin:end]
        if separator != SOH:
            piece = _strictly(piece, separator) if strict else piece.replace(separator, SOH)
        starts.append(size)
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), np.array(starts, np.int64)


def _strictly(piece: bytes, separator: bytes) -> bytes:
    return re.sub(re.escape(separator) + rb"(?=[0-9]{1,6}=|\s*$)", SOH, piece)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Messages and their fields, from BeginString to CheckSum, as places in `content`."""

    content: bytes
    padded: Bytes  # `content` with some zeros behind it
    starts: Ints  # of messages
    ends: Ints  # behind the CheckSum's digits; -1 where a message has none
    trailers: Ints  # where the CheckSum field begins; -1 likewise
    message: Ints  # of each field: which message, from 0
    tags: Ints  # -1 where a piece between two separators has no tag
    values: Ints  # where each value begins
    value_ends: Ints
    wrong_lengths: int  # data fields that do not end where their length says
    strays: bool = False  # a CheckSum stands in no message: the beginning of one is cut or damaged


def scan(content: bytes, starts: Ints, *, more: bool = False) -> Scan:
    """The messages that begin at `starts`.

    Args:
        more: The file goes on behind `content`, so data that is longer than it is may be whole.
    """
    padded = np.frombuffer(content + PADDING, np.uint8)
    marks = np.flatnonzero(padded == SOH[0]).astype(np.int64)
    pieces = _cut(padded, marks, starts, len(content))
    hidden, wrong = _hidden(pieces, padded, len(content), more=more)
    if hidden:
        # SOH, and even whole messages, inside data are data.
        starts = _outside(starts, hidden)
        pieces = _cut(padded, _outside(marks, hidden), starts, len(content))
    firsts = np.searchsorted(pieces.begins, starts)
    follow = np.append(firsts[1:], len(pieces.begins))
    trailers = np.flatnonzero(pieces.tags == _CHECKSUM)
    at = np.searchsorted(trailers, firsts)  # the first one in each message
    last = np.append(trailers, len(pieces.begins))[at]
    whole = last < follow
    kept, message = _runs(firsts, np.where(whole, last + 1, follow))
    value_ends, last = pieces.ends, last[whole]
    value_ends[last] = _digits_end(padded, pieces.values[last])
    ends, begins = np.full(len(starts), -1, np.int64), np.full(len(starts), -1, np.int64)
    ends[whole], begins[whole] = value_ends[last], pieces.begins[last]
    return Scan(
        content=content,
        padded=padded,
        starts=starts,
        ends=ends,
        trailers=begins,
        message=message,
        tags=pieces.tags[kept],
        values=pieces.values[kept],
        value_ends=value_ends[kept],
        wrong_lengths=wrong,
        strays=len(starts) > 0 and (len(trailers) > len(last) or _TRAILER in content[: int(starts[0])]),
    )


def _runs(begins: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """The places from each begin to its end in a row, and which run each is of."""
    counts = ends - begins
    run = np.repeat(np.arange(len(begins)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(run)) + np.repeat(begins - before, counts), run


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What stands between separators, from the first message on."""

    begins: Ints
    tags: Ints
    values: Ints
    ends: Ints


def _cut(padded: Bytes, marks: Ints, starts: Ints, size: int) -> _Pieces:
    begins = marks + 1
    at = np.searchsorted(begins, starts)
    known = np.zeros(len(starts), np.bool_)
    inside = at < len(begins)
    known[inside] = begins[at[inside]] == starts[inside]
    begins = np.insert(begins, at[~known], starts[~known])
    begins = begins[np.searchsorted(begins, starts[0]) :] if len(starts) else begins[:0]
    ends = np.append(begins[1:] - 1, size)[: len(begins)]
    return _Pieces(begins, *tags_at(padded, begins), ends)


def whole_numbers(found: Scan, begins: Ints, ends: Ints) -> Ints:
    """The number that stands at each place; -1 where there is something else, or more than 18 digits."""
    value, width = numbers_at(found.padded, begins, 18)
    return np.where((width > 0) & (begins + width == ends), value, -1)


def _digits_end(padded: Bytes, begins: Ints) -> Ints:
    _, width = numbers_at(padded, begins, _CHECKSUM_DIGITS)
    return begins + width


_IS_LENGTH = np.zeros(max(DATA_TAGS) + 2, np.bool_)
_IS_LENGTH[list(DATA_TAGS)] = True


def _hidden(pieces: _Pieces, padded: Bytes, size: int, *, more: bool) -> tuple[list[tuple[int, int]], int]:
    """Places that separators seem to cut, but a stated length does not; and how many lengths say nothing."""
    hidden: list[tuple[int, int]] = []
    wrong = 0
    for index in np.flatnonzero(_IS_LENGTH[np.minimum(pieces.tags[:-1], len(_IS_LENGTH) - 1)]).tolist():
        if pieces.tags[index + 1] != DATA_TAGS[int(pieces.tags[index])]:
            continue
        begin, seen = int(pieces.values[index + 1]), int(pieces.ends[index + 1])
        if hidden and begin < hidden[-1][1]:
            continue
        stated = padded[pieces.values[index] : pieces.ends[index]].tobytes()
        end = begin + int(stated) if stated.isdigit() and len(stated) < 10 else -1
        cut = more and size < end <= begin + _MAX_DATA_BYTES
        if cut or (seen < end <= size and padded[end] == SOH[0]):
            hidden.append((seen, min(end, size)))
        elif end != seen:
            wrong += 1
    return hidden, wrong


def _outside(places: Ints, hidden: list[tuple[int, int]]) -> Ints:
    begins, ends = (np.array(side, np.int64) for side in zip(*hidden, strict=True))
    at = np.searchsorted(begins, places, "right") - 1
    inside = (at >= 0) & (places < ends[np.maximum(at, 0)])
    return places[~inside]


def chosen(found: Scan, messages: Flags) -> Scan:
    """Some of the messages, numbered from 0 again."""
    if messages.all():
        return found
    count = int(messages.sum())
    if messages[:count].all():
        return _leading(found, count)
    fields = messages[found.message]
    numbers = np.cumsum(messages) - 1
    return Scan(
        content=found.content,
        padded=found.padded,
        starts=found.starts[messages],
        ends=found.ends[messages],
        trailers=found.trailers[messages],
        message=numbers[found.message[fields]],
        tags=found.tags[fields],
        values=found.values[fields],
        value_ends=found.value_ends[fields],
        wrong_lengths=found.wrong_lengths,
        strays=found.strays,
    )


def _leading(found: Scan, count: int) -> Scan:
    """The first messages."""
    fields = int(np.searchsorted(found.message, count))
    return replace(
        found,
        starts=found.starts[:count],
        ends=found.ends[:count],
        trailers=found.trailers[:count],
        message=found.message[:fields],
        tags=found.tags[:fields],
        values=found.values[:fields],
        value_ends=found.value_ends[:fields],
    )
