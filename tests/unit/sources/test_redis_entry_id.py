"""Ids of entries: their order, their time, and where reading begins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from finport_ingestion.engine.sources.redis_values.entry_id import ZERO, EntryId

LAST = (1 << 64) - 1


def test_ids_are_ordered_as_numbers_and_not_as_text() -> None:
    spelled = ["9-1", "10-0", "10-9", "10-10", b"100-0"]
    ids = [EntryId.of(text) for text in spelled]
    assert ids == sorted(ids)
    assert str(ids[3]) == "10-10"


def test_an_id_without_its_second_number_is_the_first_of_its_time() -> None:
    assert EntryId.of("5") == EntryId(5, 0)


@pytest.mark.parametrize(
    ("text", "before"),
    [("5-3", EntryId(5, 2)), ("5-0", EntryId(4, LAST)), ("5", EntryId(4, LAST)), ("0-1", ZERO), ("0-0", ZERO)],
)
def test_reading_begins_behind_the_id_before_the_stated_one(text: str, before: EntryId) -> None:
    assert EntryId.starting(text) == before


def test_a_moment_is_the_first_id_of_its_millisecond() -> None:
    assert EntryId.starting("1970-01-01T00:00:00.005Z") == EntryId(4, LAST)
    assert EntryId.starting("1970-01-01T00:00:01") == EntryId(999, LAST)


@pytest.mark.parametrize("text", ["", "soon", "5-x", "1-2-3"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        EntryId.starting(text)


def test_the_time_of_an_id_is_told_only_where_it_is_one() -> None:
    assert EntryId.of("1704164645678-7").moment() == datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert EntryId(LAST, 0).moment() is None
