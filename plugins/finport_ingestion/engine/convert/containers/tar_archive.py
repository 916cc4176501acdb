"""tar, read as a stream: plain, or inside any compression."""

from __future__ import annotations

from collections.abc import Generator

from finport_ingestion.engine.convert.containers.interface import CHUNK_BYTES, Member, Opening, Packed
from finport_ingestion.engine.convert.containers.streams import Bounded
from finport_ingestion.engine.convert.containers.tar_headers import (
    BLOCK_BYTES,
    ZERO_BLOCK,
    BrokenHeader,
    Header,
    decimal_size,
    is_header,
    parsed,
    pax_records,
    text,
)
from finport_ingestion.engine.errors import FormatError

_EXTENDED_BYTES = 1 << 20
"""Longest extended header: it holds names and times."""
_FILE, _FOLDER, _VOLUME = b"0", b"5", b"V"
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"
_REFUSED = {
    b"1": "a link",
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
    b"M": "a part of a file of several volumes",
}
_AGAIN = "ask the sender to build the archive again"


class TarContainer:
    """`.tar`. Links, devices and sparse files are refused: data is delivered as files."""

    name = "tar"
    suffixes = (".tar",)

    def opens(self, packed: Packed, opening: Opening) -> bool:
        return is_header(packed.head[:BLOCK_BYTES])

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        return _Tar(packed).members()


class _Tar:
    def __init__(self, packed: Packed) -> None:
        self._packed = packed
        self._uri = packed.uri
        self._offset = 0

    def members(self) -> Generator[Member]:
        extended: dict[str, str] = {}
        while (block := self._block()) != ZERO_BLOCK:
            try:
                header = parsed(block)
                if header.kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
                    extended |= self._extended(header)
                    continue
                header = _renamed(header, extended)
            except BrokenHeader as error:
                raise self._damaged(f"{error}") from error
            extended = {}
            yield from self._entry(header)
        self._end()

    def _entry(self, header: Header) -> Generator[Member]:
        if header.kind in _REFUSED:
            raise FormatError(
                f"{self._uri}: its entry '{header.name}' is {_REFUSED[header.kind]}; only files are taken.",
                offset_bytes=self._offset - BLOCK_BYTES,
                hint="ask the sender to pack the files themselves",
            )
        if header.kind not in (_FILE, _FOLDER, _VOLUME):
            raise self._damaged(f"an entry is of the unknown kind {header.kind!r}")
        content = Bounded(self._packed, header.size_bytes, uri=self._uri, what=f"its entry '{header.name}'")
        if header.kind == _FILE:
            yield Member(name=header.name, stream=content)
        content.skip()
        padding = header.padded_bytes - header.size_bytes
        Bounded(self._packed, padding, uri=self._uri, what="its last block").skip()
        self._offset += header.padded_bytes

    def _extended(self, header: Header) -> dict[str, str]:
        """What an extended header says of the entry behind it; of all entries nothing is taken that matters here."""
        if header.size_bytes > _EXTENDED_BYTES:
            raise BrokenHeader(f"an extended header of {header.size_bytes} bytes")
        stream = Bounded(self._packed, header.padded_bytes, uri=self._uri, what="an extended header")
        content = bytearray()
        while chunk := stream.read(CHUNK_BYTES):
            content += chunk
        self._offset += header.padded_bytes
        plain = bytes(content[: header.size_bytes])
        if header.kind == _PAX:
            return pax_records(plain)
        return {"path": text(plain)} if header.kind == _LONG_NAME else {}

    def _block(self) -> bytes:
        block = b""
        while len(block) < BLOCK_BYTES:
            more = self._packed.read(BLOCK_BYTES - len(block))
            if not more:
                raise FormatError(
                    f"{self._uri}: the tar archive is cut: it ends at byte {self._offset + len(block)} without its "
                    "end mark.",
                    offset_bytes=self._offset + len(block),
                    hint=_AGAIN,
                )
            block += more
        self._offset += BLOCK_BYTES
        return block

    def _end(self) -> None:
        """Behind the end mark there are zeros, or another archive that was appended and would be lost."""
        end = self._offset
        while rest := self._packed.read(CHUNK_BYTES):
            if rest.strip(b"\0"):
                raise FormatError(
                    f"{self._uri}: more data follows the end of the tar archive at byte {end}.",
                    offset_bytes=end,
                    hint=_AGAIN,
                )

    def _damaged(self, why: str) -> FormatError:
        at = self._offset - BLOCK_BYTES
        return FormatError(
            f"{self._uri}: the tar archive is damaged at byte {at}: {why}.", offset_bytes=at, hint=_AGAIN
        )


def _renamed(header: Header, extended: dict[str, str]) -> Header:
    """The header with what the extended ones before it say."""
    if any(key.startswith("GNU.sparse") for key in extended):
        return Header(name=extended.get("GNU.sparse.name", header.name), size_bytes=0, kind=b"S")
    name = extended.get("path", header.name)
    size = decimal_size(extended["size"]) if "size" in extended else header.size_bytes
    kind = _FOLDER if header.kind == _FILE and name.endswith("/") else header.kind
    return Header(name=name, size_bytes=size, kind=kind, link=header.link)
