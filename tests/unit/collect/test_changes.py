"""The ladder of change detection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from finport_ingestion.engine.collect.changes import unchanged_because
from finport_ingestion.engine.config.models.settings import ChangeSettings
from finport_ingestion.engine.dealing import deal
from finport_ingestion.engine.records import Fingerprint, SourceItem

THEN = datetime(2026, 3, 2, 18, tzinfo=UTC)
HASH = "a" * 64


def _known(**facts: object) -> Fingerprint:
    return Fingerprint(**{"item": "nav.csv", "sha256": HASH, **facts})  # type: ignore[arg-type]


def _item(**facts: object) -> SourceItem:
    return SourceItem(**{"id": "nav.csv", **facts})  # type: ignore[arg-type]


def _reason(item: SourceItem, known: Fingerprint | None, *, hours: float = 1, **settings: object) -> str | None:
    return unchanged_because(item, known, age=timedelta(hours=hours), settings=ChangeSettings.model_validate(settings))


def test_an_item_never_published_is_fetched() -> None:
    assert _reason(_item(etag='"1"'), None) is None


def test_the_same_etag_is_unchanged_and_another_is_not() -> None:
    assert _reason(_item(etag='"1"'), _known(etag='"1"')) == 'same ETag "1"'
    assert _reason(_item(etag='"2"', size_bytes=5), _known(etag='"1"', size_bytes=5)) is None


def test_an_etag_older_than_its_lifetime_is_not_believed() -> None:
    assert _reason(_item(etag='"1"'), _known(etag='"1"'), hours=25) is None


def test_the_same_time_with_another_size_is_fetched() -> None:
    assert _reason(_item(modified_at=THEN, size_bytes=5), _known(modified_at=THEN, size_bytes=6)) is None
    assert "not modified" in str(_reason(_item(modified_at=THEN, size_bytes=6), _known(modified_at=THEN, size_bytes=6)))


def test_the_same_size_alone_proves_nothing() -> None:
    assert _reason(_item(size_bytes=6), _known(size_bytes=6)) is None


def test_a_stated_sha256_decides() -> None:
    assert _reason(_item(checksum=f"sha256:{HASH}"), _known()) is not None
    assert _reason(_item(checksum="sha256:" + "b" * 64), _known()) is None


@pytest.mark.parametrize(("count", "unchanged"), [(1050, True), (950, True), (1051, False), (949, False)])
def test_a_record_count_is_asked_only_where_the_policy_says_so(count: int, unchanged: bool) -> None:
    item, known = _item(record_count=count), _known(record_count=1000)
    assert _reason(item, known) is None
    assert (_reason(item, known, detect=["recordCount"]) is not None) is unchanged


def test_work_is_dealt_evenly_and_the_same_every_time() -> None:
    assert deal([100, 1, 1, 98], batches=2) == [[0], [1, 2, 3]]
    assert deal([5], batches=4) == [[0]]
    assert sorted(index for batch in deal(list(range(50)), batches=7) for index in batch) == list(range(50))
