"""Windows of fixed-width records as Arrow arrays, by line ends or by a stated length, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.fixed_layout import Layout
from finport_ingestion.engine.convert.reading.transcoding import CHUNK_BYTES, Encoding, utf8_chunks
from finport_ingestion.engine.errors import FormatError

_NEWLINE = 10
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Window:
    """Some records in a row."""

    lines: pa.BinaryArray
    first_line: int  # number of the first one, 1-based
    size_bytes: int
    head: bytes  # the first bytes of it
    with_ends: bool = False  # each has a newline as its last byte: all are longer than the layout
    cut: bool = False  # the last line has no end

    @property
    def stop_line(self) -> int:
        return self.first_line + len(self.lines)

    @staticmethod
    def of_lines(content: bytes, first_line: int, *, end: int) -> Window:
        """Whole lines; LF, CRLF, or CR alone where there is no LF."""
        text = _with_newlines(content)
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE)
        offsets = np.zeros(len(ends) + 1, np.int32)
        offsets[1:] = ends + 1
        whole = _array(text, offsets)
        # Where every line reaches the end of the layout, its newline is in no column: that saves a copy.
        with_ends = len(ends) > 0 and text.isascii() and int(np.diff(offsets).min()) > end
        lines = whole if with_ends or not len(whole) else pc.binary_slice(whole, 0, -1)
        return Window(lines, first_line, len(content), content[:_HEAD], with_ends)

    @staticmethod
    def of_blocks(content: bytes, size: int, first_line: int) -> Window:
        """Records of `size` bytes each; the last one may be shorter."""
        offsets = np.append(np.arange(0, len(content), size), len(content)).astype(np.int32)
        return Window(_array(content, offsets), first_line, len(content), content[:_HEAD])

    @staticmethod
    def of_characters(text: str, size: int, first_line: int) -> Window:
        records = [text[at : at + size].encode() for at in range(0, len(text), size)]
        content = b"".join(records)
        return Window(pa.array(records, pa.binary()), first_line, len(content), content[:_HEAD])


def windows(raw: RawFile, layout: Layout, encoding: Encoding, *, codec: str | None) -> Iterator[Window]:
    """All records of `raw`; bytes as they stand where `codec` is given, else UTF-8.

    Raises:
        FormatError: A line is longer than the limit, or a file without line ends is cut inside of a record.
    """
    with raw.open() as stream:
        chunks = iter(lambda: stream.read(CHUNK_BYTES), b"") if codec else utf8_chunks(stream, encoding, uri=raw.uri)
        if layout.record_length:
            yield from _blocks(raw, layout, chunks, in_bytes=layout.in_bytes)
        else:
            yield from _lines(raw, chunks, end=layout.end)


def _lines(raw: RawFile, chunks: Iterator[bytes], *, end: int) -> Iterator[Window]:
    rest, number = b"", 1
    for chunk in chunks:
        cut = chunk.rfind(b"\n") + 1
        if cut:
            # What is left of a chunk has no LF, so that this is the last one; and it is copied once.
            content, rest = b"".join((rest, memoryview(chunk)[:cut])), chunk[cut:]
        else:
            content = rest + chunk
            # A CR as the last byte may be half of CRLF.
            cut = content.rfind(b"\r", 0, max(len(content) - 1, 0)) + 1
            content, rest = content[:cut], content[cut:]
        if len(rest) > raw.limits.record_bytes:
            raise FormatError(
                f"{raw.uri}: line {number}: longer than {raw.limits.record_bytes} bytes.",
                hint="state 'recordLength' where the file has no line ends",
            )
        if content:
            window = Window.of_lines(content, number, end=end)
            yield window
            number = window.stop_line
    rest = rest.rstrip(b"\x1a")  # the mark of the end of a file, of DOS
    if rest:
        yield replace(Window.of_lines(rest, number, end=end), cut=not rest.endswith(b"\r"))


def _blocks(raw: RawFile, layout: Layout, chunks: Iterator[bytes], *, in_bytes: bool) -> Iterator[Window]:
    size, number, rest = layout.record_length or 1, 1, b""
    for chunk in chunks:
        content = rest + chunk
        if number == 1 and content[size : size + 2].lstrip(b"\r")[:1] == b"\n":
            raise FormatError(
                f"{raw.uri}: byte {size}: a line end behind the first record.",
                offset_bytes=size,
                hint="leave 'recordLength' out: it is for files without line ends",
            )
        if in_bytes or content.isascii():
            whole = len(content) // size * size
            window = Window.of_blocks(content[:whole], size, number)
            rest = content[whole:]
        else:
            text, rest = _characters(content)
            whole = len(text) // size * size
            window = Window.of_characters(text[:whole], size, number)
            rest = text[whole:].encode() + rest
        if len(window.lines):
            yield window
            number = window.stop_line
    left = rest.rstrip(b"\r\n\x1a")
    if left:
        raise FormatError(
            f"{raw.uri}: record {number}: the file ends inside of it ({len(left)} of {size}).",
            hint="ask for the file again: it is cut, or correct 'recordLength'",
        )


def _characters(content: bytes) -> tuple[str, bytes]:
    """The text up to a character that the chunk cuts, and the bytes of that one; broken bytes stand as surrogates."""
    for size in range(len(content), max(len(content) - 4, 0), -1):
        try:
            return content[:size].decode(), content[size:]
        except UnicodeDecodeError as error:
            if error.end < size:
                break
    return content.decode("utf-8", "replace"), b""


def _with_newlines(content: bytes) -> bytes:
    if b"\r" in content:
        newline = b"\n" if b"\n" in content else b"\r"
        content = content.replace(b"\r\n", b"\n") if newline == b"\n" else content.replace(b"\r", b"\n")
    return content if content.endswith(b"\n") or not content else content + b"\n"


def _array(content: bytes, offsets: np.ndarray) -> pa.BinaryArray:
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)
