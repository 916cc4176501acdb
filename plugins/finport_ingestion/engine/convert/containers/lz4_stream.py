"""lz4 frames, one or several, with their checksums verified."""

from __future__ import annotations

from collections.abc import Generator
from typing import cast

from finport_ingestion.engine.convert.containers.interface import Member, Opening, Packed, name_inside
from finport_ingestion.engine.convert.containers.streams import Codec, Decompressor, inflated

_SIGNATURE = b"\x04\x22\x4d\x18"


class Lz4Container:
    """`.lz4` as the lz4 tool writes it."""

    name = "lz4"
    suffixes = (".lz4",)

    def opens(self, packed: Packed, opening: Opening) -> bool:
        return packed.head.startswith(_SIGNATURE)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        import lz4.frame  # type: ignore[import-untyped]

        def decompressor() -> Decompressor:
            return cast("Decompressor", lz4.frame.LZ4FrameDecompressor())

        codec = Codec(name="lz4", make=decompressor, signature=_SIGNATURE, errors=(RuntimeError, ValueError))
        yield Member(name=name_inside(packed.name, self.suffixes), stream=inflated(packed, codec, opening))
