"""Bodies that come compressed, unpacked as they arrive, and only taken for whole when their end is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from isal import igzip_lib, isal_zlib

from finport_ingestion.engine.errors import FinportError, PermanentError, SourceUnavailable

_PIECE_BYTES = 1 << 20
_GZIP = 31
_ZLIB = 15
_RAW = -15
_ZLIB_METHOD = 8


class Inflating:
    """`gzip` or `deflate`; pieces of at most a MiB, however much a few bytes would make."""

    def __init__(self, encoding: str, *, what: str) -> None:
        """Raises PermanentError for an encoding that nobody asked for."""
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise PermanentError(
                f"{what}: the body comes in an encoding that was not asked for.",
                hint="ask the provider for gzip, or for no Content-Encoding",
            )
        self._what = what
        self._gzip = encoding != "deflate"
        self._unpacking: Any = None  # nothing has come yet: an empty body is whole

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk makes. Raises SourceUnavailable where it is not what the headers say."""
        try:
            yield from self._pieces(chunk)
        except igzip_lib.IsalError:  # type: ignore[misc]
            raise self._broken("the body is not compressed as its headers say") from None

    def check_end(self) -> None:
        """Raises SourceUnavailable where more should have come."""
        if self._unpacking is not None and not self._unpacking.eof:
            raise self._broken("the compressed body ends too soon")

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        left = self._behind_the_end(chunk)
        more = bool(left)
        while more:
            if self._unpacking is None or self._unpacking.eof:
                self._unpacking = self._next_member(left)
            piece = self._unpacking.decompress(left, _PIECE_BYTES)
            if piece:
                yield piece
            left = self._behind_the_end(self._unpacking.unused_data or self._unpacking.unconsumed_tail)
            # All may have been taken in, and not all of it given out.
            more = bool(left) or (len(piece) == _PIECE_BYTES and not self._unpacking.eof)

    def _behind_the_end(self, chunk: bytes) -> bytes:
        """Without the zeros with which some pad a file."""
        return chunk.lstrip(b"\0") if self._unpacking is not None and self._unpacking.eof else chunk

    def _next_member(self, start: bytes) -> Any:
        if self._gzip:
            return isal_zlib.decompressobj(wbits=_GZIP)
        # "deflate" means zlib's format; some servers send it bare.
        return isal_zlib.decompressobj(wbits=_ZLIB if start[0] & 15 == _ZLIB_METHOD else _RAW)

    def _broken(self, told: str) -> FinportError:
        return SourceUnavailable(f"{self._what}: {told}.", hint="try later; ask the provider if it lasts")
