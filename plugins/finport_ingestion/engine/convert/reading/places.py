"""Where a pass over a file of lines stands: its bytes and lines so far."""

from __future__ import annotations

from dataclasses import dataclass

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.transcoding import CHUNK_BYTES
from finport_ingestion.engine.convert.reading.windows import Content


@dataclass(slots=True)
class Place:
    """The end of what was read of `raw`."""

    raw: RawFile
    bom_bytes: int = 0
    known: bool = False  # whether bytes of the text are bytes of the file
    offset: int = 0  # bytes of the text so far, as UTF-8
    _counted: int = 0  # bytes of the file whose lines are counted
    _line: int = 0  # physical lines in them

    def advance(self, content: Content | memoryview) -> None:
        """Leave some of the text behind."""
        self.offset += len(content)
        if not self.known:
            self._line += _line_ends(bytes(content))

    def advance_text(self, text: str) -> int:
        """The same; gives its bytes."""
        content = text.encode("utf-8", "surrogateescape")
        self.advance(content)
        return len(content)

    def byte(self, ahead: int) -> int | None:
        """The place in the file of what stands `ahead` bytes further; None where the text has other bytes."""
        return self.bom_bytes + self.offset + ahead if self.known else None

    def lines_before(self) -> int:
        """The physical lines so far. They are counted when somebody asks: most files have nothing to complain of."""
        end = self.bom_bytes + self.offset
        if not self.known or self._counted >= end:
            return self._line
        with self.raw.open() as stream:
            stream.seek(self._counted)
            while self._counted < end:
                content = stream.read(min(CHUNK_BYTES, end - self._counted))
                if not content:
                    break
                self._counted += len(content)
                self._line += _line_ends(content)
        return self._line


def _line_ends(content: bytes) -> int:
    return content.count(b"\n") or content.count(b"\r")
