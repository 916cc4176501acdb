"""A stream of UTF-8 delimited text cut into windows of whole records, without losing a byte.

A newline inside quotes is no end of a record: a window is cut where the number of quotes before the cut is even, after
every quote has been proved to stand where a quote may stand. Where that proof fails, the exact parser finds the cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Protocol, TypeAlias, cast

import numpy as np

Content: TypeAlias = bytes | bytearray

_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a window may end, and whether its quotes are proved right up to there."""

    size: int
    proved: bool


class Windows(Protocol):
    """A stream, some at a time."""

    def after(self, left: Content) -> tuple[Content, bool]:
        """What was `left` of the window before and what follows it; whether nothing follows that."""
        ...


class ReadWindows:
    """Windows of the very bytes of a stream, read into buffers that serve again once nobody looks into them.

    A new buffer for each window would cost more than to read it: pages that a process has not had before are dear.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = cast("_ReadsInto", stream)
        self._size = size
        self._first = stream.read(1)  # of what follows: tells whether anything does
        self._buffers: list[bytearray] = []

    def after(self, left: Content) -> tuple[Content, bool]:
        known = bytes(left) + self._first
        buffer = self._free(len(known) + self._size)
        buffer[: len(known)] = known
        filled = len(known) + self._fill(memoryview(buffer)[len(known) :])
        del buffer[filled:]
        self._first = self._stream.read(1) if self._first else b""
        return buffer, not self._first

    def _fill(self, view: memoryview) -> int:
        filled = 0
        with view:
            while self._first and filled < len(view) and (count := self._stream.readinto(view[filled:])):
                filled += count
        return filled

    def _free(self, size: int) -> bytearray:
        for buffer in self._buffers:
            try:
                buffer.append(0)  # refused while anybody has a view of it
            except BufferError:
                continue
            del buffer[size:]
            buffer.extend(bytes(size - len(buffer)))
            return buffer
        self._buffers.append(bytearray(size))
        return self._buffers[-1]


class _ReadsInto(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readinto(self, buffer: memoryview, /) -> int | None: ...


class ChunkWindows:
    """Windows of text that is made of a stream chunk by chunk."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._pieces = joined(chunks)

    def after(self, left: Content) -> tuple[Content, bool]:
        piece, final = next(self._pieces)
        return (left + piece if left else piece), final


def joined(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each piece with whether it is the last one."""
    current = next(pieces, b"")
    for following in pieces:
        yield current, False
        current = following
    yield current, True


def holds(window: memoryview, mark: bytes) -> bool:
    """Whether a window, which begins where its buffer does, holds `mark`: by its buffer, since views cannot search."""
    return cast("Content", window.obj).find(mark, 0, len(window)) >= 0


def find_cut(window: Content, *, delimiter: str, quote: str, final: bool) -> Cut:
    """The end of the last record that is whole in `window`, which begins with a record; size 0 where none is."""
    mark = quote.encode()
    if len(mark) > 1 or len(delimiter.encode()) != 1:
        return Cut(len(window) if final else last_line_end(window), proved=False)
    if not mark or mark not in window:
        return Cut(len(window) if final else last_line_end(window), proved=True)
    content = np.frombuffer(window, dtype=np.uint8)
    quotes = np.flatnonzero(content == mark[0])
    size = len(window) if final else _last_even_line_end(window, quotes)
    inside = quotes[: np.searchsorted(quotes, size)]
    even = len(inside) % 2 == 0
    return Cut(size, proved=even and _well_placed(content, inside, delimiter=delimiter.encode()[0], mark=mark[0]))


def last_line_end(window: Content, limit: int | None = None) -> int:
    """The length of `window[:limit]` up to its last line end, which is a lone CR only where there is no LF."""
    limit = len(window) if limit is None else limit
    end = window.rfind(b"\n", 0, limit) + 1
    if end == 0:
        # A CR as the last byte may be half of CRLF.
        end = window.rfind(b"\r", 0, max(limit - 1, 0)) + 1
    return end


def _last_even_line_end(window: Content, quotes: np.ndarray) -> int:
    limit = len(window)
    while end := last_line_end(window, limit):
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0:
            return end
        # Inside quotes: the search goes on before the one that opens.
        limit = int(quotes[before - 1])
    return 0


def _well_placed(content: np.ndarray, quotes: np.ndarray, *, delimiter: int, mark: int) -> bool:
    """Whether each opening quote begins a field and each closing one ends it, doubled quotes being both."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = content[np.maximum(opening - 1, 0)]
    begins = (opening == 0) | _one_of(before, delimiter, mark)
    last = len(content) - 1
    after = content[np.minimum(closing + 1, last)]
    ends = (closing == last) | _one_of(after, delimiter, mark)
    return bool(begins.all() and ends.all())


def _one_of(found: np.ndarray, delimiter: int, mark: int) -> np.ndarray:
    matches: np.ndarray = (found == delimiter) | (found == mark) | (found == _NEWLINE) | (found == _RETURN)
    return matches
