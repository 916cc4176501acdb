"""What file systems of others state of a file, however they spell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from finport_ingestion.engine.sources.foreign.facts import facts_of

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "stated",
    [
        {"mtime": MOMENT.timestamp()},
        {"modificationTime": MOMENT.timestamp() * 1000},
        {"LastModified": MOMENT},
        {"last_modified": MOMENT.astimezone(timezone(timedelta(hours=2)))},
        {"modified": MOMENT.replace(tzinfo=None)},
        {"updated": "2024-01-02T03:04:05Z"},
        {"mtime": "whenever", "created": MOMENT},
    ],
)
def test_the_time_is_found_and_told_in_utc(stated: dict[str, Any]) -> None:
    found = facts_of("a.csv", stated).modified_at
    assert found == MOMENT
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "stated", [{}, {"mtime": None}, {"mtime": "yesterday"}, {"mtime": 1e30}, {"mtime": float("nan")}]
)
def test_a_time_that_is_not_stated_is_not_guessed(stated: dict[str, Any]) -> None:
    assert facts_of("a.csv", stated).modified_at is None


@pytest.mark.parametrize(
    ("stated", "etag"), [({"ETag": '"1"'}, '"1"'), ({"sha": "ab"}, "ab"), ({"CRC": 7}, "7"), ({}, None)]
)
def test_what_tells_versions_apart_is_found(stated: dict[str, Any], etag: str | None) -> None:
    assert facts_of("a.csv", stated).etag == etag


def test_a_size_is_a_number_or_not_known() -> None:
    assert facts_of("a.csv", {"size": 3}).size_bytes == 3
    assert facts_of("a.csv", {"size": None}).size_bytes is None
