"""Streams of bytes over other streams."""

from __future__ import annotations

import io
from typing import IO, BinaryIO


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
