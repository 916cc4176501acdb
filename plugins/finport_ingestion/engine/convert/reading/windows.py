"""A stream of UTF-8 delimited text cut into windows of whole records, without losing a byte.

A newline inside quotes is no end of a record: a window is cut where the number of quotes before the cut is even, after
every quote has been proved to stand where a quote may stand. Where that proof fails, the exact parser finds the cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a window may end, and whether its quotes are proved right up to there."""

    size: int
    proved: bool


def joined(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each piece with whether it is the last one."""
    current = next(pieces, b"")
    for following in pieces:
        yield current, False
        current = following
    yield current, True


def find_cut(window: bytes, *, delimiter: str, quote: str, final: bool) -> Cut:
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


def last_line_end(window: bytes, limit: int | None = None) -> int:
    """The length of `window[:limit]` up to its last line end, which is a lone CR only where there is no LF."""
    limit = len(window) if limit is None else limit
    end = window.rfind(b"\n", 0, limit) + 1
    if end == 0:
        # A CR as the last byte may be half of CRLF.
        end = window.rfind(b"\r", 0, max(limit - 1, 0)) + 1
    return end


def _last_even_line_end(window: bytes, quotes: np.ndarray) -> int:
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
