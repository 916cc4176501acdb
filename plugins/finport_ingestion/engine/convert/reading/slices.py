"""The beginning, middle and end of a file, to guess types from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.transcoding import Encoding, utf8_chunks


def slices(stream: IO[bytes], encoding: Encoding, *, raw: RawFile, size_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """UTF-8 text from up to three places of `raw`, and whether it is the beginning. Ends are cut anywhere but the last.

    A file that is not much larger than what is asked for is given whole.
    """
    if raw.size_bytes <= 3 * size_bytes:
        yield b"".join(utf8_chunks(stream, encoding, uri=raw.uri)), True
        return
    yield _whole_lines(next(utf8_chunks(stream, encoding, uri=raw.uri, size=size_bytes), b"")), True
    if not encoding.seekable:
        return
    for start in (raw.size_bytes // 2, raw.size_bytes - size_bytes):
        stream.seek(start)
        content = stream.read(size_bytes)
        text = content if encoding.is_utf8 else content.decode(encoding.name, "replace").encode()
        yield _whole_lines(text), False


def _whole_lines(content: bytes) -> bytes:
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    return content[:end] if end else content
