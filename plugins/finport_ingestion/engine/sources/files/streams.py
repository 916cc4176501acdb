"""Streams of bytes over other streams."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, BinaryIO, cast


class _Bounded(io.RawIOBase):
    def __init__(self, stream: IO[bytes], size_bytes: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self._stream.read(min(len(buffer), self._left))
        buffer[: len(content)] = content
        self._left -= len(content)
        return len(content)


def bounded(stream: IO[bytes], size_bytes: int) -> BinaryIO:
    """The next `size_bytes` of `stream`, or fewer where it ends; closing it leaves the other open."""
    return io.BufferedReader(_Bounded(stream, size_bytes), buffer_size=1 << 20)


class _Joined(io.RawIOBase):
    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks = blocks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        """What is left of a block, up to `size`: a block is copied only where it is cut."""
        if size is None or size < 0:
            return self.readall()
        if not self._left:
            block = next(self._blocks, b"")
            if len(block) <= size:
                return block
            self._left = memoryview(block)
        content = bytes(self._left[:size])
        self._left = self._left[size:]
        return content

    def readall(self) -> bytes:
        content = b"".join((self._left, *self._blocks))
        self._left = memoryview(b"")
        return content

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def joined(blocks: Iterator[bytes]) -> BinaryIO:
    """The blocks of an iterator, none of them empty, one after the other."""
    return cast("BinaryIO", _Joined(blocks))
