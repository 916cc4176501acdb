"""A source that stands in for another: of items, only those that the other has not published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.sources.interface import ByteSource, Delivery, RowSource, Span

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.records import SourceItem, Watermark


class _NewItems:
    """What both sorts have in common; the source itself does the work."""

    Options: Any = None

    def __init__(self, source: Any, *, known: tuple[str, ...], after: str | None) -> None:
        self._source = source
        self._known = frozenset(known)
        self._after = datetime.fromisoformat(after) if after else None

    def check(self) -> str:
        told: str = self._source.check()
        return told

    def replaces(self, after: Watermark | None) -> Replaces:
        replaces: Replaces = self._source.replaces(after)
        return replaces

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """Without what is published under the same id, and without what is older than the last publication."""
        for item in self._source.discover(after):
            old = self._after is not None and item.modified_at is not None and item.modified_at <= self._after
            if item.id not in self._known and not old:
                yield item


class NewBytes(_NewItems):
    """Of a ByteSource."""

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        yield from self._source.open(item, span)


class NewRows(_NewItems):
    """Of a RowSource."""

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        yield from self._source.read(item)


def only_new(source: ByteSource | RowSource, *, known: tuple[str, ...], after: str | None) -> ByteSource | RowSource:
    """`source` without what the one that it stands in for has published."""
    if isinstance(source, RowSource):
        return NewRows(source, known=known, after=after)
    return NewBytes(source, known=known, after=after)
