"""bzip2, of one or several streams, with CRC checked."""

from __future__ import annotations

import bz2
from collections.abc import Generator

from finport_ingestion.engine.convert.containers.interface import Member, Opening, Packed, name_inside
from finport_ingestion.engine.convert.containers.streams import Codec, inflated

_BLOCK = b"1AY&SY"
_END = b"\x17\x72\x45\x38\x50\x90"
_SIGNATURE = b"BZh"


class Bzip2Container:
    """`.bz2`, `.tbz2`."""

    name = "bzip2"
    suffixes = (".bz2", ".bz", ".tbz2", ".tbz")

    def opens(self, packed: Packed, opening: Opening) -> bool:
        head = packed.head[:10]
        return head.startswith(_SIGNATURE) and head[3:4] in b"123456789" and head[4:] in (_BLOCK, _END)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        codec = Codec(name="bzip2", make=bz2.BZ2Decompressor, signature=_SIGNATURE, errors=(OSError, ValueError))
        yield Member(name=name_inside(packed.name, self.suffixes), stream=inflated(packed, codec, opening))
