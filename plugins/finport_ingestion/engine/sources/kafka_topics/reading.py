"""The messages of a range of one partition, as batches."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    Message,
    TopicPartition,
)

from finport_ingestion.engine.errors import SourceItemChanged, SourceUnavailable
from finport_ingestion.engine.logical import LogicalType, to_arrow
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.found.cells import JsonText, json_text
from finport_ingestion.engine.sources.kafka_topics import codes
from finport_ingestion.engine.sources.kafka_topics.cluster import Cluster
from finport_ingestion.engine.sources.kafka_topics.offsets import FROM, PARTITION, TO, TOPIC_ID, topic_id_of
from finport_ingestion.engine.sources.messages.content import Content

READING = {
    "group.id": "finport-ingestion",  # the client wants one; nothing is ever committed to it
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",  # an offset that is not there is told, not replaced by another
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "check.crcs": True,
    "queued.max.messages.kbytes": 65_536,
    "fetch.wait.max.ms": 100,
}
_COLUMNS = {
    "topic": LogicalType("text"),
    "partition": LogicalType("integer"),
    "offset": LogicalType("integer"),
    "timestamp": LogicalType("timestamp", time_zone="UTC"),
    "timestamp_type": LogicalType("text"),
    "key": LogicalType("binary"),
    "headers": LogicalType("json"),
}
_MOMENTS = {TIMESTAMP_CREATE_TIME: "create", TIMESTAMP_LOG_APPEND_TIME: "append"}
_POLL_SECONDS = 0.25
_AT_ONCE = 1_000


def columns(content: Content) -> dict[str, LogicalType]:
    """Those of a message, then those of its content."""
    return {**_COLUMNS, **content.columns()}


def read(cluster: Cluster, item: SourceItem, content: Content, *, rows: int) -> Iterator[pa.RecordBatch]:
    """At least one batch, maybe empty. Transactions that were aborted leave gaps; the end is reached by position.

    Raises:
        SourceItemChanged: Offsets of the range are gone, or it is another topic of the same name.
        SourceItemMissing: There is no such topic.
        SourceUnavailable: The messages do not come.
    """
    admin = cluster.admin()
    topic_id, _ = topic_id_of(cluster, admin)
    if topic_id != item.slice[TOPIC_ID]:
        raise _changed(cluster, "it was deleted and made anew")
    consumer = cluster.consumer(READING)
    messages = _messages(cluster, consumer, item)
    schema = pa.schema([(name, to_arrow(kind)) for name, kind in columns(content).items()])
    taken = list(islice(messages, rows))
    while True:
        yield _batch(taken, content, schema)
        taken = list(islice(messages, rows))
        if not taken:
            return


def _messages(cluster: Cluster, consumer: Consumer, item: SourceItem) -> Iterator[Message]:
    partition, start, stop = (int(item.slice[name]) for name in (PARTITION, FROM, TO))
    if start == stop:
        return
    consumer.assign([TopicPartition(cluster.topic, partition, start)])
    ended_at: int | None = None
    for message in _polled(cluster, consumer):
        if message is None:
            raise _silent(cluster, partition, ended_at, stop)
        offset = int(message.offset() or 0)
        if (error := message.error()) is not None:
            ended_at = _end_of(cluster, error, message)
            offset = ended_at - 1
        elif offset < stop:
            yield message
        if offset + 1 >= stop:
            return


def _polled(cluster: Cluster, consumer: Consumer) -> Iterator[Message | None]:
    """Messages and errors as they come; None after a while without a message."""
    patience = cluster.access.request_timeout_seconds
    until = time.monotonic() + patience
    while time.monotonic() < until:
        cluster.access.deadline.check()
        found = consumer.consume(_AT_ONCE, timeout=_POLL_SECONDS)
        cluster.raise_failure()
        if any(message.error() is None for message in found):
            until = time.monotonic() + patience
        yield from found
    yield None


def _end_of(cluster: Cluster, error: KafkaError, message: Message) -> int:
    """The offset at which the partition ends. Raises what the error stands for if it is not that."""
    code = error.code()
    if code == codes.END_OF_PARTITION:
        return int(message.offset() or 0)
    if code in (codes.NO_SUCH_OFFSET, KafkaError.OFFSET_OUT_OF_RANGE):
        raise _changed(cluster, f"offset {message.offset()} of partition {message.partition()} is not there any more")
    raise cluster.translated(error)


def _silent(cluster: Cluster, partition: int, ended_at: int | None, stop: int) -> Exception:
    if ended_at is None:
        return SourceUnavailable(
            f"{cluster.what}: partition {partition} gives no messages.", hint="try later; check its leader"
        )
    return _changed(cluster, f"partition {partition} ends at offset {ended_at}, and not at {stop} as was listed")


def _changed(cluster: Cluster, why: str) -> SourceItemChanged:
    return SourceItemChanged(f"{cluster.what}: {why}.", hint="the next try lists the topic anew")


def _batch(messages: Sequence[Message], content: Content, schema: pa.Schema) -> pa.RecordBatch:
    """Column by column, which is faster than row by row."""
    moments = [message.timestamp() for message in messages]
    contents = [content.read(_bytes(message.value())) for message in messages]
    stated: dict[str, list[Any]] = {
        "topic": [message.topic() for message in messages],
        "partition": [message.partition() for message in messages],
        "offset": [message.offset() for message in messages],
        "timestamp": [at * 1000 if kind in _MOMENTS else None for kind, at in moments],
        "timestamp_type": [_MOMENTS.get(kind) for kind, _ in moments],
        "key": [_bytes(message.key()) for message in messages],
        "headers": [_headers(message.headers()) for message in messages],
        **{name: [row.get(name) for row in contents] for name in schema.names[len(_COLUMNS) :]},
    }
    arrays = [pa.array(stated[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _headers(headers: Any) -> JsonText | None:
    """`[{"name": ..., "value": ...}]` in their order, a name as often as it came; `base64` of what is no text."""
    if not headers:
        return None
    return json_text([{"name": name, **_header(value)} for name, value in headers])


def _header(value: bytes | None) -> dict[str, str | None]:
    try:
        return {"value": None if value is None else value.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(value or b"").decode("ascii")}
