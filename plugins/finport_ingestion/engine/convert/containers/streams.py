"""Compressed streams of one or more members, of bounded memory, that end well or raise FormatError."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from finport_ingestion.engine.convert.containers.interface import CHUNK_BYTES, Opening, Packed, Readable
from finport_ingestion.engine.errors import FormatError

# An input as long as the output asked for is copied again for each of many small members.
_INPUT_BYTES = 256 << 10
_AGAIN = "ask for the file again: it was cut or changed on its way"


class Decompressor(Protocol):
    """What bz2, lzma, lz4 and isal call so: at most `max_length` bytes a call, the rest waits inside."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How one kind of compression is undone."""

    name: str  # for messages
    make: Callable[[], Decompressor]
    signature: bytes  # of each member
    errors: tuple[type[Exception], ...]
    padding: bool = False  # zeros behind the last member are of the format


def deflate_codec(name: str, *, in_gzip: bool, signature: bytes) -> Codec:
    """By isal, which inflates at about three times the speed of the standard library's zlib."""
    from isal import igzip_lib

    flag = igzip_lib.DECOMP_GZIP if in_gzip else igzip_lib.DECOMP_DEFLATE

    def decompressor() -> Decompressor:
        return igzip_lib.IgzipDecompressor(flag)

    return Codec(name=name, make=decompressor, signature=signature, errors=(cast("type[Exception]", igzip_lib.error),))


class Inflated:
    """What the members of a compressed stream hold, one after the other."""

    def __init__(self, packed: Readable, codec: Codec, *, uri: str, opening: Opening) -> None:
        self._packed = packed
        self._codec = codec
        self._uri = uri
        self._opening = opening
        self._decoder = codec.make()
        self._input = b""
        self._taken = 0
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            if self._decoder.eof:
                self._next_member()
                continue
            if self._decoder.needs_input and not self._input:
                self._take()
            data, self._input = self._input, b""
            if content := self._decompress(data, size):
                return content
        return b""

    def _decompress(self, data: bytes, size: int) -> bytes:
        try:
            return self._decoder.decompress(data, size)
        except self._codec.errors as error:
            at = max(0, self._taken - len(data))
            raise damaged(self._uri, self._codec.name, at, str(error)) from error

    def _take(self) -> None:
        self._input = self._more()
        if not self._input:
            raise cut(self._uri, self._codec.name, self._taken)

    def _more(self) -> bytes:
        data = self._packed.read(_INPUT_BYTES)
        self._taken += len(data)
        return data

    def _next_member(self) -> None:
        """Begin the member that follows, or end where none does."""
        rest = self._decoder.unused_data or b""
        begins = self._taken - len(rest)
        padded = 0
        while True:
            stripped = rest.lstrip(b"\0")
            padded += len(rest) - len(stripped)
            rest = stripped
            if len(rest) >= len(self._codec.signature) or not (more := self._more()):
                break
            rest += more
        if padded and not self._codec.padding:
            self._opening.warnings.append(f"{self._uri}: {padded} zero bytes behind its {self._codec.name} data.")
        self._ended = not rest
        if rest and not rest.startswith(self._codec.signature[: len(rest)]):
            raise trailing(self._uri, self._codec.name, begins)
        if rest:
            self._decoder, self._input = self._codec.make(), rest


class Bounded:
    """The next `size` bytes of a stream."""

    def __init__(self, stream: Readable, size: int, *, uri: str, what: str) -> None:
        self._stream = stream
        self._left = size
        self._uri = uri
        self._what = what

    def read(self, size: int, /) -> bytes:
        if not self._left:
            return b""
        content = self._stream.read(min(size, self._left))
        if not content:
            raise FormatError(f"{self._uri}: {self._what} is cut, {self._left} bytes are missing.", hint=_AGAIN)
        self._left -= len(content)
        return content

    def skip(self) -> None:
        """Read what is left."""
        while self.read(CHUNK_BYTES):
            pass


def inflated(packed: Packed, codec: Codec, opening: Opening) -> Inflated:
    return Inflated(packed, codec, uri=packed.uri, opening=opening)


def cut(uri: str, what: str, at: int) -> FormatError:
    return FormatError(
        f"{uri}: its {what} data is cut: it ends at byte {at} without its end mark.", offset_bytes=at, hint=_AGAIN
    )


def damaged(uri: str, what: str, at: int, why: str) -> FormatError:
    why = why.rstrip(".")
    return FormatError(f"{uri}: its {what} data is damaged behind byte {at} ({why}).", offset_bytes=at, hint=_AGAIN)


def trailing(uri: str, what: str, at: int) -> FormatError:
    return FormatError(
        f"{uri}: bytes that are no {what} data follow its end at byte {at}.", offset_bytes=at, hint=_AGAIN
    )
