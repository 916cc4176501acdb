"""Which offsets of a topic a run takes: from where the last one ended to where the topic ends now.

No consumer group remembers anything: the place is ours, and moves in the transaction that publishes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from confluent_kafka import IsolationLevel, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import POSITIONS, SourceItem, Watermark
from finport_ingestion.engine.sources.kafka_topics.cluster import Cluster

FIELD = "offset"
PARTITION, FROM, TO, TOPIC_ID, BEGINS = "partition", "from", "to", "topicId", "begins"

Offsets = Mapping[int, int]
"""By partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a topic has been read: the next offset of each partition."""

    topic_id: str
    offsets: Offsets

    def watermark(self) -> Watermark:
        """As it is remembered; the same place is the same text."""
        value = {"id": self.topic_id, "offsets": {str(each): at for each, at in sorted(self.offsets.items())}}
        return Watermark(field=FIELD, value=json.dumps(value), type=POSITIONS)

    @staticmethod
    def of(watermark: Watermark) -> Place:
        """What `watermark` wrote."""
        value = json.loads(watermark.value)
        return Place(topic_id=value["id"], offsets={int(each): at for each, at in value["offsets"].items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicNow:
    """What a topic holds: offsets from `low` up to but without `high`."""

    topic_id: str
    low: Offsets
    high: Offsets


def topic_id_of(cluster: Cluster, admin: AdminClient) -> tuple[str, tuple[int, ...]]:
    """The id that a topic keeps as long as it lives, and its partitions. Raises SourceItemMissing."""
    (future,) = admin.describe_topics(TopicCollection([cluster.topic])).values()
    found = cluster.answer(future, admin)
    return str(found.topic_id), tuple(sorted(partition.id for partition in found.partitions))


def topic_now(cluster: Cluster, admin: AdminClient) -> TopicNow:
    """Its ends: the last offset below which every transaction is decided, not what is still being written."""
    topic_id, partitions = topic_id_of(cluster, admin)
    low = offsets_of(cluster, admin, _all(partitions, OffsetSpec.earliest()))  # type: ignore[no-untyped-call]
    high = offsets_of(cluster, admin, _all(partitions, OffsetSpec.latest()))  # type: ignore[no-untyped-call]
    return TopicNow(topic_id=topic_id, low=low, high=high)


def offsets_of(cluster: Cluster, admin: AdminClient, asked: Mapping[int, OffsetSpec]) -> dict[int, int]:
    """The offsets that are asked for, by partition; -1 where there is none."""
    wanted = {TopicPartition(cluster.topic, partition): spec for partition, spec in asked.items()}
    futures = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED)
    return {where.partition: cluster.answer(future, admin).offset for where, future in futures.items()}


def _all(partitions: Iterable[int], spec: Any) -> dict[int, OffsetSpec]:
    return dict.fromkeys(partitions, spec)


def first_place(cluster: Cluster, admin: AdminClient, now: TopicNow, start: str) -> Offsets:
    """Where the first run begins: `earliest`, `latest`, or at the first message of a moment."""
    if start == "earliest":
        return now.low
    if start == "latest":
        return now.high
    moment = datetime.fromisoformat(start)
    milliseconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    found = offsets_of(cluster, admin, _all(now.low, OffsetSpec.for_timestamp(milliseconds)))
    # No message is that young yet: what comes next is.
    return {partition: at if at >= 0 else now.high[partition] for partition, at in found.items()}


def next_place(place: Place, now: TopicNow, *, lost: Literal["fail", "skip"], what: str) -> dict[int, int]:
    """Where the next run begins; a partition that is new begins at its beginning.

    Raises:
        PermanentError: It is another topic of the same name, or offsets were removed before they were read.
    """
    if place.topic_id != now.topic_id:
        raise PermanentError(
            f"{what} was deleted and made anew since it was read; its offsets mean something else now.",
            hint="begin anew with 'finport reset'",
        )
    begins = {partition: place.offsets.get(partition, low) for partition, low in now.low.items()}
    for partition, at in begins.items():
        if at > now.high[partition]:
            raise PermanentError(
                f"{what}, partition {partition} was read up to offset {at}, but ends at {now.high[partition]}: a broker"
                " has lost messages.",
                hint="ask who runs the cluster; then begin anew with 'finport reset'",
            )
        if at < now.low[partition] and lost == "fail":
            raise PermanentError(
                f"{what}, partition {partition}: offsets {at} to {now.low[partition] - 1} were removed before they were"
                " read.",
                hint="let the topic keep more, or run more often; to go on without them state 'lost: skip'",
            )
    return {partition: max(at, now.low[partition]) for partition, at in begins.items()}


def items(topic: str, begins: Offsets, now: TopicNow, *, most: int, always: bool) -> Iterator[SourceItem]:
    """Ranges of at most `most` offsets, by partition.

    Args:
        always: Give an item even if there is nothing to read: it carries where the next run begins.
    """
    shared = {TOPIC_ID: now.topic_id, BEGINS: json.dumps({str(each): at for each, at in sorted(begins.items())})}
    ranges = [
        (partition, at, min(at + most, now.high[partition]))
        for partition, begin in sorted(begins.items())
        for at in range(begin, now.high[partition], most)
    ]
    if not ranges and always:
        partition, at = min(begins.items())
        ranges = [(partition, at, at)]
    for partition, begin, end in ranges:
        part = {PARTITION: str(partition), FROM: str(begin), TO: str(end), **shared}
        yield SourceItem(id=f"{topic}/{partition}/{begin}-{end}", slice=part)


def place_after(taken: Sequence[SourceItem] | Iterable[SourceItem]) -> Place | None:
    """Where the topic stands once these items are published, which are the first of a listing or all of it."""
    place: dict[int, int] = {}
    topic_id = ""
    for item in taken:
        topic_id = item.slice[TOPIC_ID]
        place = place or {int(each): at for each, at in json.loads(item.slice[BEGINS]).items()}
        place[int(item.slice[PARTITION])] = int(item.slice[TO])
    return Place(topic_id=topic_id, offsets=place) if place else None
