"""Which bytes of a file are there."""

from __future__ import annotations

from bisect import bisect_left


class Coverage:
    """Ranges of bytes, `start` up to but without `stop`, those that touch put together."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, start: int, stop: int) -> None:
        """These are there, too."""
        at = bisect_left(self._ranges, (start, stop))
        if at and self._ranges[at - 1][1] >= start:
            at -= 1
            start = self._ranges[at][0]
        end = at
        while end < len(self._ranges) and self._ranges[end][0] <= stop:
            stop = max(stop, self._ranges[end][1])
            end += 1
        self._ranges[at:end] = [(start, stop)]

    def frontier(self) -> int:
        """How many bytes are there from the first on."""
        return self._ranges[0][1] if self._ranges and self._ranges[0][0] == 0 else 0

    def missing(self, size_bytes: int, *, at_most: int) -> list[tuple[int, int]]:
        """What is not there of so many bytes, in order, in ranges of at most so many."""
        gaps: list[tuple[int, int]] = []
        reached = 0
        for start, stop in [*self._ranges, (size_bytes, size_bytes)]:
            until = min(start, size_bytes)
            gaps += [(begin, min(begin + at_most, until)) for begin in range(reached, until, at_most)]
            reached = max(reached, stop)
        return gaps
