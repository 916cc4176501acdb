"""Streams of an OLE compound file, the container of old Office documents and of encrypted new ones ([MS-CFB])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END, _FREE = 0xFFFFFFFE, 0xFFFFFFFF
_HEADER_TABLE = 109  # sectors of the allocation table that the header lists
_STREAM, _ROOT = 2, 5


class BadContainer(ValueError):
    """The bytes contradict themselves; the message says where."""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    start: int
    size: int


class Container:
    """An OLE file held in memory.

    Raises:
        BadContainer: It is none, is cut, or its tables run in circles.
    """

    def __init__(self, content: bytes) -> None:
        if not content.startswith(SIGNATURE) or len(content) < 512:
            raise BadContainer("no OLE container")
        self._content = content
        shift, mini_shift = struct.unpack_from("<HH", content, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise BadContainer(f"sectors of 2^{shift} bytes")
        self._size = 1 << shift
        self._table = self._read_table()
        directory = self._chain(self._number(48))
        self._entries = dict(_entries(directory))
        self._mini = b""
        self._mini_table: list[int] = []

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._entries)

    def read(self, name: str) -> bytes:
        """A stream, whole."""
        entry = self._entries[name]
        if entry.size >= self._number(56):
            content = self._chain(entry.start)
        else:
            content = self._mini_chain(entry.start)
        if len(content) < entry.size:
            raise BadContainer(f"stream '{name}' has {len(content)} of {entry.size} bytes")
        return content[: entry.size]

    def _number(self, at: int) -> int:
        return int(struct.unpack_from("<I", self._content, at)[0])

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        if at >= len(self._content):
            raise BadContainer(f"sector {number} lies behind the end of the file")
        return self._content[at : at + self._size]

    def _read_table(self) -> list[int]:
        numbers = list(struct.unpack_from(f"<{_HEADER_TABLE}I", self._content, 76))
        following, seen = self._number(68), 0
        while following not in (_END, _FREE):
            more = _integers(self._sector(following))
            numbers += more[:-1]
            following, seen = more[-1], seen + 1
            if seen > len(self._content) // self._size:
                raise BadContainer("its allocation table runs in a circle")
        table: list[int] = []
        for number in numbers[: self._number(44)]:
            if number not in (_END, _FREE):
                table += _integers(self._sector(number))
        return table

    def _chain(self, start: int) -> bytes:
        return b"".join(self._sector(number) for number in _followed(start, self._table))

    def _mini_chain(self, start: int) -> bytes:
        if not self._mini_table:
            root = next((entry for entry in self._entries.values() if entry.kind == _ROOT), None)
            self._mini = self._chain(root.start) if root else b""
            self._mini_table = _integers(self._chain(self._number(60)))
        return b"".join(self._mini[number * 64 : number * 64 + 64] for number in _followed(start, self._mini_table))


def _followed(start: int, table: list[int]) -> Iterator[int]:
    number, seen = start, 0
    while number not in (_END, _FREE):
        if number >= len(table) or seen > len(table):
            raise BadContainer("a chain of sectors leads nowhere")
        yield number
        number, seen = table[number], seen + 1


def _integers(sector: bytes) -> list[int]:
    count = len(sector) // 4
    return list(struct.unpack_from(f"<{count}I", sector))


def _entries(directory: bytes) -> Iterator[tuple[str, _Entry]]:
    for at in range(0, len(directory) - 127, 128):
        length, kind = struct.unpack_from("<HB", directory, at + 64)
        if kind in (_STREAM, _ROOT) and 2 <= length <= 64:
            name = directory[at : at + length - 2].decode("utf-16-le", "replace")
            start, size = struct.unpack_from("<II", directory, at + 116)
            yield name, _Entry(kind, start, size)
