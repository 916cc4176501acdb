"""One JSON value a line, streamed: a line that is not JSON costs itself only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.json_records import BatchMaker
from finport_ingestion.engine.convert.reading.json_texts import DECODER
from finport_ingestion.engine.convert.reading.sparse import Sparseness
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, utf8_chunks, visible
from finport_ingestion.engine.convert.reading.windows import joined
from finport_ingestion.engine.errors import FormatError


def read_lines(raw: RawFile) -> Iterator[Batch]:
    """Every record of `raw`, in order.

    Raises:
        FormatError: It is empty, or no line of its beginning is JSON.
    """
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="JSON lines")
        encoding = find_encoding(stream, declared=None)
        parser = Lines(raw=raw, offset=encoding.bom_bytes)
        rest = b""
        for piece, final in joined(utf8_chunks(stream, encoding, uri=raw.uri)):
            content = rest + piece
            end = len(content) if final else content.rfind(b"\n") + 1
            content, rest = content[:end], content[end:]
            if len(rest) > raw.limits.record_bytes:
                raise FormatError(
                    f"{raw.uri}: line {parser.line + 1}: longer than {raw.limits.record_bytes} bytes.",
                    offset_bytes=parser.offset,
                    hint="raise 'recordBytes' of the policy's 'reading' if such a record is right",
                )
            if content:
                yield from parser.take(content)
        parser.finish()


@dataclass(slots=True)
class Lines:
    """Where a pass over one file stands."""

    raw: RawFile
    offset: int = 0
    line: int = 0
    row: int = 0
    good: int = 0
    maker: BatchMaker = field(init=False)

    def __post_init__(self) -> None:
        self.maker = BatchMaker(limits=self.raw.limits, sparse=Sparseness(self.raw.uri))

    def take(self, content: bytes) -> Iterator[Batch]:
        """The records of some whole lines: a batch, or some more where they have many columns.

        Raises:
            FormatError: These are the first lines, and none of them is JSON.
        """
        if self.row == 0:
            refuse_foreign(content, raw=self.raw, expected="JSON lines")
        for text in content.splitlines(keepends=True) if b"\r" in content else content.split(b"\n"):
            self._line(text)
            if self.maker.full:
                yield self.maker.batch(size_bytes=0)
        # What was split off at a newline had one, but for the last piece.
        self.offset += len(content) - content.endswith(b"\n")
        if self.row and not self.good:
            fault = self.maker.bad[0]
            raise FormatError(
                f"{self.raw.uri}: no line is a JSON object; {fault.reason}.",
                offset_bytes=0,
                hint="if the file is one JSON document, state 'format: json'; otherwise ask for it again",
            )
        yield self.maker.batch(size_bytes=len(content))

    def pass_over(self, *, rows: int, size_bytes: int) -> int:
        """Count records that another way has read, each on a line of its own; the number of the first of them."""
        first = self.row + 1
        self.row += rows
        self.good += rows
        self.line += rows
        self.offset += size_bytes
        return first

    def finish(self) -> None:
        if self.row == 0 and not self.raw.may_be_empty:
            what = "is empty" if self.raw.size_bytes == 0 else "holds only blank lines"
            raise FormatError(
                f"{self.raw.uri}: {what}.",
                offset_bytes=0,
                hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
            )

    def _line(self, line: bytes) -> None:
        self.line += 1
        stripped = line.strip()
        if not stripped:
            return
        self.row += 1
        place = f"line {self.line}"
        try:
            value = DECODER.decode(stripped.decode())
        except UnicodeDecodeError as error:
            self._reject("encoding", f"{place}, column {error.start + 1}: bytes that are not UTF-8", line)
        except RecursionError:
            self._reject("not_json", f"{place}: nested too deep", line)
        except ValueError as error:
            what = getattr(error, "msg", str(error))
            self._reject("not_json", f"{place}, column {getattr(error, 'colno', 1)}: {what}", line)
        else:
            self.good += 1
            self.maker.add(value, row=self.row, place=place, text=visible(stripped))

    def _reject(self, rule: str, reason: str, line: bytes) -> None:
        self.maker.reject(BadRecord(row=self.row, rule=rule, reason=reason, text=visible(line.strip())))
