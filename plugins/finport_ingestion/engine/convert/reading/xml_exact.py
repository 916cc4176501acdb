"""Records of XML by a parser that builds the tree of one record after the other: always right, and not the fastest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading import sparse
from finport_ingestion.engine.convert.reading.sparse import Sparseness
from finport_ingestion.engine.convert.reading.xml_events import Element, XmlEvents, forget, local
from finport_ingestion.engine.convert.reading.xml_flatten import values_of
from finport_ingestion.engine.convert.reading.xml_gather import Columns, RowGatherer
from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_source import CHUNK_BYTES, open_text
from finport_ingestion.engine.errors import FormatError

_FLUSH_ROWS = 20_000
_FLUSH_BYTES = 32 << 20


@dataclass(slots=True)
class Exact:
    """A pass over one file."""

    raw: RawFile
    path: RecordPath
    columns: Columns
    skip: int = 0  # records that were read already
    size_bytes: int = 0  # of the file, that were told already
    _open: list[str] = field(default_factory=list)  # local names from the root
    _record: Element | None = None
    _start_bytes: int = 0
    _seen: int = 0

    def batches(self) -> Iterator[Batch]:
        """The records behind the skipped ones.

        Raises:
            FormatError: It is no well-formed XML.
        """
        with self.raw.open() as stream:
            text = open_text(stream, raw=self.raw, size=min(CHUNK_BYTES, max(self.raw.size_bytes, 1)))
            if text is None:
                return
            rows = RowGatherer(self.columns, Sparseness(self.raw.uri))
            events = XmlEvents(text, raw=self.raw)
            for kind, element in events:
                if kind == "start":
                    self._begin(element, events.fed_bytes)
                elif self._end(element, rows) and self._full(rows):
                    yield rows.batch(size_bytes=self._told(events.fed_bytes))
                elif self._record is not None:
                    self._bound(events.fed_bytes)
            if rows.count or self._seen == 0:
                yield rows.batch(size_bytes=self._told(events.fed_bytes))

    def _begin(self, element: Element, fed_bytes: int) -> None:
        self._open.append(local(element))
        if self._record is None and self.path.matches(self._open):
            self._record, self._start_bytes = element, fed_bytes

    def _end(self, element: Element, rows: RowGatherer) -> bool:
        """Whether a record ended, and was taken."""
        self._open.pop()
        if element is self._record:
            self._record = None
            self._seen += 1
            if self._seen > self.skip:
                rows.add(values_of(element, raw=self.raw))
            forget(element)
            return self._seen > self.skip
        if self._record is None:
            forget(element)
        return False

    def _full(self, rows: RowGatherer) -> bool:
        return rows.count >= _FLUSH_ROWS or rows.text_bytes >= _FLUSH_BYTES or rows.cells >= sparse.BATCH_CELLS

    def _told(self, fed_bytes: int) -> int:
        new, self.size_bytes = max(fed_bytes - self.size_bytes, 0), max(fed_bytes, self.size_bytes)
        return new

    def _bound(self, fed_bytes: int) -> None:
        if fed_bytes - self._start_bytes > self.raw.limits.record_bytes + CHUNK_BYTES:
            assert self._record is not None
            raise record_too_long(self.raw, f"line {self._record.sourceline}")


def record_too_long(raw: RawFile, place: str) -> FormatError:
    return FormatError(
        f"{raw.uri}: {place}: a record of more than {raw.limits.record_bytes} bytes.",
        hint="state 'records', the path of smaller ones, or raise 'recordBytes' of the policy's 'reading'",
    )
