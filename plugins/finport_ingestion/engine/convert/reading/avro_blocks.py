"""The container of an Avro file: its header, and its blocks unpacked and gathered.

https://avro.apache.org/docs/current/specification/#object-container-files
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.avro_codecs import BadBlock, codec
from finport_ingestion.engine.errors import FormatError

MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_MOST_HEADER_BYTES = 16 << 20
_MOST_VARINT_BYTES = 10
_FIX = "the file is cut or damaged: ask for it again"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself."""

    schema: str
    codec: str
    sync: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Records of a file, unpacked."""

    count: int
    content: bytes
    size_bytes: int  # in the file
    offset_bytes: int


class Container:
    """An open Avro file."""

    def __init__(self, raw: RawFile, stream: BinaryIO) -> None:
        self._raw = raw
        self._stream = stream
        self._at = 0
        self.header = self._read_header()

    def blocks(self) -> Iterator[Block]:
        """Every block, in order.

        Raises:
            FormatError: The file is cut or damaged.
        """
        unpack = codec(self.header.codec, ratio=self._raw.limits.unpack_ratio)
        if unpack is None:
            raise FormatError(
                f"{self._raw.uri}: its blocks are packed with '{self.header.codec}', which nothing here reads.",
                hint="ask for the codec null, deflate, snappy, zstandard, bzip2 or xz",
            )
        while self._at < self._raw.size_bytes:
            start = self._at
            count, size = self._varint(), self._varint()
            if count < 0 or size < 0:
                raise self._damaged("a block has a negative size")
            packed = self._take(size)
            if self._take(_SYNC_BYTES) != self.header.sync:
                raise self._damaged("the mark behind a block is not the file's")
            try:
                content = unpack(packed)
            except BadBlock as error:
                raise FormatError(f"{self._raw.uri}: byte {start}: {error}.", offset_bytes=start, hint=_FIX) from error
            yield Block(count, content, self._at - start, start)

    def _read_header(self) -> Header:
        if self._take(len(MAGIC)) != MAGIC:
            raise FormatError(
                f"{self._raw.uri}: not an Avro file: it does not begin with Obj and 1.",
                offset_bytes=0,
                hint="check what was delivered; Avro messages without a container need their schema beside them",
            )
        entries: dict[str, bytes] = {}
        while count := self._varint():
            if count < 0:
                self._varint()
            for _ in range(abs(count)):
                name = self._header_bytes().decode("utf-8", "replace")
                entries[name] = self._header_bytes()
        sync = self._take(_SYNC_BYTES)
        schema = entries.get("avro.schema")
        if schema is None:
            raise self._damaged("its header has no schema")
        named = entries.get("avro.codec", b"null").decode("utf-8", "replace") or "null"
        return Header(schema.decode("utf-8", "replace"), named, sync)

    def _header_bytes(self) -> bytes:
        size = self._varint()
        if self._at + size > _MOST_HEADER_BYTES:
            raise self._damaged("its header is longer than 16 MB")
        return self._take(size)

    def _take(self, size: int) -> bytes:
        if size < 0 or self._at + size > self._raw.size_bytes:
            raise self._damaged("it ends in the middle of a block")
        found = self._stream.read(size)
        if len(found) < size:
            raise self._damaged("it ends in the middle of a block")
        self._at += size
        return found

    def _varint(self) -> int:
        number = 0
        for place in range(_MOST_VARINT_BYTES):
            byte = self._take(1)[0]
            number |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return (number >> 1) ^ -(number & 1)
        raise self._damaged("a number in it has no end")

    def _damaged(self, what: str) -> FormatError:
        return FormatError(f"{self._raw.uri}: byte {self._at}: {what}.", offset_bytes=self._at, hint=_FIX)


def varint(number: int) -> bytes:
    """`number` as Avro writes integers."""
    coded = (number << 1) ^ (number >> 63)
    found = bytearray()
    while coded > 0x7F:
        found.append(coded & 0x7F | 0x80)
        coded >>= 7
    found.append(coded)
    return bytes(found)
