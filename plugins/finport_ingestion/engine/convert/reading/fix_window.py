"""A piece of a FIX log: which messages of it are whole, which are broken and why, and where each stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.reading.fix_scan import (
    SOH,
    Begins,
    Scan,
    chosen,
    find_begins,
    scan,
    with_soh,
)
from finport_ingestion.engine.convert.reading.fix_tags import Ints

_NEWLINE = ord("\n")
_LONGEST_BEGIN = 64
_MSG_TYPE = 35
NO_CHECKSUM = "the message is cut: no CheckSum (10) before the next one, or before the end"
NO_TAG = "something between two separators has no tag"
NO_TYPE = "the message has no MsgType (35)"
NO_TEXT = "bytes that are not of the file's encoding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Some bytes of a log, as UTF-8, and the messages that begin in them."""

    content: bytes
    found: Scan  # of the whole messages and the cut ones
    places: Ints  # where each message begins in `content`
    done: int  # bytes of `content` that need not be looked at again
    newlines: Ints

    @staticmethod
    def of(content: bytes, *, final: bool, most: int) -> Window:
        """Look at `content`, the last of the file where `final`. A message of more than `most` bytes is a cut one."""
        begins = find_begins(content)
        found, places = _scan(content, begins, final=final)
        done = len(content) if final else _done(content, found, places, most)
        kept = places < done
        newlines = np.flatnonzero(np.frombuffer(content, np.uint8) == _NEWLINE).astype(np.int64)
        return Window(content=content, found=chosen(found, kept), places=places[kept], done=done, newlines=newlines)

    def faults(self) -> dict[int, tuple[str, str]]:
        """Rule and reason of each message that cannot be read."""
        found = self.found
        count = len(found.starts)
        faults: dict[int, tuple[str, str]] = {}
        typed = np.zeros(count, np.bool_)
        typed[found.message[found.tags == _MSG_TYPE]] = True
        faults |= dict.fromkeys(np.flatnonzero(~typed).tolist(), ("msg_type", NO_TYPE))
        faults |= dict.fromkeys(found.message[found.tags < 0].tolist(), ("tag", NO_TAG))
        faults |= dict.fromkeys(np.flatnonzero(found.ends < 0).tolist(), ("cut", NO_CHECKSUM))
        faults |= dict.fromkeys(self._not_text(), ("encoding", NO_TEXT))
        return faults

    def _not_text(self) -> list[int]:
        if len(self.found.starts) == 0 or _is_utf8(self.found.content):
            return []
        ends = np.append(self.found.starts[1:], len(self.found.content)).tolist()
        spans = zip(self.found.starts.tolist(), ends, self.found.ends.tolist(), strict=True)
        pieces = [self.found.content[begin : end if last < 0 else last] for begin, end, last in spans]
        return [number for number, piece in enumerate(pieces) if not _is_utf8(piece)]

    def text(self, number: int) -> bytes:
        """A message as delivered: up to the line where the next one begins, or to its CheckSum."""
        begin = int(self.places[number])
        end = int(self.places[number + 1]) if number + 1 < len(self.places) else self.done
        line = self.content.rfind(b"\n", begin, end)
        return self.content[begin : line if line >= 0 and number + 1 < len(self.places) else end].rstrip(b"\r\n")

    def lines(self) -> Ints:
        """How many line ends stand before each message."""
        return np.searchsorted(self.newlines, self.places).astype(np.int64)

    def line_count(self) -> int:
        """Line ends in what is done with."""
        return int(np.searchsorted(self.newlines, self.done))

    def prefixes(self) -> pa.StringArray:
        """What stands in the line before each message, behind the one before it; null for nothing."""
        if len(self.places) == 0:
            return pa.array([], pa.string())
        newlines = self.newlines
        at = np.searchsorted(newlines, self.places) - 1
        begins = np.where(at >= 0, newlines[np.maximum(at, 0)] + 1, 0) if len(newlines) else np.zeros_like(self.places)
        begins[1:] = np.maximum(begins[1:], self._behind()[:-1])
        begins = np.minimum(begins, self.places)
        offsets = np.empty(2 * len(begins), np.int32)
        offsets[0::2], offsets[1::2] = begins, self.places
        buffers = (pa.py_buffer(offsets), pa.py_buffer(printable(self.content)))
        every = pa.StringArray.from_buffers(len(offsets) - 1, *buffers)
        rows = np.arange(0, len(offsets), 2, dtype=np.int64)
        return every.take(pa.array(rows, mask=begins == self.places))

    def _behind(self) -> Ints:
        """Where each message ends in `content`; its line's end where that is not known."""
        if self.found.content is self.content:
            padded = self.found.padded
            return np.where(self.found.ends < 0, self.places, self.found.ends + (padded[self.found.ends] == SOH[0]))
        ends = [self.content.find(b"\n", place) for place in self.places.tolist()]
        return np.array([len(self.content) if end < 0 else end for end in ends], np.int64)


def _scan(content: bytes, begins: Begins, *, final: bool) -> tuple[Scan, Ints]:
    """The messages of `content`, and where they begin in it as delivered."""
    shown, starts = with_soh(content, begins)
    found = scan(shown, starts, more=not final)
    if not begins.plain and (found.tags < 0).any():
        shown, starts = with_soh(content, begins, strict=True)
        found = scan(shown, starts, more=not final)
    places = np.array(begins.places, np.int64)
    return found, places[np.searchsorted(starts, found.starts)]


def _done(content: bytes, found: Scan, places: Ints, most: int) -> int:
    """How far `content` is done with, while more follows: from there on a message may begin."""
    newline = content.rfind(b"\n") + 1
    if len(places) == 0:
        return newline if len(content) - newline < most else len(content) - _LONGEST_BEGIN
    last, end = int(places[-1]), int(found.ends[-1])
    if len(content) - last > most:
        return max(newline, len(content) - _LONGEST_BEGIN)
    same = found.content is content
    if 0 <= end < len(found.content) and (same or newline > last):
        return max(newline, end + (content[end] == SOH[0]) if same else 0)
    line = content.rfind(b"\n", 0, last) + 1
    before = int(found.ends[-2]) if same and len(places) > 1 else -1
    if before > line:
        return before
    # Where others stand before it in its line, they are done with.
    return last if len(places) > 1 and int(places[-2]) >= line else line


def printable(content: bytes) -> bytes:
    """`content` with a question mark for each byte that is not UTF-8, and as long as it was."""
    if _is_utf8(content):
        return content
    return content.decode("utf-8", "surrogateescape").encode("utf-8", "replace")


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
