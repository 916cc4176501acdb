"""What every storage promises about taking back, and about expiry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from finport_ingestion.engine.errors import PermanentError, SourceItemMissing
from finport_ingestion.engine.records import Replaces
from tests.clocks import LaterClock
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries, contents, price, values

FIRST, SECOND, THIRD = (price("AAPL", 5, f"{close}.0000") for close in (1, 2, 3))
OTHER, MORE = price("MSFT", 5, "9.0000"), price("IBM", 5, "7.0000")
NEXT_MONTH = LaterClock(timedelta(days=31))


def test_taking_back_restores_what_was_replaced_and_may_be_repeated(
    maker: StorageMaker, deliveries: Deliveries
) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST], "b": [OTHER]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))

    assert storage.retract("exchange", "run-2")
    assert contents(storage) == values(FIRST, OTHER)
    assert not storage.retract("exchange", "run-2")
    assert not storage.retract("exchange", "run-3")
    assert storage.find("run-2", "exchange") is None
    assert [found.run_id for found in storage.publications()] == ["run-1"]


def test_taking_back_the_first_publication_leaves_nothing(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST]}))

    assert storage.retract("exchange", "run-1")

    assert contents(storage) == []
    assert storage.publications() == []


def test_taking_back_leaves_later_publications_of_other_sources_alone(
    maker: StorageMaker, deliveries: Deliveries
) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))
    for number in range(3, 6):
        rows = {f"file-{number}": [price("TSLA", number, "5.0000")]}
        storage.publish(deliveries.request(rows, source="vendor", run=f"run-{number}"))

    assert storage.retract("exchange", "run-2")

    assert contents(storage) == values(FIRST, *(price("TSLA", number, "5.0000") for number in range(3, 6)))


def test_what_was_taken_back_can_be_published_again_by_the_same_run(
    maker: StorageMaker, deliveries: Deliveries
) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST]}))
    storage.retract("exchange", "run-1")

    published = storage.publish(deliveries.request({"a": [FIRST]}))

    assert not published.already_there
    assert contents(storage) == values(FIRST)


def test_taking_back_a_delivery_that_was_replaced_since_changes_only_what_it_would_restore(
    maker: StorageMaker, deliveries: Deliveries
) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST], "b": [OTHER]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2", replaces=Replaces.SOURCE))
    storage.publish(deliveries.request({"a": [THIRD]}, run="run-3"))

    storage.retract("exchange", "run-2")
    assert contents(storage) == values(THIRD, OTHER)

    storage.retract("exchange", "run-3")
    assert contents(storage) == values(FIRST, OTHER)


def test_taking_back_an_increment_moves_the_watermark_back(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"q": [FIRST]}, replaces=Replaces.NOTHING, watermark="5"))
    increment = deliveries.request({"q": [OTHER]}, run="run-2", replaces=Replaces.NOTHING, watermark="6", based_on="5")
    storage.publish(increment)

    storage.retract("exchange", "run-2")

    mark = storage.watermark("exchange")
    assert mark is not None
    assert mark.value == "5"
    assert not storage.publish(increment).already_there
    assert contents(storage) == values(FIRST, OTHER)


def test_an_increment_that_another_one_continued_is_not_taken_back(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"q": [FIRST]}, replaces=Replaces.NOTHING, watermark="5"))
    storage.publish(
        deliveries.request({"q": [OTHER]}, run="run-2", replaces=Replaces.NOTHING, watermark="6", based_on="5")
    )

    with pytest.raises(PermanentError, match="run-2"):
        storage.retract("exchange", "run-1")

    assert contents(storage) == values(FIRST, OTHER)


def test_a_run_that_published_twice_is_taken_back_whole(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))
    storage.publish(deliveries.request({"a": [THIRD], "b": [OTHER]}, run="run-2"))

    storage.retract("exchange", "run-2")

    assert contents(storage) == values(FIRST)


def test_nothing_young_expires(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [FIRST]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))

    expired = storage.expire(datetime.now(UTC) - timedelta(days=30))

    assert (expired.snapshots, expired.files, expired.rows) == (0, 0, 0)
    assert storage.retract("exchange", "run-2")
    assert contents(storage) == values(FIRST)


def test_expiry_keeps_the_current_state_and_what_the_ledger_needs(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open(clock=NEXT_MONTH)
    storage.publish(deliveries.request({"a": [FIRST], "b": [OTHER]}, watermark="5"))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))
    storage.publish(deliveries.request({"a": [MORE]}, source="vendor", run="run-3"))

    would = storage.expire(NEXT_MONTH.now(), dry_run=True)
    assert storage.expire(NEXT_MONTH.now()) == would
    assert would.snapshots or would.rows

    assert contents(storage) == values(SECOND, OTHER, MORE)
    current = {(found.source, item.item) for found in storage.publications() for item in found.items}
    assert current == {("exchange", "a"), ("exchange", "b"), ("vendor", "a")}
    mark = storage.watermark("exchange")
    assert mark is not None
    assert mark.value == "5"
    assert storage.publish(deliveries.request({"b": [OTHER]}, run="run-4")).already_there
    again = storage.expire(NEXT_MONTH.now())
    assert (again.snapshots, again.files, again.rows) == (0, 0, 0)


def test_what_has_expired_is_not_taken_back(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open(clock=NEXT_MONTH)
    storage.publish(deliveries.request({"a": [FIRST]}))
    storage.publish(deliveries.request({"a": [SECOND]}, run="run-2"))
    storage.expire(NEXT_MONTH.now())

    with pytest.raises(PermanentError, match="expired"):
        storage.retract("exchange", "run-2")

    assert contents(storage) == values(SECOND)


def test_a_dataset_that_was_never_published_is_named(maker: StorageMaker) -> None:
    storage = maker.open(dataset="nothing-here")

    assert storage.publications() == []
    assert storage.watermark("exchange") is None
    assert not storage.retract("exchange", "run-1")
    assert storage.expire(datetime.now(UTC)).snapshots == 0
    with pytest.raises(SourceItemMissing, match="nothing-here"):
        storage.read()
