"""Of items, a stand-in brings only what the other source has not published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import ByteSource, Delivery, RowSource, Span
from finport_ingestion.engine.sources.stand_in import only_new

MONDAY, TUESDAY = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)


class _Files:
    Options = None

    def check(self) -> str:
        return "there"

    def replaces(self, after: Watermark | None) -> Replaces:
        return Replaces.ITEMS

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        yield SourceItem(id="known", modified_at=TUESDAY)
        yield SourceItem(id="old", modified_at=MONDAY)
        yield SourceItem(id="new", modified_at=TUESDAY)
        yield SourceItem(id="without a time")

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        yield from ()


class _Rows(_Files):
    open = None  # type: ignore[assignment]

    def read(self, item: SourceItem) -> Iterator[object]:
        yield from ()


def test_known_and_older_items_are_left_out() -> None:
    source = only_new(_Files(), known=("known",), after=MONDAY.isoformat())
    assert [item.id for item in source.discover(None)] == ["new", "without a time"]


def test_it_is_of_the_sort_that_it_was() -> None:
    of_bytes = only_new(_Files(), known=("known",), after=None)
    assert isinstance(of_bytes, ByteSource)
    assert not isinstance(of_bytes, RowSource)
    assert isinstance(only_new(_Rows(), known=("known",), after=None), RowSource)  # type: ignore[arg-type]
