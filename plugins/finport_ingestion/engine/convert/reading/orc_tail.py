"""Where the streams of an ORC file's columns lie: its postscript, footer and stripe footers.

https://orc.apache.org/specification/ORCv1/
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

PRESENT, DATA, SECONDARY = 0, 1, 5
TIMESTAMP, TIMESTAMP_INSTANT, STRUCT = 9, 18, 12
_NONE, _ZLIB, _SNAPPY, _LZ4, _ZSTD = 0, 1, 2, 4, 5
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_TAIL_BYTES = 256 << 20
_MOST_BLOCK_BYTES = 64 << 20

Fields = dict[int, list[int | bytes]]


@dataclass(frozen=True, slots=True)
class Stripe:
    """Some rows of a file, and where they lie."""

    offset: int
    index_bytes: int
    data_bytes: int
    footer_bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column at the top of the schema."""

    name: str
    number: int  # of its type
    kind: int


@dataclass(frozen=True, slots=True)
class Streams:
    """What a stripe has of a column."""

    content: dict[int, bytes]  # by kind, unpacked
    second_version: bool  # of the encoding of integers
    time_zone: str  # of the writer


class OrcTail:
    """The structure of an open ORC file.

    Raises:
        ArrowInvalid: It is damaged, or packed in a way that nothing here unpacks.
    """

    def __init__(self, stream: BinaryIO, *, size_bytes: int) -> None:
        self._stream = stream
        length = self._read(size_bytes - 1, 1)[0]
        postscript = parse_message(self._read(size_bytes - 1 - length, length))
        self._packing = number(postscript, 2)
        footer_bytes = number(postscript, 1)
        footer = parse_message(self._unpacked(self._read(size_bytes - 1 - length - footer_bytes, footer_bytes)))
        self.stripes = [_stripe(parse_message(part)) for part in messages(footer, 3)]
        types = [parse_message(part) for part in messages(footer, 4)]
        self.columns = list(_columns(types))

    def streams(self, stripe: Stripe, column: Column) -> Streams:
        """The streams that hold the values of a column."""
        at = stripe.offset
        end = at + stripe.index_bytes + stripe.data_bytes
        footer = parse_message(self._unpacked(self._read(end, stripe.footer_bytes)))
        content: dict[int, bytes] = {}
        for stream in map(parse_message, messages(footer, 1)):
            kind, length = number(stream, 1), number(stream, 3)
            if number(stream, 2) == column.number and kind in (PRESENT, DATA, SECONDARY):
                content[kind] = self._unpacked(self._read(at, length))
            at += length
        encodings = [number(parse_message(part), 1) for part in messages(footer, 2)]
        if column.number >= len(encodings):
            raise pa.ArrowInvalid("a column without an encoding")
        zone = b"".join(messages(footer, 3)).decode("ascii", "replace")
        return Streams(content, encodings[column.number] >= 2, zone or "UTC")

    def _read(self, at: int, size: int) -> bytes:
        if at < 0 or not 0 <= size <= _MOST_TAIL_BYTES:
            raise pa.ArrowInvalid("a place outside the file")
        self._stream.seek(at)
        found = self._stream.read(size)
        if len(found) < size:
            raise pa.ArrowInvalid("a place outside the file")
        return found

    def _unpacked(self, packed: bytes) -> bytes:
        """Chunks with a header of three bytes each: their length, and whether they are packed at all."""
        if self._packing == _NONE:
            return packed
        parts, at = [], 0
        while at < len(packed):
            header = int.from_bytes(packed[at : at + 3], "little")
            chunk = packed[at + 3 : at + 3 + (header >> 1)]
            parts.append(chunk if header & 1 else _unpack(self._packing, chunk))
            at += 3 + (header >> 1)
        return b"".join(parts)


def _unpack(packing: int, chunk: bytes) -> bytes:
    import cramjam
    import lz4.block  # type: ignore[import-untyped]
    import zstandard

    try:
        if packing == _ZLIB:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(chunk, _MOST_BLOCK_BYTES)
        if packing == _SNAPPY:
            return bytes(cramjam.snappy.decompress_raw(chunk))
        if packing == _LZ4:
            found: bytes = lz4.block.decompress(chunk, uncompressed_size=_MOST_BLOCK_BYTES)
            return found
        if packing == _ZSTD:
            return zstandard.ZstdDecompressor().decompress(chunk, max_output_size=_MOST_BLOCK_BYTES)
    except (zlib.error, cramjam.DecompressionError, lz4.block.LZ4BlockError, zstandard.ZstdError) as error:
        raise pa.ArrowInvalid("a packed stream that is damaged") from error
    raise pa.ArrowInvalid("a way of packing that nothing here unpacks")


def _columns(types: list[Fields]) -> Iterator[Column]:
    if not types or number(types[0], 1) != STRUCT:
        raise pa.ArrowInvalid("a file whose rows are no struct")
    names = [part.decode("utf-8", "replace") for part in messages(types[0], 3)]
    for name, at in zip(names, _packed_numbers(types[0], 2), strict=False):
        if at >= len(types):
            raise pa.ArrowInvalid("a column without a type")
        yield Column(name, at, number(types[at], 1))


def _stripe(fields: Fields) -> Stripe:
    return Stripe(*(number(fields, place) for place in range(1, 6)))


def parse_message(content: bytes) -> Fields:
    """The fields of a protobuf message, by number: integers and bytes, as they are on the wire."""
    fields: Fields = {}
    at = 0
    while at < len(content):
        key, at = read_varint(content, at)
        value: int | bytes
        if key & 7 == _VARINT:
            value, at = read_varint(content, at)
        else:
            size, at = _size(key & 7, content, at)
            value = content[at : at + size]
            at += size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _size(wire: int, content: bytes, at: int) -> tuple[int, int]:
    if wire == _BYTES:
        return read_varint(content, at)
    if wire in (_FIXED64, _FIXED32):
        return (8 if wire == _FIXED64 else 4), at
    raise pa.ArrowInvalid("a footer that is damaged")


def read_varint(content: bytes, at: int) -> tuple[int, int]:
    """An unsigned integer of seven bits a byte, and the place behind it."""
    found = shift = 0
    while at < len(content) and shift < 70:
        byte = content[at]
        found |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return found, at
    raise pa.ArrowInvalid("an integer without an end")


def number(fields: Fields, place: int) -> int:
    """The last integer of a field; 0 where there is none."""
    found = fields.get(place, [0])[-1]
    if not isinstance(found, int):
        raise pa.ArrowInvalid("a footer that is damaged")
    return found


def messages(fields: Fields, place: int) -> list[bytes]:
    """All the bytes of a repeated field."""
    return [part for part in fields.get(place, []) if isinstance(part, bytes)]


def _packed_numbers(fields: Fields, place: int) -> Iterator[int]:
    for part in fields.get(place, []):
        if isinstance(part, int):
            yield part
            continue
        at = 0
        while at < len(part):
            found, at = read_varint(part, at)
            yield found
