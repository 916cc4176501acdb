"""The codecs of Avro blocks, each bounded in what it may unpack to."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, cast

import zstandard

_FREE_BYTES = 64 << 20
_XZ_MEMORY_BYTES = 256 << 20
_CRC_BYTES = 4

Unpack = Callable[[bytes], bytes]


class BadBlock(ValueError):
    """A block that cannot be unpacked; the message says why, for a person."""


def codec(name: str, *, ratio: int) -> Unpack | None:
    """How blocks are unpacked; None where nobody knows the codec.

    Args:
        ratio: Most bytes that a packed byte may unpack to, beyond the first 64 MB.
    """
    known: dict[str, Callable[[bytes, int], bytes]] = {
        "null": lambda packed, _: packed,
        "deflate": _deflate,
        "snappy": _snappy,
        "zstandard": _zstandard,
        "bzip2": _bzip2,
        "xz": _xz,
    }
    found = known.get(name)
    if found is None:
        return None

    def unpack(packed: bytes) -> bytes:
        return found(packed, _FREE_BYTES + ratio * len(packed))

    return unpack


def _deflate(packed: bytes, most: int) -> bytes:
    from isal import isal_zlib

    damage = cast("type[Exception]", isal_zlib.error)
    unpacker = isal_zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(packed, most)
    except damage as error:
        raise BadBlock("its deflate data are damaged") from error
    return _whole(found, whole=unpacker.eof, most=most)


def _snappy(packed: bytes, most: int) -> bytes:
    import cramjam

    if len(packed) <= _CRC_BYTES:
        raise BadBlock("its snappy data are cut")
    try:
        if cramjam.snappy.decompress_raw_len(packed[:-_CRC_BYTES]) > most:
            raise BadBlock(f"it unpacks to more than {most} bytes")
        found = bytes(cramjam.snappy.decompress_raw(packed[:-_CRC_BYTES]))
    except cramjam.DecompressionError as error:
        raise BadBlock("its snappy data are damaged") from error
    if zlib.crc32(found) != int.from_bytes(packed[-_CRC_BYTES:], "big"):
        raise BadBlock("its checksum does not fit")
    return found


def _zstandard(packed: bytes, most: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as stream:
            found = stream.read(most + 1)
    except zstandard.ZstdError as error:
        raise BadBlock("its zstandard data are damaged") from error
    return _whole(found, whole=True, most=most)


def _bzip2(packed: bytes, most: int) -> bytes:
    return _standard(bz2.BZ2Decompressor(), packed, most, name="bzip2")


def _xz(packed: bytes, most: int) -> bytes:
    return _standard(lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES), packed, most, name="xz")


def _standard(unpacker: Any, packed: bytes, most: int, *, name: str) -> bytes:
    try:
        found = unpacker.decompress(packed, most)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BadBlock(f"its {name} data are damaged") from error
    return _whole(found, whole=unpacker.eof, most=most)


def _whole(found: bytes, *, whole: bool, most: int) -> bytes:
    if len(found) >= most:
        raise BadBlock(f"it unpacks to more than {most} bytes")
    if not whole:
        raise BadBlock("its data are cut")
    return found
