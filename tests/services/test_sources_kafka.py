"""Kafka as a source: exact messages, bounded ranges, and the place behind them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from finport_ingestion.engine.errors import (
    PermanentError,
    SourceItemChanged,
)
from finport_ingestion.engine.records import Replaces
from tests.services.kafka_server import KafkaServer
from tests.services.kafka_source import rows, source, values


class TestMessages:
    def test_every_part_of_a_message_arrives_exactly(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        moment = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
        headers = [("trace", b"a"), ("trace", b"\xff"), ("empty", None)]
        kafka.write(topic, ['{"p": 1.10}'], key=b"\x00k", headers=headers, timestamp=int(moment.timestamp() * 1000))
        read = source(kafka, topic)
        (row,) = rows(read, list(read.discover(None)))
        assert row == {
            "topic": topic,
            "partition": 0,
            "offset": 0,
            "timestamp": moment,
            "timestamp_type": "create",
            "key": b"\x00k",
            "headers": '[{"name":"trace","value":"a"},{"name":"trace","base64":"/w=="},{"name":"empty","value":null}]',
            "value": '{"p": 1.10}',
            "undecoded": None,
            "problem": None,
        }

    def test_fields_of_json_are_columns_and_what_does_not_fit_is_told_beside_the_value(
        self, kafka: KafkaServer
    ) -> None:
        topic = kafka.create_topic()
        good = '{"price": 1.10, "at": "2024-01-02T03:04:05Z", "instrument": {"isin": "US0378331005"}}'
        kafka.write(topic, [good, '{"price": 1.123}', "{no JSON", b"\xff", None])
        fields = {"price": "decimal(18,2)", "at": "timestamp(UTC)", "instrument.isin": "identifier"}
        read = source(kafka, topic, fields=fields)
        found = rows(read, list(read.discover(None)))
        assert [row["value"] for row in found] == [good, '{"price": 1.123}', None, None, None]
        assert [row["undecoded"] for row in found] == [None, None, b"{no JSON", b"\xff", None]
        assert [row["problem"] for row in found] == [
            None,
            "price is no decimal(18,2)",
            "no JSON",
            "no text in UTF-8 at byte 0",
            None,
        ]
        assert [row["price"] for row in found] == [Decimal("1.10"), None, None, None, None]
        assert found[0]["instrument.isin"] == "US0378331005"
        assert found[0]["at"] == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)

    def test_bytes_stay_bytes(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, [b"\x00\xff"])
        read = source(kafka, topic, value="binary")
        (row,) = rows(read, list(read.discover(None)))
        assert row["value"] == b"\x00\xff"

    def test_only_committed_transactions_are_read_and_the_range_is_reached_all_the_same(
        self, kafka: KafkaServer
    ) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1", "2"])
        kafka.write(topic, ["3"] * 10, transaction="abort")
        kafka.write(topic, ["4"], transaction="commit")
        kafka.write(topic, ["5"] * 10, transaction="abort")
        read = source(kafka, topic)
        items = list(read.discover(None))
        assert values(read, items) == ["1", "2", "4"]
        # An undecided transaction ends the range before it.
        producer = kafka.write(topic, ["6"], transaction="open")
        kafka.write(topic, ["7"])
        place = read.reached(items)
        assert list(read.discover(place)) == []
        producer.commit_transaction(30)
        assert values(read, list(read.discover(place))) == ["6", "7"]

    def test_a_compacted_topic_is_read_over_its_gaps(self, kafka: KafkaServer) -> None:
        compacted = {
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0.01",
            "segment.ms": "100",
            "max.compaction.lag.ms": "1",
        }
        topic = kafka.create_topic(settings=compacted)
        until = time.monotonic() + 60
        for number in range(10_000):
            kafka.write(topic, [str(number)], key="one")
            read = source(kafka, topic)
            found = values(read, list(read.discover(None)))
            assert found[-1] == str(number)
            if len(found) <= number:
                return
            assert time.monotonic() < until, "nothing was compacted"
            time.sleep(0.2)

    def test_messages_behind_the_listed_end_wait_for_the_next_run(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1", "2"])
        read = source(kafka, topic)
        items = list(read.discover(None))
        kafka.write(topic, ["3"])
        assert values(read, items) == ["1", "2"]
        assert values(read, list(read.discover(read.reached(items)))) == ["3"]


class TestPlace:
    def test_ranges_are_dealt_and_a_part_of_them_is_a_place_too(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic(partitions=2)
        kafka.write(topic, [str(number) for number in range(7)], partition=0)
        kafka.write(topic, ["a"], partition=1)
        read = source(kafka, topic, messagesPerItem=3)
        items = list(read.discover(None))
        assert [item.id.removeprefix(topic) for item in items] == ["/0/0-3", "/0/3-6", "/0/6-7", "/1/0-1"]
        assert read.replaces(None) is Replaces.SOURCE
        # A limit of the run left the rest out.
        place = read.reached(items[:2])
        again = list(read.discover(place))
        assert [item.id.removeprefix(topic) for item in again] == ["/0/6-7", "/1/0-1"]
        assert read.replaces(place) is Replaces.NOTHING

    def test_a_partition_that_is_new_is_read_from_its_beginning(self, kafka: KafkaServer) -> None:
        from confluent_kafka.cimpl import NewPartitions

        topic = kafka.create_topic()
        kafka.write(topic, ["1"])
        read = source(kafka, topic)
        place = read.reached(list(read.discover(None)))
        admin = kafka.admin()
        admin.create_partitions([NewPartitions(topic, 2)])[topic].result(20)
        kafka.write(topic, ["2"], partition=1)
        assert values(read, list(read.discover(place))) == ["2"]

    def test_the_first_run_can_begin_at_a_moment(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic(partitions=2)
        for day in (1, 2, 3):
            milliseconds = int(datetime(2024, 1, day, tzinfo=UTC).timestamp() * 1000)
            kafka.write(topic, [str(day)], timestamp=milliseconds)
        read = source(kafka, topic, start="2024-01-02T00:00:00Z")
        items = list(read.discover(None))
        assert values(read, items) == ["2", "3"]
        later = source(kafka, topic, start="2030-01-01T00:00:00Z")
        (nothing,) = later.discover(None)
        assert values(later, [nothing]) == []
        kafka.write(topic, ["4"], partition=1)
        assert values(later, list(later.discover(later.reached([nothing])))) == ["4"]

    def test_removed_offsets_are_an_error_unless_the_document_says_otherwise(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1", "2"])
        read = source(kafka, topic)
        place = read.reached(list(read.discover(None)))
        kafka.write(topic, ["3", "4", "5"])
        kafka.delete_before(topic, 0, 4)
        with pytest.raises(PermanentError, match="offsets 2 to 3 were removed before they were read") as raised:
            list(read.discover(place))
        assert "lost: skip" in str(raised.value)
        skipping = source(kafka, topic, lost="skip")
        assert values(skipping, list(skipping.discover(place))) == ["5"]

    def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1"])
        read = source(kafka, topic)
        items = list(read.discover(None))
        kafka.delete_topic(topic)
        kafka.create_topic(name=topic)
        kafka.write(topic, ["other", "messages"])
        with pytest.raises(PermanentError, match="deleted and made anew"):
            list(read.discover(read.reached(items)))
        with pytest.raises(SourceItemChanged, match="deleted and made anew"):
            rows(read, items)

    def test_nothing_is_committed_to_a_consumer_group(self, kafka: KafkaServer) -> None:
        topic = kafka.create_topic()
        kafka.write(topic, ["1"])
        read = source(kafka, topic)
        rows(read, list(read.discover(None)))
        admin = kafka.admin()
        groups = admin.list_consumer_groups(request_timeout=20).result(20)
        assert [group.group_id for group in groups.valid] == []
