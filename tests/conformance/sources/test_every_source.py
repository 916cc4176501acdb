"""What holds for every source protocol, those that are added later included."""

from __future__ import annotations

import dataclasses
import gc
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psutil
import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    FinportError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import Replaces, SourceItem
from finport_ingestion.engine.sources.interface import ByteSource, RowSource
from finport_ingestion.engine.sources.registry import PROTOCOLS
from tests.conformance.sources.access import UNESCAPED_SECRET
from tests.conformance.sources.system import AnySource, System, system_of


@pytest.fixture(params=PROTOCOLS.names())
def system(request: pytest.FixtureRequest) -> System:
    """The system of one protocol."""
    return system_of(request.param, request)


def content(source: AnySource, item: SourceItem) -> Any:
    """What an item holds, in a form that can be compared."""
    if isinstance(source, RowSource):
        return pa.Table.from_batches(list(source.read(item)))
    return [(delivery.suffix, delivery.stream.read()) for delivery in source.open(item)]


def listed(source: AnySource) -> list[SourceItem]:
    return list(source.discover(None))


def sent_on(item: SourceItem) -> SourceItem:
    """The item as another process finds it in a listing."""
    fields = json.loads(json.dumps(dataclasses.asdict(item), default=datetime.isoformat))
    moment = fields["modified_at"]
    return SourceItem(**{**fields, "modified_at": datetime.fromisoformat(moment) if moment else None})


def every_use(source: AnySource) -> list[Callable[[], object]]:
    """The ways to contact a system."""
    return [source.check, lambda: listed(source)]


def test_a_source_gives_bytes_or_rows(system: System) -> None:
    source = system.source()
    assert isinstance(source, ByteSource) != isinstance(source, RowSource)


def test_items_come_in_one_order_under_names_of_their_own(system: System) -> None:
    source = system.source()
    items = listed(source)
    assert items
    assert items == listed(source) == listed(system.source())
    assert len({item.id for item in items}) == len(items)


def test_facts_can_be_written_down_and_compared(system: System) -> None:
    for item in listed(system.source()):
        assert sent_on(item) == item
        assert item.modified_at is None or item.modified_at.utcoffset() == timedelta(0)
        assert all(isinstance(text, str) for text in item.slice.values())
        counts = [count for count in (item.size_bytes, item.record_count) if count is not None]
        assert all(isinstance(count, int) and count >= 0 for count in counts)


def test_an_item_is_the_same_each_time_and_in_another_process(system: System) -> None:
    source = system.source()
    for item in listed(source):
        first = content(source, item)
        assert first == content(source, item)
        assert first == content(system.source(), sent_on(item))


def test_what_is_stated_is_what_comes(system: System) -> None:
    source = system.source()
    for item in listed(source):
        if isinstance(source, RowSource):
            batches = list(source.read(item))
            assert batches
            assert len({batch.schema for batch in batches}) == 1
            assert item.record_count in (None, sum(batch.num_rows for batch in batches))
        else:
            for delivery in source.open(item):
                assert delivery.size_bytes in (None, len(delivery.stream.read()))
                assert not delivery.suffix or delivery.suffix.startswith(".")


def test_all_items_of_a_run_have_one_schema(system: System) -> None:
    source = system.source()
    if not isinstance(source, RowSource):
        pytest.skip("bytes have no schema; their format gives them one")
    assert len({batch.schema for item in listed(source) for batch in source.read(item)}) == 1


def test_a_change_after_the_listing_is_noticed(system: System) -> None:
    source = system.source()
    item = listed(source)[0]
    system.change(item)
    with pytest.raises(SourceItemChanged) as raised:
        content(source, item)
    check_message(raised.value)
    again = listed(source)
    assert item not in again
    for each in again:
        content(source, each)


def test_an_item_that_is_gone_is_missing(system: System) -> None:
    source = system.source()
    item = listed(source)[0]
    system.remove(item)
    with pytest.raises(SourceItemMissing) as raised:
        content(source, item)
    check_message(raised.value)


def test_nobody_answers_is_an_error_that_is_tried_again(system: System) -> None:
    with system.unreachable() as source:
        for use in every_use(source):
            with pytest.raises(SourceUnavailable) as raised:
                use()
            check_message(raised.value)


def test_refused_credentials_are_an_error_for_a_person(system: System) -> None:
    with system.refused() as source:
        for use in every_use(source):
            with pytest.raises(AccessDenied) as raised:
                use()
            check_message(raised.value)


def test_a_check_is_one_sentence(system: System) -> None:
    said = system.source().check()
    assert said.startswith("prices: ")
    assert said.endswith(".")
    assert "\n" not in said


def test_a_first_publication_stands_in_for_what_was_there(system: System) -> None:
    assert system.source().replaces(None) in (Replaces.ITEMS, Replaces.SOURCE)


def test_what_is_opened_is_closed(system: System) -> None:
    source = system.source()
    item = listed(source)[0]
    content(source, item)
    with left_as_found():
        source.check()
        listed(source)
        content(source, item)
        abandoned: Any = source.read(item) if isinstance(source, RowSource) else source.open(item)
        next(abandoned)
        abandoned.close()
        with system.unreachable() as silent, pytest.raises(SourceUnavailable):
            silent.check()


def test_no_text_repeats_a_secret(system: System, caplog: pytest.LogCaptureFixture) -> None:
    texts: list[str] = []

    def tell(use: Callable[[], object]) -> None:
        try:
            texts.append(repr(use()))
        except FinportError as error:
            texts.extend(("".join(traceback.format_exception(error)), repr(error), str(error)))

    with caplog.at_level(logging.DEBUG):
        source = system.source()
        texts.append(repr(vars(source)))
        item = listed(source)[0]
        for use in (*every_use(source), lambda: content(source, item)):
            tell(use)
        for broken in (system.unreachable, system.refused):
            with broken() as failing:
                for use in every_use(failing):
                    tell(use)
                tell(partial(content, failing, item))
        system.remove(item)
        tell(lambda: content(source, item))
    # Neither as it is, nor as a URL or a form spells it.
    assert not [text for text in (*texts, caplog.text) if UNESCAPED_SECRET in text]


def check_message(error: FinportError) -> None:
    """Where, what, and the fix."""
    assert error.message.startswith("prices: ")
    assert error.hint


@contextmanager
def left_as_found() -> Iterator[None]:
    """Fails when this process holds more files and sockets at the end of the block than at its beginning."""
    gc.collect()
    process = psutil.Process()
    before = process.num_fds()
    yield
    # The tests' own web server is in this process, and closes its ends a moment later.
    until = time.monotonic() + 5
    while process.num_fds() > before and time.monotonic() < until:
        time.sleep(0.02)
    assert process.num_fds() <= before
