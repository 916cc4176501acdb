"""gzip, of one or several members (RFC 1952), with length and CRC checked."""

from __future__ import annotations

from collections.abc import Generator

from finport_ingestion.engine.convert.containers.interface import Member, Opening, Packed, name_inside
from finport_ingestion.engine.convert.containers.streams import deflate_codec, inflated

_SIGNATURE = b"\x1f\x8b\x08"


class GzipContainer:
    """`.gz`, `.tgz`; also what bgzip writes."""

    name = "gzip"
    suffixes = (".gz", ".gzip", ".tgz", ".bgz")

    def opens(self, packed: Packed, opening: Opening) -> bool:
        return packed.head.startswith(_SIGNATURE)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        codec = deflate_codec("gzip", in_gzip=True, signature=_SIGNATURE)
        yield Member(name=name_inside(packed.name, self.suffixes), stream=inflated(packed, codec, opening))
