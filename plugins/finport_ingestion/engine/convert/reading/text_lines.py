"""A text file line by line, in bounded memory, with numbers and byte offsets for messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.transcoding import Encoding, find_encoding, utf8_chunks, visible
from finport_ingestion.engine.errors import FormatError


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end."""

    number: int  # 1-based
    offset: int  # of its first byte, in the file as UTF-8
    text: str  # bytes that are not of the encoding stand as \\xNN
    size_bytes: int  # with its end
    end: str = "\n"  # the file's last line may have none
    broken: bool = False  # it has bytes that are not of the encoding

    @property
    def place(self) -> str:
        return f"line {self.number}, byte {self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A file, what it is expected to be, and the encoding that its document states."""

    raw: RawFile
    expected: str  # "a BAI2 file"
    declared: str | None = None

    def encoding(self) -> Encoding:
        with self.raw.open() as stream:
            return find_encoding(stream, declared=self.declared)

    def lines(self) -> Iterator[Line]:
        """Every line, blank ones too.

        Raises:
            FormatError: It begins as another kind of file does, or a line is longer than the limit.
        """
        number, offset = 0, 0
        for content in self._whole_lines():
            for piece in content.splitlines(keepends=True):
                number += 1
                yield _line(piece, number, offset)
                offset += len(piece)

    def text(self) -> str:
        """The whole file as text.

        Raises:
            FormatError: It begins as another kind of file does, or is larger than the limit.
        """
        self.raw.refuse_if_larger_than_memory()
        return visible(b"".join(self._chunks()))

    def _whole_lines(self) -> Iterator[bytes]:
        rest = b""
        for chunk in self._chunks():
            content = rest + chunk
            end = content.rfind(b"\n") + 1
            if not end:
                # A lone CR may be half of CRLF while it is the last byte.
                end = content.rfind(b"\r", 0, max(len(content) - 1, 0)) + 1
            content, rest = content[:end], content[end:]
            if len(rest) > self.raw.limits.record_bytes:
                raise FormatError(
                    f"{self.raw.uri}: a line longer than {self.raw.limits.record_bytes} bytes.",
                    hint="raise 'recordBytes' of the policy's 'reading' where such lines are right",
                )
            yield content
        yield rest

    def _chunks(self) -> Iterator[bytes]:
        with self.raw.open() as stream:
            refuse_signature(stream, raw=self.raw, expected=self.expected)
            encoding = find_encoding(stream, declared=self.declared)
            first = True
            for chunk in utf8_chunks(stream, encoding, uri=self.raw.uri):
                if first:
                    refuse_foreign(chunk, raw=self.raw, expected=self.expected)
                first = False
                yield chunk


def _line(piece: bytes, number: int, offset: int) -> Line:
    bare = piece.rstrip(b"\r\n")
    end = piece[len(bare) :].decode()
    try:
        return Line(number, offset, bare.decode(), len(piece), end)
    except UnicodeDecodeError:
        return Line(number, offset, visible(bare), len(piece), end, broken=True)
