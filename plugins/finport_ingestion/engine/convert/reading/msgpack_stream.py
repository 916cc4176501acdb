"""MessagePack as values: one array of records, or records one after another. Streamed, with the place of a fault."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import msgpack

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.json_texts import Ambiguous
from finport_ingestion.engine.errors import FormatError

_CHUNK = 1 << 20
_HINT = "ask for the file again: it seems to be cut or damaged"


class Extension(bytes):
    """The bytes of an extension type that is not MessagePack's own."""


@dataclass(slots=True)
class Values:
    """One pass over the records of a file."""

    raw: RawFile
    extensions: set[int] = field(default_factory=set)  # codes of unknown extension types

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Each record with the offset of its first byte.

        Raises:
            FormatError: The bytes are no MessagePack, or end inside a value.
        """
        with self.raw.open() as stream:
            yield from self._records(stream)

    def _records(self, stream: IO[bytes]) -> Iterator[tuple[int, Any]]:
        at = 0
        while at < self.raw.size_bytes:
            stream.seek(at)
            count, header = array_header(stream.read(5))
            if count is not None and self._holds_records(stream, at + header):
                at = yield from self._values(stream, at + header, count)
            else:
                # A record itself, or what is none: the rest of the file is one stream of them.
                at = yield from self._values(stream, at, None)

    def _holds_records(self, stream: IO[bytes], at: int) -> bool:
        stream.seek(at)
        first = stream.read(1)
        return not first or is_map(first[0]) or array_header(first + b"\0" * 4)[0] is not None

    def _values(self, stream: IO[bytes], at: int, count: int | None) -> Generator[tuple[int, Any], None, int]:
        """So many values from byte `at` on (None: to the end of the file); returns where the last one ends."""
        stream.seek(at)
        unpacker = self._unpacker()
        left, given, begin = self.raw.size_bytes - at, 0, 0
        try:
            while count is None or given < count:
                begin = unpacker.tell()
                if count is None and begin == left:
                    break
                try:
                    value = unpacker.unpack()
                except msgpack.OutOfData:
                    self._feed(unpacker, stream, at + begin)
                    continue
                yield at + begin, value
                given += 1
        except msgpack.BufferFull as error:
            raise self._fault(at + begin, f"a record of more than {self.raw.limits.record_bytes} bytes") from error
        except (msgpack.StackError, RecursionError) as error:
            raise self._fault(at + begin, "nested too deep to be read") from error
        except (msgpack.FormatError, ValueError, OverflowError, MemoryError) as error:
            raise self._fault(at + begin, f"no MessagePack ({str(error) or type(error).__name__})") from error
        return at + int(unpacker.tell())

    def _feed(self, unpacker: msgpack.Unpacker, stream: IO[bytes], begin: int) -> None:
        chunk = stream.read(_CHUNK)
        if not chunk:
            raise self._fault(begin, "the file ends inside a value that begins here")
        unpacker.feed(chunk)

    def _fault(self, at: int, message: str) -> FormatError:
        return FormatError(f"{self.raw.uri}: byte {at}: {message}.", offset_bytes=at, hint=_HINT)

    def _unpacker(self) -> msgpack.Unpacker:
        limits = self.raw.limits
        # An item is a byte at least: a header that tells of more items than the file has bytes is no header.
        most = min(self.raw.size_bytes, limits.record_bytes // 8)
        return msgpack.Unpacker(
            raw=False,
            strict_map_key=False,
            unicode_errors="surrogateescape",
            object_pairs_hook=_object,
            ext_hook=self._extension,
            timestamp=0,
            max_buffer_size=limits.record_bytes + 2 * _CHUNK,
            max_str_len=limits.field_bytes,
            max_bin_len=limits.field_bytes,
            max_ext_len=limits.field_bytes,
            max_array_len=most,
            max_map_len=most,
        )

    def _extension(self, code: int, content: bytes) -> Extension:
        self.extensions.add(code)
        return Extension(content)


def array_header(head: bytes) -> tuple[int | None, int]:
    """How many items an array has and how long its header is; None where `head` begins with something else."""
    first = head[0] if head else 0
    if 0x90 <= first <= 0x9F:
        return first & 0x0F, 1
    if first == 0xDC and len(head) >= 3:
        return int.from_bytes(head[1:3], "big"), 3
    if first == 0xDD and len(head) >= 5:
        return int.from_bytes(head[1:5], "big"), 5
    return None, 0


def is_map(first: int) -> bool:
    return 0x80 <= first <= 0x8F or first in (0xDE, 0xDF)


def _object(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    try:
        found = dict(pairs)
        "".join(found)  # the quickest way to know that all keys are text
    except TypeError:
        return _named(pairs)
    return found if len(found) == len(pairs) else Ambiguous(pairs)


def _named(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    named = [(key if isinstance(key, str) else _key(key), value) for key, value in pairs]
    found = dict(named)
    return found if len(found) == len(named) else Ambiguous(named)


def _key(key: Any) -> str:
    """A key that is no string, as text; a list or map as a key has none that could be read back."""
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, bytes):
        # Older writers, and some languages, have names as bytes.
        text = key.decode("utf-8", "surrogateescape")
        return text if text.isprintable() and text else key.hex()
    if isinstance(key, (int, float)):
        return repr(key)
    raise ValueError("a key that is neither text nor a number")
