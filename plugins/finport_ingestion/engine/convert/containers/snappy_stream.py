"""snappy in its framing format, with the checksum of each chunk verified."""

from __future__ import annotations

from collections.abc import Generator

from finport_ingestion.engine.convert.containers.interface import (
    CHUNK_BYTES,
    Member,
    Opening,
    Packed,
    Readable,
    name_inside,
)
from finport_ingestion.engine.convert.containers.streams import cut, damaged

_SIGNATURE = b"\xff\x06\x00\x00sNaPpY"
_HEADER_BYTES = 4
_RESERVED = range(0x02, 0x80)


class SnappyContainer:
    """`.sz`, `.snappy` with frames; blocks without them have no beginning to be known by."""

    name = "snappy"
    suffixes = (".sz", ".snappy")

    def opens(self, packed: Packed, opening: Opening) -> bool:
        return packed.head.startswith(_SIGNATURE)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        yield Member(name=name_inside(packed.name, self.suffixes), stream=Snappy(packed, uri=packed.uri))


class Snappy:
    """What the chunks hold. About a megabyte of whole chunks is decompressed at a time; none unpacks to over 64 kB."""

    def __init__(self, packed: Readable, *, uri: str) -> None:
        self._packed = packed
        self._uri = uri
        self._content = b""
        self._rest = b""
        self._taken = 0

    def read(self, size: int, /) -> bytes:
        while not self._content:
            data = self._packed.read(CHUNK_BYTES)
            self._taken += len(data)
            self._rest += data
            if not data and self._rest:
                raise cut(self._uri, "snappy", self._taken)
            if not data:
                return b""
            self._content = self._decompress(self._whole_chunks())
        taken, self._content = self._content[:size], self._content[size:]
        return taken

    def _whole_chunks(self) -> bytes:
        data, end = self._rest, 0
        while end + _HEADER_BYTES <= len(data):
            if data[end] in _RESERVED:
                at = self._taken - len(data) + end
                raise damaged(self._uri, "snappy", at, f"chunk of unknown kind {data[end]:#x}")
            size = _HEADER_BYTES + int.from_bytes(data[end + 1 : end + _HEADER_BYTES], "little")
            if end + size > len(data):
                break
            end += size
        self._rest = data[end:]
        return data[:end]

    def _decompress(self, chunks: bytes) -> bytes:
        import cramjam

        if not chunks:
            return b""
        try:
            # A mark of the beginning may stand anywhere, and has to stand in front.
            return bytes(cramjam.snappy.decompress(_SIGNATURE + chunks))
        except cramjam.DecompressionError as error:
            at = self._taken - len(self._rest) - len(chunks)
            raise damaged(self._uri, "snappy", at, str(error)) from error
