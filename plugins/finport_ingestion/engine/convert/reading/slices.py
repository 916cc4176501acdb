"""The beginning, the end and many places between them of a file, to guess types from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.transcoding import Encoding, utf8_chunks

_PLACES = 24


def slices(stream: IO[bytes], encoding: Encoding, *, raw: RawFile, size_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """UTF-8 text from all over `raw`, and whether it is the beginning. Ends are cut anywhere but the last.

    A file that is not much larger than what is asked for is given whole; of a larger one about 2.5 times that is read.
    """
    if raw.size_bytes <= 3 * size_bytes:
        yield b"".join(utf8_chunks(stream, encoding, uri=raw.uri)), True
        return
    end, size = size_bytes // 2, size_bytes * 3 // 2 // _PLACES
    yield _whole_lines(next(utf8_chunks(stream, encoding, uri=raw.uri, size=end), b"")), True
    if not encoding.seekable:
        return
    stride = (raw.size_bytes - 2 * end) // (_PLACES + 1)
    places = [(end + stride * number, size) for number in range(1, _PLACES + 1)]
    for start, length in (*places, (raw.size_bytes - end, end)):
        stream.seek(start)
        content = stream.read(length)
        text = content if encoding.is_utf8 else content.decode(encoding.name, "replace").encode()
        yield _whole_lines(text), False


def _whole_lines(content: bytes) -> bytes:
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    return content[:end] if end else content
