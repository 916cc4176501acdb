"""xz of one or several streams, and its forerunner lzma, with checks verified and memory bounded."""

from __future__ import annotations

import lzma
from collections.abc import Generator

from finport_ingestion.engine.convert.containers.interface import Member, Opening, Packed, name_inside
from finport_ingestion.engine.convert.containers.streams import Codec, Decompressor, inflated

_SIGNATURE = b"\xfd7zXZ\x00"
_MEMORY_BYTES = 256 << 20
"""`xz -9` needs 65 MB to be read."""
_OPEN_END = b"\xff" * 8
_LONGEST = 1 << 40


class XzContainer:
    """`.xz`, `.txz`, `.lzma`."""

    name = "xz"
    suffixes = (".xz", ".lzma", ".txz", ".tlz")

    def opens(self, packed: Packed, opening: Opening) -> bool:
        return packed.head.startswith(_SIGNATURE) or _is_lzma(packed.head)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        old = not packed.head.startswith(_SIGNATURE)
        codec = Codec(
            name="lzma" if old else "xz",
            make=_lzma if old else _xz,
            signature=packed.head[:1] if old else _SIGNATURE,
            errors=(lzma.LZMAError,),
            padding=not old,
        )
        yield Member(name=name_inside(packed.name, self.suffixes), stream=inflated(packed, codec, opening))


def _xz() -> Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_BYTES)


def _lzma() -> Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, _MEMORY_BYTES)


def _is_lzma(head: bytes) -> bool:
    """The header has no signature: properties, a dictionary of 2^n or 2^n + 2^(n-1) bytes, a length or none."""
    if len(head) < 13 or head[0] != 0x5D:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    highest = 1 << max(dictionary.bit_length() - 1, 0)
    of_a_power = dictionary in (highest, highest | highest >> 1) and dictionary >= 4096
    return of_a_power and (head[5:13] == _OPEN_END or int.from_bytes(head[5:13], "little") < _LONGEST)
