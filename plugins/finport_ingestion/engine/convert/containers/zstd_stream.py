"""zstd, of one or several frames, with checksums verified where the frames have them."""

from __future__ import annotations

import io
from collections.abc import Generator

from finport_ingestion.engine.convert.containers.interface import Member, Opening, Packed, Readable, name_inside
from finport_ingestion.engine.convert.containers.streams import cut, damaged

_SIGNATURE = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"


class ZstdContainer:
    """`.zst`; a window of over 128 MB (`--long=28` and more) is refused."""

    name = "zstd"
    suffixes = (".zst", ".zstd", ".tzst")

    def opens(self, packed: Packed, opening: Opening) -> bool:
        head = packed.head
        skippable = head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F
        return head.startswith(_SIGNATURE) or (skippable and _SIGNATURE in head)

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        yield Member(name=name_inside(packed.name, self.suffixes), stream=Zstd(packed, uri=packed.uri))


class Zstd:
    """What the frames hold. Arrow's decompression tells a cut frame from a whole one; other readers give half of it."""

    def __init__(self, packed: Readable, *, uri: str) -> None:
        import pyarrow as pa

        self._uri = uri
        self._source = _Source(packed)
        self._stream = pa.CompressedInputStream(self._source, "zstd")

    def read(self, size: int, /) -> bytes:
        try:
            content: bytes = self._stream.read(size)
        except OSError as error:
            if self._source.error is not None:
                raise self._source.error from error
            if "Truncated" in str(error):
                raise cut(self._uri, "zstd", self._source.taken) from error
            raise damaged(self._uri, "zstd", self._source.before, _wording(str(error))) from error
        return content


class _Source(io.RawIOBase):
    """What Arrow takes for a file. An error of ours is kept, since it comes back as one of Arrow's."""

    def __init__(self, packed: Readable) -> None:
        super().__init__()
        self._packed = packed
        self.taken = 0
        self.before = 0
        self.error: Exception | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            content = self._packed.read(size)
        except Exception as error:
            self.error = error
            raise OSError from error
        self.before, self.taken = self.taken, self.taken + len(content)
        return content


def _wording(message: str) -> str:
    return message.partition("failed: ")[2] or message
